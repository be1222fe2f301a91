import { describe, expect, onTestFinished, test } from 'vitest';
import { DeliveryError } from '../../../src/model/errors.js';
import type { Target } from '../../../src/model/target.js';
import { answer, HostilePlatform } from './support/hostile-platform.js';
import { LaneUnderTest, openSandbox } from './support/lane-under-test.js';

const ALICE = 'c2c:openid_alice';

async function failure(work: Promise<unknown>): Promise<DeliveryError> {
  const error = await work.then(
    () => undefined,
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(DeliveryError);
  return error as DeliveryError;
}

describe('a message', () => {
  test('goes out as active, and as a reply with its msg_id and msg_seq', async () => {
    const sandbox = await openSandbox();
    const loong = new LaneUnderTest(sandbox);
    const said = sandbox.platform.say({ from: 'openid_alice', text: 'hello' });
    const first = await loong.send(ALICE, 'active');
    await loong.send(ALICE, 'passive', { id: said.id, seq: 3 });
    await loong.send('group:group_demo', 'to all');
    const sends = sandbox.platform.transcript.since(0).filter((entry) => entry.kind === 'bot.send');
    expect(sends).toMatchObject([
      { mode: 'active', text: 'active', id: first.platformMessageId, msg_type: 0 },
      { mode: 'passive', text: 'passive', msg_id: said.id, msg_seq: 3 },
      { scene: { kind: 'group', openid: 'group_demo' }, text: 'to all' },
    ]);
  });

  test('fifty at once cost one token, and no warning of Node', async () => {
    const warnings: Error[] = [];
    const hear = (warning: Error) => warnings.push(warning);
    process.on('warning', hear);
    onTestFinished(() => {
      process.off('warning', hear);
    });
    const sandbox = await openSandbox();
    const loong = new LaneUnderTest(sandbox);
    await Promise.all(Array.from({ length: 50 }, (_, n) => loong.send(ALICE, `${n}`)));
    expect(sandbox.platform.transcript.counters()).toMatchObject({ tokens: 1, sends_accepted: 50 });
    expect(warnings).toEqual([]);
  });

  test('to a peer of dots never leaves', async () => {
    const sandbox = await openSandbox();
    const loong = new LaneUnderTest(sandbox);
    const target = { channel: 'qqbot', account: 'main', kind: 'c2c', peer: '..' } as unknown as Target;
    const sent = loong.lane.send({ target, segments: [{ type: 'text', text: 'x' }] }, new AbortController().signal);
    expect(await failure(sent)).toMatchObject({ failure: 'refused', certainty: 'not-delivered' });
    expect(sandbox.platform.transcript.counters().requests).toBe(0);
  });
});

describe('a token that is no longer good', () => {
  test('is replaced once, and the message is sent once', async () => {
    const sandbox = await openSandbox();
    const loong = new LaneUnderTest(sandbox);
    await loong.send(ALICE, 'before');
    sandbox.platform.fault({ kind: 'token.expire' });
    await loong.send(ALICE, 'after');
    expect(sandbox.platform.transcript.counters()).toMatchObject({ tokens: 2, sends_accepted: 2 });
    expect(sandbox.platform.transcript.counters().requests_by_route['POST /v2/users/*/messages']).toBe(3);
  });

  test('fifty sends that find it so fetch one new token', async () => {
    const sandbox = await openSandbox();
    const loong = new LaneUnderTest(sandbox);
    await loong.send(ALICE, 'before');
    sandbox.platform.fault({ kind: 'token.expire' });
    await Promise.all(Array.from({ length: 50 }, (_, n) => loong.send(ALICE, `${n}`)));
    expect(sandbox.platform.transcript.counters().tokens).toBe(2);
  });

  test.for([11244, 11242, 11243])('%d twice is reported, not repeated for ever', async (code) => {
    const sandbox = await openSandbox();
    sandbox.platform.fault({ kind: 'rest', path: '/v2/users/*', code, times: 'always' });
    const error = await failure(new LaneUnderTest(sandbox).send(ALICE, 'x'));
    expect(error).toMatchObject({
      failure: 'unavailable',
      certainty: 'not-delivered',
      platformCode: code,
      retry: 'later',
    });
    expect(sandbox.platform.transcript.counters().requests_by_route['POST /v2/users/*/messages']).toBe(2);
  });

  test('11244 counts under any HTTP status', async () => {
    const sandbox = await openSandbox();
    sandbox.platform.fault({ kind: 'rest', path: '/v2/users/*', code: 11244, status: 500 });
    await new LaneUnderTest(sandbox).send(ALICE, 'x');
    expect(sandbox.platform.transcript.counters().sends_accepted).toBe(1);
  });

  test('a 401 without a word is tried once more', async () => {
    const sandbox = await openSandbox();
    sandbox.platform.fault({ kind: 'rest', path: '/v2/users/*', status: 401, html: '<html>' });
    await new LaneUnderTest(sandbox).send(ALICE, 'x');
    expect(sandbox.platform.transcript.counters().sends_accepted).toBe(1);
  });

  test.for([11298, 11251, 11265])(
    '%d is no matter of tokens: nothing is repeated, and the operator is told',
    async (code) => {
      const sandbox = await openSandbox();
      sandbox.platform.fault({ kind: 'rest', path: '/v2/users/*', code, times: 'always' });
      const error = await failure(new LaneUnderTest(sandbox).send(ALICE, 'x'));
      expect(error).toMatchObject({ failure: 'auth', retry: 'never', certainty: 'not-delivered' });
      expect(error.remedy).toContain('q.qq.com'.slice(0, code === 11251 ? 0 : undefined));
      if (code === 11298) expect(error.remedy).toContain('IP白名单');
      expect(sandbox.platform.transcript.counters()).toMatchObject({ tokens: 1 });
      expect(sandbox.platform.transcript.counters().requests_by_route['POST /v2/users/*/messages']).toBe(1);
    },
  );
});

describe('a refusal says what it means', () => {
  test.for([
    [40054005, 'duplicate'],
    [40034005, 'window'],
    [40034128, 'window'],
    [40034024, 'window'],
    [40034102, 'active'],
    [40034105, 'active'],
    [40054013, 'active'],
    [22009, 'crowd'],
    [22006, 'markdown'],
    [40034011, 'markdown'],
    [40054010, 'links'],
    [304003, 'links'],
    [501999, 'refused'],
    [40034100, 'rate'],
    [1100100, 'rate'],
    [40034006, 'refused'],
    [40054004, 'refused'],
    [11253, 'refused'],
    [987654, 'refused'],
  ] as const)('%d is %s', async ([code, kind]) => {
    const sandbox = await openSandbox();
    sandbox.platform.fault({ kind: 'rest', path: '/v2/users/*', code, times: 'always' });
    const error = await failure(new LaneUnderTest(sandbox).send(ALICE, 'x'));
    expect(error).toMatchObject({ failure: kind, certainty: 'not-delivered', platformCode: code });
    expect(error.traceId).toMatch(/^[0-9a-f]{8,}/);
    expect(error.message).toContain(String(code));
  });

  test.for([500, 502, 503, 504])('HTTP %d leaves open whether it arrived', async (status) => {
    const sandbox = await openSandbox();
    sandbox.platform.fault({ kind: 'rest', path: '/v2/users/*', status, html: '<html>Bad Gateway</html>' });
    const error = await failure(new LaneUnderTest(sandbox).send(ALICE, 'x'));
    expect(error).toMatchObject({ failure: 'unavailable', certainty: 'unknown' });
    expect(error.message).not.toContain('<');
  });

  test('a reset after the platform has acted leaves it open too', async () => {
    const sandbox = await openSandbox();
    sandbox.platform.fault({ kind: 'rest', path: '/v2/users/*', drop: 'after' });
    expect(await failure(new LaneUnderTest(sandbox).send(ALICE, 'x'))).toMatchObject({
      failure: 'unavailable',
      certainty: 'unknown',
    });
    expect(sandbox.platform.transcript.counters().sends_accepted).toBe(1);
  });

  test('429 in HTML tells how long to wait', async () => {
    const sandbox = await openSandbox();
    sandbox.platform.fault({ kind: 'rest', path: '/v2/users/*', status: 429, html: '<html>', retry_after: 7 });
    expect(await failure(new LaneUnderTest(sandbox).send(ALICE, 'x'))).toMatchObject({
      failure: 'rate',
      certainty: 'not-delivered',
      retryAfterMs: 7000,
    });
  });

  test('a refused connection is certain', async () => {
    const sandbox = await openSandbox();
    const loong = new LaneUnderTest({ ...sandbox, apiBaseUrl: 'http://127.0.0.1:1' });
    expect(await failure(loong.send(ALICE, 'x'))).toMatchObject({ failure: 'unavailable', certainty: 'not-delivered' });
  });

  test('without a token nothing was sent', async () => {
    const sandbox = await openSandbox();
    sandbox.platform.fault({ kind: 'token', html: '<html>', times: 'always' });
    expect(await failure(new LaneUnderTest(sandbox).send(ALICE, 'x'))).toMatchObject({ certainty: 'not-delivered' });
    expect(sandbox.platform.transcript.counters().sends).toBe(0);
  });
});

describe('an answer on the worst day', () => {
  /** A lane on a platform that answers a send so. */
  async function sendInto(status: number, body: unknown, headers: { [name: string]: string } = {}) {
    const platform = await HostilePlatform.open();
    platform.onRequest = (_request, response) => answer(response, status, body, headers);
    return new LaneUnderTest(platform).send(ALICE, 'x');
  }

  test.for([
    ['HTML that claims success', 200, '<html>please log in</html>', 'unavailable', 'unknown'],
    ['a redirection', 302, '', 'unavailable', 'not-delivered'],
    ['a request timeout', 408, '<html>', 'unavailable', 'not-delivered'],
    ['a body that is too large for it', 413, '<html>', 'refused', 'not-delivered'],
    ['an error under HTTP 200', 200, { code: 40034102, message: 'no' }, 'active', 'not-delivered'],
    ['an error text that is a tree', 400, { code: 1, message: { a: 1 } }, 'refused', 'not-delivered'],
    ['a code that is a text', 400, { code: '1', message: 'x' }, 'refused', 'not-delivered'],
    ['an array', 400, '[]', 'refused', 'not-delivered'],
  ] as const)('%s', async ([, status, body, kind, certainty]) => {
    expect(await failure(sendInto(status, body))).toMatchObject({ failure: kind, certainty });
  });

  test.for([
    ['nothing', 204, ''],
    ['an empty object', 200, {}],
    ['a message that waits for its audit', 202, { code: 304023, message: 'push message is waiting for audit now' }],
    ['an id that is no text', 200, { id: 7 }],
  ] as const)('%s is a success without an id', async ([, status, body]) => {
    expect(await sendInto(status, body)).toEqual({});
  });

  test('its text enters an error as one short line, and never with the token', async () => {
    const platform = await HostilePlatform.open();
    const message = `bad token-1\r\n\u001b[31m\u2028\u202e\u0000${'x'.repeat(5000)}`;
    platform.onRequest = (_request, response) =>
      answer(response, 400, { code: 1, message, trace_id: `a\nb${'y'.repeat(900)}` });
    const error = await failure(new LaneUnderTest(platform).send(ALICE, 'x'));
    expect(error.message.length).toBeLessThan(260);
    expect(error.message).not.toMatch(/[\p{C}\u2028\u2029]|token-1/u);
    expect(error.traceId).toMatch(/^a b/);
    expect(error.traceId?.length).toBeLessThanOrEqual(200);
  });

  test('is read up to a limit', async () => {
    const error = await failure(sendInto(200, { id: 'x', more: 'y'.repeat(2_000_000) }));
    expect(error).toMatchObject({
      certainty: 'unknown',
      message: expect.stringContaining('longer than 1048576 bytes'),
    });
  });

  test('may break off in the middle', async () => {
    const platform = await HostilePlatform.open();
    platform.onRequest = (request, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('{"id":');
      setImmediate(() => request.socket.destroy());
    };
    expect(await failure(new LaneUnderTest(platform).send(ALICE, 'x'))).toMatchObject({ certainty: 'unknown' });
  });

  test.for([
    ['7', 7000],
    ['999999', 3_600_000],
    ['-1', undefined],
    ['soon', undefined],
    ['', undefined],
  ] as const)('Retry-After %j', async ([retryAfter, ms]) => {
    expect((await failure(sendInto(429, '<html>', { 'retry-after': retryAfter }))).retryAfterMs).toBe(ms);
  });

  test('tokens and secrets are in no error and no log line', async () => {
    const sandbox = await openSandbox();
    const loong = await new LaneUnderTest(sandbox).connect();
    const errors: DeliveryError[] = [];
    for (const fault of [{ code: 11244 }, { status: 500 }, { drop: 'after' }, { drop: 'before' }] as const) {
      sandbox.platform.fault({ kind: 'rest', path: '/v2/users/*', times: 2, ...fault });
      errors.push(await failure(loong.send(ALICE, 'x')));
      sandbox.platform.faults.remove();
    }
    const secrets = [sandbox.clientSecret, ...loong.tokens.map(({ token }) => token)];
    const shown =
      loong.log + errors.map((error) => `${error.message} ${error.remedy} ${error.traceId} ${error.stack}`).join('\n');
    for (const secret of secrets) expect(shown).not.toContain(secret);
  });
});
