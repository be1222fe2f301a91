/** The sandbox calls a bot back as the platform does: the challenge, signed pushes, and by order forged, late, cut and repeated ones. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.js';
import type { Entry, WebhookStep } from '../../src/sandbox/transcript.js';
import { isAnswered, signatureOf } from '../../src/sandbox/webhook-signature.js';
import { signature } from '../support/callbacks.js';
import { waitUntil } from '../support/wait-until.js';
import { calledBot as bot } from './support/called-bot.js';

let sandbox: Sandbox;
let now: number;

beforeEach(async () => {
  now = 1_767_225_600_000;
  sandbox = await startSandbox({ now: () => now });
});

afterEach(() => sandbox.close());

function api(method: string, path: string, body?: object): Promise<Response> {
  return fetch(`${sandbox.url}/sandbox/v1${path}`, {
    method,
    headers: { 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

const pushed = () =>
  sandbox.platform.transcript
    .since(0)
    .filter((entry): entry is Entry & WebhookStep => entry.kind === 'webhook' && entry.step === 'pushed');

test('signs as published: its key is its own reading of the specification', () => {
  expect(signatureOf('DG5g3B4j9X2KOErG', '1725442341', 'Arq0D5A61EgUu4OxUvOp')).toBe(
    '87befc99c42c651b3aac0278e71ada338433ae26fcb24307bdc5ad38c1adc2d01bcfcadc0842edac85e85205028a1132afe09280305f13aa6909ffc2d652c706',
  );
  for (const secret of [
    's3cr3t',
    'a',
    '0123456789abcdef0123456789abcdef',
    '0123456789abcdef0123456789abcdefEXTRA456',
  ]) {
    expect(signatureOf(secret, '1767225600', 'x')).toBe(signature(secret, '1767225600x'));
    expect(isAnswered(secret, '1767225600', 'x', signature(secret, '1767225600x'))).toBe(true);
    expect(isAnswered(secret, '1767225600', 'y', signature(secret, '1767225600x'))).toBe(false);
  }
});

test('an address is taken once it has signed the word; then events go there, and to no session', async () => {
  const { url, got, challenges } = await bot();
  expect(await (await api('POST', '/webhook', { url })).json()).toEqual({ webhook: { url } });
  expect(challenges[0]).toMatchObject({
    verifies: true,
    headers: { 'user-agent': 'QQBot-Callback', 'x-bot-appid': sandbox.appId, 'x-signature-timestamp': '1767225600' },
  });
  const said = sandbox.platform.say({ from: 'openid_alice', text: '你好' });
  expect(said.sessions).toBe(1);
  await waitUntil('the push', () => pushed().length === 1);
  expect(got[0]?.verifies).toBe(true);
  expect(JSON.parse(got[0]?.body ?? '')).toMatchObject({
    op: 0,
    t: 'C2C_MESSAGE_CREATE',
    d: { id: said.id, content: '你好' },
  });
  expect(pushed()[0]).toMatchObject({ type: 'C2C_MESSAGE_CREATE', status: 200, taken: true, attempt: 1 });
  expect(await (await api('GET', '/state')).json()).toMatchObject({ connected: true, webhook: { url }, sessions: [] });
  expect(await (await api('DELETE', '/webhook')).json()).toEqual({ webhook: null });
  expect(sandbox.platform.say({ from: 'openid_alice', text: 'again' }).sessions).toBe(0);
});

test('an address that signs with another key, or does not answer, is not taken', async () => {
  const { url } = await bot('another secret');
  for (const wrong of [url, 'http://127.0.0.1:9/qq']) {
    const answer = await api('POST', '/webhook', { url: wrong });
    expect([answer.status, ((await answer.json()) as { error: { code: string } }).error.code]).toEqual([
      400,
      'webhook.refused',
    ]);
  }
  expect((await api('POST', '/webhook', { url: 'ftp://x' })).status).toBe(400);
  expect(sandbox.platform.webhook.isOn).toBe(false);
});

test('what is not acknowledged comes again, signed anew', async () => {
  const { url, got, answers } = await bot();
  await sandbox.platform.webhook.save(url);
  answers((n) => (n === 1 ? [200, '{"op":12,"d":1}'] : [200, '']));
  sandbox.platform.say({ from: 'openid_alice', text: 'hello' });
  await waitUntil('the first', () => got.length === 1);
  now += 7000;
  await waitUntil('the second', () => pushed().length === 2);
  expect(got.map(({ verifies, headers }) => [verifies, headers['x-signature-timestamp']])).toEqual([
    [true, '1767225600'],
    [true, '1767225607'],
  ]);
  expect(got[1]?.body).toBe(got[0]?.body);
  expect(pushed().map(({ taken, attempt }) => [taken, attempt])).toEqual([
    [false, 1],
    [true, 2],
  ]);
});

test.each([
  ['forged', { forged: true }, { verifies: false }],
  ['unsigned', { unsigned: true }, { verifies: false, headers: { 'x-bot-appid': '102000001' } }],
  ['late', { late_s: 90_000 }, { verifies: true, headers: { 'x-signature-timestamp': '1767135600' } }],
  ['ahead', { late_s: -600 }, { verifies: true, headers: { 'x-signature-timestamp': '1767226200' } }],
  ['truncated', { truncate: 5 }, { verifies: false }],
])('by order a push is %s', async (_, how, expected) => {
  const { url, got, answers } = await bot();
  await sandbox.platform.webhook.save(url);
  answers(() => [200, '']);
  expect((await api('POST', '/faults', { kind: 'webhook', type: 'C2C_MESSAGE_CREATE', ...how })).status).toBe(200);
  sandbox.platform.say({ from: 'openid_alice', text: 'hello' });
  sandbox.platform.say({ from: 'openid_alice', text: 'as it should be' });
  await waitUntil('both', () => got.length === 2);
  const spoilt = got.find(({ body }) => body.includes('hello'));
  expect(spoilt).toMatchObject(expected);
  expect(spoilt?.headers['x-signature-ed25519'] === undefined).toBe(_ === 'unsigned');
  expect(got.find(({ body }) => body.includes('as it should be'))?.verifies).toBe(true);
  expect(sandbox.platform.faults.list()).toEqual([]);
});

test('by order a push is repeated byte for byte, or breaks off', async () => {
  const { url, got } = await bot();
  await sandbox.platform.webhook.save(url);
  sandbox.platform.fault({ kind: 'webhook', replay: 2 });
  sandbox.platform.say({ from: 'openid_alice', text: 'hello' });
  await waitUntil('three', () => got.length === 3);
  expect(new Set(got.map(({ headers, body }) => `${headers['x-signature-ed25519']} ${body}`)).size).toBe(1);
  sandbox.platform.fault({ kind: 'webhook', cut: true });
  sandbox.platform.say({ from: 'openid_alice', text: 'cut' });
  await waitUntil('what became of it', () => pushed().some(({ status }) => status === 0));
});
