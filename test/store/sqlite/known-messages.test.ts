/** A message is known as long as its row is there, in whichever generation, after a restart too, and whatever shares its digest. */
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { messageDigest } from '../../../src/store/sqlite/message-digest.js';
import { openStore } from '../../../src/store/sqlite/sqlite-store.js';
import type { Store } from '../../../src/store/store.js';
import { arrival } from '../../support/messages.js';
import { tempDir } from '../../support/temp-dir.js';

function open(path: string): Store {
  const store = openStore(path, 'process');
  onTestFinished(() => store.close());
  return store;
}

async function outcomes(store: Store, ids: readonly string[]): Promise<ReadonlySet<string>> {
  const admitted = await Promise.all(
    ids.map((id, i) => store.inbox.admit({ ...arrival(id, `p${i % 7}`), refusal: 'x' })),
  );
  return new Set(admitted.map(({ outcome }) => outcome));
}

test('10,000 messages are each known once, and still after a restart', async () => {
  const path = join(tempDir(), 'loong.db');
  const ids = Array.from({ length: 10_000 }, (_, i) => `m${i}`);
  const first = openStore(path, 'process');
  expect(await outcomes(first, ids)).toEqual(new Set(['refused']));
  expect(await outcomes(first, ids)).toEqual(new Set(['duplicate']));
  await first.close();
  const again = open(path);
  expect(await outcomes(again, ids)).toEqual(new Set(['duplicate']));
  expect(
    await outcomes(
      again,
      ids.map((id) => `${id} new`),
    ),
  ).toEqual(new Set(['refused']));
  expect(again.inbox.find(arrival('m0', 'p0').message.conversation, 'm0')).toBe(1);
});

test('what was forgotten may come again', async () => {
  const store = open(join(tempDir(), 'loong.db'));
  await outcomes(store, ['m1', 'm2']);
  await store.prune(Date.now() + 1);
  expect(await outcomes(store, ['m1'])).toEqual(new Set(['refused']));
  expect(store.inbox.find(arrival('m1', 'p0').message.conversation, 'm1')).toBe(3);
});

test('two messages that share their digest are two messages', async () => {
  const seen = new Map<number, string>();
  let pair: readonly string[] = [];
  for (let i = 0; pair.length === 0; i++) {
    const digest = messageDigest('qqbot:main:c2c:alice', `id${i}`);
    const other = seen.get(digest);
    if (other !== undefined) pair = [other, `id${i}`];
    seen.set(digest, `id${i}`);
  }
  const store = open(join(tempDir(), 'loong.db'));
  for (const id of pair) expect((await store.inbox.admit(arrival(id))).outcome).toBe('taken');
  for (const id of pair) expect((await store.inbox.admit(arrival(id))).outcome).toBe('duplicate');
});
