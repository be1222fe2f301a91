/** How fast is sent: as fast as the platform is known to take it, slower after complaints, and as before once they are over. */
import { describe, expect, test } from 'vitest';
import type { SendLimits } from '../../src/lanes/lane.js';
import type { TargetKind } from '../../src/model/target.js';
import { SEND_LIMITS } from '../../src/protocol/qqbot/send-limits.js';
import { Pace } from '../../src/relay/pace.js';
import { target } from '../support/messages.js';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const NONE: SendLimits = { active: [], activePerTarget: [], perTarget: [], afterComplaint: [] };

/** A pace with its own clock. */
function start(limits: Partial<SendLimits> | ((kind: TargetKind) => SendLimits)) {
  const clock = { now: 1_800_000_000_000 };
  const pace = new Pace(typeof limits === 'function' ? limits : () => ({ ...NONE, ...limits }), () => clock.now);
  return {
    pace,
    pass: (ms: number) => {
      clock.now += ms;
    },
    /** How many go at once. */
    burst: (to = target('alice'), how: 'passive' | 'active' = 'active') => {
      for (let n = 0; n < 1000; n++) if (pace.wait(to, how) > 0) return n;
      return Number.POSITIVE_INFINITY;
    },
  };
}

describe('what the platform is known to take', () => {
  test('goes at once, then one by one as time goes by; whoever waits is told how long, and is not counted', () => {
    const { pace, pass, burst } = start({ active: [{ count: 10, perMs: SECOND }] });
    expect(burst()).toBe(10);
    for (let i = 0; i < 5; i++) expect(pace.wait(target('bob'), 'active')).toBe(100);
    pass(90);
    expect(pace.wait(target('bob'), 'active')).toBeGreaterThan(0);
    pass(11);
    expect(pace.wait(target('bob'), 'active')).toBe(0);
    pass(MINUTE);
    expect(burst()).toBe(10);
  });

  test('is all the same to replies where only active messages are limited', () => {
    const { burst } = start({ active: [{ count: 1, perMs: SECOND }], activePerTarget: [{ count: 1, perMs: SECOND }] });
    expect(burst()).toBe(1);
    expect(burst(target('alice'), 'passive')).toBe(Number.POSITIVE_INFINITY);
  });

  test('of one target slows no other down', () => {
    const { burst } = start({ perTarget: [{ count: 5, perMs: SECOND }] });
    for (const peer of ['alice', 'bob']) expect(burst(target(peer, 'channel'), 'passive')).toBe(5);
  });

  test('of one kind slows no other down', () => {
    const { burst } = start((kind) => ({ ...NONE, active: kind === 'group' ? [{ count: 2, perMs: SECOND }] : [] }));
    expect(burst(target('G', 'group'))).toBe(2);
    expect(burst()).toBe(Number.POSITIVE_INFINITY);
  });

  test('is every limit at once, and a message that one of them stops is counted by none', () => {
    const { pace, pass, burst } = start({
      active: [{ count: 10, perMs: SECOND }],
      activePerTarget: [
        { count: 2, perMs: MINUTE },
        { count: 3, perMs: 100 * MINUTE },
      ],
    });
    expect(burst()).toBe(2);
    expect(burst(target('bob'))).toBe(2);
    expect(burst(target('carol'))).toBe(2); // ten a second, of which six are gone
    pass(30 * SECOND);
    expect(burst()).toBe(1);
    pass(60 * SECOND);
    expect(pace.wait(target('alice'), 'active')).toBeGreaterThan(30 * MINUTE);
  });

  test('a reply that is not sent after all is not counted', () => {
    const { pace, burst } = start({ perTarget: [{ count: 5, perMs: SECOND }] });
    for (let i = 0; i < 20; i++) {
      expect(pace.wait(target('G', 'channel'), 'passive')).toBe(0);
      pace.takeBack(target('G', 'channel'));
    }
    expect(burst(target('G', 'channel'), 'passive')).toBe(5);
  });

  test('a clock that is set back makes nobody wait longer', () => {
    const { pace, pass, burst } = start({ active: [{ count: 10, perMs: SECOND }] });
    expect(burst()).toBe(10);
    pass(-60 * MINUTE);
    expect(pace.wait(target('alice'), 'active')).toBe(100);
    pass(101);
    expect(pace.wait(target('alice'), 'active')).toBe(0);
  });

  test('however many targets there are, the memory of them is bounded and the common limit is kept', () => {
    const { pace } = start({ active: [{ count: 20_001, perMs: 1e12 }], activePerTarget: [{ count: 9, perMs: 1e12 }] });
    for (let i = 0; i < 20_001; i++) expect(pace.wait(target(`p${i}`), 'active')).toBe(0);
    expect(pace.wait(target('p0'), 'active')).toBeGreaterThan(0);
  });
});

describe('a complaint', () => {
  const after = { afterComplaint: [{ count: 100, perMs: SECOND }] };

  test('stops everything for as long as the platform says, else for 3 s', () => {
    const { pace, pass } = start({});
    pace.complained(7 * SECOND);
    expect(pace.wait(target('alice'), 'passive')).toBe(7 * SECOND);
    expect(pace.wait(target('G', 'channel'), 'active')).toBe(7 * SECOND);
    pass(7 * SECOND);
    expect(pace.wait(target('alice'), 'passive')).toBe(0);
    const other = start({});
    other.pace.complained(undefined);
    expect(other.pace.wait(target('alice'), 'passive')).toBe(3 * SECOND);
  });

  test('that comes with others counts once, and none shortens the pause', () => {
    const { pace, burst, pass } = start(after);
    pace.complained(5 * SECOND);
    for (let i = 0; i < 30; i++) pace.complained(undefined);
    expect(pace.wait(target('alice'), 'passive')).toBe(5 * SECOND);
    pass(5 * SECOND);
    expect(burst(target('alice'), 'passive')).toBe(50); // half the speed, not less
  });

  test('after another makes the pause longer, up to a minute, and the speed half as much again, down to 1/32', () => {
    const { pace, pass, burst } = start(after);
    const pauses = [];
    const bursts = [];
    for (let i = 0; i < 7; i++) {
      pace.complained(undefined);
      const ms = pace.wait(target('alice'), 'passive');
      pauses.push(ms / SECOND);
      pass(ms);
      bursts.push(burst(target('alice'), 'passive'));
    }
    expect(pauses).toEqual([3, 6, 12, 24, 48, 60, 60]);
    expect(bursts).toEqual([50, 25, 12, 6, 3, 3, 3]);
  });

  test('that goes on without a break is one more each second', () => {
    const { pace, pass, burst } = start(after);
    for (let i = 0; i < 40; i++) {
      pace.complained(0);
      pass(100);
    }
    expect(burst(target('alice'), 'passive')).toBeLessThanOrEqual(12);
  });

  test('is forgotten after ten minutes without another, and recovered from step by step before', () => {
    const { pace, pass, burst } = start(after);
    for (let i = 0; i < 2; i++) {
      pace.complained(0);
      pass(2 * SECOND);
    }
    expect(burst(target('alice'), 'passive')).toBe(25);
    pass(5 * MINUTE);
    expect(burst(target('alice'), 'passive')).toBe(50);
    pass(5 * MINUTE);
    expect(burst(target('alice'), 'passive')).toBe(Number.POSITIVE_INFINITY);
  });
});

test('QQ: a person gets 20 active messages at once, an account sends 10 a second to all of them', () => {
  const { burst, pass } = start((kind) => SEND_LIMITS[kind as keyof typeof SEND_LIMITS]);
  expect(burst(target('alice'))).toBe(10);
  pass(SECOND);
  expect(burst(target('alice'))).toBe(10);
  pass(SECOND);
  expect(burst(target('alice'))).toBeLessThanOrEqual(1);
  expect(burst(target('alice'), 'passive')).toBe(Number.POSITIVE_INFINITY);
  expect(burst(target('18700', 'channel'), 'passive')).toBe(5);
  expect(burst(target('18700', 'dm'), 'active')).toBe(Number.POSITIVE_INFINITY);
});
