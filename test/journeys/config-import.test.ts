/** `loong config import`, as a command: what it writes, what it leaves alone, and what it makes of files that are none. */
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startSandbox } from '../../src/sandbox/sandbox.js';
import { LoongHome } from '../support/loong-process.js';
import { answersTo } from '../support/transcript.js';
import { waitUntil } from '../support/wait-until.js';

let home: LoongHome;

beforeEach(() => {
  home = new LoongHome();
});

afterEach(() => home.remove());

function fixture(name: string): string {
  return fileURLToPath(new URL(`../fixtures/openclaw/${name}`, import.meta.url));
}

function given(text: string | Uint8Array): string {
  const path = join(home.folder, 'openclaw.json');
  writeFileSync(path, text);
  return path;
}

const importing = (path: string, ...more: readonly string[]) => home.run(['config', 'import', path, ...more]);

test.each([
  ['napcatqq.json', ['onebot-access_token'], 'your-secure-token'],
  ['qq.json5', ['qqbot-default-client_secret'], 'your-qq-app-secret'],
  ['qqbot.json', ['qqbot-third-client_secret'], 'secret-of-the-third'],
])('%s: tells every key, writes the config and its secrets for this user alone', async (name, secrets, secret) => {
  const ended = await importing(fixture(name));
  expect([ended.code, ended.stdout + ended.stderr]).toEqual([0, expect.not.stringContaining(secret)]);
  expect(ended.stdout).toMatch(/^renamed +channels\./m);
  expect(ended.stdout).toMatch(/^next:/m);
  const folder = join(home.folder, 'secrets');
  expect(existsSync(folder) ? readdirSync(folder) : []).toEqual(secrets);
  for (const file of [home.configPath, ...secrets.map((each) => join(folder, each))])
    expect(statSync(file).mode & 0o777).toBe(0o600);
  const env = { QQBOT_CLIENT_SECRET: 'secret-of-the-bot' };
  writeFileSync(join(home.folder, 'second.secret'), 'secret-of-the-second');
  const shown = await home.run(['config', 'show', '--json'], { env });
  expect([shown.code, shown.stdout]).toEqual([0, expect.not.stringContaining('your-')]);
});

test('an imported bot answers', async () => {
  const sandbox = await startSandbox();
  try {
    const path = given(
      `{channels: {qqbot: {appId: '${sandbox.appId}', clientSecret: '${sandbox.clientSecret}', allowFrom: ['openid_alice']}}}`,
    );
    expect((await importing(path)).code).toBe(0);
    const env = { QQ_BOT_API_BASE_URL: sandbox.apiBaseUrl, QQBOT_TOKEN_URL: sandbox.tokenUrl };
    const daemon = home.start(['gateway', 'run'], [], env);
    await daemon.logs('connected to the QQ gateway');
    const asked = sandbox.platform.say({ from: 'openid_alice', text: 'hello' });
    await waitUntil('the answer', () => answersTo(sandbox, asked.id).length === 1);
  } finally {
    await home.remove();
    await sandbox.close();
  }
});

test('--dry-run tells the same and writes nothing; --json is one document', async () => {
  const dry = await importing(fixture('napcatqq.json'), '--dry-run', '--json');
  expect([dry.code, readdirSync(home.folder)]).toEqual([0, []]);
  const done = JSON.parse((await importing(fixture('napcatqq.json'), '--json')).stdout);
  expect(JSON.parse(dry.stdout)).toEqual({ ...done, dry_run: true, written: false });
  expect(done).toMatchObject({ config: home.configPath, written: true, backup: null, keys_untold: 0 });
  expect(done.keys).toContainEqual({ key: 'channels.napcatqq.wsPort', status: 'renamed', to: 'onebot.ws_port' });
});

describe('beside a config that is there', () => {
  test('the new table comes behind, all else stays, and a backup is made', async () => {
    const old = '# mine\n[qqbot]\napp_id = "1"\nclient_secret = "a-secret-of-mine"\n';
    home.writeConfig(old);
    const { code, stdout } = await importing(fixture('napcatqq.json'), '--json');
    expect(code).toBe(0);
    expect(readFileSync(home.configPath, 'utf8').startsWith(old)).toBe(true);
    expect(readFileSync(JSON.parse(stdout).backup, 'utf8')).toBe(old);
    expect((await importing(fixture('napcatqq.json'), '--config', join(home.folder, 'other.toml'))).code).toBe(0);
  });

  test('a table of the channel, under any of its names, is not touched', async () => {
    home.writeConfig('[napcat]\nws_port = 3005\n');
    const ended = await importing(fixture('napcatqq.json'), '--json');
    expect([ended.code, JSON.parse(ended.stdout).error.code]).toEqual([78, 'import.already_there']);
    expect(readFileSync(home.configPath, 'utf8')).toBe('[napcat]\nws_port = 3005\n');
  });

  test('numbers of QQ that JavaScript would round stay as they are', async () => {
    home.writeConfig('[onebot]\nallowed_peer_ids = [9007199254740993]\n');
    expect((await importing(fixture('qq.json5'))).code).toBe(0);
    expect(readFileSync(home.configPath, 'utf8')).toContain('[9007199254740993]');
  });

  test('that is broken is told, with no line that may hold a secret', async () => {
    const old = '[qqbot]\nclient_secret = "TopSecret-of-mine"\nhistory_limit = = 1\n';
    home.writeConfig(old);
    const ended = await importing(fixture('napcatqq.json'));
    expect([ended.code, ended.stderr]).toEqual([78, expect.stringContaining('line 3')]);
    expect(ended.stdout + ended.stderr).not.toContain('TopSecret');
    expect(readFileSync(home.configPath, 'utf8')).toBe(old);
  });

  test('a secret of another import is never overwritten', async () => {
    await importing(fixture('napcatqq.json'));
    const other = given('{channels: {napcatqq: {wsPort: 3001, accessToken: "another-token"}}}');
    const { stdout } = await importing(other, '--config', join(home.folder, 'other.toml'), '--json');
    expect(JSON.parse(stdout).secret_files).toEqual([join(home.folder, 'secrets', 'onebot-access_token-2')]);
    expect(readFileSync(join(home.folder, 'secrets', 'onebot-access_token'), 'utf8').trim()).toBe('your-secure-token');
  });
});

describe('refuses, and writes nothing', () => {
  test.each([
    ['what is no JSON5', '{"channels": {"qq": {"appSecret": TopSecret}}}', 'import.unreadable', /line 1, column 35/],
    ['what is no UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), 'import.unreadable', /UTF-8/],
    ['what is too large', Buffer.alloc(1_048_577, 0x20), 'import.unreadable', /1 MiB/],
    ['what is too deep', '['.repeat(500_000), 'import.unreadable', /deeper/],
    ['a list', '[]', 'import.unreadable', /no table/],
    ['what has no channel of QQ', '{channels: {telegram: {}}}', 'import.nothing', /channels.napcatqq/],
    [
      'what has no channels',
      '{channels: "qq", __proto__: {channels: {qq: {}}}}',
      'import.nothing',
      /channels.napcatqq/,
    ],
    ['two bots in one', '{channels: {qq: {appId: "1"}, qqbot: {appId: "2"}}}', 'import.two_bots', /both/],
    [
      'accounts that no target could name',
      '{channels: {qq: {accounts: {c2c: {appId: "1"}}}}}',
      'config.invalid',
      /c2c/,
    ],
    [
      'two accounts with one bot',
      '{channels: {qq: {accounts: {a: {appId: "1"}, b: {appId: "1"}}}}}',
      'config.invalid',
      /same app id/,
    ],
  ])('%s', async (_, text, code, says) => {
    const ended = await importing(given(text), '--json');
    const { error } = JSON.parse(ended.stdout);
    expect([ended.code, error.code, error.message]).toEqual([78, code, expect.stringMatching(says)]);
    expect(ended.stdout + ended.stderr).not.toContain('TopSecret');
    expect(readdirSync(home.folder)).toEqual(['openclaw.json']);
  });

  test('a file that is not there', async () => {
    const ended = await importing(join(home.folder, 'nowhere.json'));
    expect([ended.code, ended.stderr]).toEqual([78, expect.stringMatching(/does not exist[\s\S]*→ .*openclaw\.json/)]);
  });
});
