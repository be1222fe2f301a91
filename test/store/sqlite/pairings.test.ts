/** People who ask to be let in: their codes, the message that asked, and what an operator decides. */
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { plainText } from '../../../src/model/message.js';
import { normaliseAccountId, type Target } from '../../../src/model/target.js';
import { openStore } from '../../../src/store/sqlite/sqlite-store.js';
import type { AttemptOutcome, InboxId, PairingStep, Store } from '../../../src/store/store.js';
import { ACCOUNT, arrival, HOUR, inbound, outgoing, target } from '../../support/messages.js';
import { tempDir } from '../../support/temp-dir.js';

const OPS = 'qqbot:ops';
const PARKED: AttemptOutcome = { status: 'parked', error: { code: 'x', message: 'y' } };

let store: Store;
let path: string;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'] });
  path = join(tempDir(), 'loong.db');
  store = openStore(path, 'process');
});

afterEach(async () => {
  await store.close();
  vi.useRealTimers();
});

async function reopen(): Promise<void> {
  await store.close();
  store = openStore(path, 'process');
}

/** What becomes of a message of somebody unknown. */
async function ask(
  id: string,
  peer: string,
  { account = 'main', maxPending = 3, conversation = target(peer, 'c2c', account) as Target } = {},
): Promise<{ readonly step: PairingStep | undefined; readonly id: InboxId }> {
  const { right } = arrival(id, peer);
  const admitted = await store.inbox.admit({
    message: inbound(id, peer, { conversation }),
    ...(right === undefined ? {} : { right }),
    isRemembered: true,
    pairing: { maxPending, say: (code) => ({ ...outgoing(peer, code, { origin: 'pairing' }), target: conversation }) },
  });
  if (admitted.outcome === 'duplicate') throw new Error('the test wrote this before');
  return { step: admitted.pairing, id: admitted.id };
}

const codes = () => store.pairings.pending().map(({ code }) => code);
const codeOf = (peer: string) => store.pairings.pending().find((one) => one.peer === peer)?.code ?? 'NONE';
const approve = (given: string, accounts: readonly string[] = [ACCOUNT]) =>
  store.pairings.approve(accounts, given, 'cli');
const revoke = (peer: string, isListed = false) => store.pairings.revoke([ACCOUNT], peer, 'cli', () => isListed);
const claim = () => store.outbox.claim(ACCOUNT, Date.now(), 99);
const waiting = () => store.inbox.waiting(ACCOUNT, 0, 99).map(({ id }) => id);

describe('a request', () => {
  test('is told its code once, in the window of its message, and says nothing when they write again', async () => {
    expect((await ask('M1', 'alice')).step).toBe('pairing_offered');
    expect((await ask('M2', 'alice')).step).toBe('pairing_pending');
    const { rows } = await claim();
    expect(rows.map(({ segments, origin, passive }) => [plainText(segments), origin, passive?.token.value])).toEqual([
      [codeOf('alice'), 'pairing', 'M1'],
    ]);
    expect(waiting()).toEqual([]);
  });

  test('that comes twice at once has one code', async () => {
    const both = await Promise.all([ask('M1', 'alice'), ask('M2', 'alice')]);
    expect(both.map(({ step }) => step)).toEqual(['pairing_offered', 'pairing_pending']);
    expect((await claim()).rows).toHaveLength(1);
  });

  test('has a code of its own, of letters and digits that nobody mistakes', async () => {
    for (let i = 0; i < 200; i++) await ask(`M${i}`, `peer${i}`, { maxPending: 1000 });
    expect(new Set(codes()).size).toBe(200);
    for (const code of codes()) expect(code).toMatch(/^[A-HJ-NP-Z2-9]{8}$/);
  });

  test('is not taken while too many others of its account wait', async () => {
    for (const peer of ['a', 'b', 'c']) await ask(`of ${peer}`, peer);
    expect((await ask('M4', 'd')).step).toBe('pairing_full');
    expect((await ask('M5', 'd', { account: 'ops' })).step).toBe('pairing_offered');
    await store.pairings.deny([ACCOUNT], 'a', 'cli');
    expect((await ask('M6', 'd')).step).toBe('pairing_offered');
  });

  test('is over after an hour: then its code is good for nothing, its place is free, and they get another', async () => {
    await ask('M1', 'alice', { maxPending: 1 });
    const first = codeOf('alice');
    vi.setSystemTime(Date.now() + HOUR - 1);
    expect((await ask('M2', 'bob', { maxPending: 1 })).step).toBe('pairing_full');
    vi.setSystemTime(Date.now() + 1);
    await expect(approve(first)).rejects.toMatchObject({ code: 'pairing.unknown' });
    await expect(approve('alice')).rejects.toMatchObject({ code: 'pairing.unknown' });
    expect((await ask('M3', 'alice', { maxPending: 1 })).step).toBe('pairing_offered');
    expect(codeOf('alice')).not.toBe(first);
  });

  test('outlives the process', async () => {
    await ask('M1', 'alice');
    const code = codeOf('alice');
    await reopen();
    expect((await ask('M2', 'alice')).step).toBe('pairing_pending');
    expect((await approve(code)).approved.peer).toBe('alice');
    await reopen();
    expect([...store.pairings.approvedOf(ACCOUNT)]).toEqual(['alice']);
  });
});

describe('approving', () => {
  test('lets in at once, by code in any case, and takes up the message that asked', async () => {
    const { id } = await ask('M1', 'alice');
    await ask('M2', 'alice');
    const code = codeOf('alice');
    const allowed = store.pairings.approvedOf(ACCOUNT);
    expect([...allowed]).toEqual([]);
    const { approved, waiting: entry } = await approve(` ${code.toLowerCase()} `);
    expect([approved.account, approved.peer, entry?.id, entry?.message.id]).toEqual([ACCOUNT, 'alice', id, 'M1']);
    expect([...allowed]).toEqual(['alice']);
    expect(waiting()).toEqual([id]);
    await expect(approve(code)).rejects.toMatchObject({ code: 'pairing.unknown' });
  });

  test('is not undone by a message that was on its way, which is answered instead', async () => {
    const { id } = await ask('M1', 'alice');
    // Who let alice in did so while her second message was judged as that of somebody unknown.
    const [, second] = await Promise.all([approve('alice'), ask('M2', 'alice')]);
    expect([second.step, waiting()]).toEqual([undefined, [id, second.id]]);
    expect([codes(), store.pairings.approved().map(({ peer }) => peer)]).toEqual([[], ['alice']]);
    await reopen();
    expect([...store.pairings.approvedOf(ACCOUNT)]).toEqual(['alice']);
  });

  test('makes the message that asked part of what was said, and none that came in vain', async () => {
    const said = () => store.history.before(target('alice'), 99, 9).map(({ segments }) => plainText(segments));
    for (const id of ['M1', 'M2']) await ask(id, 'alice');
    expect(said()).toEqual([]);
    await approve('alice');
    expect(said()).toEqual(['text of M1']);
  });

  test('looks for a user id first: one that reads like the code of another is that user', async () => {
    await ask('M1', 'alice');
    const code = codeOf('alice');
    await ask('M2', code);
    expect((await approve(code)).approved.peer).toBe(code);
    expect([...store.pairings.approvedOf(ACCOUNT)]).toEqual([code]);
    expect((await approve(code)).approved.peer).toBe('alice');
  });

  test.each(['*', '', 'ABCDEFGH', 'bob', ' alice', 'ALICE'])('%j is nobody', async (given) => {
    await ask('M1', 'alice');
    await expect(approve(given)).rejects.toMatchObject({ code: 'pairing.unknown' });
    expect([...store.pairings.approvedOf(ACCOUNT)]).toEqual([]);
  });

  test('is for one account: others know nothing of it, and where several could be meant one is named', async () => {
    await ask('M1', 'alice');
    await ask('M2', 'alice', { account: 'ops' });
    await expect(approve('alice', [ACCOUNT, OPS])).rejects.toMatchObject({ code: 'pairing.ambiguous' });
    await approve('alice', [OPS]);
    expect([[...store.pairings.approvedOf(ACCOUNT)], [...store.pairings.approvedOf(OPS)]]).toEqual([[], ['alice']]);
    await expect(approve(codeOf('alice'), [OPS])).rejects.toMatchObject({ code: 'pairing.unknown' });
  });

  test('with a notice tells them in the window of their message, of which their answer keeps a place', async () => {
    const { id } = await ask('M1', 'alice');
    await store.outbox.settle((await claim()).rows[0]?.id ?? 0, { status: 'delivered' });
    await store.pairings.approve([ACCOUNT], 'alice', 'cli', {
      notice: (to) => ({ ...outgoing('alice', 'welcome', { origin: 'backend' }), target: to }),
    });
    const [notice] = (await claim()).rows;
    expect([notice?.passive?.seq, notice?.inReplyTo]).toEqual([2, id]);
    await store.outbox.settle(notice?.id ?? 0, { status: 'delivered' });
    await store.inbox.answer(id, [outgoing('alice', 'the answer', { origin: 'backend' })]);
    expect((await claim()).rows.map(({ passive }) => passive?.seq)).toEqual([3]);
  });
});

test('of all who decide at once one does, and the message that asked is taken up once', async () => {
  for (const first of ['approve', 'deny'] as const) {
    const { id } = await ask(`of ${first}`, first);
    const code = codeOf(first);
    const deny = () => store.pairings.deny([ACCOUNT], first, 'api');
    const ends = await Promise.allSettled(
      first === 'approve' ? [approve(code), deny(), approve(first)] : [deny(), approve(first), deny()],
    );
    expect(ends.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected']);
    const isIn = first === 'approve';
    expect([store.pairings.approvedOf(ACCOUNT).has(first), waiting().includes(id), codes()]).toEqual([isIn, isIn, []]);
  }
  expect(waiting()).toHaveLength(1);
});

test('a code that runs out while it is approved lets nobody in, and the request that follows is another', async () => {
  await ask('M1', 'alice');
  const code = codeOf('alice');
  vi.setSystemTime(Date.now() + HOUR - 1);
  const late = ask('M2', 'alice');
  vi.setSystemTime(Date.now() + 1);
  await expect(approve(code)).rejects.toMatchObject({ code: 'pairing.unknown' });
  await late;
  expect((await ask('M3', 'alice')).step).toBe('pairing_pending');
  expect([...store.pairings.approvedOf(ACCOUNT)]).toEqual([]);
});

test('where nobody is heard, an approval answers nothing and says nothing', async () => {
  await ask('M1', 'alice');
  for (const { id } of (await claim()).rows) await store.outbox.settle(id, { status: 'delivered' });
  const done = await store.pairings.approve([ACCOUNT], 'alice', 'cli', {
    notice: (to) => ({ ...outgoing('alice', 'welcome'), target: to }),
    isHeard: (account) => account !== ACCOUNT,
  });
  expect([done.approved.peer, done.waiting, done.notice]).toEqual(['alice', undefined, undefined]);
  expect([waiting(), (await claim()).rows, [...store.pairings.approvedOf(ACCOUNT)]]).toEqual([[], [], ['alice']]);
});

test('denying ends the request, and lets nobody in', async () => {
  await ask('M1', 'alice');
  const code = codeOf('alice');
  expect(await store.pairings.deny([ACCOUNT], code, 'cli')).toMatchObject({ peer: 'alice', code });
  await expect(approve(code)).rejects.toMatchObject({ code: 'pairing.unknown' });
  expect([codes(), [...store.pairings.approvedOf(ACCOUNT)], waiting()]).toEqual([[], [], []]);
});

describe('revoking', () => {
  const add = (text: string, more = {}) => store.outbox.add(outgoing('alice', text, more));
  const found = (id: number) => store.outbox.find(id);

  /** Alice was let in; her code went out. */
  async function letIn(): Promise<void> {
    await ask('M1', 'alice');
    for (const { id } of (await claim()).rows) await store.outbox.settle(id, { status: 'delivered' });
    await approve('alice');
  }

  test('stops what is queued and parked for them, and what they wrote is not answered', async () => {
    await letIn();
    const [parked] = [await add('parked')];
    await claim();
    await store.outbox.settle(parked, PARKED);
    const sending = await add('being sent');
    await claim();
    const queued = await add('queued');
    const other = await store.outbox.add(outgoing('bob'));
    const { revoked, stopped } = await revoke('alice');
    expect([revoked.peer, stopped]).toEqual(['alice', [parked, queued]]);
    for (const id of stopped) expect(found(id)).toMatchObject({ status: 'failed', error: { code: 'access.revoked' } });
    expect([found(sending)?.status, found(other)?.status]).toEqual(['sending', 'queued']);
    expect([[...store.pairings.approvedOf(ACCOUNT)], waiting()]).toEqual([[], []]);
    await expect(store.queue.retry('in-1', false, () => false)).rejects.toMatchObject({ code: 'access.revoked' });
    expect(waiting()).toEqual([]);
    await expect(revoke('alice')).rejects.toMatchObject({ code: 'pairing.unknown' });
  });

  test('what may have arrived is uncertain', async () => {
    await letIn();
    const id = await add('queued');
    await claim();
    await store.outbox.settle(id, {
      status: 'queued',
      dueAt: Date.now() + HOUR,
      error: { code: 'x', message: 'y' },
      pair: 'keep',
    });
    await revoke('alice');
    expect(found(id)).toMatchObject({ status: 'uncertain', error: { code: 'access.revoked' } });
  });

  test('stops nothing for somebody who is listed besides', async () => {
    await letIn();
    const id = await add('queued');
    expect((await revoke('alice', true)).stopped).toEqual([]);
    expect([found(id)?.status, waiting().length]).toEqual(['queued', 1]);
  });

  test('reaches the guild from which they wrote, and nobody else who wrote there', async () => {
    const session = target('GUILD', 'dm');
    const others = target('GUILD2', 'dm');
    const { id } = await ask('M1', 'alice', { conversation: session });
    for (const row of (await claim()).rows) await store.outbox.settle(row.id, { status: 'delivered' });
    await approve('alice');
    await store.inbox.admit({ message: inbound('M2', 'alice', { conversation: session }) });
    const bobs = await store.inbox.admit({ message: inbound('M3', 'bob', { conversation: others }) });
    const { ids } = await store.inbox.answer(id, [{ ...outgoing('', 'answer'), target: session }]);
    expect((await revoke('alice')).stopped).toEqual(ids);
    expect(waiting()).toEqual(['id' in bobs ? bobs.id : 0]);
    // Nor does it go out when an operator tries it again, unless they may talk again.
    const retry = (mayTalk: boolean) =>
      store.queue.retry(`out-${ids[0]}`, false, ({ sender }) => mayTalk === (sender.id === 'alice'));
    await expect(retry(false)).rejects.toMatchObject({ code: 'access.revoked' });
    expect(found(ids[0] ?? 0)?.status).toBe('failed');
    await retry(true);
    expect(found(ids[0] ?? 0)?.status).toBe('queued');
  });
});

test('whatever is decided stands in the event log, with who it was about', async () => {
  await ask('M1', 'alice');
  await approve('alice');
  await revoke('alice');
  await ask('M2', 'bob');
  await store.pairings.deny([ACCOUNT], 'bob', 'api');
  await store.close();
  const { default: Sqlite } = await import('better-sqlite3');
  const db = new Sqlite(path, { readonly: true });
  onTestFinished(() => void db.close());
  expect(db.prepare('SELECT account, name, data FROM events ORDER BY cursor').raw().all()).toEqual([
    [ACCOUNT, 'pairing.requested', '{"peer":"alice"}'],
    [ACCOUNT, 'pairing.approved', '{"peer":"alice","by":"cli"}'],
    [ACCOUNT, 'pairing.revoked', '{"peer":"alice","by":"cli"}'],
    [ACCOUNT, 'pairing.requested', '{"peer":"bob"}'],
    [ACCOUNT, 'pairing.denied', '{"peer":"bob","by":"api"}'],
  ]);
  store = openStore(path, 'process');
});

test('an account that becomes another app forgets who was let in, and who asked', async () => {
  const alices = target('alice', 'c2c', normaliseAccountId('ops'));
  await ask('M1', 'alice');
  await approve('alice');
  await ask('M2', 'bob');
  await ask('M3', 'alice', { account: 'ops', conversation: alices });
  expect((await store.identities.rebind(ACCOUNT)).pairings).toBe(2);
  expect([...store.pairings.approvedOf(ACCOUNT)]).toEqual([]);
  expect(store.pairings.pending().map(({ account }) => account)).toEqual([OPS]);
});
