/** Whose an account is outlives the process, and when it becomes somebody else's nothing of the former one is used again. */
import { join } from 'node:path';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import type { AccountId } from '../../../src/model/target.js';
import { openStore } from '../../../src/store/sqlite/sqlite-store.js';
import type { NewOutgoing, OutboxId, Store } from '../../../src/store/store.js';
import { ACCOUNT, arrival, HOUR, outgoing, target } from '../../support/messages.js';
import { tempDir } from '../../support/temp-dir.js';

const ERROR = { code: 'x', message: 'y' };
const NOTHING = { failed: 0, uncertain: 0, unanswered: 0, windows: 0, sessions: 0, refusals: 0, pairings: 0 };

let path: string;
let store: Store;

beforeEach(() => {
  path = join(tempDir(), 'loong.db');
  store = openStore(path, 'process');
  onTestFinished(() => store.close());
});

async function reopen(): Promise<void> {
  await store.close();
  store = openStore(path, 'process');
}

const add = (peer: string, more: Partial<NewOutgoing> = {}) => store.outbox.add(outgoing(peer, 'x', more));
const claim = async (only?: OutboxId) =>
  (await store.outbox.claim(ACCOUNT, Date.now(), 99, only === undefined ? {} : { only })).rows;
const found = (id: OutboxId) => store.outbox.find(id);
/** Says of active messages whether this peer takes them. */
const takesActive = (peer: string, takes: boolean, account = 'main') =>
  store.events.append(
    `qqbot:${account}`,
    { name: 'N', data: {}, about: target(peer, 'c2c', account), takesActive: takes },
    Date.now(),
  );

test('an account is nobody’s until it is bound, and stays whose it is', async () => {
  expect(store.identities.of(ACCOUNT)).toBeUndefined();
  await store.identities.bind(ACCOUNT, '1');
  await reopen();
  expect(store.identities.of(ACCOUNT)).toBe('1');
  expect(store.identities.of('qqbot:mai')).toBeUndefined();
  await expect(store.identities.bind(ACCOUNT, '2')).rejects.toMatchObject({ code: 'store.failed' });
  expect(store.identities.of(ACCOUNT)).toBe('1');
});

test('rebinding settles, closes and forgets what was the former one’s, once', async () => {
  await store.identities.bind(ACCOUNT, '1');
  await store.sessions.save(ACCOUNT, 'key', { sessionId: 'S', seq: 7 });
  await store.inbox.admit(arrival('M1', 'alice'));
  await takesActive('bob', false);
  const queued = await add('alice');
  const parked = await add('bob');
  await claim();
  expect([found(queued)?.status, found(parked)?.status]).toEqual(['sending', 'parked']);
  const behind = await add('alice', { furtherParts: [[{ type: 'text', text: 'y' }]] });
  expect(await store.identities.rebind(ACCOUNT)).toEqual({
    identity: '1',
    failed: 2,
    uncertain: 1,
    unanswered: 1,
    windows: 1,
    sessions: 1,
    refusals: 1,
    pairings: 0,
  });
  expect(found(queued)).toMatchObject({
    status: 'uncertain',
    error: { code: 'account.rebound', remedy: expect.stringContaining('ask the peer') },
  });
  for (const id of [parked, behind, behind + 1])
    expect(found(id)).toMatchObject({
      status: 'failed',
      error: { code: 'account.rebound', remedy: expect.stringContaining('anew') },
    });
  expect(store.queue.find('in-1', Date.now())).toMatchObject({ status: 'failed', error: { code: 'account.rebound' } });
  expect(store.inbox.waiting(ACCOUNT, 0, 9)).toEqual([]);
  expect(store.sessions.load(ACCOUNT, 'key')).toBeUndefined();
  expect(store.identities.of(ACCOUNT)).toBeUndefined();
  expect(store.outbox.nextDue(ACCOUNT)).toBeUndefined();
  expect(await store.identities.rebind(ACCOUNT)).toEqual(NOTHING);
  await store.identities.bind(ACCOUNT, '2');
});

test('afterwards nothing goes out passively in an old window, of a message or an event, nor waits for an old refusal', async () => {
  const right = { closesAt: Date.now() + HOUR, count: 4 };
  const admitted = await store.inbox.admit(arrival('M1', 'alice'));
  const event = {
    name: 'FRIEND_ADD',
    data: {},
    about: target('carol'),
    replyToken: { kind: 'event_id', value: 'E' } as const,
  };
  await store.events.append(ACCOUNT, event, Date.now(), right);
  await takesActive('bob', false);
  expect(await store.identities.rebind(ACCOUNT)).toMatchObject({ windows: 2, refusals: 1 });
  const ids = [
    await add('alice'),
    await add('alice', { replyTo: 'id' in admitted ? admitted.id : 0 }),
    await add('carol'),
    await add('bob'),
  ];
  for (const id of ids) {
    const [row] = await claim(id);
    expect(row).toMatchObject({ id, status: 'sending' });
    expect(row?.passive).toBeUndefined();
    await store.outbox.settle(id, { status: 'delivered' });
  }
});

test('what may have arrived is uncertain: after an ambiguous attempt, under review, and in a message that carries others', async () => {
  await store.inbox.admit(arrival('M1', 'alice'));
  const repeated = await add('alice');
  await claim();
  await store.outbox.settle(repeated, { status: 'queued', dueAt: Date.now() + HOUR, error: ERROR, pair: 'keep' });
  const reviewed = await add('dora');
  await claim(reviewed);
  await store.outbox.settle(reviewed, { status: 'sending', auditId: 'A', error: ERROR });
  await takesActive('bob', false);
  const carried = [await add('bob'), await add('bob')];
  for (const _ of carried) await claim();
  await takesActive('bob', true); // both come back as one message
  expect((await claim()).map(({ id }) => id)).toEqual([carried[0]]);
  expect(await store.identities.rebind(ACCOUNT)).toMatchObject({ failed: 0, uncertain: 4 });
  for (const id of [repeated, reviewed, ...carried]) expect(found(id)?.status).toBe('uncertain');
  // What is heard of them later changes nothing.
  expect(await store.outbox.settle(carried[0] as OutboxId, { status: 'delivered' })).toMatchObject({
    nextIsDue: false,
  });
  expect(found(carried[0] as OutboxId)?.status).toBe('uncertain');
});

test('other accounts keep everything, whatever they are called', async () => {
  const others = ['mai', 'main2', 'main-2', 'm_in'] as AccountId[];
  for (const account of others) {
    const lane = `qqbot:${account}`;
    await store.identities.bind(lane, account);
    await store.sessions.save(lane, 'key', { sessionId: 'S', seq: 7 });
    const { message, right } = arrival('M1');
    await store.inbox.admit({
      message: { ...message, conversation: target('alice', 'c2c', account) },
      ...(right === undefined ? {} : { right }),
    });
    await takesActive('bob', false, account);
    await store.outbox.add({ ...outgoing('alice'), target: target('alice', 'c2c', account) });
  }
  expect(await store.identities.rebind(ACCOUNT)).toEqual(NOTHING);
  for (const account of others)
    expect(await store.identities.rebind(`qqbot:${account}`)).toEqual({
      identity: account,
      failed: 1,
      uncertain: 0,
      unanswered: 1,
      windows: 1,
      sessions: 1,
      refusals: 1,
      pairings: 0,
    });
});

test('what the former one heard and said is not recalled for the next one', async () => {
  const say = async (peer: string) => {
    const id = await add(peer);
    await claim(id);
    await store.outbox.settle(id, { status: 'delivered', platformMessageId: `of ${peer}` });
    await store.inbox.admit(arrival(`from ${peer}`, peer));
  };
  await say('alice');
  await store.identities.rebind(ACCOUNT);
  await say('bob');
  expect(store.inbox.received(ACCOUNT, 99).map(({ id }) => id)).toEqual(['from bob']);
  expect(store.outbox.sent(ACCOUNT, 99).map(({ platformMessageId }) => platformMessageId)).toEqual(['of bob']);
});
