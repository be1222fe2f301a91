/** The rights to reply: counted, limited in time, and never the same pair twice. */
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { openStore } from '../../../src/store/sqlite/sqlite-store.js';
import type { AttemptOutcome, Outgoing, Store } from '../../../src/store/store.js';
import { ACCOUNT, arrival, HOUR, inbound, outgoing } from '../../support/messages.js';
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

test('a window serves as many replies as it has places, numbered from 1, and then no more', async () => {
  await store.inbox.admit(arrival('m1', 'alice', 3));
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
  const first = await store.inbox.admit(arrival('m1'));
  await store.inbox.admit({ ...arrival('m2'), right: { closesAt: Date.now() + HOUR + 1, count: 1 } });
  await store.inbox.answer('id' in first ? first.id : 0, [outgoing('alice')]);
  const [answer] = (await store.outbox.claim(ACCOUNT, Date.now(), 1)).rows;
  expect(answer?.passive?.token.value).toBe('m1');
  await store.outbox.settle(answer?.id ?? 0, { status: 'delivered' });
  expect((await send()).passive?.token.value).toBe('m2');
  expect((await send()).passive?.token).toMatchObject({ value: 'm1' });
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
  await store.inbox.admit(arrival('m1', 'alice', 1));
  await store.inbox.admit(arrival('m1', 'alice', 1));
  expect((await send()).passive).toMatchObject({ seq: 1 });
  expect((await send()).passive).toBeUndefined();
});

test('a token that comes again with another message keeps its numbers and places', async () => {
  const again = (id: string) => ({
    message: inbound(id, 'alice', { replyToken: { kind: 'event_id', value: 'E1' } }),
    right: { closesAt: Date.now() + HOUR, count: 2 },
  });
  await store.inbox.admit(again('m1'));
  expect((await send()).passive).toMatchObject({ token: { kind: 'event_id', value: 'E1' }, seq: 1 });
  await store.inbox.admit(again('m2'));
  expect((await send()).passive).toMatchObject({ seq: 2 });
  expect((await send()).passive).toBeUndefined();
});

test('a released place can be used again, its number cannot', async () => {
  await store.inbox.admit(arrival('m1', 'alice', 2));
  const released: AttemptOutcome = { status: 'queued', dueAt: Date.now(), error: ERROR, pair: 'release' };
  const id = await store.outbox.add(outgoing('alice'));
  const seqs = [];
  for (let i = 0; i < 4; i++) {
    seqs.push((await store.outbox.claim(ACCOUNT, Date.now(), 1, id)).rows[0]?.passive?.seq);
    await store.outbox.settle(id, released);
  }
  expect(seqs).toEqual([1, 2, 3, 4]);
});

describe('under any interleaving', () => {
  const peer = fc.constantFrom('alice', 'bob');
  const step = fc.oneof(
    {
      weight: 3,
      arbitrary: fc.record({ do: fc.constant('hear' as const), peer, places: fc.integer({ min: 1, max: 4 }) }),
    },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('say' as const), peer }) },
    {
      weight: 3,
      arbitrary: fc.record({ do: fc.constant('answer' as const), nth: fc.nat(20), begins: fc.boolean() }),
    },
    { weight: 5, arbitrary: fc.record({ do: fc.constant('claim' as const), limit: fc.integer({ min: 1, max: 4 }) }) },
    {
      weight: 6,
      arbitrary: fc.record({
        do: fc.constant('settle' as const),
        goesOn: fc.boolean(),
        nth: fc.nat(10),
        how: fc.constantFrom('delivered', 'failed', 'uncertain', 'parked', 'keep', 'release', 'spend', 'close'),
      }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('die' as const) }) },
  );

  test('no pair is given to two messages or two attempts, places are kept, and each target has one message under way', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60 }), async (steps) => {
        const own = openStore(join(tempDir(), 'loong.db'), 'process');
        const pairs = new Map<string, number>(); // pair → the row that holds it
        const deliveredWith = new Map<string, number>(); // token → replies that took a place for good
        const places = new Map<string, number>();
        let sending: Outgoing[] = [];
        let heard = 0;
        const inboxIds: [number, string][] = [];
        const took = (row: Outgoing | undefined) => {
          if (row === undefined) return;
          expect(sending.some((other) => other.target.peer === row.target.peer)).toBe(false);
          sending.push(row);
          if (row.passive === undefined) return;
          const pair = `${row.passive.token.value} ${row.passive.seq}`;
          const holder = pairs.get(pair);
          expect(holder === undefined || (holder === row.id && row.ambiguous)).toBe(true);
          pairs.set(pair, row.id);
        };
        try {
          for (const s of steps) {
            if (s.do === 'hear') {
              const id = `m${++heard}`;
              places.set(id, s.places);
              const admitted = await own.inbox.admit(arrival(id, s.peer, s.places));
              if ('id' in admitted) inboxIds.push([admitted.id, s.peer]);
            } else if (s.do === 'say') {
              await own.outbox.add(outgoing(s.peer));
            } else if (s.do === 'answer') {
              const chosen = inboxIds[s.nth % Math.max(1, inboxIds.length)];
              if (chosen === undefined) continue;
              const { claimed } = await own.inbox.answer(chosen[0], [outgoing(chosen[1])], s.begins);
              expect(claimed === undefined || s.begins).toBe(true);
              took(claimed);
            } else if (s.do === 'claim') {
              const { rows } = await own.outbox.claim(ACCOUNT, Date.now() + 1000, s.limit);
              for (const row of rows) took(row);
            } else if (s.do === 'settle' && sending.length > 0) {
              const [row] = sending.splice(s.nth % sending.length, 1);
              if (row === undefined) continue;
              const { how } = s;
              const passive = row.passive !== undefined;
              if (how === 'delivered') {
                took((await own.outbox.settle(row.id, { status: how }, s.goesOn)).next);
                const token = row.passive?.token.value;
                if (token !== undefined) deliveredWith.set(token, (deliveredWith.get(token) ?? 0) + 1);
              } else if (how === 'failed' || how === 'uncertain' || how === 'parked') {
                took((await own.outbox.settle(row.id, { status: how, error: ERROR }, s.goesOn)).next);
              } else {
                const pair = how === 'keep' && !passive ? 'release' : how;
                await own.outbox.settle(row.id, { status: 'queued', dueAt: Date.now(), error: ERROR, pair });
              }
            } else if (s.do === 'die') {
              await own.outbox.recover();
              sending = [];
            }
          }
          for (const [token, used] of deliveredWith) expect(used).toBeLessThanOrEqual(places.get(token) ?? 0);
          // Whatever happened, everything that is open can still be brought to an end.
          await own.outbox.recover();
          for (
            let round = 0;
            own.outbox.pending(outgoing('alice').target) + own.outbox.pending(outgoing('bob').target) > 0;
            round++
          ) {
            expect(round).toBeLessThan(200);
            const { rows } = await own.outbox.claim(ACCOUNT, Date.now() + 1000, 32);
            expect(rows.length).toBeGreaterThan(0);
            for (const row of rows) await own.outbox.settle(row.id, { status: 'delivered' });
          }
        } finally {
          await own.close();
        }
      }),
      { numRuns: 60 },
    );
  });
});
