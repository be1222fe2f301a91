/** The keys of callbacks: what they inherit, what they may be, and which addresses cannot be shared. */
import { expect, test } from 'vitest';
import { effectiveConfig } from '../../src/config/effective-config.js';
import { read, readWith } from './config-folder.js';

const BOT = `[qqbot]
app_id = "102000001"
client_secret = "a-secret"
allowed_peer_ids = ["openid_alice"]
`;

const problems = (toml: string, env: Readonly<Record<string, string>> = {}) =>
  readWith(toml, env).then(
    () => [],
    (error: { problems?: readonly { path: string; message: string; remedy?: string }[] }) =>
      error.problems ?? [String(error)],
  );

test('by default the gateway is dialled; the place of callbacks has defaults of its own', async () => {
  const [account] = (await read(BOT)).qqbot.accounts;
  expect(account).toMatchObject({
    transport: 'websocket',
    webhook: { host: '127.0.0.1', port: 8080, path: '/qq-official-webhook' },
  });
});

test('an account inherits each key of its channel, and may have its own', async () => {
  const { qqbot } = await read(`[qqbot]
transport = "webhook"
webhook_listen = "[::1]:9000"
webhook_path = "/all"
allowed_peer_ids = ["openid_alice"]
[qqbot.accounts.a]
app_id = "1"
client_secret = "s"
[qqbot.accounts.b]
app_id = "2"
client_secret = "s"
webhook_path = "/b"
[qqbot.accounts.c]
app_id = "3"
client_secret = "s"
transport = "websocket"
webhook_listen = "LocalHost:0"
`);
  expect(qqbot.accounts.map(({ transport, webhook }) => [transport, webhook])).toEqual([
    ['webhook', { host: '::1', port: 9000, path: '/all' }],
    ['webhook', { host: '::1', port: 9000, path: '/b' }],
    ['websocket', { host: 'localhost', port: 0, path: '/all' }],
  ]);
});

test('the environment names the path of the default account where the file is silent', async () => {
  const env = { QQ_OFFICIAL_WEBHOOK_PATH: ' /from-env ' };
  expect((await readWith(BOT, env)).qqbot.accounts[0]?.webhook.path).toBe('/from-env');
  expect((await readWith(`${BOT}webhook_path = "/file"\n`, env)).qqbot.accounts[0]?.webhook.path).toBe('/file');
  expect(await problems(BOT, { QQ_OFFICIAL_WEBHOOK_PATH: 'no path' })).toMatchObject([
    { path: 'QQ_OFFICIAL_WEBHOOK_PATH', remedy: expect.stringContaining('/qq-official-webhook') },
  ]);
});

test('config show says it in the words of the file', async () => {
  const shown = effectiveConfig(await read(`${BOT}transport = "webhook"\nwebhook_listen = "[::]:8443"\n`));
  expect(shown).toMatchObject({
    qqbot: {
      accounts: {
        default: { transport: 'webhook', webhook_listen: '[::]:8443', webhook_path: '/qq-official-webhook' },
      },
    },
  });
});

test.each([
  ['transport = "http"', 'qqbot.transport', 'websocket'],
  ['webhook_path = "hook"', 'qqbot.webhook_path', '/qq-official-webhook'],
  ['webhook_path = "/a?b"', 'qqbot.webhook_path', '/qq-official-webhook'],
  ['webhook_listen = "8080"', 'qqbot.webhook_listen', '127.0.0.1:8080'],
  ['webhook_listen = "http://127.0.0.1:8080"', 'qqbot.webhook_listen', '127.0.0.1:8080'],
  ['webhook_listen = "127.0.0.1:8080/path"', 'qqbot.webhook_listen', '127.0.0.1:8080'],
  ['webhook_listen = "127.0.0.1:65536"', 'qqbot.webhook_listen', '127.0.0.1:8080'],
  ['webhook_listen = "::1:8080"', 'qqbot.webhook_listen', '127.0.0.1:8080'],
  ['webhook_listen = ""', 'qqbot.webhook_listen', '127.0.0.1:8080'],
])('%s is refused with what to write', async (line, path, hint) => {
  const found = await problems(`${BOT}${line}\n`);
  expect(found).toHaveLength(1);
  expect(found[0]).toMatchObject({ path });
  expect(JSON.stringify(found[0])).toContain(hint);
});

test('two addresses that the system takes for one are told, and one that OneBot has; shared ones are fine', async () => {
  const accounts = (a: string, b: string) => `[qqbot]
transport = "webhook"
allowed_peer_ids = ["openid_alice"]
[qqbot.accounts.a]
app_id = "1"
client_secret = "s"
webhook_listen = "${a}"
[qqbot.accounts.b]
app_id = "2"
client_secret = "s"
webhook_listen = "${b}"
`;
  expect(await problems(accounts('127.0.0.1:8080', '127.0.0.1:8080'))).toEqual([]);
  expect(await problems(accounts('127.0.0.1:8080', '127.0.0.1:8443'))).toEqual([]);
  expect(await problems(accounts('0.0.0.0:8080', '127.0.0.1:8080'))).toMatchObject([
    { path: 'qqbot.webhook_listen', remedy: 'write the same address for both' },
  ]);
  const onebot = '[onebot]\nws_port = 8080\nallowed_peer_ids = ["*"]\n';
  expect(await problems(`${accounts('127.0.0.1:8080', '127.0.0.1:8443')}${onebot}`)).toMatchObject([
    { path: 'qqbot.webhook_listen', message: expect.stringContaining('OneBot') },
  ]);
  expect(await problems(`${BOT}webhook_listen = "127.0.0.1:8080"\n${onebot}`)).toEqual([]);
});
