import fc from 'fast-check';
import { expect, test } from 'vitest';
import { backoffDelay, pause } from '../../src/model/backoff.js';

test('a delay lies between half a rung and the whole rung, and never above the cap', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 10_000 }),
      fc.integer({ min: 1, max: 100_000_000 }),
      fc.integer({ min: -5, max: 1_000_000 }),
      fc.double({ min: 0, max: 0.999_999, noNaN: true }),
      (baseMs, capMs, failures, random) => {
        const rung = Math.min(capMs, baseMs * 2 ** Math.min(Math.max(failures - 1, 0), 30));
        const delay = backoffDelay({ baseMs, capMs }, failures, () => random);
        expect(delay).toBeGreaterThanOrEqual(Math.floor(rung / 2));
        expect(delay).toBeLessThanOrEqual(capMs);
      },
    ),
  );
});

test('the ladder doubles from its base to its cap', () => {
  const whole = (failures: number) => backoffDelay({ baseMs: 1000, capMs: 30_000 }, failures, () => 1);
  expect([1, 2, 3, 4, 5, 6, 100].map(whole)).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
});

test('a pause ends at once when its signal aborts, or had aborted before', async () => {
  const stop = new AbortController();
  const paused = pause(60_000, stop.signal);
  stop.abort();
  await paused;
  await pause(60_000, stop.signal);
});
