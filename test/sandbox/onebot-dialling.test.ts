import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.js';
import { waitUntil } from '../support/wait-until.js';
import { order } from './support/bare-bot.js';
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

describe('the handshake', () => {
  test.each([
    ['napcat', { authorization: 'Bearer t', 'user-agent': 'OneBot/11' }],
    ['llonebot', { authorization: 'Bearer t', 'user-agent': expect.stringMatching(/^LLOneBot\//) }],
    ['lagrange', { authorization: 'Bearer t' }],
    ['go-cqhttp', { authorization: 'Token t', 'user-agent': 'CQHttp/4.15.0' }],
  ] as const)('%s names itself, its account and its token', async (flavour, headers) => {
    sandbox.platform.onebot.connect({ url: application.url, flavour, token: 't' });
    const line = await application.dialled();
    expect(line.headers).toMatchObject({ ...headers, 'x-self-id': '10001', 'x-client-role': 'Universal' });
    expect(line.headers['sec-websocket-extensions']).toBeUndefined();
    expect(line.path).toBe('/onebot/v11/ws');
  });

  test.each([
    ['napcat', 'Bearer'],
    ['llonebot', 'Bearer'],
    ['lagrange', undefined],
    ['go-cqhttp', undefined],
  ] as const)('%s without a token sends %s and no more', async (flavour, authorization) => {
    sandbox.platform.onebot.connect({ url: application.url, flavour });
    expect((await application.dialled()).headers.authorization?.trim()).toBe(authorization);
  });

  test('NapCat writes its own headers in lower case', async () => {
    sandbox.platform.onebot.connect({ url: application.url });
    expect((await application.dialled()).rawHeaders).toEqual(expect.arrayContaining(['x-client-role', 'x-self-id']));
  });

  test('a tester may change a header, or leave one out', async () => {
    sandbox.platform.onebot.connect({
      url: application.url,
      headers: { 'X-Self-ID': null, 'X-Client-Role': 'universal' },
    });
    const { headers } = await application.dialled();
    expect(headers['x-self-id']).toBeUndefined();
    expect(headers['x-client-role']).toBe('universal');
  });
});

describe('the line', () => {
  test('begins with lifecycle connect', async () => {
    sandbox.platform.onebot.connect({ url: application.url });
    const line = await application.dialled();
    const first = await waitUntil('the first frame', () => line.events[0]);
    expect(first).toEqual({
      time: expect.any(Number),
      self_id: 10001,
      post_type: 'meta_event',
      meta_event_type: 'lifecycle',
      sub_type: 'connect',
    });
  });

  test.each(['napcat', 'llonebot', 'lagrange', 'go-cqhttp'] as const)('%s beats as it announces', async (flavour) => {
    sandbox.platform.onebot.connect({ url: application.url, flavour, heartbeat_ms: 20 });
    const beat = await application.event((event) => event.meta_event_type === 'heartbeat');
    expect(beat).toMatchObject({ self_id: 10001, interval: 20, status: { online: true, good: true } });
    await order(sandbox, '/onebot/implementations/10001', { online: false });
    await application.event((event) => event.meta_event_type === 'heartbeat' && event.status.online === false);
  });

  test('Lagrange beats at once', async () => {
    sandbox.platform.onebot.connect({ url: application.url, flavour: 'lagrange' });
    expect(await application.event((event) => event.meta_event_type === 'heartbeat')).toMatchObject({ interval: 5000 });
  });

  test('is dialled again for ever, whatever it ended with', async () => {
    sandbox.platform.onebot.connect({ url: application.url, reconnect_ms: 10 });
    (await application.dialled(1)).socket.close(1008, 'no');
    (await application.dialled(2)).socket.terminate();
    (await application.dialled(3)).socket.close(1001);
    await application.dialled(4);
  });

  test('is dialled again after a refusal, which the transcript tells with its status', async () => {
    const strict = await BareApplication.listen({ refuse: () => 401 });
    sandbox.platform.onebot.connect({ url: strict.url, reconnect_ms: 10 });
    await waitUntil(
      'three refusals',
      () =>
        sandbox.platform.transcript.since(0).filter((entry) => entry.kind === 'onebot.line' && entry.step === 'refused')
          .length >= 3,
    );
    expect(sandbox.platform.transcript.since(0)[0]).toMatchObject({ kind: 'onebot.line', step: 'refused', code: 401 });
    await strict.close();
  });

  test('go-cqhttp notices its end only when it has something to tell', async () => {
    sandbox.platform.onebot.connect({ url: application.url, flavour: 'go-cqhttp', reconnect_ms: 10, heartbeat_ms: 0 });
    (await application.dialled(1)).socket.close(1000);
    await waitUntil('the close', () => sandbox.platform.onebot.implementation().shown().connected === false);
    const other = await BareApplication.listen();
    sandbox.platform.onebot.connect({ url: other.url, self_id: '10002', reconnect_ms: 10 });
    for (const number of [1, 2, 3]) (await other.dialled(number)).socket.close();
    await other.close();
    expect(application.lines.length).toBe(1);
    sandbox.platform.onebot.say({ from: '20002', text: 'lost' });
    await application.dialled(2);
    sandbox.platform.onebot.say({ from: '20002', text: 'heard' });
    await application.message('heard');
    expect(application.lines.flatMap(({ events }) => events).some(({ raw_message }) => raw_message === 'lost')).toBe(
      false,
    );
  });

  test('Lagrange’s pair is called Api and Event: calls on the one, events on the other', async () => {
    sandbox.platform.onebot.connect({ url: application.url, flavour: 'lagrange', role: 'split' });
    await application.dialled(2);
    const role = (wanted: string) => application.lines.find(({ headers }) => headers['x-client-role'] === wanted);
    const [api, event] = [role('Api'), role('Event')];
    if (api === undefined || event === undefined) throw new Error('a line is missing');
    sandbox.platform.onebot.say({ from: '20002', text: 'hello' });
    await waitUntil('the event', () => event.events.some(({ raw_message }) => raw_message === 'hello'));
    expect(await application.call('get_login_info', {}, api)).toMatchObject({ retcode: 0, data: { user_id: 10001 } });
    expect(api.events).toEqual([]);
    event.socket.send(JSON.stringify({ action: 'get_login_info', echo: 'unread' }));
    let pongs = 0;
    event.socket.on('pong', () => {
      pongs += 1;
    });
    event.socket.ping();
    await application.call('get_status', {}, api);
    expect([pongs, event.answers]).toEqual([0, []]);
  });

  test('two accounts share a world, each on a line of its own', async () => {
    sandbox.platform.onebot.connect({ url: application.url });
    sandbox.platform.onebot.connect({ url: application.url, self_id: '10002', flavour: 'llonebot' });
    await application.dialled(2);
    sandbox.platform.onebot.say({ self_id: '10002', from: '20002', text: 'to the second' });
    expect(await application.message('to the second')).toMatchObject({ self_id: 10002, user_id: 20002 });
    const again = await order(sandbox, '/onebot/implementations', { url: application.url, self_id: '10002' });
    expect([again.status, again.body.error.code]).toEqual([400, 'implementation.exists']);
  });

  test('ends for good when the account logs out', async () => {
    await order(sandbox, '/onebot/implementations', { url: application.url, reconnect_ms: 5 });
    const line = await application.dialled();
    await sandbox.platform.onebot.disconnect('10001');
    await waitUntil('the close', () => line.closed);
    expect(sandbox.platform.onebot.state().implementations).toEqual([]);
  });

  test('a restart forgets the ids of messages and dials again', async () => {
    sandbox.platform.onebot.connect({ url: application.url, reconnect_ms: 10 });
    await application.dialled();
    const { message_id } = sandbox.platform.onebot.say({ from: '20002', text: 'before' });
    expect(await application.call('get_msg', { message_id })).toMatchObject({ retcode: 0 });
    await order(sandbox, '/onebot/implementations/10001', { restart: true });
    await application.dialled(2);
    expect(await application.call('get_msg', { message_id })).toMatchObject({ retcode: 1200, message: '消息不存在' });
  });
});
