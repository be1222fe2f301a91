/** Keeps one account connected: discover → connect → hold the session → read how it ended → resume, identify, or give up. */
import { createHash } from 'node:crypto';
import type { ProxyConfig } from '../../config/config.js';
import { type Backoff, backoffDelay, pause } from '../../model/backoff.js';
import { DeliveryError, describeError, LoongError } from '../../model/errors.js';
import type { IntentName } from '../../protocol/qqbot/gateway-codes.js';
import type { Counters } from '../../telemetry/counters.js';
import type { Log } from '../../telemetry/log.js';
import { type LaneState, NOT_GRANTED } from '../lane.js';
import { onAbort } from '../on-abort.js';
import type { AccessToken } from './access-token.js';
import type { DispatchFrame } from './dispatch-frame.js';
import { holdGatewaySession, type SessionEnd } from './gateway-session.js';
import { IntentLadder } from './intent-ladder.js';
import type { OpenApiClient } from './openapi-client.js';
import { type ResumeMemory, recordSession, reportLost } from './session-record.js';
import { SessionStarts } from './session-starts.js';
import { Takeovers } from './takeovers.js';

export type { ResumeMemory } from './session-record.js';

const RECONNECT: Backoff = { baseMs: 1000, capMs: 30_000 };
/** A session that held this long was healthy: the ladder begins anew. */
const HEALTHY_AFTER_MS = 60_000;
/** A refused resume is tried once more, then the session is given up. */
const RESUMES_BEFORE_IDENTIFY = 2;
/** A discovered address serves this long for resumes: the endpoint is limited to 2 calls a minute. */
const ADDRESS_LIFE_MS = 30 * 60_000;
/** A wait for the next session start that is longer is told of; the longest, before the limit is read again. */
const UNTOLD_WAIT_MS = 5000;
const LIMIT_LOOK_MS = 10 * 60_000;

export interface GatewayLoopOptions {
  readonly appId: string;
  readonly apiBaseUrl: string;
  readonly intents: readonly IntentName[];
  readonly proxy: ProxyConfig;
  readonly api: OpenApiClient;
  readonly token: AccessToken;
  readonly memory: ResumeMemory;
  readonly log: Log;
  readonly counters: Counters;
  readonly onState: (state: LaneState, detail?: string) => void;
  readonly dispatch: (frame: DispatchFrame) => void | Promise<void>;
  readonly undecodable: (raw: string, reason: string) => Promise<void>;
  /** The bot's own id, as READY tells it. */
  readonly onBotId: (id: string) => void;
  /** The gateway answered a heartbeat. */
  readonly onAcknowledged: () => void;
}

interface GatewayAddress {
  readonly url: string;
  /** Unix ms. */
  readonly foundAt: number;
}

/**
 * Resolves when `signal` aborts. Every passing failure is waited out here, for ever.
 * @throws LoongError with `retry: 'never'` for what an operator must fix.
 */
export async function runGatewayLoop(options: GatewayLoopOptions, signal: AbortSignal): Promise<void> {
  const { memory, onState, token, log, proxy } = options;
  const ladder = new IntentLadder(options.intents);
  const takeovers = new Takeovers();
  const starts = new SessionStarts();
  let address: GatewayAddress | undefined;
  /** Failures in a row: before the gateway said HELLO, and after. After an outage its first "no" is not the last of many. */
  let unreached = 0;
  let refused = 0;
  let failedResumes = 0;
  /** The stored session that has to be given up first, and why. */
  let lost: { readonly key: string; readonly why: string } | undefined;

  while (!signal.aborted) {
    let end: SessionEnd;
    try {
      if (lost !== undefined) await forgetSession(lost.key, lost.why);
      lost = undefined;
      const intents = ladder.mask;
      const key = sessionKey(options, intents);
      const point = memory.load(key);
      onState(point === undefined ? 'connecting' : 'resuming');
      if (address === undefined || point === undefined || Date.now() - address.foundAt > ADDRESS_LIFE_MS) {
        address = await discover(options, starts, signal);
      }
      if (point === undefined && (await waitedForStart(starts, options, signal))) continue;
      const bearer = await token.get(signal);
      if (signal.aborted) return;
      const opening = { token: bearer, intents, proxy, ...(point === undefined ? {} : { resume: point }) };
      const hold = holdUntilTrial();
      const session = recordSession(key, point?.sessionId, hold.ready, options);
      end = await holdGatewaySession(address.url, opening, session.handlers, hold.signal);
      hold.over();
      await session.stored();
      if (point === undefined && end.greeted) starts.started(Date.now() - (end.heldMs ?? 0));
      if (end.refreshToken === true) token.drop(bearer);
      if (end.heldMs !== undefined) takeovers.ended(end.takenOver, end.heldMs, Date.now());
      if (hold.leftForTrial) {
        ladder.beginTrial();
        continue;
      }
      if (ladder.trial.length > 0) {
        await trialRefused(end);
        continue;
      }
      lost = lostBy(end, key, point === undefined);
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof LoongError && error.retry === 'never') throw error;
      ladder.tried(undefined);
      address = undefined;
      const prescribed = error instanceof DeliveryError && error.failure === 'rate' ? (error.retryAfterMs ?? 0) : 0;
      const delay = Math.max(prescribed, backoffDelay(RECONNECT, ++unreached));
      await waitToRetry(delay, describeError(error), options, signal);
      continue;
    }
    if (signal.aborted) return;

    if (end.heldMs === undefined && end.code === undefined) address = undefined;
    unreached = end.greeted ? 0 : unreached + 1;
    if (end.greeted) refused = end.heldMs !== undefined && end.heldMs >= HEALTHY_AFTER_MS ? 0 : refused + 1;
    const routine = end.next === 'resume' && refused <= 1 && end.heldMs !== undefined;
    const rest = end.takenOver ? takeovers.restMs() : 0;
    if (rest > 0) log.error({ restMs: rest }, takeovers.detail ?? '');
    const pace = routine ? 0 : backoffDelay(RECONNECT, end.greeted ? refused : unreached);
    const delay = Math.max(end.waitMs ?? 0, rest, pace);
    await waitToRetry(delay, rest > 0 ? (takeovers.detail ?? end.why) : end.why, options, signal);
  }

  /** A session is held until it ends, or until it is left for a trial of intents: quiet times only, and session starts to spare. */
  function holdUntilTrial() {
    const leave = new AbortController();
    const forgo = onAbort(signal, () => leave.abort());
    let timer: NodeJS.Timeout | undefined;
    const hold = { ready, over, signal: leave.signal, leftForTrial: false };
    return hold;

    function ready(): void {
      const back = ladder.accepted();
      if (back.length > 0) log.info({ intents: back }, 'the platform grants these intents after all');
      onState('ready', readyDetail(ladder, takeovers));
      plan();
    }

    function plan(): void {
      if (ladder.trialAfterMs !== undefined) timer = setTimeout(leaveForTrial, ladder.trialAfterMs);
    }

    function leaveForTrial(): void {
      const now = Date.now();
      if (takeovers.isRecent(now) || !starts.arePlentiful(now)) return plan();
      hold.leftForTrial = true;
      leave.abort();
    }

    function over(): void {
      clearTimeout(timer);
      forgo();
    }
  }

  /** The session before it goes on: it is resumed at once, or after what the platform prescribes. */
  async function trialRefused({ intents, why, waitMs }: SessionEnd): Promise<void> {
    log.info({ why, tried: ladder.trial }, 'asking for these intents again brought no session; going on without them');
    ladder.tried(intents);
    await waitToRetry(waitMs ?? 0, why, options, signal);
  }

  /** The session that cannot go on after this end, if it is so. @throws LoongError when the account cannot. */
  function lostBy(end: SessionEnd, key: string, identified: boolean): typeof lost {
    if (end.resumeFailed) failedResumes++;
    else if (end.heldMs !== undefined) failedResumes = 0;
    const fewer = end.intents !== undefined && gaveUpIntent(end, identified);
    if (end.next === 'stop' && !fewer) throw stopped(end);
    const tooOften = failedResumes >= RESUMES_BEFORE_IDENTIFY;
    if (end.next === 'resume' && !tooOften) return undefined;
    const why = end.next === 'resume' ? `${failedResumes} resumes failed, lastly: ${end.why}` : end.why;
    failedResumes = 0;
    return { key, why };
  }

  /**
   * Asks for one intent less from now on, where the refusal is about them: in so many words, or because IDENTIFY was refused again although
   * `/gateway/bot` had just taken the token. Beside another program an unclear refusal may as well be that of two identifies at once.
   */
  function gaveUpIntent({ intents, heldMs, greeted, why }: SessionEnd, identified: boolean): boolean {
    if (intents === undefined) return false;
    const unclear = intents === 'possible';
    if (unclear && (!identified || !greeted || heldMs !== undefined || takeovers.isRecent(Date.now()))) return false;
    const given = ladder.giveUp(intents);
    if (given === 'all')
      log.warn({ why }, 'the platform refuses sessions with any intents; asking for all of them again');
    if (given === 'all' || given === undefined) return false;
    options.counters.count('gateway.intents_dropped');
    log.warn({ dropped: given, why }, 'the platform does not grant all intents; going on without this one');
    return true;
  }

  async function forgetSession(key: string, why: string): Promise<void> {
    if (memory.load(key) === undefined) return;
    await memory.save(key, undefined);
    reportLost(why, options);
  }
}

/** What somebody who looks at a ready account should know all the same. */
function readyDetail({ refused, suspected }: IntentLadder, takeovers: Takeovers): string | undefined {
  const told = [
    ...(refused.length === 0 ? [] : [`${NOT_GRANTED}${refused.join(', ')}`]),
    ...(suspected.length === 0 ? [] : [`about to ask again for the intents ${suspected.join(', ')}`]),
    ...(takeovers.detail === undefined ? [] : [takeovers.detail]),
  ];
  return told.length === 0 ? undefined : told.join(' · ');
}

/** What a stored session depends on: with another app, host or intent set it is worthless. */
function sessionKey(options: GatewayLoopOptions, intents: number): string {
  return createHash('sha256')
    .update(`${options.appId}\n${options.apiBaseUrl}\nwebsocket\n${intents}\n0/1`)
    .digest('hex')
    .slice(0, 32);
}

async function discover(
  options: GatewayLoopOptions,
  starts: SessionStarts,
  signal: AbortSignal,
): Promise<GatewayAddress> {
  const answer = await options.api.call('GET', '/gateway/bot', undefined, signal);
  const { url } = answer;
  if (!isUsableAddress(url, options.apiBaseUrl)) {
    throw new DeliveryError('platform.gateway_address', 'the answer of /gateway/bot has no usable url', {
      failure: 'unavailable',
      certainty: 'not-delivered',
    });
  }
  if (typeof answer.shards === 'number' && answer.shards > 1) {
    options.log.warn({ recommended: answer.shards }, 'the platform recommends several shards; loong runs one');
  }
  const now = Date.now();
  starts.told(answer.session_start_limit, now);
  return { url, foundAt: now };
}

/** TLS unless the operator chose an API without it (a sandbox). The token goes there, so nothing but an address may be in it. */
export function isUsableAddress(url: unknown, apiBaseUrl: string): url is string {
  if (typeof url !== 'string' || !URL.canParse(url)) return false;
  const { protocol, username, password, hash } = new URL(url);
  if (username !== '' || password !== '' || hash !== '') return false;
  return protocol === 'wss:' || (protocol === 'ws:' && new URL(apiBaseUrl).protocol === 'http:');
}

/** True when the wait was so long that the limit must be read again first. */
async function waitedForStart(
  starts: SessionStarts,
  { log, onState }: GatewayLoopOptions,
  signal: AbortSignal,
): Promise<boolean> {
  const now = Date.now();
  const ms = starts.nextAt(now) - now;
  if (ms <= UNTOLD_WAIT_MS) {
    await pause(ms, signal);
    return false;
  }
  const why = starts.explain(now);
  log.error({ why }, 'the platform limits session starts (session_start_limit): waiting');
  onState('waiting', why);
  await pause(Math.min(ms, LIMIT_LOOK_MS), signal);
  return true;
}

async function waitToRetry(
  delayMs: number,
  why: string,
  options: GatewayLoopOptions,
  signal: AbortSignal,
): Promise<void> {
  options.log.info({ why, delayMs }, 'disconnected from the gateway');
  if (delayMs <= 0) return;
  options.onState('waiting', why);
  await pause(delayMs, signal);
}

function stopped(end: SessionEnd): LoongError {
  return new LoongError(`gateway.closed_${end.code ?? 'for_good'}`, `the QQ gateway ${end.why}`, {
    retry: 'never',
    ...(end.remedy === undefined ? {} : { remedy: end.remedy }),
  });
}
