/** A simulated hour without one thing or another: every account comes back by itself, and none is the trouble of its neighbour. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { waitUntil } from '../support/wait-until.js';
import { type Platform, World } from './outages-world.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** Contract §7.5. */
const BACK_WITHIN_MS = 45_000;
/** Simulated milliseconds in one: for the hour itself, and for what is measured. */
const FAST = 150;
const SLOW = 8;

const OUTAGES = ['token', 'discovery', 'name', 'socket', 'refused', 'closed'] as const;
const FATAL = ['secret', 'offline', 'address'] as const;
type Account = (typeof OUTAGES)[number] | (typeof FATAL)[number] | 'healthy';

let world: World<Account>;

beforeEach(() => {
  world = new World();
});

afterEach(() => world.end());

/** Takes from each account what it cannot do without, and the connection that it has. */
async function breakEverything(): Promise<void> {
  const of = (account: Account) => world.of(account);
  await of('token').fault({ kind: 'token', html: '<html>502</html>', status: 502, times: 'always' });
  await of('token').fault({ kind: 'token.expire' });
  await of('discovery').fault({ kind: 'rest', path: '/gateway/bot', status: 500, times: 'always' });
  await of('discovery').fault({ kind: 'gateway.forget_sessions' });
  world.namesAreKnown(false);
  await of('socket').fault({ kind: 'gateway.down' });
  await of('refused').fault({ kind: 'gateway.refuse', on: 'identify', invalid_session: false, times: 'always' });
  await of('refused').fault({ kind: 'gateway.forget_sessions' });
  await of('closed').fault({ kind: 'gateway.refuse', on: 'identify', code: 4900, times: 'always' });
  await of('closed').fault({ kind: 'gateway.forget_sessions' });
  await of('secret').fault({ kind: 'token', code: 100016, times: 'always' });
  await of('secret').fault({ kind: 'token.expire' });
  await of('offline').fault({ kind: 'gateway.refuse', on: 'resume', code: 4914, times: 'always' });
  await of('address').fault({ kind: 'rest', path: '/gateway/bot', code: 11298, times: 'always' });
  await of('address').fault({ kind: 'gateway.forget_sessions' });
  for (const account of [...OUTAGES, ...FATAL]) await of(account).fault({ kind: 'gateway.cut' });
}

/** When the account was ready for the first time after `since`, in simulated ms. */
async function backAt(platform: Platform, since: number): Promise<number> {
  return waitUntil(`${platform.account} to be back`, async () => {
    const steps = await platform.steps('ready', 'resumed');
    return steps.find(({ at }) => at > since)?.at;
  });
}

async function counted(platform: Platform, step: 'identify' | 'resume', since: number): Promise<number> {
  return (await platform.steps(step)).filter(({ at }) => at > since).length;
}

/** Connections that follow one another within 2 min are one try: in the fast hour an answer may come too late for a time limit. */
function triesAmong(times: readonly number[]): readonly number[] {
  return times.filter((time, n) => n === 0 || time - (times[n - 1] ?? 0) > 2 * MINUTE);
}

const gaps = (times: readonly number[]) => times.slice(1).map((time, n) => time - (times[n] ?? 0));

test('an hour without token, address, name, socket or session, and what only an operator can mend', {
  timeout: 120_000,
}, async () => {
  await world.openPlatforms([...OUTAGES, ...FATAL, 'healthy'], ['name']);
  const { url } = world.of('name').where;
  const byName = { url: `${url.replace('http://127.0.0.1', 'ws://localhost')}/websocket` };
  await world.of('name').fault({ kind: 'rest', path: '/gateway/bot', body: byName, times: 'always' });
  await world.startDaemon();

  const began = world.simulatedNow();
  await breakEverything();
  world.speed(FAST);
  const asked: string[] = [];
  for (let minute = 1; minute < 58; minute += 3) {
    await world.until(began + minute * MINUTE);
    const id = await world.of('healthy').say(`minute ${minute}`);
    await waitUntil('an answer', async () => (await world.of('healthy').answersTo(id)).length > 0);
    asked.push(id);
    if (minute === 31) {
      for (const account of FATAL) {
        const failed = await world.status(account);
        expect(failed).toMatchObject({ state: 'failed', remedy: expect.any(String), next_try_at: expect.any(Number) });
      }
    }
  }

  await world.until(began + HOUR - MINUTE / 2);
  world.speed(SLOW);
  await world.until(began + HOUR);
  await world.of('socket').fault({ kind: 'gateway.forget_sessions' });
  for (const account of OUTAGES) if (account !== 'name') await world.of(account).mend();
  world.namesAreKnown(true);
  const ended = world.simulatedNow();
  for (const account of OUTAGES) {
    expect((await backAt(world.of(account), ended)) - ended, account).toBeLessThan(BACK_WITHIN_MS);
  }

  const identifies = (account: Account) => counted(world.of(account), 'identify', began);
  expect(await identifies('token')).toBeLessThanOrEqual(2);
  expect(await identifies('discovery')).toBeLessThanOrEqual(2);
  expect(await identifies('name')).toBe(0);
  expect(await identifies('socket')).toBe(1);
  expect(await counted(world.of('socket'), 'resume', began)).toBeLessThanOrEqual(2);
  for (const account of ['refused', 'closed'] as const) {
    expect(await identifies(account)).toBeGreaterThan(60);
    expect(await identifies(account)).toBeLessThan(260);
  }

  // What needs an operator was tried after 5, 10 and 20 min, and no oftener; on a slow machine the hour is longer.
  const resumes = await world.of('offline').steps('resume');
  const tries = triesAmong(resumes.flatMap(({ at }) => (at > began ? [at] : [])));
  expect(tries.length).toBeGreaterThanOrEqual(4);
  gaps(tries).forEach((gap, n) => {
    expect(gap).toBeGreaterThan(5 * 2 ** n * MINUTE - 1000);
  });
  const fetches = triesAmong((await world.of('secret').tokenFetches()).filter((at) => at > began));
  expect(fetches.length).toBeLessThanOrEqual(tries.length);
  expect(await counted(world.of('address'), 'identify', began)).toBe(0);

  // Mended, they come back with the next try.
  for (const account of FATAL) await world.of(account).mend();
  world.speed(FAST);
  for (const account of FATAL) await backAt(world.of(account), ended);
  expect(world.simulatedNow() - began).toBeLessThan(90 * MINUTE);
  for (const account of FATAL) await waitUntil(account, async () => (await world.status(account))?.state === 'ready');

  for (const id of asked) expect(await world.of('healthy').answersTo(id)).toHaveLength(1);
  expect(await identifies('healthy')).toBe(0);
});
