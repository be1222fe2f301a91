/** What an operator does about single messages: retry and drop, with the order per target kept. */
import { join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { openStore } from '../../../src/store/sqlite/sqlite-store.js';
import type { AttemptOutcome, OutboxId, Store } from '../../../src/store/store.js';
import { ACCOUNT, arrival, HOUR, inbound, outgoing } from '../../support/messages.js';
import { tempDir } from '../../support/temp-dir.js';

const ERROR = { code: 'x', message: 'y' };
const FAILED: AttemptOutcome = { status: 'failed', error: ERROR };
const UNCERTAIN: AttemptOutcome = { status: 'uncertain', error: ERROR };
const PARKED: AttemptOutcome = { status: 'parked', error: ERROR };
const DELIVERED: AttemptOutcome = { status: 'delivered', platformMessageId: 'P1' };

let store: Store;

beforeEach(() => {
  const opened = openStore(join(tempDir(), 'loong.db'), 'process');
  store = opened;
  onTestFinished(() => opened.close());
});

const claim = async (now = Date.now()) => (await store.outbox.claim(ACCOUNT, now, 32)).rows;
const claimIds = async (now?: number) => (await claim(now)).map((row) => row.id);
const status = (id: OutboxId) => store.outbox.find(id)?.status;
const message = (id: OutboxId) => store.outbox.message(id).map((part) => part.status);

/** A message of which one attempt ended so. */
async function ended(outcome: AttemptOutcome, peer = 'alice'): Promise<OutboxId> {
  const id = await store.outbox.add(outgoing(peer));
  expect(await claimIds()).toEqual([id]);
  await store.outbox.settle(id, outcome);
  return id;
}

/** A message of three parts. */
const inParts = () =>
  store.outbox.add(
    outgoing('alice', 'a', { furtherParts: [[{ type: 'text', text: 'b' }], [{ type: 'text', text: 'c' }]] }),
  );

describe('retry', () => {
  test.each([
    ['failed', FAILED],
    ['parked', PARKED],
  ])('a %s message is tried again at once', async (_what, outcome) => {
    const id = await ended(outcome);
    expect(await store.queue.retry(`out-${id}`, false, () => true)).toEqual({ account: ACCOUNT, message: id });
    expect(store.outbox.find(id)).toMatchObject({ status: 'queued', ambiguous: false });
    expect(store.outbox.find(id)).not.toHaveProperty('error');
    expect(await claimIds()).toEqual([id]);
  });

  test('one that may have arrived needs consent, and gets a new pair', async () => {
    await store.inbox.admit(arrival('m1'));
    const id = await store.outbox.add(outgoing('alice'));
    const [first] = await claim();
    await store.outbox.settle(id, UNCERTAIN);
    await expect(store.queue.retry(`out-${id}`, false, () => true)).rejects.toMatchObject({
      code: 'queue.may_double',
      remedy: expect.stringContaining('--yes'),
    });
    expect(status(id)).toBe('uncertain');
    await store.queue.retry(`out-${id}`, true, () => true);
    const [second] = await claim();
    expect(second).toMatchObject({ id, attempts: 2, ambiguous: false });
    expect(second?.passive?.seq).toBe((first?.passive?.seq ?? 0) + 1);
  });

  test('it goes before what was submitted after it, and never beside what is being sent', async () => {
    const first = await ended(FAILED);
    const second = await store.outbox.add(outgoing('alice'));
    const third = await store.outbox.add(outgoing('alice'));
    await store.queue.retry(`out-${first}`, false, () => true);
    expect(await claimIds()).toEqual([first]);
    await store.outbox.settle(first, FAILED);
    expect(await claimIds()).toEqual([second]);
    await store.queue.retry(`out-${first}`, false, () => true);
    expect(await claimIds()).toEqual([]);
    await store.outbox.settle(second, DELIVERED);
    expect(await claimIds()).toEqual([first]);
    await store.outbox.settle(first, DELIVERED);
    expect(await claimIds()).toEqual([third]);
  });

  test('of a message in parts only what did not arrive is sent, in order, whichever part is named', async () => {
    const id = await inParts();
    await claim();
    await store.outbox.settle(id, DELIVERED);
    await claim();
    await store.outbox.settle(id + 1, FAILED);
    expect(message(id)).toEqual(['delivered', 'failed', 'failed']);
    expect(await store.queue.retry(`out-${id + 2}`, false, () => true)).toEqual({ account: ACCOUNT, message: id });
    expect(message(id)).toEqual(['delivered', 'queued', 'queued']);
    expect(await claimIds()).toEqual([id + 1]);
    await store.outbox.settle(id + 1, DELIVERED);
    expect(await claimIds()).toEqual([id + 2]);
  });

  test('a message that waits for its next try is tried now, with the same pair where it may have arrived', async () => {
    await store.inbox.admit(arrival('m1'));
    const id = await store.outbox.add(outgoing('alice'));
    const [first] = await claim();
    await store.outbox.settle(id, { status: 'queued', dueAt: Date.now() + HOUR / 2, error: ERROR, pair: 'keep' });
    expect(await claimIds()).toEqual([]);
    await store.queue.retry(`out-${id}`, false, () => true);
    const [second] = await claim();
    expect(second).toMatchObject({ id, ambiguous: true, passive: first?.passive });
  });

  test('one that grew too old lives as long again', async () => {
    const id = await store.outbox.add(outgoing('alice', 'x', { expiresAt: Date.now() + HOUR }));
    expect(await claimIds(Date.now() + 2 * HOUR)).toEqual([]);
    expect(status(id)).toBe('failed');
    await store.queue.retry(`out-${id}`, false, () => true);
    expect(store.outbox.find(id)?.expiresAt).toBeGreaterThan(Date.now() + HOUR / 2);
    expect(store.outbox.nextDue(ACCOUNT)).toBeLessThanOrEqual(Date.now());
    // Nobody is reached this time either: it ends once more, though nothing else was known to expire.
    expect(await claimIds(Date.now() + 3 * HOUR)).toEqual([]);
    expect(status(id)).toBe('failed');
  });

  test.each([
    ['delivered', DELIVERED, 'queue.settled'],
    ['being sent', undefined, 'queue.sending'],
  ])('what is %s is refused', async (_what, outcome, code) => {
    const id = await store.outbox.add(outgoing('alice'));
    await claim();
    if (outcome !== undefined) await store.outbox.settle(id, outcome);
    await expect(store.queue.retry(`out-${id}`, true, () => true)).rejects.toMatchObject({
      code,
      remedy: expect.any(String),
    });
  });

  test('a message whose turn failed waits for its answer again, with all its attempts', async () => {
    const admitted = await store.inbox.admit({ ...arrival('m1'), begins: true });
    const id = 'id' in admitted ? admitted.id : 0;
    await expect(store.queue.retry(`in-${id}`, false, () => true)).rejects.toMatchObject({ code: 'queue.settled' });
    await store.inbox.fail(id, ERROR);
    const change = await store.queue.retry(`in-${id}`, false, () => true);
    expect(change).toMatchObject({ account: ACCOUNT, waiting: { id, message: { id: 'm1' } } });
    expect(store.inbox.waiting(ACCOUNT, 0, 9).map((entry) => entry.id)).toEqual([id]);
    expect(await store.inbox.begin(id)).toBe(1);
  });
});

describe('drop', () => {
  test('a queued message is failed, and the next one comes up', async () => {
    const first = await store.outbox.add(outgoing('alice'));
    const second = await store.outbox.add(outgoing('alice'));
    await store.queue.drop(`out-${first}`);
    expect(store.outbox.find(first)).toMatchObject({ status: 'failed', error: { code: 'queue.dropped' } });
    expect(await claimIds()).toEqual([second]);
  });

  test('one from the middle of the line changes nothing for the others', async () => {
    const first = await store.outbox.add(outgoing('alice'));
    await claim();
    const dueAt = Date.now() + HOUR / 2;
    await store.outbox.settle(first, { status: 'queued', dueAt, error: ERROR, pair: 'release' });
    const second = await store.outbox.add(outgoing('alice'));
    const third = await store.outbox.add(outgoing('alice', 'x', { expiresAt: dueAt + HOUR }));
    await store.queue.drop(`out-${second}`);
    expect(store.outbox.nextDue(ACCOUNT)).toBe(dueAt);
    expect(await claimIds(dueAt)).toEqual([first]);
    await store.outbox.settle(first, DELIVERED);
    expect(await claimIds(dueAt)).toEqual([third]);
  });

  test('a parked one is failed and does not come back when the peer writes', async () => {
    const id = await ended(PARKED);
    await store.queue.drop(`out-${id}`);
    await store.inbox.admit(arrival('m1'));
    expect(status(id)).toBe('failed');
    expect(await claimIds()).toEqual([]);
  });

  test('its later parts go with it, what arrived stays', async () => {
    const id = await inParts();
    await claim();
    await store.outbox.settle(id, DELIVERED);
    await store.queue.drop(`out-${id}`);
    expect(message(id)).toEqual(['delivered', 'failed', 'failed']);
    const next = await store.outbox.add(outgoing('alice'));
    expect(await claimIds()).toEqual([next]);
  });

  test('one that may have arrived is not called failed', async () => {
    await store.inbox.admit(arrival('m1'));
    const id = await store.outbox.add(outgoing('alice'));
    await claim();
    await store.outbox.settle(id, { status: 'queued', dueAt: Date.now() + HOUR / 2, error: ERROR, pair: 'keep' });
    await store.queue.drop(`out-${id}`);
    expect(store.outbox.find(id)).toMatchObject({ status: 'uncertain', error: { code: 'queue.dropped' } });
  });

  test.each([
    ['being sent', undefined, 'queue.sending'],
    ['delivered', DELIVERED, 'queue.settled'],
    ['failed', FAILED, 'queue.settled'],
  ])('what is %s is refused', async (_what, outcome, code) => {
    const id = await store.outbox.add(outgoing('alice'));
    await claim();
    if (outcome !== undefined) await store.outbox.settle(id, outcome);
    await expect(store.queue.drop(`out-${id}`)).rejects.toMatchObject({ code, remedy: expect.any(String) });
  });

  test('of parked messages that come back as one, the others still go when one is dropped', async () => {
    const ids = [await ended(PARKED)];
    for (let i = 0; i < 2; i++) {
      ids.push(await store.outbox.add(outgoing('alice')));
      expect(await claimIds()).toEqual([]); // the peer is known to refuse active messages, so it is parked
    }
    expect(ids.map(status)).toEqual(['parked', 'parked', 'parked']);
    await store.inbox.admit(arrival('m1'));
    await store.queue.drop(`out-${ids[0]}`);
    const [row] = await claim();
    expect(row?.id).toBe(ids[1]);
    await expect(store.queue.drop(`out-${ids[2]}`)).rejects.toMatchObject({ code: 'queue.sending' });
    await store.outbox.settle(row?.id ?? 0, DELIVERED);
    expect(ids.map(status)).toEqual(['failed', 'delivered', 'delivered']);
  });

  test('a message that waits for its answer gets none', async () => {
    const admitted = await store.inbox.admit(arrival('m1'));
    const id = 'id' in admitted ? admitted.id : 0;
    expect(await store.queue.drop(`in-${id}`)).toEqual({ account: ACCOUNT });
    expect(store.inbox.waiting(ACCOUNT, 0, 9)).toEqual([]);
    expect((await store.inbox.answer(id, [outgoing('alice')])).ids).toEqual([]);
    expect(store.queue.find(`in-${id}`, Date.now())).toMatchObject({
      status: 'failed',
      error: { code: 'queue.dropped' },
    });
    await expect(store.queue.drop(`in-${id}`)).rejects.toMatchObject({ code: 'queue.settled' });
  });
});

test.each(['out-99', 'in-99', 'out-0', '7', 'out-x', ''])('there is no message %j', async (id) => {
  for (const attempt of [store.queue.retry(id, true, () => true), store.queue.drop(id)]) {
    await expect(attempt).rejects.toMatchObject({ code: 'queue.unknown', remedy: expect.any(String) });
  }
  expect(store.queue.find(id, Date.now())).toBeUndefined();
});

test('a message is shown with its text and all its parts', async () => {
  const admitted = await store.inbox.admit({ ...arrival('m1'), message: inbound('m1') });
  const inId = 'id' in admitted ? admitted.id : 0;
  expect(store.queue.find(`in-${inId}`, Date.now())).toMatchObject({
    direction: 'in',
    status: 'waiting',
    text: 'text of m1',
  });
  const id = await inParts();
  await claim();
  await store.outbox.settle(id, DELIVERED);
  expect(store.queue.find(`out-${id + 1}`, Date.now())).toMatchObject({
    id: `out-${id + 1}`,
    conversation: 'qqbot:main:c2c:alice',
    text: 'b',
    parts: [
      { id: `out-${id}`, status: 'delivered', attempts: 1, message_id: 'P1', text: 'a' },
      { id: `out-${id + 1}`, status: 'queued', text: 'b' },
      { id: `out-${id + 2}`, status: 'queued', text: 'c' },
    ],
  });
  expect(store.queue.list(Date.now()).map((row) => `${row.id} ${row.status}`)).toEqual([
    `in-${inId} waiting`,
    `out-${id + 1} queued`,
    `out-${id + 2} queued`,
    `out-${id} delivered`,
  ]);
});
