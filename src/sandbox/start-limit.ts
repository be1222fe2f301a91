/** How many sessions may be started: `session_start_limit` of `GET /gateway/bot`, counted for real, and the pace of Identify. */

export interface SessionLimit {
  readonly total: number;
  readonly remaining: number;
  /** Milliseconds until `remaining` is `total` again. */
  readonly resetAfterMs: number;
  /** Sessions that may be started per 5 s. */
  readonly maxConcurrency: number;
}

export const DEFAULT_SESSION_LIMIT: SessionLimit = {
  total: 1000,
  remaining: 1000,
  resetAfterMs: 86_400_000,
  maxConcurrency: 1,
};
const PACE_WINDOW_MS = 5_000;
const DAY_MS = 86_400_000;

export class StartLimit {
  readonly #now: () => number;
  #limit: SessionLimit;
  #remaining: number;
  #resetAt: number;
  #starts: number[] = [];

  constructor(now: () => number, limit: SessionLimit) {
    this.#now = now;
    this.#limit = limit;
    this.#remaining = limit.remaining;
    this.#resetAt = now() + limit.resetAfterMs;
  }

  /** Begins again with other numbers. */
  set(limit: SessionLimit): void {
    this.#limit = limit;
    this.#remaining = limit.remaining;
    this.#resetAt = this.#now() + limit.resetAfterMs;
    this.#starts = [];
  }

  /** Counts one Identify. @returns why it is refused, or undefined. */
  take(): 'exhausted' | 'too fast' | undefined {
    this.#roll();
    const now = this.#now();
    if (this.#remaining <= 0) return 'exhausted';
    this.#starts = this.#starts.filter((at) => now - at < PACE_WINDOW_MS);
    if (this.#starts.length >= this.#limit.maxConcurrency) return 'too fast';
    this.#starts.push(now);
    this.#remaining -= 1;
    return undefined;
  }

  /** As `GET /gateway/bot` shows it; `reset_after` in milliseconds. */
  shown(): { total: number; remaining: number; reset_after: number; max_concurrency: number } {
    this.#roll();
    return {
      total: this.#limit.total,
      remaining: this.#remaining,
      reset_after: Math.max(0, this.#resetAt - this.#now()),
      max_concurrency: this.#limit.maxConcurrency,
    };
  }

  #roll(): void {
    if (this.#now() < this.#resetAt) return;
    this.#remaining = this.#limit.total;
    this.#resetAt = this.#now() + DAY_MS;
  }
}
