/** Named numbers that only grow, for status and tests. */

export class Counters {
  readonly #counts = new Map<string, { n: number }>();

  /** Names are fixed words (bounded in number), never text from outside. */
  count(name: string, by = 1): void {
    const known = this.#counts.get(name);
    if (known === undefined) this.#counts.set(name, { n: by });
    else known.n += by;
  }

  snapshot(): { readonly [name: string]: number } {
    const sorted = [...this.#counts].sort(([a], [b]) => (a < b ? -1 : 1));
    return Object.fromEntries(sorted.map(([name, { n }]) => [name, n]));
  }
}
