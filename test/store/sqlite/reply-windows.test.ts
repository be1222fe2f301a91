/** The rights to reply: counted, limited in time, and never the same pair twice. */
import { join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { openStore } from '../../../src/store/sqlite/sqlite-store.js';
import type { AttemptOutcome, Outgoing, Store } from '../../../src/store/store.js';
import { ACCOUNT, arrival, HOUR, inbound, outgoing, READY } from '../../support/messages.js';
import { tempDir } from '../../support/temp-dir.js';

let store: Store;

beforeEach(() => {
  const opened = openStore(join(tempDir(), 'loong.db'), 'process');
  store = opened;
  onTestFinished(() => opened.close());
});

const ERROR = { code: 'x', message: 'y' };

/** Sends one message to alice at once; `now` is the clock of the attempt. */
async function send(now = Date.now(), end: AttemptOutcome = { status: 'delivered' }): Promise<Outgoing> {
  const id = await store.outbox.add(outgoing('alice', 'x', { expiresAt: now + 10 * HOUR }));
  const [row] = (await store.outbox.claim(ACCOUNT, Math.max(now, Date.now()), 1)).rows;
  if (row?.id !== id) throw new Error('not claimed');
  await store.outbox.settle(id, end);
  return row;
}

/** A message that nobody answers: all places of its window are free. */
const overheard = (id: string, count: number, closesAt = Date.now() + HOUR) =>
  store.inbox.admit({ ...arrival(id, 'alice', count), right: { closesAt, count }, refusal: 'x' });

/** A message that waits for its answer. */
async function asked(id: string, count: number, closesAt = Date.now() + HOUR): Promise<number> {
  const admitted = await store.inbox.admit({ ...arrival(id), right: { closesAt, count } });
  return 'id' in admitted ? admitted.id : 0;
}

async function answer(id: number, text = 'answer'): Promise<Outgoing | undefined> {
  const { ids, claimed } = await store.inbox.answer(id, [outgoing('alice', text, { origin: 'backend' })], READY);
  if (claimed !== undefined) return claimed;
  const { rows } = await store.outbox.claim(ACCOUNT, Date.now(), 9); // its own window is over
  return rows.find((row) => row.id === ids[0]);
}

test('a window serves as many replies as it has places, numbered from 1, and then no more', async () => {
  await overheard('m1', 3);
  const seqs = [];
  for (let i = 0; i < 5; i++) seqs.push((await send()).passive?.seq);
  expect(seqs).toEqual([1, 2, 3, undefined, undefined]);
});

test('a window is closed from its last millisecond on', async () => {
  const now = Date.now();
  await store.inbox.admit({ ...arrival('m1'), right: { closesAt: now + HOUR, count: 4 } });
  expect((await send(now + HOUR - 1)).passive?.seq).toBe(1);
  expect((await send(now + HOUR)).passive).toBeUndefined();
});

test('an answer uses the window of its own message first, anything else the newest', async () => {
  const first = await asked('m1', 4);
  await overheard('m2', 1, Date.now() + HOUR + 1);
  const claimed = await answer(first);
  expect(claimed?.passive?.token.value).toBe('m1');
  await store.outbox.settle(claimed?.id ?? 0, { status: 'delivered' });
  expect((await send()).passive?.token.value).toBe('m2');
  expect((await send()).passive?.token.value).toBe('m1');
});

describe('two places of a window', () => {
  test('are kept for the answer to its message, and free once that has gone out', async () => {
    const id = await asked('m1', 4);
    const seqs = [];
    for (let i = 0; i < 3; i++) seqs.push((await send()).passive?.seq);
    expect(seqs).toEqual([1, 2, undefined]);
    const claimed = await answer(id);
    expect(claimed?.passive?.seq).toBe(3);
    const next = await store.outbox.add(outgoing('alice'));
    await store.outbox.settle(claimed?.id ?? 0, { status: 'delivered' });
    const { rows } = await store.outbox.claim(ACCOUNT, Date.now(), 9);
    expect(rows).toMatchObject([{ id: next, passive: { seq: 4 } }]);
  });

  test('are kept while a part of the answer has not gone out', async () => {
    const id = await asked('m1', 4);
    const furtherParts = ['b', 'c'].map((text) => [{ type: 'text', text } as const]);
    await store.inbox.answer(id, [outgoing('alice', 'a', { origin: 'backend', furtherParts })]);
    const { rows } = await store.outbox.claim(ACCOUNT, Date.now(), 9);
    await store.outbox.settle(rows[0]?.id ?? 0, { status: 'delivered' });
    const another = await store.outbox.add(outgoing('alice'));
    const { rows: named } = await store.outbox.claim(ACCOUNT, Date.now(), 9, { only: another });
    expect(named[0]?.passive?.seq).toBe(2); // one of three that are left
    const third = await store.outbox.add(outgoing('alice'));
    const { rows: last } = await store.outbox.claim(ACCOUNT, Date.now(), 9, { only: third });
    expect(last[0]?.passive).toBeUndefined();
  });

  test('are no places for the answer to another message either, nor for a wish of a reply to this one', async () => {
    const over = await asked('m1', 4, Date.now() - 1);
    const other = await asked('m2', 2);
    const claimed = await answer(over);
    expect(claimed).toBeDefined();
    expect(claimed?.passive).toBeUndefined();
    await store.outbox.settle(claimed?.id ?? 0, { status: 'delivered' });
    await store.outbox.add(outgoing('alice', 'x', { replyTo: other }));
    expect((await store.outbox.claim(ACCOUNT, Date.now(), 9)).rows[0]?.passive).toBeUndefined();
  });

  test('an answer whose own window is over takes the newest with a place to spare', async () => {
    const over = await asked('m1', 4, Date.now() - 1);
    await asked('m2', 4);
    await asked('m3', 2, Date.now() + HOUR + 9);
    expect((await answer(over))?.passive?.token.value).toBe('m2');
  });
});

describe('an answer that waits behind another message', () => {
  async function stored(to: number): Promise<number> {
    const { ids, claimed } = await store.inbox.answer(to, [outgoing('alice', 'y', { origin: 'backend' })], READY);
    expect(claimed).toBeUndefined();
    return ids[0] ?? 0;
  }

  test('has its pair, and goes out with it', async () => {
    const first = await answer(await asked('m1', 4));
    const second = await stored(await asked('m2', 4));
    const { next } = await store.outbox.settle(first?.id ?? 0, { status: 'delivered' }, 'passive');
    expect(next).toMatchObject({ id: second, attempts: 1, passive: { token: { value: 'm2' }, seq: 1 } });
    expect(store.outbox.find(second)).toMatchObject({ status: 'sending', attempts: 1, passive: { seq: 1 } });
  });

  test.each([['short'], ['x'.repeat(20_000)]])(
    'is not sent when nobody wants it any more at its turn',
    async (text) => {
      const now = Date.now();
      const first = await answer(await asked('m1', 4));
      const old = [outgoing('alice', text, { origin: 'backend', expiresAt: now + 1000 })];
      const { ids } = await store.inbox.answer(await asked('m2', 4), old, READY);
      vi.useFakeTimers({ now: now + 1000, toFake: ['Date'] });
      onTestFinished(() => void vi.useRealTimers());
      expect(await store.outbox.settle(first?.id ?? 0, { status: 'delivered' }, 'passive')).toMatchObject({
        nextIsDue: true,
      });
      expect(await store.outbox.claim(ACCOUNT, now + 1000, 9)).toMatchObject({ rows: [], unattempted: ids });
    },
  );

  test('takes another one when the right ends before its turn', async () => {
    const now = Date.now();
    const first = await answer(await asked('m1', 4));
    const second = await stored(await asked('m2', 4, now + 1000));
    vi.useFakeTimers({ now: now + 1000, toFake: ['Date'] });
    onTestFinished(() => void vi.useRealTimers());
    const { next } = await store.outbox.settle(first?.id ?? 0, { status: 'delivered' }, 'passive');
    expect(next).toMatchObject({ id: second, passive: { token: { value: 'm1' }, seq: 2 } });
  });

  test('takes another one when the platform said before its turn that the right has ended', async () => {
    const question = await asked('m1', 4);
    await store.outbox.add(outgoing('alice', 'first'));
    const [first] = (await store.outbox.claim(ACCOUNT, Date.now(), 9)).rows;
    expect(first?.passive).toMatchObject({ token: { value: 'm1' }, seq: 1 });
    const second = await stored(question);
    const closed: AttemptOutcome = { status: 'queued', dueAt: Date.now(), error: ERROR, pair: 'close' };
    await store.outbox.settle(first?.id ?? 0, closed);
    await store.outbox.claim(ACCOUNT, Date.now() + 1, 9);
    const { nextIsDue } = await store.outbox.settle(first?.id ?? 0, { status: 'delivered' }, 'passive');
    expect(nextIsDue).toBe(true);
    const { rows } = await store.outbox.claim(ACCOUNT, Date.now() + 1, 9);
    expect(rows).toMatchObject([{ id: second }]);
    expect(rows[0]?.passive).toBeUndefined();
  });
});

test('where no right to reply is needed an answer begins without one, and so does the next', async () => {
  const answers = (to: string) => [outgoing('alice', to, { origin: 'backend' })];
  const [m1, m2] = await Promise.all(['m1', 'm2'].map((id) => store.inbox.admit({ message: inbound(id) })));
  const idOf = (admitted: typeof m1) => (admitted !== undefined && 'id' in admitted ? admitted.id : 0);
  const { claimed } = await store.inbox.answer(idOf(m1), answers('one'), { ...READY, needsPair: false });
  expect(claimed).toMatchObject({ status: 'sending', attempts: 1 });
  expect(claimed?.passive).toBeUndefined();
  const second = await store.inbox.answer(idOf(m2), answers('two'), { ...READY, needsPair: false });
  expect(second.claimed).toBeUndefined();
  const { next } = await store.outbox.settle(claimed?.id ?? 0, { status: 'delivered' }, 'passive');
  expect(next).toMatchObject({ id: second.ids[0], status: 'sending', attempts: 1 });
  expect(store.outbox.find(second.ids[0] ?? 0)).toMatchObject({ status: 'sending', attempts: 1 });
});

test('who answers nobody leaves the last place of the conversation while a turn runs', async () => {
  const id = await asked('m1', 1, Date.now() - 1); // a turn runs, without a window
  await overheard('m2', 2);
  expect((await send()).passive?.seq).toBe(1);
  expect((await send()).passive).toBeUndefined();
  const claimed = await answer(id);
  expect(claimed?.passive).toMatchObject({ token: { value: 'm2' }, seq: 2 });
  await store.outbox.settle(claimed?.id ?? 0, { status: 'delivered' });
  await overheard('m3', 1);
  expect((await send()).passive?.token.value).toBe('m3'); // no turn runs any more
});

test('windows of another peer, kind or account are of no use', async () => {
  await store.inbox.admit(arrival('m1', 'bob'));
  await store.inbox.admit({
    message: inbound('m2', 'alice', { conversation: { ...inbound('x').conversation, account: 'ops' as never } }),
    right: { closesAt: Date.now() + HOUR, count: 4 },
  });
  expect((await send()).passive).toBeUndefined();
});

test('a refused message opens its window all the same, a second copy opens no second one', async () => {
  await store.inbox.admit({ ...arrival('m1', 'alice', 1), refusal: 'not_mentioned', refusalIsLiftable: true });
  const lifted = await store.inbox.admit(arrival('m1', 'alice', 1));
  await store.inbox.admit(arrival('m1', 'alice', 1));
  const claimed = await answer('id' in lifted ? lifted.id : 0);
  expect(claimed?.passive).toMatchObject({ seq: 1 });
  await store.outbox.settle(claimed?.id ?? 0, { status: 'delivered' });
  expect((await send()).passive).toBeUndefined();
});

test('a released place can be used again, its number cannot', async () => {
  await overheard('m1', 2);
  const released: AttemptOutcome = { status: 'queued', dueAt: Date.now(), error: ERROR, pair: 'release' };
  const id = await store.outbox.add(outgoing('alice'));
  const seqs = [];
  for (let i = 0; i < 4; i++) {
    seqs.push((await store.outbox.claim(ACCOUNT, Date.now(), 1, { only: id })).rows[0]?.passive?.seq);
    await store.outbox.settle(id, released);
  }
  expect(seqs).toEqual([1, 2, 3, 4]);
});

test('what is no message of its own takes a place and a number, and leaves as many as it is told to', async () => {
  const id = await asked('m1', 3);
  expect(await store.inbox.spendReply(id, 2)).toMatchObject({ pair: { token: { value: 'm1' }, seq: 1 }, left: 2 });
  expect(await store.inbox.spendReply(id, 2)).toEqual({ left: 2 });
  expect((await answer(id))?.passive?.seq).toBe(2);
  expect(await store.inbox.spendReply(id, 0)).toMatchObject({ pair: { seq: 3 }, left: 0 });
});

test('a window that is over gives nothing for that', async () => {
  const id = await asked('m1', 4, Date.now() - 1);
  expect(await store.inbox.spendReply(id, 0)).toEqual({ left: 4 });
});
