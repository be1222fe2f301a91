import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { OneBotSend } from '../../src/sandbox/onebot/happenings.js';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.js';
import { waitUntil } from '../support/wait-until.js';
import type { Json } from './support/bare-bot.js';
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

async function connect(flavour: Flavour = 'napcat', more: object = {}): Promise<void> {
  sandbox.platform.onebot.connect({ url: application.url, flavour, heartbeat_ms: 0, ...more });
  await application.dialled();
}

const sends = (): readonly OneBotSend[] =>
  sandbox.platform.transcript.since(0).filter((entry) => entry.kind === 'onebot.send');
const text = (said: string) => [{ type: 'text', data: { text: said } }];
const toGroup = (message: Json, more: object = {}) =>
  application.call('send_group_msg', { group_id: 30003, message, ...more });
const toAlice = (message: Json, more: object = {}) =>
  application.call('send_private_msg', { user_id: 20002, message, ...more });

describe('answers', () => {
  test('NapCat’s have every key of the notes', async () => {
    await connect('napcat');
    const ok = await toGroup(text('hello'));
    expect(ok).toEqual({
      status: 'ok',
      retcode: 0,
      data: { message_id: expect.any(Number) },
      message: '',
      wording: '',
      echo: 'c1',
      stream: 'normal-action',
    });
    expect(await toGroup([{ type: 'share', data: {} }])).toEqual({
      status: 'failed',
      retcode: 1200,
      data: null,
      message: '未知的消息类型：share',
      wording: '未知的消息类型：share',
      echo: 'c2',
      stream: 'normal-action',
    });
  });

  test('LLOneBot’s lack the stream, and the echo when parameters are wrong', async () => {
    await connect('llonebot');
    expect(await application.call('get_status')).not.toHaveProperty('stream');
    application.line.socket.send(JSON.stringify({ action: 'set_group_ban', params: { user_id: 1 }, echo: 'lost' }));
    const failed = await waitUntil('a 1400', () => application.line.answers.find(({ retcode }) => retcode === 1400));
    expect(failed).not.toHaveProperty('echo');
  });

  test('Lagrange’s have no words', async () => {
    await connect('lagrange');
    expect(await toGroup(text('x'))).toEqual({
      status: 'ok',
      retcode: 0,
      data: { message_id: expect.any(Number) },
      echo: 'c1',
    });
    expect(await application.call('set_group_kick', { group_id: 1, user_id: 2 })).toEqual({
      status: 'failed',
      retcode: 200,
      data: null,
      echo: 'c2',
    });
  });

  test('go-cqhttp’s failures have a word, and no echo unless one was given', async () => {
    await connect('go-cqhttp');
    expect(await application.call('get_group_info', { group_id: 1 })).toMatchObject({
      status: 'failed',
      retcode: 100,
      msg: 'GROUP_NOT_FOUND',
      wording: expect.any(String),
      data: null,
      echo: 'c1',
    });
    application.line.socket.send(JSON.stringify({ action: 'get_status' }));
    const bare = await waitUntil('an answer', () => application.line.answers[1]);
    expect(bare).not.toHaveProperty('echo');
  });

  test.each([
    ['napcat', 1404],
    ['llonebot', 1404],
    ['lagrange', 404],
    ['go-cqhttp', 404],
  ] as const)('%s answers an unknown action with %i', async (flavour, retcode) => {
    await connect(flavour);
    for (const action of ['fly_away', 'toString', '__proto__', ''])
      expect(await application.call(action)).toMatchObject({ status: 'failed', retcode });
  });

  test.each([5, 'five', { seq: 1, nested: ['__proto__'] }, ['a'], true, 1.5, ''])(
    'the echo %j comes back as it was',
    async (echo) => {
      await connect();
      application.line.socket.send(JSON.stringify({ action: 'get_status', params: {}, echo }));
      const answer = await waitUntil('the answer', () => application.line.answers[0]);
      expect(answer.echo).toStrictEqual(echo);
    },
  );

  test.each([
    ['napcat', 'get_status_async', 0],
    ['napcat', 'get_status_rate_limited', 0],
    ['go-cqhttp', 'get_status_async', 0],
    ['go-cqhttp', 'get_status_rate_limited', 404],
    ['lagrange', 'get_status_async', 404],
  ] as const)('%s on %s: %i', async (flavour, action, retcode) => {
    await connect(flavour);
    expect(await application.call(action)).toMatchObject({ retcode });
  });

  test('a frame that is no call is answered without an echo by NapCat, not at all by Lagrange, and the line goes on', async () => {
    for (const [index, flavour] of (['napcat', 'lagrange'] as const).entries()) {
      sandbox.platform.onebot.connect({ url: application.url, flavour, self_id: `1000${index}1`, heartbeat_ms: 0 });
      const line = await application.dialled(index + 1);
      for (const frame of ['{', 'null', '5', '"x"', '[]', '{}']) line.socket.send(frame);
      expect(await application.call('get_status', {}, line)).toMatchObject({ retcode: 0 });
      expect(line.answers.filter(({ retcode }) => retcode === 1400).length).toBe(flavour === 'napcat' ? 5 : 0);
    }
  });
});

describe('who it is', () => {
  test.each([
    ['napcat', 'NapCat.Onebot'],
    ['llonebot', 'LLOneBot'],
    ['lagrange', 'Lagrange.OneBot'],
    ['go-cqhttp', 'go-cqhttp'],
  ] as const)('%s says %s', async (flavour, app_name) => {
    await connect(flavour);
    expect((await application.call('get_version_info')).data).toMatchObject({ app_name, protocol_version: 'v11' });
    expect((await application.call('get_login_info')).data).toEqual({ user_id: 10001, nickname: expect.any(String) });
    expect((await application.call('get_status')).data).toMatchObject({ online: true, good: true });
    expect((await application.call('can_send_image')).data).toEqual({ yes: true });
    expect((await application.call('can_send_record')).data).toEqual({ yes: true });
  });

  test('friends, groups, members and strangers', async () => {
    await connect();
    expect((await application.call('get_friend_list')).data).toMatchObject([
      { user_id: 20002, nickname: 'Alice', remark: '' },
      { user_id: 20003, nickname: 'Bob' },
    ]);
    expect((await application.call('get_group_list')).data).toMatchObject([
      { group_id: 30003, group_name: 'Demo', member_count: 4 },
      { group_id: 30004 },
    ]);
    expect((await application.call('get_group_info', { group_id: '30003' })).data).toMatchObject({ group_all_shut: 0 });
    expect((await application.call('get_group_member_list', { group_id: 30003 })).data.length).toBe(4);
    expect(
      (await application.call('get_group_member_info', { group_id: 30003, user_id: 20003, no_cache: true })).data,
    ).toMatchObject({
      user_id: 20003,
      nickname: 'Bob',
      role: 'admin',
      level: expect.any(String),
    });
    expect((await application.call('get_stranger_info', { user_id: 20004 })).data).toMatchObject({
      nickname: 'Carol',
      sex: 'unknown',
    });
    expect(await application.call('get_stranger_info', { user_id: 5 })).toMatchObject({ retcode: 1200 });
  });
});

describe('a message that is sent', () => {
  test.each(ALL)('%s takes an array, one segment, and text; what was sent can be read again', async (flavour) => {
    await connect(flavour);
    for (const message of [text('hello'), text('hello')[0], 'hello']) {
      const { data } = await toGroup(message);
      const again = await application.call('get_msg', { message_id: data.message_id });
      expect(again.data).toMatchObject({ message_id: data.message_id, raw_message: 'hello', user_id: 10001 });
    }
    expect(sends().map((send) => [send.accepted, send.text, send.scene])).toEqual(
      Array(3).fill([true, 'hello', { kind: 'group', id: '30003', self_id: '10001' }]),
    );
  });

  test('CQ codes count in text, unless it is escaped', async () => {
    await connect();
    await toGroup('[CQ:at,qq=20002] a&#91;b&#93;&amp;c');
    await toGroup('[CQ:at,qq=20002]', { auto_escape: true });
    await toGroup([{ type: 'text', data: { text: '[CQ:at,qq=20002]' } }]);
    expect(sends().map(({ seen }) => seen)).toEqual([
      [
        { type: 'at', data: { qq: '20002' } },
        { type: 'text', data: { text: ' a[b]&c' } },
      ],
      text('[CQ:at,qq=20002]'),
      text('[CQ:at,qq=20002]'),
    ]);
  });

  test('send_msg without a type goes to the group on NapCat, to the person on go-cqhttp', async () => {
    await connect('napcat');
    sandbox.platform.onebot.connect({ url: application.url, flavour: 'go-cqhttp', self_id: '10002' });
    await application.dialled(2);
    for (const line of application.lines)
      await application.call('send_msg', { user_id: 20002, group_id: 30003, message: 'x' }, line);
    await application.call('send_msg', { message_type: 'private', user_id: 20002, group_id: 30003, message: 'x' });
    expect(sends().map(({ scene }) => scene.kind)).toEqual(['group', 'private', 'private']);
  });

  test('a quote is kept where its message is known, and dropped where it is not', async () => {
    await connect();
    const { message_id } = sandbox.platform.onebot.say({ from: '20002', text: 'question' });
    const quote = (id: unknown) => [{ type: 'reply', data: { id: String(id) } }, ...text('answer')];
    await toAlice(quote(message_id));
    await toAlice(quote(1));
    expect(sends().map(({ quote, dropped }) => [quote?.text, dropped])).toEqual([
      ['question', []],
      [undefined, ['reply']],
    ]);
  });

  test('nobody hears from a bot that may not speak', async () => {
    await connect();
    expect(await application.call('send_private_msg', { user_id: 20004, message: 'x' })).toMatchObject({
      retcode: 1200,
    });
    expect(await application.call('send_private_msg', { user_id: 20004, group_id: 30003, message: 'x' })).toMatchObject(
      { retcode: 0 },
    );
    expect(await application.call('send_group_msg', { group_id: 1, message: 'x' })).toMatchObject({ retcode: 1200 });
    sandbox.platform.onebot.happen({ kind: 'ban', group: '30004', user: '10001' });
    expect(await application.call('send_group_msg', { group_id: 30004, message: 'x' })).toMatchObject({
      retcode: 1200,
      message: expect.stringContaining('禁言'),
    });
    expect(sends().map(({ accepted }) => accepted)).toEqual([false, true, false, false]);
  });

  test('a file inside the call is measured, not kept in the transcript', async () => {
    await connect();
    const content = Buffer.alloc(3_000_000, 7);
    expect(await toGroup([{ type: 'image', data: { file: `base64://${content.toString('base64')}` } }])).toMatchObject({
      retcode: 0,
    });
    const [send] = sends();
    expect(send?.media).toEqual([
      { type: 'image', bytes: content.length, sha256: createHash('sha256').update(content).digest('hex') },
    ]);
    expect(JSON.stringify(sandbox.platform.transcript.since(0)).length).toBeLessThan(20_000);
    expect(await toGroup([{ type: 'image', data: { file: 'base64://' } }])).toMatchObject({ retcode: 1200 });
    expect(await toGroup([{ type: 'image', data: { file: 'file:///nowhere/x.png' } }])).toMatchObject({
      retcode: 1200,
    });
    expect(await toGroup([{ type: 'image', data: { file: 'https://example.org/x.png' } }])).toMatchObject({
      retcode: 0,
    });
  });
});

describe('what becomes of a segment', () => {
  const CASES: readonly (readonly [Flavour, string, Json, 'seen' | 'dropped' | 'failed'])[] = [
    ['napcat', 'xml', { data: '<x/>' }, 'dropped'],
    ['napcat', 'poke', { type: '1', id: '-1' }, 'dropped'],
    ['napcat', 'miniapp', { data: '{}' }, 'dropped'],
    ['napcat', 'onlinefile', {}, 'dropped'],
    ['napcat', 'flashtransfer', { fileSetId: '1' }, 'dropped'],
    ['napcat', 'share', { url: 'x' }, 'failed'],
    ['napcat', 'keyboard', {}, 'failed'],
    ['napcat', 'lightapp', {}, 'failed'],
    ['napcat', 'json', { data: '{}' }, 'seen'],
    ['napcat', 'markdown', { content: '# x' }, 'seen'],
    ['napcat', 'face', { id: '14' }, 'seen'],
    ['napcat', 'face', { id: '99999' }, 'dropped'],
    ['napcat', 'mface', { emoji_package_id: 1, emoji_id: 'a', key: 'k', summary: 's' }, 'seen'],
    ['llonebot', 'share', {}, 'dropped'],
    ['llonebot', 'keyboard', {}, 'seen'],
    ['lagrange', 'xml', { data: '<x/>' }, 'seen'],
    ['lagrange', 'location', { lat: '1', lon: '2' }, 'seen'],
    ['go-cqhttp', 'share', { url: 'x' }, 'seen'],
    ['go-cqhttp', 'markdown', { content: 'x' }, 'dropped'],
  ];
  test.each(CASES)('%s %s %j: %s', async (flavour, type, data, fate) => {
    await connect(flavour);
    const { retcode } = await toGroup([{ type, data }, ...text('beside')]);
    const [send] = sends();
    expect(retcode === 0).toBe(fate !== 'failed');
    expect(send?.seen.map((segment) => segment.type)).toEqual(
      fate === 'failed' ? [] : fate === 'seen' ? [type, 'text'] : ['text'],
    );
    expect(send?.dropped).toEqual(fate === 'dropped' ? [type] : []);
  });

  test('of nothing but what NapCat drops no message is left', async () => {
    await connect();
    expect(await toGroup([{ type: 'xml', data: { data: '<x/>' } }])).toMatchObject({
      retcode: 1200,
      message: expect.stringContaining('消息体无法解析'),
    });
    expect(await toGroup([{ type: 'text' }])).toMatchObject({ retcode: 1200 });
    expect(await toGroup(undefined)).toMatchObject({ retcode: 1200 });
  });

  test('NapCat draws dice itself, LLOneBot shows the result that it is told', async () => {
    await connect('llonebot');
    await toGroup([{ type: 'dice', data: { result: '42' } }]);
    await sandbox.platform.onebot.disconnect();
    sandbox.platform.onebot.connect({ url: application.url });
    await application.dialled(2);
    await toGroup([{ type: 'dice', data: { result: '42' } }]);
    const [told, drawn] = sends().map(({ seen }) => seen[0]?.data.result);
    expect(told).toBe('42');
    expect(Number(drawn)).toBeLessThanOrEqual(6);
  });

  test('NapCat puts a stub where a location stood', async () => {
    await connect();
    await toGroup([{ type: 'location', data: { lat: '39.9', lon: '116.4', title: 'here' } }]);
    expect(JSON.stringify(sends()[0]?.seen)).not.toContain('39.9');
  });

  test('an @ of nobody fails in a group of NapCat, and any @ is dropped in private', async () => {
    await connect();
    const at = [{ type: 'at', data: { qq: '999' } }, ...text('x')];
    expect(await toGroup(at)).toMatchObject({ retcode: 1200, message: 'Get Uid Error' });
    expect(await toAlice(at)).toMatchObject({ retcode: 0 });
    expect(sends()[1]?.dropped).toEqual(['at']);
  });
});

describe('forwarded records', () => {
  const node = (said: string) => ({ type: 'node', data: { user_id: 20002, nickname: 'A', content: text(said) } });
  test.each([
    ['napcat', 'messages'],
    ['llonebot', 'messages'],
    ['lagrange', 'message'],
    ['go-cqhttp', 'messages'],
  ] as const)('%s tells them as %s', async (flavour, key) => {
    await connect(flavour);
    const { data } = await application.call('send_group_forward_msg', {
      group_id: 30003,
      messages: [node('one'), node('two')],
    });
    expect(data).toMatchObject({ message_id: expect.any(Number), res_id: expect.any(String) });
    const read = (await application.call('get_forward_msg', { id: data.res_id })).data;
    expect(read[key].length).toBe(2);
    expect(JSON.stringify(read)).toContain('two');
  });

  test('nodes and other segments do not mix', async () => {
    await connect();
    expect(await toGroup([node('x'), ...text('y')])).toMatchObject({ retcode: 1400 });
  });
});

describe('rule of a group', () => {
  const inDemo = (action: string, params: object = {}) =>
    application.call(action, { group_id: 30003, user_id: 20002, ...params });
  const member = (id: string) => sandbox.platform.onebot.world.group('30003').members.get(id);

  test('an omitted duration lifts a ban on NapCat, and makes one of half an hour on go-cqhttp', async () => {
    await connect('napcat');
    await inDemo('set_group_ban', { duration: 60 });
    expect(member('20002')?.mutedUntil).toBeGreaterThan(0);
    await inDemo('set_group_ban');
    expect(member('20002')?.mutedUntil).toBe(0);
    await sandbox.platform.onebot.disconnect();
    sandbox.platform.onebot.connect({ url: application.url, flavour: 'go-cqhttp' });
    await application.dialled(2);
    await inDemo('set_group_ban');
    expect(member('20002')?.mutedUntil).toBeGreaterThan(Date.now() / 1000 + 1700);
  });

  test('an omitted enable takes away the admin on NapCat', async () => {
    await connect();
    await inDemo('set_group_admin', { enable: true });
    expect(member('20002')?.role).toBe('admin');
    await inDemo('set_group_admin');
    expect(member('20002')?.role).toBe('member');
  });

  test('kick, mute of all, name, card and title; each is told as a notice where the program tells it', async () => {
    await connect();
    for (const [action, params] of [
      ['set_group_kick', { user_id: 20004, reject_add_request: false }],
      ['set_group_whole_ban', { enable: true }],
      ['set_group_name', { group_name: 'New' }],
      ['set_group_card', { card: 'Card' }],
      ['set_group_special_title', { special_title: 'Title' }],
    ] as const)
      expect(await inDemo(action, params)).toMatchObject({ retcode: 0, data: null });
    expect(sandbox.platform.onebot.state().groups[0]).toMatchObject({ name: 'New', all_muted: true });
    expect(member('20004')).toBeUndefined();
    expect(member('20002')).toMatchObject({ card: 'Card', title: 'Title' });
    sandbox.platform.onebot.say({ from: '20002', group: '30003', text: 'x' });
    await application.message('x');
    expect(
      application.line.events.flatMap(({ notice_type, sub_type }) =>
        notice_type === undefined ? [] : [`${notice_type}/${sub_type}`],
      ),
    ).toEqual(['group_decrease/kick', 'group_ban/ban', 'notify/group_name', 'notify/title', 'group_card/undefined']);
  });

  test('is refused to a mere member, and against who stands as high', async () => {
    await connect();
    expect(await application.call('set_group_ban', { group_id: 30004, user_id: 20004, duration: 60 })).toMatchObject({
      retcode: 1200,
      message: 'ERR_NOT_GROUP_ADMIN',
    });
    expect(await inDemo('set_group_ban', { user_id: 10001, duration: 60 })).toMatchObject({
      retcode: 1200,
      message: 'cannot ban owner/admin',
    });
    expect(await application.call('set_group_ban', { user_id: 20004 })).toMatchObject({ retcode: 1400 });
    expect(await inDemo('set_group_kick', { user_id: 999 })).toMatchObject({ retcode: 1200 });
  });
});

test('friends are deleted and remarked; NapCat says ok to who is none', async () => {
  await connect();
  expect(await application.call('set_friend_remark', { user_id: 20002, remark: 'Al' })).toMatchObject({ retcode: 0 });
  expect(sandbox.platform.onebot.world.person('20002').remark).toBe('Al');
  expect(await application.call('delete_friend', { user_id: 20002 })).toMatchObject({
    retcode: 0,
    data: { result: 0 },
  });
  expect(await application.call('delete_friend', { user_id: 20002 })).toMatchObject({
    retcode: 0,
    data: { valid: false },
  });
  expect(await application.call('set_friend_remark', { user_id: 20002, remark: 'x' })).toMatchObject({ retcode: 1200 });
});

test.each(['lagrange', 'go-cqhttp'] as const)('%s knows no remark for a friend', async (flavour) => {
  await connect(flavour);
  expect(await application.call('set_friend_remark', { user_id: 20002, remark: 'x' })).toMatchObject({ retcode: 404 });
});

test('files go up to a group and to a person, and down again in pieces under one echo', async () => {
  await connect();
  const content = Buffer.alloc(150_000, 1);
  const file = `base64://${content.toString('base64')}`;
  const { data } = await application.call('upload_group_file', { group_id: 30003, file, name: 'a.bin', folder: '/f' });
  expect(data.file_id).toEqual(expect.any(String));
  await application.event(({ notice_type }) => notice_type === 'group_upload');
  expect(await application.call('upload_private_file', { user_id: 20002, file, name: 'b.bin' })).toMatchObject({
    retcode: 0,
  });
  expect(sandbox.platform.onebot.state().files).toMatchObject([
    { name: 'a.bin', bytes: 150_000, place: '30003', folder: '/f', by: '10001' },
    { name: 'b.bin', place: '20002' },
  ]);
  const before = application.line.answers.length;
  await application.call('download_file_stream', { file_id: data.file_id });
  const last = await waitUntil('the last', () =>
    application.line.answers.find((answer) => answer.data?.type === 'response'),
  );
  const pieces = application.line.answers.slice(before);
  expect(pieces.map((piece) => piece.data.data_type)).toEqual([
    'file_info',
    'file_chunk',
    'file_chunk',
    'file_chunk',
    'file_complete',
  ]);
  expect(new Set(pieces.map(({ echo, stream }) => `${echo} ${stream}`)).size).toBe(1);
  expect(last.data).toMatchObject({ total_chunks: 3, total_bytes: 150_000 });
});

test('go-cqhttp takes files by a path of its own machine alone', async () => {
  await connect('go-cqhttp');
  expect(
    await application.call('upload_group_file', { group_id: 30003, file: 'base64://YWJj', name: 'a' }),
  ).toMatchObject({ retcode: 100 });
  expect(
    await application.call('upload_group_file', { group_id: 30003, file: import.meta.filename, name: 'a' }),
  ).toMatchObject({ retcode: 0, data: null });
});

test('history, recall and quick operations', async () => {
  await connect();
  const ids = ['a', 'b', 'c'].map(
    (said) => sandbox.platform.onebot.say({ from: '20003', group: '30003', text: said }).message_id,
  );
  const history = await application.call('get_group_msg_history', { group_id: 30003, count: 2, message_seq: ids[1] });
  expect(history.data.messages.map(({ raw_message }: Json) => raw_message)).toEqual(['a', 'b']);
  expect(await application.call('delete_msg', { message_id: ids[0] })).toMatchObject({ retcode: 0 });
  await application.event(({ notice_type }) => notice_type === 'group_recall');
  expect(await application.call('delete_msg', { message_id: ids[0] })).toMatchObject({ retcode: 1200 });
  const context = await application.message('c');
  const operation = { reply: 'quick', at_sender: true, kick: true };
  expect(await application.call('.handle_quick_operation_async', { context, operation })).toMatchObject({
    retcode: 0,
    data: null,
  });
  expect(sends()[0]?.seen.map(({ type }) => type)).toEqual(['reply', 'at', 'text']);
  expect(sandbox.platform.onebot.world.group('30003').members.has('20003')).toBe(true);
});

test('the bot’s own messages come back where it reports itself', async () => {
  await connect('napcat', { report_self: true });
  const { data } = await toAlice(text('mine'));
  const event = await application.event(({ post_type }) => post_type === 'message_sent');
  expect(event).toMatchObject({ message_id: data.message_id, user_id: 10001, target_id: 20002 });
});

test('whatever a call brings, it is answered, and the line goes on', async () => {
  await connect();
  const actions = [
    'send_msg',
    'send_group_msg',
    'send_private_msg',
    'send_forward_msg',
    'send_group_forward_msg',
    'delete_msg',
    'get_msg',
  ];
  actions.push(
    'get_forward_msg',
    'get_group_msg_history',
    'set_group_ban',
    'set_group_kick',
    'set_group_card',
    'set_group_leave',
  );
  actions.push(
    'upload_group_file',
    'get_group_file_url',
    'delete_friend',
    'set_friend_add_request',
    'set_group_add_request',
  );
  actions.push(
    'get_group_member_info',
    'get_stranger_info',
    'group_poke',
    '.handle_quick_operation',
    'download_file_stream',
  );
  const odd = [null, 5, 'x', [], {}, { group_id: {}, user_id: [], message: null, message_id: 'x', file: 5, flag: {} }];
  const hostile = JSON.parse(
    '{"__proto__": {"user_id": 1}, "user_id": "__proto__", "group_id": "constructor", "message": [null, {"type": "__proto__", "data": {}}]}',
  );
  const nested = {
    group_id: 30003,
    messages: [{ type: 'node', data: { content: [{ type: 'node', data: { content: null } }] } }],
    context: 5,
    operation: 'x',
  };
  let echo = 0;
  for (const action of actions)
    for (const params of [undefined, ...odd, hostile, nested]) {
      echo += 1;
      application.line.socket.send(JSON.stringify({ action, params, echo }));
    }
  await waitUntil('every answer', () => application.line.answers.length === echo);
  expect(application.line.answers.every(({ status }) => status === 'failed' || status === 'ok')).toBe(true);
});
