/** What becomes of that which comes in: journalled in order, without one frame or one slow commit stopping the rest. */

import { describe, expect, test } from 'vitest';
import { StoreError } from '../../../src/model/errors.js';
import type { AccountId, MessageId, PeerId } from '../../../src/model/target.js';
import { OnebotLaneUnderTest } from './support/onebot-lane-under-test.js';

const FILE = [{ type: 'file', data: { file: 'a.pdf', file_id: '/abc', file_size: '12' } }];
const UPLOAD = {
  post_type: 'notice',
  notice_type: 'group_upload',
  group_id: 30003,
  user_id: 20002,
  file: { id: '/abc', name: 'a.pdf', size: 12, busid: 102 },
};

test('messages are handed over in the order in which they came, without waiting for one another', async () => {
  const home = new OnebotLaneUnderTest();
  const raw = await home.connect();
  home.sink.journal = () => new Promise(() => undefined);
  for (let i = 0; i < 20; i++) raw.privateMessage(`${i}`, i);
  await home.until('all of them', () => home.sink.messages.length === 20);
  expect(home.sink.texts).toEqual(Array.from({ length: 20 }, (_, i) => `${i}`));
});

test('two messages of different groups with the same message_id are two messages', async () => {
  const home = new OnebotLaneUnderTest();
  const raw = await home.connect();
  raw.groupMessage([{ type: 'text', data: { text: 'a' } }], 7, { group_id: 1001 });
  raw.groupMessage([{ type: 'text', data: { text: 'b' } }], 7, { group_id: 1002 });
  await home.until('both', () => home.sink.messages.length === 2);
  expect(home.sink.messages.map(({ conversation }) => conversation.peer)).toEqual(['1001', '1002']);
});

test('own messages are told, and never become messages to be answered', async () => {
  const home = new OnebotLaneUnderTest();
  const raw = await home.connect();
  raw.privateMessage('by my phone', 1, {
    post_type: 'message_sent',
    user_id: 10001,
    target_id: 20002,
    raw: { huge: 1 },
  });
  raw.privateMessage('as a message', 2, { user_id: 10001 });
  await home.until('both', () => home.sink.notices.length === 2);
  expect(home.sink.notices).toMatchObject([
    { name: 'message_sent', data: { message_id: 1 } },
    { name: 'message_sent', data: { message_id: 2 } },
  ]);
  expect(home.sink.notices[0]?.data).not.toHaveProperty('raw');
  expect(home.sink.messages).toEqual([]);
});

test('what is told of oneself is kept within limits, however deep and long it is', async () => {
  const home = new OnebotLaneUnderTest();
  const raw = await home.connect();
  let deep: unknown = 'end';
  for (let i = 0; i < 500; i++) deep = [deep];
  raw.privateMessage('deep', 1, { post_type: 'message_sent', user_id: 10001, deep, message_id: 'x'.repeat(300_000) });
  raw.event({ post_type: 'meta_event', meta_event_type: 'lifecycle', sub_type: 'a\u001b[31m\nb', deep });
  await home.until('both', () => home.sink.notices.length === 2);
  for (const { data } of home.sink.notices) expect(JSON.stringify(data).length).toBeLessThan(100_000);
  expect(home.sink.notices[1]?.name).toMatch(/^lifecycle\.[\x20-\x7e]+$/);
});

test('a frame with an odd self_id is taken like any other', async () => {
  const home = new OnebotLaneUnderTest();
  const raw = await home.connect();
  raw.event({ post_type: 'notice', notice_type: 'friend_add', user_id: 1, self_id: { toString: 1 } });
  raw.privateMessage('after it', 2);
  await home.until('what came after it', () => home.sink.texts.includes('after it'));
});

test('who quotes what the bot said in this conversation talks to the bot', async () => {
  const home = new OnebotLaneUnderTest();
  const raw = await home.connect();
  await home.send('group:30003', 'hello');
  raw.groupMessage([], 5, { post_type: 'message_sent', user_id: 10001 });
  await home.until('its echo', () => home.sink.notices.length === 1);
  const quoting = (id: number) => [
    { type: 'reply', data: { id: String(id) } },
    { type: 'text', data: { text: 'why' } },
  ];
  raw.groupMessage(quoting(7_654_321), 10);
  raw.groupMessage(quoting(5), 11);
  raw.groupMessage(quoting(999), 12);
  raw.groupMessage(quoting(7_654_321), 13, { group_id: 40004 });
  await home.until('all', () => home.sink.messages.length === 4);
  expect(home.sink.messages.map(({ mentionsBot }) => mentionsBot)).toEqual([true, true, false, false]);
});

test('what the journal knows of the time before a restart counts: own words, and through which group a stranger wrote', async () => {
  const home = new OnebotLaneUnderTest();
  const group = { channel: 'onebot', account: 'home' as AccountId, kind: 'group', peer: '30003' as PeerId } as const;
  const stranger = { ...group, kind: 'c2c', peer: '20005' as PeerId } as const;
  const before = { id: 'm.1' as MessageId, segments: [], mentionsBot: true, sentAt: 0, viaGroup: group.peer };
  Object.assign(home.sink.past, {
    sent: () => [{ target: group, platformMessageId: '321' }],
    received: () => [{ ...before, conversation: stranger, sender: { id: stranger.peer, isBot: false } }],
  });
  const raw = await home.connect();
  raw.groupMessage(
    [
      { type: 'reply', data: { id: '321' } },
      { type: 'text', data: { text: 'why' } },
    ],
    10,
  );
  await home.until('the message', () => home.sink.messages.length === 1);
  expect(home.sink.messages[0]?.mentionsBot).toBe(true);
  await home.send('private:20005', 'hello');
  expect(raw.calls('send_private_msg').map(({ params }) => params)).toMatchObject([
    { user_id: 20005, group_id: 30003 },
  ]);
});

describe('a file put into a group', () => {
  test('that comes as a notice and as a message counts once, in either order, and behind its message the notice is dropped', async () => {
    const home = new OnebotLaneUnderTest();
    const raw = await home.connect();
    raw.event(UPLOAD);
    raw.groupMessage(FILE, 1);
    raw.groupMessage(FILE, 2);
    raw.event(UPLOAD);
    await home.counted('onebot.files_repeated', 2);
    expect(home.sink.messages).toHaveLength(2);
    expect(home.sink.notices).toHaveLength(1);
  });

  test('that comes as a notice alone is told as one', async () => {
    const home = new OnebotLaneUnderTest();
    const raw = await home.connect();
    raw.event(UPLOAD);
    raw.event({ ...UPLOAD, file: undefined });
    await home.until('the notices', () => home.sink.notices.length === 2);
    expect(home.sink.notices[0]).toMatchObject({ name: 'group_upload', data: { file: { name: 'a.pdf' } } });
  });

  test('by somebody else, into another group, or of another name is another file', async () => {
    const home = new OnebotLaneUnderTest();
    const raw = await home.connect();
    raw.groupMessage(FILE, 1);
    for (const other of [{ user_id: 20003 }, { group_id: 40004 }, { file: { name: 'b.pdf' } }])
      raw.event({ ...UPLOAD, ...other });
    await home.until('the notices', () => home.sink.notices.length === 3);
  });
});

test('the beginning of a connection is told in the event log', async () => {
  const home = new OnebotLaneUnderTest();
  const raw = await home.connect();
  raw.lifecycle();
  raw.event({ post_type: 'meta_event', meta_event_type: 'lifecycle', sub_type: 'disable' });
  await home.until('both', () => home.sink.notices.length === 2);
  expect(home.sink.notices.map(({ name }) => name)).toEqual(['lifecycle.connect', 'lifecycle.disable']);
});

test('notices and requests are told in the log too, though not without end', async () => {
  const home = new OnebotLaneUnderTest();
  const raw = await home.connect();
  for (let i = 0; i < 100; i++) raw.event({ post_type: 'notice', notice_type: 'friend_add', user_id: 20000 + i });
  await home.until('all', () => home.sink.notices.length === 100);
  expect(home.log.split('"event":"friend_add"')).toHaveLength(61);
});

describe('frames that are none', () => {
  const nonsense = ['null', '5', '"x"', '[]', 'true', '{', '', 'NaN', '{}', '{"a":1}', '{"post_type":"message"}'];

  test.each(nonsense)('%j is kept as it came, and the next message is read', async (frame) => {
    const home = new OnebotLaneUnderTest();
    const raw = await home.connect();
    raw.raw(frame);
    raw.privateMessage('after it', 1);
    await home.until('the message', () => home.sink.texts.includes('after it'));
    expect(home.sink.undecodables.map(({ raw: kept }) => kept)).toEqual([frame]);
    expect(raw.closed).toBeUndefined();
  });

  test('binary frames are counted and not read', async () => {
    const home = new OnebotLaneUnderTest();
    const raw = await home.connect();
    raw.raw(Buffer.from('{"post_type":"message"}'));
    await home.counted('onebot.frames_binary');
    expect(home.sink.undecodables).toEqual([]);
  });

  const bytes: readonly [what: string, frame: Buffer, code: number][] = [
    ['bad UTF-8', Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0xff, 0xfe]), 1007],
    ['a reserved opcode', Buffer.from([0x83, 0x80, 0, 0, 0, 0]), 1002],
    ['a frame without a mask', Buffer.from([0x81, 0x01, 0x61]), 1002],
    ['a compressed frame', Buffer.from([0xc1, 0x81, 0, 0, 0, 0, 0x61]), 1002],
    ['a frame of 65 MiB', Buffer.from([0x81, 0xff, 0, 0, 0, 0, 0x04, 0x10, 0, 0, 0, 0, 0, 0]), 1009],
  ];
  test.each(bytes)('%s ends this connection alone', async (_what, frame, code) => {
    const home = new OnebotLaneUnderTest();
    const raw = await home.connect();
    const { _socket: tcp } = raw.socket as unknown as { readonly _socket: { write(bytes: Buffer): void } };
    tcp.write(frame);
    expect(await raw.end()).toMatchObject({ code });
    await home.until('waiting', () => home.sink.last?.state === 'waiting');
    await home.connect();
  });

  test('an event of 5 million characters is kept aside, and the next one is read', async () => {
    const home = new OnebotLaneUnderTest();
    const raw = await home.connect();
    raw.privateMessage('x'.repeat(5_000_000), 1);
    raw.privateMessage('after it', 2);
    await home.until('the message', () => home.sink.texts.includes('after it'));
    expect(home.sink.undecodables[0]?.reason).toMatch(/at most/);
  });

  test('an answer of 40 MiB reaches who asked', async () => {
    const home = new OnebotLaneUnderTest();
    const raw = await home.connect();
    raw.onCall = () => ({ data: 'x'.repeat(40 * 1_048_576) });
    expect(await home.lane.call('get_file', { file: 'x' })).toHaveLength(40 * 1_048_576);
  });
});

describe('a journal', () => {
  test('that throws or rejects costs one event, and is told', async () => {
    const home = new OnebotLaneUnderTest();
    const raw = await home.connect();
    let count = 0;
    home.sink.journal = () => {
      if (++count === 1) throw new StoreError('store.full', 'the disk is full');
      if (count === 2) return Promise.reject(new StoreError('store.full', 'the disk is full'));
      return undefined;
    };
    for (const id of [1, 2, 3]) raw.privateMessage(`${id}`, id);
    await home.counted('onebot.events_lost', 2);
    await home.until('the third', () => home.sink.messages.length === 3);
    expect(home.log).toContain('the disk is full');
    expect(raw.closed).toBeUndefined();
  });

  test('that does not keep up stops the reading, and no frame is lost', async () => {
    const home = new OnebotLaneUnderTest();
    const raw = await home.connect();
    const open: (() => void)[] = [];
    let stuck = true;
    home.sink.journal = () => (stuck ? new Promise((resolve) => open.push(resolve)) : undefined);
    const text = 'x'.repeat(1000);
    for (let i = 0; i < 20_000; i++) raw.privateMessage(`${text}${i}`, i);
    await home.until('a thousand', () => home.sink.messages.length >= 1000);
    await home.until('a peer that cannot write', () => raw.socket.bufferedAmount > 0);
    const read = home.sink.messages.length;
    expect(read).toBeLessThan(2000);
    stuck = false;
    for (const commit of open) commit();
    await home.until('all of them', () => home.sink.messages.length === 20_000);
    expect(home.sink.texts[19_999]).toBe(`${text}19999`);
    await home.send('private:20002', 'and all is well');
  });

  test('is given time for what it has begun when the lane is closed', async () => {
    const home = new OnebotLaneUnderTest();
    const raw = await home.connect();
    let commit: (() => void) | undefined;
    home.sink.journal = () => new Promise((resolve) => (commit = resolve));
    raw.privateMessage('last', 1);
    await home.until('its message', () => commit);
    await home.drain();
    let closed = false;
    const closing = home.lane.close().then(() => {
      closed = true;
    });
    await raw.end();
    expect(closed).toBe(false);
    commit?.();
    await closing;
  });
});

test('an event with another self_id than its connection is believed, and told once', async () => {
  const home = new OnebotLaneUnderTest();
  const raw = await home.connect();
  raw.privateMessage('a', 1, { self_id: 99999 });
  raw.privateMessage('b', 2, { self_id: 99999 });
  await home.until('both', () => home.sink.messages.length === 2);
  expect(home.log.split('another self_id')).toHaveLength(2);
});
