/** Waiting that ends: by a limit, or because nobody waits any more. */

/** A signal that aborts with `signal`, or after `ms`. Call `clear` when the work is done. */
export function timeLimit(ms: number, signal?: AbortSignal): { readonly signal: AbortSignal; clear(): void } {
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(new Error(`no whole answer within ${ms / 1000} s`)), ms);
  const follow = () => limit.abort(signal?.reason);
  signal?.addEventListener('abort', follow, { once: true });
  if (signal?.aborted) follow();
  return {
    signal: limit.signal,
    clear() {
      clearTimeout(timer);
      signal?.removeEventListener('abort', follow);
    },
  };
}

/** Waits for work that others wait for too: when `signal` aborts only this wait ends, with `stopped()`. */
export function waitUnlessStopped<T>(work: Promise<T>, signal: AbortSignal, stopped: () => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    const leave = () => reject(stopped());
    signal.addEventListener('abort', leave, { once: true });
    if (signal.aborted) leave();
    void work.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave));
  });
}
