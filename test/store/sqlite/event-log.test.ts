/** What happened besides messages: each event once, with what it means for what is sent. */
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import type { Notice } from '../../../src/model/message.js';
import { openStore } from '../../../src/store/sqlite/sqlite-store.js';
import type { Store } from '../../../src/store/store.js';
import { ACCOUNT, HOUR, inbound, outgoing, target } from '../../support/messages.js';
import { tempDir } from '../../support/temp-dir.js';

let store: Store;
let watcher: Sqlite.Database;

beforeEach(() => {
  const path = join(tempDir(), 'loong.db');
  const opened = openStore(path, 'process');
  const watching = new Sqlite(path);
  store = opened;
  watcher = watching;
  onTestFinished(async () => {
    watching.close();
    await opened.close();
  });
});

const DAY = 24 * HOUR;
const right = (at = Date.now(), count = 2) => ({ closesAt: at + HOUR, count });
const event = (eventId: string, more: Partial<Notice> = {}): Notice => ({
  name: 'INTERACTION_CREATE',
  data: { any: 1 },
  eventId,
  about: target('alice'),
  replyToken: { kind: 'event_id', value: eventId },
  ...more,
});
const names = () => watcher.prepare<[], { name: string }>('SELECT name FROM events ORDER BY cursor').all().length;
const windows = () =>
  watcher
    .prepare<[], { id: number }>(
      'SELECT id FROM inbox WHERE window_is_open UNION ALL SELECT id FROM event_windows ORDER BY id DESC',
    )
    .all()
    .map(({ id }) => id);

async function send() {
  const id = await store.outbox.add(outgoing('alice'));
  const { rows } = await store.outbox.claim(ACCOUNT, Date.now(), 9);
  await store.outbox.settle(id, { status: 'delivered' });
  return rows[0]?.passive;
}

test('an event counts once for its account, however often and however close together it comes', async () => {
  const notice = { name: 'FRIEND_ADD', data: {}, eventId: 'E1' };
  await Promise.all([1, 2, 3].map((at) => store.events.append(ACCOUNT, notice, at)));
  await store.events.append(ACCOUNT, notice, 4);
  expect(names()).toBe(1);
  await store.events.append('qqbot:ops', notice, 5);
  expect(names()).toBe(2);
});

test('an event that comes again changes nothing that was learnt since', async () => {
  const about = target('alice');
  const receive = { name: 'C2C_MSG_RECEIVE', data: {}, eventId: 'E1', about, takesActive: true };
  const reject = { name: 'C2C_MSG_REJECT', data: {}, eventId: 'E2', about, takesActive: false };
  for (const notice of [receive, reject, receive]) await store.events.append(ACCOUNT, notice, Date.now());
  const id = await store.outbox.add(outgoing('alice'));
  expect((await store.outbox.claim(ACCOUNT, Date.now(), 9)).unattempted).toEqual([id]);
  expect(await store.events.append(ACCOUNT, receive, Date.now())).toEqual({ unparked: 0, isKnown: true });
  expect(store.outbox.find(id)?.status).toBe('parked');
});

test('events without a number are events of their own', async () => {
  for (const at of [1, 2]) await store.events.append(ACCOUNT, { name: 'FRIEND_ADD', data: undefined }, at);
  expect(names()).toBe(2);
});

test('an event that may be answered opens a window of its own, and a copy of it no second one', async () => {
  for (let i = 0; i < 2; i++) await store.events.append(ACCOUNT, event('E1'), Date.now(), right());
  expect(windows()).toEqual([-1]);
  const token = { kind: 'event_id', value: 'E1' };
  expect(await send()).toMatchObject({ token, seq: 1 });
  expect(await send()).toMatchObject({ token, seq: 2 });
  expect(await send()).toBeUndefined();
});

test('its window is no window of the message with the same number', async () => {
  await store.events.append(ACCOUNT, event('E1'), Date.now(), right());
  await store.inbox.admit({ message: inbound('m1'), right: right(Date.now() + 1, 3) });
  expect(windows()).toEqual([1, -1]);
  expect((await send())?.token.value).toBe('m1');
  expect((await send())?.token.value).toBe('E1'); // of the other one the last two places are for the answer
});

test('without a right, or about nobody, it opens none', async () => {
  await store.events.append(ACCOUNT, event('E1'), Date.now());
  const { about: _, ...aboutNobody } = event('E2');
  await store.events.append(ACCOUNT, aboutNobody, Date.now(), right());
  expect(windows()).toEqual([]);
});

test('windows of events are forgotten a week after they were over, as the events are', async () => {
  const now = Date.now();
  for (let i = 1; i <= 30; i++) await store.events.append(ACCOUNT, event(`E${i}`), now - 9 * DAY, right(now - 9 * DAY));
  await store.events.append(ACCOUNT, event('young'), now - DAY, right(now - DAY));
  for (let i = 0; i < 2; i++) await store.events.append(ACCOUNT, { name: 'N', data: {} }, now);
  expect(windows()).toEqual([-31]);
  expect(names()).toBe(3);
});
