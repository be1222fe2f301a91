/** Keeps one account connected: discover → connect → hold the session → read how it ended → resume, identify, or give up. */
import { createHash } from 'node:crypto';
import { type Backoff, backoffDelay, pause } from '../../model/backoff.js';
import { DeliveryError, describeError, LoongError } from '../../model/errors.js';
import type { IntentName } from '../../protocol/qqbot/gateway-codes.js';
import type { Counters } from '../../telemetry/counters.js';
import type { Log } from '../../telemetry/log.js';
import type { LaneState } from '../lane.js';
import type { AccessToken } from './access-token.js';
import { type DispatchFrame, type GatewayHandlers, holdGatewaySession, type SessionEnd } from './gateway-session.js';
import { IntentLadder } from './intent-ladder.js';
import type { OpenApiClient } from './openapi-client.js';
import { Takeovers } from './takeovers.js';

const RECONNECT: Backoff = { baseMs: 1000, capMs: 30_000 };
/** A session that held this long was healthy: the ladder begins anew. */
const HEALTHY_AFTER_MS = 60_000;
/** A refused resume is tried once more, then the session is given up. */
const RESUMES_BEFORE_IDENTIFY = 2;
/** `max_concurrency` sessions may be created in so many milliseconds. */
const IDENTIFY_PERIOD_MS = 5000;
/** A discovered address serves this long for resumes: the endpoint is limited to 2 calls a minute. */
const ADDRESS_LIFE_MS = 30 * 60_000;
/** Longest wait before the session budget is looked at again. */
const BUDGET_LOOK_MS = 10 * 60_000;
/** The budget is one of 24 hours. */
const BUDGET_RESET_MS = 24 * 3_600_000;

/** Where a session can be taken up again after a restart; see `GatewaySessions` of the store. */
export interface ResumeMemory {
  load(key: string): { readonly sessionId: string; readonly seq: number } | undefined;
  save(key: string, point: { readonly sessionId: string; readonly seq: number } | undefined): Promise<void>;
}

export interface GatewayLoopOptions {
  readonly appId: string;
  readonly apiBaseUrl: string;
  readonly intents: readonly IntentName[];
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
  /** Sessions that may still be created, and when (unix ms) that number is full again. */
  readonly startsLeft: number;
  readonly startsResetAt: number;
  readonly maxConcurrency: number;
  readonly foundAt: number;
}

/**
 * Resolves when `signal` aborts. Every passing failure is waited out here, for ever.
 * @throws LoongError with `retry: 'never'` for what an operator must fix.
 */
export async function runGatewayLoop(options: GatewayLoopOptions, signal: AbortSignal): Promise<void> {
  const { memory, onState, token } = options;
  const ladder = new IntentLadder(options.intents);
  const takeovers = new Takeovers();
  let address: GatewayAddress | undefined;
  let failures = 0;
  let failedResumes = 0;
  let identifiedAt = 0;
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
        address = await discover(options, signal);
      }
      if (point === undefined) {
        if (await waitForBudget(address, options, signal)) continue;
        await pause(identifiedAt + IDENTIFY_PERIOD_MS / address.maxConcurrency - Date.now(), signal);
      }
      const bearer = await token.get(signal);
      if (signal.aborted) return;
      const opening = { token: bearer, intents, ...(point === undefined ? {} : { resume: point }) };
      const session = followSession(key, point?.sessionId, onReady, options);
      end = await holdGatewaySession(address.url, opening, session.handlers, signal);
      await session.stored();
      if (point === undefined && end.greeted) identifiedAt = Date.now() - (end.heldMs ?? 0);
      if (end.refreshToken === true) token.drop(bearer);
      if (end.heldMs !== undefined) takeovers.ended(end.takenOver, end.heldMs, Date.now());
      lost = lostBy(end, key, point === undefined);
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof LoongError && error.retry === 'never') throw error;
      failures++;
      address = undefined;
      const asked = error instanceof DeliveryError ? (error.retryAfterMs ?? 0) : 0;
      await waitToRetry(Math.max(asked, backoffDelay(RECONNECT, failures)), describeError(error), options, signal);
      continue;
    }
    if (signal.aborted) return;

    failures = end.heldMs !== undefined && end.heldMs >= HEALTHY_AFTER_MS ? 0 : failures + 1;
    if (end.heldMs === undefined && end.code === undefined) address = undefined;
    const routine = end.next === 'resume' && failures <= 1 && end.heldMs !== undefined;
    const rest = end.takenOver ? takeovers.restMs() : 0;
    if (rest > 0) options.log.error({ restMs: rest }, takeovers.detail ?? '');
    const delay = Math.max(end.waitMs ?? 0, rest, routine ? 0 : backoffDelay(RECONNECT, failures));
    await waitToRetry(delay, rest > 0 ? (takeovers.detail ?? end.why) : end.why, options, signal);
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
    const before = ladder.dropped.length;
    const dropped = ladder.refused(intents);
    if (dropped !== undefined) {
      options.counters.count('gateway.intents_dropped');
      options.log.warn({ dropped, why }, 'the platform does not grant all intents; going on without this one');
    } else if (ladder.dropped.length < before) {
      options.log.warn({ why }, 'the platform refuses sessions with any intents; asking for all of them again');
    }
    return dropped !== undefined;
  }

  function onReady(): void {
    ladder.accepted();
    onState('ready', readyDetail(ladder, takeovers));
  }

  /** What happened since its last event is lost to us: the platform replays only into the session it belongs to. */
  async function forgetSession(key: string, why: string): Promise<void> {
    if (memory.load(key) === undefined) return;
    await memory.save(key, undefined);
    reportLost(why, options);
  }
}

/** What somebody who looks at a ready account should know all the same. */
function readyDetail({ dropped }: IntentLadder, takeovers: Takeovers): string | undefined {
  const limited =
    dropped.length === 0 ? [] : [`without the intents that the platform did not grant: ${dropped.join(', ')}`];
  const told = [...limited, ...(takeovers.detail === undefined ? [] : [takeovers.detail])];
  return told.length === 0 ? undefined : told.join(' · ');
}

function reportLost(why: string, { counters, log }: GatewayLoopOptions): void {
  counters.count('gateway.sessions_lost');
  log.warn({ why }, 'the gateway session cannot be resumed: events since the last one seen may be missing');
}

/** What a stored session depends on: with another app, host or intent set it is worthless. */
function sessionKey(options: GatewayLoopOptions, intents: number): string {
  return createHash('sha256')
    .update(`${options.appId}\n${options.apiBaseUrl}\nwebsocket\n${intents}\n0/1`)
    .digest('hex')
    .slice(0, 32);
}

async function discover(options: GatewayLoopOptions, signal: AbortSignal): Promise<GatewayAddress> {
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
  const limit = (answer.session_start_limit ?? {}) as {
    remaining?: unknown;
    reset_after?: unknown;
    max_concurrency?: unknown;
  };
  const now = Date.now();
  return {
    url,
    startsLeft: typeof limit.remaining === 'number' ? limit.remaining : 1,
    startsResetAt: now + (typeof limit.reset_after === 'number' ? Math.min(limit.reset_after, BUDGET_RESET_MS) : 0),
    maxConcurrency: typeof limit.max_concurrency === 'number' && limit.max_concurrency >= 1 ? limit.max_concurrency : 1,
    foundAt: now,
  };
}

/** TLS unless the operator chose an API without it (a sandbox). The token goes there, so nothing but an address may be in it. */
export function isUsableAddress(url: unknown, apiBaseUrl: string): url is string {
  if (typeof url !== 'string' || !URL.canParse(url)) return false;
  const { protocol, username, password, hash } = new URL(url);
  if (username !== '' || password !== '' || hash !== '') return false;
  return protocol === 'wss:' || (protocol === 'ws:' && new URL(apiBaseUrl).protocol === 'http:');
}

/** True when it had to wait, so that the budget must be read again. */
async function waitForBudget(
  address: GatewayAddress,
  options: GatewayLoopOptions,
  signal: AbortSignal,
): Promise<boolean> {
  if (address.startsLeft > 0) return false;
  const ms = Math.max(1000, address.startsResetAt - Date.now());
  const until = new Date(address.startsResetAt).toISOString();
  options.log.error({ until }, 'no session starts are left today (session_start_limit)');
  options.onState('waiting', `no session starts left until ${until}`);
  await pause(Math.min(ms, BUDGET_LOOK_MS), signal);
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

/** Handlers of one connection: they know its session, and write the mark down once for all that was journalled meanwhile. */
function followSession(
  key: string,
  resuming: string | undefined,
  onReady: () => void,
  options: GatewayLoopOptions,
): { readonly handlers: GatewayHandlers; readonly stored: () => Promise<void> } {
  const { memory, log } = options;
  let sessionId = resuming;
  let newest: number | undefined;
  let saving = false;
  let saved = Promise.resolve();
  let complained = false;

  /** Never rejects. */
  async function save(): Promise<void> {
    saving = true;
    while (newest !== undefined && sessionId !== undefined) {
      const seq = newest;
      newest = undefined;
      try {
        await memory.save(key, { sessionId, seq });
      } catch (error) {
        const message = 'the resume point could not be stored; a restart will replay more than it needs to';
        if (!complained) log.error({ error: describeError(error) }, message);
        complained = true;
      }
    }
    saving = false;
  }

  return {
    handlers: {
      ready(session) {
        if (resuming !== undefined && !session.resumed) reportLost('the gateway began a new session', options);
        if (!session.resumed) newest = undefined;
        sessionId = session.sessionId;
        if (session.botId !== undefined) options.onBotId(session.botId);
        log.info({ resumed: session.resumed }, 'connected to the QQ gateway');
        options.counters.count(session.resumed ? 'gateway.resumes' : 'gateway.identifies');
        onReady();
      },
      dispatch: options.dispatch,
      undecodable: options.undecodable,
      acknowledged: options.onAcknowledged,
      journalled(seq) {
        newest = seq;
        if (!saving) saved = save();
      },
    },
    stored: () => saved,
  };
}
