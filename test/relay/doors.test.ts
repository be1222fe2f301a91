/** The two doors, and what stands beside them: everything that enters is journalled, nothing leaves that may not, everybody learns the end. */
import { join } from 'node:path';
import { pino } from 'pino';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import type { AccountPolicy } from '../../src/access/admission.js';
import type { AnswerPiece } from '../../src/backends/backend.js';
import { echo } from '../../src/backends/echo.js';
import { DeliveryError } from '../../src/model/errors.js';
import { type InboundMessage, plainText } from '../../src/model/message.js';
import type { PeerId } from '../../src/model/target.js';
import { Answering } from '../../src/relay/answering.js';
import { BackendPlaces } from '../../src/relay/backend-places.js';
import { Delivery } from '../../src/relay/delivery.js';
import { Inbound } from '../../src/relay/inbound.js';
import { deliverNow } from '../../src/relay/one-shot.js';
import { Outbound } from '../../src/relay/outbound.js';
import { Settlements } from '../../src/relay/settlements.js';
import { openStore } from '../../src/store/sqlite/sqlite-store.js';
import type { Store } from '../../src/store/store.js';
import { Counters } from '../../src/telemetry/counters.js';
import { Secrets } from '../../src/telemetry/log.js';
import { ACCOUNT, arrival, HOUR, inbound, NO_CONTEXT, outgoing, target } from '../support/messages.js';
import { offerFor, policyWith } from '../support/policies.js';
import { type Script, ScriptedLane } from '../support/scripted-lane.js';
import { tempDir } from '../support/temp-dir.js';
import { waitUntil } from '../support/wait-until.js';

let store: Store;

beforeEach(() => {
  const opened = openStore(join(tempDir(), 'loong.db'), 'process');
  store = opened;
  onTestFinished(() => opened.close());
});

const text = (content: string) => [{ type: 'text', text: content }] as const;

function doors(
  entries: readonly string[],
  {
    starts = true,
    places,
    policy = policyWith(entries),
  }: { starts?: boolean; places?: number; policy?: AccountPolicy } = {},
) {
  const lines: Record<string, unknown>[] = [];
  const log = pino({ level: 'info', base: null }, { write: (line: string) => lines.push(JSON.parse(line) as never) });
  const counters = new Counters();
  const { allowed } = policy;
  const { inbox, outbox, events } = store;
  const lane = new ScriptedLane(async () => ({}));
  const delivery = new Delivery({
    lane,
    outbox,
    policy,
    answered: (id) => inbox.message(id),
    counters,
    log,
    secrets: new Secrets(),
    onSettled: () => undefined,
  });
  onTestFinished(() => delivery.close(0));
  const outbound = new Outbound({
    allowed,
    inbox,
    outbox,
    parkTtlMs: HOUR,
    cutting: { limit: 2000, mode: 'length' },
    places: () => places,
    delivery,
  });
  const backend = new BackendPlaces({ backend: echo, concurrency: 4, timeoutMs: 60_000 });
  const conversations = new Answering({
    account: ACCOUNT,
    backends: [backend],
    placesFor: () => backend,
    keepsHistory: true,
    remembers: () => false,
    contextOf: () => NO_CONTEXT,
    apology: '',
    inbox,
    outbound,
    counters,
    log,
    secrets: new Secrets(),
  });
  if (starts) conversations.start();
  onTestFinished(() => conversations.close(0));
  const onState = () => undefined;
  const door = new Inbound({
    lane,
    policy,
    inbox,
    events,
    conversations,
    offerFor,
    counters,
    log,
    wakeDelivery: () => delivery.wake(),
    onReviewed: () => undefined,
    onState,
    onInbound: onState,
    onAck: onState,
    onToldLate: onState,
    past: { sent: () => [], received: () => [] },
  });
  return { door, outbound, counters, lines, lane, conversations };
}

const group = (id: string, mentionsBot: boolean): InboundMessage =>
  inbound(id, 'alice', { conversation: target('G', 'group'), mentionsBot });

describe('inbound', () => {
  test('an admitted message is journalled when the call resolves, and answered', async () => {
    const { door, counters, lane } = doors(['alice']);
    await door.message(inbound('m1', 'alice'));
    expect(store.inbox.find(target('alice'), 'm1')).toBe(1);
    await waitUntil('the answer', () => store.outbox.find(1)?.status === 'delivered');
    expect(lane.texts()).toEqual(['text of m1']);
    expect(counters.snapshot()).toEqual({ 'inbound.messages': 1, 'outbound.delivered': 1, 'turns.answered': 1 });
  });

  test('every refusal is counted by its reason, and logged once a minute per reason', async () => {
    const { door, counters, lines } = doors(['group:G']);
    for (let i = 0; i < 5; i++) {
      await door.message(inbound(`c${i}`, 'stranger'));
      await door.message(group(`g${i}`, false));
      await door.message(inbound(`b${i}`, 'bot', { sender: { id: 'bot' as PeerId, isBot: true } }));
      await door.message(inbound(`o${i}`, 'alice', { conversation: target('OTHER', 'group') }));
    }
    expect(counters.snapshot()).toEqual({
      'inbound.messages': 20,
      'inbound.refused.from_bot': 5,
      'inbound.refused.group_not_allowed': 5,
      'inbound.refused.not_mentioned': 5,
      'inbound.refused.sender_not_allowed': 5,
    });
    expect(lines.map((line) => line.reason).sort()).toEqual([
      'from_bot',
      'group_not_allowed',
      'not_mentioned',
      'sender_not_allowed',
    ]);
    expect(store.inbox.waiting(ACCOUNT, 0, 99)).toEqual([]);
  });

  test('the same group message without and with its mention is one message and one answer, in either order', async () => {
    const { door, counters, lane } = doors(['group:G']);
    for (const [id, first] of [
      ['m1', false],
      ['m2', true],
    ] as const) {
      await Promise.all([door.message(group(id, first)), door.message(group(id, !first))]);
    }
    await waitUntil('two answers', () => counters.snapshot()['outbound.delivered'] === 2);
    expect(lane.texts()).toEqual(['text of m1', 'text of m2']);
    expect(counters.snapshot()['inbound.duplicates']).toBe(1);
  });

  test('however many unknown people write, few are told a code, few lines are logged, and nobody is answered', async () => {
    const { door, counters, lines, lane } = doors([], { policy: policyWith([], { dmPolicy: 'pairing' }) });
    const people = Array.from({ length: 400 }, (_, i) => `stranger${i}`);
    for (const round of [1, 2, 3])
      await Promise.all(people.map((peer) => door.message(inbound(`${round} of ${peer}`, peer))));
    await waitUntil('the codes', () => counters.snapshot()['outbound.delivered'] === 3);
    expect(lane.texts()).toEqual(store.pairings.pending().map(({ code }) => `code ${code}`));
    expect(counters.snapshot()).toEqual({
      'inbound.messages': 1200,
      'inbound.refused.pairing_offered': 3,
      'inbound.refused.pairing_pending': 6,
      'inbound.refused.pairing_full': 1191,
      'outbound.delivered': 3,
    });
    expect(lines).toHaveLength(5); // three who asked, one line for those who asked again, one for all the others
    expect([store.inbox.waiting(ACCOUNT, 0, 99), store.outbox.find(4)]).toEqual([[], undefined]);
  });

  test('what a bot says opens no reply window', async () => {
    const { door } = doors(['alice']);
    await door.message(inbound('m1', 'alice', { sender: { id: 'alice' as PeerId, isBot: true } }));
    await store.outbox.add(outgoing('alice'));
    expect((await store.outbox.claim(ACCOUNT, Date.now(), 9)).rows[0]).not.toHaveProperty('passive');
  });

  test('a message that cannot be journalled rejects, so that it is not acknowledged', async () => {
    const { door } = doors(['alice']);
    await store.close();
    await expect(door.message(inbound('m1', 'alice'))).rejects.toThrow();
    store = openStore(join(tempDir(), 'loong.db'), 'process');
    onTestFinished(() => store.close());
  });

  test('frames that cannot be read are kept and counted; however many reasons there are, the log stays readable', async () => {
    const { door, counters, lines } = doors([]);
    await Promise.all(Array.from({ length: 500 }, (_, i) => door.undecodable('x'.repeat(100_000), `reason ${i}`)));
    await door.notice({ name: 'FRIEND_ADD', data: { any: 1 } });
    expect(counters.snapshot()).toEqual({ 'inbound.notices': 1, 'inbound.undecodable': 500 });
    expect(lines).toHaveLength(101); // 100 reasons, and one for all the others
  });
});

describe('outbound', () => {
  test('a peer that is not listed is refused before anything is stored', async () => {
    const { outbound, lane } = doors(['alice']);
    await expect(outbound.submit(target('alcie'), text('x'), 'api')).rejects.toMatchObject({
      code: 'access.peer_not_allowed',
    });
    await expect(outbound.submit(target('alice', 'group'), text('x'), 'cli')).resolves.toBe(1); // an exact id is any kind
    expect(store.outbox.find(2)).toBeUndefined();
    await waitUntil('the one that is', () => store.outbox.find(1)?.status === 'delivered');
    expect(lane.attempts).toHaveLength(1);
  });

  test.each([
    ['', 'message.empty'],
    [' \n\t', 'message.empty'],
    ['x'.repeat(100_001), 'message.too_long'],
  ])('a message nobody could deliver is refused (%#)', async (content, code) => {
    const { outbound } = doors(['alice']);
    await expect(outbound.submit(target('alice'), text(content), 'api')).rejects.toMatchObject({ code });
    expect(store.outbox.pending(target('alice'))).toBe(0);
  });

  test('what was accepted is stored, and delivered', async () => {
    const { outbound, lane } = doors(['alice']);
    const id = await outbound.submit(target('alice'), text('x'.repeat(100_000)), 'api');
    expect(store.outbox.find(id)).toMatchObject({ origin: 'api' });
    await waitUntil('delivery', () => store.outbox.message(id).every(({ status }) => status === 'delivered'));
    expect(lane.texts().join('')).toBe('x'.repeat(100_000));
  });
});

describe('an answer', () => {
  const END = { type: 'end' } as const;
  const PICTURE = { type: 'media', kind: 'image', url: 'https://example.com/a.png' } as const;

  async function answered(pieces: readonly AnswerPiece[], places?: number) {
    const { outbound, lane } = doors(['alice'], places === undefined ? {} : { places });
    const came = arrival('m1');
    const admitted = await store.inbox.admit(came);
    if (admitted.outcome !== 'taken') throw new Error(admitted.outcome);
    await outbound.answer(admitted.id, came.message, pieces);
    await waitUntil('their delivery', () => store.outbox.pending(target('alice')) === 0);
    return lane.attempts.map(({ segments }) => segments);
  }

  test('of several messages goes out as such, in order; pieces of one message are one', async () => {
    const [one, two] = [text('one'), text('two')];
    expect(await answered([...one, END, ...two, ...text('!'), END, PICTURE, END, ...one])).toEqual([
      one,
      [...two, ...text('!')],
      [PICTURE],
      one,
    ]);
  });

  test('leaves out messages that say nothing, and is silence when none says anything', async () => {
    expect(await answered([END, ...text(' \n'), END, PICTURE, END, END])).toEqual([[PICTURE]]);
    for (const nothing of [[], [END], [...text(' '), END, ...text('')]]) {
      const { outbound, lane } = doors(['alice']);
      const came = arrival(`silent ${nothing.length}`);
      const admitted = await store.inbox.admit(came);
      if (admitted.outcome === 'taken') await outbound.answer(admitted.id, came.message, nothing);
      expect(store.inbox.waiting(ACCOUNT, 0, 10)).toEqual([]);
      expect(lane.attempts).toEqual([]);
    }
  });

  test.each([
    [3, [2000, 1000, 1, 1]],
    [4, [3000, 1, 1, 1]],
  ])('of %i messages, with 4 places to reply, grows the parts of a long one where it must', async (count, lengths) => {
    const others = Array.from({ length: count - 1 }, () => [END, ...text('y')]).flat();
    const sent = await answered([...text('x'.repeat(3000)), ...others], 4);
    expect(sent.map((segments) => plainText(segments).length)).toEqual(lengths);
  });
});

describe('whoever waits for a message', () => {
  test('learns its end as soon as it is settled, however many wait', async () => {
    const settlements = new Settlements(store.outbox);
    const id = await store.outbox.add(outgoing('alice'));
    const waiting = [1, 2, 3].map(() => settlements.wait(id, 60_000));
    await store.outbox.claim(ACCOUNT, Date.now(), 1);
    settlements.settled(id);
    await store.outbox.settle(id, { status: 'delivered' });
    settlements.settled(id);
    expect((await Promise.all(waiting)).map(([part]) => part?.status)).toEqual(['delivered', 'delivered', 'delivered']);
    expect(await settlements.wait(id, 60_000)).toMatchObject([{ status: 'delivered' }]);
  });

  test('is told how it stands when the time is over, and at once when it may not wait', async () => {
    const settlements = new Settlements(store.outbox);
    const id = await store.outbox.add(outgoing('alice'));
    expect(await settlements.wait(id, 20)).toMatchObject([{ status: 'queued' }]);
    expect(await settlements.wait(id, 0)).toMatchObject([{ status: 'queued' }]);
    expect(await settlements.wait(4711, 60_000)).toEqual([]);
  });

  test('does not wait for a parked message', async () => {
    const settlements = new Settlements(store.outbox);
    const id = await store.outbox.add(outgoing('alice'));
    const waiting = settlements.wait(id, 60_000);
    await store.outbox.claim(ACCOUNT, Date.now(), 1);
    await store.outbox.settle(id, { status: 'parked', error: { code: 'x', message: 'y' } });
    settlements.settled(id);
    expect(await waiting).toMatchObject([{ status: 'parked' }]);
  });
});

test('whoever waits for a message of several parts waits for the last of them', async () => {
  const settlements = new Settlements(store.outbox);
  const id = await store.outbox.add(outgoing('alice', 'a', { furtherParts: [text('b')] }));
  let ended = false;
  const waiting = settlements.wait(id, 60_000).finally(() => {
    ended = true;
  });
  for (const part of [id, id + 1]) {
    expect(ended).toBe(false);
    await store.outbox.claim(ACCOUNT, Date.now(), 1);
    await store.outbox.settle(part, { status: 'delivered' });
    settlements.settled(id);
  }
  expect(await waiting).toMatchObject([{ status: 'delivered' }, { status: 'delivered' }]);
});

describe('a reply to a message', () => {
  test('takes the window of that message, not the newest', async () => {
    const { outbound, door, lane } = doors(['alice', 'group:G']);
    for (const id of ['m1', 'm2']) await door.message(group(id, false));
    await outbound.submit(target('G', 'group'), text('x'), 'api', 'm1');
    await outbound.submit(target('G', 'group'), text('y'), 'api');
    await waitUntil('both', () => lane.attempts.length === 2);
    expect(lane.attempts.map(({ passive }) => passive?.token.value)).toEqual(['m1', 'm2']);
  });

  test('takes another window, or none, when that one is over', async () => {
    const { outbound } = doors(['alice']);
    const over = { message: inbound('m1'), right: { closesAt: Date.now() - 1, count: 4 } };
    await store.inbox.admit(over);
    await outbound.submit(target('alice'), text('x'), 'api', 'm1');
    expect((await store.outbox.claim(ACCOUNT, Date.now(), 1)).rows[0]?.passive).toBeUndefined();
  });

  test('that this conversation does not know is refused with the remedy, and nothing is stored', async () => {
    const { outbound, door } = doors(['alice', 'bob']);
    await door.message(inbound('m1', 'bob'));
    await expect(outbound.submit(target('alice'), text('x'), 'api', 'm1')).rejects.toMatchObject({
      code: 'message.unknown',
      remedy: expect.any(String),
    });
    expect(store.outbox.pending(target('alice'))).toBe(0);
  });

  test('gives nobody a right: a peer that is not listed is refused first', async () => {
    const { outbound, door } = doors(['group:G']);
    await door.message(inbound('m1', 'mallory'));
    await expect(outbound.submit(target('mallory'), text('x'), 'api', 'm1')).rejects.toMatchObject({
      code: 'access.peer_not_allowed',
    });
  });
});

describe('a one-shot send', () => {
  async function send(script: Script, ms: number, entries = ['*'], peer = 'alice') {
    const lane = new ScriptedLane(script);
    const id = await store.outbox.add(outgoing(peer, 'x', { origin: 'cli' }));
    await deliverNow(
      { lane, outbox: store.outbox, policy: policyWith(entries), secrets: new Secrets() },
      id,
      Date.now() + ms,
    );
    const row = store.outbox.find(id);
    return { row, attempts: lane.attempts.length };
  }
  const refusal = (
    failure: 'unavailable' | 'active' | 'auth',
    certainty: 'not-delivered' | 'unknown' = 'not-delivered',
  ) => Promise.reject(new DeliveryError(`platform.${failure}`, 'told', { failure, certainty }));

  test('delivers, after as many tries as there is time for', async () => {
    const { row, attempts } = await send(
      (_d, _s, n) => (n === 1 ? refusal('unavailable') : Promise.resolve({})),
      20_000,
    );
    expect(row?.status).toBe('delivered');
    expect(attempts).toBe(2);
  });

  test('never leaves its row queued when the time is over, and says what went wrong last', async () => {
    const { row } = await send(() => refusal('unavailable'), 300);
    expect(row).toMatchObject({
      status: 'failed',
      error: { code: 'platform.unavailable', remedy: expect.any(String) },
    });
  });

  test('a platform that does not answer in time leaves it uncertain', async () => {
    const silent: Script = async (_d, signal) => {
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      return refusal('unavailable', 'unknown');
    };
    const { row } = await send(silent, 100);
    expect(row?.status).toBe('uncertain');
  });

  test('leaves it parked, failed or refused as the platform and the allowlist say', async () => {
    expect((await send(() => refusal('active'), 5000)).row?.status).toBe('parked');
    expect((await send(() => refusal('auth'), 5000, ['*'], 'bob')).row?.status).toBe('failed');
    const denied = await send(async () => ({}), 5000, [], 'carol');
    expect(denied).toMatchObject({ attempts: 0, row: { status: 'failed', error: { code: 'access.revoked' } } });
  });

  describe('of a message in parts', () => {
    async function sendParts(script: Script, ms: number) {
      const lane = new ScriptedLane(script);
      const parts = ['b', 'c'].map((part) => text(part));
      const id = await store.outbox.add(outgoing('alice', 'a', { origin: 'cli', furtherParts: parts }));
      await deliverNow(
        { lane, outbox: store.outbox, policy: policyWith(['*']), secrets: new Secrets() },
        id,
        Date.now() + ms,
      );
      return { statuses: store.outbox.message(id).map((part) => part.status), texts: lane.texts(), id };
    }

    test('delivers them in order', async () => {
      const { statuses, texts } = await sendParts(async () => ({}), 5000);
      expect(statuses).toEqual(['delivered', 'delivered', 'delivered']);
      expect(texts).toEqual(['a', 'b', 'c']);
    });

    test('sends nothing after a part that failed, and settles every one', async () => {
      const { statuses, texts, id } = await sendParts(
        (_d, _s, n) => (n === 2 ? refusal('auth') : Promise.resolve({})),
        5000,
      );
      expect(statuses).toEqual(['delivered', 'failed', 'failed']);
      expect(texts).toEqual(['a', 'b']);
      expect(store.outbox.find(id + 2)?.error?.code).toBe('delivery.part_failed');
    });

    test('goes on after an uncertain part while there is time', async () => {
      const { statuses } = await sendParts(
        (_d, _s, n) => (n === 1 ? refusal('unavailable', 'unknown') : Promise.resolve({})),
        5000,
      );
      expect(statuses).toEqual(['uncertain', 'delivered', 'delivered']);
    });

    test('leaves none queued when the time is over', async () => {
      const silent: Script = async (_d, signal) => {
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        return refusal('unavailable', 'unknown');
      };
      const { statuses, texts } = await sendParts(silent, 100);
      expect(statuses).toEqual(['uncertain', 'failed', 'failed']);
      expect(texts).toEqual(['a']);
    });

    test('leaves all of them parked when the peer must write first', async () => {
      const { statuses, texts } = await sendParts(() => refusal('active'), 5000);
      expect(statuses).toEqual(['parked', 'parked', 'parked']);
      expect(texts).toEqual(['a']);
    });
  });
});

test('no message overtakes an earlier one of its conversation that is still being journalled', async () => {
  const { door, conversations } = doors(['alice', 'bob'], { starts: false });
  const first = door.message(inbound('m1', 'alice', { segments: text('first') }));
  conversations.start();
  const others = [
    door.message(inbound('m2', 'alice', { segments: text('second') })),
    door.message(inbound('m3', 'bob', { segments: text('to bob') })),
  ];
  await Promise.all([first, ...others]);
  await waitUntil('all', () => store.outbox.find(3) !== undefined);
  const said = [1, 2, 3].map((id) => store.outbox.find(id)?.segments);
  const ofAlice = said.filter((segments) => JSON.stringify(segments) !== JSON.stringify(text('to bob')));
  expect(ofAlice).toEqual([text('first'), text('second')]);
});
