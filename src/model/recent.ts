/** The newest so many different words, each put and found in constant time, however many went before. */
export class Recent {
  readonly #kept: number;
  readonly #known = new Set<string>();
  /** In the order in which they came, round and round. */
  readonly #ring: string[] = [];
  #next = 0;

  constructor(kept: number) {
    this.#kept = kept;
  }

  has(word: string): boolean {
    return this.#known.has(word);
  }

  /** Returns what it pushed out. A word that is known keeps its place. */
  add(word: string): string | undefined {
    if (this.#known.has(word)) return undefined;
    const oldest = this.#ring[this.#next];
    if (oldest !== undefined) this.#known.delete(oldest);
    this.#known.add(word);
    this.#ring[this.#next] = word;
    this.#next = (this.#next + 1) % this.#kept;
    return oldest;
  }
}
