/** What one account remembers of messages: by their id, the newest so many, and their numbers in each conversation. */
import type { FlavourFacts } from './flavours.js';
import { messageIdOf, newNativeId } from './message-ids.js';
import type { Place } from './place.js';
import type { Segment } from './segment.js';

export interface KnownMessage {
  readonly messageId: number;
  readonly nativeId: string;
  /** Its number in the conversation. */
  readonly seq: number;
  /** Seconds since 1970. */
  readonly time: number;
  readonly place: Place;
  readonly subType: string;
  /** Who wrote it; the account itself for what the bot sent. */
  readonly from: string;
  readonly segments: readonly Segment[];
  /** The group through which a stranger writes. */
  readonly tempGroup?: string;
}

export type NewMessage = Omit<KnownMessage, 'messageId' | 'nativeId' | 'seq'> & {
  /** Made up where it is left out. */
  readonly messageId?: number | undefined;
};

const FIRST_SEQ = 8000;

export class MessageLog {
  readonly #facts: FlavourFacts;
  readonly #messages = new Map<number, KnownMessage>();
  readonly #seqs = new Map<string, number>();

  constructor(facts: FlavourFacts) {
    this.#facts = facts;
  }

  /** Remembers a message; one with the same id is known no more. */
  add(message: NewMessage): KnownMessage {
    const key = keyOf(message.place);
    const seq = (this.#seqs.get(key) ?? FIRST_SEQ) + 1;
    this.#seqs.set(key, seq);
    const nativeId = newNativeId();
    const messageId = message.messageId ?? messageIdOf(this.#facts, nativeId, message.place, seq);
    const known: KnownMessage = { ...message, messageId, nativeId, seq };
    this.#messages.delete(messageId);
    this.#messages.set(messageId, known);
    if (this.#messages.size > this.#facts.rememberedMessages) {
      const [oldest] = this.#messages.keys();
      if (oldest !== undefined) this.#messages.delete(oldest);
    }
    return known;
  }

  find(messageId: number): KnownMessage | undefined {
    return this.#messages.get(messageId);
  }

  forget(messageId: number): void {
    this.#messages.delete(messageId);
  }

  /** As an implementation that keeps them in memory does when it starts anew. */
  forgetAll(): void {
    this.#messages.clear();
  }

  /** Of one conversation, oldest first: the `count` up to `until` (a message's id; none: the newest). */
  history(place: Place, count: number, until?: number): readonly KnownMessage[] {
    const key = keyOf(place);
    const here = [...this.#messages.values()].filter((message) => keyOf(message.place) === key);
    const end = until === undefined ? here.length : here.findIndex(({ messageId }) => messageId === until) + 1;
    return here.slice(Math.max(0, end - count), end);
  }
}

const keyOf = ({ kind, id }: Place): string => `${kind}:${id}`;
