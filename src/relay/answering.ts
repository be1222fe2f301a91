/** Who answers where in one account: a group may have a backend of its own, and what waits for one backend is in nobody else's way. */

import type { InboundMessage } from '../model/message.js';
import { formatTarget, type Target } from '../model/target.js';
import type { Admitted, Arrival, WaitingMessage } from '../store/store.js';
import type { BackendPlaces } from './backend-places.js';
import { Conversations, type ConversationsParts } from './conversations.js';
import { TurnRate } from './turn-rate.js';

export interface AnsweringParts extends Omit<ConversationsParts, 'places' | 'isOwn' | 'onEnded'> {
  /** Every backend that answers somewhere in the account. */
  readonly backends: readonly BackendPlaces[];
  /** One of them. */
  readonly placesFor: (conversation: Target) => BackendPlaces;
  /** Whether somebody will want to know later what was said there. */
  readonly remembers: (conversation: Target) => boolean;
}

export class Answering {
  readonly #parts: AnsweringParts;
  readonly #byBackend: ReadonlyMap<BackendPlaces, Conversations>;
  /** Where one backend answers everywhere. */
  readonly #only: Conversations | undefined;
  readonly #rate = new TurnRate();

  constructor(parts: AnsweringParts) {
    this.#parts = parts;
    const { backends, placesFor } = parts;
    const isShared = backends.length > 1;
    const byBackend = new Map(
      backends.map((places) => {
        const isOwn = (conversation: Target) => placesFor(conversation) === places;
        const onEnded = (message: InboundMessage) => this.#rate.end(peerOf(message));
        return [places, new Conversations({ ...parts, places, onEnded, ...(isShared ? { isOwn } : {}) })];
      }),
    );
    this.#byBackend = byBackend;
    this.#only = isShared ? undefined : [...byBackend.values()][0];
  }

  /** As in `Conversations`, each of these, of the backend that answers there. */
  start(): void {
    for (const conversations of this.#byBackend.values()) conversations.start();
  }

  lookAgain(): void {
    for (const conversations of this.#byBackend.values()) conversations.lookAgain();
  }

  offer(entry: WaitingMessage): void {
    this.#begins(entry.message);
    this.#of(entry.message.conversation).offer(entry);
  }

  answerAtOnce(arrival: Arrival): Promise<Admitted> | undefined {
    return this.#of(arrival.message.conversation).answerAtOnce(arrival);
  }

  stopTurn(arrival: Arrival, isAwaited: boolean): Promise<Admitted> {
    return this.#of(arrival.message.conversation).stopTurn(arrival, isAwaited);
  }

  reserve(conversation: Target): boolean {
    return this.#of(conversation).reserve(conversation);
  }

  begin(entry: WaitingMessage, attempt: number): void {
    this.#begins(entry.message);
    this.#of(entry.message.conversation).begin(entry, attempt);
  }

  forgo(conversation: Target): void {
    this.#of(conversation).forgo(conversation);
  }

  async close(graceMs: number): Promise<void> {
    await Promise.all([...this.#byBackend.values()].map((conversations) => conversations.close(graceMs)));
  }

  /** Whether what is said there is to be remembered. */
  remembers(conversation: Target): boolean {
    return this.#parts.remembers(conversation);
  }

  /** Whether `/new` and `/reset` are for loong, and not for the backend. */
  get keepsHistory(): boolean {
    return this.#parts.keepsHistory;
  }

  /** Whether its sender answers every answer, like a machine. What is answered at once costs nothing, and is not counted. */
  isTooMany(message: InboundMessage): boolean {
    return !this.#of(message.conversation).isInstant && this.#rate.refuses(peerOf(message));
  }

  #begins(message: InboundMessage): void {
    if (!this.#of(message.conversation).isInstant) this.#rate.begin(peerOf(message));
  }

  #of(conversation: Target): Conversations {
    if (this.#only !== undefined) return this.#only;
    const own = this.#byBackend.get(this.#parts.placesFor(conversation));
    if (own === undefined) throw new Error('a conversation has a backend that the account has not');
    return own;
  }
}

/** Somebody in one conversation. */
function peerOf({ conversation, sender }: InboundMessage): string {
  return `${formatTarget(conversation)} ${sender.id}`;
}
