/** A push counts once, whatever it brought: in one commit, over a restart, for 48 hours; and not at all where its commit failed. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import type { Push } from '../../../src/model/message.js';
import { openStore } from '../../../src/store/sqlite/sqlite-store.js';
import type { Store } from '../../../src/store/store.js';
import { ACCOUNT, arrival, HOUR, inbound, target } from '../../support/messages.js';
import { tempDir } from '../../support/temp-dir.js';

let path: string;
let store: Store;
let watcher: Sqlite.Database;

beforeEach(async () => {
  path = join(tempDir(), 'loong.db');
  store = openStore(path, 'process', 50);
  watcher = new Sqlite(path);
  onTestFinished(async () => {
    watcher.close();
    await store.close();
  });
});

const now = () => Math.floor(Date.now() / 1000);
const push = (body: string, signedAt = now()): Push => ({
  signedAt,
  digest: createHash('sha256').update(body).digest(),
});
const count = (table: string) => watcher.prepare<[], { n: number }>(`SELECT count(*) AS n FROM ${table}`).get()?.n;
const admit = (id: string, by: Push, account = 'main') =>
  store.inbox.admit({
    ...arrival(id),
    message: inbound(id, 'alice', { conversation: target('alice', 'c2c', account) }),
    push: by,
  });

test('a copy is a duplicate, within one commit and after a restart', async () => {
  const by = push('a');
  const together = await Promise.all([1, 2, 3].map(() => admit('m1', by)));
  expect(together.map(({ outcome }) => outcome)).toEqual(['taken', 'duplicate', 'duplicate']);
  await store.close();
  store = openStore(path, 'process');
  expect((await admit('m1', by)).outcome).toBe('duplicate');
  expect([count('inbox'), count('pushes')]).toEqual([1, 1]);
});

test('a copy changes nothing, also where it says something else: what was signed cannot', async () => {
  const by = push('a');
  await admit('m1', by);
  expect((await admit('m2', by)).outcome).toBe('duplicate');
  expect(count('inbox')).toBe(1);
});

test('the same message in another push is known by its id', async () => {
  await admit('m1', push('a'));
  expect((await admit('m1', push('a', now() + 1))).outcome).toBe('duplicate');
  expect([count('inbox'), count('pushes')]).toEqual([1, 2]);
});

test('of another account it is another push', async () => {
  const by = push('a');
  expect((await admit('m1', by)).outcome).toBe('taken');
  expect((await admit('m1', by, 'ops')).outcome).toBe('taken');
});

test('an event without a number of its own counts once, too; so does what nobody could read', async () => {
  const notice = { name: 'GUILD_UPDATE', data: { id: '1' } };
  const [first, second] = await Promise.all(
    [1, 2].map((at) => store.events.append(ACCOUNT, notice, at, undefined, push('n'))),
  );
  expect([first?.isKnown, second?.isKnown]).toEqual([undefined, true]);
  expect((await store.events.append(ACCOUNT, notice, 3, undefined, push('other'))).isKnown).toBeUndefined();
  expect(count('events')).toBe(2);
  expect(await Promise.all([1, 2].map((at) => store.events.keepRaw(ACCOUNT, 'x', 'why', at, push('r'))))).toEqual([
    true,
    false,
  ]);
  expect(count('raw_frames')).toBe(1);
});

test('where the commit fails the push was not taken, and the next one is', async () => {
  const by = push('a');
  watcher.exec('BEGIN IMMEDIATE');
  await expect(admit('m1', by)).rejects.toMatchObject({ code: 'store.busy' });
  watcher.exec('ROLLBACK');
  expect((await admit('m1', by)).outcome).toBe('taken');
});

test('where a neighbour in the commit fails each is taken once', async () => {
  const by = push('a');
  const broken = inbound('m2');
  const guilty = store.inbox.admit({ message: { ...broken, segments: [{ type: 'text', text: 5n }] as never } });
  const outcomes = await Promise.allSettled([admit('m1', by), guilty, admit('m1', by)]);
  expect(outcomes.map((one) => (one.status === 'fulfilled' ? one.value.outcome : 'failed'))).toEqual([
    'taken',
    'failed',
    'duplicate',
  ]);
});

test('it is remembered for 48 hours after it was signed, whatever is kept of messages', async () => {
  const day = (24 * HOUR) / 1000;
  const recent = push('b', now() - 2 * day + 60);
  await admit('m1', push('a', now() - 2 * day - 60));
  await admit('m2', recent);
  await Promise.all(Array.from({ length: 1200 }, (_, i) => admit(`old${i}`, push(`old${i}`, now() - 3 * day))));
  await store.prune(0);
  expect(count('pushes')).toBe(1);
  expect((await admit('m2', recent)).outcome).toBe('duplicate');
  await store.prune(Date.now() + 1);
  expect(count('pushes')).toBe(1);
});
