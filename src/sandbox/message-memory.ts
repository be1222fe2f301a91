/** The messages of the last while, by their id: for quotes, recalls and reactions. */
import { Recent } from '../model/recent.js';
import type { Scene } from './transcript.js';
import type { Author, QuotedMessage } from './written-message.js';

export interface KeptMessage extends QuotedMessage {
  readonly scene: Scene;
  readonly author: Author;
  /** In a channel: whether it @-ed the bot. */
  readonly toBot: boolean;
}

const KEPT_MESSAGES = 10_000;

export class MessageMemory {
  readonly #messages = new Map<string, KeptMessage>();
  readonly #recent = new Recent(KEPT_MESSAGES);
  /** `REFIDX_…` → message id. */
  readonly #ids = new Map<string, string>();

  keep(message: KeptMessage): void {
    this.#messages.set(message.id, message);
    if (message.refIdx !== undefined) this.#ids.set(message.refIdx, message.id);
    const oldest = this.#recent.add(message.id);
    if (oldest !== undefined) this.forget(oldest);
  }

  /** By its id, or by its `REFIDX_…`. */
  find(reference: string): KeptMessage | undefined {
    return this.#messages.get(this.#ids.get(reference) ?? reference);
  }

  forget(id: string): void {
    const refIdx = this.#messages.get(id)?.refIdx;
    if (refIdx !== undefined) this.#ids.delete(refIdx);
    this.#messages.delete(id);
  }
}
