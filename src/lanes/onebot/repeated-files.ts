/** A file put into a group comes twice from NapCat, as a message and as a notice: the message is kept, the notice is dropped. */
import type { InboundMessage } from '../../model/message.js';
import { fileInNotice, filesInMessage } from './group-files.js';
import type { Fields } from './wire-fields.js';

/** The two come within this time of each other. */
const PAIR_MS = 60_000;
/** A notice waits so long for its message, for most implementations send no such message. */
const HOLD_MS = 3000;
/** Files that are remembered, and notices that wait, at once. */
const MAX_REMEMBERED = 1000;

interface Held {
  readonly timer: NodeJS.Timeout;
  readonly pass: () => void;
}

export class RepeatedFiles {
  readonly #holdMs: number;
  /** Files that came as messages, and until when their notices are expected. */
  readonly #seen = new Map<string, number[]>();
  readonly #held = new Map<string, Held[]>();
  #heldCount = 0;

  constructor(holdMs = HOLD_MS) {
    this.#holdMs = holdMs;
  }

  /** A message came. Returns how many notices that waited it makes superfluous. */
  message(message: InboundMessage): number {
    let dropped = 0;
    for (const key of filesInMessage(message)) {
      if (this.#take(key) !== undefined) dropped++;
      else this.#expect(key);
    }
    return dropped;
  }

  /** A `group_upload` came. Calls `pass` once it is known to stand alone; returns whether its message came before. */
  notice(frame: Fields, pass: () => void): boolean {
    const key = fileInNotice(frame);
    const expected = this.#seen.get(key);
    const until = expected?.shift();
    if (expected?.length === 0) this.#seen.delete(key);
    if (until !== undefined && performance.now() <= until) return true;
    if (this.#heldCount >= MAX_REMEMBERED) pass();
    else this.#hold(key, pass);
    return false;
  }

  /** Nothing waits any more: what waited stands alone. */
  flush(): void {
    for (const key of [...this.#held.keys()])
      for (let one = this.#take(key); one !== undefined; one = this.#take(key)) one.pass();
  }

  #expect(key: string): void {
    const now = performance.now();
    for (const [old, until] of this.#seen) {
      if (this.#seen.size < MAX_REMEMBERED && (until.at(-1) ?? 0) > now) break;
      this.#seen.delete(old);
    }
    const until = this.#seen.get(key) ?? [];
    this.#seen.delete(key);
    this.#seen.set(key, [...until, now + PAIR_MS].slice(-MAX_REMEMBERED));
  }

  #hold(key: string, pass: () => void): void {
    const timer = setTimeout(() => this.#take(key)?.pass(), this.#holdMs);
    const waiting = this.#held.get(key) ?? [];
    waiting.push({ timer, pass });
    this.#held.set(key, waiting);
    this.#heldCount++;
  }

  /** The one that waits longest; it waits no more. */
  #take(key: string): Held | undefined {
    const waiting = this.#held.get(key);
    const first = waiting?.shift();
    if (first === undefined) return undefined;
    if (waiting?.length === 0) this.#held.delete(key);
    clearTimeout(first.timer);
    this.#heldCount--;
    return first;
  }
}
