/** A message in several parts: one commit, in order, and no end without its beginning. */
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { MIGRATIONS } from '../../../src/store/sqlite/migrations.js';
import { openStore } from '../../../src/store/sqlite/sqlite-store.js';
import type { AttemptOutcome, OutboxId, Store } from '../../../src/store/store.js';
import { ACCOUNT, arrival, HOUR, inbound, outgoing, READY, target } from '../../support/messages.js';
import { tempDir } from '../../support/temp-dir.js';

let store: Store;

beforeEach(() => {
  const opened = openStore(join(tempDir(), 'loong.db'), 'process');
  store = opened;
  onTestFinished(() => opened.close());
});

const ERROR = { code: 'x', message: 'y' };
const PARKED: AttemptOutcome = { status: 'parked', error: ERROR };
const FAILED: AttemptOutcome = { status: 'failed', error: ERROR };
const text = (content: string) => [{ type: 'text', text: content }] as const;
const claim = async (limit = 9) => (await store.outbox.claim(ACCOUNT, Date.now(), limit)).rows.map((row) => row.id);
const statuses = (id: OutboxId) => store.outbox.message(id).map((part) => part.status);

function add(peer = 'alice', more = {}) {
  return store.outbox.add(outgoing(peer, 'a', { furtherParts: [text('b'), text('c')], ...more }));
}

test('the parts are rows in order, found by the number of the first alone', async () => {
  const [id, next] = await Promise.all([add(), store.outbox.add(outgoing('alice'))]);
  const parts = store.outbox.message(id);
  expect(parts.map((part) => [part.id, part.message, part.segments])).toEqual([
    [id, id, text('a')],
    [id + 1, id, text('b')],
    [id + 2, id, text('c')],
  ]);
  expect(next).toBe(id + 3);
  expect(store.outbox.message(id + 1)).toEqual([]);
  expect(store.outbox.message(4711)).toEqual([]);
  expect(store.outbox.pending(target('alice'))).toBe(2); // messages, not parts
});

test('the parts go out one after the other, before what was submitted later', async () => {
  const id = await add();
  const next = await store.outbox.add(outgoing('alice'));
  for (const part of [id, id + 1, id + 2]) {
    expect(await claim()).toEqual([part]);
    expect(await store.outbox.settle(part, { status: 'delivered' })).toEqual({ along: 0, nextIsDue: true });
  }
  expect(await claim()).toEqual([next]);
  expect(await store.outbox.settle(next, { status: 'delivered' })).toEqual({ along: 0, nextIsDue: false });
});

test('the parts of an answer are written with it, and take places of its window one by one', async () => {
  const admitted = await store.inbox.admit(arrival('m1', 'alice', 2));
  const inboxId = 'id' in admitted ? admitted.id : 0;
  const message = outgoing('alice', 'a', { origin: 'backend', furtherParts: [text('b'), text('c')] });
  expect(await store.inbox.answer(inboxId, [message])).toEqual({ ids: [1], isDue: true });
  for (const [part, seq] of [
    [1, 1],
    [2, 2],
    [3, undefined],
  ] as const) {
    expect((await store.outbox.claim(ACCOUNT, Date.now(), 9)).rows[0]?.passive?.seq).toBe(seq);
    expect(store.outbox.find(part)?.inReplyTo).toBe(inboxId);
    await store.outbox.settle(part, { status: 'delivered' });
  }
});

test('a part that fails takes the later ones with it, and the next message goes on', async () => {
  const id = await add();
  const next = await store.outbox.add(outgoing('alice'));
  await claim();
  await store.outbox.settle(id, { status: 'delivered' });
  await claim();
  expect(await store.outbox.settle(id + 1, FAILED)).toEqual({ along: 1, nextIsDue: true });
  expect(statuses(id)).toEqual(['delivered', 'failed', 'failed']);
  expect(store.outbox.find(id + 2)).toMatchObject({ attempts: 0, error: { code: 'delivery.part_failed' } });
  expect(await claim()).toEqual([next]);
});

test('an uncertain part stops nothing', async () => {
  const id = await add();
  await claim();
  await store.outbox.settle(id, { status: 'uncertain', error: ERROR });
  expect(await claim()).toEqual([id + 1]);
});

test('a parked part keeps the later ones back, and they come back together when the peer writes', async () => {
  const id = await add();
  await claim();
  expect(await store.outbox.settle(id, PARKED)).toMatchObject({ along: 2 });
  expect(statuses(id)).toEqual(['parked', 'parked', 'parked']);
  // A window of one place leaves none for parked messages: still no end without its beginning.
  await store.inbox.admit(arrival('m1', 'alice', 1));
  expect(await claim()).toEqual([]);
  expect(await store.inbox.admit(arrival('m2', 'alice', 4))).toMatchObject({ unparked: 3 });
  expect(await claim()).toEqual([id]);
  await store.outbox.settle(id, { status: 'delivered' });
  expect(statuses(id)).toEqual(['delivered', 'delivered', 'delivered']);
});

test('all parts expire together', async () => {
  const now = Date.now();
  const id = await add('alice', { expiresAt: now + 1000 });
  const next = await store.outbox.add(outgoing('alice'));
  const { unattempted, rows } = await store.outbox.claim(ACCOUNT, now + 1000, 9);
  expect(unattempted).toEqual([id, id + 1, id + 2]);
  expect(rows.map((row) => row.id)).toEqual([next]);
});

test('what expires is found however the expiry came to be the next one', async () => {
  const now = Date.now();
  expect((await store.outbox.claim(ACCOUNT, now, 9)).unattempted).toEqual([]);
  const late = await store.outbox.add(outgoing('alice', 'late', { expiresAt: now + 3 * HOUR }));
  const soon = await store.outbox.add(outgoing('bob', 'soon', { expiresAt: now + HOUR }));
  await claim();
  await store.outbox.settle(late, { status: 'queued', dueAt: now + 9 * HOUR, error: ERROR, pair: 'release' });
  await store.outbox.settle(soon, PARKED);
  expect((await store.outbox.claim(ACCOUNT, now + HOUR - 1, 9)).unattempted).toEqual([]);
  expect((await store.outbox.claim(ACCOUNT, now + HOUR, 9)).unattempted).toEqual([soon]);
  expect((await store.outbox.claim(ACCOUNT, now + 2 * HOUR, 9)).unattempted).toEqual([]);
  expect((await store.outbox.claim(ACCOUNT, now + 3 * HOUR, 9)).unattempted).toEqual([late]);
});

test('a failed turn and its apology are one commit, and a settled message gets none', async () => {
  const admitted = await store.inbox.admit(arrival('m1'));
  const inboxId = 'id' in admitted ? admitted.id : 0;
  expect(await store.inbox.fail(inboxId, ERROR, [outgoing('alice', 'sorry')])).toEqual([1]);
  expect(store.outbox.find(1)).toMatchObject({ inReplyTo: inboxId, segments: text('sorry') });
  expect(await store.inbox.fail(inboxId, ERROR, [outgoing('alice', 'sorry')])).toEqual([]);
  expect(store.outbox.pending(target('alice'))).toBe(1);
});

test('a claim sees what is asked for after it in the same commit', async () => {
  const claimed = store.outbox.claim(ACCOUNT, Date.now() + 1000, () => 5);
  const id = await store.outbox.add(outgoing('alice'));
  expect((await claimed).rows.map((row) => row.id)).toEqual([id]);
});

test('a file of the first released form is taken over with all that waits in it', async () => {
  const path = join(tempDir(), 'loong.db');
  const old = new Sqlite(path);
  old.exec(MIGRATIONS[0] ?? '');
  old.pragma('user_version = 1');
  old
    .prepare(
      `INSERT INTO outbox (account, target, body, origin, status, due_at, expires_at, created_at)
       VALUES (?, 'qqbot:main:c2c:alice', '[{"type":"text","text":"x"}]', 'api', 'queued', 1, ?, 1)`,
    )
    .run(ACCOUNT, Date.now() + HOUR);
  const bob = inbound('m1', 'bob');
  old
    .prepare(
      `INSERT INTO inbox (account, conversation, message_id, body, status, received_at)
       VALUES (?, 'qqbot:main:c2c:bob', 'm1', ?, 'waiting', 1)`,
    )
    .run(ACCOUNT, JSON.stringify({ ...bob, replyToken: { kind: 'msg_id', value: 'm1' } }));
  const window = old.prepare(
    `INSERT INTO reply_windows (id, target, token_kind, token, closes_at, places, used, last_seq)
     VALUES (?, 'qqbot:main:c2c:bob', ?, ?, ?, 4, 1, 1)`,
  );
  window.run(1, 'msg_id', 'm1', Date.now() + HOUR);
  window.run(-7, 'event_id', 'E7', Date.now() + 2 * HOUR);
  old
    .prepare(
      `INSERT INTO outbox (account, target, body, origin, status, expires_at, attempts, window_id, seq, created_at)
       VALUES (?, 'qqbot:main:c2c:bob', '[{"type":"text","text":"y"}]', 'api', 'sending', ?, 1, -7, 1, 1)`,
    )
    .run(ACCOUNT, Date.now() + HOUR);
  old.close();
  const taken = openStore(path, 'process');
  onTestFinished(() => taken.close());
  expect(taken.outbox.message(1)).toMatchObject([{ id: 1, message: 1, status: 'queued' }]);
  expect(await taken.outbox.recover(() => true)).toEqual({ again: 1, uncertain: 0 });
  const { rows } = await taken.outbox.claim(ACCOUNT, Date.now(), 9);
  expect(rows).toMatchObject([{ id: 1 }, { id: 2, passive: { token: { kind: 'event_id', value: 'E7' }, seq: 1 } }]);
  await taken.outbox.settle(2, { status: 'delivered' });
  expect(taken.inbox.waiting(ACCOUNT, 0, 9)).toMatchObject([{ id: 1, message: bob }]);
  const answer = await taken.inbox.answer(1, [outgoing('bob', 'z', { origin: 'backend' })], READY);
  expect(answer.claimed?.passive).toMatchObject({ token: { kind: 'msg_id', value: 'm1' }, seq: 2 });
});
