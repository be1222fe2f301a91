/** How far a gateway session is journalled: the highest sequence number below which nothing is still on its way to the journal. */

/** A long frame counts as several, so that what is on its way is bounded in memory too. */
const CHARS_PER_FRAME = 16_384;

interface Pending {
  seq: number | undefined;
  readonly weight: number;
  done: boolean;
}

export class SequenceMark {
  readonly #onMoved: (seq: number) => void;
  #pending: Pending[] = [];
  #weight = 0;
  #journalled: number | undefined;
  #waiter: { readonly atMost: number; readonly go: () => void } | undefined;

  constructor(start: number | undefined, onMoved: (seq: number) => void) {
    this.#journalled = start;
    this.#onMoved = onMoved;
  }

  /** Undefined until the first frame with a number. Never goes back. */
  get journalled(): number | undefined {
    return this.#journalled;
  }

  /** Frames that are not journalled yet, a long one counted as several. */
  get pending(): number {
    return this.#weight;
  }

  /** Passes a frame's number once `journal` is done (at once, where it is no promise); rejects, and never passes it, when it fails. */
  async pass(seq: number | undefined, chars: number, journal: () => void | Promise<void>): Promise<void> {
    const entry: Pending = { seq, weight: Math.max(1, Math.ceil(chars / CHARS_PER_FRAME)), done: false };
    this.#pending.push(entry);
    this.#weight += entry.weight;
    const commit = journal();
    if (commit !== undefined) await commit;
    entry.done = true;
    this.#advance();
  }

  /** A new session counts anew: numbers of the old one that are still on their way mean nothing to it. */
  restart(): void {
    for (const entry of this.#pending) entry.seq = undefined;
    this.#journalled = undefined;
  }

  /** Calls `go` once, as soon as at most so many frames are pending. */
  whenPendingAtMost(atMost: number, go: () => void): void {
    this.#waiter = { atMost, go };
  }

  #advance(): void {
    let finished = 0;
    let reached: number | undefined;
    for (const entry of this.#pending) {
      if (!entry.done) break;
      finished++;
      this.#weight -= entry.weight;
      if (entry.seq !== undefined) reached = Math.max(entry.seq, reached ?? entry.seq);
    }
    if (finished === 0) return;
    this.#pending = this.#pending.slice(finished);
    if (reached !== undefined && (this.#journalled === undefined || reached > this.#journalled)) {
      this.#journalled = reached;
      this.#onMoved(reached);
    }
    if (this.#waiter !== undefined && this.#weight <= this.#waiter.atMost) {
      const { go } = this.#waiter;
      this.#waiter = undefined;
      go();
    }
  }
}
