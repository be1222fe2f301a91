/** What strangers make happen is told now and then: each thing once a minute, with how often it happened in between. */

const EVERY_MS = 60_000;

export class NowAndThen {
  readonly #told = new Map<string, { at: number; unsaid: number }>();

  /** It happened: how often since it was told last, where it is to be told now. `key` is one of a bounded number. */
  unsaid(key: string): number | undefined {
    const known = this.#told.get(key);
    const now = performance.now();
    if (known !== undefined && now - known.at < EVERY_MS) {
      known.unsaid++;
      return undefined;
    }
    this.#told.set(key, { at: now, unsaid: 0 });
    return known?.unsaid ?? 0;
  }
}
