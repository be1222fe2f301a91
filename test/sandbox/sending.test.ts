import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.js';
import { call, connectBot, fetchToken, get, order, post, postJson } from './support/bare-bot.js';

const ALICE = '/v2/users/openid_alice/messages';
const GROUP = '/v2/groups/group_demo/messages';
const CHANNEL = '/channels/18700000000002000001/messages';
const MINUTE = 60_000;

let sandbox: Sandbox;
let now: number;
beforeEach(async () => {
  now = 1_767_225_600_000;
  sandbox = await startSandbox({ now: () => now });
});
afterEach(() => sandbox.close());

const said = (more: object = {}) => sandbox.platform.say({ from: 'openid_alice', text: 'hi', ...more }).id;
const text = (more: object = {}) => ({ msg_type: 0, content: 'x', ...more });
const lastEntry = () => sandbox.platform.transcript.since(0).at(-1);
/** HTTP status and code of the answer; 0 for accepted. */
const send = async (path: string, body: unknown) => {
  const answer = await post(sandbox, path, body);
  return [answer.status, answer.body.code ?? 0];
};

describe('passive replies', () => {
  test('C2C: four within 60 minutes', async () => {
    const msg_id = said();
    for (const msg_seq of [1, 2, 3, 4]) expect(await send(ALICE, text({ msg_id, msg_seq }))).toEqual([200, 0]);
    expect(await send(ALICE, text({ msg_id, msg_seq: 5 }))).toEqual([400, 40034128]);
    const late = said();
    now += 60 * MINUTE;
    expect(await send(ALICE, text({ msg_id: late }))).toEqual([200, 0]);
    now += 1;
    expect(await send(ALICE, text({ msg_id: late, msg_seq: 2 }))).toEqual([400, 40034005]);
  });

  test('group: five within 5 minutes', async () => {
    const msg_id = said({ group: 'group_demo' });
    for (const msg_seq of [1, 2, 3, 4, 5]) expect(await send(GROUP, text({ msg_id, msg_seq }))).toEqual([200, 0]);
    expect(await send(GROUP, text({ msg_id, msg_seq: 6 }))).toEqual([400, 40034128]);
    now += 5 * MINUTE + 1;
    expect(await send(GROUP, text({ msg_id, msg_seq: 7 }))).toEqual([400, 40034005]);
  });

  test('a pair of msg_id and msg_seq is taken once, and msg_seq is 1 where it is left out', async () => {
    const msg_id = said();
    expect(await send(ALICE, text({ msg_id }))).toEqual([200, 0]);
    expect(await send(ALICE, text({ msg_id, msg_seq: 1 }))).toEqual([400, 40054005]);
    expect(await send(ALICE, text({ msg_id, msg_seq: 2 }))).toEqual([200, 0]);
  });

  test('a repeat is told to be one even when the replies are used up', async () => {
    const msg_id = said();
    for (const msg_seq of [1, 2, 3, 4]) await send(ALICE, text({ msg_id, msg_seq }));
    expect(await send(ALICE, text({ msg_id, msg_seq: 4 }))).toEqual([400, 40054005]);
  });

  test('a refused send uses up nothing', async () => {
    const msg_id = said();
    expect(await send(ALICE, { msg_type: 0, content: '', msg_id })).toEqual([400, 50006]);
    expect(await send(ALICE, text({ msg_id }))).toEqual([200, 0]);
  });

  test('an id that is unknown, of another person, or of another scene', async () => {
    expect(await send(ALICE, text({ msg_id: 'ROBOT1.0_none!' }))).toEqual([400, 40034024]);
    const ofAlice = said();
    expect(await send('/v2/users/openid_bob/messages', text({ msg_id: ofAlice }))).toEqual([400, 40034024]);
    expect(await send(GROUP, text({ msg_id: ofAlice }))).toEqual([400, 40034024]);
  });

  test('events: those that qualify are answered by their envelope’s id', async () => {
    sandbox.platform.set({ user: 'openid_alice', friend: false });
    const [added] = sandbox.platform.set({ user: 'openid_alice', friend: true });
    expect(await send(ALICE, text({ event_id: added?.id }))).toEqual([200, 0]);
    const [rejected] = sandbox.platform.set({ user: 'openid_alice', active_allowed: false });
    expect(await send(ALICE, text({ event_id: rejected?.id }))).toEqual([400, 40034027]);
    expect(await send(ALICE, text({ event_id: 'FRIEND_ADD:none' }))).toEqual([400, 40034025]);
    now += 61 * MINUTE;
    expect(await send(ALICE, text({ event_id: added?.id, msg_seq: 2 }))).toEqual([400, 40034026]);
  });

  test('a typing sign takes a msg_seq but no reply', async () => {
    const msg_id = said();
    const typing = { msg_type: 6, input_notify: { input_type: 1, input_second: 60 }, msg_id };
    expect(await send(ALICE, { ...typing, msg_seq: 1 })).toEqual([200, 0]);
    expect(await send(ALICE, text({ msg_id, msg_seq: 1 }))).toEqual([400, 40054005]);
    for (const msg_seq of [2, 3, 4, 5]) expect(await send(ALICE, text({ msg_id, msg_seq }))).toEqual([200, 0]);
  });

  test('a typing sign costs a reply where the platform is set so', async () => {
    await order(sandbox, '/switches', { typing_costs_reply: true });
    const msg_id = said();
    const typing = { msg_type: 6, input_notify: { input_type: 1, input_second: 60 }, msg_id };
    expect(await send(ALICE, { ...typing, msg_seq: 1 })).toEqual([200, 0]);
    for (const msg_seq of [2, 3, 4]) expect(await send(ALICE, text({ msg_id, msg_seq }))).toEqual([200, 0]);
    expect(await send(ALICE, text({ msg_id, msg_seq: 5 }))).toEqual([400, 40034128]);
    expect(sandbox.platform.state()).toMatchObject({ typing_costs_reply: true });
  });

  test.each([[undefined], [{ input_type: 3, input_second: 60 }], [{ input_type: 1, input_second: 61 }]])(
    'no typing sign is %j',
    async (input_notify) => {
      const [status, code] = await send(ALICE, { msg_type: 6, input_notify, msg_id: said() });
      expect([status, code]).not.toEqual([200, 0]);
      expect(sandbox.platform.transcript.since(0).at(-1)).toMatchObject({ kind: 'bot.send', accepted: false });
    },
  );

  test('a typing sign is shown as one in the transcript', async () => {
    await send(ALICE, { msg_type: 6, input_notify: { input_type: 2, input_second: 1 }, msg_id: said() });
    expect(sandbox.platform.transcript.since(0).at(-1)).toMatchObject({
      kind: 'bot.send',
      msg_type: 6,
      typing: { input_type: 2, input_second: 1 },
      accepted: true,
    });
  });

  test('a message in a hand-made event can be answered', async () => {
    const d = {
      id: 'ROBOT1.0_made!',
      content: '',
      author: { user_openid: 'openid_alice' },
      attachments: [{ url: 'x.example/a' }],
    };
    await order(sandbox, '/raw', { event: { t: 'C2C_MESSAGE_CREATE', id: 'C2C_MESSAGE_CREATE:made', d } });
    await order(sandbox, '/raw', { event: { t: 'GROUP_AT_MESSAGE_CREATE', d: null } });
    expect(await send(ALICE, text({ msg_id: 'ROBOT1.0_made!' }))).toEqual([200, 0]);
  });

  test('window and count can be set', async () => {
    await order(sandbox, '/switches', { windows: { c2c: { minutes: 1, count: 1 } } });
    const msg_id = said();
    expect(await send(ALICE, text({ msg_id }))).toEqual([200, 0]);
    expect(await send(ALICE, text({ msg_id, msg_seq: 2 }))).toEqual([400, 40034128]);
    expect(sandbox.platform.state().windows.group).toEqual({ minutes: 5, count: 5 });
  });
});

describe('active messages', () => {
  test('reach someone who never wrote, and are never taken for repeats', async () => {
    expect(await send(ALICE, text())).toEqual([200, 0]);
    expect(await send(ALICE, text())).toEqual([200, 0]);
    expect(await send(GROUP, text())).toEqual([200, 0]);
  });

  test('are refused where the peer forbids them, while a reply still works', async () => {
    await order(sandbox, '/switches', { user: 'openid_alice', active_allowed: false });
    await order(sandbox, '/switches', { group: 'group_demo', active_allowed: false });
    expect(await send(ALICE, text())).toEqual([400, 40034102]);
    expect(await send(GROUP, text())).toEqual([400, 40034105]);
    expect(await send(ALICE, text({ msg_id: said() }))).toEqual([200, 0]);
    await order(sandbox, '/switches', { user: 'openid_alice', active_allowed: true });
    expect(await send(ALICE, text())).toEqual([200, 0]);
  });

  test('cannot reach a stranger, a former friend, or a group the bot left', async () => {
    expect(await send('/v2/users/openid_nobody/messages', text())).toEqual([400, 40054004]);
    expect(await send('/v2/groups/nowhere/messages', text())).toEqual([400, 40034101]);
    sandbox.platform.set({ user: 'openid_alice', friend: false });
    sandbox.platform.set({ group: 'group_demo', bot_in_group: false });
    expect(await send(ALICE, text())).toEqual([400, 40054004]);
    expect(await send(GROUP, text())).toEqual([400, 40034101]);
  });
});

describe('bodies', () => {
  test.each([
    ['empty content', { msg_type: 0, content: '' }, 50006],
    ['no content', { msg_type: 0 }, 50006],
    ['markdown without its object', { msg_type: 2, content: 'x' }, 40034011],
    ['markdown without text', { msg_type: 2, markdown: { content: '' } }, 40034008],
    ['msg_type as text', { msg_type: '0', content: 'x' }, 40011000],
    ['content as number', { msg_type: 0, content: 5 }, 40011000],
    ['msg_seq as text', { msg_type: 0, content: 'x', msg_seq: '1' }, 40011000],
    ['both ids', { msg_type: 0, content: 'x', msg_id: 'a', event_id: 'b' }, 40011000],
    ['a list', [], 40011000],
  ])('%s is refused', async (_, body, code) => {
    expect(await send(ALICE, body)).toEqual([400, code]);
  });

  test('a body without msg_type is text', async () => {
    expect(await send(ALICE, { content: 'x' })).toEqual([200, 0]);
  });

  test('markdown is taken, and shown as its text', async () => {
    expect(await send(ALICE, { msg_type: 2, markdown: { content: '**x**' }, content: 'ignored' })).toEqual([200, 0]);
    expect(sandbox.platform.transcript.since(0).at(-1)).toMatchObject({ kind: 'bot.send', msg_type: 2, text: '**x**' });
  });

  test('markdown is refused where the bot may not use it', async () => {
    await order(sandbox, '/switches', { markdown_allowed: false });
    expect(await send(ALICE, { msg_type: 2, markdown: { content: '**x**' } })).toEqual([400, 40034090]);
    expect(await send(ALICE, { msg_type: 2 })).toEqual([400, 40034011]);
    await connectBot(sandbox);
    expect(await send(CHANNEL, { markdown: { content: '**x**' } })).toEqual([400, 304036]);
    expect(await send(ALICE, text())).toEqual([200, 0]);
  });

  test('addresses, and what looks like one, are refused in groups and channels where they are forbidden', async () => {
    expect(await send(GROUP, text({ content: 'https://example.org/x' }))).toEqual([200, 0]);
    await order(sandbox, '/switches', { urls_allowed: false });
    await connectBot(sandbox);
    for (const content of ['see https://10.0.0.1/x', 'run a.py', 'node.js'])
      expect(await send(GROUP, text({ content }))).toEqual([400, 40054010]);
    expect(await send(GROUP, { msg_type: 2, markdown: { content: '[x](https://a)' } })).toEqual([400, 40054010]);
    expect(await send(CHANNEL, { content: 'example.org' })).toEqual([400, 304003]);
    expect(await send(GROUP, text({ content: 'Well. That is 3.5 more, e. g. this…' }))).toEqual([200, 0]);
    expect(await send(ALICE, text({ content: 'https://example.org/x' }))).toEqual([200, 0]);
  });

  test('a quote names a message by its REFIDX, and is shown', async () => {
    const { ref_idx = '', id } = sandbox.platform.say({ from: 'openid_alice', text: 'asked' });
    const quoting = (message_reference: unknown) => text({ message_reference });
    expect(await send(ALICE, quoting({ message_id: ref_idx }))).toEqual([200, 0]);
    expect(lastEntry()).toMatchObject({ kind: 'bot.send', quote: { id: ref_idx, text: 'asked' } });
    expect(await send(ALICE, quoting({ message_id: id }))).toEqual([200, 0]);
    expect(await send(ALICE, quoting({ message_id: 'REFIDX_none==' }))).toEqual([400, 40034024]);
    const careless = { message_id: 'REFIDX_none==', ignore_get_message_error: true };
    expect(await send(ALICE, quoting(careless))).toEqual([200, 0]);
    expect(lastEntry()).toMatchObject({ quote: { id: 'REFIDX_none==' } });
    expect(await send(ALICE, quoting('REFIDX_none=='))).toEqual([400, 40011000]);
  });

  test('too long a text: 40054007, by a limit that can be set, in characters', async () => {
    expect(await send(ALICE, text({ content: '🐉'.repeat(5000) }))).toEqual([200, 0]);
    expect(await send(ALICE, text({ content: 'x'.repeat(5001) }))).toEqual([400, 40054007]);
    await order(sandbox, '/switches', { max_text_length: 3 });
    expect(await send(ALICE, text({ content: 'four' }))).toEqual([400, 40054007]);
  });

  test('a body over 1 MiB is refused by the front end, in HTML', async () => {
    const answer = await post(sandbox, ALICE, text({ content: 'x'.repeat(1024 * 1024) }));
    expect([answer.status, answer.headers.get('content-type')]).toEqual([413, 'text/html']);
  });

  test('an openid is decoded from the path', async () => {
    sandbox.platform.people.addUser('Odd', 'a!b=+*~');
    expect(await send(`/v2/users/${encodeURIComponent('a!b=+*~')}/messages`, text())).toEqual([200, 0]);
    expect(await send('/v2/users/%E0%A4%A/messages', text())).toEqual([404, 404]);
  });
});

describe('at the door', () => {
  test('tokens: none 11241, another scheme 11242, stale 11244', async () => {
    const bare = (headers: Record<string, string>) => postJson(sandbox.apiBaseUrl + ALICE, text(), headers);
    expect((await bare({})).body.code).toBe(11241);
    expect((await bare({ Authorization: `Bot ${await fetchToken(sandbox)}` })).body.code).toBe(11242);
    expect((await bare({ Authorization: 'QQBot stale' })).body.code).toBe(11244);
    expect((await bare({})).status).toBe(401);
  });

  test('paths and methods that do not exist are answered in JSON', async () => {
    expect([(await get(sandbox, '/v3')).status, (await get(sandbox, ALICE)).status]).toEqual([404, 405]);
    expect((await get(sandbox, '/v3')).body).toMatchObject({ code: 404, trace_id: expect.any(String) });
  });
});

describe('ordered faults', () => {
  const fault = (more: object) => order(sandbox, '/faults', { kind: 'rest', ...more });
  const sends = () => sandbox.platform.transcript.since(0).filter((entry) => entry.kind === 'bot.send');

  test('strike the next matching requests, after those they skip, and are listed until then', async () => {
    await fault({ method: 'POST', path: '/v2/groups/*', code: 20028, times: 2, skip: 1, retry_after: 3 });
    expect(await send(ALICE, text())).toEqual([200, 0]);
    expect(await send(GROUP, text())).toEqual([200, 0]);
    const struck = await post(sandbox, GROUP, text());
    expect([struck.status, struck.body.code, struck.headers.get('retry-after')]).toEqual([429, 20028, '3']);
    expect((await call(`${sandbox.url}/sandbox/v1/faults`)).body.faults).toMatchObject([{ id: 'f1', left: 1 }]);
    expect(await send(GROUP, text())).toEqual([429, 20028]);
    expect(await send(GROUP, text())).toEqual([200, 0]);
    expect((await call(`${sandbox.url}/sandbox/v1/faults`)).body.faults).toEqual([]);
  });

  test('a status with a body, and HTML', async () => {
    await fault({ status: 503, body: { odd: true } });
    const odd = await post(sandbox, ALICE, text());
    expect([odd.status, odd.body]).toEqual([503, { odd: true }]);
    await fault({ html: '<html>bad gateway</html>' });
    const page = await post(sandbox, ALICE, text());
    expect([page.status, page.text]).toEqual([502, '<html>bad gateway</html>']);
    expect(sends().map((entry) => entry.accepted)).toEqual([false, false]);
  });

  test('an answer that is spoiled after the platform accepted: the repeat is refused as one', async () => {
    const msg_id = said();
    await fault({ status: 504, accept: true });
    expect((await post(sandbox, ALICE, text({ msg_id }))).status).toBe(504);
    expect(sends().at(-1)).toMatchObject({ accepted: true, fault: 'f1' });
    expect(await send(ALICE, text({ msg_id }))).toEqual([400, 40054005]);
  });

  test.each([
    ['before', false, [200, 0]],
    ['after', true, [400, 40054005]],
  ] as const)('a connection that is reset %s the platform acts', async (drop, accepted, repeat) => {
    const msg_id = said();
    await fault({ drop, path: ALICE });
    await expect(post(sandbox, ALICE, text({ msg_id }))).rejects.toThrow();
    expect(sends()).toMatchObject([{ accepted, fault: 'f1' }]);
    expect(await send(ALICE, text({ msg_id }))).toEqual(repeat);
  });

  test('an answer that is held until the fault is deleted', async () => {
    await fault({ hold: true, accept: true, path: ALICE });
    const held = send(ALICE, text());
    const aborted = AbortSignal.timeout(5000);
    await sandbox.platform.seen((entry) => entry.kind === 'bot.send', aborted);
    expect(await send(GROUP, text())).toEqual([200, 0]);
    await call(`${sandbox.url}/sandbox/v1/faults/f1`, { method: 'DELETE' });
    expect(await held).toEqual([200, 0]);
  });

  test('a delay passes the request on', async () => {
    await fault({ delay_ms: 30, path: ALICE });
    const before = performance.now();
    expect(await send(ALICE, text())).toEqual([200, 0]);
    expect(performance.now() - before).toBeGreaterThan(25);
  });
});

test('every request to the platform is counted by its route', async () => {
  await send(ALICE, text());
  await send('/v2/users/openid_nobody/messages', text());
  await get(sandbox, '/nowhere');
  const { requests, requests_by_route, sends, sends_accepted } = sandbox.platform.state().counters;
  expect(requests_by_route).toEqual({
    'POST /app/getAppAccessToken': 3,
    'POST /v2/users/*/messages': 2,
    'GET unknown path': 1,
  });
  expect([requests, sends, sends_accepted]).toEqual([6, 2, 1]);
});
