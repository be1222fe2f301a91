// @ts-check
/** Chance that can be repeated: the same seed gives the same numbers, on every machine. */

export class Chance {
  #state;

  /** @param {number} seed a whole number */
  constructor(seed) {
    this.#state = seed >>> 0;
  }

  /** From 0 to below 1 (mulberry32). */
  next() {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }

  /**
   * A whole number, both ends included.
   * @param {number} least
   * @param {number} most
   */
  int(least, most) {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  /** @param {number} probability 0 to 1 */
  is(probability) {
    return this.next() < probability;
  }

  /**
   * @template T
   * @param {readonly T[]} list not empty
   * @returns {T}
   */
  pick(list) {
    return /** @type {T} */ (list[Math.floor(this.next() * list.length)]);
  }
}
