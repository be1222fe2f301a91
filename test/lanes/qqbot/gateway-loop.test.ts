import { describe, expect, test } from 'vitest';
import { LoongError } from '../../../src/model/errors.js';
import { CLOSE_REACTIONS } from '../../../src/protocol/qqbot/gateway-codes.js';
import type { Sandbox } from '../../../src/sandbox/sandbox.js';
import { answer, HostilePlatform } from './support/hostile-platform.js';
import { hurry, until } from './support/hurried-clock.js';
import { LaneUnderTest, opening, openSandbox, SessionMemory, step, stepsOf } from './support/lane-under-test.js';

const C2C_AND_GROUPS = 1 << 25;

/** A lane that has heard one message, and the number of that message. */
async function connected(sandbox: Sandbox) {
  const loong = await new LaneUnderTest(sandbox).connect();
  sandbox.platform.say({ from: 'openid_alice', text: 'before' });
  await until('the message to be journalled', () => loong.memory.point?.seq === 2);
  return { loong, after: sandbox.platform.transcript.last, sessionId: loong.memory.point?.sessionId };
}

describe('a connection', () => {
  test('says who it is, and is ready', async () => {
    const sandbox = await openSandbox();
    const loong = await new LaneUnderTest(sandbox).connect();
    expect(stepsOf(sandbox).map(({ step }) => step)).toEqual(['connected', 'identify', 'ready']);
    expect(stepsOf(sandbox)[1]).toMatchObject({ intents: C2C_AND_GROUPS });
    expect(sandbox.platform.state().sessions).toMatchObject([{ shard: [0, 1], connected: true }]);
    expect(loong.sink.states.map(({ state }) => state)).toEqual(['connecting', 'ready']);
    expect(loong.memory.point?.seq).toBe(1);
  });

  test('beats as often as HELLO asks, and outlives the patience of the gateway', async () => {
    hurry(5);
    const sandbox = await openSandbox({ heartbeatIntervalMs: 400 });
    const loong = await new LaneUnderTest(sandbox).connect();
    await until('ten heartbeats', () => sandbox.platform.transcript.counters().heartbeats >= 10);
    await until('their acknowledgements', () => loong.sink.acknowledgements.length >= 9);
    expect(Math.abs((loong.sink.acknowledgements.at(-1) ?? 0) - Date.now())).toBeLessThan(5000);
    expect(stepsOf(sandbox).map(({ step }) => step)).toEqual(['connected', 'identify', 'ready']);
    expect(loong.sink.states.at(-1)?.state).toBe('ready');
  });

  test('answers a heartbeat of the gateway at once', async () => {
    const sandbox = await openSandbox();
    await new LaneUnderTest(sandbox).connect();
    const before = sandbox.platform.transcript.counters().heartbeats;
    sandbox.platform.fault({ kind: 'gateway.heartbeat' });
    await until('a heartbeat', () => sandbox.platform.transcript.counters().heartbeats > before);
  });
});

describe('the session goes on', () => {
  test.for([
    ['op 7', { kind: 'gateway.reconnect' }],
    ['op 9 true', { kind: 'gateway.invalid_session', resumable: true }],
    ['4009', { kind: 'gateway.close', code: 4009, reason: 'Session timed out' }],
    ['a code that the table lacks', { kind: 'gateway.close', code: 4000 }],
    ['a normal close by the platform', { kind: 'gateway.close', code: 1000 }],
    ['a connection that breaks', { kind: 'gateway.cut' }],
  ] as const)('resumes after %s, with the number of the last journalled event', async ([, fault]) => {
    hurry(10);
    const sandbox = await openSandbox();
    const { loong, after, sessionId } = await connected(sandbox);
    sandbox.platform.fault(fault);
    expect(await step(sandbox, 'resume', after)).toMatchObject({ session_id: sessionId, seq: 2 });
    await loong.ready(2);
    sandbox.platform.say({ from: 'openid_alice', text: 'after' });
    await until('the next message', () => loong.sink.texts.length === 2);
    expect(loong.sink.texts).toEqual(['before', 'after']);
    expect(sandbox.platform.transcript.counters().identifies).toBe(1);
    expect(loong.counters.snapshot()).toMatchObject({ 'gateway.resumes': 1 });
    expect(loong.counters.snapshot()).not.toHaveProperty('gateway.sessions_lost');
  });

  test('hears what was said while it was away, in order', async () => {
    const sandbox = await openSandbox();
    const { loong } = await connected(sandbox);
    const down = sandbox.platform.fault({ kind: 'gateway.down' });
    sandbox.platform.fault({ kind: 'gateway.cut' });
    for (const text of ['one', 'two', 'three']) sandbox.platform.say({ from: 'openid_alice', text });
    sandbox.platform.faults.remove(down?.id);
    await until('the missed messages', () => loong.sink.texts.length === 4);
    expect(loong.sink.texts).toEqual(['before', 'one', 'two', 'three']);
  });

  test('reconnects at once after every 4009 of a connection that held, however many there were', async () => {
    hurry(150);
    const sandbox = await openSandbox();
    const loong = await new LaneUnderTest(sandbox).connect();
    for (let n = 1; n <= 4; n++) {
      const since = Date.now();
      await until('a connection that held for a while', () => Date.now() - since > 61_000);
      const before = loong.sink.states.length;
      sandbox.platform.fault({ kind: 'gateway.close', code: 4009 });
      await loong.ready(n + 1);
      expect(loong.sink.states.slice(before).map(({ state }) => state)).toEqual(['resuming', 'ready']);
    }
  });

  test('waits a minute after 4008, then resumes', async () => {
    hurry(100);
    const sandbox = await openSandbox();
    const { loong, after } = await connected(sandbox);
    const closedAt = Date.now();
    sandbox.platform.fault({ kind: 'gateway.close', code: 4008 });
    await step(sandbox, 'resume', after);
    expect(Date.now() - closedAt).toBeGreaterThanOrEqual(60_000);
    expect(loong.sink.states.find(({ state }) => state === 'waiting')?.detail).toContain('4008');
  });

  test('resumes when a heartbeat is not acknowledged', async () => {
    const sandbox = await openSandbox({ heartbeatIntervalMs: 100 });
    const { loong, after } = await connected(sandbox);
    const fault = sandbox.platform.fault({ kind: 'gateway.no_acks' });
    await step(sandbox, 'resume', after);
    sandbox.platform.faults.remove(fault?.id);
    await loong.ready(2);
  });

  test('notices a connection that is dead without having been closed', async () => {
    const sandbox = await openSandbox({ heartbeatIntervalMs: 100 });
    const { after } = await connected(sandbox);
    sandbox.platform.fault({ kind: 'gateway.half_open' });
    await step(sandbox, 'resume', after);
  });

  test('leaves a gateway that accepts and says nothing, within the 45 s that are promised', async () => {
    hurry(40);
    const sandbox = await openSandbox();
    const { loong } = await connected(sandbox);
    const fault = sandbox.platform.fault({ kind: 'gateway.mute' });
    sandbox.platform.fault({ kind: 'gateway.cut' });
    await until(
      'a few mute connections',
      () => sandbox.platform.state().connections > 0 && stepsOf(sandbox).length > 8,
    );
    sandbox.platform.faults.remove(fault?.id);
    const outageEnded = Date.now();
    await loong.ready(2);
    expect(Date.now() - outageEnded).toBeLessThan(45_000);
    expect(sandbox.platform.transcript.counters().identifies).toBe(1);
  });
});

describe('the session is given up', () => {
  test.for([4003, 4004, 4005, 4006, 4007, 4900, 4902, 4903, 4913])(
    'identifies anew after %d, and counts the loss',
    async (code) => {
      hurry(20);
      const sandbox = await openSandbox();
      const { loong, after } = await connected(sandbox);
      sandbox.platform.fault({ kind: 'gateway.close', code });
      expect((await opening(sandbox, after)).step).toBe('identify');
      await loong.ready(2);
      expect(loong.counters.snapshot()).toMatchObject({ 'gateway.sessions_lost': 1, 'gateway.identifies': 2 });
      expect(loong.log).toContain('events since the last one seen may be missing');
    },
  );

  test('identifies with a fresh token after op 9 false', async () => {
    hurry(20);
    const sandbox = await openSandbox();
    const { loong, after } = await connected(sandbox);
    const tokens = sandbox.platform.transcript.counters().tokens;
    const refusedAt = Date.now();
    sandbox.platform.fault({ kind: 'gateway.invalid_session', resumable: false });
    expect((await opening(sandbox, after)).step).toBe('identify');
    expect(Date.now() - refusedAt).toBeGreaterThanOrEqual(3000);
    await loong.ready(2);
    expect(sandbox.platform.transcript.counters().tokens).toBe(tokens + 1);
    expect(loong.counters.snapshot()).toMatchObject({ 'gateway.sessions_lost': 1 });
  });

  test('identifies when the platform has forgotten the session', async () => {
    hurry(20);
    const sandbox = await openSandbox();
    const { loong, sessionId } = await connected(sandbox);
    sandbox.platform.fault({ kind: 'gateway.forget_sessions' });
    sandbox.platform.fault({ kind: 'gateway.cut' });
    await loong.ready(2);
    expect(stepsOf(sandbox).filter(({ step }) => step === 'refused')).toMatchObject([{ code: 4902 }]);
    await until(
      'the new session',
      () => loong.memory.point !== undefined && loong.memory.point.sessionId !== sessionId,
    );
  });

  test.for([
    ['op 9 true', { invalid_session: true }],
    ['4009', { code: 4009 }],
    ['a code that nobody knows', { code: 4777 }],
  ] as const)(
    'identifies after two resumes were refused with %s, and does not go round in circles',
    async ([, how]) => {
      hurry(20);
      const sandbox = await openSandbox();
      const { loong } = await connected(sandbox);
      sandbox.platform.fault({ kind: 'gateway.refuse', on: 'resume', times: 'always', ...how });
      sandbox.platform.fault({ kind: 'gateway.cut' });
      await loong.ready(2);
      expect(sandbox.platform.transcript.counters()).toMatchObject({ resumes: 2, identifies: 2 });
      expect(loong.counters.snapshot()).toMatchObject({ 'gateway.sessions_lost': 1 });
    },
  );

  test('keeps the session through an outage of the gateway, however long', async () => {
    hurry(100);
    const sandbox = await openSandbox();
    const { loong } = await connected(sandbox);
    const fault = sandbox.platform.fault({ kind: 'gateway.down' });
    sandbox.platform.fault({ kind: 'gateway.cut' });
    await until('many attempts', () => (loong.log.match(/disconnected/g) ?? []).length > 8);
    sandbox.platform.say({ from: 'openid_alice', text: 'during the outage' });
    sandbox.platform.faults.remove(fault?.id);
    const outageEnded = Date.now();
    await loong.ready(2);
    expect(Date.now() - outageEnded).toBeLessThan(45_000);
    expect(sandbox.platform.transcript.counters()).toMatchObject({ resumes: 1, identifies: 1 });
    expect(loong.sink.texts).toEqual(['before', 'during the outage']);
  });

  test.for([
    ['the token endpoint', { kind: 'token', html: '<html>502</html>', times: 'always' }],
    ['/gateway/bot', { kind: 'rest', path: '/gateway/bot', status: 500, times: 'always' }],
    ['the address in /gateway/bot', { kind: 'rest', path: '/gateway/bot', body: { url: 'http://x' }, times: 'always' }],
  ] as const)('outlives an outage of %s at the start', async ([, order]) => {
    hurry(100);
    const sandbox = await openSandbox();
    const fault = sandbox.platform.fault(order);
    const loong = new LaneUnderTest(sandbox);
    void loong.run();
    await until('several attempts', () => (loong.log.match(/disconnected/g) ?? []).length > 5);
    sandbox.platform.faults.remove(fault?.id);
    const outageEnded = Date.now();
    await loong.ready();
    expect(Date.now() - outageEnded).toBeLessThan(45_000);
  });
});

describe('an outage', () => {
  test('that outlives the session is left within 45 s all the same', async () => {
    hurry(100);
    const sandbox = await openSandbox();
    const { loong } = await connected(sandbox);
    const down = sandbox.platform.fault({ kind: 'gateway.down' });
    sandbox.platform.fault({ kind: 'gateway.cut' });
    await until('long waits', () => (loong.log.match(/disconnected/g) ?? []).length > 8);
    sandbox.platform.fault({ kind: 'gateway.forget_sessions' });
    sandbox.platform.faults.remove(down?.id);
    const ended = Date.now();
    await loong.ready(2);
    expect(Date.now() - ended).toBeLessThan(45_000);
    expect(sandbox.platform.transcript.counters()).toMatchObject({ resumes: 1, identifies: 2 });
  });

  test('is waited out as long as the platform asks for, by its own clock', async () => {
    hurry(100);
    const platform = await HostilePlatform.open();
    const asked: number[] = [];
    const dayAgo = (ms: number) => new Date(Date.now() - 86_400_000 + ms).toUTCString();
    platform.onRequest = (_request, response) => {
      asked.push(Date.now());
      answer(response, 429, '<html>', { date: dayAgo(0), 'retry-after': dayAgo(120_000) });
    };
    void new LaneUnderTest(platform).run();
    await until('the second request', () => asked.length === 2);
    expect((asked[1] ?? 0) - (asked[0] ?? 0)).toBeGreaterThanOrEqual(118_000);
  });
});

describe('only an operator can help', () => {
  test.for([4001, 4002, 4010, 4011, 4012, 4013, 4014, 4914, 4915])(
    'stops after %d, and says what to do',
    async (code) => {
      const sandbox = await openSandbox();
      const loong = new LaneUnderTest(sandbox);
      const end = loong.run();
      await loong.ready();
      sandbox.platform.fault({ kind: 'gateway.close', code });
      const error = await end;
      expect(error).toBeInstanceOf(LoongError);
      expect(error).toMatchObject({ retry: 'never', code: `gateway.closed_${code}` });
      expect((error as LoongError).remedy).toBeTruthy();
      expect(sandbox.platform.transcript.counters()).toMatchObject({ identifies: 1, resumes: 0 });
    },
  );

  test('stops when the address of this machine is not in the whitelist', async () => {
    const sandbox = await openSandbox();
    sandbox.platform.fault({ kind: 'rest', path: '/gateway/bot', code: 11298, times: 'always' });
    expect(await new LaneUnderTest(sandbox).run()).toMatchObject({ retry: 'never', platformCode: 40023002 });
    expect(sandbox.platform.transcript.counters().tokens).toBe(1);
  });

  test('stops when the secret is wrong', async () => {
    const sandbox = await openSandbox();
    const wrong = { ...sandbox, clientSecret: 'another-Secret_02' };
    expect(await new LaneUnderTest(wrong).run()).toMatchObject({ retry: 'never', platformCode: 100016 });
  });

  test('every close code of the table is resumed, identified or stopped as the fact sheet has it', () => {
    const told = Object.entries(CLOSE_REACTIONS).map(([code, { next }]) => [Number(code), next] as const);
    const codesThat = (next: string) => told.filter(([, does]) => does === next).map(([code]) => code);
    expect(codesThat('resume')).toEqual([4008, 4009]);
    expect(codesThat('stop')).toEqual([4001, 4002, 4010, 4011, 4012, 4013, 4014, 4914, 4915]);
    const internal = Array.from({ length: 14 }, (_, n) => 4900 + n);
    expect(codesThat('identify')).toEqual([4003, 4004, 4005, 4006, 4007, 4015, ...internal]);
    expect(CLOSE_REACTIONS[4008]?.waitMs).toBe(60_000);
    expect(told.filter(([code]) => CLOSE_REACTIONS[code]?.refreshToken).map(([code]) => code)).toEqual([4004, 4903]);
  });
});

describe('sessions are not wasted', () => {
  test('waits, and does not identify, when no session starts are left', async () => {
    hurry(100);
    const spent = { total: 1000, remaining: 0, resetAfterMs: 120_000, maxConcurrency: 1 };
    const sandbox = await openSandbox({ sessionLimit: spent, now: Date.now });
    const loong = new LaneUnderTest(sandbox);
    void loong.run();
    const startedAt = Date.now();
    await until('the wait', () => loong.sink.states.some(({ state }) => state === 'waiting'));
    expect(loong.sink.states.at(-1)?.detail).toContain('no session starts left until');
    await loong.ready();
    expect(Date.now() - startedAt).toBeGreaterThanOrEqual(119_000);
    expect(sandbox.platform.transcript.counters().identifies).toBe(1);
  });

  test.for([{ remaining: 0, reset_after: 1e300 }, { remaining: -5, reset_after: -1 }, { remaining: 0 }])(
    'bears a session_start_limit of %j',
    async (session_start_limit) => {
      const sandbox = await openSandbox();
      const body = { url: sandbox.apiBaseUrl.replace('http', 'ws'), session_start_limit };
      sandbox.platform.fault({ kind: 'rest', path: '/gateway/bot', body, times: 'always' });
      const loong = new LaneUnderTest(sandbox);
      void loong.run();
      const waiting = await until('the wait', () => loong.sink.states.find(({ state }) => state === 'waiting'));
      expect(waiting.detail).toContain('no session starts left until');
    },
  );

  test('identifies at most once in 5 s, whatever goes wrong', async () => {
    hurry(20);
    const sandbox = await openSandbox();
    sandbox.platform.set({
      session_limit: { total: 1000, remaining: 1000, resetAfterMs: 86_400_000, maxConcurrency: 1 },
    });
    sandbox.platform.fault({ kind: 'gateway.refuse', on: 'identify', code: 4900, times: 3 });
    const loong = new LaneUnderTest(sandbox);
    void loong.run();
    await loong.ready();
    const at = sandbox.platform.transcript
      .since(0)
      .flatMap((entry) => (entry.kind === 'gateway' && entry.step === 'identify' ? [entry.at] : []));
    const gaps = at.slice(1).map((time, n) => time - (at[n] ?? 0));
    expect(at.length).toBe(4);
    // The gateway's clock and ours may differ by what a frame takes, which a hurried clock makes long.
    expect(Math.min(...gaps)).toBeGreaterThan(4800);
  });

  test('resumes after a restart, with the stored session', async () => {
    const sandbox = await openSandbox();
    const { loong, sessionId } = await connected(sandbox);
    await loong.stop();
    sandbox.platform.say({ from: 'openid_alice', text: 'while it was down' });
    const again = new LaneUnderTest(sandbox, loong.memory);
    void again.run();
    await again.ready();
    expect(await step(sandbox, 'resume')).toMatchObject({ session_id: sessionId, seq: 2 });
    expect(again.sink.texts).toEqual(['while it was down']);
    expect(again.sink.states[0]?.state).toBe('resuming');
  });

  test('identifies after a restart with other intents', async () => {
    const sandbox = await openSandbox();
    const { loong } = await connected(sandbox);
    await loong.stop();
    const again = new LaneUnderTest(sandbox, loong.memory, { intents: ['group_and_c2c', 'interaction'] });
    void again.run();
    await again.ready();
    expect(sandbox.platform.transcript.counters()).toMatchObject({ identifies: 2, resumes: 0 });
  });

  test('identifies after a restart with another app id', async () => {
    const sandbox = await openSandbox();
    const { loong } = await connected(sandbox);
    await loong.stop();
    const other = await openSandbox({ appId: '102000002' });
    await new LaneUnderTest({ ...other, apiBaseUrl: other.apiBaseUrl }, loong.memory).connect();
    expect(other.platform.transcript.counters()).toMatchObject({ identifies: 1, resumes: 0 });
  });

  test('identifies also when the forgotten session could not be forgotten at once', async () => {
    hurry(20);
    const sandbox = await openSandbox();
    const { loong } = await connected(sandbox);
    let fails = 2;
    loong.memory.write = () => {
      if (fails-- > 0) throw new Error('disk full');
    };
    sandbox.platform.fault({ kind: 'gateway.close', code: 4006 });
    await loong.ready(2);
    expect(sandbox.platform.transcript.counters()).toMatchObject({ identifies: 2, resumes: 0 });
  });

  test('a memory that fails and recovers is written to again', async () => {
    const sandbox = await openSandbox();
    const memory = new SessionMemory();
    let broken = true;
    memory.write = () => {
      if (broken) throw new Error('disk full');
    };
    const loong = new LaneUnderTest(sandbox, memory);
    void loong.run();
    await loong.ready();
    await until('a failed write', () => loong.log.includes('could not be stored'));
    broken = false;
    sandbox.platform.say({ from: 'openid_alice', text: 'hello' });
    await until('the point', () => memory.point?.seq === 2);
  });
});
