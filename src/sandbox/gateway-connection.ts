/** One WebSocket connection as the platform holds it: HELLO, then Identify or Resume, then heartbeats and events until it ends. */
import { on } from 'node:events';
import { WebSocket } from 'ws';
import { pause } from '../model/backoff.js';
import { OP } from '../protocol/qqbot/gateway-codes.js';
import type { ImmediateOrder } from './faults.js';
import { KNOWN_INTENTS, type Link, type Session } from './gateway-sessions.js';
import type { Platform } from './platform.js';
import type { Settings } from './settings.js';
import type { GatewayStep } from './transcript.js';

/** The platform's close codes, with the texts seen on the wire where they are known. */
const CLOSE = {
  invalidOpcode: { code: 4001, reason: 'invalid opcode' },
  invalidPayload: { code: 4002, reason: 'invalid payload' },
  notAuthenticated: { code: 4003, reason: 'not authenticated' },
  alreadyAuthenticated: { code: 4005, reason: 'already authenticated' },
  wrongSeq: { code: 4007, reason: 'seq error' },
  tooFast: { code: 4008, reason: 'send payload too fast' },
  timedOut: { code: 4009, reason: 'Session timed out' },
  invalidShard: { code: 4010, reason: 'invalid shard' },
  invalidIntents: { code: 4013, reason: 'invalid intents' },
  intentsNotGranted: { code: 4014, reason: 'disallowed intents' },
  resumeRefused: { code: 4902, reason: 'reset by resume' },
} as const;

/** Codes after which a session may be resumed; every other one ends it. Source: Bot API v2 "接入 WebSocket", table of close codes. */
const KEEPS_SESSION: ReadonlySet<number> = new Set([1000, 4000, 4008, 4009]);

const TOKEN_PREFIX = 'QQBot ';
/** The platform says nothing for about this long when the prefix is missing. */
const PREFIX_DELAY_MS = 100;
const FRAMES_PER_SECOND = 100;
/** A client that reads more slowly than this is cut off; its events are kept for its resume. */
const MAX_UNSENT_BYTES = 64 * 1024 * 1024;
/** Heartbeats that may be missed. */
const PATIENCE = 3;

/** Op 9 with this `d`, then this close code: either alone, or both. */
interface Refusal {
  readonly op9?: boolean;
  readonly code?: number;
  readonly reason?: string;
}

/** As observed for a bad token: op 9, then the close. */
const CREATE_FAILED: Refusal = { op9: false, code: 4903, reason: 'create session error' };
/** As documented, or as observed. */
const INTENT_REFUSALS: { readonly [code in Settings['intentRefusal']]: Refusal } = {
  4014: CLOSE.intentsNotGranted,
  4903: CREATE_FAILED,
};
const START_REFUSALS: { readonly [why in 'none' | 'exhausted' | 'too fast']: Refusal | undefined } = {
  none: undefined,
  exhausted: CREATE_FAILED,
  'too fast': { op9: false },
};

interface Frame {
  readonly op: number;
  readonly d: unknown;
}

/** Holds the connection until it is closed by either side, or until `stop` aborts. Never rejects. */
export async function holdConnection(
  ws: WebSocket,
  number: number,
  platform: Platform,
  stop: AbortSignal,
): Promise<void> {
  const connection = new Connection(ws, number, platform, stop);
  await connection.run();
}

class Connection implements Link {
  readonly number: number;
  readonly #ws: WebSocket;
  readonly #platform: Platform;
  readonly #stop: AbortSignal;
  #session: Session | undefined;
  /** Half-open: the line is dead, and we do not know it. */
  #dead = false;
  #watchdog: NodeJS.Timeout | undefined;
  #second = 0;
  #framesInSecond = 0;

  constructor(ws: WebSocket, number: number, platform: Platform, stop: AbortSignal) {
    this.#ws = ws;
    this.number = number;
    this.#platform = platform;
    this.#stop = stop;
  }

  async run(): Promise<void> {
    let end = { code: 1006, reason: '' };
    this.#ws.on('close', (code, reason) => {
      end = { code, reason: reason.toString() };
    });
    // The loop below reports errors; this listener is for one that comes when the loop is over.
    this.#ws.on('error', () => this.#ws.terminate());
    this.#platform.sessions.links.add(this);
    this.#note('connected', {});
    try {
      this.#hello();
      for await (const [data, isBinary] of on(this.#ws, 'message', { close: ['close'], signal: this.#stop })) {
        await this.#receive(isBinary ? '' : String(data));
      }
    } catch (error) {
      // A broken line or a frame against the rules of WebSocket; at the sandbox's own end the line is simply cut.
      end = { code: 1006, reason: error instanceof Error ? error.message : String(error) };
      this.#ws.terminate();
    } finally {
      clearTimeout(this.#watchdog);
      this.#leave();
      this.#platform.sessions.links.delete(this);
      this.#note('closed', end);
    }
  }

  send(frame: string): void {
    if (this.#dead || this.#ws.readyState !== WebSocket.OPEN) return;
    if (this.#ws.bufferedAmount > MAX_UNSENT_BYTES) this.#ws.terminate();
    else this.#ws.send(frame);
  }

  close(code: number, reason: string): void {
    if (!KEEPS_SESSION.has(code)) this.#endSession();
    this.#leave();
    if (!this.#dead) this.#ws.close(code, reason);
  }

  strike(order: ImmediateOrder): void {
    if (order.kind === 'gateway.close') this.close(order.code, order.reason);
    if (order.kind === 'gateway.cut') this.#ws.terminate();
    if (order.kind === 'gateway.reconnect') this.send(JSON.stringify({ op: OP.reconnect }));
    if (order.kind === 'gateway.invalid_session') this.#invalidSession(order.resumable);
    if (order.kind === 'gateway.heartbeat')
      this.send(JSON.stringify({ op: OP.heartbeat, d: this.#session?.seq ?? null }));
    if (order.kind === 'gateway.half_open') this.#goDead();
  }

  #hello(): void {
    this.#feedWatchdog();
    if (this.#platform.faults.take('gateway.mute') !== undefined) this.#goDead();
    this.send(JSON.stringify({ op: OP.hello, d: { heartbeat_interval: this.#platform.setup.heartbeatIntervalMs } }));
  }

  #goDead(): void {
    this.#dead = true;
    clearTimeout(this.#watchdog);
  }

  async #receive(text: string): Promise<void> {
    if (this.#dead || this.#ws.readyState !== WebSocket.OPEN) return;
    const frame = readFrame(text);
    if (this.#isTooFast()) this.#refuse(CLOSE.tooFast);
    else if (frame === undefined) this.#refuse(CLOSE.invalidPayload);
    else if (frame.op === OP.heartbeat) this.#heartbeat(frame.d);
    else if (frame.op === OP.identify || frame.op === OP.resume) await this.#authenticate(frame);
    else if (frame.op !== OP.heartbeatAck) this.#refuse(CLOSE.invalidOpcode);
  }

  /** `d` is the last sequence number, or null before the first. A heartbeat without `d` is not one. */
  #heartbeat(d: unknown): void {
    if (d === undefined) return;
    if (d !== null && !isCount(d)) {
      this.#refuse(CLOSE.invalidPayload);
      return;
    }
    this.#platform.transcript.countHeartbeat();
    if (this.#session !== undefined && d !== null) acknowledge(this.#session, d);
    this.#feedWatchdog();
    if (this.#platform.faults.take('gateway.no_acks') === undefined) this.send(JSON.stringify({ op: OP.heartbeatAck }));
  }

  async #authenticate({ op, d }: Frame): Promise<void> {
    if (this.#session !== undefined) this.#refuse(CLOSE.alreadyAuthenticated);
    else if (op === OP.identify) await this.#identify(d);
    else this.#resume(d);
  }

  async #identify(d: unknown): Promise<void> {
    const { token, intents, shard } = fields(d);
    this.#note('identify', isCount(intents) ? { intents } : {});
    if (this.#isRefusedByOrder('identify')) return;
    if (typeof token === 'string' && !token.startsWith(TOKEN_PREFIX)) {
      await pause(PREFIX_DELAY_MS, this.#stop);
      this.#invalidSession(false);
      return;
    }
    const refusal = this.#identifyRefusal(token, intents, shard);
    if (refusal !== undefined) this.#refuse(refusal);
    else this.#ready(intents as number, shard as readonly [number, number]);
  }

  #identifyRefusal(token: unknown, intents: unknown, shard: unknown): Refusal | undefined {
    if (typeof token !== 'string') return CLOSE.invalidPayload;
    if (!isShard(shard)) return CLOSE.invalidShard;
    if (!this.#platform.tokens.isValid(token.slice(TOKEN_PREFIX.length))) return CREATE_FAILED;
    if (!isCount(intents) || intents === 0 || (intents & ~KNOWN_INTENTS) !== 0) return CLOSE.invalidIntents;
    const { grantedIntents, intentRefusal } = this.#platform.settings;
    if ((intents & ~grantedIntents) !== 0) return INTENT_REFUSALS[intentRefusal];
    return START_REFUSALS[this.#platform.starts.take() ?? 'none'];
  }

  #ready(intents: number, shard: readonly [number, number]): void {
    const session = this.#platform.sessions.start(shard, intents, this);
    this.#session = session;
    this.#feedWatchdog();
    this.#note('ready', { session_id: session.id, intents });
    const ready = { version: 1, session_id: session.id, user: this.#platform.bot, shard };
    this.#platform.sessions.sendOwn(session, 'READY', ready);
  }

  #resume(d: unknown): void {
    const { token, session_id, seq } = fields(d);
    this.#note('resume', {
      ...(typeof session_id === 'string' ? { session_id } : {}),
      ...(isCount(seq) ? { seq } : {}),
    });
    if (this.#isRefusedByOrder('resume', session_id)) return;
    const found = this.#owed(token, session_id, seq);
    if ('refusal' in found) this.#refuse(found.refusal);
    else this.#resumed(found.session, found.missed, seq as number);
  }

  /** The session of a Resume and the frames that it missed; the prefix of the token may be left out here. */
  #owed(
    token: unknown,
    sessionId: unknown,
    seq: unknown,
  ): { session: Session; missed: readonly string[] } | { refusal: Refusal } {
    if (typeof token !== 'string' || typeof sessionId !== 'string' || !isCount(seq))
      return { refusal: CLOSE.invalidPayload };
    const bare = token.startsWith(TOKEN_PREFIX) ? token.slice(TOKEN_PREFIX.length) : token;
    if (!this.#platform.tokens.isValid(bare)) return { refusal: CREATE_FAILED };
    const session = this.#platform.sessions.find(sessionId);
    if (session === undefined) return { refusal: CLOSE.resumeRefused };
    if (seq > session.seq) return { refusal: CLOSE.wrongSeq };
    const missed = this.#platform.sessions.missed(session, seq);
    return missed === undefined ? { refusal: CLOSE.resumeRefused } : { session, missed };
  }

  #resumed(session: Session, missed: readonly string[], seq: number): void {
    session.link?.close(CLOSE.timedOut.code, CLOSE.timedOut.reason);
    session.link = this;
    this.#session = session;
    acknowledge(session, seq);
    this.#feedWatchdog();
    for (const frame of missed) this.send(frame);
    this.#note('resumed', { session_id: session.id, replayed: missed.length });
    this.#platform.sessions.sendOwn(session, 'RESUMED', '');
    this.#platform.pushes.resumed();
  }

  #isRefusedByOrder(step: 'identify' | 'resume', sessionId?: unknown): boolean {
    const fault = this.#platform.faults.takeRefusal(step);
    if (fault === undefined) return false;
    const { invalid_session: op9, code, reason } = fault;
    const keeps = op9 !== false && (code === undefined || KEEPS_SESSION.has(code));
    if (!keeps && typeof sessionId === 'string') this.#platform.sessions.forget(sessionId);
    this.#refuse({ ...(op9 === undefined ? {} : { op9 }), ...(code === undefined ? {} : { code, reason }) });
    return true;
  }

  #refuse({ op9, code, reason = '' }: Refusal): void {
    if (op9 !== undefined) this.#invalidSession(op9);
    if (code === undefined) return;
    this.#note('refused', { code, reason });
    this.close(code, reason);
  }

  #invalidSession(resumable: boolean): void {
    if (!resumable) this.#endSession();
    this.#note('refused', { reason: `op 9, d:${resumable}` });
    this.send(JSON.stringify({ op: OP.invalidSession, d: resumable }));
  }

  #endSession(): void {
    if (this.#session === undefined) return;
    this.#platform.sessions.forget(this.#session.id);
    this.#session = undefined;
  }

  #leave(): void {
    if (this.#session?.link === this) this.#session.link = undefined;
  }

  #feedWatchdog(): void {
    clearTimeout(this.#watchdog);
    const silent = () => this.#refuse(this.#session === undefined ? CLOSE.notAuthenticated : CLOSE.timedOut);
    this.#watchdog = setTimeout(silent, this.#platform.setup.heartbeatIntervalMs * PATIENCE);
  }

  #isTooFast(): boolean {
    const second = Math.floor(performance.now() / 1000);
    this.#framesInSecond = second === this.#second ? this.#framesInSecond + 1 : 1;
    this.#second = second;
    return this.#framesInSecond > FRAMES_PER_SECOND;
  }

  #note(step: GatewayStep['step'], more: Omit<GatewayStep, 'kind' | 'step' | 'connection'>): void {
    this.#platform.transcript.add({ kind: 'gateway', step, connection: this.number, ...more });
  }
}

function readFrame(text: string): Frame | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { op, d } = fields(value);
  return typeof op === 'number' ? { op, d } : undefined;
}

function acknowledge(session: Session, seq: number): void {
  session.acknowledged = Math.max(session.acknowledged, Math.min(seq, session.seq));
}

function fields(value: unknown): { readonly [key: string]: unknown } {
  return typeof value === 'object' && value !== null ? (value as { readonly [key: string]: unknown }) : {};
}

const isCount = (value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;

function isShard(value: unknown): value is readonly [number, number] {
  return Array.isArray(value) && value.length === 2 && isCount(value[0]) && isCount(value[1]) && value[0] < value[1];
}
