/** Messages that wait until their peer writes: who is not asked again, how many wait, and how they come back as one message. */
import { join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import type { Segment } from '../../../src/model/message.js';
import { openStore } from '../../../src/store/sqlite/sqlite-store.js';
import type { AttemptOutcome, NewOutgoing, OutboxId, Outgoing, Store } from '../../../src/store/store.js';
import { ACCOUNT, arrival, HOUR, outgoing, READY, target } from '../../support/messages.js';
import { tempDir } from '../../support/temp-dir.js';

let store: Store;
let path: string;

beforeEach(() => {
  path = join(tempDir(), 'loong.db');
  store = openStore(path, 'process');
  onTestFinished(() => store.close());
});

const DAY = 24 * HOUR;
const ERROR = { code: 'x', message: 'y' };
const PARKED: AttemptOutcome = { status: 'parked', error: ERROR };
const FAILED: AttemptOutcome = { status: 'failed', error: ERROR };
const UNCERTAIN: AttemptOutcome = { status: 'uncertain', error: ERROR };
const DELIVERED: AttemptOutcome = { status: 'delivered', platformMessageId: 'P1' };
const retry = (pair: 'keep' | 'release', dueAt = Date.now()): AttemptOutcome => ({
  status: 'queued',
  dueAt,
  error: ERROR,
  pair,
});
const text = (content: string): readonly Segment[] => [{ type: 'text', text: content }];

const look = (now = Date.now()) => store.outbox.claim(ACCOUNT, now, 99);
const claimIds = async () => (await look()).rows.map((row) => row.id);
const status = (id: OutboxId) => store.outbox.find(id)?.status;
const statuses = (ids: readonly OutboxId[]) => ids.map(status);
const add = (content: string, more: Partial<NewOutgoing> = {}, peer = 'alice') =>
  store.outbox.add(outgoing(peer, content, { expiresAt: Date.now() + 3 * DAY, ...more }));
const notice = (takesActive: boolean, peer = 'alice') =>
  store.events.append(ACCOUNT, { name: 'N', data: {}, about: target(peer), takesActive }, Date.now());

/** Refuses alice's active messages, then parks these. */
async function parked(...contents: readonly string[]): Promise<OutboxId[]> {
  await notice(false);
  const ids: OutboxId[] = [];
  for (const content of contents) {
    ids.push(await add(content));
    await look();
  }
  expect(statuses(ids)).toEqual(ids.map(() => 'parked'));
  return ids;
}

/** Alice writes. */
async function heard(id: string, count = 4) {
  const admitted = await store.inbox.admit(arrival(id, 'alice', count));
  return 'id' in admitted ? admitted : { id: 0, unparked: 0 };
}

async function claimOne(): Promise<Outgoing> {
  const { rows } = await look();
  expect(rows).toHaveLength(1);
  return rows[0] as Outgoing;
}

describe('a peer that refused an active message', () => {
  async function refuse() {
    const id = await add('refused');
    expect(await claimIds()).toEqual([id]);
    await store.outbox.settle(id, PARKED);
    return id;
  }

  test('is not asked again: further messages are parked without an attempt, and say why', async () => {
    await refuse();
    const [second, other] = [await add('second'), await add('to bob', {}, 'bob')];
    const { rows, unattempted } = await look();
    expect(unattempted).toEqual([second]);
    expect(rows.map((row) => row.id)).toEqual([other]);
    expect(store.outbox.find(second)).toMatchObject({
      status: 'parked',
      attempts: 0,
      error: { code: 'delivery.active_refused', remedy: expect.any(String) },
    });
    expect(store.outbox.pending(target('alice'))).toBe(0);
  });

  test('is asked again after 24 hours, also by another process', async () => {
    const before = Date.now();
    await refuse();
    const after = Date.now();
    const [id, later] = [await add('second'), await add('third')];
    await store.close();
    store = openStore(path, 'process');
    expect((await look(before + DAY - 1)).unattempted).toEqual([id]);
    expect((await look(after + DAY)).rows.map((row) => row.id)).toEqual([later]);
  });

  test('is written to as a reply all the same', async () => {
    await refuse();
    const { id } = await heard('m1', 2);
    const { ids } = await store.inbox.answer(id, [outgoing('alice', 'answer', { origin: 'backend' })]);
    expect(await claimOne()).toMatchObject({ id: ids[0], passive: { token: { value: 'm1' } } });
  });

  test('is known by a reply that was refused no more than before', async () => {
    const { id } = await heard('m1', 1);
    const { claimed } = await store.inbox.answer(id, [outgoing('alice', 'answer', { origin: 'backend' })], READY);
    await store.outbox.settle(claimed?.id ?? 0, PARKED);
    expect(status(claimed?.id ?? 0)).toBe('parked');
    const next = await add('active');
    expect(await claimOne()).toMatchObject({ id: next });
  });

  test('is learnt from a notice too, and forgotten by one: then all goes out as one active message', async () => {
    const ids = await parked('one', 'two');
    expect(await notice(true)).toEqual({ unparked: 2 });
    const row = await claimOne();
    expect(row).toMatchObject({ id: ids[0], attempts: 1 });
    expect(row.passive).toBeUndefined();
    await store.outbox.settle(row.id, DELIVERED);
    expect(statuses(ids)).toEqual(['delivered', 'delivered']);
    const next = await add('three');
    expect(await claimIds()).toEqual([next]);
  });

  test('a message that waits already is parked when its turn comes, and those behind it', async () => {
    const [flying, second, third] = [await add('one'), await add('two'), await add('three')];
    expect(await claimIds()).toEqual([flying]);
    await notice(false);
    await store.outbox.settle(flying, DELIVERED);
    expect((await look()).unattempted).toEqual([second]);
    expect((await look()).unattempted).toEqual([third]);
    expect(store.outbox.nextDue(ACCOUNT)).toBeGreaterThan(Date.now() + DAY);
  });
});

describe('an active attempt that is refused after the peer wrote', () => {
  test('is made as a reply instead', async () => {
    const id = await add('x');
    await claimIds();
    await heard('m1');
    await store.outbox.settle(id, PARKED);
    expect(status(id)).toBe('queued');
    expect(await claimOne()).toMatchObject({ id, passive: { token: { value: 'm1' } } });
    await store.outbox.settle(id, PARKED); // refused as a reply too: now it really waits
    expect(status(id)).toBe('parked');
  });

  test('is parked when the places are kept for the answer, instead of being repeated for ever', async () => {
    const id = await add('x');
    await claimIds();
    await heard('m1', 2);
    await store.outbox.settle(id, PARKED);
    expect(status(id)).toBe('parked');
    expect(await look()).toMatchObject({ rows: [], unattempted: [] });
  });
});

describe('at most 20 messages wait for a peer:', () => {
  test('the next fails with the remedy, and lets the one behind it try', async () => {
    await parked(...Array.from({ length: 20 }, (_, i) => `${i}`));
    const [full, other] = [await add('one too many'), await add('to bob', {}, 'bob')];
    const { rows, unattempted } = await look();
    expect(unattempted).toEqual([full]);
    expect(rows.map((row) => row.id)).toEqual([other]);
    expect(store.outbox.find(full)).toMatchObject({
      status: 'failed',
      error: { code: 'delivery.parked_full', remedy: expect.any(String) },
    });
  });

  test('a message of many parts counts once, and fails as a whole', async () => {
    const furtherParts = Array.from({ length: 5 }, (_, i) => text(`part ${i}`));
    await notice(false);
    const ids: OutboxId[] = [];
    for (let i = 0; i < 21; i++) {
      ids.push(await add('first part', { furtherParts }));
      await look();
    }
    for (const id of ids.slice(0, 20)) {
      expect(store.outbox.message(id).map((part) => part.status)).toEqual(Array(6).fill('parked'));
    }
    const last = store.outbox.message(ids[20] ?? 0);
    expect(last.map((part) => part.error?.code)).toEqual([
      'delivery.parked_full',
      ...Array(5).fill('delivery.part_failed'),
    ]);
    expect(store.outbox.pending(target('alice'))).toBe(0);
  });

  test('a later part of one of them always has room', async () => {
    const furtherParts = [text('b')];
    const first = await add('a', { furtherParts });
    await claimIds();
    await store.outbox.settle(first, DELIVERED);
    expect(await claimIds()).toEqual([first + 1]);
    await store.outbox.settle(first + 1, PARKED);
    expect(store.outbox.message(first).map((part) => part.status)).toEqual(['delivered', 'parked']);
  });

  test('those that are on their way back keep their room', async () => {
    const ids = await parked(...Array.from({ length: 20 }, (_, i) => `${i}`));
    await notice(true);
    const carrier = await claimOne();
    await store.outbox.settle(carrier.id, PARKED);
    expect(statuses(ids)).toEqual(Array(20).fill('parked'));
    await notice(true);
    const own = await add('only this');
    const { rows } = await store.outbox.claim(ACCOUNT, Date.now(), 1, { only: own });
    await store.outbox.settle(rows[0]?.id ?? 0, PARKED);
    expect(store.outbox.find(own)?.error?.code).toBe('delivery.parked_full');
  });
});

describe('when the peer writes', () => {
  test('what waited comes back as one message with a note of its age, in one place of the window', async () => {
    const ids = await parked('one', 'two', 'three');
    expect(await heard('m1')).toMatchObject({ outcome: 'taken', unparked: 3 });
    const row = await claimOne();
    expect(row).toMatchObject({
      id: ids[0],
      passive: { token: { value: 'm1' }, seq: 1 },
      segments: text('（迟到的 3 条消息，最早写于刚才）\none\ntwo\nthree'),
    });
    expect(await claimIds()).toEqual([]);
    expect(await store.outbox.settle(row.id, DELIVERED)).toEqual({
      along: 0,
      nextIsDue: false,
      carried: [ids[1], ids[2]],
    });
    for (const id of ids) expect(store.outbox.find(id)).toMatchObject({ status: 'delivered', platformMessageId: 'P1' });
  });

  test('two places stay for the answer', async () => {
    await parked('late');
    const { id } = await heard('m1', 3);
    const late = await claimOne();
    expect(late.passive?.seq).toBe(1);
    await store.outbox.settle(late.id, DELIVERED);
    const furtherParts = [text('b')];
    await store.inbox.answer(id, [outgoing('alice', 'a', { origin: 'backend', furtherParts })]);
    for (const seq of [2, 3]) {
      const part = await claimOne();
      expect(part.passive).toMatchObject({ token: { value: 'm1' }, seq });
      await store.outbox.settle(part.id, DELIVERED);
    }
  });

  test.each([1, 2])('and may be answered %i times only, all of it is kept for the answer', async (count) => {
    const ids = await parked('one');
    expect(await heard('m1', count)).toMatchObject({ unparked: 0 });
    expect(statuses(ids)).toEqual(['parked']);
  });

  test('nobody else’s messages come back', async () => {
    await parked('one');
    await notice(false, 'bob');
    const bobs = await add('to bob', {}, 'bob');
    await look();
    await heard('m1');
    expect(status(bobs)).toBe('parked');
  });

  test('an event that may be answered does as well, but not when it comes twice', async () => {
    await parked('one');
    const event = {
      name: 'INTERACTION_CREATE',
      data: {},
      eventId: 'E1',
      about: target('alice'),
      replyToken: { kind: 'event_id', value: 'E1' } as const,
    };
    const right = { closesAt: Date.now() + HOUR, count: 4 };
    expect(await store.events.append(ACCOUNT, event, Date.now(), right)).toEqual({ unparked: 1 });
    const row = await claimOne();
    expect(row.passive).toMatchObject({ token: event.replyToken, seq: 1 });
    await store.outbox.settle(row.id, PARKED);
    expect(await store.events.append(ACCOUNT, event, Date.now(), right)).toEqual({ unparked: 0, isKnown: true });
    expect(status(row.id)).toBe('parked');
  });

  test('what waited goes before what was submitted later, but never beside a message that is being sent', async () => {
    const [late] = await parked('late');
    const { id } = await heard('m1', 1);
    const { claimed } = await store.inbox.answer(id, [outgoing('alice', 'answer', { origin: 'backend' })], READY);
    const later = await add('later');
    await heard('m2', 5);
    expect(await claimIds()).toEqual([]);
    await store.outbox.settle(claimed?.id ?? 0, DELIVERED);
    expect(await claimIds()).toEqual([late]);
    await store.outbox.settle(late ?? 0, DELIVERED);
    expect(await claimIds()).toEqual([later]);
  });

  test('what waited steps before a queued message, unless that one may have arrived already', async () => {
    const [late] = await parked('late');
    const { id } = await heard('m1', 1);
    await store.inbox.answer(id, [outgoing('alice', 'answer', { origin: 'backend' })]);
    const answer = await claimOne();
    await store.outbox.settle(answer.id, retry('keep'));
    await heard('m2');
    expect(await claimIds()).toEqual([answer.id]);
    await store.outbox.settle(answer.id, retry('release', Date.now() + HOUR));
    await store.outbox.settle(late ?? 0, PARKED); // is not being sent: no effect
    expect(await claimIds()).toEqual([]);
    await heard('m3');
    expect(status(late ?? 0)).toBe('queued');
  });

  test('markdown comes back alone, and a text before it does not take it along', async () => {
    await notice(false);
    const markdown = await add('', { segments: [{ type: 'markdown', markdown: '**bold**' }] });
    await look();
    const [one, two] = await parked('one', 'two');
    const last = await add('', { segments: [{ type: 'markdown', markdown: '# end' }] });
    await look();
    expect(await heard('m1')).toMatchObject({ unparked: 1 });
    const first = await claimOne();
    expect(first).toMatchObject({ id: markdown, segments: [{ type: 'markdown', markdown: '**bold**' }] });
    await store.outbox.settle(first.id, DELIVERED);
    expect(await heard('m2')).toMatchObject({ unparked: 2 });
    const second = await claimOne();
    expect(second.id).toBe(one);
    await store.outbox.settle(second.id, DELIVERED);
    expect(statuses([one ?? 0, two ?? 0, last])).toEqual(['delivered', 'delivered', 'parked']);
  });

  test('as much comes back as one message carries, the rest waits on', async () => {
    const ids = await parked('a'.repeat(3000), 'b'.repeat(1400), 'c'.repeat(1400));
    expect(await heard('m1')).toMatchObject({ unparked: 2 });
    await store.outbox.settle((await claimOne()).id, DELIVERED);
    expect(statuses(ids)).toEqual(['delivered', 'delivered', 'parked']);
  });
});

describe('a message that carries others', () => {
  test.each([
    ['failed', FAILED],
    ['uncertain', UNCERTAIN],
  ] as const)('shares its end with them when it is %s', async (end, outcome) => {
    const ids = await parked('one', 'two');
    await heard('m1');
    const row = await claimOne();
    expect(await store.outbox.settle(row.id, outcome)).toMatchObject({ carried: [ids[1]] });
    for (const id of ids) expect(store.outbox.find(id)).toMatchObject({ status: end, error: ERROR });
  });

  test('and is refused waits again, each for itself, and comes back once more with what was parked since', async () => {
    const ids = await parked('one', 'two');
    await heard('m1');
    await store.outbox.settle((await claimOne()).id, PARKED);
    expect(statuses(ids)).toEqual(['parked', 'parked']);
    await store.queue.drop(`out-${ids[0]}`);
    const again = await claimAfter('m2');
    expect(again).toMatchObject({ id: ids[1], segments: text('two') });
    expect(status(ids[0] ?? 0)).toBe('failed');
  });

  async function claimAfter(message: string) {
    await heard(message);
    return claimOne();
  }

  test('waits again when its window is over before its turn comes', async () => {
    const ids = await parked('one', 'two');
    const closesAt = Date.now() + HOUR;
    await store.inbox.admit({ ...arrival('m1'), right: { closesAt, count: 4 } });
    expect(statuses(ids)).toEqual(['queued', 'queued']);
    expect((await look(closesAt)).unattempted).toEqual([ids[0]]);
    expect(statuses(ids)).toEqual(['parked', 'parked']);
    expect(await claimAfter('m2')).toMatchObject({ id: ids[0] });
  });

  test('is repeated with its pair and all its texts after the death of the process', async () => {
    const ids = await parked('one', 'two');
    await heard('m1');
    const before = await claimOne();
    await store.close();
    store = openStore(path, 'process');
    expect(await store.outbox.recover(() => true)).toEqual({ again: 1, uncertain: 0 });
    const again = await claimOne();
    expect(again).toMatchObject({ id: ids[0], ambiguous: true, passive: before.passive, segments: before.segments });
    await heard('m2'); // nothing is parked, so nothing comes back a second time
    await store.outbox.settle(again.id, DELIVERED);
    expect(statuses(ids)).toEqual(['delivered', 'delivered']);
    expect(await claimIds()).toEqual([]);
  });

  test('is alone claimed: those whose text it carries are not, even by name', async () => {
    const ids = await parked('one', 'two');
    await heard('m1');
    expect((await store.outbox.claim(ACCOUNT, Date.now(), 1, { only: ids[1] ?? 0 })).rows).toEqual([]);
  });

  test('and is tried again by an operator later says its own text only, and changes no end of others', async () => {
    const ids = await parked('one', 'two');
    await heard('m1');
    await store.outbox.settle((await claimOne()).id, FAILED);
    await store.queue.retry(`out-${ids[0]}`, false, () => true);
    const active = await add('x', {}, 'bob');
    await look();
    await store.outbox.settle(active, DELIVERED);
    await store.outbox.settle(ids[0] ?? 0, PARKED);
    expect(statuses(ids)).toEqual(['parked', 'failed']);
    const again = await claimAfter('m2');
    expect(again).toMatchObject({ id: ids[0], segments: text('one') });
    expect(await store.outbox.settle(again.id, DELIVERED)).not.toHaveProperty('carried');
    expect(statuses(ids)).toEqual(['delivered', 'failed']);
  });
});

describe('a message in parts that comes back', () => {
  test('has no end without its beginning: what did not fit fails when the part before it failed', async () => {
    await notice(false);
    const other = await add('other');
    await look();
    const id = await add('b'.repeat(3000), { furtherParts: [text('c'.repeat(3000)), text('d')] });
    await look();
    expect(await heard('m1')).toMatchObject({ unparked: 2 });
    const row = await claimOne();
    expect(row.id).toBe(other);
    await store.outbox.settle(row.id, FAILED);
    expect(store.outbox.message(id).map((part) => [part.status, part.error?.code])).toEqual([
      ['failed', 'x'],
      ['failed', 'delivery.part_failed'],
      ['failed', 'delivery.part_failed'],
    ]);
  });

  /** The first part is being sent; the second carries the third and another message. */
  async function firstPartUnderWay() {
    await notice(false);
    const id = await add('a'.repeat(4500), { furtherParts: [text('b'), text('c')] });
    await look();
    const [other] = await parked('other');
    await heard('m1');
    const first = await claimOne();
    expect(first.id).toBe(id);
    expect(await heard('m2')).toMatchObject({ unparked: 3 });
    return { id, other: other ?? 0 };
  }

  test('goes on with the others behind a first part that is delivered', async () => {
    const { id, other } = await firstPartUnderWay();
    const { next } = await store.outbox.settle(id, DELIVERED, 'passive');
    expect(next).toMatchObject({ id: id + 1, segments: text('（迟到的 3 条消息，最早写于刚才）\nb\nc\nother') });
    await store.outbox.settle(id + 1, DELIVERED);
    expect(statuses([id, id + 1, id + 2, other])).toEqual(Array(4).fill('delivered'));
  });

  test('ends with a first part that fails, and the others go without it', async () => {
    const { id, other } = await firstPartUnderWay();
    expect(await store.outbox.settle(id, FAILED)).toMatchObject({ along: 2, nextIsDue: true });
    expect(statuses([id, id + 1, id + 2])).toEqual(['failed', 'failed', 'failed']);
    expect(await claimOne()).toMatchObject({ id: other, segments: text('other') });
    await store.outbox.settle(other, DELIVERED);
    expect(statuses([id, id + 1, id + 2, other])).toEqual(['failed', 'failed', 'failed', 'delivered']);
  });

  test('waits with a first part that has to wait again', async () => {
    const { id, other } = await firstPartUnderWay();
    expect(await store.outbox.settle(id, PARKED)).toMatchObject({ along: 2 });
    expect(statuses([id, id + 1, id + 2])).toEqual(['parked', 'parked', 'parked']);
    expect(await claimOne()).toMatchObject({ id: other });
  });
});

describe('what grows too old on its way back', () => {
  /** Two texts of which the first expires earlier; it carries the second. */
  async function old(now: number) {
    await notice(false);
    const soon = await add('one', { expiresAt: now + HOUR });
    await look();
    const [later] = await parked('two');
    return [soon, later ?? 0] as const;
  }

  test('fails, and the others go without it', async () => {
    const now = Date.now();
    const [soon, later] = await old(now);
    await store.inbox.admit({ ...arrival('m1'), right: { closesAt: now + 9 * HOUR, count: 4 } });
    const { rows, unattempted } = await look(now + 1.5 * HOUR);
    expect(unattempted).toEqual([soon]);
    expect(rows).toMatchObject([{ id: later, segments: text('（迟到的消息，写于 1 小时前）\ntwo') }]);
    await store.outbox.settle(later, DELIVERED);
    expect(statuses([soon, later])).toEqual(['failed', 'delivered']);
    expect(store.outbox.find(soon)?.error?.code).toBe('delivery.expired');
  });

  test('is not given up while its text is being sent, nor looked for all the time', async () => {
    const now = Date.now();
    const [soon, later] = await old(now);
    await heard('m1');
    const row = await claimOne();
    expect(await look(now + HOUR)).toMatchObject({ rows: [], unattempted: [] });
    expect(store.outbox.nextDue(ACCOUNT)).toBeUndefined();
    await store.outbox.settle(row.id, retry('keep', now + 2 * HOUR)); // may have arrived
    expect(await look(now + HOUR)).toMatchObject({ rows: [], unattempted: [] });
    expect(store.outbox.nextDue(ACCOUNT)).toBe(now + 2 * HOUR);
    expect((await look(now + 2 * HOUR)).rows).toHaveLength(1);
    await store.outbox.settle(row.id, UNCERTAIN);
    expect(statuses([soon, later])).toEqual(['uncertain', 'uncertain']);
  });

  test('is found when it has to wait again, whatever was known before', async () => {
    const now = Date.now();
    const [soon, later] = await old(now);
    await store.inbox.admit({ ...arrival('m1'), right: { closesAt: now + 9 * HOUR, count: 4 } });
    const row = await claimOne();
    await look(now + 1000); // nothing may expire now, as far as anybody knows
    await store.outbox.settle(row.id, retry('release', now + 5 * HOUR));
    expect(store.outbox.nextDue(ACCOUNT)).toBe(now + HOUR);
    const { rows, unattempted } = await look(now + HOUR);
    expect(unattempted).toEqual([soon]);
    expect(rows.map(({ id }) => id)).toEqual([later]);
  });
});
