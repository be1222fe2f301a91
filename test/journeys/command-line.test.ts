/** The command line as scripts rely on it: exit codes, texts, what goes to stdout, and who owns the state directory. */
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.js';
import { configFor, LoongHome, type LoongProcess } from '../support/loong-process.js';
import { answersTo, sends, sendsTo } from '../support/transcript.js';
import { waitUntil } from '../support/wait-until.js';

let sandbox: Sandbox;
let home: LoongHome;

beforeEach(async () => {
  sandbox = await startSandbox();
  home = new LoongHome();
  home.writeConfig(configFor(sandbox));
});

afterEach(async () => {
  await home.remove();
  await sandbox.close();
});

function send(...more: readonly string[]) {
  return home.run(['channels', 'send', 'qqbot', ...more]);
}

async function serving(): Promise<LoongProcess> {
  const daemon = home.start(['channels', 'serve', 'qqbot']);
  await daemon.logs('connected to the QQ gateway');
  return daemon;
}

test.each([
  ['alice', 'qqbot target must use `qqbot:<account>:<kind>:<id>`, `<account>:<kind>:<id>`, or `<kind>:<id>`'],
  ['c2c:', 'qqbot target conversation id is empty'],
  ['user:openid_alice', 'qqbot target kind `user` is unsupported; use `c2c`, `group`, `channel`, `dm`'],
  ['onebot:default:group:1', 'qqbot target uses channel prefix `onebot`, expected `qqbot`'],
  ['telegram:default:c2c:1', 'qqbot target prefix `telegram` is not a recognized channel id'],
  ['c2c:../../gateway', 'qqbot target conversation id has characters that no id has'],
  ['other:c2c:openid_alice', 'requested account `other` is not configured'],
])('the target %s ends with 64 and its text', async (target, text) => {
  const ended = await send('--target', target, '--text', 'hi');
  expect(ended.code).toBe(64);
  expect(ended.stdout).toBe('');
  expect(ended.stderr).toContain(text);
  expect(sandbox.platform.transcript.counters().requests).toBe(0);
});

test('wrong flags and commands end with 64', async () => {
  for (const args of [
    ['channels', 'send', 'qqbot', '--target', 'c2c:a'],
    ['channels', 'sned'],
    ['frobnicate'],
    ['channels', 'serve', 'telegram'],
    ['channels', 'send', 'qqbot', '--target', 'c2c:a', '--text', 'x', '--timeout', 'soon'],
  ]) {
    const ended = await home.run(args);
    expect([args.join(' '), ended.code]).toEqual([args.join(' '), 64]);
    expect(ended.stderr).toMatch(/^ {2}→ |Write a number with a unit/m);
  }
  // What commander finds names the command whose help explains it, in text and in JSON.
  const remedy = '`loong channels send --help` shows how it is used';
  expect((await home.run(['channels', 'send', 'qqbot'])).stderr).toContain(`  → ${remedy}\n`);
  expect(JSON.parse((await home.run(['channels', 'send', 'qqbot', '--json'])).stdout).error.remedy).toBe(remedy);
});

test('an account that is selected must be the one in the target', async () => {
  home.writeConfig(
    configFor(
      sandbox,
      'allowed_peer_ids = ["openid_alice"]\ndefault_account = "main"',
      '[qqbot.accounts.main]\n[qqbot.accounts.ops]\napp_id = "2"\nclient_secret = "ops-secret-0001"',
    ),
  );
  const ended = await send('--account', 'ops', '--target', 'main:c2c:openid_alice', '--text', 'hi');
  expect(ended.code).toBe(64);
  expect(ended.stderr).toContain('qqbot target resolved account `main`, but the selected configured account is `ops`');
  const unknown = await send('--account', 'nobody', '--target', 'c2c:openid_alice', '--text', 'hi');
  expect(unknown.code).toBe(64);
  expect(unknown.stderr).toContain('configured accounts: main, ops');
});

test('a wrong config ends with 78 and every problem, and nothing is started', async () => {
  home.writeConfig('[qqbot]\napp_id = 1\nalowed_peer_ids = []\n[log]\nlevel = "loud"\n');
  for (const args of [
    ['config', 'check'],
    ['channels', 'serve', 'qqbot'],
    ['channels', 'send', 'qqbot', '--target', 'c2c:a', '--text', 'x'],
  ]) {
    const ended = await home.run(args);
    expect(ended.code).toBe(78);
    expect(ended.stderr).toMatch(/^error: qqbot\.alowed_peer_ids: unknown key\n {2}→ did you mean/m);
    expect(ended.stderr).toMatch(/^error: log\.level: /m);
    expect(ended.stderr).toContain('did you mean `allowed_peer_ids`');
    expect(ended.stderr).toContain('log.level');
    expect(ended.stderr).toContain('qqbot.app_id');
  }
  const json = await home.run(['config', 'check', '--json']);
  expect(JSON.parse(json.stdout)).toMatchObject({ error: { code: 'config.invalid' } });
  const missing = await home.run(['config', 'check', '--config', join(home.folder, 'nowhere.toml')]);
  expect(missing.code).toBe(78);
  expect(missing.stderr).toContain('nowhere.toml');
});

test('an account that could never admit anybody is not served: 78', async () => {
  home.writeConfig(configFor(sandbox, 'dm_policy = "allowlist"'));
  const ended = await home.run(['channels', 'serve', 'qqbot']);
  expect(ended.code).toBe(78);
  expect(ended.stderr).toContain('allowed_peer_ids is empty');
});

test('--json answers with one document, errors included', async () => {
  const delivered = await send('--target', 'c2c:openid_alice', '--text', 'hi', '--json');
  expect(JSON.parse(delivered.stdout)).toMatchObject({
    id: 'out-1',
    target: 'qqbot:default:c2c:openid_alice',
    status: 'delivered',
    mode: 'active',
    parts: 1,
    attempts: 1,
  });
  const denied = await send('--target', 'c2c:openid_bob', '--text', 'hi', '--json');
  expect(denied.code).toBe(77);
  expect(JSON.parse(denied.stdout)).toMatchObject({
    error: { code: 'access.peer_not_allowed', remedy: expect.stringContaining('openid_bob') },
  });
  const usage = await send('--json');
  expect(usage.code).toBe(64);
  expect(JSON.parse(usage.stdout)).toMatchObject({ error: { code: 'usage' } });
});

test('text comes from stdin with -, and nothing is sent with --dry-run', async () => {
  const dry = await send('--target', 'qq:default:C2C:openid_alice', '--text', 'hi', '--dry-run');
  expect(dry.code).toBe(0);
  expect(dry.stdout).toContain('qqbot:default:c2c:openid_alice');
  expect(sends(sandbox)).toEqual([]);
  const piped = await home.run(['channels', 'send', 'qqbot', '--target', 'c2c:openid_alice', '--text', '-'], {
    stdin: 'line 1\nline 2\n',
  });
  expect(piped.code).toBe(0);
  expect(sends(sandbox).map(({ text }) => text)).toEqual(['line 1\nline 2']);
  const empty = await home.run(['channels', 'send', 'qqbot', '--target', 'c2c:openid_alice', '--text', '-']);
  expect(empty.code).toBe(64);
});

test('through the daemon: delivered, --no-wait, and passive while the peer’s window is open', async () => {
  await serving();
  const { id } = sandbox.platform.say({ from: 'openid_alice', text: 'hello' });
  await waitUntil('the answer', () => answersTo(sandbox, id).length === 1);
  const sent = await send('--target', 'c2c:openid_alice', '--text', 'notice');
  expect(sent.code).toBe(0);
  expect(sent.stdout).toMatch(/^delivered .* as passive parts=1\n$/);
  expect(answersTo(sandbox, id).map(({ msg_seq }) => msg_seq)).toEqual([1, 2]);
  const stored = await send('--target', 'c2c:openid_alice', '--text', 'later', '--no-wait');
  expect(stored.code).toBe(0);
  await waitUntil('the stored one', () => answersTo(sandbox, id).length === 3);
});

test('a daemon needs no secret in the environment of whoever sends through it', async () => {
  home.writeConfig(configFor(sandbox).replace(/client_secret = .*/, 'client_secret_env = "BOT_SECRET"'));
  const daemon = home.start(['channels', 'serve', 'qqbot'], [], { BOT_SECRET: sandbox.clientSecret });
  await daemon.logs('connected to the QQ gateway');
  expect((await send('--target', 'c2c:openid_alice', '--text', 'hi')).code).toBe(0);
  await daemon.stop();
  const alone = await send('--target', 'c2c:openid_alice', '--text', 'hi');
  expect(alone.code).toBe(78);
  expect(alone.stderr).toContain('BOT_SECRET');
});

test('without a daemon --no-wait is 69, an unreachable platform is 69, a wrong secret is 1', async () => {
  const noWait = await send('--target', 'c2c:openid_alice', '--text', 'hi', '--no-wait');
  expect(noWait.code).toBe(69);
  home.writeConfig(configFor(sandbox).replace(sandbox.clientSecret, 'not-the-secret-1'));
  const refused = await send('--target', 'c2c:openid_alice', '--text', 'hi');
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain('100016');
  expect(refused.stderr).not.toContain('not-the-secret-1');
  home.writeConfig(configFor(sandbox).replaceAll(sandbox.url, 'http://127.0.0.1:9'));
  const unreachable = await send('--target', 'c2c:openid_alice', '--text', 'hi', '--timeout', '1500ms');
  expect(unreachable.code).toBe(69);
  expect(unreachable.stdout).toMatch(/^failed /);
});

test('an answer that never comes leaves an active message uncertain: 76', async () => {
  sandbox.platform.fault({ kind: 'rest', method: 'POST', path: '/v2/users/*/messages', drop: 'after' });
  const ended = await send('--target', 'c2c:openid_alice', '--text', 'hi');
  expect(ended.code).toBe(76);
  expect(ended.stdout).toMatch(/^uncertain /);
  expect(sendsTo(sandbox, 'openid_alice')).toHaveLength(1);
});

test('the platform down under a daemon: 75 while the row waits, delivered when it is back', async () => {
  await serving();
  sandbox.platform.fault({
    kind: 'rest',
    method: 'POST',
    path: '/v2/users/*/messages',
    status: 429,
    html: '<h1>slow down</h1>',
    times: 1,
  });
  const ended = await send('--target', 'c2c:openid_alice', '--text', 'hi', '--timeout', '500ms');
  expect(ended.code).toBe(75);
  expect(ended.stdout).toMatch(/^queued /);
  await waitUntil('its delivery', () => sendsTo(sandbox, 'openid_alice').some(({ accepted }) => accepted));
});

test('one state directory has one owner: the second daemon ends with 75 and names the first; after kill -9 the next starts at once', async () => {
  const first = await serving();
  const second = await home.run(['channels', 'serve', 'qqbot']);
  expect(second.code).toBe(75);
  expect(second.stderr).toContain(`pid ${first.child.pid}`);
  await first.kill();
  await serving();
});

test('the state directory and the control socket belong to this user alone', async () => {
  await serving();
  const state = join(home.folder, 'state');
  expect(statSync(state).mode & 0o777).toBe(0o700);
  expect(statSync(join(state, 'control.sock')).mode & 0o777).toBe(0o600);
});

test('a state directory whose path is too long for a socket works all the same', async () => {
  const long = join(home.folder, 'x'.repeat(60), 'y'.repeat(60));
  mkdirSync(long, { recursive: true });
  home.writeConfig(configFor(sandbox, 'allowed_peer_ids = ["openid_alice"]', `[gateway]\nstate_dir = "${long}"`));
  await serving();
  const sent = await send('--target', 'c2c:openid_alice', '--text', 'hi', '--no-wait');
  expect(sent.code).toBe(0);
});

test('SIGTERM finishes the answer that is under way', async () => {
  const daemon = await serving();
  sandbox.platform.fault({ kind: 'rest', method: 'POST', path: '/v2/users/*/messages', delay_ms: 700 });
  const { id } = sandbox.platform.say({ from: 'openid_alice', text: 'hello' });
  await waitUntil('the POST to be under way', () => sandbox.platform.faults.list().length === 0);
  const ended = await daemon.stop();
  expect(ended.code).toBe(0);
  expect(answersTo(sandbox, id)).toHaveLength(1);
});

test('`channels` shows what is there and what is missing, in text and in JSON', async () => {
  home.writeConfig(
    '[qqbot]\nenabled = true\napp_id_env = "QQBOT_APP_ID"\nclient_secret_env = "QQBOT_CLIENT_SECRET"\ndm_policy = "closed"\n',
  );
  const text = await home.run(['channels']);
  expect(text.code).toBe(0);
  expect(text.stdout).toContain('QQ Bot [qqbot]');
  expect(text.stdout).toContain('qqbot:<account>:c2c:<openid>');
  expect(text.stdout).toMatch(/missing: qq bot app id: .*QQBOT_APP_ID/);
  expect(text.stdout).toContain('missing: allowed peer ids');
  const json = JSON.parse((await home.run(['channels', '--json'])).stdout);
  expect(json.channels[0]).toMatchObject({ id: 'qqbot', aliases: ['qq', 'qq-bot', 'tencent-qq'], running: false });
  expect(
    json.channels[0].accounts[0].operations.map((operation: { id: string; ready: boolean }) => [
      operation.id,
      operation.ready,
    ]),
  ).toEqual([
    ['send', false],
    ['serve', false],
  ]);
});

test('every command explains itself with an example', async () => {
  for (const args of [
    [],
    ['channels'],
    ['channels', 'serve'],
    ['channels', 'send'],
    ['config', 'check'],
    ['sandbox'],
  ]) {
    const ended = await home.run([...args, '--help']);
    expect(ended.code).toBe(0);
    expect(ended.stdout).toContain('$ loong ');
    expect(ended.stdout).not.toContain('[])');
  }
  expect((await home.run(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});

test('one command is the whole product without a QQ account', async () => {
  const all = home.start(['sandbox', '--with-gateway', '--port', '0', '--json']);
  await all.logs('connected to the QQ gateway');
  const { url, config } = JSON.parse(all.stdout) as { url: string; config: string };
  const page = await fetch(`${url}/`);
  expect(page.status).toBe(200);
  expect(page.headers.get('content-type')).toContain('text/html');
  await fetch(`${url}/sandbox/v1/messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ from: 'openid_alice', text: '你好' }),
  });
  await waitUntil('the echo', async () => {
    const { entries } = (await (await fetch(`${url}/sandbox/v1/transcript`)).json()) as {
      entries: { kind: string; text?: string }[];
    };
    return entries.some((entry) => entry.kind === 'bot.send' && entry.text === '你好');
  });
  const sent = await home.run([
    '--config',
    config,
    'channels',
    'send',
    'qqbot',
    '--target',
    'c2c:openid_alice',
    '--text',
    'from a script',
  ]);
  expect(sent.stdout).toMatch(/^delivered /);
  expect((await all.stop()).code).toBe(0);
});
