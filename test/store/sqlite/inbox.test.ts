/** The journal of what came in: each message once, settled once, together with its answer. */
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { openStore } from '../../../src/store/sqlite/sqlite-store.js';
import type { Admitted, Arrival, NewOutgoing, Store } from '../../../src/store/store.js';
import { ACCOUNT, arrival, HOUR, inbound, outgoing, READY, target } from '../../support/messages.js';
import { tempDir } from '../../support/temp-dir.js';

let store: Store;
let path: string;

beforeEach(() => {
  path = join(tempDir(), 'loong.db');
  const opened = openStore(path, 'process');
  store = opened;
  onTestFinished(() => opened.close());
});

const idOf = (admitted: Admitted) => ('id' in admitted ? admitted.id : Number.NaN);
const ids = () => store.inbox.waiting(ACCOUNT, 0, 100).map((entry) => entry.message.id);

function aside(id: string, mentionsBot: boolean): Arrival {
  const message = inbound(id, 'alice', { conversation: target('G', 'group'), mentionsBot });
  return {
    message,
    right: { closesAt: Date.now() + HOUR, count: 5 },
    ...(mentionsBot ? {} : { refusal: 'not_mentioned', refusalIsLiftable: true }),
  };
}

describe('a message', () => {
  test('is taken once per conversation and id, however often and however close together it comes', async () => {
    const outcomes = await Promise.all([1, 2, 3].map(() => store.inbox.admit(arrival('m1'))));
    expect(outcomes.map((o) => o.outcome)).toEqual(['taken', 'duplicate', 'duplicate']);
    expect((await store.inbox.admit(arrival('m1'))).outcome).toBe('duplicate');
    expect(ids()).toEqual(['m1']);
  });

  test('with the same id in another conversation, kind or account is another message', async () => {
    const places = [target('alice'), target('bob'), target('alice', 'group'), target('alice', 'c2c', 'ops')];
    const outcomes = await Promise.all(
      places.map((conversation) => store.inbox.admit({ message: inbound('m1', 'alice', { conversation }) })),
    );
    expect(outcomes.map((o) => o.outcome)).toEqual(['taken', 'taken', 'taken', 'taken']);
    expect(ids()).toHaveLength(3);
    expect(store.inbox.waiting('qqbot:ops', 0, 100)).toHaveLength(1);
  });

  test('comes back from the journal as it went in', async () => {
    const message = inbound('m1', 'alice', { segments: [{ type: 'text', text: '你好 \u0000 "quoted" \u{1F409}\n' }] });
    await store.inbox.admit({ message });
    expect(store.inbox.waiting(ACCOUNT, 0, 1)[0]?.message).toEqual(message);
  });

  test('waits in the order of arrival, page by page', async () => {
    await Promise.all(Array.from({ length: 25 }, (_, i) => store.inbox.admit(arrival(`m${i}`, `peer${i % 3}`))));
    const seen: string[] = [];
    for (let after = 0; ; ) {
      const page = store.inbox.waiting(ACCOUNT, after, 10);
      if (page.length === 0) break;
      seen.push(...page.map((entry) => entry.message.id));
      after = page.at(-1)?.id ?? 0;
    }
    expect(seen).toEqual(Array.from({ length: 25 }, (_, i) => `m${i}`));
  });
});

describe('a refused message', () => {
  test('does not wait, and its copies stay refused', async () => {
    const refused = { ...arrival('m1'), refusal: 'sender_not_allowed' };
    expect((await store.inbox.admit(refused)).outcome).toBe('refused');
    expect((await store.inbox.admit(refused)).outcome).toBe('duplicate');
    expect((await store.inbox.admit(arrival('m1'))).outcome).toBe('duplicate');
    expect(ids()).toEqual([]);
  });

  test('for want of a mention is taken when a copy proves the mention', async () => {
    const refused = await store.inbox.admit(aside('m1', false));
    expect(refused.outcome).toBe('refused');
    const lifted = await store.inbox.admit(aside('m1', true));
    expect(lifted).toMatchObject({ outcome: 'lifted', id: idOf(refused) });
    expect(store.inbox.waiting(ACCOUNT, 0, 9)[0]?.message.mentionsBot).toBe(true);
    expect((await store.inbox.admit(aside('m1', true))).outcome).toBe('duplicate');
    expect((await store.inbox.admit(aside('m1', false))).outcome).toBe('duplicate');
  });

  test('in the other order, and in one commit, is one message as well', async () => {
    expect((await store.inbox.admit(aside('m1', true))).outcome).toBe('taken');
    expect((await store.inbox.admit(aside('m1', false))).outcome).toBe('duplicate');
    const together = await Promise.all([store.inbox.admit(aside('m2', false)), store.inbox.admit(aside('m2', true))]);
    expect(together.map((o) => o.outcome)).toEqual(['refused', 'lifted']);
    expect(ids()).toEqual(['m1', 'm2']);
  });

  test('is not taken again once it was answered', async () => {
    await store.inbox.admit(aside('m1', false));
    const lifted = await store.inbox.admit(aside('m1', true));
    await store.inbox.answer(idOf(lifted), []);
    expect((await store.inbox.admit(aside('m1', true))).outcome).toBe('duplicate');
    expect(ids()).toEqual([]);
  });
});

describe('an attempt to answer', () => {
  test('is counted before it begins, also over a restart', async () => {
    const id = idOf(await store.inbox.admit(arrival('m1')));
    expect(await store.inbox.begin(id)).toBe(1);
    expect(await store.inbox.begin(id)).toBe(2);
    const again = openStore(path, 'process');
    expect(await again.inbox.begin(id)).toBe(3);
    await again.close();
  });

  test('that begins at once is counted in the commit that journals the message, and only there', async () => {
    const begun = await store.inbox.admit({ ...arrival('m1'), begins: true });
    expect(begun).toMatchObject({ outcome: 'taken', attempt: 1 });
    expect(await store.inbox.begin(idOf(begun))).toBe(2);
    expect((await store.inbox.admit({ ...arrival('m1'), begins: true })).outcome).toBe('duplicate');
    expect(await store.inbox.begin(idOf(begun))).toBe(3);
    const queued = await store.inbox.admit(arrival('m2'));
    expect(queued).not.toHaveProperty('attempt');
    expect(await store.inbox.begin(idOf(queued))).toBe(1);
  });

  test('that begins when a refusal is lifted is counted too, and none at a refused message', async () => {
    const refused = await store.inbox.admit({ ...aside('m1', false), begins: true });
    expect(refused).not.toHaveProperty('attempt');
    expect(await store.inbox.admit({ ...aside('m1', true), begins: true })).toMatchObject({
      outcome: 'lifted',
      attempt: 1,
    });
  });

  test('at a message that is settled, or that there is none of, is no attempt', async () => {
    const id = idOf(await store.inbox.admit(arrival('m1')));
    await store.inbox.fail(id, { code: 'x', message: 'y' });
    expect(await store.inbox.begin(id)).toBeUndefined();
    expect(await store.inbox.begin(4711)).toBeUndefined();
    expect(ids()).toEqual([]);
  });
});

describe('an answer', () => {
  test('settles its message and is queued in the same commit', async () => {
    const id = idOf(await store.inbox.admit(arrival('m1')));
    const answered = await store.inbox.answer(id, [outgoing('alice', 'one'), outgoing('alice', 'two')]);
    const [first, second] = answered.ids;
    expect(answered.claimed).toBeUndefined();
    expect(ids()).toEqual([]);
    expect(store.outbox.find(first ?? 0)).toMatchObject({ status: 'queued', inReplyTo: id });
    expect(store.outbox.find(second ?? 0)).toMatchObject({ status: 'queued', inReplyTo: id });
  });

  test('that cannot be stored leaves its message waiting, and no part of itself', async () => {
    const id = idOf(await store.inbox.admit(arrival('m1')));
    const unstorable = { ...outgoing('alice'), origin: null } as unknown as NewOutgoing;
    await expect(store.inbox.answer(id, [outgoing('alice'), unstorable])).rejects.toMatchObject({
      code: 'store.failed',
    });
    expect(ids()).toEqual(['m1']);
    expect(store.outbox.pending(target('alice'))).toBe(0);
  });

  test('is given once, even when two are', async () => {
    const id = idOf(await store.inbox.admit(arrival('m1')));
    const answers = await Promise.all([1, 2].map(() => store.inbox.answer(id, [outgoing('alice')])));
    expect(answers.map((answer) => answer.ids.length)).toEqual([1, 0]);
    expect(await store.inbox.answer(id, [outgoing('alice')])).toEqual({ ids: [], isDue: false });
    expect(store.outbox.pending(target('alice'))).toBe(1);
  });

  test('is claimed in the same commit where somebody is ready to deliver it, with the first pair of its own window', async () => {
    const id = idOf(await store.inbox.admit(arrival('m1')));
    const said = [outgoing('alice', 'one'), outgoing('alice', 'two')];
    const { ids: numbers, claimed } = await store.inbox.answer(id, said, READY);
    expect(claimed).toEqual(store.outbox.find(numbers[0] ?? 0));
    expect(claimed).toMatchObject({
      status: 'sending',
      attempts: 1,
      inReplyTo: id,
      passive: { token: { value: 'm1' }, seq: 1 },
    });
    expect(store.outbox.find(numbers[1] ?? 0)).toMatchObject({ status: 'queued', attempts: 0 });
    expect((await store.outbox.claim(ACCOUNT, Date.now(), 9)).rows).toEqual([]); // it waits for the first
    const { next } = await store.outbox.settle(numbers[0] ?? 0, { status: 'delivered' }, 'passive');
    expect(next).toEqual(store.outbox.find(numbers[1] ?? 0));
    expect(next).toMatchObject({ status: 'sending', attempts: 1, passive: { seq: 2 } });
  });

  test('that is known at once is stored in the commit of its message, with the first pair of its window, once', async () => {
    const messages = [outgoing('alice', 'one'), outgoing('alice', 'two')];
    const answer = { messages, place: READY };
    const [first, copy] = await Promise.all([1, 2].map(() => store.inbox.admit(arrival('m1'), answer)));
    expect(copy).toEqual({ outcome: 'duplicate' });
    if (first?.outcome !== 'taken') throw new Error('the first is taken');
    const { ids: numbers, claimed } = first.answered ?? { ids: [] };
    expect(numbers).toHaveLength(2);
    expect(ids()).toEqual([]);
    expect(claimed).toEqual(store.outbox.find(numbers[0] ?? 0));
    expect(claimed).toMatchObject({
      status: 'sending',
      inReplyTo: first.id,
      passive: { token: { value: 'm1' }, seq: 1 },
    });
    const { next } = await store.outbox.settle(numbers[0] ?? 0, { status: 'delivered' }, 'passive');
    expect(next).toMatchObject({ id: numbers[1], passive: { token: { value: 'm1' }, seq: 2 } });
    expect(store.outbox.pending(target('alice'))).toBe(1);
    expect(await store.inbox.answer(first.id, [outgoing('alice')])).toEqual({ ids: [], isDue: false });
  });

  test('that is known at once and cannot be stored leaves nothing of its message either, and its neighbours alone', async () => {
    const unstorable = { ...outgoing('alice'), origin: null } as unknown as NewOutgoing;
    const answer = { messages: [unstorable], place: READY };
    const bad = store.inbox.admit(arrival('m1'), answer);
    const good = store.inbox.admit(arrival('m2'), { ...answer, messages: [outgoing('alice')] });
    await expect(bad).rejects.toMatchObject({ code: 'store.failed' });
    expect(await good).toMatchObject({ outcome: 'taken', answered: { claimed: { status: 'sending' } } });
    expect(await store.inbox.admit(arrival('m1'))).toMatchObject({ outcome: 'taken' });
  });

  test('that says nothing settles its message and takes no place of its window', async () => {
    const silence = { messages: [], place: READY };
    await store.inbox.admit(arrival('m1'), silence);
    expect(ids()).toEqual([]);
    await store.outbox.add(outgoing('alice'));
    expect((await store.outbox.claim(ACCOUNT, Date.now(), 9)).rows).toMatchObject([{ passive: { seq: 1 } }]);
  });

  test('waits behind an earlier message to its target, whoever is ready', async () => {
    const earlier = await store.outbox.add(outgoing('alice'));
    const id = idOf(await store.inbox.admit(arrival('m1')));
    const { ids: numbers, claimed } = await store.inbox.answer(id, [outgoing('alice')], READY);
    expect(claimed).toBeUndefined();
    expect((await store.outbox.claim(ACCOUNT, Date.now(), 9)).rows.map((row) => row.id)).toEqual([earlier]);
    const settled = await store.outbox.settle(earlier, { status: 'delivered' });
    expect(settled).toEqual({ along: 0, nextIsDue: true });
    expect((await store.outbox.claim(ACCOUNT, Date.now(), 9)).rows.map((row) => row.id)).toEqual(numbers);
  });

  test('that failed is written down with its reason', async () => {
    const id = idOf(await store.inbox.admit(arrival('m1')));
    await store.inbox.fail(id, { code: 'backend.timeout', message: 'too slow', remedy: 'faster' });
    const reader = new Sqlite(path, { readonly: true });
    expect(reader.prepare('SELECT status, error FROM inbox').get()).toEqual({
      status: 'failed',
      error: '{"code":"backend.timeout","message":"too slow","remedy":"faster"}',
    });
    reader.close();
  });
});

test('the newest messages of an account are told, the oldest first, whatever became of them', async () => {
  await store.inbox.admit(arrival('m1'));
  await store.inbox.admit({ ...arrival('m2'), refusal: 'x' });
  await store.inbox.admit({ message: inbound('m3', 'alice', { conversation: target('alice', 'c2c', 'ops') }) });
  await store.inbox.admit(arrival('m4'));
  expect(store.inbox.received(ACCOUNT, 3).map(({ id }) => id)).toEqual(['m2', 'm4']);
  expect(store.inbox.received(ACCOUNT, 100)).toHaveLength(3);
});

test('a message is found by its conversation and id, whatever became of it', async () => {
  const taken = idOf(await store.inbox.admit(arrival('m1')));
  const refused = idOf(await store.inbox.admit({ ...arrival('m2'), refusal: 'not_mentioned' }));
  await store.inbox.answer(taken, []);
  expect(store.inbox.find(target('alice'), 'm1')).toBe(taken);
  expect(store.inbox.find(target('alice'), 'm2')).toBe(refused);
  expect(store.inbox.find(target('bob'), 'm1')).toBeUndefined();
});
