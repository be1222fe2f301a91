/** How far a gateway session is journalled: the highest sequence number below which nothing is still on its way to the journal. */

interface Pending {
  readonly seq: number | undefined;
  done: boolean;
}

export class SequenceMark {
  readonly #onMoved: (seq: number) => void;
  #pending: Pending[] = [];
  #journalled: number | undefined;
  #waiter: { readonly atMost: number; readonly go: () => void } | undefined;

  constructor(start: number | undefined, onMoved: (seq: number) => void) {
    this.#journalled = start;
    this.#onMoved = onMoved;
  }

  /** Undefined until the first frame with a number. */
  get journalled(): number | undefined {
    return this.#journalled;
  }

  /** Frames that are not journalled yet. */
  get pending(): number {
    return this.#pending.length;
  }

  /** Passes a frame's number once `journal` is done; rejects, and never passes it, when `journal` fails. */
  async pass(seq: number | undefined, journal: () => void | Promise<void>): Promise<void> {
    const entry: Pending = { seq, done: false };
    this.#pending.push(entry);
    await journal();
    entry.done = true;
    this.#advance();
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
      reached = entry.seq ?? reached;
    }
    if (finished === 0) return;
    this.#pending = this.#pending.slice(finished);
    if (reached !== undefined) {
      this.#journalled = reached;
      this.#onMoved(reached);
    }
    if (this.#waiter !== undefined && this.#pending.length <= this.#waiter.atMost) {
      const { go } = this.#waiter;
      this.#waiter = undefined;
      go();
    }
  }
}
