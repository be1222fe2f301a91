/** Another program with the same AppID: each new session of either ends that of the other. */
import { type Backoff, backoffDelay } from '../../model/backoff.js';

const WINDOW_MS = 5 * 60_000;
/** So many within the window are no coincidence. */
const TAKEOVERS_THAT_COUNT = 3;
/** While both of them come back, neither is of use: ours comes more seldom. */
const REST: Backoff = { baseMs: 60_000, capMs: WINDOW_MS };

export class Takeovers {
  #times: readonly number[] = [];
  #rounds = 0;

  /** A session that was ready ended. `heldMs`: how long it had held; `now` in unix ms. */
  ended(takenOver: boolean, heldMs: number, now: number): void {
    if (heldMs >= WINDOW_MS) {
      this.#times = [];
      this.#rounds = 0;
    }
    if (!takenOver) return;
    this.#times = [...this.#times.filter((time) => now - time < WINDOW_MS), now];
    if (this.#rounds > 0 || this.#times.length >= TAKEOVERS_THAT_COUNT) this.#rounds++;
  }

  /** Whether any happened within the last 5 min. */
  isRecent(now: number): boolean {
    return this.#times.some((time) => now - time < WINDOW_MS);
  }

  /** What to tell, and what to do about it; undefined while nothing points to another program. */
  get detail(): string | undefined {
    if (this.#rounds === 0) return undefined;
    return (
      'another program uses this AppID: again and again a newer session ends this one; ' +
      'stop the other program, or make a new client secret and give it to this one alone'
    );
  }

  /** Milliseconds to stay away; 0 while nothing points to another program. */
  restMs(): number {
    return this.#rounds === 0 ? 0 : backoffDelay(REST, this.#rounds);
  }
}
