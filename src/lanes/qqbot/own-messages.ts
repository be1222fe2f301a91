/** The bot's own messages of the last while, by the names under which people quote them. Forgotten when the process ends. */

const KEPT = 5000;

export class OwnMessages {
  readonly #names = new Set<string>();

  /** Message id, or `REFIDX_…`; anything else is no name. */
  remember(name: unknown): void {
    if (typeof name !== 'string' || name === '' || name.length > 512) return;
    this.#names.add(name);
    if (this.#names.size <= KEPT) return;
    const [oldest = ''] = this.#names;
    this.#names.delete(oldest);
  }

  has(name: string): boolean {
    return this.#names.has(name);
  }
}
