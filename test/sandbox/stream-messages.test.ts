/** Stream messages of C2C, as the platform's page tells them: one message that grows piece by piece. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.js';
import type { BotStream } from '../../src/sandbox/transcript.js';
import { order, post } from './support/bare-bot.js';

const PATH = '/v2/users/openid_alice/stream_messages';
const MINUTE = 60_000;

let sandbox: Sandbox;
let now: number;
beforeEach(async () => {
  now = 1_767_225_600_000;
  sandbox = await startSandbox({ now: () => now });
});
afterEach(() => sandbox.close());

const said = () => sandbox.platform.say({ from: 'openid_alice', text: 'hi' }).id;
const streams = () =>
  sandbox.platform.transcript
    .since(0)
    .filter((entry): entry is typeof entry & BotStream => entry.kind === 'bot.stream');

function piece(msg_id: string, index: number, content_raw: string, more: object = {}) {
  const event_id = msg_id;
  return {
    input_mode: 'replace',
    input_state: 1,
    index,
    content_type: 'markdown',
    content_raw,
    msg_id,
    event_id,
    msg_seq: 3,
    ...more,
  };
}

async function put(body: object, path = PATH): Promise<readonly [number, number, string]> {
  const { status, body: answer } = await post(sandbox, path, body);
  return [status, Number(answer.code ?? 0), String(answer.id ?? '')];
}

test('the first piece makes the message, later ones let it grow, and after the last there is none', async () => {
  const msg_id = said();
  const [status, , id] = await put(piece(msg_id, 0, 'Hel'));
  expect([status, id]).toEqual([200, expect.stringMatching(/^ROBOT1\.0_/)]);
  expect(await put(piece(msg_id, 1, 'Hello', { stream_msg_id: id }))).toEqual([200, 0, id]);
  expect(await put(piece(msg_id, 2, ', you', { stream_msg_id: id, input_mode: 'append' }))).toEqual([200, 0, id]);
  expect(await put(piece(msg_id, 4, 'Hello, you.', { stream_msg_id: id, input_state: 10 }))).toEqual([200, 0, id]);
  expect(await put(piece(msg_id, 5, 'Hello, you. Bye', { stream_msg_id: id }))).toEqual([400, 40007, '']);
  expect(streams().map(({ text, accepted, finished }) => [text, accepted, finished])).toEqual([
    ['Hel', true, false],
    ['Hello', true, false],
    ['Hello, you', true, false],
    ['Hello, you.', true, true],
    ['Hello, you. Bye', false, false],
  ]);
  expect(sandbox.platform.messages.find(id)?.text).toBe('Hello, you.');
});

test('it is one reply: its pair is taken once, and it takes a place', async () => {
  const msg_id = said();
  const [, , id] = await put(piece(msg_id, 0, 'a'));
  await put(piece(msg_id, 1, 'ab', { stream_msg_id: id }));
  expect(await put(piece(msg_id, 0, 'again'))).toEqual([400, 40054005, '']);
  const reply = (msg_seq: number) =>
    put({ msg_type: 0, content: 'x', msg_id, msg_seq }, '/v2/users/openid_alice/messages');
  expect(await reply(3)).toEqual([400, 40054005, '']);
  for (const seq of [4, 5, 6]) expect((await reply(seq))[0]).toBe(200);
  expect(await reply(7)).toEqual([400, 40034128, '']);
});

test('what is shown stays: another beginning, a number that does not rise and another stream are no continuation', async () => {
  const msg_id = said();
  const [, , id] = await put(piece(msg_id, 0, 'Hello'));
  const on = { stream_msg_id: id };
  for (const wrong of [
    piece(msg_id, 1, 'Hullo', on),
    piece(msg_id, 0, 'Hello you', on),
    piece(said(), 1, 'Hello you', on),
    piece(msg_id, 1, 'Hello you', { ...on, msg_seq: 4 }),
    piece(msg_id, 1, 'Hello you', { stream_msg_id: 'ROBOT1.0_nobody' }),
    piece(msg_id, 1, 'Hello you'),
  ])
    expect(await put(wrong)).toEqual([400, 40007, '']);
  expect(await put(piece(msg_id, 1, 'Hello', on))).toEqual([200, 0, id]); // the same again is a continuation
});

test.each([
  { input_mode: 'insert' },
  { input_state: 2 },
  { index: -1 },
  { index: '0' },
  { content_type: 'html' },
  { content_raw: 1 },
  { msg_seq: 1.5 },
  { event_id: 'another' },
  { msg_id: undefined, event_id: undefined },
])('%j is malformed', async (wrong) => {
  expect(await put(piece(said(), 0, 'x', wrong))).toEqual([400, 40011000, '']);
});

test('windows, friendship, markdown and length hold as for any message', async () => {
  const msg_id = said();
  expect(await put(piece('ROBOT1.0_unknown', 0, 'x'))).toEqual([400, 40034024, '']);
  expect(await put(piece(msg_id, 0, ''))).toEqual([400, 50006, '']);
  expect(await put(piece(msg_id, 0, 'x'.repeat(5001)))).toEqual([400, 40054007, '']);
  sandbox.platform.settings.markdownAllowed = false;
  expect(await put(piece(msg_id, 0, 'x'))).toEqual([400, 40034090, '']);
  expect((await put(piece(msg_id, 0, 'x', { content_type: 'text' })))[0]).toBe(200);
  now += 60 * MINUTE + 1;
  expect(await put(piece(msg_id, 0, 'x', { content_type: 'text', msg_seq: 4 }))).toEqual([400, 40034005, '']);
  expect(await put(piece(msg_id, 0, 'x'), '/v2/users/openid_nobody/stream_messages')).toEqual([400, 40034090, '']);
  expect(await put(piece(msg_id, 0, 'x'), '/v2/groups/group_demo/stream_messages')).toEqual([404, 404, '']);
});

test('faults strike it too: a piece that got lost raises the number all the same', async () => {
  const msg_id = said();
  const [, , id] = await put(piece(msg_id, 0, 'a'));
  const fault = { kind: 'rest', path: '/v2/users/*/stream_messages', code: 50002 };
  expect((await order(sandbox, '/faults', fault)).status).toBe(200);
  expect(await put(piece(msg_id, 1, 'ab', { stream_msg_id: id }))).toEqual([400, 50002, '']);
  expect(await put(piece(msg_id, 2, 'abc', { stream_msg_id: id }))).toEqual([200, 0, id]);
});
