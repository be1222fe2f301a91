/** From the outbox to the platform: order per target, nobody waits for another, every outcome written down. */

import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import fc from 'fast-check';
import { pino } from 'pino';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { pause } from '../../src/model/backoff.js';
import { DeliveryError, type DeliveryFailure } from '../../src/model/errors.js';
import { plainText, type Segment } from '../../src/model/message.js';
import type { Target } from '../../src/model/target.js';
import { Delivery } from '../../src/relay/delivery.js';
import { openStore } from '../../src/store/sqlite/sqlite-store.js';
import type { NewOutgoing, OutboxId, Store } from '../../src/store/store.js';
import { Counters } from '../../src/telemetry/counters.js';
import { Secrets } from '../../src/telemetry/log.js';
import { ACCOUNT, arrival, HOUR, inbound, outgoing, target } from '../support/messages.js';
import { policyWith } from '../support/policies.js';
import { type Script, ScriptedLane } from '../support/scripted-lane.js';
import { tempDir } from '../support/temp-dir.js';
import { waitUntil } from '../support/wait-until.js';

let store: Store;
let path: string;

beforeEach(() => {
  path = join(tempDir(), 'loong.db');
  const opened = openStore(path, 'process');
  store = opened;
  onTestFinished(() => opened.close());
});

function deliver(script: Script, policy = policyWith(['*']), lane = new ScriptedLane(script)) {
  const settled: OutboxId[] = [];
  const counters = new Counters();
  const delivery = new Delivery({
    lane,
    outbox: store.outbox,
    policy,
    answered: (id) => store.inbox.message(id),
    counters,
    log: pino({ level: 'silent' }),
    secrets: new Secrets(),
    onSettled: (id) => settled.push(id),
  });
  onTestFinished(() => delivery.close(0));
  return { lane, delivery, settled, counters };
}

const status = (id: OutboxId) => store.outbox.find(id)?.status;
const failure = (kind: DeliveryFailure, certainty: 'not-delivered' | 'unknown' = 'not-delivered', more: object = {}) =>
  new DeliveryError(`platform.${kind}`, 'told', { failure: kind, certainty, ...more });
const never = () => new Promise<never>(() => {});
const textOf = (delivery: { segments: readonly Segment[] }) => plainText(delivery.segments);

test('a message is sent once and written down with the platform’s id', async () => {
  const { delivery, lane, settled, counters } = deliver(async () => ({ platformMessageId: 'P1' }));
  const id = await store.outbox.add(outgoing('alice'));
  delivery.wake();
  await waitUntil('delivery', () => status(id) === 'delivered');
  expect(store.outbox.find(id)).toMatchObject({ platformMessageId: 'P1', attempts: 1 });
  await waitUntil('the word', () => settled.includes(id));
  expect(lane.attempts).toHaveLength(1);
  expect(counters.snapshot()).toEqual({ 'outbound.delivered': 1 });
});

test('a hanging target delays no other, and its own next message waits', async () => {
  const { delivery, lane } = deliver((d) => (d.target.peer === 'hanging' ? never() : Promise.resolve({})));
  await store.outbox.add(outgoing('hanging', 'h1'));
  await store.outbox.add(outgoing('hanging', 'h2'));
  delivery.wake();
  await waitUntil('the hanging attempt', () => lane.attempts.length === 1);
  for (let i = 0; i < 50; i++) {
    const id = await store.outbox.add(outgoing(`peer${i % 5}`));
    delivery.wake();
    await waitUntil('delivery beside it', () => status(id) === 'delivered');
  }
  expect(lane.texts().filter((text) => text !== 'hello')).toEqual(['h1']);
});

test('more targets than may be under way at once are all served', async () => {
  let under = 0;
  let most = 0;
  const { delivery } = deliver(async () => {
    most = Math.max(most, ++under);
    await pause(1);
    under--;
    return {};
  });
  const ids = await Promise.all(Array.from({ length: 600 }, (_, i) => store.outbox.add(outgoing(`peer${i}`))));
  delivery.wake();
  await waitUntil('all', () => ids.every((id) => status(id) === 'delivered'));
  expect(most).toBe(256);
});

test('a message that failed for now is tried again when it is due, without anybody asking', async () => {
  const { delivery, lane } = deliver(async (_d, _s, attempt) => {
    if (attempt === 1) throw failure('unavailable');
    return {};
  });
  const id = await store.outbox.add(outgoing('alice'));
  delivery.wake();
  await waitUntil('the first failure', () => status(id) === 'queued' && store.outbox.find(id)?.attempts === 1);
  await waitUntil('delivery', () => status(id) === 'delivered');
  expect(lane.attempts).toHaveLength(2);
});

test('an expired message is settled by itself, counted, and whoever waits for it is told', async () => {
  const { delivery, settled, counters } = deliver(async () => {
    throw failure('active');
  });
  const id = await store.outbox.add(outgoing('alice', 'x', { expiresAt: Date.now() + 100 }));
  delivery.wake();
  await waitUntil('parked', () => status(id) === 'parked');
  await waitUntil('expired', () => status(id) === 'failed');
  await waitUntil('the word', () => settled.filter((told) => told === id).length === 2);
  expect(counters.snapshot()).toEqual({ 'outbound.failed': 1, 'outbound.parked': 1 });
});

test('what is parked without an attempt is counted, and whoever waits for it is told', async () => {
  const { delivery, lane, settled, counters } = deliver(async () => {
    throw failure('active');
  });
  const [first, second] = [await store.outbox.add(outgoing('alice')), await store.outbox.add(outgoing('alice'))];
  delivery.wake();
  await waitUntil('both parked', () => settled.includes(first) && settled.includes(second));
  expect([status(first), status(second)]).toEqual(['parked', 'parked']);
  expect(lane.attempts).toHaveLength(1);
  expect(counters.snapshot()).toEqual({ 'outbound.parked': 2 });
});

test('whoever waits for a message that went out with another one is told its end', async () => {
  const { delivery, lane, settled } = deliver(async () => ({}));
  const about = target('alice');
  await store.events.append(ACCOUNT, { name: 'N', data: {}, about, takesActive: false }, Date.now());
  const ids = [await store.outbox.add(outgoing('alice', 'one')), await store.outbox.add(outgoing('alice', 'two'))];
  delivery.wake();
  await waitUntil('both parked', () => ids.every((id) => status(id) === 'parked'));
  settled.length = 0;
  await store.inbox.admit(arrival('m1'));
  delivery.wake();
  await waitUntil('both told', () => ids.every((id) => settled.includes(id)));
  expect(ids.map(status)).toEqual(['delivered', 'delivered']);
  expect(lane.texts()).toEqual(['（迟到的 2 条消息，最早写于刚才）\none\ntwo']);
});

test('a message under review is told and counted as such, and the next one to its target is sent', async () => {
  const { delivery, settled, counters } = deliver(async (d) => (textOf(d) === 'held' ? { auditId: 'A1' } : {}));
  const [held, next] = [await store.outbox.add(outgoing('alice', 'held')), await store.outbox.add(outgoing('alice'))];
  delivery.wake();
  await waitUntil('the next one', () => settled.includes(next));
  expect(store.outbox.find(held)).toMatchObject({ status: 'sending', error: { code: 'delivery.under_review' } });
  expect(status(next)).toBe('delivered');
  expect(counters.snapshot()).toEqual({ 'outbound.delivered': 1, 'outbound.sending': 1 });
  await delivery.close(0);
  expect(await store.outbox.recover(() => true)).toEqual({ again: 0, uncertain: 0 });
});

test('a place that is kept for a reply and not needed slows nobody down; the others are sent no faster than the platform takes them', async () => {
  const lane = new ScriptedLane(async () => ({}));
  lane.limits = () => ({ active: [], activePerTarget: [], perTarget: [{ count: 5, perMs: HOUR }], afterComplaint: [] });
  const { delivery } = deliver(async () => ({}), policyWith(['*', 'channel:*']), lane);
  const to = { target: target('18700', 'channel') };
  for (let i = 0; i < 5; i++) {
    const id = await store.outbox.add(outgoing('', 'x', to));
    delivery.wake();
    await waitUntil('delivery', () => status(id) === 'delivered');
    await waitUntil('its place', () => delivery.reserve(target('other')));
    delivery.forgo(target('other'));
  }
  const sixth = await store.outbox.add(outgoing('', 'x', to));
  const other = await store.outbox.add(outgoing('alice'));
  delivery.wake();
  await waitUntil('another target', () => status(other) === 'delivered');
  expect(status(sixth)).toBe('queued');
  expect(store.outbox.nextDue(ACCOUNT)).toBeGreaterThan(Date.now() + 600_000);
});

test('after a complaint of the platform nothing is sent until its time is over', async () => {
  const { delivery, lane } = deliver(async (_d, _s, attempt) => {
    if (attempt === 1) throw failure('rate', 'not-delivered', { retryAfterMs: 700 });
    return {};
  });
  await store.outbox.add(outgoing('alice'));
  delivery.wake();
  await waitUntil('the complaint', () => store.outbox.pending(target('alice')) === 1 && lane.attempts.length === 1);
  await waitUntil('what came of it', () => store.outbox.find(1)?.status === 'queued');
  const begun = performance.now();
  const other = await store.outbox.add(outgoing('bob'));
  delivery.wake();
  await waitUntil('the other one', () => status(other) === 'delivered');
  expect(performance.now() - begun).toBeGreaterThan(400);
});

describe('who may be written to is asked again when a message goes out', () => {
  async function answered(to: Target, more: Partial<NewOutgoing> = {}): Promise<OutboxId> {
    const { message, ...rest } = arrival(`to ${to.kind} ${to.peer}`, to.peer);
    const admitted = await store.inbox.admit({ ...rest, message: { ...message, conversation: to } });
    const id = 'id' in admitted ? admitted.id : 0;
    const { ids } = await store.inbox.answer(id, [{ ...outgoing(to.peer, `answer to ${to.peer}`, more), target: to }]);
    return ids[0] ?? 0;
  }

  /** What goes out of: a message to alice and an answer to her, answers in a group, a channel and a guild, and a code for carol. */
  async function goesOut(entries: readonly string[], more: Parameters<typeof policyWith>[1] = {}) {
    const { delivery, lane } = deliver(async () => ({}), policyWith(entries, more));
    const ids = [
      await store.outbox.add(outgoing('alice', 'to alice')),
      await answered(target('alice')),
      await answered(target('G', 'group')),
      await answered(target('H', 'channel')),
      await answered(target('S', 'dm')),
      await answered(target('carol'), { origin: 'pairing' }),
    ];
    delivery.wake();
    await waitUntil('all settled', () => ids.every((id) => !['queued', 'sending'].includes(String(status(id)))));
    const codes = ids.flatMap((id) => (status(id) === 'failed' ? [store.outbox.find(id)?.error?.code] : []));
    expect(codes).toEqual(codes.map(() => 'access.revoked'));
    return [...lane.texts()].map((text) => text.replace('answer to ', '')).sort();
  }
  const off = (id: string) => ({ groups: new Map([[id, { enabled: false }]]) });

  test.each([
    [['alice', 'group:G', 'c2c:S'], {}, ['S', 'G', 'alice', 'to alice']],
    [[], { dmPolicy: 'pairing', groupPolicy: 'open' }, ['G', 'H', 'carol']],
    [['alice', 'dm:*'], { groupAllowFrom: ['bob', 'G'] }, ['G', 'S', 'alice', 'to alice']],
    // The set says who may be written to; who is not heard any more is not answered.
    [['alice', 'G'], { dmPolicy: 'disabled' }, ['G', 'to alice']],
    [['alice', 'G'], { groupPolicy: 'disabled' }, ['alice', 'to alice']],
    [['alice', 'G'], { groupPolicy: 'open', ...off('G') }, ['H', 'alice', 'to alice']],
    [['*'], { dmPolicy: 'pairing' }, ['alice', 'to alice']],
    [['*'], { dmPolicy: 'open' }, ['S', 'alice', 'to alice']],
  ] as const)('with %j and %j', async (entries, more, texts) => {
    expect(await goesOut(entries, more)).toEqual([...texts].sort());
  });

  test('and of all that goes out as one, so that no answer takes along what may not go', async () => {
    const group = target('G', 'group');
    const policy = policyWith([], { groupPolicy: 'open', dmPolicy: 'pairing' });
    const { delivery, lane } = deliver(async () => ({}), policy);
    const refuse = (about: Target) =>
      store.events.append(ACCOUNT, { name: 'N', data: {}, about, takesActive: false }, Date.now());
    const ids: OutboxId[] = [];
    for (const [about, origin] of [
      [group, 'backend'],
      [target('carol'), 'pairing'],
    ] as const) {
      const came = inbound(`first of ${about.peer}`, 'bob', { conversation: about });
      const admitted = await store.inbox.admit({ message: came }); // no right to reply: its answer is parked
      await refuse(about);
      const { ids: answers } = await store.inbox.answer('id' in admitted ? admitted.id : 0, [
        { ...outgoing('', 'answer', { origin }), target: about },
      ]);
      ids.push(...answers, await store.outbox.add({ ...outgoing('', 'unasked'), target: about }));
    }
    delivery.wake();
    await waitUntil('all parked', () => ids.every((id) => status(id) === 'parked'));
    for (const about of [group, target('carol')]) {
      const right = { closesAt: Date.now() + HOUR, count: 4 };
      await store.inbox.admit({ message: inbound(`later in ${about.peer}`, 'bob', { conversation: about }), right });
    }
    delivery.wake();
    await waitUntil('all settled', () => ids.every((id) => status(id) === 'failed'));
    expect(lane.attempts).toEqual([]);
  });
});

test.each([
  ['throws a plain Error', () => Promise.reject(new Error('a bug'))],
  [
    'throws before it returns a promise',
    () => {
      throw new TypeError('a bug');
    },
  ],
])('a lane that %s leaves the message uncertain and the next one is sent', async (_what, broken) => {
  const { delivery } = deliver((d) => (textOf(d) === 'bad' ? broken() : Promise.resolve({})));
  const bad = await store.outbox.add(outgoing('alice', 'bad'));
  const good = await store.outbox.add(outgoing('alice', 'good'));
  delivery.wake();
  await waitUntil('both settled', () => status(bad) === 'uncertain' && status(good) === 'delivered');
  expect(store.outbox.find(bad)?.error).toMatchObject({ code: 'internal', message: 'a bug' });
});

describe('a message in parts', () => {
  const text = (content: string) => [{ type: 'text', text: content }] as const;
  const parts = { furtherParts: [text('2'), text('3')] };

  test('is sent in order, and whoever waits is told its number for each part', async () => {
    const { delivery, lane, settled, counters } = deliver(async () => ({}));
    const id = await store.outbox.add(outgoing('alice', '1', parts));
    delivery.wake();
    await waitUntil('all parts', () => settled.length === 3);
    expect(lane.texts()).toEqual(['1', '2', '3']);
    expect(settled).toEqual([id, id, id]);
    expect(counters.snapshot()).toEqual({ 'outbound.delivered': 3 });
  });

  test('that fails in the middle ends there, every part counted, and the next message is sent', async () => {
    const { delivery, lane, counters } = deliver(async (d) => {
      if (textOf(d) === '2') throw failure('refused');
      return {};
    });
    const id = await store.outbox.add(outgoing('alice', '1', parts));
    const next = await store.outbox.add(outgoing('alice', 'next'));
    delivery.wake();
    await waitUntil('the next message', () => status(next) === 'delivered');
    expect(lane.texts()).toEqual(['1', '2', 'next']);
    expect(store.outbox.message(id).map((part) => part.error?.code)).toEqual([
      undefined,
      'platform.refused',
      'delivery.part_failed',
    ]);
    expect(counters.snapshot()).toEqual({ 'outbound.delivered': 2, 'outbound.failed': 2 });
  });

  test('waits with all its later parts while one is tried again', async () => {
    const { delivery, lane } = deliver(async (_d, _s, attempt) => {
      if (attempt === 2) throw failure('unavailable');
      return {};
    });
    await store.outbox.add(outgoing('alice', '1', parts));
    delivery.wake();
    await waitUntil('all parts', () => lane.attempts.length === 4);
    expect(lane.texts()).toEqual(['1', '2', '2', '3']);
  });
});

test('a look that comes with an answer sees it in the same commit: nobody wakes delivery again', async () => {
  const { delivery, lane } = deliver(async () => ({}));
  const stored = store.outbox.add(outgoing('alice'));
  delivery.wake();
  await stored;
  await waitUntil('the attempt', () => lane.attempts.length === 1);
});

test('an outcome that cannot be written for a while is written later, and the target goes on', async () => {
  await store.close();
  store = openStore(path, 'process', 50);
  const other = new Sqlite(path, { timeout: 0 });
  const { delivery, lane } = deliver(async (_d, _s, attempt) => {
    if (attempt === 1) other.exec('BEGIN IMMEDIATE');
    return {};
  });
  const first = await store.outbox.add(outgoing('alice', 'first'));
  const second = await store.outbox.add(outgoing('alice', 'second'));
  delivery.wake();
  await waitUntil('the first attempt', () => lane.attempts.length === 1);
  await expect(store.outbox.add(outgoing('alice'))).rejects.toMatchObject({ code: 'store.busy' });
  expect(status(first)).toBe('sending');
  other.exec('COMMIT');
  other.close();
  await waitUntil('both delivered', () => status(first) === 'delivered' && status(second) === 'delivered');
  expect(lane.texts()).toEqual(['first', 'second']);
  await delivery.close(0);
  await store.close();
  store = openStore(path, 'process');
});

describe('close', () => {
  test('lets running attempts end, and begins nothing more', async () => {
    let finish = () => {};
    const { delivery, lane } = deliver(() => new Promise((resolve) => (finish = () => resolve({}))));
    const [first, second] = [await store.outbox.add(outgoing('alice')), await store.outbox.add(outgoing('alice'))];
    delivery.wake();
    await waitUntil('the attempt', () => lane.attempts.length === 1);
    const closing = delivery.close(10_000);
    finish();
    await closing;
    expect(status(first)).toBe('delivered');
    expect(status(second)).toBe('queued');
    delivery.wake();
    expect(lane.attempts).toHaveLength(1);
  });

  test('breaks off what does not end in time, and writes down what that means', async () => {
    const { delivery, lane } = deliver(
      (_d, signal) =>
        new Promise((_, reject) => signal.addEventListener('abort', () => reject(failure('unavailable', 'unknown')))),
    );
    await store.inbox.admit(arrival('m1', 'alice'));
    const [passive, active] = [await store.outbox.add(outgoing('alice')), await store.outbox.add(outgoing('bob'))];
    delivery.wake();
    await waitUntil('both attempts', () => lane.attempts.length === 2);
    await delivery.close(0);
    expect(store.outbox.find(passive)).toMatchObject({ status: 'queued', ambiguous: true });
    expect(status(active)).toBe('uncertain');
  });

  test('leaves a lane behind that does not heed its signal', async () => {
    const { delivery, lane } = deliver(never);
    const id = await store.outbox.add(outgoing('alice'));
    delivery.wake();
    await waitUntil('the attempt', () => lane.attempts.length === 1);
    const begun = performance.now();
    await delivery.close(100);
    expect(performance.now() - begun).toBeLessThan(2000);
    expect(status(id)).toBe('sending'); // as after a crash: the next start says what that means
  });

  test('waits for a claim that is just being committed: nothing is sent after it', async () => {
    const { delivery, lane } = deliver(async () => ({}));
    const id = await store.outbox.add(outgoing('alice'));
    delivery.wake(); // the claim is under way now
    await delivery.close(10_000);
    const sent = lane.attempts.length;
    expect(status(id)).toBe('delivered');
    await store.outbox.add(outgoing('alice')); // two commits later
    await store.outbox.add(outgoing('alice'));
    expect(lane.attempts).toHaveLength(sent);
  });
});

test('under random latencies and failures every target gets its messages in order, and none twice', async () => {
  const kinds = ['ok', 'ok', 'ok', 'slow', 'refused', 'lost', 'window', 'duplicate', 'bug'] as const;
  const plan = fc.array(fc.record({ peer: fc.nat(4), kind: fc.constantFrom(...kinds) }), {
    minLength: 1,
    maxLength: 40,
  });
  await fc.assert(
    fc.asyncProperty(plan, async (messages) => {
      const own = openStore(join(tempDir(), 'loong.db'), 'process');
      const taken: { peer: string; nth: number }[] = [];
      const pairs = new Set<string>();
      const under = new Set<string>();
      const lane = new ScriptedLane(async (delivery) => {
        const { peer } = delivery.target;
        const nth = Number(textOf(delivery));
        expect(under.has(peer)).toBe(false);
        under.add(peer);
        const kind = messages[nth]?.kind;
        await pause(kind === 'slow' ? 3 : 0);
        under.delete(peer);
        const pair = delivery.passive && `${delivery.passive.token.value} ${delivery.passive.seq}`;
        if (kind === 'refused') throw failure('refused');
        if (kind === 'window' && pair !== undefined && taken.length % 2 === 0) throw failure('window');
        if (kind === 'duplicate' && pair !== undefined && delivery.passive?.seq === 1) throw failure('duplicate');
        if (pair !== undefined && pairs.has(pair)) throw failure('duplicate');
        if (pair !== undefined) pairs.add(pair);
        taken.push({ peer, nth });
        if (kind === 'lost' && pair === undefined) throw failure('unavailable', 'unknown');
        if (kind === 'bug') throw new Error('a bug');
        return {};
      });
      const delivery = new Delivery({
        lane,
        outbox: own.outbox,
        policy: policyWith(['*']),
        answered: (id) => store.inbox.message(id),
        counters: new Counters(),
        log: pino({ level: 'silent' }),
        secrets: new Secrets(),
        onSettled: () => undefined,
      });
      try {
        for (let peer = 0; peer < 3; peer++) await own.inbox.admit(arrival(`m${peer}`, `peer${peer}`, 3));
        for (const [nth, { peer }] of messages.entries()) {
          await own.outbox.add({ ...outgoing(`peer${peer}`, String(nth)), expiresAt: Date.now() + HOUR });
          delivery.wake();
        }
        const open = () => [0, 1, 2, 3, 4].reduce((sum, n) => sum + own.outbox.pending(target(`peer${n}`)), 0);
        await waitUntil('everything settled', () => open() === 0);
        for (let n = 0; n < 5; n++) {
          const order = taken.filter((entry) => entry.peer === `peer${n}`).map((entry) => entry.nth);
          expect(order).toEqual([...new Set(order)].sort((a, b) => a - b));
        }
      } finally {
        await delivery.close(0);
        await own.close();
      }
    }),
    { numRuns: 40 },
  );
});
