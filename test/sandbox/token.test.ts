import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.js';
import { call, order, post, postJson } from './support/bare-bot.js';

let sandbox: Sandbox;
let now: number;
beforeEach(async () => {
  now = 1_767_225_600_000;
  sandbox = await startSandbox({ now: () => now });
});
afterEach(() => sandbox.close());

const ask = () => postJson(sandbox.tokenUrl, { appId: sandbox.appId, clientSecret: sandbox.clientSecret });
const statusWith = async (token: string) =>
  (await post(sandbox, '/v2/users/openid_bob/messages', { msg_type: 0, content: 'x' }, token)).status;

test('a repeated call gives the same token with the life that is left, as a string', async () => {
  const first = await ask();
  expect(first.body.expires_in).toBe('7200');
  now += 75_000;
  expect((await ask()).body).toEqual({ access_token: first.body.access_token, expires_in: '7125' });
});

test('in the last 60 s there is a new token, and the old one still works until its end', async () => {
  const old = (await ask()).body.access_token;
  now += 7_139_000;
  expect((await ask()).body.access_token).toBe(old);
  now += 1_000;
  const next = (await ask()).body;
  expect(next.access_token).not.toBe(old);
  expect(next.expires_in).toBe('7200');
  expect([await statusWith(old), await statusWith(next.access_token)]).toEqual([200, 200]);
  now += 60_000;
  expect([await statusWith(old), await statusWith(next.access_token)]).toEqual([401, 200]);
});

test('wrong or broken credentials are refused under HTTP 200', async () => {
  for (const body of ['{"appId":"1","clientSecret":"2"}', 'no json', '[]', 'null']) {
    const answer = await call(sandbox.tokenUrl, { method: 'POST', body });
    expect([answer.status, answer.body]).toEqual([200, { code: 100016, message: 'invalid appid or secret' }]);
  }
});

test('ordered faults: an error, HTML, no token, a number, a short life', async () => {
  const fault = (more: object) => order(sandbox, '/faults', { kind: 'token', ...more });
  await fault({ code: 100001, message: 'too many requests' });
  expect((await ask()).body).toEqual({ code: 100001, message: 'too many requests' });
  await fault({ html: '<h1>502</h1>' });
  const page = await ask();
  expect([page.status, page.text, page.headers.get('content-type')]).toEqual([502, '<h1>502</h1>', 'text/html']);
  await fault({ without_token: true });
  expect((await ask()).body).toEqual({ expires_in: '7200' });
  await fault({ numeric: true });
  expect((await ask()).body.expires_in).toBe(7200);
  await fault({ expires_in: 30 });
  const short = (await ask()).body;
  expect(short.expires_in).toBe('30');
  expect(await statusWith(short.access_token)).toBe(200);
  now += 30_000;
  expect(await statusWith(short.access_token)).toBe(401);
});

test('all tokens can be ended at once', async () => {
  const { access_token } = (await ask()).body;
  await order(sandbox, '/faults', { kind: 'token.expire' });
  expect(await statusWith(access_token)).toBe(401);
  expect((await ask()).body.access_token).not.toBe(access_token);
});
