import { afterEach, expect, test } from 'vitest';
import type { FaultOrder } from '../../src/sandbox/faults.js';
import { type Sandbox, type SandboxOptions, startSandbox } from '../../src/sandbox/sandbox.js';
import { BareSocket, connectBot, fetchToken, get, resume, USUAL_INTENTS } from './support/bare-bot.js';

let sandbox: Sandbox;
afterEach(() => sandbox.close());

const FREE_PACE = { total: 1000, remaining: 1000, resetAfterMs: 86_400_000, maxConcurrency: 100 };
const start = async (options: SandboxOptions = {}) => {
  sandbox = await startSandbox({ sessionLimit: FREE_PACE, ...options });
};

/** A connection that got its HELLO and then sends this. */
async function opened(frame: unknown): Promise<BareSocket> {
  const socket = new BareSocket(sandbox);
  await socket.frame();
  socket.send(frame);
  return socket;
}

const identify = async (change: object) => ({
  op: 2,
  d: { token: `QQBot ${await fetchToken(sandbox)}`, intents: USUAL_INTENTS, shard: [0, 1], ...change },
});

test('resume replays what was missed, in order, and then says RESUMED', async () => {
  await start();
  const bot = await connectBot(sandbox);
  sandbox.platform.say({ from: 'openid_alice', text: 'seen' });
  const seen = await bot.socket.frame();
  bot.socket.ws.terminate();
  for (const text of ['one', 'two', 'three']) sandbox.platform.say({ from: 'openid_alice', text });

  const socket = await resume(sandbox, bot, seen.s);
  const frames = [await socket.frame(), await socket.frame(), await socket.frame(), await socket.frame()];
  expect(frames.map(({ s, t, d }) => [s, t, d.content])).toEqual([
    [3, 'C2C_MESSAGE_CREATE', 'one'],
    [4, 'C2C_MESSAGE_CREATE', 'two'],
    [5, 'C2C_MESSAGE_CREATE', 'three'],
    [6, 'RESUMED', undefined],
  ]);
  sandbox.platform.say({ from: 'openid_alice', text: 'four' });
  expect((await socket.frame()).s).toBe(7);
});

test('a resume from an older number replays events that were delivered before', async () => {
  await start();
  const bot = await connectBot(sandbox);
  for (const text of ['one', 'two']) sandbox.platform.say({ from: 'openid_alice', text });
  const [one, two] = [await bot.socket.text(), await bot.socket.text()];
  const socket = await resume(sandbox, bot, 1);
  expect([await socket.text(), await socket.text()]).toEqual([one, two]);
  expect((await bot.socket.closed).code).toBe(4009);
});

test('a resume may leave out the prefix of the token', async () => {
  await start();
  const bot = await connectBot(sandbox);
  const socket = await opened({ op: 6, d: { token: bot.token, session_id: bot.sessionId, seq: 1 } });
  expect((await socket.frame()).t).toBe('RESUMED');
});

test('a session that is not known closes with 4902, a number that was never sent with 4007', async () => {
  await start();
  const bot = await connectBot(sandbox);
  expect((await (await resume(sandbox, { ...bot, sessionId: 'gone' }, 1)).closed).code).toBe(4902);
  expect((await (await resume(sandbox, bot, 99)).closed).code).toBe(4007);
  sandbox.platform.fault({ kind: 'gateway.forget_sessions' });
  expect((await (await resume(sandbox, bot, 1)).closed).code).toBe(4902);
});

test('a new Identify ends the older session and its connection', async () => {
  await start();
  const first = await connectBot(sandbox);
  const second = await connectBot(sandbox);
  expect((await first.socket.closed).code).toBe(4006);
  expect(second.ready.t).toBe('READY');
  expect((await (await resume(sandbox, first, 1)).closed).code).toBe(4902);
});

test('a token without its prefix gets op 9 and no word', async () => {
  await start();
  const socket = await opened(await identify({ token: await fetchToken(sandbox) }));
  expect(await socket.frame()).toEqual({ op: 9, d: false });
});

test('a token that is not valid gets op 9, then 4903', async () => {
  await start();
  const socket = await opened(await identify({ token: 'QQBot nonsense' }));
  expect(await socket.frame()).toEqual({ op: 9, d: false });
  expect(await socket.closed).toEqual({ code: 4903, reason: 'create session error' });
});

test.each([
  ['an intent that was not granted', { intents: 1 << 9 }, 4014],
  ['a bit that is no intent', { intents: 1 << 5 }, 4013],
  ['no intent at all', { intents: 0 }, 4013],
  ['a shard beyond the count', { shard: [1, 1] }, 4010],
  ['no shard', { shard: undefined }, 4010],
  ['no token', { token: undefined }, 4002],
])('Identify with %s is closed', async (_, change, code) => {
  await start();
  expect((await (await opened(await identify(change))).closed).code).toBe(code);
});

test('an intent that was not granted is refused as observed, where that is switched on', async () => {
  await start();
  sandbox.platform.set({ intent_refusal: 4903 });
  const socket = await opened(await identify({ intents: 1 << 9 }));
  expect(await socket.frame()).toEqual({ op: 9, d: false });
  expect(await socket.closed).toEqual({ code: 4903, reason: 'create session error' });
});

test('another program with the same app id takes the session, as often as it is told to', async () => {
  await start();
  for (let n = 0; n < 3; n += 1) {
    const bot = await connectBot(sandbox);
    sandbox.platform.fault({ kind: 'gateway.take_over' });
    expect((await bot.socket.closed).code).toBe(4006);
    expect((await (await resume(sandbox, bot, 1)).closed).code).toBe(4902);
  }
  expect(sandbox.platform.say({ from: 'openid_alice', text: 'for the other one' }).sessions).toBe(1);
  expect(sandbox.platform.state().counters.identifies).toBe(3);
});

test.each([
  ['no JSON', 'hello', 4002],
  ['no op', '{"d":1}', 4002],
  ['an op of the server', '{"op":10}', 4001],
  ['an op that does not exist', '{"op":77}', 4001],
  ['a heartbeat that counts backwards', '{"op":1,"d":-1}', 4002],
  ['a resume without its session', '{"op":6,"d":{"token":"x"}}', 4002],
])('%s is closed', async (_, frame, code) => {
  await start();
  expect((await (await opened(frame)).closed).code).toBe(code);
});

test('a second Identify on one connection is closed with 4005', async () => {
  await start();
  const { socket } = await connectBot(sandbox);
  socket.send(await identify({}));
  expect((await socket.closed).code).toBe(4005);
});

test('a frame over the limit is closed by WebSocket itself', async () => {
  await start();
  expect((await (await opened('x'.repeat(70_000))).closed).code).toBe(1009);
});

test('a heartbeat without `d` is ignored; with null it is acknowledged', async () => {
  await start();
  const { socket } = await connectBot(sandbox);
  socket.send({ op: 1, s: 1 });
  socket.send({ op: 1, d: null });
  expect(await socket.frame()).toEqual({ op: 11 });
  expect(sandbox.platform.state().counters.heartbeats).toBe(1);
  expect(socket.waiting).toBe(0);
});

test('a client that never beats is timed out with 4009, and can resume', async () => {
  await start({ heartbeatIntervalMs: 150 });
  const bot = await connectBot(sandbox);
  expect(await bot.socket.closed).toEqual({ code: 4009, reason: 'Session timed out' });
  expect((await (await resume(sandbox, bot, 1)).frame()).t).toBe('RESUMED');
});

test('a client that floods is closed with 4008, and can resume', async () => {
  await start();
  const bot = await connectBot(sandbox);
  for (let n = 0; n < 250; n += 1) bot.socket.send({ op: 1, d: 1 });
  expect((await bot.socket.closed).code).toBe(4008);
  expect((await (await resume(sandbox, bot, 1)).frame()).t).toBe('RESUMED');
});

test('only events that were asked for are sent', async () => {
  await start();
  const { socket } = await connectBot(sandbox, 1 << 30);
  expect(sandbox.platform.say({ from: 'openid_alice', text: 'unheard' }).sessions).toBe(0);
  sandbox.platform.emit({ t: 'AT_MESSAGE_CREATE', d: {} });
  expect((await socket.frame()).t).toBe('AT_MESSAGE_CREATE');
});

test('each Identify counts, too many in 5 s get op 9, and the day begins again', async () => {
  let now = 1_767_225_600_000;
  await start({ now: () => now, sessionLimit: { total: 3, remaining: 3, resetAfterMs: 60_000, maxConcurrency: 1 } });
  await connectBot(sandbox);
  const fast = await opened(await identify({}));
  expect(await fast.frame()).toEqual({ op: 9, d: false });
  const limit = async () => (await get(sandbox, '/gateway/bot')).body.session_start_limit;
  expect(await limit()).toEqual({ total: 3, remaining: 2, reset_after: 60_000, max_concurrency: 1 });
  now += 5_000;
  fast.send(await identify({}));
  expect((await fast.frame()).t).toBe('READY');
  now += 5_000;
  await connectBot(sandbox);
  now += 5_000;
  const none = await opened(await identify({}));
  expect(await none.frame()).toEqual({ op: 9, d: false });
  expect((await none.closed).code).toBe(4903);
  now += 60_000;
  expect((await limit()).remaining).toBe(3);
  expect((await connectBot(sandbox)).ready.t).toBe('READY');
});

test('ordered faults: a close code, a cut, no ACKs, a half-open line, refusals, a gateway that is down', async () => {
  await start();
  const strike = (fault: FaultOrder) => sandbox.platform.fault(fault);
  const bot = await connectBot(sandbox);
  strike({ kind: 'gateway.close', code: 4009, reason: 'Session timed out' });
  expect(await bot.socket.closed).toEqual({ code: 4009, reason: 'Session timed out' });

  const second = await resume(sandbox, bot, 1);
  await second.frame();
  strike({ kind: 'gateway.no_acks', times: 1 });
  second.send({ op: 1, d: 1 });
  second.send({ op: 1, d: 2 });
  expect(await second.frame()).toEqual({ op: 11 });
  expect(second.waiting).toBe(0);
  strike({ kind: 'gateway.half_open' });
  sandbox.platform.say({ from: 'openid_alice', text: 'into the void' });
  second.send({ op: 1, d: 2 });

  const third = await resume(sandbox, bot, 2);
  expect((await third.frame()).d.content).toBe('into the void');
  expect((await third.frame()).t).toBe('RESUMED');
  expect(second.waiting).toBe(0);
  strike({ kind: 'gateway.cut' });
  expect((await third.closed).code).toBe(1006);

  strike({ kind: 'gateway.refuse', on: 'resume', code: 4008 });
  expect((await (await resume(sandbox, bot, 1)).closed).code).toBe(4008);
  strike({ kind: 'gateway.refuse', on: 'resume', invalid_session: true });
  expect(await (await resume(sandbox, bot, 1)).frame()).toEqual({ op: 9, d: true });

  const down = strike({ kind: 'gateway.down' });
  expect((await new BareSocket(sandbox).closed).code).toBe(1006);
  sandbox.platform.faults.remove(down?.id);
  expect((await (await resume(sandbox, bot, 4)).frame()).t).toBe('RESUMED');
});

test.each([4001, 4006, 4007, 4900, 4914, 4915])('after an ordered %i the session cannot be resumed', async (code) => {
  await start();
  const bot = await connectBot(sandbox);
  sandbox.platform.fault({ kind: 'gateway.close', code });
  expect((await bot.socket.closed).code).toBe(code);
  expect((await (await resume(sandbox, bot, 1)).closed).code).toBe(4902);
});

test('after op 9 with false the session is gone, and the same connection may identify anew', async () => {
  await start();
  const bot = await connectBot(sandbox);
  sandbox.platform.fault({ kind: 'gateway.invalid_session', resumable: false });
  expect(await bot.socket.frame()).toEqual({ op: 9, d: false });
  bot.socket.send(await identify({}));
  expect((await bot.socket.frame()).d.session_id).not.toBe(bot.sessionId);
  expect((await (await resume(sandbox, bot, 1)).closed).code).toBe(4902);
});

test('a muted gateway accepts the connection and says nothing', async () => {
  await start();
  sandbox.platform.fault({ kind: 'gateway.mute', times: 1 });
  const mute = new BareSocket(sandbox);
  await new Promise((resolve) => mute.ws.on('open', resolve));
  expect((await connectBot(sandbox)).ready.t).toBe('READY');
  expect(mute.waiting).toBe(0);
});
