/** The door through which everything leaves: allowlist → outbox. */
import { createHash } from 'node:crypto';
import { type AllowedPeers, assertPeerAllowed } from '../access/allowed-peers.js';
import type { AnswerPiece } from '../backends/backend.js';
import { LoongError, UsageError } from '../model/errors.js';
import { type InboundMessage, type MessageOrigin, plainText, type Segment } from '../model/message.js';
import { formatTarget, laneId, type Target } from '../model/target.js';
import type {
  Admitted,
  Answered,
  Arrival,
  DeliveryPlace,
  Inbox,
  InboxId,
  NewOutgoing,
  Once,
  Outbox,
  OutboxId,
  RowError,
} from '../store/store.js';
import type { Delivery } from './delivery.js';
import { ownWord } from './own-word.js';
import { type Cutting, partsOf } from './parts.js';

/** Longest text that is taken at all; far beyond what any platform delivers. */
const MAX_TEXT_CHARS = 100_000;

export interface OutboundParts {
  readonly allowed: AllowedPeers;
  readonly inbox: Inbox;
  readonly outbox: Outbox;
  /** How long a message may wait, in ms. */
  readonly parkTtlMs: number;
  /** Where long text is cut. */
  readonly cutting: Cutting;
  /** How many replies a message in this conversation may have; undefined where replies need no right, or nobody knows of any. */
  readonly places: (conversation: Target) => number | undefined;
  /** Whether somebody will want to know later what was said there; absent: nobody. */
  readonly remembers?: (conversation: Target) => boolean;
  /** Who takes it from there; absent where the caller delivers it himself. */
  readonly delivery?: Pick<Delivery, 'wake' | 'reserve' | 'begin' | 'forgo'>;
}

export class Outbound {
  readonly #parts: OutboundParts;

  constructor(parts: OutboundParts) {
    this.#parts = parts;
  }

  /**
   * Accepts a message of an operator or program; resolves with its number once it is stored. `replyTo`: the platform's id of
   * the message whose reply window is preferred. `key`: when it came with the same message before, nothing is stored, and the number is that
   * of the earlier one.
   * @throws AccessDenied, UsageError (`idempotency.conflict` when the key came with another message before); LoongError `message.unknown` for a `replyTo` that the conversation does not know (nothing was stored)
   */
  async submit(
    target: Target,
    segments: readonly Segment[],
    origin: 'cli' | 'api',
    replyTo?: string,
    key?: string,
  ): Promise<OutboxId> {
    const { outbox, inbox, delivery } = this.#parts;
    assertSendable(target, segments, this.#parts.allowed);
    const once = key === undefined ? undefined : onceOf(key, target, segments, replyTo);
    const preferred = replyTo === undefined ? {} : { replyTo: knownMessage(inbox, target, replyTo) };
    const stored = outbox.add(
      { ...this.#message(target, segments, origin, this.#remembers(target)), ...preferred },
      once,
    );
    delivery?.wake(); // its look joins the commit
    return await stored;
  }

  /** The message that `submit` stored with this key before. @throws UsageError as `submit` */
  earlier(
    target: Target,
    segments: readonly Segment[],
    replyTo: string | undefined,
    key: string,
  ): OutboxId | undefined {
    return this.#parts.outbox.known(laneId(target), onceOf(key, target, segments, replyTo));
  }

  /** Something in the outbox may be due. */
  wake(): void {
    this.#parts.delivery?.wake();
  }

  /**
   * Settles an admitted message with its answer: who was admitted may be answered, so the allowlist is not asked again. `left`: how many
   * replies are left for it, where it was not all. False when nothing is said: there is nothing, or it is not wanted any more.
   */
  async answer(id: InboxId, message: InboundMessage, pieces: readonly AnswerPiece[], left?: number): Promise<boolean> {
    const messages = this.#sayable(message, pieces, left);
    const place = new PlaceInDelivery(message.conversation, this.#parts);
    let answered: Answered | undefined;
    try {
      answered = await this.#parts.inbox.answer(id, messages, place);
      return answered.ids.length > 0;
    } finally {
      place.leave(answered);
    }
  }

  /** Journals a message and its answer in one commit. As `answer` and `Inbox.admit` otherwise. */
  async admit(arrival: Arrival, pieces: readonly AnswerPiece[]): Promise<Admitted> {
    const { message } = arrival;
    const messages = this.#sayable(message, pieces);
    const place = new PlaceInDelivery(message.conversation, this.#parts);
    let answered: Answered | undefined;
    try {
      const admitted = await this.#parts.inbox.admit(arrival, { messages, place });
      if (admitted.outcome !== 'duplicate') answered = admitted.answered;
      return admitted;
    } finally {
      place.leave(answered);
    }
  }

  /** Settles an admitted message as failed, and says so in the conversation unless `apology` is empty. */
  async fail(id: InboxId, message: InboundMessage, error: RowError, apology: string): Promise<void> {
    const apologies = this.#sayable(message, [{ type: 'text', text: apology }]);
    const stored = this.#parts.inbox.fail(id, error, apologies);
    if (apologies.length > 0) this.#parts.delivery?.wake();
    await stored;
  }

  /** The messages of an answer, in order; those that say nothing are left out. */
  #sayable(
    message: InboundMessage,
    pieces: readonly AnswerPiece[],
    places = this.#parts.places(message.conversation),
  ): readonly NewOutgoing[] {
    const { conversation } = message;
    const messages = messagesOf(pieces);
    if (messages.length === 0) return [];
    // Each of the others takes a place, too.
    const left = places === undefined ? undefined : Math.max(1, places - messages.length + 1);
    const isRemembered = this.#remembers(conversation) && ownWord(message) === undefined;
    return messages.map((segments) => this.#message(conversation, segments, 'backend', isRemembered, left));
  }

  #remembers(conversation: Target): boolean {
    return this.#parts.remembers?.(conversation) === true;
  }

  #message(
    target: Target,
    segments: readonly Segment[],
    origin: MessageOrigin,
    isRemembered: boolean,
    places?: number,
  ): NewOutgoing {
    const parts = partsOf(segments, this.#parts.cutting, places, target.kind);
    const whole: NewOutgoing = { target, segments: parts[0], origin, expiresAt: Date.now() + this.#parts.parkTtlMs };
    if (parts.length === 1 && !isRemembered) return whole;
    return {
      ...whole,
      ...(parts.length === 1 ? {} : { furtherParts: parts.slice(1) }),
      ...(isRemembered ? { isRemembered } : {}),
    };
  }
}

/** An answer is delivered as soon as it is stored, without a look at the outbox where there is a place for it. */
class PlaceInDelivery implements DeliveryPlace {
  readonly needsPair: boolean;
  readonly #conversation: Target;
  readonly #delivery: OutboundParts['delivery'];
  #isTaken = false;

  constructor(conversation: Target, { places, delivery }: OutboundParts) {
    this.needsPair = places(conversation) !== undefined;
    this.#conversation = conversation;
    this.#delivery = delivery;
  }

  mayBegin(): boolean {
    this.#isTaken ||= this.#delivery?.reserve(this.#conversation) === true;
    return this.#isTaken;
  }

  /** What became of it; undefined where it was not stored. */
  leave(answered: Answered | undefined): void {
    if (answered?.claimed !== undefined) this.#delivery?.begin(answered.claimed);
    else if (this.#isTaken) this.#delivery?.forgo(this.#conversation);
    if (answered?.isDue === true) this.#delivery?.wake();
  }
}

/** @throws UsageError for what cannot be an idempotency key */
export function assertIdempotencyKey(key: string): void {
  if (/^[\x21-\x7e]{1,128}$/.test(key)) return;
  throw new UsageError(
    'idempotency.bad_key',
    'an idempotency key has 1 to 128 visible ASCII characters, no blanks',
    'take something that names this one message, such as backup-2026-11-20',
  );
}

function onceOf(key: string, target: Target, segments: readonly Segment[], replyTo: string | undefined): Once {
  assertIdempotencyKey(key);
  const asked = JSON.stringify([formatTarget(target), segments, replyTo ?? null]);
  return { key, digest: createHash('sha256').update(asked).digest('base64') };
}

/**
 * The row of a message that somebody wants to reply to.
 * @throws LoongError `message.unknown`
 */
function knownMessage(inbox: Inbox, conversation: Target, messageId: string): InboxId {
  const id = inbox.find(conversation, messageId);
  if (id !== undefined) return id;
  throw new LoongError('message.unknown', `no message \`${messageId}\` came in from ${formatTarget(conversation)}`, {
    remedy:
      'copy the id from the message as the backend got it, or leave reply_to out: an open reply window is found by itself',
  });
}

/** Those that say something. */
function messagesOf(pieces: readonly AnswerPiece[]): readonly (readonly Segment[])[] {
  if (isOne(pieces)) return saysSomething(pieces) ? [pieces] : [];
  const messages: Segment[][] = [[]];
  for (const piece of pieces) {
    if (piece.type === 'end') messages.push([]);
    else messages.at(-1)?.push(piece);
  }
  return messages.filter(saysSomething);
}

function isOne(pieces: readonly AnswerPiece[]): pieces is readonly Segment[] {
  return pieces.every(({ type }) => type !== 'end');
}

function saysSomething(segments: readonly Segment[]): boolean {
  return plainText(segments).trim() !== '' || segments.some(({ type }) => type === 'media' || type === 'native');
}

/** What can be said of a message without asking anybody: the same checks for every caller. */
export function assertSendable(target: Target, segments: readonly Segment[], allowed: AllowedPeers): void {
  assertPeerAllowed(target, allowed);
  const text = plainText(segments);
  if (!saysSomething(segments))
    throw new UsageError(
      'message.empty',
      'the message has no text',
      'pass it with --text, or --text - to read it from stdin',
    );
  if (text.length > MAX_TEXT_CHARS) {
    throw new UsageError(
      'message.too_long',
      `the message has ${text.length} characters; at most ${MAX_TEXT_CHARS} are taken`,
    );
  }
}
