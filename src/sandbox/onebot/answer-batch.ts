/** Answers that wait for one another and go out backwards. */
const PATIENCE_MS = 2000;

export class AnswerBatch {
  #held: (() => void)[] = [];
  #patience: NodeJS.Timeout | undefined;

  /** @param left how many are still to come, this one among them. */
  hold(send: () => void, left: number): void {
    this.#held.push(send);
    clearTimeout(this.#patience);
    if (left <= 1) this.#release();
    else this.#patience = setTimeout(() => this.#release(), PATIENCE_MS).unref();
  }

  #release(): void {
    const held = this.#held.reverse();
    this.#held = [];
    for (const send of held) send();
  }
}
