/** The real daemon, called back by the sandbox instead of dialling its gateway. */
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.js';
import type { Entry, WebhookStep } from '../../src/sandbox/transcript.js';
import { c2cEvent, post, seconds, signed } from '../support/callbacks.js';
import { freePort } from '../support/free-port.js';
import { configFor, LoongHome, type LoongProcess } from '../support/loong-process.js';
import { answersTo, sendsTo, steps } from '../support/transcript.js';
import { waitUntil } from '../support/wait-until.js';

const SERVE = ['channels', 'serve', 'qqbot'];
const TAKEN = '{"op":12,"d":0}';

let sandbox: Sandbox;
let home: LoongHome;

beforeEach(async () => {
  sandbox = await startSandbox();
  home = new LoongHome();
  home.writeConfig(
    configFor(sandbox, 'allowed_peer_ids = ["openid_alice"]\ntransport = "webhook"\nwebhook_listen = "127.0.0.1:0"'),
  );
});

afterEach(async () => {
  await home.remove();
  await sandbox.close();
});

/** A daemon, the address where it takes callbacks, and the sandbox told of it. */
async function called(): Promise<{ daemon: LoongProcess; url: string }> {
  const daemon = home.start(SERVE);
  await daemon.logs('callbacks of QQ are taken here');
  const url = /http:\/\/127\.0\.0\.1:\d+\/qq-official-webhook/.exec(daemon.stderr)?.[0] ?? '';
  await sandbox.platform.webhook.save(url);
  return { daemon, url };
}

function pushes(): readonly (Entry & WebhookStep)[] {
  return sandbox.platform.transcript
    .since(0)
    .filter((entry): entry is Entry & WebhookStep => entry.kind === 'webhook' && entry.step === 'pushed');
}

test('a message that is pushed is answered; no session of the gateway is held; status says that it is ready', async () => {
  await called();
  const { id } = sandbox.platform.say({ from: 'openid_alice', text: 'hello' });
  await waitUntil('an answer', () => answersTo(sandbox, id).length === 1);
  expect(pushes().map(({ type, status, taken }) => [type, status, taken])).toEqual([['C2C_MESSAGE_CREATE', 200, true]]);
  expect(steps(sandbox, 'identify')).toEqual([]);
  const status = await home.run(['channels', 'status', '--json']);
  expect(JSON.parse(status.stdout)).toMatchObject({
    accounts: [{ live: { state: 'ready', last_inbound_at: expect.any(Number) } }],
  });
});

test('what is forged, unsigned, cut or changed is not taken; it comes again as it should be, and is answered once', async () => {
  const { daemon } = await called();
  const spoils = [{ forged: true }, { unsigned: true }, { truncate: 1 }, { cut: true }, { late_s: 100_000 }] as const;
  const ids = spoils.map((spoil, i) => {
    sandbox.platform.fault({ kind: 'webhook', ...spoil });
    return sandbox.platform.say({ from: 'openid_alice', text: `message ${i}` }).id;
  });
  await waitUntil('every answer', () => ids.every((id) => answersTo(sandbox, id).length > 0));
  const first = pushes().filter(({ attempt }) => attempt === 1);
  expect(first.map(({ status, taken }) => [status, taken])).toEqual(
    expect.arrayContaining([
      [401, false],
      [401, false],
      [401, false],
      [0, false],
      [401, false],
    ]),
  );
  expect(ids.map((id) => answersTo(sandbox, id).length)).toEqual(spoils.map(() => 1));
  expect(daemon.stderr).toContain('its signature is not of this bot');
  expect(daemon.stderr).not.toContain(sandbox.clientSecret);
});

test('a push that is replayed, in its commit and after a restart, is acknowledged and answered once', async () => {
  const { daemon, url } = await called();
  sandbox.platform.fault({ kind: 'webhook', replay: 3 });
  const { id } = sandbox.platform.say({ from: 'openid_alice', text: 'hello' });
  await waitUntil('the replays', () => pushes().length === 4);
  expect(pushes().map(({ status, taken }) => [status, taken])).toEqual(Array.from({ length: 4 }, () => [200, true]));

  const once = 'ROBOT1.0_once!';
  sandbox.platform.windows.openForMessage(once, { kind: 'c2c', openid: 'openid_alice' }, true);
  const body = c2cEvent(once, 'only once');
  const headers = signed(sandbox.clientSecret, body);
  const together = await Promise.all(Array.from({ length: 20 }, () => post(url, body, headers)));
  expect(together.map((answer) => answer.body)).toEqual(together.map(() => TAKEN));
  await waitUntil('an answer to each', () => [id, once].every((asked) => answersTo(sandbox, asked).length > 0));

  await daemon.kill();
  const again = await called();
  expect((await post(again.url, body, headers)).body).toBe(TAKEN);
  const anew = await post(again.url, body, signed(sandbox.clientSecret, body, seconds(Date.now() - 60_000)));
  expect(anew.body).toBe(TAKEN);
  const last = sandbox.platform.say({ from: 'openid_alice', text: 'the last' });
  await waitUntil('the last answer', () => answersTo(sandbox, last.id).length === 1);
  const shown = sendsTo(sandbox, 'openid_alice').filter(({ accepted }) => accepted);
  expect(shown.map(({ text }) => text)).toEqual(['hello', 'only once', 'the last']);
});

test('killed at random under a stream of pushes, it answers every message once', async () => {
  const port = await freePort();
  home.writeConfig(
    configFor(
      sandbox,
      `allowed_peer_ids = ["openid_alice"]\ntransport = "webhook"\nwebhook_listen = "127.0.0.1:${port}"`,
    ),
  );
  let { daemon } = await called();
  const ids: string[] = [];
  for (let life = 0; life < 2; life++) {
    for (let i = 0; i < 5; i++) ids.push(sandbox.platform.say({ from: 'openid_alice', text: `${life}.${i}` }).id);
    await waitUntil('something taken', () => pushes().filter(({ taken }) => taken).length > life * 3);
    await daemon.kill();
    daemon = home.start(SERVE);
    await daemon.logs('callbacks of QQ are taken here');
  }
  await waitUntil('every answer', () => ids.every((id) => answersTo(sandbox, id).length > 0), 30_000);
  expect(ids.map((id) => answersTo(sandbox, id).length)).toEqual(ids.map(() => 1));
}, 90_000);

test('several bots on one address: each answers what is meant for it, and a call without a name is refused', async () => {
  const other = await startSandbox({ appId: '102000002', clientSecret: 'another-Secret_02' });
  onTestFinished(() => other.close());
  home.writeConfig(`[qqbot]
allowed_peer_ids = ["openid_alice"]
transport = "webhook"
webhook_listen = "127.0.0.1:0"
[qqbot.accounts.one]
${identityOf(sandbox)}
[qqbot.accounts.two]
${identityOf(other)}
`);
  const daemon = home.start(SERVE);
  await daemon.logs('callbacks of QQ are taken here', 2);
  const url = /http:\/\/127\.0\.0\.1:\d+\/qq-official-webhook/.exec(daemon.stderr)?.[0] ?? '';
  for (const platform of [sandbox, other]) await platform.platform.webhook.save(url);
  const [one, two] = [sandbox, other].map((each) => each.platform.say({ from: 'openid_alice', text: 'hello' }));
  await waitUntil(
    'both answers',
    () => answersTo(sandbox, one?.id ?? '').length + answersTo(other, two?.id ?? '').length === 2,
  );
  const body = c2cEvent('m9', 'nobody is meant');
  expect((await post(url, body, signed(sandbox.clientSecret, body))).status).toBe(400);
  expect((await post(url, body, { ...signed(other.clientSecret, body), 'x-bot-appid': sandbox.appId })).status).toBe(
    401,
  );
});

test('`loong sandbox --webhook` calls a daemon as soon as it is there', async () => {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}/qq-official-webhook`;
  const platform = home.start(['sandbox', '--port', '0', '--json', '--webhook', url]);
  const facts = await waitUntil('what it prints', () =>
    platform.stdout.includes('}') ? (JSON.parse(platform.stdout) as Record<string, string>) : undefined,
  );
  home.writeConfig(`[qqbot]
app_id = "${facts.app_id}"
client_secret = "${facts.client_secret}"
api_base_url = "${facts.api_base_url}"
token_url = "${facts.token_url}"
allowed_peer_ids = ["openid_alice"]
transport = "webhook"
webhook_listen = "127.0.0.1:${port}"
`);
  home.start(SERVE);
  const api = async (path: string, body?: object) => {
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
    return (await fetch(`${facts.url}/sandbox/v1${path}`, body === undefined ? {} : init)).json();
  };
  await waitUntil('the proof', async () => ((await api('/state')) as { webhook: unknown }).webhook !== null);
  await api('/messages', { from: 'openid_alice', text: 'hello' });
  await waitUntil('the answer', async () => {
    const { entries } = (await api('/transcript')) as { entries: readonly { kind: string; text?: string }[] };
    return entries.some(({ kind, text }) => kind === 'bot.send' && text === 'hello');
  });
  const refused = await home.run(['sandbox', '--webhook', 'nowhere']);
  expect([refused.code, refused.stderr]).toEqual([64, expect.stringContaining('/qq-official-webhook')]);
});

function identityOf({ appId, clientSecret, apiBaseUrl, tokenUrl }: Sandbox): string {
  return `app_id = "${appId}"
client_secret = "${clientSecret}"
api_base_url = "${apiBaseUrl}"
token_url = "${tokenUrl}"`;
}
