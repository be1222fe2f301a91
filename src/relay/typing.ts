/**
 * Somebody sees that an answer is being made. A view on which nothing depends: nothing of it is journalled but the reply that it may
 * cost, of which it leaves as many as an answer mostly needs; where it fails nobody is told.
 */
import type { AllowedPeers } from '../access/allowed-peers.js';
import type { Lane } from '../lanes/lane.js';
import { describeError } from '../model/errors.js';
import type { Inbox, PassivePair, WaitingMessage } from '../store/store.js';
import type { Log } from '../telemetry/log.js';

/** An answer that is there so soon needs no sign before it. */
const AFTER_MS = 1000;
/** QQ shows a sign for a minute. */
const EVERY_MS = 50_000;
const SEEN_MS = 60_000;
/** Replies that a sign leaves: two messages, or a stream that breaks off and the message in its place. */
const LEFT_FOR_ANSWER = 2;
/** And once there is no answer. */
const LEFT_FOR_OTHERS = 1;
const TAKE_BACK_MS = 5000;

export interface TypingParts {
  readonly lane: Lane;
  readonly inbox: Pick<Inbox, 'spendReply'>;
  readonly allowed: AllowedPeers;
  readonly log: Log;
  /** For tests: how soon it is shown, and how often. */
  readonly times?: { readonly afterMs: number; readonly everyMs: number };
}

/** The sign for one message, while its answer is made; undefined where the conversation can show none. */
export function typingFor(parts: TypingParts, entry: WaitingMessage): Typing | undefined {
  const { lane } = parts;
  if (lane.showTyping === undefined || entry.message.conversation.kind !== 'c2c') return undefined;
  return new Typing(parts, entry);
}

export class Typing {
  readonly #parts: TypingParts;
  readonly #entry: WaitingMessage;
  readonly #costsReply: boolean;
  readonly #over = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  /** A reply on its way out of the journal. Never rejects. */
  #spending: Promise<unknown> | undefined;
  /** Replies that are left, where any was asked for. */
  #left: number | undefined;
  /** When it was shown last. */
  #shownAt: number | undefined;

  constructor(parts: TypingParts, entry: WaitingMessage) {
    this.#parts = parts;
    this.#entry = entry;
    this.#costsReply = parts.lane.replyRight(entry.message.conversation) !== undefined;
    this.#later(parts.times?.afterMs ?? AFTER_MS);
  }

  #later(ms: number): void {
    this.#timer = setTimeout(() => void this.#show(), ms);
  }

  /** Never rejects. */
  async #show(): Promise<void> {
    const begun = performance.now();
    const isMade = await this.#sign(true, LEFT_FOR_ANSWER, this.#over.signal, () => {
      this.#shownAt = begun;
    });
    if (isMade && !this.#over.signal.aborted) this.#later(this.#parts.times?.everyMs ?? EVERY_MS);
  }

  /** False where no more can be made. Never rejects. */
  async #sign(isOn: boolean, leaving: number, signal: AbortSignal, onMade = () => {}): Promise<boolean> {
    const { lane, allowed, log } = this.#parts;
    const { conversation } = this.#entry.message;
    if (!allowed.has(conversation.kind, conversation.peer)) return false;
    try {
      const passive = this.#costsReply ? await this.#spend(leaving) : undefined;
      if (signal.aborted || (this.#costsReply && passive === undefined)) return false;
      onMade();
      await lane.showTyping?.({ conversation, isOn, ...(passive === undefined ? {} : { passive }) }, signal);
    } catch (error) {
      if (!signal.aborted) log.debug({ error: describeError(error) }, 'the sign that the bot types was not shown');
    }
    return true;
  }

  /** Rejects when the journal cannot be written. */
  #spend(leaving: number): Promise<PassivePair | undefined> {
    const spent = this.#parts.inbox.spendReply(this.#entry.id, leaving).then(({ pair, left }) => {
      this.#left = left;
      return pair;
    });
    this.#spending = spent.catch(() => undefined); // whoever shows the sign is told, this is only waited for
    return spent;
  }

  /** There is something better to see, or no more to wait for. Resolves with how many replies are left, where it may have taken any. */
  async end(): Promise<number | undefined> {
    clearTimeout(this.#timer);
    this.#over.abort();
    await this.#spending;
    return this.#left;
  }

  /** No message follows, which would end what is seen of it. Never rejects. */
  async takeBack(): Promise<void> {
    await this.end();
    if (this.#shownAt === undefined || performance.now() - this.#shownAt > SEEN_MS) return;
    this.#shownAt = undefined;
    await this.#sign(false, LEFT_FOR_OTHERS, AbortSignal.timeout(TAKE_BACK_MS));
  }
}
