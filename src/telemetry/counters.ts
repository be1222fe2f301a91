/** Named numbers that only grow, for status and tests. */

export class Counters {
  readonly #counts = new Map<string, number>();

  /** Names are fixed words (bounded in number), never text from outside. */
  count(name: string, by = 1): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + by);
  }

  snapshot(): { readonly [name: string]: number } {
    return Object.fromEntries([...this.#counts].sort(([a], [b]) => (a < b ? -1 : 1)));
  }
}
