/** What was said in a conversation: what belongs to it, how much of it is told, and what is told no more. */
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { plainText } from '../../../src/model/message.js';
import type { Target } from '../../../src/model/target.js';
import { openStore } from '../../../src/store/sqlite/sqlite-store.js';
import type { Arrival, NewOutgoing, Store } from '../../../src/store/store.js';
import { ACCOUNT, arrival, inbound, outgoing, target } from '../../support/messages.js';
import { tempDir } from '../../support/temp-dir.js';

let store: Store;
let path: string;

beforeEach(() => {
  path = join(tempDir(), 'loong.db');
  store = openStore(path, 'process');
  onTestFinished(() => store.close());
});

const said = (conversation: Target = target('alice'), before = Number.MAX_SAFE_INTEGER, limit = 100) =>
  store.history.before(conversation, before, limit).map(({ from, segments }) => `${from}: ${plainText(segments)}`);

async function hear(id: string, peer = 'alice', more: Partial<Arrival> = {}): Promise<number> {
  const admitted = await store.inbox.admit({ ...arrival(id, peer), isRemembered: true, ...more });
  return 'id' in admitted ? admitted.id : 0;
}

const saying = (text: string, peer = 'alice'): NewOutgoing => outgoing(peer, text, { isRemembered: true });

/** A message and its answer. */
async function turn(id: string, peer = 'alice'): Promise<number> {
  const number = await hear(id, peer);
  await store.inbox.answer(number, [saying(`re ${id}`, peer)]);
  return number;
}

describe('of a conversation', () => {
  test('what came in and what went out is told in order, the message itself and what came after it are not', async () => {
    await turn('m1');
    const second = await hear('m2');
    await hear('m3');
    expect(said(target('alice'), second)).toEqual(['user: text of m1', 'bot: re m1']);
    await store.inbox.answer(second, [saying('re m2')]);
    expect(said(target('alice'), second)).toEqual(['user: text of m1', 'bot: re m1']); // asked for once more
    expect(said()).toEqual(['user: text of m1', 'bot: re m1', 'user: text of m2', 'user: text of m3', 'bot: re m2']);
  });

  test('nothing is told in another one, whatever its kind or account', async () => {
    await turn('m1');
    for (const other of [target('bob'), target('alice', 'group'), target('alice', 'c2c', 'ops')]) {
      expect(said(other)).toEqual([]);
    }
  });

  test('the newest are told, with their sender and time', async () => {
    for (let i = 1; i <= 6; i++) await turn(`m${i}`);
    expect(said(target('alice'), undefined, 3)).toEqual(['bot: re m5', 'user: text of m6', 'bot: re m6']);
    const [first] = store.history.before(target('alice'), Number.MAX_SAFE_INTEGER, 2);
    expect(first).toMatchObject({ from: 'user', sender: { id: 'alice' } });
    expect(Math.abs((first?.at ?? 0) - Date.now())).toBeLessThan(10_000);
  });

  test('what was not stored to be remembered is not told: refused messages, and conversations of nobody’s interest', async () => {
    await hear('m1', 'alice', { isRemembered: false });
    await hear('m2', 'alice', { isRemembered: false, refusal: 'sender_not_allowed' });
    await store.outbox.add(outgoing('alice', 'unremembered'));
    await hear('m3', 'alice', { refusal: 'not_mentioned', refusalIsLiftable: true });
    expect(said()).toEqual(['user: text of m3']);
  });

  test('what went out by itself is told, what failed is not', async () => {
    await store.outbox.add(saying('news'));
    await store.outbox.add(saying('broken'));
    for (let i = 0; i < 2; i++) {
      const [row] = (await store.outbox.claim(ACCOUNT, Date.now(), 1)).rows;
      const error = { code: 'x', message: 'y' };
      await store.outbox.settle(row?.id ?? 0, i === 0 ? { status: 'delivered' } : { status: 'failed', error });
    }
    expect(said()).toEqual(['bot: news']);
  });

  test('a long message that went out in parts is told part by part', async () => {
    await store.outbox.add({ ...saying('one'), furtherParts: [[{ type: 'text', text: 'two' }]] });
    expect(said()).toEqual(['bot: one', 'bot: two']);
  });

  test('however many rows of others lie between, nothing is missed, and only rows that are remembered are indexed', async () => {
    await turn('old');
    await store.close();
    const db = new Sqlite(path);
    db.function('message_digest', { deterministic: true }, () => 0);
    db.exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
      INSERT INTO inbox (account, conversation, message_id, body, status, received_at, settled_at, digest)
      SELECT '${ACCOUNT}', 'qqbot:main:c2c:bob', 'x' || i, '{"sender":{"id":"bob"},"segments":[]}', 'answered', 1, 1, i FROM n`);
    db.close();
    store = openStore(path, 'process');
    await turn('new');
    expect(said()).toEqual(['user: text of old', 'bot: re old', 'user: text of new', 'bot: re new']);
    const reader = new Sqlite(path, { readonly: true });
    onTestFinished(() => void reader.close());
    const plan = reader
      .prepare<[], { detail: string }>(
        `EXPLAIN QUERY PLAN SELECT id FROM inbox WHERE id >> 12 = 1 AND thread = 5 AND id < 9 ORDER BY id DESC LIMIT 5`,
      )
      .all();
    expect(plan.map(({ detail }) => detail)).toEqual([expect.stringContaining('INDEX inbox_thread')]);
  });
});

describe('a conversation that starts afresh', () => {
  test('is told nothing of before, also not what was still to be answered, nor what said so; over a restart', async () => {
    await turn('m1');
    const waiting = await hear('m2');
    const command = await hear('m3', 'alice', { startsAfresh: true });
    await store.inbox.answer(waiting, [saying('re m2')]);
    await store.inbox.answer(command, [saying('done')]);
    await turn('other', 'bob');
    expect(said()).toEqual([]);
    await store.close();
    store = openStore(path, 'process');
    expect(said()).toEqual([]);
    await turn('m4');
    expect(said()).toEqual(['user: text of m4', 'bot: re m4']);
    expect(said(target('bob'))).toHaveLength(2);
  });

  test('starts once: a copy of the message that said so changes nothing', async () => {
    await hear('m1', 'alice', { startsAfresh: true });
    await turn('m2');
    await hear('m1', 'alice', { startsAfresh: true });
    expect(said()).toHaveLength(2);
  });

  test('starts with a message that turned out to be meant for the bot', async () => {
    await turn('m0');
    await hear('m1', 'alice', { refusal: 'not_mentioned', refusalIsLiftable: true });
    await hear('m1', 'alice', { startsAfresh: true });
    expect(said()).toEqual([]);
  });

  test('does not end earlier with an older message that turned out to be meant for the bot', async () => {
    await hear('m1', 'alice', { refusal: 'not_mentioned', refusalIsLiftable: true });
    await turn('m2');
    await hear('m3', 'alice', { startsAfresh: true });
    await hear('m1', 'alice', { startsAfresh: true });
    expect(said()).toEqual([]);
  });

  test('what is remembered of that goes with the rows', async () => {
    await hear('m1', 'alice', { startsAfresh: true });
    const starts = () => {
      const reader = new Sqlite(path, { readonly: true });
      const { n } = reader.prepare<[], { n: number }>('SELECT count(*) AS n FROM fresh_starts').get() ?? { n: -1 };
      reader.close();
      return n;
    };
    await store.prune(Date.now() + 1);
    expect(starts()).toBe(1);
    await store.inbox.answer(1, []);
    await turn('m2', 'bob');
    await store.prune(Date.now() + 1);
    expect(starts()).toBe(0);
  });
});

describe('a message that was taken back', () => {
  const recall = (conversation: Target, messageId: string) =>
    store.events.append(ACCOUNT, { name: 'recall', data: {}, recalls: { conversation, messageId } }, Date.now());

  test('is told no more, whoever wrote it', async () => {
    await turn('m1');
    await turn('m2');
    const { rows } = await store.outbox.claim(ACCOUNT, Date.now(), 1);
    await store.outbox.settle(rows[0]?.id ?? 0, { status: 'delivered', platformMessageId: 'p1' });
    await recall(target('alice'), 'm2');
    await recall(target('alice'), 'p1');
    expect(said()).toEqual(['user: text of m1', 'bot: re m2']);
  });

  test('is told no more with all that went out as one with it', async () => {
    const about = target('alice');
    await store.events.append(ACCOUNT, { name: 'N', data: {}, about, takesActive: false }, Date.now());
    for (const text of ['one', 'two']) await store.outbox.add(saying(text));
    for (let i = 0; i < 2; i++) await store.outbox.claim(ACCOUNT, Date.now(), 9); // parks one after the other
    await hear('m1');
    const [row] = (await store.outbox.claim(ACCOUNT, Date.now(), 9)).rows;
    await store.outbox.settle(row?.id ?? 0, { status: 'delivered', platformMessageId: 'p1' });
    await store.outbox.add(saying('three'));
    expect(said()).toEqual(['user: text of m1', 'bot: one', 'bot: two', 'bot: three']);
    await recall(about, 'p1');
    expect(said()).toEqual(['user: text of m1', 'bot: three']);
  });

  test('is the newest of its number where numbers are used again, and of this conversation', async () => {
    for (const id of ['77.1', '77.2', '771.3']) await hear(id);
    await hear('77.4', 'bob');
    await recall(target('alice'), '77');
    expect(said()).toEqual(['user: text of 77.1', 'user: text of 771.3']);
    expect(said(target('bob'))).toHaveLength(1);
    await recall(target('alice'), 'unknown');
    expect(said()).toHaveLength(2);
  });
});

test('what was said to whom an account was before is told to nobody', async () => {
  await store.identities.bind(ACCOUNT, 'app 1');
  await turn('m1');
  await store.identities.rebind(ACCOUNT);
  await store.identities.bind(ACCOUNT, 'app 2');
  await store.inbox.admit({ message: inbound('m2', 'alice'), isRemembered: true });
  expect(said()).toEqual(['user: text of m2']);
});
