import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { MalformedKind } from '../../src/sandbox/onebot/malformed.js';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.js';
import { waitUntil } from '../support/wait-until.js';
import { call, type Json, order } from './support/bare-bot.js';
import { BareApplication } from './support/onebot-application.js';

let sandbox: Sandbox;
let application: BareApplication;
beforeEach(async () => {
  sandbox = await startSandbox();
  application = await BareApplication.listen({ maxPayload: 1024 * 1024 });
  sandbox.platform.onebot.connect({ url: application.url, reconnect_ms: 10, heartbeat_ms: 0 });
  await application.dialled();
});
afterEach(async () => {
  await sandbox.close();
  await application.close();
});

const fault = async (what: object): Promise<Json> => (await order(sandbox, '/onebot/faults', what)).body;
const sent = (echo: string, action = 'get_status', params: object = {}) =>
  application.line.socket.send(JSON.stringify({ action, params, echo }));
const echoes = () => application.lines.flatMap(({ answers }) => answers.map(({ echo }) => echo));
const calls = () => sandbox.platform.transcript.since(0).filter((entry) => entry.kind === 'onebot.call');

describe('answers', () => {
  test('that are slow are overtaken', async () => {
    await fault({ kind: 'slow', action: 'get_friend_list', delay_ms: 80 });
    sent('slow', 'get_friend_list');
    sent('fast', 'get_group_list');
    await waitUntil('both', () => echoes().length === 2);
    expect(echoes()).toEqual(['fast', 'slow']);
  });

  test('that are reordered go out backwards', async () => {
    await fault({ kind: 'reorder', count: 3 });
    for (const echo of ['a', 'b', 'c', 'd']) sent(echo);
    await waitUntil('all', () => echoes().length === 4);
    expect(echoes()).toEqual(['c', 'b', 'a', 'd']);
  });

  test('that are swallowed never come, though the message is shown', async () => {
    await fault({ kind: 'swallow', action: 'send_group_msg' });
    sent('gone', 'send_group_msg', { group_id: 30003, message: 'x' });
    sent('here');
    await waitUntil('the second', () => echoes().length === 1);
    expect(echoes()).toEqual(['here']);
    expect(sandbox.platform.transcript.since(0)).toContainEqual(
      expect.objectContaining({ kind: 'onebot.send', accepted: true }),
    );
    expect(calls()[0]).toMatchObject({ action: 'send_group_msg', answered: false });
  });

  test('to what is lost never come, and nothing is shown', async () => {
    await fault({ kind: 'lose', times: 1 });
    sent('gone', 'send_group_msg', { group_id: 30003, message: 'x' });
    sent('here');
    await waitUntil('the second', () => echoes().length === 1);
    expect(sandbox.platform.transcript.since(0).some(({ kind }) => kind === 'onebot.send')).toBe(false);
  });

  test('may be failures of any number', async () => {
    await fault({ kind: 'refuse', retcode: 1401, message: 'no' });
    expect(await application.call('get_status')).toMatchObject({ status: 'failed', retcode: 1401, message: 'no' });
    expect(await application.call('get_status')).toMatchObject({ retcode: 0 });
  });

  test.each([
    ['number', '7', 7],
    ['string', 7, '7'],
    ['object', '7', { echo: '7' }],
    ['null', '7', null],
    ['proto', '7', '__proto__'],
    ['other', '7', 'another echo'],
    ['missing', '7', undefined],
  ] as const)('name a wrong echo: %s', async (as, echo, told) => {
    await fault({ kind: 'echo', as });
    application.line.socket.send(JSON.stringify({ action: 'get_status', echo }));
    const answer = await waitUntil('an answer', () => application.line.answers[0]);
    expect(answer.echo).toStrictEqual(told);
  });

  test('a fault is listed until it is spent or deleted', async () => {
    const made = (await fault({ kind: 'slow', delay_ms: 1, times: 2 })).fault;
    expect(made).toMatchObject({ left: 2, order: { kind: 'slow' } });
    await application.call('get_status');
    expect((await call(`${sandbox.url}/sandbox/v1/onebot/faults`)).body.faults).toMatchObject([
      { id: made.id, left: 1 },
    ]);
    const remove = (id: string) => call(`${sandbox.url}/sandbox/v1/onebot/faults/${id}`, { method: 'DELETE' });
    expect((await remove(made.id)).body).toEqual({ removed: 1 });
    expect((await remove(made.id)).body.error.code).toBe('fault.unknown');
  });
});

describe('the line', () => {
  test('is cut, and dialled again', async () => {
    expect(await fault({ kind: 'drop' })).toEqual({ fault: null });
    expect(await waitUntil('the close', () => application.lines[0]?.closed)).toMatchObject({ code: 1006 });
    await application.dialled(2);
    await fault({ kind: 'drop', code: 4001, reason: 'bye' });
    expect(await waitUntil('the close', () => application.lines[1]?.closed)).toEqual({ code: 4001, reason: 'bye' });
    await application.dialled(3);
  });

  test('is half open: it neither answers nor closes, until it recovers', async () => {
    await fault({ kind: 'half_open' });
    sent('unread');
    sandbox.platform.onebot.say({ from: '20002', text: 'unsent' });
    const other = await BareApplication.listen();
    sandbox.platform.onebot.connect({ url: other.url, self_id: '10002' });
    await other.dialled();
    await other.call('get_status');
    expect([application.line.answers, application.line.closed]).toEqual([[], undefined]);
    await fault({ kind: 'recover', self_id: '10001' });
    await waitUntil('the answer', () => echoes().length === 1);
    expect(application.line.events.some(({ raw_message }) => raw_message === 'unsent')).toBe(false);
    await other.close();
  });

  test('is left half open, and another made beside it', async () => {
    await fault({ kind: 'half_open', redial: true });
    await application.dialled(2);
    expect(application.lines[0]?.closed).toBeUndefined();
    expect(await application.call('get_status')).toMatchObject({ retcode: 0 });
  });

  test('beats no more while it shall not', async () => {
    const beating = await BareApplication.listen();
    sandbox.platform.onebot.connect({ url: beating.url, self_id: '10002', heartbeat_ms: 10 });
    const beats = () =>
      beating.lines.flatMap(({ events }) => events).filter((event) => event.meta_event_type === 'heartbeat').length;
    await waitUntil('a beat', () => beats() > 0);
    await fault({ kind: 'no_heartbeats', self_id: '10002', times: 3 });
    const before = beats();
    await waitUntil(
      'the fault to be spent',
      () => sandbox.platform.onebot.implementation('10002').spoilers.list().length === 0,
    );
    expect(beats() - before).toBeLessThanOrEqual(1);
    await waitUntil('another beat', () => beats() > before + 1);
    await beating.close();
  });
});

describe('frames that are no proper event', () => {
  const TEXTS: readonly (readonly [MalformedKind, (line: Json) => unknown])[] = [
    ['null', ({ others }) => others[0] === 'null'],
    ['number', ({ others }) => others[0] === '5'],
    ['string', ({ others }) => others[0] === '"x"'],
    ['array', ({ others }) => others[0] === '[]'],
    ['bad_json', ({ others }) => others[0] === '{"post_type":"message",'],
    ['deep', ({ others }) => others[0]?.length === 200_000],
    ['binary', ({ others }) => Buffer.isBuffer(others[0])],
    [
      'no_message',
      ({ events }) => events.some((event: Json) => event.post_type === 'message' && !('message' in event)),
    ],
    [
      'no_data',
      ({ events }) =>
        events.some((event: Json) => event.message?.[0].type === 'text' && event.message[0].data === undefined),
    ],
    ['empty_message', ({ events }) => events.some((event: Json) => event.message?.length === 0)],
    [
      'no_self_id',
      ({ events }) => events.some((event: Json) => event.post_type === 'message' && !('self_id' in event)),
    ],
    ['unknown_event', ({ events }) => events.some((event: Json) => event.post_type === 'weather')],
    ['answer_to_nobody', ({ answers }) => answers[0]?.echo === 'nobody asked'],
    ['proto_echo', ({ answers }) => answers[0]?.echo === '__proto__'],
  ];
  test.each(TEXTS)('%s', async (what, came) => {
    await fault({ kind: 'malformed', what });
    await waitUntil(what, () => Boolean(came(application.line)));
    expect(await application.call('get_status')).toMatchObject({ retcode: 0 });
  });

  test.each([
    ['bad_utf8', 1007],
    ['reserved_opcode', 1002],
    ['unmasked', 1002],
    ['oversized', 1009],
  ] as const)('%s ends the line of who is strict with %i, and it is dialled again', async (what, code) => {
    const error = new Promise<Json>((resolve) => application.line.socket.on('error', resolve));
    await fault({ kind: 'malformed', what, bytes: 2 * 1024 * 1024 });
    expect(Object.values(await error)).toContainEqual(expect.stringMatching(/WS_ERR|RangeError/));
    await waitUntil('the close', () =>
      sandbox.platform.transcript
        .since(0)
        .find((entry) => entry.kind === 'onebot.line' && entry.step === 'closed' && entry.code === code),
    );
    await application.dialled(2);
  });
});

test('raw frames and events of any kind', async () => {
  expect((await order(sandbox, '/onebot/raw', { frame: '{"post_type":"notice","x":1}' })).body).toEqual({ lines: 1 });
  await order(sandbox, '/onebot/raw', { event: { post_type: 'notice', notice_type: 'weather' } });
  await order(sandbox, '/onebot/raw', { base64: Buffer.from('"by hand"').toString('base64'), opcode: 1 });
  await waitUntil(
    'all three',
    () => application.line.events.length === 3 && application.line.others[0] === '"by hand"',
  );
});

test('a flood arrives whole and in order, and is one entry of the transcript', async () => {
  const before = sandbox.platform.transcript.last;
  await fault({ kind: 'flood', count: 3000, text: 'm$N' });
  const came = () => application.line.events.filter(({ post_type }) => post_type === 'message');
  await waitUntil('all', () => came().length === 3000);
  expect(came().map(({ raw_message }) => raw_message)).toEqual(
    Array.from({ length: 3000 }, (_, index) => `m${index + 1}`),
  );
  const kinds = sandbox.platform.transcript.since(before).map(({ kind }) => kind);
  expect(kinds.filter((kind) => kind !== 'onebot.line')).toEqual(['onebot.fault', 'onebot.event']);
});

describe('the sandbox’s own API', () => {
  test.each([
    ['/onebot/messages', {}, 400, 'request.invalid'],
    ['/onebot/messages', { from: '20002', text: 'x', colour: 'red' }, 400, 'request.invalid'],
    ['/onebot/messages', { from: '999', text: 'x' }, 404, 'user.unknown'],
    ['/onebot/messages', { from: '20002', group: '999', text: 'x' }, 404, 'group.unknown'],
    ['/onebot/messages', { from: '20003', group: '30004', text: 'x' }, 404, 'member.unknown'],
    ['/onebot/messages', { from: '20002', text: 'x', quote: 1 }, 404, 'quote.unknown'],
    ['/onebot/messages', { self_id: '5', from: '20002', text: 'x' }, 404, 'implementation.unknown'],
    ['/onebot/messages', { from: '20002', text: 'x', message_id: 2 ** 31 }, 400, 'request.invalid'],
    ['/onebot/implementations', { url: 'http://127.0.0.1:1' }, 400, 'request.invalid'],
    [
      '/onebot/implementations',
      { url: 'ws://127.0.0.1:1', self_id: '5', role: 'split' },
      400,
      'implementation.one_line',
    ],
    ['/onebot/implementations/5', { online: false }, 404, 'implementation.unknown'],
    ['/onebot/events', { kind: 'rain' }, 400, 'request.invalid'],
    ['/onebot/events', { kind: 'recall', message_id: 5 }, 404, 'message.unknown'],
    ['/onebot/faults', { kind: 'fire' }, 400, 'request.invalid'],
    ['/onebot/users', { user_id: '20002', name: 'Again' }, 400, 'user.exists'],
    ['/onebot/groups', { name: 'G', members: ['999'] }, 404, 'user.unknown'],
    ['/onebot/nothing', {}, 404, 'route.unknown'],
  ])('POST %s %j', async (path, body, status, code) => {
    const answer = await order(sandbox, path, body);
    expect([answer.status, answer.body.error?.code]).toEqual([status, code]);
  });

  test('new people and groups; a bot is in every group', async () => {
    const { user_id } = (await order(sandbox, '/onebot/users', { name: 'Eve' })).body;
    const group = (await order(sandbox, '/onebot/groups', { name: 'Tea 2', members: [user_id], bot_role: 'admin' }))
      .body;
    expect(group.members).toMatchObject([
      { user_id, role: 'owner' },
      { user_id: '10001', role: 'admin' },
    ]);
    await order(sandbox, '/onebot/messages', { from: user_id, group: group.group_id, text: 'hi' });
    expect(await application.message('hi')).toMatchObject({ group_id: Number(group.group_id) });
  });

  test('two messages of different groups may have the same id', async () => {
    for (const group of ['30003', '30004'])
      await order(sandbox, '/onebot/messages', { from: '20002', group, text: `in ${group}`, message_id: -7 });
    expect([
      (await application.message('in 30003')).message_id,
      (await application.message('in 30004')).message_id,
    ]).toEqual([-7, -7]);
  });

  test('the state and the transcript show both worlds', async () => {
    const state = (await call(`${sandbox.url}/sandbox/v1/state`)).body;
    expect(state.onebot).toMatchObject({
      implementations: [
        { self_id: '10001', flavour: 'napcat', connected: true, lines: [{ role: 'universal', open: true }] },
      ],
      users: [{ user_id: '20002', name: 'Alice' }, {}, {}, { user_id: '10001' }],
    });
    await application.call('send_private_msg', { user_id: 20002, message: 'hello' });
    const { entries } = (await call(`${sandbox.url}/sandbox/v1/transcript`)).body;
    expect(entries.map((entry: Json) => entry.kind)).toEqual(['onebot.line', 'onebot.send', 'onebot.call']);
    expect(sandbox.platform.state().counters).toMatchObject({
      onebot_calls: 1,
      onebot_sends: 1,
      onebot_sends_accepted: 1,
    });
    expect(entries[2]).toMatchObject({
      params: { user_id: 20002, message: 'hello' },
      raw: expect.stringContaining('"action":"send_private_msg"'),
    });
  });
});
