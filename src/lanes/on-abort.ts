/** Waiting that ends because nobody waits any more. */

/** What has to happen when a signal aborts: one listener stands for all of it, so that a thousand waits cost no more than one. */
const waiting = new WeakMap<AbortSignal, Set<(reason: unknown) => void>>();

/** Calls `abort` once `signal` aborts, at once if it has; the returned function takes that back. */
export function onAbort(signal: AbortSignal | undefined, abort: (reason: unknown) => void): () => void {
  if (signal === undefined) return () => undefined;
  if (signal.aborted) {
    abort(signal.reason);
    return () => undefined;
  }
  const waits = waiting.get(signal) ?? gatherAborts(signal);
  waits.add(abort);
  return () => waits.delete(abort);
}

function gatherAborts(signal: AbortSignal): Set<(reason: unknown) => void> {
  const waits = new Set<(reason: unknown) => void>();
  waiting.set(signal, waits);
  signal.addEventListener(
    'abort',
    () => {
      for (const abort of waits) abort(signal.reason);
    },
    { once: true },
  );
  return waits;
}

/** Waits for work that others wait for too: when `signal` aborts only this wait ends, with `stopped()`. */
export function waitUnlessStopped<T>(work: Promise<T>, signal: AbortSignal, stopped: () => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    const leave = onAbort(signal, () => reject(stopped()));
    void work.then(resolve, reject).finally(leave);
  });
}
