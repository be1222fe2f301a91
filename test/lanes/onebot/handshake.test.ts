/** Who may dial in: told before the upgrade, in one line that a person understands. */
import { connect } from 'node:net';
import { describe, expect, test } from 'vitest';
import type { AccountId } from '../../../src/model/target.js';
import { waitUntil } from '../../support/wait-until.js';
import { OnebotLaneUnderTest, sharedPorts } from './support/onebot-lane-under-test.js';
import { type Dialling, RawImplementation, refusalOf } from './support/raw-implementation.js';

const TOKEN = 'a+secret/of:mine';

async function guarded(): Promise<OnebotLaneUnderTest> {
  return new OnebotLaneUnderTest({ endpoint: { selfId: '10001', token: TOKEN } }).serve();
}

describe('lets in', () => {
  const good: readonly [what: string, dialling: Dialling, behind?: string][] = [
    ['a Bearer token, as NapCat, LLOneBot and Lagrange show it', { authorization: `Bearer ${TOKEN}` }],
    ['a Token token, as go-cqhttp shows it', { authorization: `Token ${TOKEN}` }],
    ['a scheme in lower case', { authorization: `bearer ${TOKEN}` }],
    ['a token in the address', {}, `?access_token=${encodeURIComponent(TOKEN)}`],
    ['a token written into the address by hand', {}, `?access_token=${TOKEN}`],
    ['a wrong header beside the right token in the address', { authorization: 'Bearer no' }, `?access_token=${TOKEN}`],
    ['the right header beside a wrong token in the address', { authorization: `Token ${TOKEN}` }, '?access_token=no'],
    ['an address with a slash at its end', { authorization: `Bearer ${TOKEN}` }, '/'],
    ['an address with a slash and other words behind it', { authorization: `Bearer ${TOKEN}` }, '/?a=b'],
    ['the role in any case', { authorization: `Bearer ${TOKEN}`, role: 'uNIVERSAL' }],
    ['no role', { authorization: `Bearer ${TOKEN}`, role: null }],
  ];
  test.each(good)('%s', async (_what, dialling, behind = '') => {
    const home = await guarded();
    await RawImplementation.dial(home.url + behind, dialling);
    await home.ready();
    expect(home.sink.last).toEqual({ state: 'ready', detail: undefined });
  });

  test('anybody where no token is asked for, whatever stands in Authorization', async () => {
    const home = await new OnebotLaneUnderTest().serve();
    await home.connect({ authorization: 'Bearer ' });
    await home.connect({ authorization: 'Bearer something' });
    await home.connect({ authorization: 'Basic YTpi' });
  });
});

describe('refuses, before the upgrade and in plain words,', () => {
  const right = { authorization: `Bearer ${TOKEN}` };
  const bad: readonly [what: string, status: number, reason: RegExp, dialling: Dialling, behind?: string][] = [
    ['no token', 401, /token is missing/, {}],
    ['the empty token that NapCat shows', 401, /token is missing/, { authorization: 'Bearer ' }],
    ['another scheme', 401, /token is missing/, { authorization: `Basic ${TOKEN}` }],
    ['a wrong token', 403, /token is wrong/, { authorization: 'Bearer wrong' }],
    ['a wrong token in the address', 403, /token is wrong/, {}, '?access_token=wrong'],
    ['a token that only begins right', 403, /token is wrong/, { authorization: `Bearer ${TOKEN}x` }],
    ['another path', 404, /no account has this path/, right, '/event'],
    ['a foreign self id', 403, /not that of the account/, { ...right, selfId: '10002' }],
    ['a self id that is none', 400, /no QQ number/, { ...right, selfId: '1 or 2' }],
    ['two self ids', 400, /no QQ number/, { ...right, headers: { 'x-self-id': '10001, 10001' }, selfId: null }],
    ['an unknown role', 400, /Universal, API or Event/, { ...right, role: 'Admin' }],
    ['a web page', 403, /web pages/, { ...right, origin: 'http://127.0.0.1' }],
    ['a web page of its own origin null', 403, /web pages/, { ...right, origin: 'null' }],
  ];
  test.each(bad)('%s (%i)', async (_what, status, reason, dialling, behind = '') => {
    const home = await guarded();
    const refused = await refusalOf(home.url + behind, dialling);
    expect(refused).toMatchObject({ status, type: expect.stringContaining('text/plain') });
    expect(refused.body).toMatch(reason);
    expect(refused.body.trimEnd()).not.toContain('\n');
    expect(home.sink.last?.state).toBe('waiting');
    expect(home.log).not.toContain(TOKEN);
  });

  test('a missing self id where no token vouches for the caller (400)', async () => {
    const home = await new OnebotLaneUnderTest().serve();
    expect(await refusalOf(home.url, { selfId: null })).toMatchObject({
      status: 400,
      body: expect.stringMatching(/X-Self-ID is missing/),
    });
    expect(await refusalOf(home.url, { selfId: '*' })).toMatchObject({ status: 400 });
  });

  test('everybody while it stops (503)', async () => {
    const { ports } = sharedPorts();
    const [home, other] = [
      new OnebotLaneUnderTest({ ports }),
      new OnebotLaneUnderTest({ ports, endpoint: { path: '/b' } }),
    ];
    await home.serve();
    await other.serve();
    await home.drain();
    expect(await refusalOf(home.url)).toMatchObject({ status: 503, body: expect.stringMatching(/stopping/) });
    await other.connect();
  });

  test('what is no WebSocket', async () => {
    const home = await guarded();
    const page = home.url.replace('ws:', 'http:');
    const [here, elsewhere] = [await fetch(page), await fetch(new URL('/', page))];
    expect([here.status, elsewhere.status]).toEqual([426, 404]);
  });
});

test('tells the account why the last caller was not let in, until one is', async () => {
  const home = await guarded();
  expect(home.sink.facts).toMatchObject({ trouble: false, remedy: undefined }); // to wait is no error
  await refusalOf(home.url);
  await refusalOf(home.url, { authorization: 'Bearer wrong' });
  expect(home.sink.last?.detail).toMatch(
    /^waiting for a OneBot implementation of QQ 10001 to dial in at ws:\/\/127\.0\.0\.1:\d+\/onebot\/v11\/ws; a caller was not let in: the access token is wrong \(2 refused since 20\d\d-[\d-]+T[\d:]+Z\)$/,
  );
  expect(home.sink.facts).toEqual({
    trouble: expect.stringMatching(/^a caller was not let in: the access token is wrong \(2 refused/),
    remedy: expect.stringMatching(/same token on both sides.*NapCat.*`access_token_env`/),
  });
  await expect(home.send('private:20002', 'hi')).rejects.toMatchObject({
    code: 'onebot.not_connected',
    remedy: expect.stringMatching(/same token on both sides/),
  });
  await home.connect({ authorization: `Bearer ${TOKEN}` });
  expect(home.sink.last?.detail).toBeUndefined();
  expect(home.sink.facts?.trouble ?? false).toBe(false);
});

test('a path that no account has is told to the only account there', async () => {
  const home = await guarded();
  await refusalOf(`${home.url}/event`);
  expect(home.sink.last?.detail).toContain('a caller was not let in: no account has this path (1 refused');
  expect(home.sink.facts?.remedy).toContain('`ws_path`');
});

describe('one QQ at two accounts is let in at one of them,', () => {
  const two = async (selfId?: string) => {
    const { ports, lines } = sharedPorts();
    const endpoint = selfId === undefined ? {} : { selfId };
    const [first, second] = [
      await new OnebotLaneUnderTest({ ports, endpoint: { path: '/a', ...endpoint } }).serve(),
      await new OnebotLaneUnderTest({ ports, endpoint: { path: '/b', token: TOKEN } }).serve(),
    ];
    return { first, second, lines, right: { authorization: `Bearer ${TOKEN}` } };
  };

  test('told in the refusal, the state and the log', async () => {
    const { first, second, lines, right } = await two();
    const raw = await first.connect({ selfId: '10001' });
    expect(await refusalOf(second.url, { ...right, selfId: '10001' })).toMatchObject({
      status: 403,
      body: expect.stringContaining(`belongs to the account at ${first.url}`),
    });
    expect(second.sink.last?.detail).toMatch(
      /a caller was not let in: this QQ belongs to the account at .*answered twice/,
    );
    expect(second.sink.facts?.remedy).toContain('remove the other account');
    expect(lines.join('')).toContain('answered twice');
    // Once it has left, it may come in elsewhere.
    raw.socket.close();
    await first.until('its end', () => first.sink.last?.state === 'waiting');
    await second.connect({ ...right, selfId: '10001' });
    expect(await refusalOf(first.url, { selfId: '10001' })).toMatchObject({ status: 403 });
  });

  test('also when it says only later who it is, or is configured elsewhere and not there', async () => {
    const { second, right } = await two('10001');
    expect((await refusalOf(second.url, { ...right, selfId: '10001' })).body).toContain('belongs to the account at');
    const raw = await second.dial({ ...right, selfId: null });
    raw.onCall = () => ({ data: { user_id: 10001 } });
    expect(await raw.end()).toEqual({ code: 1008, reason: 'this QQ belongs to another account of loong' });
    expect(second.sink.last?.detail).toContain('belongs to the account at');
  });
});

test('logs a refusal that comes again and again once, and never the token', async () => {
  const { ports, lines } = sharedPorts();
  const home = await new OnebotLaneUnderTest({ ports, endpoint: { token: TOKEN } }).serve();
  for (let i = 0; i < 5; i++) await refusalOf(home.url, { authorization: `Bearer wrong-${i}` });
  await refusalOf(home.url);
  expect(lines.filter((line) => line.includes('token is wrong'))).toHaveLength(1);
  expect(lines.filter((line) => line.includes('token is missing'))).toHaveLength(1);
  expect(lines.join('')).not.toMatch(/wrong-\d|secret/);
  expect(home.counters.snapshot()['onebot.refused']).toBe(6);
});

describe('an endpoint without a self id', () => {
  test('belongs to the first that dials in, and tells so', async () => {
    const home = await new OnebotLaneUnderTest().serve();
    const first = await home.connect({ selfId: '10001' });
    expect(home.sink.last?.detail).toMatch(/^bound to QQ 10001\b/);
    expect(await refusalOf(home.url, { selfId: '10002' })).toMatchObject({ status: 403 });
    first.socket.close();
    await home.until('waiting again', () => home.sink.last?.state === 'waiting');
    expect(home.sink.last?.detail).toMatch(/of QQ 10001 to dial in at/);
    expect(await refusalOf(home.url, { selfId: '10002' })).toMatchObject({ status: 403 });
    await home.connect({ selfId: '10001' });
  });

  test('learns it from the first event of one that has the token and no name', async () => {
    const home = await new OnebotLaneUnderTest({ endpoint: { token: 'secret' } }).serve();
    const raw = await home.dial({ selfId: null, authorization: 'Bearer secret' });
    raw.onCall = () => undefined;
    expect(home.sink.last?.state).toBe('waiting');
    raw.lifecycle();
    await home.ready();
    expect(home.sink.last?.detail).toMatch(/^bound to QQ 10001\b/);
  });

  test('learns it from get_login_info, before any event', async () => {
    const home = await new OnebotLaneUnderTest({ endpoint: { token: 'secret' } }).serve();
    await home.connect({ selfId: '*', authorization: 'Bearer secret' });
    expect(home.sink.last?.detail).toMatch(/^bound to QQ 10001\b/);
  });
});

test('sends away a nameless one that turns out to be somebody else, and keeps who is there', async () => {
  const home = await guarded();
  const raw = await home.connect({ authorization: `Bearer ${TOKEN}` });
  const other = await home.dial({ selfId: null, authorization: `Bearer ${TOKEN}`, role: 'Event' });
  other.event({ post_type: 'meta_event', meta_event_type: 'lifecycle', sub_type: 'connect', self_id: 10002 });
  expect(await other.end()).toMatchObject({ code: 1008 });
  raw.privateMessage('still here', 1);
  await home.until('the message', () => home.sink.texts.includes('still here'));
});

describe('several accounts', () => {
  test('on one port, by path', async () => {
    const { ports } = sharedPorts();
    const one = await new OnebotLaneUnderTest({ ports, endpoint: { path: '/one' } }).serve();
    const two = await new OnebotLaneUnderTest({
      ports,
      endpoint: { path: '/two' },
      account: 'two' as AccountId,
    }).serve();
    expect(new URL(one.url).port).toBe(new URL(two.url).port);
    const [a, b] = [await one.connect({ selfId: '10001' }), await two.connect({ selfId: '10002' })];
    a.privateMessage('to one', 1);
    b.privateMessage('to two', 1, { self_id: 10002 });
    await one.until('its message', () => one.sink.messages.length > 0);
    await two.until('its message', () => two.sink.messages.length > 0);
    expect([one.sink.texts, two.sink.texts]).toEqual([['to one'], ['to two']]);
  });

  test('on one path, by X-Self-ID, each with its own token', async () => {
    const { ports } = sharedPorts();
    const one = new OnebotLaneUnderTest({ ports, endpoint: { selfId: '10001', token: 'token-of-one' } });
    const two = new OnebotLaneUnderTest({ ports, endpoint: { selfId: '10002', token: 'token-of-two' } });
    await one.serve();
    await two.serve();
    await two.connect({ selfId: '10002', authorization: 'Bearer token-of-two' });
    expect(one.sink.last?.state).toBe('waiting');
    await one.connect({ selfId: '10001', authorization: 'Token token-of-one' });
    expect(await refusalOf(one.url, { selfId: '10001', authorization: 'Bearer token-of-two' })).toMatchObject({
      status: 403,
    });
    expect(await refusalOf(one.url, { selfId: '10003', authorization: 'Bearer token-of-two' })).toMatchObject({
      status: 403,
    });
    expect(await refusalOf(one.url, { selfId: '10001' })).toMatchObject({ status: 401 });
  });

  test('one of which misbehaves, without the other noticing', async () => {
    const { ports } = sharedPorts();
    const good = await new OnebotLaneUnderTest({ ports, endpoint: { path: '/good' } }).serve();
    const bad = await new OnebotLaneUnderTest({ ports, endpoint: { path: '/bad' } }).serve();
    const calm = await good.connect();
    const wild = await bad.connect({ selfId: '10002' });
    for (const frame of ['null', '5', '"x"', '[]', '{', '', '\u0000', '{"echo":"__proto__"}', '[[[[']) wild.raw(frame);
    wild.raw(Buffer.from([0xff, 0xfe]));
    for (let i = 0; i < 2000; i++) wild.privateMessage(`flood ${i}`, i);
    const { _socket: tcp } = wild.socket as unknown as { readonly _socket: { write(bytes: Buffer): void } };
    tcp.write(Buffer.from([0x83, 0x80, 1, 2, 3, 4])); // reserved opcode 3
    expect(await wild.end()).toMatchObject({ code: 1002 });
    await bad.until('its end', () => bad.sink.last?.state === 'waiting');
    calm.privateMessage('calm', 1);
    await good.until('the message', () => good.sink.texts.includes('calm'));
    expect(good.sink.states.filter(({ state }) => state === 'waiting')).toHaveLength(1);
    expect(calm.closed).toBeUndefined();
    await good.send('private:20002', 'fine');
  });

  test('go on serving when one of them leaves, and the last one frees the port', async () => {
    const { ports } = sharedPorts();
    const one = await new OnebotLaneUnderTest({ ports, endpoint: { path: '/one' } }).serve();
    const two = await new OnebotLaneUnderTest({ ports, endpoint: { path: '/two' } }).serve();
    const raw = await two.connect();
    await one.stop();
    expect(await refusalOf(one.url)).toMatchObject({ status: 404 });
    expect(raw.closed).toBeUndefined();
    await two.stop();
    expect(await raw.end()).toMatchObject({ code: 1001 });
    const port = Number(new URL(two.url).port);
    const third = await new OnebotLaneUnderTest({ ports, endpoint: { port } }).serve();
    await third.connect();
  });
});

test('a port that another program has stops this account alone, and tells what to do', async () => {
  const { ports } = sharedPorts();
  const first = await new OnebotLaneUnderTest().serve();
  const port = Number(new URL(first.url).port);
  const fine = await new OnebotLaneUnderTest({ ports }).serve();
  const late = new OnebotLaneUnderTest({ ports, endpoint: { port } });
  const holder = process.platform === 'linux' ? `.+ \\(pid ${process.pid}\\)` : 'another program';
  const taken = `port ${port} of 127.0.0.1 is taken by ${holder}$`;
  await expect(late.serve()).rejects.toMatchObject({
    code: 'onebot.port_taken',
    retry: 'later',
    message: expect.stringMatching(taken),
    remedy: expect.stringContaining('ws_port'),
  });
  await expect(late.send('private:20002', 'hi')).rejects.toMatchObject({
    code: 'onebot.not_connected',
    message: expect.stringMatching(`^nobody can dial in: ${taken}`),
    remedy: expect.stringContaining('ws_port'),
  });
  await fine.connect({ selfId: '10002' });
  await first.stop();
  const again = new OnebotLaneUnderTest({ ports, endpoint: { port } });
  await again.serve();
  await again.connect();
});

test('a caller that says nothing, or half of it, keeps nobody out', async () => {
  const home = await guarded();
  const port = Number(new URL(home.url).port);
  const silent = connect(port, '127.0.0.1');
  const half = connect(port, '127.0.0.1');
  half.write('GET /onebot/v11/ws HTTP/1.1\r\nConnection: Upgr');
  const rude = connect(port, '127.0.0.1');
  rude.write('GET /onebot/v11/ws HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
  rude.destroy();
  for (const socket of [silent, half, rude]) socket.on('error', () => undefined);
  await home.connect({ authorization: `Bearer ${TOKEN}` });
  await home.stop();
  await waitUntil('their end', () => silent.destroyed && half.destroyed);
});
