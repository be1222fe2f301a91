/** A file put into a group comes twice from NapCat, as a message and as a notice: it counts once, and a notice behind its message is dropped. */
import type { InboundMessage } from '../../model/message.js';
import { fileInNotice, filesInMessage } from './group-files.js';
import type { Fields } from './wire-fields.js';

/** The two come within this time of each other. */
const PAIR_MS = 60_000;
/** Files whose other form is waited for, at once. */
const MAX_EXPECTED = 1000;

export class RepeatedFiles {
  readonly #notices = new Expected();
  readonly #messages = new Expected();

  /** A message came. Returns how many of its files came as notices before. */
  message(message: InboundMessage): number {
    let repeated = 0;
    for (const key of filesInMessage(message)) {
      if (this.#messages.came(key)) repeated++;
      else this.#notices.expect(key);
    }
    return repeated;
  }

  /** A `group_upload` came. Returns whether its message came before. */
  notice(frame: Fields): boolean {
    const key = fileInNotice(frame);
    if (this.#notices.came(key)) return true;
    this.#messages.expect(key);
    return false;
  }
}

class Expected {
  /** By key, until when; the one that was expected longest stands first. */
  readonly #until = new Map<string, number[]>();

  /** Whether it was expected. Each is expected as often as it was said. */
  came(key: string): boolean {
    const waiting = this.#until.get(key);
    const until = waiting?.shift();
    if (waiting?.length === 0) this.#until.delete(key);
    return until !== undefined && performance.now() <= until;
  }

  expect(key: string): void {
    const now = performance.now();
    for (const [old, until] of this.#until) {
      if (this.#until.size < MAX_EXPECTED && (until.at(-1) ?? 0) > now) break;
      this.#until.delete(old);
    }
    const until = this.#until.get(key) ?? [];
    this.#until.delete(key);
    this.#until.set(key, [...until, now + PAIR_MS].slice(-MAX_EXPECTED));
  }
}
