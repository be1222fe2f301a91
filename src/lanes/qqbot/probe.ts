/** Asks the platform, step by step, whether an account could run: clock, token, gateway, session starts, profile, socket. */
import { type Dispatcher, request } from 'undici';
import WebSocket from 'ws';
import type { ProxyConfig } from '../../config/config.js';
import { webSocketConnection } from '../../http/proxied.js';
import { DeliveryError, describeError, LoongError } from '../../model/errors.js';
import { whitelistRemedy } from '../../protocol/qqbot/error-codes.js';
import { OP } from '../../protocol/qqbot/gateway-codes.js';
import type { ProbeStep } from '../lane.js';
import { oneLine } from '../one-line.js';
import type { AccessToken } from './access-token.js';
import { egress } from './egress.js';
import { isUsableAddress } from './gateway-loop.js';
import type { OpenApiClient } from './openapi-client.js';
import { fields, textIn } from './wire-fields.js';

const LIMIT_MS = 10_000;
/** Signatures and windows live on clocks that agree. */
const SKEW_WARN_MS = 30_000;
const SKEW_FAIL_MS = 300_000;
/** So few session starts left are worth a warning. */
const FEW_STARTS = 50;

/** Codes of errors that no answer stands behind. */
const UNREACHED: ReadonlySet<string> = new Set([
  'platform.unreachable',
  'platform.token_unreachable',
  'platform.stopped',
]);

const LOOK_IT_UP =
  'try again in a while; if it stays, look the code up at bot.q.qq.com, or ask there with the trace id';

export interface ProbeOptions {
  readonly apiBaseUrl: string;
  readonly proxy: ProxyConfig;
  readonly api: OpenApiClient;
  readonly token: AccessToken;
  readonly dispatcher: Dispatcher;
  /** Who is called back has no gateway. */
  readonly eventsCome: 'websocket' | 'webhook';
}

/** Every step that can still be asked is asked; without a token the later ones cannot. */
export async function probeQqbot(options: ProbeOptions, signal: AbortSignal): Promise<readonly ProbeStep[]> {
  const limited = AbortSignal.any([signal, AbortSignal.timeout(4 * LIMIT_MS)]);
  const steps: ProbeStep[] = [await probeClock(options, limited)];
  try {
    await options.token.get(limited);
    steps.push({ name: 'token', level: 'ok', detail: 'granted' });
  } catch (error) {
    return [...steps, failed('token', error, LOOK_IT_UP)];
  }
  let url: string | undefined;
  if (options.eventsCome === 'websocket') {
    try {
      const answer = await options.api.call('GET', '/gateway/bot', undefined, limited);
      if (isUsableAddress(answer.url, options.apiBaseUrl)) url = answer.url;
      steps.push(gatewayStep(url), startsLeft(answer.session_start_limit));
    } catch (error) {
      steps.push(await refusedCall('gateway', error, options));
    }
  }
  try {
    const me = await options.api.call('GET', '/users/@me', undefined, limited);
    const name = oneLine(textIn(me.username) ?? '', 64);
    steps.push({
      name: 'profile',
      level: 'ok',
      detail: name === '' ? 'the bot is known' : `the bot is called ${name}`,
    });
  } catch (error) {
    steps.push(await refusedCall('profile', error, options));
  }
  if (url !== undefined) steps.push(await probeSocket(url, options.proxy, limited));
  return steps;
}

/** Only the host is shown: nobody knows what else stands in an address. */
function gatewayStep(url: string | undefined): ProbeStep {
  if (url !== undefined) return { name: 'gateway', level: 'ok', detail: new URL(url).host };
  const detail = 'the answer of /gateway/bot has no usable url';
  const remedy = 'check `api_base_url`, and whether a proxy stands in between';
  return { name: 'gateway', level: 'fail', detail, remedy };
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
    const step = failed('clock', error, 'check the network, DNS, `api_base_url` and a proxy that may be needed');
    return { ...step, unreached: true };
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
function probeSocket(url: string, proxy: ProxyConfig, signal: AbortSignal): Promise<ProbeStep> {
  const LET_THROUGH = 'check that a firewall or proxy lets WebSockets through';
  return new Promise((resolve) => {
    const socket = new WebSocket(url, {
      ...webSocketConnection(url, proxy, LIMIT_MS),
      handshakeTimeout: LIMIT_MS,
      maxPayload: 65_536,
      perMessageDeflate: false,
    });
    const end = (level: 'ok' | 'fail', detail: string, unreached = false, remedy = LET_THROUGH) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
      socket.terminate();
      resolve({
        name: 'websocket',
        level,
        detail,
        ...(level === 'ok' ? {} : { remedy }),
        ...(unreached ? { unreached } : {}),
      });
    };
    const stop = () => end('fail', 'stopped before the gateway said HELLO');
    const timer = setTimeout(() => end('fail', `no HELLO within ${LIMIT_MS / 1000} s`), LIMIT_MS);
    // The faults of a connection have a code; an answer that is no WebSocket has none, or that of a parser.
    socket.on('error', (error: NodeJS.ErrnoException) =>
      end(
        'fail',
        oneLine(describeError(error)),
        error.code !== undefined && !/^(WS_ERR|HPE)_/.test(error.code),
        error instanceof LoongError ? error.remedy : undefined,
      ),
    );
    socket.on('close', (code) => end('fail', `closed with ${code} before it said HELLO`));
    socket.once('message', (data) =>
      isHello(String(data)) ? end('ok', 'the gateway says HELLO') : end('fail', 'something else than HELLO came first'),
    );
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
  });
}

function isHello(text: string): boolean {
  try {
    return fields(JSON.parse(text))?.op === OP.hello;
  } catch {
    return false;
  }
}

/** Of a call for which the whitelist counts: where the platform does not tell the address that it saw, the own one is told. */
async function refusedCall(name: string, error: unknown, options: ProbeOptions): Promise<ProbeStep> {
  const refused = failed(name, error, LOOK_IT_UP);
  const isUntold = error instanceof DeliveryError && error.remedy === whitelistRemedy();
  return isUntold ? { ...refused, remedy: whitelistRemedy(await egress(options)) } : refused;
}

function failed(name: string, error: unknown, remedy?: string): ProbeStep {
  const told = error instanceof LoongError ? error.remedy : undefined;
  const unreached = error instanceof LoongError && UNREACHED.has(error.code);
  const trace = error instanceof DeliveryError && error.traceId !== undefined ? ` (trace ${error.traceId})` : '';
  const advice = told ?? remedy;
  return {
    name,
    level: 'fail',
    detail: `${oneLine(describeError(error), 300)}${trace}`,
    ...(advice === undefined ? {} : { remedy: advice }),
    ...(unreached ? { unreached } : {}),
  };
}
