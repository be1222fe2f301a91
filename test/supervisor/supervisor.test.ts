/** Tasks are kept running: restarts back off, what an operator must mend says so, and no task touches another. */
import { expect, onTestFinished, test } from 'vitest';
import { LoongError } from '../../src/model/errors.js';
import { type ChildChange, Supervisor } from '../../src/supervisor/supervisor.js';
import { waitUntil } from '../support/wait-until.js';

/** The ladders of the product, a thousand times faster. */
const FAST = { restart: { baseMs: 1, capMs: 30 }, operator: { baseMs: 300, capMs: 21_600 } };

function supervise() {
  const changes: { name: string; change: ChildChange; at: number }[] = [];
  const supervisor = new Supervisor((name, change) => changes.push({ name, change, at: Date.now() }), FAST);
  onTestFinished(() => supervisor.close(0));
  const of = (name: string) => changes.filter((entry) => entry.name === name).map((entry) => entry.change);
  return { supervisor, of, changes };
}

const untilAborted = (signal: AbortSignal) =>
  new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
const forOperator = () => new LoongError('gateway.banned', 'the bot was banned', { retry: 'never', remedy: 'appeal' });

test('a task that fails is started again, with longer waits, saying why and when', async () => {
  const { supervisor, of, changes } = supervise();
  let runs = 0;
  supervisor.start({
    name: 'lane',
    async run(signal) {
      if (++runs < 8) throw new Error(`failure ${runs}`);
      await untilAborted(signal);
    },
  });
  await waitUntil('the eighth run', () => runs === 8);
  const waits = changes.flatMap(({ change, at }) =>
    change.state === 'waiting' ? [{ ...change, ms: change.nextTryAt - at }] : [],
  );
  expect(waits.map((wait) => wait.why)).toEqual([1, 2, 3, 4, 5, 6, 7].map((n) => `failure ${n}`));
  for (const [i, { ms }] of waits.entries()) {
    expect(ms).toBeGreaterThanOrEqual(Math.floor(Math.min(30, 2 ** i) / 2) - 1);
    expect(ms).toBeLessThanOrEqual(31);
  }
  expect(
    of('lane')
      .map((change) => change.state)
      .slice(0, 3),
  ).toEqual(['starting', 'waiting', 'starting']);
});

test('a task that only an operator can mend has failed: with the remedy, and the next try after the long wait', async () => {
  const { supervisor, changes } = supervise();
  let runs = 0;
  supervisor.start({ name: 'lane', run: () => Promise.reject(++runs === 1 ? forOperator() : new Error('later')) });
  const { change, at } = await waitUntil('the failure', () => changes.find((entry) => entry.change.state === 'failed'));
  expect(change).toMatchObject({ state: 'failed', why: 'the bot was banned', remedy: 'appeal' });
  const wait = 'nextTryAt' in change ? change.nextTryAt - at : 0;
  expect(wait).toBeGreaterThanOrEqual(145);
  expect(wait).toBeLessThanOrEqual(301);
  await waitUntil('the next try', () => runs >= 2);
});

test('failures that pass by themselves do not lengthen the first wait for the operator', async () => {
  const { supervisor, changes } = supervise();
  let runs = 0;
  supervisor.start({ name: 'lane', run: () => Promise.reject(++runs <= 6 ? new Error('passing') : forOperator()) });
  const { change, at } = await waitUntil('the failure', () => changes.find((entry) => entry.change.state === 'failed'));
  expect('nextTryAt' in change && change.nextTryAt - at).toBeLessThanOrEqual(301); // not 300 ms × 2⁶
});

test('a task that ends by itself, or throws at once, is started again as well', async () => {
  const { supervisor, of } = supervise();
  let runs = 0;
  supervisor.start({ name: 'ends', run: async () => void runs++ });
  supervisor.start({
    name: 'throws',
    run() {
      throw new TypeError('a bug');
    },
  });
  await waitUntil('three runs', () => runs >= 3);
  await waitUntil('three throws', () => of('throws').filter((change) => change.state === 'waiting').length >= 3);
  expect(of('ends')[1]).toMatchObject({ state: 'waiting', why: 'the task ended by itself' });
});

test('the others run on untouched', async () => {
  const { supervisor, of } = supervise();
  let failures = 0;
  supervisor.start({ name: 'good', run: untilAborted });
  supervisor.start({ name: 'bad', run: () => Promise.reject(new Error(`${++failures}`)) });
  supervisor.start({ name: 'banned', run: () => Promise.reject(forOperator()) });
  await waitUntil('a few failures', () => failures > 5);
  expect(of('good')).toEqual([{ state: 'starting' }]);
});

test('close ends running, waiting and failed tasks at once', async () => {
  const { supervisor, of } = supervise();
  supervisor.start({ name: 'running', run: untilAborted });
  supervisor.start({ name: 'banned', run: () => Promise.reject(forOperator()) });
  await waitUntil('the failure', () => of('banned').some((change) => change.state === 'failed'));
  await supervisor.close();
  expect(of('running').at(-1)).toEqual({ state: 'stopped' });
  expect(of('banned').at(-1)).toEqual({ state: 'stopped' });
});

test('close leaves a task behind that does not heed its signal', async () => {
  const { supervisor } = supervise();
  supervisor.start({ name: 'deaf', run: () => new Promise(() => {}) });
  const begun = performance.now();
  await supervisor.close(50);
  expect(performance.now() - begun).toBeLessThan(2000);
});
