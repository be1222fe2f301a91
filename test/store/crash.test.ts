/** What was confirmed is there after kill -9, and what was under way is taken up honestly. */
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openStore } from '../../src/store/sqlite/sqlite-store.js';
import { ChildScript } from '../support/child-script.js';
import { ACCOUNT } from '../support/messages.js';
import { tempDir } from '../support/temp-dir.js';

const OPEN = `const { openStore } = await import(DIST + 'store/sqlite/sqlite-store.js');
const store = openStore(process.argv[2], 'process');
const target = (peer) => ({ channel: 'qqbot', account: 'main', kind: 'c2c', peer });
const message = (id, peer) => ({ id, conversation: target(peer), sender: { id: peer, isBot: false }, segments: [],
  mentionsBot: true, sentAt: Date.now() });
const right = { closesAt: Date.now() + 3600000, count: 4 };
const outgoing = (peer) => ({ target: target(peer), segments: [{ type: 'text', text: 'x' }], origin: 'api', expiresAt: Date.now() + 3600000 });
`;

function reopen(path: string) {
  const store = openStore(path, 'process');
  onTestFinished(() => store.close());
  return store;
}

test('every message that was confirmed before kill -9 is in the journal afterwards', async () => {
  const path = join(tempDir(), 'loong.db');
  const child = new ChildScript(
    `${OPEN} for (let i = 1; ; i++) { await store.inbox.admit({ message: message('m' + i, 'alice'), right }); console.log('stored ' + i + '.'); }`,
    [path],
  );
  await child.says('stored 200.');
  await child.kill();
  const confirmed = [...child.stdout.matchAll(/stored (\d+)\./g)].length;
  const journalled = reopen(path)
    .inbox.waiting(ACCOUNT, 0, 1_000_000)
    .map((entry) => entry.message.id);
  expect(journalled.slice(0, confirmed)).toEqual(Array.from({ length: confirmed }, (_, i) => `m${i + 1}`));
});

test('killed between claim and settle: the reply goes again with its pair, the active message is uncertain', async () => {
  const path = join(tempDir(), 'loong.db');
  const child = new ChildScript(
    `${OPEN} await store.inbox.admit({ message: message('m1', 'alice'), right });
     await store.outbox.add(outgoing('alice')); await store.outbox.add(outgoing('bob'));
     const { rows } = await store.outbox.claim('${ACCOUNT}', Date.now(), 9);
     console.log('claimed ' + rows.length);
     setInterval(() => {}, 1000);`,
    [path],
  );
  await child.says('claimed 2');
  await child.kill();
  const store = reopen(path);
  expect(store.outbox.find(1)?.status).toBe('sending');
  expect(await store.outbox.recover(() => true)).toEqual({ again: 1, uncertain: 1 });
  const { rows } = await store.outbox.claim(ACCOUNT, Date.now(), 9);
  expect(rows).toMatchObject([{ id: 1, ambiguous: true, attempts: 2, passive: { token: { value: 'm1' }, seq: 1 } }]);
  expect(store.outbox.find(2)?.status).toBe('uncertain');
});

test('killed in the middle of a turn: the message waits, its attempt is counted', async () => {
  const path = join(tempDir(), 'loong.db');
  const child = new ChildScript(
    `${OPEN} const { id } = await store.inbox.admit({ message: message('m1', 'alice'), right });
     console.log('attempt ' + (await store.inbox.begin(id)));
     setInterval(() => {}, 1000);`,
    [path],
  );
  await child.says('attempt 1');
  await child.kill();
  const store = reopen(path);
  const [entry] = store.inbox.waiting(ACCOUNT, 0, 9);
  expect(entry?.message.id).toBe('m1');
  expect(await store.inbox.begin(entry?.id ?? 0)).toBe(2);
});

test('killed after an answer of several parts was claimed: the first part goes again with its pair, then the others', async () => {
  const path = join(tempDir(), 'loong.db');
  const child = new ChildScript(
    `${OPEN} const { id } = await store.inbox.admit({ message: message('m1', 'alice'), right, begins: true });
     const parts = ['b', 'c'].map((text) => [{ type: 'text', text }]);
     const claimed = store.outbox.claim('${ACCOUNT}', Date.now() + 1000, 9);
     await store.inbox.answer(id, [{ ...outgoing('alice'), origin: 'backend', furtherParts: parts }]);
     console.log('claimed ' + (await claimed).rows.length);
     setInterval(() => {}, 1000);`,
    [path],
  );
  await child.says('claimed 1');
  await child.kill();
  const store = reopen(path);
  await store.outbox.recover(() => true);
  expect(store.inbox.waiting(ACCOUNT, 0, 9)).toEqual([]);
  for (const [id, ambiguous] of [
    [1, true],
    [2, false],
    [3, false],
  ] as const) {
    const { rows } = await store.outbox.claim(ACCOUNT, Date.now(), 9);
    expect(rows).toMatchObject([{ id, message: 1, ambiguous, passive: { seq: id } }]);
    await store.outbox.settle(id, { status: 'delivered' });
  }
});

test('killed right after a message was journalled and begun in one commit: its attempt is counted', async () => {
  const path = join(tempDir(), 'loong.db');
  const child = new ChildScript(
    `${OPEN} const { attempt } = await store.inbox.admit({ message: message('m1', 'alice'), right, begins: true });
     console.log('attempt ' + attempt);
     setInterval(() => {}, 1000);`,
    [path],
  );
  await child.says('attempt 1');
  await child.kill();
  const store = reopen(path);
  expect(await store.inbox.begin(store.inbox.waiting(ACCOUNT, 0, 9)[0]?.id ?? 0)).toBe(2);
});
