/** Waiting longer after each failure, never in step with others. */

export interface Backoff {
  readonly baseMs: number;
  readonly capMs: number;
}

/** Milliseconds before attempt `failures + 1`: equal jitter over an exponential ladder, so at least half of each rung is waited. */
export function backoffDelay(backoff: Backoff, failures: number, random: () => number = Math.random): number {
  const rung = Math.min(backoff.capMs, backoff.baseMs * 2 ** Math.min(Math.max(failures - 1, 0), 30));
  return Math.round(rung / 2 + (rung / 2) * random());
}

/** Resolves after `ms`, or at once when the signal aborts: the caller's loop looks at the signal next anyway. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', done, { once: true });
  });
}
