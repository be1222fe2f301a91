/** Asks the platform, step by step, whether an account could run: clock, token, gateway, session starts, profile, socket. */
import { type Dispatcher, request } from 'undici';
import WebSocket from 'ws';
import { DeliveryError, describeError, LoongError } from '../../model/errors.js';
import type { ProbeStep } from '../lane.js';
import type { AccessToken } from './access-token.js';
import type { OpenApiClient } from './openapi-client.js';

const LIMIT_MS = 10_000;
/** Signatures and windows live on clocks that agree. */
const SKEW_WARN_MS = 30_000;
const SKEW_FAIL_MS = 300_000;
/** So few session starts left are worth a warning. */
const FEW_STARTS = 50;

export interface ProbeOptions {
  readonly apiBaseUrl: string;
  readonly api: OpenApiClient;
  readonly token: AccessToken;
  readonly dispatcher: Dispatcher;
}

/** Every step that can still be asked is asked; without a token the later ones cannot. */
export async function probeQqbot(options: ProbeOptions, signal: AbortSignal): Promise<readonly ProbeStep[]> {
  const limited = AbortSignal.any([signal, AbortSignal.timeout(4 * LIMIT_MS)]);
  const steps: ProbeStep[] = [await probeClock(options, limited)];
  try {
    await options.token.get(limited);
    steps.push({ name: 'token', level: 'ok', detail: 'granted' });
  } catch (error) {
    return [...steps, failed('token', error)];
  }
  let url: unknown;
  try {
    const answer = await options.api.call('GET', '/gateway/bot', undefined, limited);
    url = answer.url;
    steps.push(
      { name: 'gateway', level: typeof url === 'string' ? 'ok' : 'fail', detail: String(url) },
      startsLeft(answer.session_start_limit),
    );
  } catch (error) {
    steps.push(failed('gateway', error));
  }
  try {
    const me = await options.api.call('GET', '/users/@me', undefined, limited);
    const name = typeof me.username === 'string' ? me.username.replace(/\p{C}+/gu, '').slice(0, 64) : '';
    steps.push({
      name: 'profile',
      level: 'ok',
      detail: name === '' ? 'the bot is known' : `the bot is called ${name}`,
    });
  } catch (error) {
    steps.push(failed('profile', error));
  }
  if (typeof url === 'string') steps.push(await probeSocket(url));
  return steps;
}

/** Compares clocks by the Date header of whatever the platform answers. */
async function probeClock({ apiBaseUrl, dispatcher }: ProbeOptions, signal: AbortSignal): Promise<ProbeStep> {
  try {
    const before = Date.now();
    const response = await request(`${apiBaseUrl}/gateway`, { dispatcher, signal, headersTimeout: LIMIT_MS });
    const middle = (before + Date.now()) / 2;
    await response.body.dump();
    const theirs = Date.parse(String(response.headers.date));
    if (!Number.isFinite(theirs)) return { name: 'clock', level: 'warn', detail: 'the platform did not tell its time' };
    const skew = Math.abs(middle - theirs - 500);
    const level = skew > SKEW_FAIL_MS ? 'fail' : skew > SKEW_WARN_MS ? 'warn' : 'ok';
    const detail = `${Math.round(skew / 1000)} s apart from the platform`;
    return level === 'ok'
      ? { name: 'clock', level, detail }
      : { name: 'clock', level, detail, remedy: 'let this machine set its clock by NTP' };
  } catch (error) {
    return failed('clock', error, 'check the network, DNS, `api_base_url` and a proxy that may be needed');
  }
}

function startsLeft(limit: unknown): ProbeStep {
  const {
    remaining,
    total,
    reset_after: resetAfter,
  } = (limit ?? {}) as { remaining?: unknown; total?: unknown; reset_after?: unknown };
  if (typeof remaining !== 'number' || typeof total !== 'number') {
    return { name: 'session starts', level: 'warn', detail: 'the platform did not tell how many are left' };
  }
  const hours = typeof resetAfter === 'number' ? ` (full again in ${Math.ceil(resetAfter / 3_600_000)} h)` : '';
  const detail = `${remaining} of ${total} left${hours}`;
  if (remaining > FEW_STARTS) return { name: 'session starts', level: 'ok', detail };
  const remedy = 'something keeps connecting with this app id: look for a second program, or for a restart loop';
  return { name: 'session starts', level: remaining === 0 ? 'fail' : 'warn', detail, remedy };
}

/** A handshake and nothing more: no session is started. */
function probeSocket(url: string): Promise<ProbeStep> {
  return new Promise((resolve) => {
    const socket = new WebSocket(url, { handshakeTimeout: LIMIT_MS, maxPayload: 65_536, perMessageDeflate: false });
    const end = (step: ProbeStep) => {
      clearTimeout(timer);
      resolve(step);
      socket.terminate();
    };
    const timer = setTimeout(() => end({ name: 'websocket', level: 'fail', detail: 'no HELLO within 10 s' }), LIMIT_MS);
    socket.once('message', () => end({ name: 'websocket', level: 'ok', detail: 'the gateway says hello' }));
    socket.on('error', (error) =>
      end(failed('websocket', error, 'check that a firewall or proxy lets WebSockets through')),
    );
  });
}

function failed(name: string, error: unknown, remedy?: string): ProbeStep {
  const told = error instanceof LoongError ? error.remedy : undefined;
  const trace = error instanceof DeliveryError && error.traceId !== undefined ? ` (trace ${error.traceId})` : '';
  const advice = told ?? remedy;
  return {
    name,
    level: 'fail',
    detail: `${describeError(error)}${trace}`,
    ...(advice === undefined ? {} : { remedy: advice }),
  };
}
