/** The contract between the relay and one account of one channel. */
import type { LoongError } from '../model/errors.js';
import type { InboundMessage, Notice, Plainer, Push, ReplyToken, Segment } from '../model/message.js';
import type { Target, TargetKind } from '../model/target.js';

type Awaitable<T> = T | Promise<T>;

/** How long and how often a message may be answered passively. */
export interface ReplyRight {
  readonly ttlMs: number;
  readonly count: number;
}

/** What the journal still holds of an account, for what a lane must know again after a restart. The oldest first. */
export interface Past {
  /** Messages of the newest so many rows that went out. */
  sent(rows: number): readonly { readonly target: Target; readonly platformMessageId: string }[];
  /** Messages of the newest so many rows that came in. */
  received(rows: number): readonly InboundMessage[];
}

/** What the platform told of an attempt whose time was up. */
export type LateOutcome =
  | { readonly delivered: true; readonly platformMessageId?: string }
  | { readonly delivered: false; readonly error: LoongError };

/** One attempt to deliver one message. `passive` is present when it goes out as a reply. */
export interface Delivery {
  /** Names it when its outcome is told late. */
  readonly id?: number;
  readonly target: Target;
  readonly segments: readonly Segment[];
  readonly passive?: { readonly token: ReplyToken; readonly seq: number };
  /** Sent plainer than it was written, because the platform refused it as it was. */
  readonly plainer?: Plainer;
  /** The number of this attempt, from 1. */
  readonly attempts?: number;
}

/** What came of an attempt that the platform took. */
export interface Taken {
  /** Absent where the platform gave none yet. */
  readonly platformMessageId?: string;
  /** The platform reviews the message first; an event with this id tells what came of it, if the lane hears such events. */
  readonly auditId?: string;
  /** It was taken, but what is seen differs from what was meant. */
  readonly warning?: string;
}

/** So many messages in so long (ms), and as many at once. */
export interface Rate {
  readonly count: number;
  readonly perMs: number;
}

/** How fast the platform takes messages to one kind of target. */
export interface SendLimits {
  /** All active messages together. */
  readonly active: readonly Rate[];
  readonly activePerTarget: readonly Rate[];
  /** Messages of any sort. */
  readonly perTarget: readonly Rate[];
  /** All messages together; heeded once the platform has complained, and ever less of it while it goes on complaining. */
  readonly afterComplaint: readonly Rate[];
}

type Mention = Extract<Segment, { readonly type: 'mention' }>;

/** How many characters (code points) the platform may get to see of what is written, so that it is cut to what it takes. */
export interface EncodedSizes {
  /** Of the character at `at` of a text segment; it may look at what follows. */
  readonly text: (text: string, at: number) => number;
  /** Of the character at `at` of a markdown segment, which may have to go out as text. */
  readonly markdown: (markdown: string, at: number) => number;
  readonly mention: (mention: Mention) => number;
}

/** What is left of a view once the answer is whole. */
export interface HandedView {
  /** Goes to the front of the answer, so that it takes the place of what is seen; absent where nothing is, or that cannot be. */
  readonly segment?: Segment;
  /** What is seen has cost a reply, and stays beside the answer. */
  readonly isLost: boolean;
}

/** What of an answer is seen before it is whole: a view, on which nothing depends. */
export interface AnswerView {
  /** The answer so far. Cheap, and never fails. */
  show(answer: readonly Segment[]): void;
  /** The answer is whole, and nothing more is shown. Resolves soon. Never rejects. */
  hand(): Promise<HandedView>;
  /** There will be no answer. Never rejects. */
  abandon(): Promise<void>;
}

export interface TypingSign {
  /** A private chat. */
  readonly conversation: Target;
  readonly isOn: boolean;
  /** Where the channel knows reply rights. */
  readonly passive?: NonNullable<Delivery['passive']>;
}

export interface Lane {
  /** `qqbot:main` */
  readonly id: string;
  /** The reply right that a message in this conversation opens; undefined where the channel knows none. */
  replyRight(conversation: Target): ReplyRight | undefined;
  limits(kind: TargetKind): SendLimits;
  /** Whether the lane is told what came of a review. */
  readonly hearsReviews: boolean;
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
  /** Shows the answer to a message while it is made; undefined where that cannot be. `attempt`: of the turn, from 1. */
  view?(message: InboundMessage, attempt: number): AnswerView | undefined;
  /**
   * Lets somebody see that an answer is being made (`isOn`), for about a minute, or no more; one call, which costs a reply where the channel
   * knows reply rights. May reject, and then nothing is lost. Absent where the channel has no such thing.
   */
  showTyping?(sign: TypingSign, signal: AbortSignal): Promise<void>;
  /** An attempt was written down as delivered, under this id. */
  written?(delivery: Delivery, platformMessageId: string | undefined): void;
  /**
   * How to send these segments again after the platform refused them, sent as `already` says, for their markdown or for
   * an address in them; undefined when that would send the same once more, or when the account does not permit it.
   */
  plainerForm(segments: readonly Segment[], refusedFor: keyof Plainer, already: Plainer): Plainer | undefined;
  /** Lets go of connections; after this nothing is sent. */
  close(): Promise<void>;
}

/** So begins what is told of an account that goes on without intents it wants; their names follow. */
export const NOT_GRANTED = 'without the intents that the platform did not grant: ';

/** `failed`: an operator has to act; the lane goes on by itself all the same, and looks again now and then. */
export type LaneState = 'connecting' | 'ready' | 'resuming' | 'waiting' | 'failed';

/** What belongs to a state beside its detail. */
export interface StateFacts {
  /** What the operator can do about it. */
  readonly remedy?: string | undefined;
  /** When it looks again (unix ms). */
  readonly nextTryAt?: number | undefined;
  /** What went wrong, remembered beyond the recovery. Unless said, that is the detail of a `waiting`; false: nothing did. */
  readonly trouble?: string | false | undefined;
}

/** Where a lane hands over what came in. A promise that rejects means: not journalled, do not acknowledge. */
export interface LaneSink {
  /**
   * Resolves once the message is journalled. Calls made in one turn of the event loop share one commit. `push`: what brought it, where a
   * copy of that may come; it resolves for a copy, too, which changes nothing.
   */
  message(message: InboundMessage, push?: Push): Awaitable<void>;
  /** The same promise for anything that is no message. */
  notice(notice: Notice, push?: Push): Awaitable<void>;
  /** A frame that could not be decoded is kept as it came. */
  undecodable(raw: string, reason: string, push?: Push): Awaitable<void>;
  /** `detail` says why it waits, or what limits an account that is ready. */
  state(state: LaneState, detail?: string, more?: StateFacts): void;
  /** The platform acknowledged a heartbeat, at this time (unix ms). */
  acknowledged(at: number): void;
  /** What became of a delivery whose outcome was unknown. */
  toldLate(delivery: number, outcome: LateOutcome): void;
  readonly past: Past;
}

/** One thing a probe asked the platform, and what came of it. */
export interface ProbeStep {
  readonly name: string;
  readonly level: 'ok' | 'warn' | 'fail';
  readonly detail: string;
  readonly remedy?: string;
  /** It failed because nothing answered: no answer was judged. */
  readonly unreached?: true;
}
