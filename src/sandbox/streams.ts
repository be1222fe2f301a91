/** Stream messages: what each shows, and which piece was its last. */
import type { Reference } from './reply-windows.js';

export interface Stream {
  readonly openid: string;
  readonly reference: Reference;
  readonly refIdx: string;
  shown: string;
  /** Of the last piece. */
  index: number;
  isFinished: boolean;
}

const KEPT_STREAMS = 1000;

/** The streams of the last while, by the id of their message. */
export class Streams {
  readonly #streams = new Map<string, Stream>();

  find(id: string): Stream | undefined {
    return this.#streams.get(id);
  }

  keep(id: string, stream: Stream): void {
    this.#streams.set(id, stream);
    for (const oldest of this.#streams.keys()) {
      if (this.#streams.size <= KEPT_STREAMS) break;
      this.#streams.delete(oldest);
    }
  }
}
