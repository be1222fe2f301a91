/** A clock that runs faster than the sockets: an hour of waiting in a second, with nothing mocked but time. */
import { onTestFinished, vi } from 'vitest';

const TICK_MS = 4;

/** Timers and `Date` run `factor` times as fast until the test is over. Begin with it: what was started before keeps its own time. */
export function hurry(factor: number): void {
  const beat = setInterval(() => vi.advanceTimersByTime(TICK_MS * factor), TICK_MS);
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'] });
  onTestFinished(() => {
    vi.useRealTimers();
    clearInterval(beat);
  });
}

const LIMIT_MS = 15_000;

/** The first value of `look` that is neither undefined nor false; rejects after 15 s of real time, however hurried the clock. */
export async function until<T>(what: string, look: () => T | undefined | false): Promise<T> {
  const begun = performance.now();
  for (;;) {
    const seen = look();
    if (seen !== undefined && seen !== false) return seen;
    if (performance.now() - begun > LIMIT_MS) throw new Error(`waited ${LIMIT_MS} ms in vain for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
