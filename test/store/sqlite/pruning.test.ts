/** Old settled rows go, in slices nobody has to wait for; what is not settled stays as long as it takes. */
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { openStore } from '../../../src/store/sqlite/sqlite-store.js';
import type { Store } from '../../../src/store/store.js';
import { ACCOUNT, arrival, outgoing } from '../../support/messages.js';
import { tempDir } from '../../support/temp-dir.js';

let store: Store;
let watcher: Sqlite.Database;

beforeEach(() => {
  const path = join(tempDir(), 'loong.db');
  const opened = openStore(path, 'process');
  const watching = new Sqlite(path);
  store = opened;
  watcher = watching;
  onTestFinished(async () => {
    watching.close();
    await opened.close();
  });
});

const count = (table: string) => watcher.prepare<[], { n: number }>(`SELECT count(*) AS n FROM ${table}`).get()?.n;
const idOf = (admitted: object) => ('id' in admitted ? Number(admitted.id) : Number.NaN);

/** One message of each kind of end, and of each kind of open state. */
async function fillStore() {
  const [answered, failed, waiting] = await Promise.all(['a', 'f', 'w'].map((id) => store.inbox.admit(arrival(id))));
  await store.inbox.admit({ ...arrival('r'), refusal: 'sender_not_allowed' });
  await store.inbox.fail(idOf(failed ?? {}), { code: 'x', message: 'y' });
  await store.inbox.answer(idOf(answered ?? {}), [outgoing('alice', 'delivered')]);
  await store.outbox.add(outgoing('bob', 'parked'));
  const { rows } = await store.outbox.claim(ACCOUNT, Date.now(), 9);
  await store.outbox.settle(rows[0]?.id ?? 0, { status: 'delivered' });
  await store.outbox.settle(rows[1]?.id ?? 0, { status: 'parked', error: { code: 'x', message: 'y' } });
  await store.outbox.add(outgoing('carol', 'sending'));
  await store.outbox.claim(ACCOUNT, Date.now(), 9);
  await store.outbox.add(outgoing('dave', 'queued'));
  await store.events.append(ACCOUNT, { name: 'FRIEND_ADD', data: {} }, Date.now());
  return { waiting: idOf(waiting ?? {}) };
}

test('settled rows go with their windows; waiting, queued, sending and parked ones stay', async () => {
  const { waiting } = await fillStore();
  expect(await store.prune(Date.now() + 1)).toBe(3); // answered, failed · delivered; the newest row of each table stays
  expect(watcher.prepare('SELECT id, status FROM inbox').all()).toEqual([
    { id: waiting, status: 'waiting' },
    { id: waiting + 1, status: 'refused' },
  ]);
  expect(
    watcher
      .prepare<[], { status: string }>('SELECT status FROM outbox')
      .all()
      .map((row) => row.status),
  ).toEqual(['parked', 'sending', 'queued']);
  expect(count('events')).toBe(1);
});

test('nothing goes that was settled after the day in question', async () => {
  const before = Date.now();
  await fillStore();
  expect(await store.prune(before)).toBe(0);
  expect(count('inbox')).toBe(4);
});

test('a number is never given twice, also when every row has gone that may go', async () => {
  const first = idOf(await store.inbox.admit({ ...arrival('m1'), refusal: 'x' }));
  const second = idOf(await store.inbox.admit({ ...arrival('m2'), refusal: 'x' }));
  expect(await store.prune(Date.now() + 1)).toBe(1);
  expect(second).toBe(first + 1);
  expect(idOf(await store.inbox.admit(arrival('m3')))).toBe(second + 1);
});

test('rows of a day when the clock was wrong do not keep the others', async () => {
  await Promise.all(Array.from({ length: 1200 }, (_, i) => store.inbox.admit({ ...arrival(`m${i}`), refusal: 'x' })));
  watcher.exec('UPDATE inbox SET received_at = 9e12, settled_at = 9000000000000 WHERE id <= 600');
  expect(await store.prune(Date.now() + 1)).toBe(599);
  expect(count('inbox')).toBe(601);
});

test('10,000 rows go without making anybody wait', async () => {
  const all = Array.from({ length: 10_000 }, (_, i) =>
    store.inbox.admit({ ...arrival(`m${i}`, `p${i % 50}`), refusal: 'x' }),
  );
  await Promise.all(all);
  let longestGap = 0;
  let last = performance.now();
  const ticking = setInterval(() => {
    longestGap = Math.max(longestGap, performance.now() - last);
    last = performance.now();
  }, 1);
  const pruning = store.prune(Date.now() + 1);
  const meanwhile = await store.inbox.admit(arrival('meanwhile'));
  expect(count('inbox')).toBeGreaterThan(1); // it did not wait for the end
  expect(await pruning).toBe(10_000);
  clearInterval(ticking);
  expect(longestGap).toBeLessThan(200);
  expect(watcher.prepare('SELECT id FROM inbox').all()).toEqual([{ id: idOf(meanwhile) }]);
});

test('of the frames nobody could read the newest 1,000 of each account are kept', async () => {
  await store.events.keepRaw('qqbot:ops', 'other', 'why', 1);
  await Promise.all(Array.from({ length: 1100 }, (_, i) => store.events.keepRaw(ACCOUNT, `frame ${i}`, 'why', i)));
  expect(
    watcher
      .prepare('SELECT count(*) AS n, min(at) AS first, max(at) AS last FROM raw_frames WHERE account = ?')
      .get(ACCOUNT),
  ).toEqual({ n: 1000, first: 100, last: 1099 });
  expect(count('raw_frames')).toBe(1001);
});

test('a resume point is kept per lane, and only for the key it was stored under', async () => {
  await store.sessions.save('qqbot:main', 'k1', { sessionId: 's', seq: 1 });
  await store.sessions.save('qqbot:main', 'k1', { sessionId: 's', seq: 2 });
  expect(store.sessions.load('qqbot:main', 'k1')).toEqual({ sessionId: 's', seq: 2 });
  expect(store.sessions.load('qqbot:main', 'k2')).toBeUndefined();
  expect(store.sessions.load('qqbot:ops', 'k1')).toBeUndefined();
  await store.sessions.save('qqbot:main', 'k1', undefined);
  expect(store.sessions.load('qqbot:main', 'k1')).toBeUndefined();
});
