/** A key makes a message one message: per account, for 24 hours, in the same commit as the message itself. */
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { openStore } from '../../../src/store/sqlite/sqlite-store.js';
import type { Store } from '../../../src/store/store.js';
import { ACCOUNT, outgoing, target } from '../../support/messages.js';
import { tempDir } from '../../support/temp-dir.js';

const DAY = 86_400_000;

let path: string;
let store: Store;

beforeEach(() => {
  path = join(tempDir(), 'loong.db');
  const opened = openStore(path, 'process');
  store = opened;
  onTestFinished(() => opened.close());
});

const once = (key: string, digest = 'd') => ({ key, digest });

function inDatabase<T>(use: (db: Sqlite.Database) => T): T {
  const db = new Sqlite(path);
  try {
    return use(db);
  } finally {
    db.close();
  }
}
const rows = () => inDatabase((db) => db.prepare<[], { n: number }>('SELECT count(*) AS n FROM outbox').get()?.n);
const keys = () => inDatabase((db) => db.prepare('SELECT key FROM idempotency_keys ORDER BY key').pluck().all());

test('the same key with the same message is one message, however often and however close together', async () => {
  const ids = await Promise.all([1, 2, 3].map(() => store.outbox.add(outgoing('alice'), once('k'))));
  expect(new Set(ids).size).toBe(1);
  expect(await store.outbox.add(outgoing('alice'), once('k'))).toBe(ids[0]);
  expect(rows()).toBe(1);
  expect(store.outbox.known(ACCOUNT, once('k'))).toBe(ids[0]);
});

test('with another message it is refused with a remedy, and nothing is stored; its neighbours are', async () => {
  await store.outbox.add(outgoing('alice'), once('k'));
  const [other, neighbour] = await Promise.allSettled([
    store.outbox.add(outgoing('alice', 'other'), once('k', 'other')),
    store.outbox.add(outgoing('bob')),
  ]);
  expect(other).toMatchObject({ reason: { code: 'idempotency.conflict', remedy: expect.any(String) } });
  expect(neighbour.status).toBe('fulfilled');
  expect(rows()).toBe(2);
  expect(() => store.outbox.known(ACCOUNT, once('k', 'other'))).toThrow('given with another message');
});

test('keys are per account', async () => {
  const main = await store.outbox.add(outgoing('alice'), once('k'));
  const ops = await store.outbox.add(
    { ...outgoing('alice'), target: target('alice', 'c2c', 'ops') },
    once('k', 'another digest'),
  );
  expect(ops).not.toBe(main);
});

test('key and message are there together or not at all, also for whoever opens the file next', async () => {
  const id = await store.outbox.add(outgoing('alice'), once('k'));
  await store.close();
  store = openStore(path, 'process');
  const reopened = store;
  onTestFinished(() => reopened.close());
  expect(await store.outbox.add(outgoing('alice'), once('k'))).toBe(id);
  expect(rows()).toBe(1);
  inDatabase((db) =>
    db.exec(`CREATE TRIGGER no_keys BEFORE INSERT ON idempotency_keys BEGIN SELECT raise(ABORT, 'no'); END`),
  );
  await expect(store.outbox.add(outgoing('alice'), once('k2'))).rejects.toMatchObject({ code: 'store.failed' });
  expect(rows()).toBe(1);
});

test('after 24 hours a key is free again, and pruned in slices', async () => {
  const id = await store.outbox.add(outgoing('alice'), once('old'));
  await Promise.all(Array.from({ length: 1100 }, (_, i) => store.outbox.add(outgoing('alice'), once(`k${i}`))));
  await store.outbox.add(outgoing('bob'), once('young'));
  inDatabase((db) => db.prepare(`UPDATE idempotency_keys SET at = ? WHERE key <> 'young'`).run(Date.now() - DAY));
  expect(store.outbox.known(ACCOUNT, once('old'))).toBeUndefined();
  expect(await store.outbox.add(outgoing('alice', 'new'), once('old', 'new'))).not.toBe(id);
  await store.prune(0);
  expect(keys()).toEqual(['old', 'young']);
});

test('a key whose message was forgotten stands for nothing', async () => {
  await store.outbox.add(outgoing('alice'), once('k'));
  inDatabase((db) => db.exec('DELETE FROM outbox'));
  expect(store.outbox.known(ACCOUNT, once('k'))).toBeUndefined();
  await store.outbox.add(outgoing('alice'), once('k'));
  expect(rows()).toBe(1);
});
