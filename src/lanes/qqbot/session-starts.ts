/** How many gateway sessions may still be started, and when the next one may be: by `session_start_limit`, and by a count of our own. */

/** `max_concurrency` sessions may be created in so many milliseconds. */
const PERIOD_MS = 5000;
/** The limit is one of 24 hours. */
const DAY_MS = 24 * 3_600_000;
/** What the platform usually gives, where it does not tell. */
const TOTAL_UNTOLD = 1000;
/** Where none are left and no time of a reset is told: look again after this. */
const LOOK_AGAIN_MS = 30_000;

/**
 * The first half of a day's starts is spent as fast as the back-off of the gateway loop has it, the other half evenly until the reset:
 * so constant failures never use up all of them. The count of our own (a platform need not count what it refused) is held to the same.
 */
export class SessionStarts {
  #total = TOTAL_UNTOLD;
  /** As told, less what was started since. */
  #left: number | undefined;
  #resetAt = 0;
  #perPeriod = 1;
  /** Our own of the last 24 hours, unix ms. */
  #ours: readonly number[] = [];

  /** What `/gateway/bot` told, at `now` (unix ms); whatever is missing or absurd is taken for the usual. */
  told(limit: unknown, now: number): void {
    const { total, remaining, reset_after, max_concurrency } = (limit ?? {}) as { readonly [key: string]: unknown };
    this.#total = typeof total === 'number' && total >= 1 ? total : TOTAL_UNTOLD;
    this.#left = typeof remaining === 'number' ? Math.max(0, remaining) : undefined;
    this.#resetAt = now + (typeof reset_after === 'number' ? Math.min(Math.max(0, reset_after), DAY_MS) : 0);
    this.#perPeriod = typeof max_concurrency === 'number' && max_concurrency >= 1 ? max_concurrency : 1;
  }

  /** An IDENTIFY was sent, at `at` (unix ms). */
  started(at: number): void {
    this.#ours = [...this.#ours.filter((time) => isWithinDay(time, at)), at];
    if (this.#left !== undefined) this.#left = Math.max(0, this.#left - 1);
  }

  /** When the next one may be sent (unix ms); what is past means now. */
  nextAt(now: number): number {
    if (this.#left === 0) return this.#resetAt > now ? this.#resetAt : now + LOOK_AGAIN_MS;
    const last = this.#ours.at(-1);
    if (last === undefined) return now;
    const since = Math.min(last, now);
    return since + Math.max(PERIOD_MS / this.#perPeriod, this.#gapByOurCount(now), this.#gapByTheirs(since));
  }

  /** More than half of them are left: some may be spent to find something out. */
  arePlentiful(now: number): boolean {
    return this.#gapByOurCount(now) === 0 && (this.#left === undefined || this.#left > this.#total / 2);
  }

  /** Why the next one has to wait for so long, for whoever looks at the account. */
  explain(now: number): string {
    const reset = new Date(this.#resetAt).toISOString();
    if (this.#left === 0) return `no session starts left until ${reset}`;
    const next = new Date(this.nextAt(now)).toISOString();
    const left = this.#left === undefined ? '' : `: ${this.#left} left until ${reset}`;
    return `many session starts were used up${left}; the next one comes at ${next}`;
  }

  #gapByTheirs(since: number): number {
    if (this.#left === undefined || this.#left > this.#total / 2) return 0;
    return Math.max(0, this.#resetAt - since) / (this.#left + 1);
  }

  #gapByOurCount(now: number): number {
    const ours = this.#ours.filter((time) => isWithinDay(time, now)).length;
    return ours > this.#total / 2 ? DAY_MS / (this.#total / 2) : 0;
  }
}

/** A clock that was set back leaves times in the future: they count too, for as long. */
function isWithinDay(time: number, now: number): boolean {
  return Math.abs(now - time) < DAY_MS;
}
