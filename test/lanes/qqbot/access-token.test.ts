import { Agent } from 'undici';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { AccessToken } from '../../../src/lanes/qqbot/access-token.js';
import { DeliveryError } from '../../../src/model/errors.js';
import type { Sandbox } from '../../../src/sandbox/sandbox.js';
import { answer, HostilePlatform } from './support/hostile-platform.js';
import { hurry, until } from './support/hurried-clock.js';
import { openSandbox, type Where } from './support/lane-under-test.js';

type Told = readonly [token: string, replaced: string | undefined];

function tokenOf({ tokenUrl, appId, clientSecret }: Where, told: Told[] = []): AccessToken {
  const dispatcher = new Agent();
  onTestFinished(() => dispatcher.destroy());
  return new AccessToken({ tokenUrl, appId, clientSecret, dispatcher, onToken: (...what) => told.push(what) });
}

const fetched = (sandbox: Sandbox) => sandbox.platform.transcript.counters().tokens;

async function failure(work: Promise<unknown>): Promise<DeliveryError> {
  const error = await work.then(
    () => undefined,
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(DeliveryError);
  expect(error).toMatchObject({ certainty: 'not-delivered' });
  return error as DeliveryError;
}

describe('a token', () => {
  test('is fetched once for fifty who ask together', async () => {
    const sandbox = await openSandbox();
    const token = tokenOf(sandbox);
    const got = await Promise.all(Array.from({ length: 50 }, () => token.get()));
    expect(new Set(got).size).toBe(1);
    expect(fetched(sandbox)).toBe(1);
  });

  test('is kept while it is good', async () => {
    const sandbox = await openSandbox();
    const token = tokenOf(sandbox);
    expect(await token.get()).toBe(await token.get());
    expect(fetched(sandbox)).toBe(1);
  });

  test.for([
    ['a string', '3000', 2700],
    ['a number', 3000, 2700],
    ['a short life', 60, 40],
    ['more than the platform gives', '999999999', 6900],
    ['infinity', '1e999', 6900],
    ['"0"', '0', 40],
    ['a negative number', -7, 40],
    ['nonsense', 'soon', 40],
    ['nothing', undefined, 40],
    ['null', null, 40],
    ['an object', {}, 40],
  ] as const)('whose expires_in is %s is renewed in time', async ([, expires_in, renewedAfterS]) => {
    hurry(500);
    const platform = await HostilePlatform.open();
    platform.onToken = (_request, response) =>
      answer(response, 200, { access_token: `t${platform.tokenRequests}`, expires_in });
    const token = tokenOf(platform);
    const askedAt = Date.now();
    expect(await token.get()).toBe('t1');
    for (;;) {
      const before = Date.now();
      if ((await token.get()) === 't2') break;
      expect(before - askedAt).toBeLessThan(renewedAfterS * 1000 + 10_000);
      const skipTo = askedAt + renewedAfterS * 1000 - 5000;
      if (Date.now() < skipTo) vi.setSystemTime(skipTo);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    expect(Date.now() - askedAt).toBeGreaterThanOrEqual(renewedAfterS * 1000 - 1000);
  });

  test('is fetched again after it was dropped, and a late drop of the old one changes nothing', async () => {
    const platform = await HostilePlatform.open();
    const token = tokenOf(platform);
    const old = await token.get();
    token.drop(old);
    const fresh = await token.get();
    token.drop(old);
    expect([old, fresh, await token.get()]).toEqual(['token-1', 'token-2', 'token-2']);
  });

  test('that still lives serves on when its early renewal fails', async () => {
    hurry(1);
    const platform = await HostilePlatform.open();
    platform.onToken = (_request, response) => {
      if (platform.tokenRequests === 1) answer(response, 200, { access_token: 'first', expires_in: 3 });
      else answer(response, 502, '<html>');
    };
    const token = tokenOf(platform);
    await token.get();
    vi.setSystemTime(Date.now() + 2500);
    expect(await Promise.all([token.get(), token.get()])).toEqual(['first', 'first']);
    expect(platform.tokenRequests).toBe(2);
    vi.setSystemTime(Date.now() + 1000);
    expect((await failure(token.get())).failure).toBe('unavailable');
  });

  test('is told of once, and is not taken for its own successor', async () => {
    const sandbox = await openSandbox();
    const told: Told[] = [];
    const token = tokenOf(sandbox, told);
    const first = await token.get();
    token.drop(first);
    expect(await token.get()).toBe(first);
    expect(told).toEqual([[first, undefined]]);
    token.drop(first);
    sandbox.platform.fault({ kind: 'token.expire' });
    const second = await token.get();
    expect(told).toEqual([
      [first, undefined],
      [second, first],
    ]);
  });
});

describe('no token', () => {
  test.for([100016, 100007, 10004])('%d under HTTP 200 needs an operator', async (code) => {
    const sandbox = await openSandbox();
    sandbox.platform.fault({ kind: 'token', code, times: 'always' });
    const error = await failure(tokenOf(sandbox).get());
    expect(error).toMatchObject({ failure: 'auth', retry: 'never', platformCode: code });
    expect(error.remedy).toBeTruthy();
  });

  test('100001 rests for a minute, whoever asks', async () => {
    const sandbox = await openSandbox();
    sandbox.platform.fault({ kind: 'token', code: 100001, times: 1 });
    const token = tokenOf(sandbox);
    expect(await failure(token.get())).toMatchObject({ failure: 'rate', retryAfterMs: 60_000, retry: 'later' });
    for (let n = 0; n < 20; n++) await failure(token.get());
    expect(fetched(sandbox)).toBe(1);
  });

  test('a refused secret is not asked about again by everyone who wants to send', async () => {
    const sandbox = await openSandbox();
    sandbox.platform.fault({ kind: 'token', code: 100016, times: 'always' });
    const token = tokenOf(sandbox);
    for (let n = 0; n < 20; n++) await failure(token.get());
    expect(fetched(sandbox)).toBe(1);
  });

  test.for([
    ['HTML', 502, '<html><body>Bad Gateway</body></html>'],
    ['HTML that claims success', 200, '<html>login</html>'],
    ['an empty object', 200, {}],
    ['an empty token', 200, { access_token: '', expires_in: '7200' }],
    ['a token that is no text', 200, { access_token: { a: 1 }, expires_in: '7200' }],
    ['a token with a line break', 200, { access_token: 'a\r\nX-Evil: 1', expires_in: '7200' }],
    ['an endless token', 200, { access_token: 'x'.repeat(5000), expires_in: '7200' }],
    ['an array', 200, '[]'],
    ['an unknown code', 200, { code: 123456, message: 'emulator-Secret_01' }],
    ['nothing', 204, ''],
  ] as const)('%s is waited out', async ([, status, body]) => {
    const platform = await HostilePlatform.open();
    platform.onToken = (_request, response) => answer(response, status, body);
    const error = await failure(tokenOf(platform).get());
    expect(error).toMatchObject({ failure: 'unavailable', retry: 'later', code: 'platform.token_refused' });
    expect(error.message).not.toContain(platform.clientSecret);
  });

  test('HTTP 429 rests too', async () => {
    const platform = await HostilePlatform.open();
    platform.onToken = (_request, response) => answer(response, 429, '<html>');
    expect(await failure(tokenOf(platform).get())).toMatchObject({ failure: 'rate', retryAfterMs: 60_000 });
  });

  test('an answer over the limit is cut off', async () => {
    const platform = await HostilePlatform.open();
    platform.onToken = (_request, response) =>
      answer(response, 200, { access_token: 'x', more: 'y'.repeat(2_000_000) });
    expect((await failure(tokenOf(platform).get())).message).toContain('longer than 1048576 bytes');
  });

  test('an endpoint that is down is waited out, and asked again', async () => {
    const platform = await HostilePlatform.open();
    const where = {
      appId: platform.appId,
      clientSecret: platform.clientSecret,
      apiBaseUrl: platform.apiBaseUrl,
      tokenUrl: platform.tokenUrl,
    };
    await platform.close();
    const token = tokenOf(where);
    expect(await failure(token.get())).toMatchObject({ failure: 'unavailable', code: 'platform.token_unreachable' });
    expect(await failure(token.get())).toMatchObject({ failure: 'unavailable' });
  });

  test('an answer that only drips is given up', async () => {
    hurry(100);
    const platform = await HostilePlatform.open();
    platform.onToken = (_request, response) => {
      response.writeHead(200);
      const drip = setInterval(() => response.write(' '), 1000);
      response.on('close', () => clearInterval(drip));
    };
    const askedAt = Date.now();
    expect((await failure(tokenOf(platform).get())).message).toContain('no whole answer within 10 s');
    expect(Date.now() - askedAt).toBeLessThan(15_000);
  });

  test('who stops waiting leaves the others their token', async () => {
    const platform = await HostilePlatform.open();
    let give = () => {};
    platform.onToken = (_request, response) => {
      give = () => answer(response, 200, { access_token: 'late', expires_in: '7200' });
    };
    const token = tokenOf(platform);
    const stop = new AbortController();
    const impatient = failure(token.get(stop.signal));
    const patient = token.get();
    await until('the request', () => platform.tokenRequests === 1);
    stop.abort();
    expect(await impatient).toMatchObject({ code: 'platform.stopped' });
    give();
    expect(await patient).toBe('late');
    expect(platform.tokenRequests).toBe(1);
  });
});
