/**
 * What must survive the death of the process, as whole verbs. Every verb that writes resolves once it is committed, and
 * rejects when it is not; calls made in the same turn of the event loop share one commit, in the order in which they were made.
 * Reads answer at once and see only what is committed.
 */
import type { InboundMessage, MessageOrigin, Notice, Plainer, Push, ReplyToken, Segment } from '../model/message.js';
import type { Target } from '../model/target.js';

export interface Store {
  readonly inbox: Inbox;
  readonly outbox: Outbox;
  readonly sessions: GatewaySessions;
  readonly identities: Identities;
  readonly events: EventLog;
  readonly history: History;
  readonly pairings: Pairings;
  readonly queue: Queue;
  /** Forgets what was settled before `before` (unix ms), without making anybody wait; resolves with how many rows went. */
  prune(before: number): Promise<number>;
  /** Commits what is still waiting, then closes. */
  close(): Promise<void>;
}

// ---------------------------------------------------------------- inbound

/** Number of an inbox row; rises with the order of arrival. */
export type InboxId = number;

/** A right to reply: until when (unix ms), and how often. */
export interface Right {
  readonly closesAt: number;
  readonly count: number;
}

/** A message together with what admission decided about it. */
export interface Arrival {
  readonly message: InboundMessage;
  /** Why it will not be answered; absent when it will be. */
  readonly refusal?: string;
  /** `refusal` ends when another copy of the message proves that the bot was meant. */
  readonly refusalIsLiftable?: boolean;
  /** The right to reply that it opens. */
  readonly right?: Right;
  /** Whoever answers is ready for it: the attempt to answer is counted in the same commit. */
  readonly begins?: boolean;
  /** It belongs to what whoever answers later is told of the conversation. */
  readonly isRemembered?: boolean;
  /** The conversation starts afresh with it: nobody is told any more what was said up to it. */
  readonly startsAfresh?: boolean;
  /** The sender is unknown: the message is refused for now, and the first one is a request to pair. */
  readonly pairing?: PairingOffer;
  /** What brought it; a copy of one that was taken before is a duplicate, whatever it says. */
  readonly push?: Push | undefined;
}

/** How somebody unknown is told a code, in the commit of the message. */
export interface PairingOffer {
  /** So many requests of an account may be open. */
  readonly maxPending: number;
  /** What goes out; asked again when a commit is made a second time. */
  readonly say: (code: string) => NewOutgoing;
}

/** Why a message is refused that came with an offer: it was made just now; before, so nothing is said again; or too many others wait. */
export type PairingStep = 'pairing_offered' | 'pairing_pending' | 'pairing_full';

/** An answer that is known when its message comes. */
export interface ReadyAnswer {
  readonly messages: readonly NewOutgoing[];
  readonly place: DeliveryPlace;
}

/** Whoever delivers an answer. */
export interface DeliveryPlace {
  /**
   * Whether he is ready for it: asked where nothing else stands in the way, and again when a commit is made a second time. Then the first
   * part is claimed in the same commit.
   */
  mayBegin(): boolean;
  /** It only goes out with a pair, where its message gives the right to reply. */
  readonly needsPair: boolean;
}

export type Admitted =
  | {
      readonly outcome: 'taken' | 'lifted' | 'refused';
      readonly id: InboxId;
      readonly unparked: number;
      /** Number of the attempt that was counted with it. */
      readonly attempt?: number;
      /** What became of the answer that came with it; absent where it was not wanted any more. */
      readonly answered?: Answered;
      /** Where it came with an offer to pair. */
      readonly pairing?: PairingStep;
    }
  | { readonly outcome: 'duplicate' };

/** A journalled message that has no answer yet. */
export interface WaitingMessage {
  readonly id: InboxId;
  readonly message: InboundMessage;
}

/** The answers as they were stored. */
export interface Answered {
  readonly ids: readonly OutboxId[];
  /** The first of them is due, and not claimed. */
  readonly isDue: boolean;
  /** The first of them, claimed: to be attempted now, and settled. */
  readonly claimed?: Outgoing;
}

export interface RowError {
  readonly code: string;
  readonly message: string;
  readonly remedy?: string;
}

/** A place of a reply window that was asked for. */
export interface SpentReply {
  /** Absent where it was not to be had. */
  readonly pair?: PassivePair;
  /** Places that the window has now. */
  readonly left: number;
}

export interface Inbox {
  /**
   * Journals a message once, opens its reply window, and gives parked messages of its conversation another try. `answer`: where it is known
   * already: a message that is new is settled with it, in the same commit.
   */
  admit(arrival: Arrival, answer?: ReadyAnswer): Promise<Admitted>;
  /** Unanswered messages with a greater id, oldest first. */
  waiting(account: string, after: InboxId, limit: number): readonly WaitingMessage[];
  /** Counts an attempt to answer before it begins; resolves with its number, from 1, or undefined when the message is settled already. */
  begin(id: InboxId): Promise<number | undefined>;
  /**
   * Settles the message as answered, and puts its answers into the outbox, in one commit. A message that is settled already gets no second
   * answer. `place`: who delivers them at once; absent: nobody.
   */
  answer(id: InboxId, answers: readonly NewOutgoing[], place?: DeliveryPlace): Promise<Answered>;
  /** Settles the message as failed, and puts what is said about it into the outbox, in one commit. As `answer` otherwise. */
  fail(id: InboxId, error: RowError, apologies?: readonly NewOutgoing[]): Promise<readonly OutboxId[]>;
  /** Takes a place of the window that the message opened, for what is no message of its own, where more than `leaving` are left. */
  spendReply(id: InboxId, leaving: number): Promise<SpentReply>;
  /** Those of the newest so many rows that are of this account as it is now, whatever became of them. The oldest first. */
  received(account: string, rows: number): readonly InboundMessage[];
  /** The message of a row, whatever became of it; undefined when it is gone. */
  message(id: InboxId): InboundMessage | undefined;
  /** The row of a message of this conversation, whatever became of it. */
  find(conversation: Target, messageId: string): InboxId | undefined;
}

// ---------------------------------------------------------------- outbound

/** Number of an outbox row; rises with the order of submission. A row is one part of a message; the first part's number is the message's. */
export type OutboxId = number;

/** Contract §7.4: what can have become of an outgoing message. */
export type OutgoingStatus = 'queued' | 'sending' | 'delivered' | 'failed' | 'uncertain' | 'parked';

/** A message, stored with all its parts in one commit. */
export interface NewOutgoing {
  readonly target: Target;
  /** The first part, mostly the only one. */
  readonly segments: readonly Segment[];
  /** The parts after it, in order. */
  readonly furtherParts?: readonly (readonly Segment[])[];
  readonly origin: MessageOrigin;
  /** Unix ms after which nobody wants it any more. */
  readonly expiresAt: number;
  /** The inbox row whose reply window is taken before others; it gives no right that the target has not. */
  readonly replyTo?: InboxId;
  /** It belongs to what whoever answers later is told of the conversation. */
  readonly isRemembered?: boolean;
}

/** The pair that makes a passive reply unique at the platform. */
export interface PassivePair {
  readonly token: ReplyToken;
  readonly seq: number;
  /** Unix ms when the right ends. */
  readonly closesAt: number;
}

/** One part of a message. */
export interface Outgoing extends Omit<NewOutgoing, 'furtherParts' | 'isRemembered'> {
  readonly id: OutboxId;
  /** The first part's id, which is its own for the first. */
  readonly message: OutboxId;
  readonly status: OutgoingStatus;
  readonly attempts: number;
  /** The inbox row that it answers. */
  readonly inReplyTo?: InboxId;
  /** Present once a pair was taken for it: it goes (or went) out passively. */
  readonly passive?: PassivePair;
  /** An earlier attempt with the same pair may have arrived. */
  readonly ambiguous: boolean;
  readonly platformMessageId?: string;
  readonly error?: RowError;
  /** The platform refused it as it was written. */
  readonly plainer?: Plainer;
}

/** What became of one attempt. */
export type AttemptOutcome =
  /** `warning`: what is seen differs from what was meant. */
  | { readonly status: 'delivered'; readonly platformMessageId?: string; readonly warning?: string }
  | { readonly status: 'failed' | 'uncertain'; readonly error: RowError }
  /** Waits until the peer writes, for it takes no active messages; or, where that is said, until the account is connected again. */
  | { readonly status: 'parked'; readonly error: RowError; readonly until?: 'connected' }
  /** Taken, and reviewed before anybody sees it: an event with this id tells what came of it. Until then nobody waits for it. */
  | { readonly status: 'sending'; readonly auditId: string; readonly error: RowError }
  /**
   * Tried again at `dueAt`. `pair`: `keep` repeats the same one (the attempt may have arrived) · `release` gives its
   * place in the window back and takes a new one · `spend` takes a new one, the place stays used · `close` the window is of no more use.
   */
  | {
      readonly status: 'queued';
      readonly dueAt: number;
      readonly error: RowError;
      readonly pair: 'keep' | 'release' | 'spend' | 'close';
      /** How it is said from now on. */
      readonly plainer?: Plainer;
    };

/** What one look at the outbox brought. */
export interface Claimed {
  /** To be attempted now, and settled. */
  readonly rows: readonly Outgoing[];
  /** Settled or parked just now without an attempt: nobody wants them any more, or the peer takes no active messages. */
  readonly unattempted: readonly OutboxId[];
  /** There may be more than were asked for. */
  readonly isMore: boolean;
}

/** What a look at the outbox heeds. */
export interface Look {
  /** This row alone, due or not. */
  readonly only?: OutboxId;
  /** How long (in ms) a message to this target has to wait, so that the platform is not asked too fast. Asked once for each attempt that begins. */
  readonly pace?: (target: Target, how: 'passive' | 'active') => number;
}

/** What settling one part meant for others. */
export interface Settled {
  /** Later parts of its message that shared its end. */
  readonly along: number;
  /** Another message to the target is due now, and not claimed. */
  readonly nextIsDue: boolean;
  /** The next message to the target, claimed: to be attempted now, and settled. */
  readonly next?: Outgoing;
  /** Messages whose text the row carried: they shared its end. */
  readonly carried?: readonly OutboxId[];
}

/** A key that makes a message one message, however often it is handed in: per account, for 24 hours. */
export interface Once {
  readonly key: string;
  /** Of all that was asked for with the key. */
  readonly digest: string;
}

/** The platform told late what came of an attempt. */
export type Cleared =
  | { readonly status: 'delivered'; readonly platformMessageId?: string }
  | { readonly status: 'failed'; readonly error: RowError };

export type ClaimsNext = 'passive' | 'any' | false;

export interface Outbox {
  /**
   * Resolves with the number of the first part; with that of the earlier message where `once` was given before.
   * @throws UsageError `idempotency.conflict` when its key was given for something else
   */
  add(message: NewOutgoing, once?: Once): Promise<OutboxId>;
  /** The message that was handed in with this key before. @throws UsageError as `add` */
  known(account: string, once: Once): OutboxId | undefined;
  /** One part. */
  find(id: OutboxId): Outgoing | undefined;
  /** The parts of a message by the number of its first, in order; none when there is no such message. */
  message(id: OutboxId): readonly Outgoing[];
  /** How many messages to a target have parts that are queued or being sent. */
  pending(target: Target): number;
  /**
   * Takes due rows of an account for one attempt each: of a target only the row at the front (the oldest queued one, and none
   * while another is being sent), with the attempt counted and a reply pair taken where a window is open. Without one it goes out
   * actively, or is parked where the peer is known to refuse that. Also settles what expired: as failed, or as uncertain where an attempt
   * may have arrived. Sees all else that is written in its commit, also what is asked for after it; `limit` is asked only then.
   */
  claim(account: string, now: number, limit: number | (() => number), look?: Look): Promise<Claimed>;
  /**
   * Does nothing to a row that is not being sent. Later parts of a message never overtake an earlier one: they fail with it, and
   * are parked with it. `claimsNext`: the next message to the target may be
   * claimed in the same commit, if it goes out passively, or however it goes out.
   */
  settle(id: OutboxId, outcome: AttemptOutcome, claimsNext?: ClaimsNext): Promise<Settled>;
  /** What became of a row that was settled as uncertain; false for any other row. */
  clear(id: OutboxId, outcome: Cleared): Promise<boolean>;
  /** Those of the newest so many rows that the platform gave a number to, of this account as it is now. The oldest first. */
  sent(account: string, rows: number): readonly { readonly target: Target; readonly platformMessageId: string }[];
  /** The account is connected again: whatever waits for that is due. */
  comeBack(account: string): Promise<void>;
  /** When `claim` has something to do next (unix ms); undefined when nothing waits. Rows behind another row do not count. Cheap. */
  nextDue(account: string): number | undefined;
  /**
   * Rows that a dead process left `sending`: passive ones are tried again with the same pair where the platform knows a repeat, all others
   * are `uncertain`.
   */
  recover(knowsRepeats: (target: Target) => boolean): Promise<{ readonly again: number; readonly uncertain: number }>;
}

// ---------------------------------------------------------------- what was said

/** One message of a conversation, in or out; of a long one that went out, one part. */
export interface Said {
  readonly from: 'user' | 'bot';
  /** Absent for the bot. */
  readonly sender?: InboundMessage['sender'];
  readonly segments: readonly Segment[];
  /** When it came in or went out (unix ms). */
  readonly at: number;
}

export interface History {
  /**
   * What was said in a conversation before this message came, the newest `limit` of it, the oldest first: messages that were stored to be
   * remembered, without those that were recalled, failed, or were said before the conversation started afresh. Answers to messages
   * before it are among them, however late they came.
   */
  before(conversation: Target, message: InboxId, limit: number): readonly Said[];
}

// ---------------------------------------------------------------- pairing

/** Somebody asked to be let in, and an operator has not said yes or no. */
export interface PendingPairing {
  /** Lane id. */
  readonly account: string;
  readonly peer: string;
  /** One line, as the lane read it. */
  readonly name?: string;
  readonly code: string;
  /** Unix ms. */
  readonly askedAt: number;
  readonly expiresAt: number;
}

/** Somebody who was let in. */
export interface ApprovedPeer {
  readonly account: string;
  readonly peer: string;
  readonly name?: string;
  /** Unix ms. */
  readonly approvedAt: number;
}

/** Whose decision it was, for the event log: `cli`, `api`. */
export type DecidedBy = 'cli' | 'api';

/** What comes of an approval beside it. */
export interface Approving {
  /** What they are told, at their conversation; absent: nothing. */
  readonly notice?: (to: Target) => NewOutgoing;
  /** False where an account answers nobody in private, whoever it is: then nothing is answered, and nothing told. */
  readonly isHeard?: (account: string) => boolean;
}

export interface Approval {
  readonly approved: ApprovedPeer;
  /** The message with which they asked; absent where it is not there any more. */
  readonly waiting?: WaitingMessage;
  /** The message that tells them. */
  readonly notice?: OutboxId;
}

export interface Revocation {
  readonly revoked: ApprovedPeer;
  /** Outgoing messages that were stopped. */
  readonly stopped: readonly OutboxId[];
}

/** Who was let in, and who asks to be. `accounts` are lane ids; `given` is looked for among them as a user id, then as a code. */
export interface Pairings {
  /** Open requests, the oldest first. */
  pending(): readonly PendingPairing[];
  approved(): readonly ApprovedPeer[];
  /** The approved ones of an account, as they are at any time. */
  approvedOf(account: string): ReadonlySet<string>;
  /**
   * Lets somebody in; the message with which they asked waits for an answer from then on.
   * @throws LoongError `pairing.unknown`; UsageError `pairing.ambiguous` when several accounts have a request of this user
   */
  approve(accounts: readonly string[], given: string, by: DecidedBy, how?: Approving): Promise<Approval>;
  /** @throws as `approve` */
  deny(accounts: readonly string[], given: string, by: DecidedBy): Promise<PendingPairing>;
  /**
   * Lets somebody in no more, and stops all that waits for them in private, unless they are allowed without it (`isListed`).
   * @throws LoongError `pairing.unknown`; UsageError `pairing.ambiguous`
   */
  revoke(
    accounts: readonly string[],
    peer: string,
    by: DecidedBy,
    isListed: (account: string, peer: string) => boolean,
  ): Promise<Revocation>;
}

// ---------------------------------------------------------------- for operators

/** A row of inbox or outbox as an operator sees it. */
export interface QueueRow {
  /** `in-7` or `out-7`. */
  readonly id: string;
  readonly direction: 'in' | 'out';
  /** Canonical target. */
  readonly conversation: string;
  /** waiting, answered, failed, refused (in) · queued, sending, parked, delivered, failed, uncertain (out) */
  readonly status: string;
  readonly attempts: number;
  readonly age_ms: number;
  readonly error?: RowError;
}

/** One row with its text; an outgoing one with all parts of its message. */
export interface QueueItem extends QueueRow {
  readonly text: string;
  readonly parts?: readonly QueuePart[];
}

export interface QueuePart {
  readonly id: string;
  readonly status: OutgoingStatus;
  readonly attempts: number;
  readonly message_id?: string;
  readonly error?: RowError;
  readonly text: string;
}

/** What was done about a row. */
export interface QueueChange {
  readonly account: string;
  /** The outgoing message whose parts changed. */
  readonly message?: OutboxId;
  /** The incoming message that waits for an answer again. */
  readonly waiting?: WaitingMessage;
}

/** What an operator may do about single messages. Ids are public ones (`in-7`, `out-7`); of a part the whole message is meant. */
export interface Queue {
  /** Open rows first, then the ones settled last. */
  list(now: number): readonly QueueRow[];
  find(id: string, now: number): QueueItem | undefined;
  /**
   * Tries again what was not delivered, with a new reply pair, or answers a message anew whose turn failed. `mayDouble`: also what may
   * have arrived. `isHeard`: whether whoever wrote a message may talk; nobody else is answered.
   * @throws LoongError `queue.unknown`, `queue.settled`, `queue.sending`; UsageError `queue.may_double`; AccessDenied
   */
  retry(id: string, mayDouble: boolean, isHeard: (message: InboundMessage) => boolean): Promise<QueueChange>;
  /** Gives up what waits, and all later parts of its message. @throws LoongError `queue.unknown`, `queue.settled`, `queue.sending` */
  drop(id: string): Promise<QueueChange>;
}

// ---------------------------------------------------------------- the rest

/** Where an interrupted gateway session can be taken up again. */
export interface ResumePoint {
  readonly sessionId: string;
  readonly seq: number;
}

export interface GatewaySessions {
  /** Undefined when there is none, or when it was stored under another key (other app id, host or intents). */
  load(lane: string, key: string): ResumePoint | undefined;
  save(lane: string, key: string, point: ResumePoint | undefined): Promise<void>;
}

/** What was done about all that belonged to whom an account was. */
export interface Rebound {
  /** Whom it was; absent when it was nobody's. */
  readonly identity?: string;
  /** Outgoing messages that had not gone out, or may have arrived. */
  readonly failed: number;
  readonly uncertain: number;
  /** Incoming messages that nobody answers any more. */
  readonly unanswered: number;
  readonly windows: number;
  readonly sessions: number;
  /** Peers that were known to take no active messages. */
  readonly refusals: number;
  /** People who were let in, or had asked. */
  readonly pairings: number;
}

/** Whom each account is at its platform (its app id, or QQ number): what is stored of the account belongs to that one alone. */
export interface Identities {
  /** Undefined while it is nobody's. */
  of(account: string): string | undefined;
  /** Says whom an account is that was nobody's. Rejects for any other. */
  bind(account: string, identity: string): Promise<void>;
  /** Makes it nobody's, and settles, closes or forgets what belonged to whom it was, in one commit. */
  rebind(account: string): Promise<Rebound>;
}

/** What an event meant for messages that wait. */
export interface Noted {
  /** It was written down before, and means nothing more. */
  readonly isKnown?: true;
  /** Parked messages that may go now. */
  readonly unparked: number;
  /** The message whose review ended. */
  readonly reviewed?: OutboxId;
}

export interface EventLog {
  /** Writes down an event once, with what it means for what is sent and told: a right to reply (`right`), active messages, the end of a review, a recall. */
  append(account: string, notice: Notice, at: number, right?: Right, push?: Push): Promise<Noted>;
  /** Keeps a frame that could not be decoded, with the newest 1,000 of its account. False where its push was taken before. */
  keepRaw(account: string, raw: string, reason: string, at: number, push?: Push): Promise<boolean>;
}
