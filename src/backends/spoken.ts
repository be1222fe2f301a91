/** What a model says as it comes, without the thoughts that some servers leave before it: `<think>…</think>`. */

const OPENING = '<think>';
const CLOSING = '</think>';

export class Spoken {
  #state: 'beginning' | 'thinking' | 'speaking' = 'beginning';
  /** What may still turn out to be one of the two marks. */
  #held = '';

  /** The next piece, as far as it is known to be said. */
  add(piece: string): string {
    if (this.#state === 'speaking') return piece;
    this.#held += piece;
    if (this.#state === 'beginning') {
      const begun = this.#held.trimStart();
      if (OPENING.startsWith(begun.slice(0, OPENING.length)) && begun.length < OPENING.length) return '';
      if (!begun.startsWith(OPENING)) return this.#speak(this.#held);
      this.#state = 'thinking';
      this.#held = begun.slice(OPENING.length);
    }
    const end = this.#held.indexOf(CLOSING);
    if (end >= 0) {
      const said = this.#held.slice(end + CLOSING.length).trimStart();
      // Blank lines between the two belong to neither.
      if (said !== '') return this.#speak(said);
      this.#held = CLOSING;
      return '';
    }
    this.#held = this.#held.slice(-(CLOSING.length - 1));
    return '';
  }

  /** What was held back, once nothing more comes. */
  end(): string {
    return this.#state === 'beginning' ? this.#held : '';
  }

  #speak(text: string): string {
    this.#state = 'speaking';
    this.#held = '';
    return text;
  }
}
