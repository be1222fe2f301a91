/** The door through which everything leaves: allowlist → outbox. */
import { type AllowedPeers, assertPeerAllowed } from '../access/allowed-peers.js';
import { UsageError } from '../model/errors.js';
import { type InboundMessage, type MessageOrigin, plainText, type Segment } from '../model/message.js';
import type { Target } from '../model/target.js';
import type { Inbox, InboxId, Outbox, OutboxId } from '../store/store.js';

/** Longest text that is taken at all; far beyond what any platform delivers. */
const MAX_TEXT_CHARS = 100_000;

export interface OutboundParts {
  readonly allowed: AllowedPeers;
  readonly inbox: Inbox;
  readonly outbox: Outbox;
  /** How long a message may wait, in ms. */
  readonly parkTtlMs: number;
  readonly wakeDelivery: () => void;
}

export class Outbound {
  readonly #parts: OutboundParts;

  constructor(parts: OutboundParts) {
    this.#parts = parts;
  }

  /**
   * Accepts a message of an operator or program; resolves with its number once it is stored.
   * @throws AccessDenied, UsageError (nothing was stored)
   */
  async submit(
    target: Target,
    segments: readonly Segment[],
    origin: Exclude<MessageOrigin, 'backend'>,
  ): Promise<OutboxId> {
    const { allowed, outbox, parkTtlMs, wakeDelivery } = this.#parts;
    assertSendable(target, segments, allowed);
    const id = await outbox.add({ target, segments, origin, expiresAt: Date.now() + parkTtlMs });
    wakeDelivery();
    return id;
  }

  /** Settles an admitted message with its answer: who was admitted may be answered, so the allowlist is not asked again. */
  async answer(id: InboxId, message: InboundMessage, segments: readonly Segment[]): Promise<void> {
    const { inbox, parkTtlMs, wakeDelivery } = this.#parts;
    const empty = plainText(segments).trim() === '';
    const expiresAt = Date.now() + parkTtlMs;
    await inbox.answer(id, empty ? [] : [{ target: message.conversation, segments, origin: 'backend', expiresAt }]);
    if (!empty) wakeDelivery();
  }
}

/** What can be said of a message without asking anybody: the same checks for every caller. */
export function assertSendable(target: Target, segments: readonly Segment[], allowed: AllowedPeers): void {
  assertPeerAllowed(target, allowed);
  const text = plainText(segments);
  if (text.trim() === '')
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
