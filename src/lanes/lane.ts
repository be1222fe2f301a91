/** The contract between the relay and one account of one channel. */
import type { InboundMessage, Notice, ReplyToken, Segment } from '../model/message.js';
import type { Target } from '../model/target.js';

type Awaitable<T> = T | Promise<T>;

/** How long and how often a message may be answered passively. */
export interface ReplyRight {
  readonly ttlMs: number;
  readonly count: number;
}

/** One attempt to deliver one message. `passive` is present when it goes out as a reply. */
export interface Delivery {
  readonly target: Target;
  readonly segments: readonly Segment[];
  readonly passive?: { readonly token: ReplyToken; readonly seq: number };
  /** Sent plainer than it was written, because the platform refused it as it was. */
  readonly plainer?: Plainer;
}

/** What is left out of a message: the look of markdown, or addresses that can be clicked. */
export interface Plainer {
  readonly markdown?: boolean;
  readonly links?: boolean;
}

/** What came of an attempt that the platform took. */
export interface Taken {
  /** Absent where the platform gave none yet. */
  readonly platformMessageId?: string;
  /** The platform reviews the message first; an event with this id tells what came of it. */
  readonly auditId?: string;
}

export interface Lane {
  /** `qqbot:main` */
  readonly id: string;
  /** The reply right that a message in this conversation opens; undefined where the channel knows none. */
  replyRight(conversation: Target): ReplyRight | undefined;
  /** The platform takes a passive pair to this target only once, so that an attempt with an unknown end may be repeated. */
  knowsRepeats(target: Target): boolean;
  /**
   * Stays connected until `signal` aborts (then it resolves), or until it cannot go on: then it rejects with a
   * `LoongError` whose `retry` tells the supervisor whether trying again by itself can help.
   */
  run(sink: LaneSink, signal: AbortSignal): Promise<void>;
  /**
   * One delivery attempt: at most one POST of the message that the platform can have accepted (a token refresh does
   * not count, nor does a repeat after a certain 401). No queueing.
   * @throws DeliveryError saying whether the message may have arrived.
   */
  send(delivery: Delivery, signal: AbortSignal): Promise<Taken>;
  /** Lets go of connections; after this nothing is sent. */
  close(): Promise<void>;
}

export type LaneState = 'connecting' | 'ready' | 'resuming' | 'waiting';

/** Where a lane hands over what came in. A promise that rejects means: not journalled, do not acknowledge. */
export interface LaneSink {
  /** Resolves once the message is journalled. Calls made in one turn of the event loop share one commit. */
  message(message: InboundMessage): Awaitable<void>;
  /** The same promise for anything that is no message. */
  notice(notice: Notice): Awaitable<void>;
  /** A frame that could not be decoded is kept as it came. */
  undecodable(raw: string, reason: string): Awaitable<void>;
  /** `detail` says why it waits, or what limits an account that is ready. */
  state(state: LaneState, detail?: string): void;
  /** The platform acknowledged a heartbeat, at this time (unix ms). */
  acknowledged(at: number): void;
}

/** One thing a probe asked the platform, and what came of it. */
export interface ProbeStep {
  readonly name: string;
  readonly level: 'ok' | 'warn' | 'fail';
  readonly detail: string;
  readonly remedy?: string;
}
