/** The journal of what goes out: order per target, one attempt at a time, every outcome written down. */
import { join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import type { Target } from '../../../src/model/target.js';
import { openStore } from '../../../src/store/sqlite/sqlite-store.js';
import type { AttemptOutcome, OutboxId, Outgoing, Store } from '../../../src/store/store.js';
import { ACCOUNT, arrival, HOUR, inbound, outgoing, target } from '../../support/messages.js';
import { tempDir } from '../../support/temp-dir.js';

let store: Store;
let path: string;

beforeEach(() => {
  path = join(tempDir(), 'loong.db');
  store = openStore(path, 'process');
  onTestFinished(() => store.close());
});

const ERROR = { code: 'x', message: 'y' };
const PARKED: AttemptOutcome = { status: 'parked', error: ERROR };
const DELIVERED: AttemptOutcome = { status: 'delivered', platformMessageId: 'P1' };
const retry = (pair: 'keep' | 'release' | 'spend' | 'close', dueAt = Date.now()): AttemptOutcome => ({
  status: 'queued',
  dueAt,
  error: ERROR,
  pair,
});

async function claim(limit = 32, now = Date.now()) {
  return (await store.outbox.claim(ACCOUNT, now, limit)).rows;
}
const claimIds = async () => (await claim()).map((row) => row.id);
const status = (id: OutboxId) => store.outbox.find(id)?.status;

describe('when an account is connected again', () => {
  const AWAY: AttemptOutcome = { status: 'parked', error: ERROR, until: 'connected' };

  test('what was parked for that, and what waits for its next try, is due, the oldest of each target first', async () => {
    const [a1, a2, b1] = await Promise.all(['alice', 'alice', 'bob'].map((peer) => store.outbox.add(outgoing(peer))));
    await claim();
    await store.outbox.settle(a1 ?? 0, AWAY);
    await store.outbox.settle(b1 ?? 0, retry('release', Date.now() + HOUR / 2));
    await claim();
    await store.outbox.settle(a2 ?? 0, AWAY);
    expect([status(a1 ?? 0), status(a2 ?? 0)]).toEqual(['parked', 'parked']);
    expect(await claimIds()).toEqual([]);
    await store.outbox.comeBack('qqbot:other');
    expect(await claimIds()).toEqual([]);
    await store.outbox.comeBack(ACCOUNT);
    expect((await claimIds()).sort()).toEqual([a1, b1]);
    await store.outbox.settle(a1 ?? 0, DELIVERED);
    expect(await claimIds()).toEqual([a2]);
  });

  test('as many as a long absence brings wait for it, and no more', async () => {
    const ids: OutboxId[] = [];
    for (let i = 0; i < 1001; i++) {
      ids.push(await store.outbox.add(outgoing('alice')));
      await claim();
      await store.outbox.settle(ids.at(-1) ?? 0, AWAY);
    }
    expect(ids.filter((id) => status(id) === 'parked')).toHaveLength(1000);
    const last = store.outbox.find(ids.at(-1) ?? 0);
    expect([last?.status, last?.error?.code]).toEqual(['failed', 'delivery.parked_full']);
    expect(last?.error?.remedy).toContain('OneBot implementation');
  });

  test('nobody is taken for one who refuses active messages because of that', async () => {
    const first = await store.outbox.add(outgoing('alice'));
    await claim();
    await store.outbox.settle(first, AWAY);
    const second = await store.outbox.add(outgoing('alice'));
    expect(await claimIds()).toEqual([second]);
  });

  test('a message that was being sent keeps its place', async () => {
    const [a1, a2] = await Promise.all([store.outbox.add(outgoing('alice')), store.outbox.add(outgoing('alice'))]);
    await claim();
    await store.outbox.comeBack(ACCOUNT);
    expect(await claimIds()).toEqual([]);
    await store.outbox.settle(a1 ?? 0, DELIVERED);
    expect(await claimIds()).toEqual([a2]);
  });
});

test('what is seen otherwise than it was meant is delivered, with a word about it', async () => {
  const id = await store.outbox.add(outgoing('alice'));
  await claim();
  await store.outbox.settle(id, { status: 'delivered', warning: 'the die fell as it liked' });
  expect(store.outbox.find(id)).toMatchObject({
    status: 'delivered',
    error: { code: 'delivery.altered', message: 'the die fell as it liked' },
  });
});

describe('what the platform tells late', () => {
  const unknown = { status: 'uncertain', error: { code: 'x', message: 'nobody answered' } } as const;

  test('settles a message of which nothing was known, and no other', async () => {
    const [arrived, refused, queued] = await Promise.all([1, 2, 3].map((n) => store.outbox.add(outgoing(`peer${n}`))));
    await store.outbox.claim(ACCOUNT, Date.now(), 2);
    for (const id of [arrived, refused]) await store.outbox.settle(id ?? 0, unknown);
    const error = { code: 'onebot.retcode_100', message: 'no' };
    expect(await store.outbox.clear(arrived ?? 0, { status: 'delivered', platformMessageId: '77' })).toBe(true);
    expect(await store.outbox.clear(refused ?? 0, { status: 'failed', error })).toBe(true);
    expect(store.outbox.find(arrived ?? 0)).toMatchObject({ status: 'delivered', platformMessageId: '77' });
    expect(store.outbox.find(arrived ?? 0)?.error).toBeUndefined();
    expect(store.outbox.find(refused ?? 0)).toMatchObject({ status: 'failed', error });
    for (const id of [arrived, refused, queued, 99]) {
      expect(await store.outbox.clear(id ?? 0, { status: 'delivered' })).toBe(false);
    }
  });

  test('what went out is told with its number, the oldest first', async () => {
    const ids = await Promise.all([1, 2, 3].map((n) => store.outbox.add(outgoing(`peer${n}`))));
    await store.outbox.claim(ACCOUNT, Date.now(), 9);
    for (const id of ids) await store.outbox.settle(id, { status: 'delivered', platformMessageId: `p${id}` });
    expect(store.outbox.sent(ACCOUNT, 2)).toEqual([
      { target: target('peer2'), platformMessageId: 'p2' },
      { target: target('peer3'), platformMessageId: 'p3' },
    ]);
    expect(store.outbox.sent('qqbot:ops', 9)).toEqual([]);
  });
});

describe('order', () => {
  test('of a target only the oldest message is claimed, and none while it is being sent', async () => {
    const [a1, a2, b1] = await Promise.all([
      store.outbox.add(outgoing('alice')),
      store.outbox.add(outgoing('alice')),
      store.outbox.add(outgoing('bob')),
    ]);
    expect(await claimIds()).toEqual([a1, b1]);
    expect(await claimIds()).toEqual([]);
    await store.outbox.settle(a1 ?? 0, DELIVERED);
    expect(await claimIds()).toEqual([a2]);
    expect(status(b1 ?? 0)).toBe('sending');
  });

  test('a message that is written in the commit of a claim is claimed with it, though the question is older', async () => {
    const [id, rows] = await Promise.all([store.outbox.add(outgoing('alice')), claim(32, Date.now() - 5)]);
    expect(rows.map((row) => row.id)).toEqual([id]);
  });

  test.each(['any', 'passive', false] as const)(
    'lines longer than memory are kept too, each message once (next claimed: %s)',
    async (goesOn) => {
      const peers = ['alice', 'bob', 'carol'];
      const ids = await Promise.all(
        Array.from({ length: 2400 }, (_, i) => store.outbox.add(outgoing(peers[i % 3] ?? ''))),
      );
      const sent: OutboxId[] = [];
      let flying: readonly Outgoing[] = await claim();
      while (flying.length > 0) {
        sent.push(...flying.map((row) => row.id));
        const settled = await Promise.all(flying.map((row) => store.outbox.settle(row.id, DELIVERED, goesOn)));
        const next = settled.flatMap((one) => one.next ?? []);
        flying = next.length > 0 ? next : await claim();
        for (const row of flying) expect(row).toMatchObject({ status: 'sending', attempts: 1 });
      }
      expect(sent).toEqual(ids);
    },
  );

  test('a message that waits for its next try holds up its own target only', async () => {
    const a1 = await store.outbox.add(outgoing('alice'));
    const a2 = await store.outbox.add(outgoing('alice'));
    await claim();
    const dueAt = Date.now() + HOUR / 2;
    await store.outbox.settle(a1, retry('release', dueAt));
    const b1 = await store.outbox.add(outgoing('bob'));
    expect(await claimIds()).toEqual([b1]);
    expect((await claim(32, dueAt - 1)).map((row) => row.id)).toEqual([]);
    const later = outgoing('carol', 'x', { expiresAt: dueAt + HOUR });
    const c1 = await store.outbox.add(later);
    expect((await claim(1, Date.now())).map((row) => row.id)).toEqual([c1]);
    expect(status(a2)).toBe('queued');
  });

  test('a settled message lets the next one up, whatever became of it', async () => {
    const ends: AttemptOutcome[] = [
      DELIVERED,
      { status: 'failed', error: ERROR },
      { status: 'uncertain', error: ERROR },
      PARKED,
    ];
    const rows: OutboxId[] = [];
    for (let i = 0; i <= ends.length; i++) rows.push(await store.outbox.add(outgoing('alice')));
    for (const [i, end] of ends.entries()) {
      expect(await claimIds()).toEqual([rows[i]]);
      await store.outbox.settle(rows[i] ?? 0, end);
      expect(status(rows[i] ?? 0)).toBe(end.status);
    }
    // The peer refused an active message, so the last one is not even tried.
    const { unattempted } = await store.outbox.claim(ACCOUNT, Date.now(), 9);
    expect(unattempted).toEqual([rows.at(-1)]);
  });

  test('no more is claimed than asked for, those due longest first', async () => {
    for (let i = 0; i < 5; i++) await store.outbox.add(outgoing(`peer${i}`));
    expect(await claim(2)).toHaveLength(2);
    expect(await claim(2)).toHaveLength(2);
    expect(await claim(2)).toHaveLength(1);
  });

  test('accounts do not see each other', async () => {
    await store.outbox.add(outgoing('alice', 'x', { target: target('alice', 'c2c', 'ops') }));
    expect(await claimIds()).toEqual([]);
    expect((await store.outbox.claim('qqbot:ops', Date.now(), 5)).rows).toHaveLength(1);
  });

  test('a long backlog costs what it delivers, not what it holds', async () => {
    await Promise.all(Array.from({ length: 10_000 }, () => store.outbox.add(outgoing('alice'))));
    const begun = performance.now();
    for (let i = 0; i < 200; i++) {
      const [id] = await claimIds();
      await store.outbox.settle(id ?? 0, DELIVERED);
      store.outbox.nextDue(ACCOUNT);
    }
    expect(performance.now() - begun).toBeLessThan(1000); // reading the backlog each time took 200 × 10 ms and more
  });
});

describe('an attempt', () => {
  test('is counted when it is claimed, with a passive pair while the peer’s window is open', async () => {
    await store.inbox.admit(arrival('m1'));
    const id = await store.outbox.add(outgoing('alice'));
    const [row] = await claim();
    expect(row).toMatchObject({
      id,
      status: 'sending',
      attempts: 1,
      passive: { token: { kind: 'msg_id', value: 'm1' }, seq: 1 },
    });
    expect(store.outbox.find(id)).toEqual(row);
  });

  test('without an open window is active', async () => {
    await store.outbox.add(outgoing('alice'));
    expect((await claim())[0]).not.toHaveProperty('passive');
  });

  test.each([
    ['keep', { seq: 1, token: 'm1', ambiguous: true }],
    ['release', { seq: 2, token: 'm1', ambiguous: false }],
    ['spend', { seq: 2, token: 'm1', ambiguous: false }],
  ] as const)('that is tried again with pair "%s" takes the right pair', async (pair, expected) => {
    await store.inbox.admit(arrival('m1'));
    const id = await store.outbox.add(outgoing('alice'));
    await claim();
    await store.outbox.settle(id, retry(pair));
    const [row] = await claim();
    expect(row).toMatchObject({
      attempts: 2,
      ambiguous: expected.ambiguous,
      passive: { seq: expected.seq, token: { value: expected.token } },
      error: ERROR,
    });
  });

  test('after "close" takes the next window, and goes out actively when there is none', async () => {
    await store.inbox.admit(arrival('m1'));
    await store.inbox.admit({ ...arrival('m2'), right: { closesAt: Date.now() + 2 * HOUR, count: 4 } });
    const id = await store.outbox.add(outgoing('alice'));
    expect((await claim())[0]?.passive?.token.value).toBe('m2');
    await store.outbox.settle(id, retry('close'));
    expect((await claim())[0]?.passive?.token.value).toBe('m1');
    await store.outbox.settle(id, retry('close'));
    expect((await claim())[0]?.passive).toBeUndefined();
  });

  test('is settled once: a second outcome changes nothing', async () => {
    const id = await store.outbox.add(outgoing('alice'));
    await store.outbox.settle(id, { status: 'failed', error: ERROR });
    expect(status(id)).toBe('queued');
    await claim();
    await store.outbox.settle(id, DELIVERED);
    await store.outbox.settle(id, { status: 'failed', error: ERROR });
    expect(store.outbox.find(id)).toMatchObject({ status: 'delivered', platformMessageId: 'P1' });
    expect(store.outbox.find(id)).not.toHaveProperty('error');
    await store.outbox.settle(4711, DELIVERED);
  });

  test('says how it is said from then on, until somebody tries it anew', async () => {
    const id = await store.outbox.add(outgoing('alice'));
    await claim();
    await store.outbox.settle(id, { ...retry('release'), plainer: { markdown: true } } as AttemptOutcome);
    expect((await claim())[0]?.plainer).toEqual({ markdown: true, links: false });
    await store.outbox.settle(id, retry('release'));
    expect((await claim())[0]?.plainer).toEqual({ markdown: true, links: false });
    await store.outbox.settle(id, { ...retry('release'), plainer: { markdown: true, links: true } } as AttemptOutcome);
    await store.close();
    store = openStore(path, 'process');
    expect(store.outbox.find(id)?.plainer).toEqual({ markdown: true, links: true });
    await claim();
    await store.outbox.settle(id, { status: 'failed', error: ERROR });
    await store.queue.retry(`out-${id}`, false, () => true);
    expect((await claim())[0]).not.toHaveProperty('plainer');
  });

  test('waits for the pace, asked once for each that would begin: passive or active, and whom', async () => {
    await store.inbox.admit(arrival('m1'));
    const [a, b] = [await store.outbox.add(outgoing('alice')), await store.outbox.add(outgoing('bob'))];
    const asked: string[] = [];
    const pace = ({ peer }: Target, how: string) => {
      asked.push(`${peer} ${how}`);
      return peer === 'bob' ? 5000 : 0;
    };
    const now = Date.now();
    const { rows, unattempted, isMore } = await store.outbox.claim(ACCOUNT, now, 9, { pace });
    expect(rows.map((row) => row.id)).toEqual([a]);
    expect({ unattempted, isMore, asked }).toEqual({
      unattempted: [],
      isMore: false,
      asked: ['alice passive', 'bob active'],
    });
    expect(store.outbox.find(b)).toMatchObject({ status: 'queued', attempts: 0 });
    expect(store.outbox.nextDue(ACCOUNT)).toBe(now + 5000);
    expect((await claim(9, now + 5000)).map((row) => row.id)).toEqual([b]);
  });

  test('of one named row alone leaves the others where they are', async () => {
    await store.outbox.add(outgoing('alice'));
    const own = await store.outbox.add(outgoing('bob'));
    expect((await store.outbox.claim(ACCOUNT, Date.now(), 1, { only: own })).rows.map((row) => row.id)).toEqual([own]);
    expect((await store.outbox.claim(ACCOUNT, Date.now(), 1, { only: own })).rows).toEqual([]);
    expect((await store.outbox.claim(ACCOUNT, Date.now(), 1, { only: 4711 })).rows).toEqual([]);
  });
});

describe('a message that nobody wants any more', () => {
  test('fails, and lets the next one up', async () => {
    const now = Date.now();
    const id = await store.outbox.add(outgoing('alice', 'x', { expiresAt: now + 1000 }));
    const next = await store.outbox.add(outgoing('alice'));
    expect(store.outbox.nextDue(ACCOUNT)).toBeLessThanOrEqual(Date.now());
    const found = await store.outbox.claim(ACCOUNT, now + 1000, 32);
    expect(found.unattempted).toEqual([id]);
    expect(found.rows.map((row) => row.id)).toEqual([next]);
    expect(store.outbox.find(id)).toMatchObject({ status: 'failed', error: { code: 'delivery.expired' } });
  });

  test('is uncertain when an attempt may have arrived, and parked ones fail too', async () => {
    const now = Date.now();
    await store.inbox.admit(arrival('m1'));
    const ambiguous = await store.outbox.add(outgoing('alice', 'x', { expiresAt: now + 1000 }));
    const parked = await store.outbox.add(outgoing('bob', 'x', { expiresAt: now + 1000 }));
    await claim();
    await store.outbox.settle(ambiguous, retry('keep', now + HOUR));
    await store.outbox.settle(parked, PARKED);
    expect(store.outbox.nextDue(ACCOUNT)).toBe(now + 1000);
    expect((await store.outbox.claim(ACCOUNT, now + 1000, 32)).unattempted).toEqual([ambiguous, parked]);
    expect(status(ambiguous)).toBe('uncertain');
    expect(status(parked)).toBe('failed');
    expect(store.outbox.nextDue(ACCOUNT)).toBeUndefined();
  });

  test('is still settled by its attempt while it is being sent', async () => {
    const now = Date.now();
    const id = await store.outbox.add(outgoing('alice', 'x', { expiresAt: now + 1000 }));
    await claim();
    expect(store.outbox.nextDue(ACCOUNT)).toBeUndefined();
    expect((await store.outbox.claim(ACCOUNT, now + 5000, 32)).unattempted).toEqual([]);
    await store.outbox.settle(id, DELIVERED);
    expect(status(id)).toBe('delivered');
  });
});

describe('after the death of the process', () => {
  test('a passive message goes out with the same pair, an active one is uncertain, and both let their targets go on', async () => {
    await store.inbox.admit(arrival('m1', 'alice'));
    const passive = await store.outbox.add(outgoing('alice'));
    const active = await store.outbox.add(outgoing('bob'));
    const behind = await store.outbox.add(outgoing('bob'));
    const before = await claim();
    await store.close();

    store = openStore(path, 'process');
    expect(await store.outbox.recover(() => true)).toEqual({ again: 1, uncertain: 1 });
    expect(await store.outbox.recover(() => true)).toEqual({ again: 0, uncertain: 0 });
    expect(store.outbox.find(active)).toMatchObject({ status: 'uncertain', error: { code: 'delivery.cut_short' } });
    const rows = await claim();
    expect(rows.map((row) => row.id).sort()).toEqual([passive, behind]);
    const again = rows.find((row) => row.id === passive);
    expect(again).toMatchObject({ attempts: 2, ambiguous: true, passive: before[0]?.passive });
  });

  test('a reply in a guild is uncertain: there nobody knows a repeat', async () => {
    const guild = target('18700', 'channel');
    const conversation = { conversation: guild };
    const right = { closesAt: Date.now() + HOUR, count: 4 };
    await store.inbox.admit({ message: inbound('m1', 'alice', conversation), right });
    const id = await store.outbox.add(outgoing('', 'x', { target: guild }));
    const next = await store.outbox.add(outgoing('', 'y', { target: guild }));
    expect((await claim())[0]?.passive?.seq).toBe(1);
    expect(await store.outbox.recover(({ kind }) => kind !== 'channel')).toEqual({ again: 0, uncertain: 1 });
    expect(store.outbox.find(id)).toMatchObject({ status: 'uncertain', error: { code: 'delivery.cut_short' } });
    expect(await claimIds()).toEqual([next]);
  });

  test('a send of its own that died too does not go beside the one at the front', async () => {
    await store.inbox.admit(arrival('m1'));
    const waits = await store.outbox.add(outgoing('alice'));
    await claim();
    const dueAt = Date.now() + 5000;
    await store.outbox.settle(waits, retry('release', dueAt));
    const own = await store.outbox.add(outgoing('alice', 'x', { origin: 'cli' }));
    await store.outbox.claim(ACCOUNT, Date.now(), 1, { only: own });
    expect(await store.outbox.recover(() => true)).toEqual({ again: 1, uncertain: 0 });
    expect(await claimIds()).toEqual([]);
    expect((await claim(9, dueAt)).map((row) => row.id)).toEqual([waits]);
    await store.outbox.settle(waits, DELIVERED);
    expect(await claim()).toMatchObject([{ id: own, ambiguous: true, passive: { seq: 2 } }]);
  });

  test('an ambiguous message stays ambiguous however often loong dies', async () => {
    await store.inbox.admit(arrival('m1'));
    await store.outbox.add(outgoing('alice'));
    const [first] = await claim();
    for (let i = 0; i < 3; i++) {
      await store.outbox.recover(() => true);
      const [row] = await claim();
      expect(row).toMatchObject({ ambiguous: true, passive: first?.passive });
    }
  });
});

test('nextDue tells when there is something to do', async () => {
  expect(store.outbox.nextDue(ACCOUNT)).toBeUndefined();
  const id = await store.outbox.add(outgoing('alice'));
  await store.outbox.add(outgoing('alice'));
  expect(store.outbox.nextDue(ACCOUNT)).toBeLessThanOrEqual(Date.now());
  await claim();
  expect(store.outbox.nextDue(ACCOUNT)).toBeGreaterThan(Date.now() + HOUR / 2); // the expiry of the one behind
  const dueAt = Date.now() + 5000;
  await store.outbox.settle(id, retry('release', dueAt));
  expect(store.outbox.nextDue(ACCOUNT)).toBe(dueAt);
});
