import { describe, expect, test } from 'vitest';
import type { ProbeStep } from '../../../src/lanes/lane.js';
import { answer, HostilePlatform } from './support/hostile-platform.js';
import { LaneUnderTest, openSandbox, type Where } from './support/lane-under-test.js';

interface Probed {
  readonly steps: readonly ProbeStep[];
  readonly levels: { readonly [name: string]: ProbeStep['level'] };
  step(name: string): ProbeStep | undefined;
}

/** Asks, and makes sure that nothing secret is in the answer. */
async function probe(where: Where, signal = new AbortController().signal): Promise<Probed> {
  const loong = new LaneUnderTest(where);
  const steps = await loong.lane.probe(signal);
  const shown = JSON.stringify(steps);
  expect(shown).not.toContain(where.clientSecret);
  for (const { token } of loong.tokens) expect(shown).not.toContain(token);
  expect(steps.filter(({ level, remedy }) => level === 'fail' && !remedy)).toEqual([]);
  expect(steps.filter(({ detail }) => /\p{Cc}/u.test(detail))).toEqual([]);
  return {
    steps,
    levels: Object.fromEntries(steps.map(({ name, level }) => [name, level])),
    step: (name) => steps.find((step) => step.name === name),
  };
}

const GOOD = { clock: 'ok', token: 'ok', gateway: 'ok', 'session starts': 'ok', profile: 'ok', websocket: 'ok' };

describe('an account that could run', () => {
  test('passes every step, and no session is started for it', async () => {
    const sandbox = await openSandbox();
    const { levels, step } = await probe(sandbox);
    expect(levels).toEqual(GOOD);
    expect(step('gateway')?.detail).toBe(new URL(sandbox.apiBaseUrl).host);
    expect(step('profile')?.detail).toContain('demo');
    expect(sandbox.platform.transcript.counters()).toMatchObject({ identifies: 0, resumes: 0 });
  });

  test.for([
    [20, 'warn'],
    [0, 'fail'],
  ] as const)('with %d session starts left: %s', async ([remaining, level]) => {
    const limit = { total: 1000, remaining, resetAfterMs: 7_200_000, maxConcurrency: 1 };
    const { levels, step } = await probe(await openSandbox({ sessionLimit: limit }));
    expect(levels).toEqual({ ...GOOD, 'session starts': level });
    expect(step('session starts')).toMatchObject({
      detail: `${remaining} of 1000 left (full again in 2 h)`,
      remedy: expect.stringContaining('second program'),
    });
  });
});

describe('an account that could not', () => {
  test('with a wrong secret stops at the token, and says what to compare', async () => {
    const { levels, step } = await probe({ ...(await openSandbox()), clientSecret: 'another-Secret_02' });
    expect(levels).toEqual({ clock: 'ok', token: 'fail' });
    expect(step('token')).toMatchObject({
      detail: expect.stringContaining('100016'),
      remedy: expect.stringContaining('开发设置'),
    });
  });

  test.for([
    ['接口访问源IP不在白名单: 203.0.113.7', '(203.0.113.7)', '203.0.113.7'],
    ['source ip [2001:db8::7] is not in the whitelist', '(2001:db8::7)', '2001:db8::7'],
    // Not told: that from which this machine calls, as far as it knows.
    ['接口访问源IP不在白名单', 'IP whitelist of the bot', '127.0.0.1'],
    ['not in whitelist: 999.1.1.1', 'IP whitelist of the bot', '127.0.0.1'],
  ] as const)(
    'from an address that is not listed, told as %j, says where to add which',
    async ([message, shown, address]) => {
      const sandbox = await openSandbox();
      sandbox.platform.fault({ kind: 'rest', path: '/gateway/bot', code: 11298, message, times: 'always' });
      const { levels, step } = await probe(sandbox);
      expect(levels).toEqual({ clock: 'ok', token: 'ok', gateway: 'fail', profile: 'ok' });
      expect(step('gateway')?.detail).toContain(shown);
      expect(step('gateway')?.detail).not.toContain('999.');
      expect(step('gateway')?.remedy).toMatch(/^add \S+ under 开发设置 → IP白名单/);
      expect(step('gateway')?.remedy).toContain(`add ${address} `);
    },
  );

  test('from an address that is not listed is told its address at every call, for with callbacks no gateway is asked', async () => {
    const sandbox = await openSandbox();
    sandbox.platform.set({ ip_whitelist: ['203.0.113.9'] });
    const { levels, step } = await probe(sandbox);
    expect(levels).toEqual({ clock: 'ok', token: 'ok', gateway: 'fail', profile: 'fail' });
    expect(step('profile')?.remedy).toContain('add 127.0.0.1 ');
    expect(step('profile')?.remedy).toBe(step('gateway')?.remedy);
  });

  test('whose gateway is down fails at the socket alone', async () => {
    const sandbox = await openSandbox();
    sandbox.platform.fault({ kind: 'gateway.down' });
    const { levels, step } = await probe(sandbox);
    expect(levels).toEqual({ ...GOOD, websocket: 'fail' });
    expect(step('websocket')).toMatchObject({
      detail: expect.stringContaining('503'),
      remedy: expect.stringContaining('WebSocket'),
    });
    expect(step('websocket')).not.toHaveProperty('unreached'); // 503 is an answer
  });

  test('that cannot be reached at all says so at once', async () => {
    const where = {
      appId: '1',
      clientSecret: 'a-Secret',
      apiBaseUrl: 'http://127.0.0.1:9',
      tokenUrl: 'http://127.0.0.1:9/t',
    };
    const { levels, step } = await probe(where);
    expect(levels).toEqual({ clock: 'fail', token: 'fail' });
    expect([step('clock')?.unreached, step('token')?.unreached]).toEqual([true, true]);
  });
});

describe('a platform of another kind', () => {
  test.for([
    [0, 'ok'],
    [60_000, 'warn'],
    [-60_000, 'warn'],
    [3_600_000, 'fail'],
    [-3_600_000, 'fail'],
  ] as const)('whose clock is %d ms ahead: %s', async ([ahead, level]) => {
    const platform = await HostilePlatform.open();
    platform.onRequest = (_request, response) =>
      answer(response, 200, { url: platform.gatewayUrl }, { date: new Date(Date.now() + ahead).toUTCString() });
    const { step } = await probe(platform);
    expect(step('clock')?.level).toBe(level);
    if (level !== 'ok') expect(step('clock')?.remedy).toContain('NTP');
  });

  test('whose gateway nobody answers at is not reached', async () => {
    const platform = await HostilePlatform.open();
    platform.onRequest = (_request, response) => answer(response, 200, { url: 'ws://127.0.0.1:9/' });
    expect((await probe(platform)).step('websocket')).toMatchObject({ level: 'fail', unreached: true });
  });

  test('that does not tell its time is a warning', async () => {
    const platform = await HostilePlatform.open();
    platform.onRequest = (_request, response) => {
      response.sendDate = false;
      answer(response, 200, { url: platform.gatewayUrl });
    };
    expect((await probe(platform)).step('clock')?.level).toBe('warn');
  });

  test.for(['http://x/', 'wss://user:password@127.0.0.1/', 'nonsense', 7, null, { a: 1 }, 'wss://127.0.0.1/#\r\nx'])(
    'that gives %j as its address is not called, and the address is not shown',
    async (url) => {
      const platform = await HostilePlatform.open();
      platform.onRequest = (_request, response) => answer(response, 200, { url });
      const { step, steps } = await probe(platform);
      expect(step('gateway')).toMatchObject({ level: 'fail', detail: expect.stringContaining('no usable url') });
      expect(step('websocket')).toBeUndefined();
      expect(JSON.stringify(steps)).not.toContain('password');
      expect(platform.connections).toBe(0);
    },
  );

  test('that repeats the token in its errors is not quoted', async () => {
    const platform = await HostilePlatform.open();
    platform.onRequest = (request, response) =>
      answer(response, 400, { code: 12345, message: `bad\r\n\u001b[31m header: ${request.headers.authorization}` });
    const { step } = await probe(platform);
    expect(step('gateway')?.detail).toContain('12345');
  });

  test.for([
    ['says something else than HELLO', { op: 0, t: 'READY' }, 'HELLO'],
    ['says nothing, and is stopped', undefined, 'stopped'],
  ] as const)('whose gateway %s fails', async ([, hello, detail]) => {
    const platform = await HostilePlatform.open();
    platform.hello = hello;
    const { step } = await probe(platform, AbortSignal.timeout(1000));
    expect(step('websocket')).toMatchObject({ level: 'fail', detail: expect.stringContaining(detail) });
  });

  test('that hangs up before HELLO fails', async () => {
    const platform = await HostilePlatform.open();
    platform.onUpgrade = (socket) => socket.destroy();
    expect((await probe(platform)).step('websocket')?.level).toBe('fail');
  });
});
