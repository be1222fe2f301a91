/** The sandbox is held to the frames of the protocol's fact sheet, not to what our own client understands. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.js';
import { type BareBot, type BareSocket, connectBot, get, order, post, postJson, resume } from './support/bare-bot.js';
import { expectShape, fixture, shapeDifferences } from './support/wire-shape.js';

let sandbox: Sandbox;
beforeEach(async () => {
  sandbox = await startSandbox({
    sessionLimit: { total: 1000, remaining: 1000, resetAfterMs: 86_400_000, maxConcurrency: 100 },
  });
});
afterEach(() => sandbox.close());

test('the matcher itself notices a missing key, an additional one, another type and another format', () => {
  const sheet = { a: 1, b: '2026-10-02T20:16:02+08:00', c: [1] };
  expect(shapeDifferences({ a: '1', b: '2026-10-02T12:16:02Z', c: [], d: 0 }, sheet)).toHaveLength(4);
  expect(shapeDifferences({ a: 1 }, sheet)).toHaveLength(2);
});

test('HELLO and READY', async () => {
  const { hello, ready } = await connectBot(sandbox);
  expectShape(hello, 'hello');
  expectShape(ready, 'ready');
  expect(hello).toEqual(fixture('hello'));
  expect(ready).toMatchObject({ s: 1, d: { shard: [0, 1], user: { id: sandbox.botId } } });
});

test('RESUMED: an empty string as `d`, after what was missed', async () => {
  const bot = await connectBot(sandbox);
  const socket = await resume(sandbox, bot, 1);
  expectShape(await socket.frame(), 'resumed');
});

test('heartbeat ACK, op 7 and op 9 have no more than they should', async () => {
  const { socket } = await connectBot(sandbox);
  socket.send({ op: 1, d: 1 });
  expect(await socket.text()).toBe('{"op":11}');
  await order(sandbox, '/faults', { kind: 'gateway.reconnect' });
  expect(await socket.frame()).toEqual(fixture('reconnect'));
  await order(sandbox, '/faults', { kind: 'gateway.invalid_session', resumable: false });
  expect(await socket.frame()).toEqual(fixture('invalid-session'));
});

test('a C2C message that quotes', async () => {
  const { socket } = await connectBot(sandbox);
  const first = await order(sandbox, '/messages', { from: 'openid_alice', text: 'quoted text' });
  await order(sandbox, '/messages', { from: 'openid_alice', text: '你好', quote: first.body.id });
  const plain = await socket.frame();
  const quoting = await socket.frame();
  expectShape(quoting, 'c2c-message');
  expect(quoting.d.message_scene.ext[1]).toBe(`ref_${plain.d.message_scene.ext[0]}`);
  expect(plain.d).toMatchObject({ message_type: 0, author: { user_openid: 'openid_alice' } });
  expect(Object.keys(plain.d)).not.toContain('msg_elements');
});

test('a group message that mentions the bot: the mention is stripped, its blanks remain', async () => {
  const { socket } = await connectBot(sandbox);
  await order(sandbox, '/messages', { from: 'openid_alice', group: 'group_demo', text: '/ping' });
  const event = await socket.frame();
  expectShape(event, 'group-at-message');
  expect(event.d).toMatchObject({
    content: ' /ping ',
    group_openid: 'group_demo',
    author: { member_openid: 'member_alice' },
  });
});

test('a group that lets the bot hear everything pushes a mention in both forms, under one message id', async () => {
  const { socket } = await connectBot(sandbox);
  await order(sandbox, '/switches', { group: 'group_demo', receive_all: true });
  await order(sandbox, '/messages', { from: 'openid_bob', group: 'group_demo', text: 'all of you', mention: false });
  const all = await socket.frame();
  expect(all).toMatchObject({ t: 'GROUP_MESSAGE_CREATE', d: { content: 'all of you', mentions: [] } });
  await order(sandbox, '/messages', { from: 'openid_bob', group: 'group_demo', text: 'you' });
  const at = await socket.frame();
  const copy = await socket.frame();
  expect([at.t, copy.t]).toEqual(['GROUP_AT_MESSAGE_CREATE', 'GROUP_MESSAGE_CREATE']);
  expect(copy.d.id).toBe(at.d.id);
  expect(copy.d.content).toBe(`<@${at.d.mentions[0].member_openid}> you`);
});

test('life-cycle events carry unix seconds', async () => {
  const { socket } = await connectBot(sandbox);
  await order(sandbox, '/switches', { user: 'openid_alice', friend: false });
  await order(sandbox, '/switches', { user: 'openid_alice', friend: true });
  await order(sandbox, '/switches', { group: 'group_demo', bot_in_group: false });
  await order(sandbox, '/switches', { group: 'group_demo', bot_in_group: true, active_allowed: false });
  expect((await socket.frame()).t).toBe('FRIEND_DEL');
  expectShape(await socket.frame(), 'friend-add');
  expect((await socket.frame()).t).toBe('GROUP_DEL_ROBOT');
  const added = await socket.frame();
  expectShape(added, 'group-add-robot');
  expect(Math.abs(added.d.timestamp - Date.now() / 1000)).toBeLessThan(60);
  expect((await socket.frame()).t).toBe('GROUP_MSG_REJECT');
  await order(sandbox, '/switches', { group: 'group_demo', leave: 'openid_bob' });
  const left = await socket.frame();
  expect([left.t, left.d.member_openid, left.d.user_openid]).toEqual([
    'GROUP_MEMBER_REMOVE',
    'member_bob',
    'openid_bob',
  ]);
});

test('the answers of the HTTP API', async () => {
  const granted = await postJson(sandbox.tokenUrl, { appId: sandbox.appId, clientSecret: sandbox.clientSecret });
  expectShape(granted.body, 'token');
  const refused = await postJson(sandbox.tokenUrl, { appId: sandbox.appId, clientSecret: 'wrong' });
  expect([refused.status, refused.body]).toEqual([200, fixture('token-refused')]);
  expectShape((await get(sandbox, '/gateway')).body, 'gateway');
  expectShape((await get(sandbox, '/gateway/bot')).body, 'gateway-bot');
  expectShape((await post(sandbox, '/v2/users/openid_bob/messages', { msg_type: 0, content: 'x' })).body, 'sent');
  expect((await get(sandbox, '/users/@me')).body).toEqual({ id: sandbox.botId, username: 'demo', bot: true });
});

test('error bodies carry both numberings and the trace id of the header', async () => {
  const expired = await post(sandbox, '/v2/users/openid_bob/messages', {}, 'stale');
  expect(expired.status).toBe(401);
  expectShape(expired.body, 'error-body');
  expect(expired.body.code).toBe(11244);
  expect(expired.headers.get('X-Tps-trace-ID')).toBe(expired.body.trace_id);

  await order(sandbox, '/faults', { kind: 'rest', code: 11298 });
  const blocked = await get(sandbox, '/gateway/bot');
  expect([blocked.status, blocked.body.code, blocked.body.err_code]).toEqual([401, 11298, 40023002]);
});

test('the same message pushed twice has one id and two sequence numbers', async () => {
  const bot: BareBot = await connectBot(sandbox);
  await order(sandbox, '/messages', { from: 'openid_alice', text: 'twice', duplicate: 1 });
  const [first, second] = [await bot.socket.frame(), await bot.socket.frame()];
  expect(second).toEqual({ ...first, s: first.s + 1 });
});

test('raw frames go out as they are written, and `$S` numbers them', async () => {
  const bot = await connectBot(sandbox);
  await order(sandbox, '/raw', { frame: '{"op":0,"s":' });
  expect(await bot.socket.text()).toBe('{"op":0,"s":');
  await order(sandbox, '/raw', { frame: '{"op":0,"s":$S,"t":"C2C_MESSAGE_CREATE","d":{}}' });
  expect(await bot.socket.frame()).toEqual({ op: 0, s: 2, t: 'C2C_MESSAGE_CREATE', d: {} });
  await order(sandbox, '/raw', { event: { t: 'NEVER_HEARD_OF', d: { a: 1 } } });
  expect(await bot.socket.frame()).toEqual({ op: 0, s: 3, t: 'NEVER_HEARD_OF', d: { a: 1 } });
  const again: BareSocket = await resume(sandbox, bot, 1);
  expect([(await again.frame()).s, (await again.frame()).s, (await again.frame()).t]).toEqual([2, 3, 'RESUMED']);
});
