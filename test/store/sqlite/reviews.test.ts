/** Messages that the platform holds back for a review: they block nobody, and end when it tells, or when nobody wants them any more. */
import { join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { openStore } from '../../../src/store/sqlite/sqlite-store.js';
import type { ClaimsNext, OutboxId, Store } from '../../../src/store/store.js';
import { ACCOUNT, arrival, HOUR, outgoing, target } from '../../support/messages.js';
import { tempDir } from '../../support/temp-dir.js';

let store: Store;
let path: string;

beforeEach(() => {
  path = join(tempDir(), 'loong.db');
  store = openStore(path, 'process');
  onTestFinished(() => store.close());
});

const HELD = { code: 'delivery.under_review', message: 'held back' };
const claimIds = async (now = Date.now()) => (await store.outbox.claim(ACCOUNT, now, 9)).rows.map((row) => row.id);
const status = (id: OutboxId) => store.outbox.find(id)?.status;
const hold = (id: OutboxId, auditId = `audit ${id}`, goesOn: ClaimsNext = false) =>
  store.outbox.settle(id, { status: 'sending', auditId, error: HELD }, goesOn);

function tell(id: OutboxId, passed: boolean, more: { auditId?: string; account?: string; eventId?: string } = {}) {
  const { auditId = `audit ${id}`, account = ACCOUNT, eventId } = more;
  const review = { auditId, passed, ...(passed ? { messageId: 'P9' } : {}) };
  const name = passed ? 'MESSAGE_AUDIT_PASS' : 'MESSAGE_AUDIT_REJECT';
  const notice = { name, data: {}, review, ...(eventId === undefined ? {} : { eventId }) };
  return store.events.append(account, notice, Date.now());
}

async function held(peer = 'alice', more = {}) {
  const id = await store.outbox.add(outgoing(peer, 'x', more));
  expect(await claimIds()).toEqual([id]);
  await hold(id);
  return id;
}

test('the next message to the target does not wait, and can be had in the same commit', async () => {
  await store.inbox.admit({ ...arrival('m1'), refusal: 'x' });
  const [first, second, third] = await Promise.all(['1', '2', '3'].map((n) => store.outbox.add(outgoing('alice', n))));
  expect(await claimIds()).toEqual([first]);
  const { next } = await hold(first ?? 0, 'A1', 'passive');
  expect(next?.id).toBe(second);
  expect(await hold(second ?? 0, 'A2')).toMatchObject({ nextIsDue: true });
  expect(await claimIds()).toEqual([third]);
  expect(store.outbox.find(first ?? 0)).toMatchObject({ status: 'sending', error: HELD });
});

test('a message that comes after it is sent at once', async () => {
  await held();
  expect(store.outbox.pending(target('alice'))).toBe(0);
  const next = await store.outbox.add(outgoing('alice'));
  expect(await claimIds()).toEqual([next]);
});

test('passed it is delivered, rejected it has failed, and whoever waits is told the message', async () => {
  const [passed, rejected] = [await held(), await held()];
  expect(await tell(rejected, false)).toEqual({ unparked: 0, reviewed: rejected });
  expect(await tell(passed, true)).toEqual({ unparked: 0, reviewed: passed });
  expect(store.outbox.find(passed)).toMatchObject({ status: 'delivered', platformMessageId: 'P9' });
  expect(store.outbox.find(passed)).not.toHaveProperty('error');
  expect(store.outbox.find(rejected)).toMatchObject({
    status: 'failed',
    error: { code: 'delivery.review_rejected', remedy: expect.any(String) },
  });
});

test('of a part the whole message is told', async () => {
  const id = await store.outbox.add(outgoing('alice', 'a', { furtherParts: [[{ type: 'text', text: 'b' }]] }));
  await claimIds();
  await store.outbox.settle(id, { status: 'delivered' });
  expect(await claimIds()).toEqual([id + 1]);
  await hold(id + 1);
  expect(await tell(id + 1, true)).toMatchObject({ reviewed: id });
});

test('ends once: a second end changes nothing, nor does an outcome', async () => {
  const id = await held();
  await tell(id, true);
  expect(await tell(id, false)).toEqual({ unparked: 0 });
  await store.outbox.settle(id, { status: 'failed', error: HELD });
  expect(status(id)).toBe('delivered');
});

test('nothing but the platform’s word ends it before its time', async () => {
  const id = await held();
  const next = await store.outbox.add(outgoing('alice'));
  expect(await claimIds()).toEqual([next]);
  await store.outbox.settle(id, { status: 'delivered' });
  await store.outbox.settle(id, { status: 'queued', dueAt: 0, error: HELD, pair: 'release' });
  expect(status(id)).toBe('sending');
  expect(await claimIds()).toEqual([]);
});

describe('an end that comes before the answer to the attempt', () => {
  test.each([
    [true, 'delivered'],
    [false, 'failed'],
  ] as const)('counts (passed: %s)', async (passed, end) => {
    const id = await store.outbox.add(outgoing('alice'));
    const next = await store.outbox.add(outgoing('alice'));
    await claimIds();
    expect(await tell(id, passed)).toEqual({ unparked: 0 });
    expect(await hold(id)).toMatchObject({ nextIsDue: true });
    expect(status(id)).toBe(end);
    expect(await claimIds()).toEqual([next]);
  });

  test('is remembered among 100 others', async () => {
    const id = await store.outbox.add(outgoing('alice'));
    await claimIds();
    await tell(id, true);
    for (let i = 0; i < 99; i++) await tell(0, true, { auditId: `other ${i}` });
    await hold(id);
    expect(status(id)).toBe('delivered');
  });
});

describe('without the platform’s word', () => {
  test('it is uncertain once nobody wants it any more', async () => {
    const expiresAt = Date.now() + HOUR;
    const id = await held('alice', { expiresAt });
    expect(store.outbox.nextDue(ACCOUNT)).toBe(expiresAt);
    expect((await store.outbox.claim(ACCOUNT, expiresAt - 1, 9)).unattempted).toEqual([]);
    expect((await store.outbox.claim(ACCOUNT, expiresAt, 9)).unattempted).toEqual([id]);
    expect(store.outbox.find(id)).toMatchObject({ status: 'uncertain', error: HELD });
    expect(store.outbox.nextDue(ACCOUNT)).toBeUndefined();
    expect(await tell(id, true)).toEqual({ unparked: 0 });
    expect(status(id)).toBe('uncertain');
  });

  test('no other account is kept busy', async () => {
    const expiresAt = Date.now() + HOUR;
    const id = await held('alice', { expiresAt });
    expect(store.outbox.nextDue('qqbot:ops')).toBeUndefined();
    expect((await store.outbox.claim('qqbot:ops', expiresAt, 9)).unattempted).toEqual([]);
    expect(await tell(id, true, { account: 'qqbot:ops' })).toEqual({ unparked: 0 });
    expect(status(id)).toBe('sending');
  });

  test('it waits on after the death of the process', async () => {
    const id = await held();
    await store.close();
    store = openStore(path, 'process');
    expect(await store.outbox.recover(() => true)).toEqual({ again: 0, uncertain: 0 });
    expect(await claimIds()).toEqual([]);
    await tell(id, true);
    expect(status(id)).toBe('delivered');
  });
});

describe('a message that carries others', () => {
  /** Two parked texts that came back as one message, which is held back. */
  async function carrying(expiresAt = Date.now() + HOUR) {
    const about = target('alice');
    await store.events.append(ACCOUNT, { name: 'N', data: {}, about, takesActive: false }, Date.now());
    const ids: OutboxId[] = [];
    for (const text of ['one', 'two']) {
      ids.push(await store.outbox.add(outgoing('alice', text, { expiresAt })));
      await claimIds();
    }
    await store.events.append(ACCOUNT, { name: 'N', data: {}, about, takesActive: true }, Date.now());
    expect(await claimIds()).toEqual([ids[0]]);
    await hold(ids[0] ?? 0);
    return ids;
  }

  test.each([
    [true, 'delivered'],
    [false, 'failed'],
  ] as const)('shares the end of its review with them (passed: %s)', async (passed, end) => {
    const ids = await carrying();
    await tell(ids[0] ?? 0, passed);
    expect(ids.map(status)).toEqual([end, end]);
  });

  test('is uncertain with them when nobody told in time', async () => {
    const expiresAt = Date.now() + HOUR;
    const ids = await carrying(expiresAt);
    expect((await store.outbox.claim(ACCOUNT, expiresAt, 9)).unattempted).toEqual(ids);
    expect(ids.map(status)).toEqual(['uncertain', 'uncertain']);
    expect(store.outbox.nextDue(ACCOUNT)).toBeUndefined();
  });

  test('blocks nobody either', async () => {
    await carrying();
    const next = await store.outbox.add(outgoing('alice'));
    expect(await claimIds()).toEqual([next]);
  });
});
