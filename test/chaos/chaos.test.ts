/** Crash safety: an unmodified daemon, killed at random while everything around it fails, answers every message exactly once and in order. */
import { expect, test } from 'vitest';
import { MUTANTS, mutant } from './mutants.mjs';
import { play } from './play.mjs';
import { lanesOf, scheduleOf } from './schedule.mjs';
import { canMount } from './state-disk.mjs';

/** One of them plays OneBot alone, and one both lanes. */
const SEEDS = [1, 2, 3, 4, 5, 6, 7];
/** A mutant that survives so many is not found. */
const TRIES = 6;

const mounts = canMount();
if (!mounts && process.env.CI !== 'true')
  process.stdout.write('note: no disk can be mounted on this machine, so the full state disk did not run\n');

test('in CI the state disk can be full', () => {
  expect(mounts || process.env.CI !== 'true').toBe(true);
});

test('a seed is a schedule', () => {
  expect(scheduleOf(7)).toEqual(scheduleOf(7));
  expect(scheduleOf(7)).not.toEqual(scheduleOf(8));
});

test('the short run plays each lane alone, and both together', () => {
  expect(new Set(SEEDS.map(lanesOf))).toEqual(new Set(['qqbot', 'onebot', 'both']));
});

test('every message is answered exactly once, and in order', { timeout: 300_000 }, async () => {
  const left = [...SEEDS];
  const worker = async () => {
    for (let seed = left.shift(); seed !== undefined; seed = left.shift()) {
      const { problems, schedule, log } = await play(seed, { mounts });
      const again = `npm run test:chaos -- --seed ${seed}`;
      expect(problems, `${again}\n${JSON.stringify(schedule.steps)}\n${log.slice(-5000)}`).toEqual([]);
    }
  };
  await Promise.all([worker(), worker()]);
});

test.concurrent.each(Object.entries(MUTANTS))('it finds the mistake: %s', { timeout: 300_000 }, async (_, mistake) => {
  const { root, remove } = mutant(mistake);
  try {
    let found: readonly string[] = [];
    let tries = 0;
    for (let seed = 1; tries < TRIES && found.length === 0; seed++) {
      if (![mistake.lane, 'both'].includes(lanesOf(seed))) continue;
      tries++;
      found = (await play(seed, { root, mounts })).problems;
    }
    expect(found.join('\n')).toMatch(mistake.shows);
  } finally {
    remove();
  }
});
