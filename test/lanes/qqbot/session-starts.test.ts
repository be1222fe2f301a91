/** Whatever goes wrong, and for however long: the starts of a day are never used up. */
import { describe, expect, test } from 'vitest';
import { SessionStarts } from '../../../src/lanes/qqbot/session-starts.js';
import { hurry, until } from './support/hurried-clock.js';
import { LaneUnderTest, openSandbox } from './support/lane-under-test.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** The longest wait of the gateway loop, which here is halved by every jitter. */
const SHORTEST_PAUSE_MS = 15_000;

/** When sessions were started within a day of constant failures, in ms; `left` is what the platform tells. */
function dayOfFailures(left: (started: number) => number | undefined): readonly number[] {
  const starts = new SessionStarts();
  const times: number[] = [];
  for (let now = 0; now < DAY; ) {
    const remaining = left(times.length);
    const limit = {
      total: 1000,
      reset_after: DAY - now,
      max_concurrency: 1,
      ...(remaining === undefined ? {} : { remaining }),
    };
    starts.told(limit, now);
    const at = starts.nextAt(now);
    if (at > now) {
      now = at;
      continue;
    }
    starts.started(now);
    times.push(now);
    now += SHORTEST_PAUSE_MS;
  }
  return times;
}

describe('a day of constant failures', () => {
  test.for([
    ['counted by the platform', (started: number) => 1000 - started],
    ['that the platform does not count', () => 1000],
    ['of which the platform tells nothing', () => undefined],
  ] as const)('%s leaves session starts, and no gap of more than a few minutes', ([, left]) => {
    const times = dayOfFailures(left);
    const gaps = times.map((time, n) => (times[n + 1] ?? DAY) - time);
    expect(times.length).toBeLessThan(1000);
    expect(Math.max(...gaps)).toBeLessThan(5 * MINUTE);
    // For two hours nothing is slowed down: an outage that short is left as fast as any.
    expect(gaps.filter((gap, n) => (times[n] ?? 0) < 2 * HOUR && gap > SHORTEST_PAUSE_MS)).toEqual([]);
  });

  test('is lived through by a lane, with the reason in its state', async () => {
    hurry(800);
    const sandbox = await openSandbox();
    const limit = { total: 100, remaining: 100, resetAfterMs: DAY, maxConcurrency: 100 };
    sandbox.platform.set({ session_limit: limit });
    sandbox.platform.fault({ kind: 'gateway.refuse', on: 'identify', code: 4900, times: 'always' });
    const loong = new LaneUnderTest(sandbox);
    void loong.run();
    const since = Date.now();
    await until('2 h', () => Date.now() - since > 2 * HOUR);
    // Half of them, and then one in half an hour.
    expect(sandbox.platform.transcript.counters().identifies).toBeGreaterThan(45);
    expect(sandbox.platform.transcript.counters().identifies).toBeLessThan(65);
    expect(loong.sink.states.at(-1)?.detail).toContain('many session starts were used up');
  });
});

describe('the next start', () => {
  test('is free at once when the last one was long ago, however few are left', () => {
    const starts = new SessionStarts();
    starts.told({ total: 1000, remaining: 1000, reset_after: DAY }, 0);
    starts.started(0);
    starts.told({ total: 1000, remaining: 20, reset_after: 14 * HOUR }, 10 * HOUR);
    expect(starts.nextAt(10 * HOUR)).toBeLessThan(10 * HOUR);
  });

  test('comes with the reset when none are left, and is looked for again when that is not told', () => {
    const starts = new SessionStarts();
    starts.told({ total: 1000, remaining: 0, reset_after: HOUR }, 0);
    expect(starts.nextAt(0)).toBe(HOUR);
    starts.told({ remaining: 0 }, 0);
    expect(starts.nextAt(0)).toBeGreaterThan(10_000);
    expect(starts.nextAt(0)).toBeLessThan(MINUTE);
  });

  test.for([1, 2, 50])('keeps to max_concurrency %d in 5 s', (max_concurrency) => {
    const starts = new SessionStarts();
    starts.told({ total: 1000, remaining: 1000, reset_after: DAY, max_concurrency }, 0);
    starts.started(100_000);
    expect(starts.nextAt(100_000)).toBe(100_000 + 5000 / max_concurrency);
  });

  test('is not put off by a clock that was set back', () => {
    const starts = new SessionStarts();
    starts.started(DAY * 300);
    expect(starts.nextAt(DAY * 200) - DAY * 200).toBeLessThanOrEqual(5000);
  });

  test.for([undefined, null, 7, {}, { total: -1, remaining: 'x', reset_after: Number.NaN, max_concurrency: 0 }])(
    'bears a limit of %j',
    (limit) => {
      const starts = new SessionStarts();
      starts.told(limit, 1000);
      expect(starts.nextAt(1000)).toBe(1000);
      starts.started(1000);
      expect(starts.nextAt(1000)).toBe(6000);
    },
  );
});
