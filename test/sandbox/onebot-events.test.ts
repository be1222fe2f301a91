import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { EventOrder } from '../../src/sandbox/onebot/orders.js';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.js';
import { waitUntil } from '../support/wait-until.js';
import { type Json, order } from './support/bare-bot.js';
import { BareApplication } from './support/onebot-application.js';

let sandbox: Sandbox;
let application: BareApplication;
beforeEach(async () => {
  sandbox = await startSandbox();
  application = await BareApplication.listen();
});
afterEach(async () => {
  await sandbox.close();
  await application.close();
});

type Flavour = 'napcat' | 'llonebot' | 'lagrange' | 'go-cqhttp';
const ALL = ['napcat', 'llonebot', 'lagrange', 'go-cqhttp'] as const;

async function connect(flavour: Flavour, more: object = {}): Promise<void> {
  sandbox.platform.onebot.connect({ url: application.url, flavour, heartbeat_ms: 0, ...more });
  const line = await application.dialled();
  await waitUntil('lifecycle', () => line.events.length > 0);
}

const INT32 = expect.toSatisfy((value: number) => Number.isInteger(value) && Math.abs(value) <= 0x80000000);

describe('a message of a group', () => {
  test('NapCat tells it key by key as in the notes', async () => {
    await connect('napcat');
    sandbox.platform.onebot.say({ from: '20003', group: '30003', text: 'hi', mention: true });
    const event = await application.message('hi');
    const id = event.message_id;
    expect(event).toEqual({
      self_id: 10001,
      user_id: 20003,
      time: expect.any(Number),
      message_id: id,
      message_seq: id,
      real_id: id,
      real_seq: expect.stringMatching(/^\d+$/),
      message_type: 'group',
      sender: { user_id: 20003, nickname: 'Bob', card: '', role: 'admin' },
      raw_message: '[CQ:at,qq=10001] hi',
      font: 14,
      sub_type: 'normal',
      message: [
        { type: 'at', data: { qq: '10001' } },
        { type: 'text', data: { text: ' hi' } },
      ],
      message_format: 'array',
      post_type: 'message',
      group_id: 30003,
      group_name: 'Demo',
    });
    expect(id).toBeGreaterThan(0);
  });

  test('go-cqhttp writes CQ codes with everything escaped, and an anonymous of null', async () => {
    await connect('go-cqhttp');
    sandbox.platform.onebot.say({ from: '20002', group: '30003', text: 'a [b] & c, d', mention: true });
    expect(await application.message('CQ:at')).toEqual({
      post_type: 'message',
      message_type: 'group',
      time: expect.any(Number),
      self_id: 10001,
      sub_type: 'normal',
      anonymous: null,
      group_id: 30003,
      message_seq: expect.any(Number),
      raw_message: '[CQ:at,qq=10001] a &#91;b&#93; &amp; c, d',
      font: 0,
      sender: {
        user_id: 20002,
        nickname: 'Alice',
        sex: 'unknown',
        age: 0,
        card: '',
        area: '',
        level: '1',
        role: 'member',
        title: '',
      },
      message_id: INT32,
      user_id: 20002,
      message: '[CQ:at,qq=10001] a &#91;b&#93; &amp; c, d',
    });
  });

  test.each(ALL)('%s gives an int32 as message_id, and numbers where ids are numbers', async (flavour) => {
    await connect(flavour);
    sandbox.platform.onebot.say({ from: '20002', group: '30003', text: 'x' });
    const event = await application.message('x');
    expect(event).toMatchObject({
      self_id: 10001,
      user_id: 20002,
      group_id: 30003,
      message_id: INT32,
      font: expect.any(Number),
    });
  });

  test.each(['lagrange', 'go-cqhttp'] as const)('%s sometimes has a negative message_id', async (flavour) => {
    await connect(flavour);
    const ids = Array.from({ length: 40 }, () => sandbox.platform.onebot.say({ from: '20002', text: 'x' }).message_id);
    expect(ids.some((id) => id < 0)).toBe(true);
    expect(ids.some((id) => id > 0)).toBe(true);
  });
});

describe('a private message', () => {
  test('of a friend, on NapCat', async () => {
    await connect('napcat');
    sandbox.platform.onebot.say({ from: '20002', text: 'hello' });
    const event = await application.message('hello');
    expect(event).toMatchObject({
      message_type: 'private',
      sub_type: 'friend',
      user_id: 20002,
      target_id: 20002,
      sender: { user_id: 20002, nickname: 'Alice', card: '' },
    });
    expect(event.group_id).toBeUndefined();
  });

  test('of a stranger through a group carries the group, though it is private', async () => {
    await connect('napcat');
    sandbox.platform.onebot.say({ from: '20004', temp_group: '30003', text: 'psst' });
    expect(await application.message('psst')).toMatchObject({
      message_type: 'private',
      sub_type: 'group',
      group_id: 30003,
      temp_source: 0,
    });
    expect((await order(sandbox, '/onebot/messages', { from: '20004', text: 'x' })).body.error.code).toBe(
      'user.no_friend',
    );
  });

  test('of the account itself is told only where it reports itself, and names its peer', async () => {
    await connect('napcat');
    sandbox.platform.onebot.say({ from: '20002', text: 'unheard', own: true });
    await order(sandbox, '/onebot/implementations/10001', { report_self: true });
    sandbox.platform.onebot.say({ from: '20002', text: 'from my phone', own: true });
    const event = await application.event(({ post_type }) => post_type === 'message_sent');
    expect(event).toMatchObject({
      user_id: 10001,
      target_id: 20002,
      message_sent_type: 'self',
      raw_message: 'from my phone',
    });
  });
});

test('segments of every kind go out as they are given, as an array or as CQ codes', async () => {
  await connect('napcat');
  const message = [
    { type: 'image', data: { file: 'a.jpg', url: 'https://x/y?a=1,2&b=[3]', sub_type: 0 } },
    { type: 'dice', data: { result: '6' } },
  ];
  await order(sandbox, '/onebot/messages', { from: '20002', text: 'see', message });
  expect((await application.message('see')).message).toEqual([{ type: 'text', data: { text: 'see' } }, ...message]);
  await order(sandbox, '/onebot/implementations/10001', { format: 'string' });
  await order(sandbox, '/onebot/messages', { from: '20002', text: 'again', message });
  expect((await application.message('again')).message).toBe(
    'again[CQ:image,file=a.jpg,url=https://x/y?a=1&#44;2&amp;b=&#91;3&#93;,sub_type=0][CQ:dice,result=6]',
  );
});

test('a quote, a forwarded record and a repeated push', async () => {
  await connect('napcat');
  const { message_id } = sandbox.platform.onebot.say({ from: '20002', text: 'first' });
  sandbox.platform.onebot.say({ from: '20002', text: 'second', quote: message_id, duplicate: 2 });
  const event = await application.message('second');
  expect(event.message[0]).toEqual({ type: 'reply', data: { id: String(message_id) } });
  await waitUntil(
    'three of them',
    () => application.line.events.filter(({ message_id: id }) => id === event.message_id).length === 3,
  );
  sandbox.platform.onebot.say({ from: '20002', text: 'record', records: [{ from: '20003', text: 'inside' }] });
  const { data } = (await application.message('record')).message.at(-1);
  expect((await application.call('get_forward_msg', { id: data.id })).data.messages).toMatchObject([
    { sender: { user_id: 20003, nickname: 'Bob' }, message: [{ type: 'text', data: { text: 'inside' } }] },
  ]);
});

test('ids beyond 2^53 keep every digit', async () => {
  await connect('napcat');
  await order(sandbox, '/onebot/users', { user_id: '9007199254740993123', name: 'Big' });
  let raw = '';
  application.line.socket.on('message', (data) => {
    raw = String(data);
  });
  sandbox.platform.onebot.say({ from: '9007199254740993123', text: 'big' });
  await application.message('big');
  expect(raw).toContain('"user_id":9007199254740993123,');
});

describe('notices and requests', () => {
  const CASES: readonly (readonly [Flavour, EventOrder, Json])[] = [
    [
      'napcat',
      { kind: 'poke', from: '20002', group: '30003' },
      { notice_type: 'notify', sub_type: 'poke', group_id: 30003, user_id: 20002, target_id: 10001 },
    ],
    [
      'napcat',
      { kind: 'poke', from: '20002' },
      {
        notice_type: 'notify',
        sub_type: 'poke',
        user_id: 20002,
        sender_id: 20002,
        target_id: 10001,
        raw_info: expect.any(Array),
      },
    ],
    [
      'napcat',
      { kind: 'join', group: '30004', user: '20003' },
      { notice_type: 'group_increase', sub_type: 'approve', group_id: 30004, user_id: 20003, operator_id: 0 },
    ],
    [
      'napcat',
      { kind: 'leave', group: '30003', user: '20004' },
      { notice_type: 'group_decrease', sub_type: 'leave', user_id: 20004, operator_id: 0 },
    ],
    [
      'go-cqhttp',
      { kind: 'leave', group: '30003', user: '20004' },
      { notice_type: 'group_decrease', sub_type: 'leave', user_id: 20004, operator_id: 20004 },
    ],
    [
      'napcat',
      { kind: 'leave', group: '30004', user: '10001', how: 'kick_me', operator: '20002' },
      { notice_type: 'group_decrease', sub_type: 'kick_me', user_id: 10001, operator_id: 20002 },
    ],
    [
      'napcat',
      { kind: 'admin', group: '30003', user: '20002' },
      { notice_type: 'group_admin', sub_type: 'set', group_id: 30003, user_id: 20002 },
    ],
    [
      'napcat',
      { kind: 'ban', group: '30003', user: '20002', seconds: 60 },
      { notice_type: 'group_ban', sub_type: 'ban', duration: 60, user_id: 20002, operator_id: 10001 },
    ],
    [
      'napcat',
      { kind: 'ban', group: '30003', user: '20002', seconds: 0 },
      { notice_type: 'group_ban', sub_type: 'lift_ban', duration: 0 },
    ],
    [
      'napcat',
      { kind: 'ban', group: '30003', user: '0', seconds: -1 },
      { notice_type: 'group_ban', sub_type: 'ban', duration: -1, user_id: 0 },
    ],
    ['napcat', { kind: 'friend_add', user: '20004' }, { notice_type: 'friend_add', user_id: 20004 }],
    [
      'go-cqhttp',
      { kind: 'lucky_king', group: '30003', user: '20002', target: '20003' },
      { notice_type: 'notify', sub_type: 'lucky_king', user_id: 20002, target_id: 20003 },
    ],
    [
      'go-cqhttp',
      { kind: 'honor', group: '30003', user: '20002', honor: 'talkative' },
      { notice_type: 'notify', sub_type: 'honor', honor_type: 'talkative' },
    ],
    [
      'napcat',
      { kind: 'title', group: '30003', user: '20002', title: 'T' },
      { notice_type: 'notify', sub_type: 'title', title: 'T' },
    ],
    [
      'napcat',
      { kind: 'card', group: '30003', user: '20002', card: 'C' },
      { notice_type: 'group_card', card_new: 'C', card_old: '' },
    ],
    [
      'napcat',
      { kind: 'group_name', group: '30003', user: '20002', name: 'N' },
      { notice_type: 'notify', sub_type: 'group_name', name_new: 'N' },
    ],
    [
      'napcat',
      { kind: 'essence', group: '30003', message_id: 5, operator: '20003' },
      { notice_type: 'essence', sub_type: 'add', message_id: 5 },
    ],
    [
      'napcat',
      { kind: 'emoji_like', group: '30003', user: '20002', message_id: 5, emoji: '76' },
      { notice_type: 'group_msg_emoji_like', likes: [{ emoji_id: '76', count: 1 }], is_add: true },
    ],
    [
      'lagrange',
      { kind: 'reaction', group: '30003', user: '20002', message_id: 5, code: '76' },
      { notice_type: 'reaction', sub_type: 'add', operator_id: 20002, code: '76' },
    ],
    [
      'napcat',
      { kind: 'input_status', user: '20002' },
      { notice_type: 'notify', sub_type: 'input_status', group_id: 0, event_type: 1 },
    ],
    [
      'napcat',
      { kind: 'profile_like', user: '20002' },
      { notice_type: 'notify', sub_type: 'profile_like', operator_id: 20002, times: 1 },
    ],
    [
      'napcat',
      { kind: 'gray_tip', group: '30003', user: '20002', content: 'x' },
      { notice_type: 'notify', sub_type: 'gray_tip', content: expect.any(String) },
    ],
    [
      'go-cqhttp',
      { kind: 'offline_file', user: '20002', name: 'f', size: 3 },
      { notice_type: 'offline_file', file: { name: 'f', size: 3, url: expect.any(String) } },
    ],
    ['go-cqhttp', { kind: 'client_status' }, { notice_type: 'client_status', online: true }],
    ['napcat', { kind: 'bot_offline' }, { notice_type: 'bot_offline', user_id: 10001, tag: expect.any(String) }],
    [
      'napcat',
      { kind: 'friend_request', user: '20004', comment: 'hi' },
      {
        post_type: 'request',
        request_type: 'friend',
        user_id: 20004,
        comment: 'hi',
        flag: expect.stringMatching(/^\d+$/),
      },
    ],
    [
      'napcat',
      { kind: 'group_request', group: '30003', user: '20002' },
      {
        post_type: 'request',
        request_type: 'group',
        sub_type: 'add',
        group_id: 30003,
        flag: expect.stringMatching(/^\d{16,}$/),
      },
    ],
    [
      'lagrange',
      { kind: 'group_request', group: '30003', user: '20002', how: 'invite' },
      { sub_type: 'invite', flag: expect.stringMatching(/^\d+-30003-\d$/) },
    ],
  ];
  test.each(CASES)('%s: %j', async (flavour, what, fields) => {
    await connect(flavour);
    await order(sandbox, '/onebot/events', what);
    const event = await application.event(({ post_type }) => post_type === 'notice' || post_type === 'request');
    expect(event).toMatchObject({
      self_id: 10001,
      time: expect.any(Number),
      ...fields,
    });
  });

  test('what an implementation never tells must be forced', async () => {
    await connect('napcat');
    const honor = { kind: 'honor', group: '30003', user: '20002', honor: 'performer' };
    expect((await order(sandbox, '/onebot/events', honor)).body.error.code).toBe('event.never');
    await order(sandbox, '/onebot/events', { ...honor, force: true });
    await application.event(({ sub_type }) => sub_type === 'honor');
  });

  test('NapCat tells a file in a group twice, the others once; it can be fetched', async () => {
    await connect('napcat');
    const upload = {
      kind: 'upload',
      group: '30003',
      user: '20002',
      name: 'a.txt',
      content: Buffer.from('abc').toString('base64'),
    };
    expect((await order(sandbox, '/onebot/events', upload)).body.events.length).toBe(2);
    const { file } = await application.event(({ notice_type }) => notice_type === 'group_upload');
    expect(file).toMatchObject({ name: 'a.txt', size: 3, busid: 102 });
    const message = await application.event(({ post_type }) => post_type === 'message');
    expect(message.message).toMatchObject([
      { type: 'file', data: { file: 'a.txt', file_id: file.id, file_size: '3' } },
    ]);
    const { data } = await application.call('get_group_file_url', { group_id: 30003, file_id: file.id });
    expect(await (await fetch(data.url)).text()).toBe('abc');
  });

  test('a recall names who wrote it and who took it back', async () => {
    await connect('napcat');
    const { message_id } = sandbox.platform.onebot.say({ from: '20002', group: '30003', text: 'oops' });
    sandbox.platform.onebot.happen({ kind: 'recall', message_id, operator: '20003' });
    expect(await application.event(({ notice_type }) => notice_type === 'group_recall')).toMatchObject({
      user_id: 20002,
      operator_id: 20003,
      message_id,
    });
    const own = sandbox.platform.onebot.say({ from: '20002', text: 'oops' });
    sandbox.platform.onebot.happen({ kind: 'recall', message_id: own.message_id });
    await application.event(({ notice_type }) => notice_type === 'friend_recall');
  });

  test('requests are answered by their flag, once', async () => {
    await connect('napcat');
    sandbox.platform.onebot.happen({ kind: 'friend_request', user: '20004' });
    const { flag } = await application.event(({ request_type }) => request_type === 'friend');
    expect(await application.call('set_friend_add_request', { flag, approve: true, remark: 'C' })).toMatchObject({
      retcode: 0,
    });
    await application.event(({ notice_type }) => notice_type === 'friend_add');
    expect(sandbox.platform.onebot.world.person('20004')).toMatchObject({ friend: true, remark: 'C' });
    expect(await application.call('set_friend_add_request', { flag, approve: true })).toMatchObject({
      retcode: 1200,
      message: 'No such request',
    });
    sandbox.platform.onebot.happen({ kind: 'group_request', group: '30004', user: '20003' });
    const asked = await application.event(({ request_type }) => request_type === 'group');
    await application.call('set_group_add_request', { flag: asked.flag, sub_type: 'add', approve: true });
    await application.event(({ notice_type, user_id }) => notice_type === 'group_increase' && user_id === 20003);
  });
});
