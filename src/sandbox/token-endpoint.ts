/** `POST /app/getAppAccessToken`: app id and secret for a token. Refusals come with HTTP 200, as on the platform. */

import { pause } from '../model/backoff.js';
import type { Platform } from './platform.js';
import { accept, frontEndPage, type PlatformAnswer, refuse } from './refusals.js';

const BAD_CREDENTIALS = { code: 100016, message: 'invalid appid or secret' } as const;

export async function grantToken(platform: Platform, body: string, stop: AbortSignal): Promise<PlatformAnswer> {
  const fault = platform.faults.take('token');
  const spoiled = fault === undefined ? {} : { fault: fault.id };
  if (fault?.delay_ms !== undefined) await pause(fault.delay_ms, stop);
  if (fault?.html !== undefined) {
    platform.transcript.add({ kind: 'token', granted: false, ...spoiled });
    return { ...frontEndPage(fault.status ?? 502, 'Bad Gateway'), body: fault.html };
  }
  const refusal =
    fault?.code === undefined
      ? refusalOf(platform, body)
      : { code: fault.code, message: fault.message ?? 'request failed' };
  if (refusal !== undefined) {
    platform.transcript.add({ kind: 'token', granted: false, code: refusal.code, ...spoiled });
    return { ...refuse(refusal.code, refusal.message, fault?.status ?? 200), body: JSON.stringify(refusal) };
  }
  const grant = platform.tokens.grant(fault?.expires_in);
  platform.transcript.add({ kind: 'token', granted: true, ...spoiled });
  const answer = accept({
    ...(fault?.without_token === true ? {} : { access_token: grant.value }),
    expires_in: fault?.numeric === true ? grant.expiresIn : String(grant.expiresIn),
  });
  return { ...answer, status: fault?.status ?? 200 };
}

function refusalOf(platform: Platform, body: string) {
  let asked: unknown;
  try {
    asked = JSON.parse(body);
  } catch {
    return BAD_CREDENTIALS;
  }
  const { appId, clientSecret } = (typeof asked === 'object' && asked !== null ? asked : {}) as {
    appId?: unknown;
    clientSecret?: unknown;
  };
  return appId === platform.setup.appId && clientSecret === platform.setup.clientSecret ? undefined : BAD_CREDENTIALS;
}
