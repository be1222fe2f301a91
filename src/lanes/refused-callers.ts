/** Who was sent away since somebody last came in: how many, since when, why the last one, and what helps. */

export class RefusedCallers {
  #count = 0;
  #since = 0;
  #last: { readonly reason: string; readonly remedy: string | undefined } | undefined;

  note(reason: string, remedy?: string): void {
    if (this.#count++ === 0) this.#since = Date.now();
    this.#last = { reason, remedy };
  }

  /** Somebody was let in. */
  forget(): void {
    this.#count = 0;
    this.#last = undefined;
  }

  /** In words; undefined when nobody was sent away. */
  get told(): string | undefined {
    if (this.#last === undefined) return undefined;
    const since = new Date(this.#since).toISOString().replace(/\.\d+Z$/, 'Z');
    return `a caller was not let in: ${this.#last.reason} (${this.#count} refused since ${since})`;
  }

  get remedy(): string | undefined {
    return this.#last?.remedy;
  }
}
