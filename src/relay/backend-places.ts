/** One backend, and how many turns it takes at once: all accounts and groups that it answers for share its places, and wait in one line. */
import type { Backend } from '../backends/backend.js';

/**
 * Counting an attempt takes a commit, about so long. So as many more begin as a quick backend answers meanwhile, up to a limit;
 * of a slow one it is none, for an attempt that is counted and not made would be untrue after a crash.
 */
const COMMIT_MS = 4;
const MOST_AHEAD = 64;

export interface BackendPlacesParts {
  readonly backend: Backend;
  /** Turns that it takes at once. */
  readonly concurrency: number;
  readonly timeoutMs: number;
}

export class BackendPlaces {
  readonly backend: Backend;
  readonly timeoutMs: number;
  readonly #concurrency: number;
  /** Who waits for an attempt to begin, one for each conversation. */
  readonly #line: (() => boolean)[] = [];
  /** Turns whose attempt is counted, waiting to be put to the backend. */
  readonly #ready: (() => boolean)[] = [];
  /** Turns that are put to the backend. */
  #asked = 0;
  /** Attempts that are counted, or about to be: put to the backend, ready for it, or on their way there through the journal. */
  #begun = 0;
  /** How many more may begin than the backend takes. */
  #ahead = 0;
  #isMoving = false;

  constructor({ backend, concurrency, timeoutMs }: BackendPlacesParts) {
    this.backend = backend;
    this.timeoutMs = timeoutMs;
    this.#concurrency = concurrency;
  }

  /** Lets an attempt begin at once, where there is room and nobody waits; whoever gets `true` calls `whenAsked` or `giveBack`. */
  reserve(): boolean {
    if (this.#begun >= this.#concurrency + this.#ahead || this.#line.length > 0) return false;
    this.#begun++;
    return true;
  }

  /** `begin` is called when an attempt may begin; it tells whether one does, and then `whenAsked` or `giveBack` follows. */
  whenFree(begin: () => boolean): void {
    this.#line.push(begin);
    this.#move();
  }

  /** An attempt is counted: `ask` is called when the backend takes it. It tells whether it puts its turn, and then `leave` follows. */
  whenAsked(ask: () => boolean): void {
    this.#ready.push(ask);
    this.#move();
  }

  /** An attempt that was let begin is not made. */
  giveBack(): void {
    this.#begun--;
    this.#move();
  }

  /** The backend has let go of a turn, of which it heard `tookMs` ago; absent: it never heard of it. */
  leave(tookMs?: number): void {
    this.#asked--;
    this.#begun--;
    if (tookMs !== undefined) this.#ahead = Math.min(MOST_AHEAD, Math.floor((this.#concurrency * COMMIT_MS) / tookMs));
    this.#move();
  }

  #move(): void {
    if (this.#isMoving) return; // whoever is called below may call again
    this.#isMoving = true;
    while (this.#beginNext() || this.#askNext());
    this.#isMoving = false;
  }

  #beginNext(): boolean {
    if (this.#begun >= this.#concurrency + this.#ahead) return false;
    const begin = this.#line.shift();
    if (begin === undefined) return false;
    this.#begun++;
    if (!begin()) this.#begun--;
    return true;
  }

  #askNext(): boolean {
    if (this.#asked >= this.#concurrency) return false;
    const ask = this.#ready.shift();
    if (ask === undefined) return false;
    this.#asked++;
    if (!ask()) {
      this.#asked--;
      this.#begun--;
    }
    return true;
  }
}
