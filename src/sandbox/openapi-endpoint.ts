/** The platform's HTTP API as a bot sees it: token, gateway discovery, the bot itself, and sending. Each request meets the ordered faults first. */
import type { IncomingMessage } from 'node:http';
import { pause } from '../model/backoff.js';
import { type Attempt, readAttempt } from './attempt.js';
import type { Fault } from './faults.js';
import { openSession } from './open-session.js';
import type { Platform } from './platform.js';
import { accept, frontEndPage, type PlatformAnswer, refuse } from './refusals.js';
import { readBody } from './request-body.js';
import { sendMessage, sendRecord } from './send-message.js';
import { streamMessage, streamRecord } from './stream-message.js';
import { grantToken } from './token-endpoint.js';
import type { BotSend, BotStream, Scene } from './transcript.js';

interface Call {
  readonly platform: Platform;
  readonly body: string;
  readonly gatewayUrl: string;
  /** The send that this request is, where it is one. */
  readonly attempt: Attempt | undefined;
  readonly stop: AbortSignal;
}

/** How a send stands in the transcript. */
type SendRecorder = (
  attempt: Attempt,
  answer: PlatformAnswer | undefined,
  spoiled?: { fault: string; answer?: PlatformAnswer; burnt?: boolean },
) => BotSend | BotStream;

interface Route {
  readonly method: string;
  readonly path: RegExp;
  /** How the route is counted. */
  readonly name: string;
  readonly open?: true;
  readonly scene?: Scene['kind'];
  /** Its sends are pieces of a stream message. */
  readonly streams?: true;
  readonly answer: (call: Call) => PlatformAnswer | Promise<PlatformAnswer>;
}

const send = ({ platform, attempt }: Call): PlatformAnswer =>
  attempt === undefined ? refuse(404) : sendMessage(platform, attempt);

const stream = ({ platform, attempt }: Call): PlatformAnswer =>
  attempt === undefined ? refuse(404) : streamMessage(platform, attempt);

const ROUTES: readonly Route[] = [
  {
    method: 'POST',
    path: /^\/app\/getAppAccessToken$/,
    name: '/app/getAppAccessToken',
    open: true,
    answer: ({ platform, body, stop }) => grantToken(platform, body, stop),
  },
  {
    method: 'GET',
    path: /^\/gateway$/,
    name: '/gateway',
    answer: ({ gatewayUrl }) => accept({ url: `${gatewayUrl}/` }),
  },
  {
    method: 'GET',
    path: /^\/gateway\/bot$/,
    name: '/gateway/bot',
    answer: ({ gatewayUrl, platform }) =>
      accept({ url: gatewayUrl, shards: 1, session_start_limit: platform.starts.shown() }),
  },
  { method: 'GET', path: /^\/users\/@me$/, name: '/users/@me', answer: ({ platform }) => accept(platform.bot) },
  {
    method: 'POST',
    path: /^\/v2\/users\/([^/]+)\/messages$/,
    name: '/v2/users/*/messages',
    scene: 'c2c',
    answer: send,
  },
  {
    method: 'POST',
    path: /^\/v2\/users\/([^/]+)\/stream_messages$/,
    name: '/v2/users/*/stream_messages',
    scene: 'c2c',
    streams: true,
    answer: stream,
  },
  {
    method: 'POST',
    path: /^\/v2\/groups\/([^/]+)\/messages$/,
    name: '/v2/groups/*/messages',
    scene: 'group',
    answer: send,
  },
  {
    method: 'POST',
    path: /^\/channels\/([^/]+)\/messages$/,
    name: '/channels/*/messages',
    scene: 'channel',
    answer: send,
  },
  {
    method: 'POST',
    path: /^\/users\/@me\/dms$/,
    name: '/users/@me/dms',
    answer: ({ platform, body }) => openSession(platform, body),
  },
  { method: 'POST', path: /^\/dms\/([^/]+)\/messages$/, name: '/dms/*/messages', scene: 'dm', answer: send },
];

const BODY_LIMIT = 1024 * 1024;
const FAULT_TEXT = 'Bad Gateway';

/** @param gatewayUrl `ws://…/websocket`, once the port is known */
export function openapiEndpoint(platform: Platform, gatewayUrl: () => string, stop: AbortSignal) {
  return async (request: Request, incoming: IncomingMessage): Promise<Response> => {
    const { pathname } = new URL(request.url);
    const found = ROUTES.find((route) => route.path.test(pathname));
    platform.transcript.countRequest(`${request.method} ${found?.name ?? 'unknown path'}`);
    const body = await readBody(request, BODY_LIMIT);
    if (body === undefined) return toResponse(frontEndPage(413, 'Request Entity Too Large'));

    const route = found?.method === request.method ? found : undefined;
    const fault = platform.faults.takeRest(request.method, pathname);
    const attempt = readSend(route, pathname, body, fault?.hidden ?? false);
    const call: Call = { platform, body, gatewayUrl: gatewayUrl(), attempt, stop };
    const record: SendRecorder = (...about) =>
      route?.streams === true ? streamRecord(...about) : sendRecord(platform, ...about);
    const decide = async () =>
      refusedAtTheDoor(found, route, request, platform, incoming.socket.remoteAddress) ??
      (await route?.answer(call)) ??
      refuse(404);
    if (fault === undefined) {
      const answer = await decide();
      if (attempt !== undefined) platform.transcript.add(record(attempt, answer));
      return toResponse(answer);
    }
    platform.transcript.add({ kind: 'fault', fault: fault.id, what: `${request.method} ${pathname}` });
    return suffer(call, fault, decide, record, incoming);
  };
}

function readSend(route: Route | undefined, pathname: string, body: string, hidden: boolean): Attempt | undefined {
  const encoded = route?.path.exec(pathname)?.[1];
  if (route?.scene === undefined || encoded === undefined) return undefined;
  try {
    const attempt = readAttempt({ kind: route.scene, openid: decodeURIComponent(encoded) }, body);
    return hidden ? { ...attempt, hidden } : attempt;
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}

function refusedAtTheDoor(
  found: Route | undefined,
  route: Route | undefined,
  request: Request,
  platform: Platform,
  caller: string | undefined,
): PlatformAnswer | undefined {
  if (found === undefined) return refuse(404);
  if (route === undefined) return refuse(405);
  if (route.open === true) return undefined;
  const { ipWhitelist } = platform.settings;
  if (ipWhitelist.length > 0 && !ipWhitelist.includes(caller ?? '')) return refuse(11298);
  return refusedToken(request.headers.get('authorization'), platform);
}

/** `Authorization: QQBot <token>`, and nothing else. */
function refusedToken(header: string | null, platform: Platform): PlatformAnswer | undefined {
  if (header === null || header === '') return refuse(11241);
  const token = /^QQBot (\S+)$/.exec(header)?.[1];
  if (token === undefined) return refuse(11242);
  return platform.tokens.isValid(token) ? undefined : refuse(11244);
}

/** The request as a fault lets it happen: what comes before the platform acts, whether it acts, and what the caller sees of it. */
async function suffer(
  { platform, attempt, stop }: Call,
  fault: Fault<'rest'>,
  decide: () => Promise<PlatformAnswer>,
  record: SendRecorder,
  incoming: IncomingMessage,
): Promise<Response> {
  const instead = answerOf(fault);
  const actsFirst = fault.accept || fault.drop === 'after';
  const wait = async () => {
    if (fault.delay_ms !== undefined) await pause(fault.delay_ms, stop);
    if (fault.hold === true) await platform.faults.hold(fault);
  };
  if (!actsFirst) await wait();
  const acts = actsFirst || (instead === undefined && fault.drop === undefined);
  const answer = acts ? await decide() : undefined;
  const burnt = fault.burn && !acts && attempt?.reference !== undefined;
  if (burnt) platform.windows.take(attempt.reference, false);
  if (attempt !== undefined) {
    platform.transcript.add(
      record(attempt, answer, {
        fault: fault.id,
        burnt,
        ...(instead === undefined ? {} : { answer: instead }),
      }),
    );
  }
  if (actsFirst) await wait();
  if (fault.drop !== undefined) incoming.socket.resetAndDestroy();
  return toResponse(instead ?? answer ?? frontEndPage(502, FAULT_TEXT), fault.retry_after);
}

/** The answer that the fault puts in place of the platform's, if it does. */
function answerOf(fault: Fault<'rest'>): PlatformAnswer | undefined {
  if (fault.code !== undefined) return refuse(fault.code, fault.message, fault.status);
  if (fault.html !== undefined) return { ...frontEndPage(fault.status ?? 502, FAULT_TEXT), body: fault.html };
  if (fault.status === undefined && fault.body === undefined) return undefined;
  const status = fault.status ?? 200;
  if (fault.body === undefined) return frontEndPage(status, fault.message ?? 'Error');
  const body = typeof fault.body === 'string' ? fault.body : JSON.stringify(fault.body);
  return { ...accept({}), status, body };
}

function toResponse(answer: PlatformAnswer, retryAfter?: number): Response {
  const headers: { [name: string]: string } = { 'Content-Type': answer.contentType, 'X-Tps-trace-ID': answer.traceId };
  if (retryAfter !== undefined) headers['Retry-After'] = String(retryAfter);
  const bodiless = answer.status === 204 || answer.status === 205 || answer.status === 304;
  return new Response(bodiless ? null : answer.body, { status: answer.status, headers });
}
