/** The tools around the daemon, as an operator uses them: inventory, status, doctor, logs, config, and what ships. */
import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'smol-toml';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.js';
import { configFor, LoongHome, type LoongProcess } from '../support/loong-process.js';
import { tempDir } from '../support/temp-dir.js';
import { answersTo } from '../support/transcript.js';
import { waitUntil } from '../support/wait-until.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

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

const ALICE = 'allowed_peer_ids = ["openid_alice"]';

async function running(...more: readonly string[]): Promise<LoongProcess> {
  const daemon = home.start(['gateway', 'run', ...more]);
  await daemon.logs('connected to the QQ gateway');
  return daemon;
}

function whitelistRefusal(): void {
  sandbox.platform.fault({
    kind: 'rest',
    code: 11298,
    message: '接口访问源IP不在白名单',
    status: 401,
    times: 'always',
  });
}

interface Check {
  readonly name: string;
  readonly level: string;
  readonly detail: string;
  readonly remedy?: string;
}

async function doctor(...more: readonly string[]) {
  const ended = await home.run(['doctor', '--json', ...more]);
  const report = JSON.parse(ended.stdout) as { ok: boolean; summary: object; checks: readonly Check[] };
  expect(report.ok).toBe(ended.code === 0);
  expect(new Set(report.checks.map(({ name }) => name)).size).toBe(report.checks.length);
  for (const check of report.checks)
    if (check.level === 'fail') expect([check.name, check.remedy]).toEqual([check.name, expect.any(String)]);
  expect(ended.stdout + ended.stderr).not.toContain(sandbox.clientSecret);
  return { ...report, code: ended.code, check: (name: string) => report.checks.find((check) => check.name === name) };
}

describe('channels', () => {
  test('the inventory is whole: what the channel is, and every requirement, met or missing, with where it may be set', async () => {
    home.writeConfig(configFor(sandbox, 'dm_policy = "allowlist"'));
    const { channels } = JSON.parse((await home.run(['channels', '--json'])).stdout);
    expect(channels.map(({ id }: { id: string }) => id)).toEqual(['qqbot', 'onebot']);
    expect(channels[0]).toMatchObject({
      id: 'qqbot',
      label: 'QQ Bot',
      config_key: 'qqbot',
      implementation_status: 'runtime_backed',
      transport: 'qq_official_bot_gateway',
      aliases: ['qq', 'qq-bot', 'tencent-qq'],
      default_target_kind: 'conversation',
      runtime_owner: 'gateway run or direct channels serve qqbot',
      supervised: true,
      running: false,
      default_account: 'default',
    });
    const [account] = channels[0].accounts;
    expect(account).toMatchObject({ account: 'default', default: true, enabled: true, configured: true });
    const [send, serve] = account.operations;
    expect(send).toMatchObject({ id: 'send', command: 'loong channels send qqbot', health: 'ready', ready: true });
    expect(serve).toMatchObject({ id: 'serve', command: 'loong channels serve qqbot', health: 'misconfigured' });
    expect(serve.requirements.at(-1)).toEqual({
      id: 'allowed_peer_ids',
      label: 'allowed peer ids',
      config_paths: ['qqbot.allowed_peer_ids', 'qqbot.accounts.<account>.allowed_peer_ids'],
      env_pointer_paths: [],
      met: false,
      detail: expect.stringContaining('empty'),
    });
    const { stdout } = await home.run(['channels']);
    expect(stdout).toMatch(
      /met: qq bot app id\n +config +qqbot\.app_id, qqbot\.accounts\.<account>\.app_id\n +env pointer +qqbot\.app_id_env, qqbot\.accounts\.<account>\.app_id_env\n +default env +QQBOT_APP_ID\n/,
    );
    expect(stdout).toContain('missing: allowed peer ids');
  });

  test('the inventory shows the live state, and no secret and no peer', async () => {
    await running();
    const text = await home.run(['channels']);
    expect(text.stdout).toMatch(/running +yes, pid \d+/);
    expect(text.stdout).toMatch(/live +ready/);
    const json = await home.run(['channels', '--json']);
    expect(JSON.parse(json.stdout).channels[0].accounts[0].live).toMatchObject({ state: 'ready' });
    for (const secret of [sandbox.clientSecret, 'openid_alice'])
      expect(text.stdout + json.stdout).not.toContain(secret);
  });

  test('a disabled account is called disabled', async () => {
    home.writeConfig(configFor(sandbox, `enabled = false\n${ALICE}`));
    const { channels } = JSON.parse((await home.run(['channels', '--json'])).stdout);
    expect(channels[0].accounts[0].operations.map(({ health }: { health: string }) => health)).toEqual([
      'disabled',
      'disabled',
    ]);
  });

  test('status tells the state of every account, 69 when no daemon runs', async () => {
    const none = await home.run(['channels', 'status']);
    expect(none.code).toBe(69);
    expect(none.stdout).toContain('no daemon runs on');
    await running();
    const text = await home.run(['channels', 'status']);
    expect(text.code).toBe(0);
    expect(text.stdout).toMatch(/^loong \S+ runs as pid \d+ for \d+ s\nqqbot:default\n {2}ready \(/);
    const json = await home.run(['channels', 'status', '--json']);
    expect(JSON.parse(json.stdout)).toMatchObject({
      daemon: { pid: expect.any(Number) },
      accounts: [{ channel: 'qqbot', account: 'default', enabled: true, live: { state: 'ready' } }],
    });
  });

  test('--probe really asks the platform, without a daemon and beside one, and starts no session', async () => {
    const alone = await home.run(['channels', 'status', '--probe']);
    expect(alone.code).toBe(0);
    for (const step of ['clock', 'token', 'gateway', 'session starts', 'profile', 'websocket'])
      expect(alone.stdout).toMatch(new RegExp(`^ {2}ok +${step} `, 'm'));
    expect(sandbox.platform.transcript.counters().requests).toBeGreaterThan(2);
    await running();
    const beside = await home.run(['channels', 'status', '--probe', '--json']);
    expect(beside.code).toBe(0);
    const [account] = JSON.parse(beside.stdout).accounts;
    expect(account.live.state).toBe('ready');
    expect(account.probe.every(({ level }: Check) => level === 'ok')).toBe(true);
    expect(beside.stdout).not.toContain(sandbox.clientSecret);
  });

  test('--probe: 1 when the secret or the address is refused, 69 when nothing answers', async () => {
    home.writeConfig(configFor(sandbox).replace(sandbox.clientSecret, 'not-the-secret-1'));
    const secret = await home.run(['channels', 'status', '--probe']);
    expect(secret.code).toBe(1);
    expect(secret.stdout).toMatch(/fail +token +.*100016/);
    expect(secret.stdout).not.toContain('not-the-secret-1');

    home.writeConfig(configFor(sandbox).replace(sandbox.tokenUrl, 'http://127.0.0.1:9/token'));
    const noToken = await home.run(['channels', 'status', '--probe', '--json']);
    expect([noToken.code, JSON.parse(noToken.stdout).accounts[0].probe]).toEqual([
      69,
      [
        expect.objectContaining({ name: 'clock', level: 'ok' }),
        expect.objectContaining({ name: 'token', level: 'fail', unreached: true }),
      ],
    ]);
    home.writeConfig(configFor(sandbox).replaceAll(sandbox.url, 'http://127.0.0.1:9'));
    const nowhere = await home.run(['channels', 'status', '--probe', '--json']);
    expect(nowhere.code).toBe(69);
    expect(JSON.parse(nowhere.stdout).accounts[0].probe[0]).toMatchObject({ name: 'clock', level: 'fail' });

    home.writeConfig(configFor(sandbox));
    whitelistRefusal();
    const address = await home.run(['channels', 'status', '--probe']);
    expect(address.code).toBe(1);
    expect(address.stdout).toContain('IP白名单');
  });

  test('--probe of an account without credentials names what is missing: 1', async () => {
    home.writeConfig(configFor(sandbox).replace(/client_secret = .*/, 'client_secret_env = "BOT_SECRET"'));
    const ended = await home.run(['channels', 'status', '--probe']);
    expect(ended.code).toBe(1);
    expect(ended.stdout).toContain('BOT_SECRET');
  });
});

describe('gateway', () => {
  test('nothing runs: status and stop are 69', async () => {
    for (const command of ['status', 'stop']) {
      const ended = await home.run(['gateway', command]);
      expect([command, ended.code]).toEqual([command, 69]);
      expect(ended.stderr).toContain('loong gateway run');
    }
    const json = await home.run(['gateway', 'status', '--json']);
    expect(JSON.parse(json.stdout)).toMatchObject({ error: { code: 'daemon.not_running' } });
  });

  test('status says which daemon it is, how every account is doing, and what was done', async () => {
    const daemon = await running();
    const { id } = sandbox.platform.say({ from: 'openid_alice', text: '你好' });
    await waitUntil('the answer', () => answersTo(sandbox, id).length === 1);
    const text = await waitUntil('the count', async () => {
      const { stdout } = await home.run(['gateway', 'status']);
      return stdout.includes('1 delivered') && stdout;
    });
    expect(text).toContain(`pid ${daemon.child.pid}`);
    expect(text).toMatch(/qqbot:default\n +ready \(\d+ s\)/);
    expect(text).toMatch(/last inbound \d+ s ago · last ACK (never|\d+ s ago)/);
    expect(text).toContain('messages: 1 in, 1 answered, 0 not answered, 1 delivered');
    const json = JSON.parse((await home.run(['gateway', 'status', '--json'])).stdout);
    expect(json).toMatchObject({ pid: daemon.child.pid, accounts: [{ account: 'default', state: 'ready' }] });
  });

  test('an account that only an operator can mend says why, and the others run on', async () => {
    home.writeConfig(
      configFor(
        sandbox,
        `${ALICE}\ndefault_account = "good"`,
        '[qqbot.accounts.good]\n[qqbot.accounts.bad]\napp_id = "1020999"\nclient_secret = "not-the-secret-1"',
      ),
    );
    await running();
    const status = await waitUntil('both states', async () => {
      const { stdout } = await home.run(['gateway', 'status']);
      return /failed/.test(stdout) && /ready/.test(stdout) && stdout;
    });
    expect(status).toMatch(/qqbot:bad\n +failed .*100016.*; tried again in \d+ (s|min)\n +→ /);
    expect(status).toMatch(/last inbound never/);
    expect(status).not.toContain('not-the-secret-1');
    const { code, check } = await doctor('--offline');
    expect(code).toBe(1);
    expect(check('qqbot:bad live')).toMatchObject({ level: 'fail' });
    expect(check('qqbot:good live')).toMatchObject({ level: 'ok' });
  });

  test('a second run is 75 and names the first', async () => {
    const first = await running();
    const second = await home.run(['gateway', 'run']);
    expect(second.code).toBe(75);
    expect(second.stderr).toContain(`pid ${first.child.pid}`);
  });

  test('stop waits until what runs is finished and the next daemon can start', async () => {
    const daemon = await running();
    sandbox.platform.fault({ kind: 'rest', method: 'POST', path: '/v2/users/*/messages', delay_ms: 700 });
    const { id } = sandbox.platform.say({ from: 'openid_alice', text: 'hello' });
    await waitUntil('the POST to be under way', () => sandbox.platform.faults.list().length === 0);
    const stopped = await home.run(['gateway', 'stop']);
    expect(stopped.code).toBe(0);
    expect(stopped.stdout).toBe(`stopped (pid ${daemon.child.pid})\n`);
    expect((await daemon.ended).code).toBe(0);
    expect(answersTo(sandbox, id)).toHaveLength(1);
    const next = await running();
    const json = await home.run(['gateway', 'stop', '--json']);
    expect(JSON.parse(json.stdout)).toEqual({ stopped: true, pid: next.child.pid });
  });

  test('a config in which nothing takes part is 78', async () => {
    home.writeConfig('[qqbot]\nenabled = false\n');
    const ended = await home.run(['gateway', 'run']);
    expect(ended.code).toBe(78);
    expect(ended.stderr).toContain('enabled = true');
  });

  test('a daemon that hangs is named as such: 69, and the doctor says so too', async () => {
    const daemon = await running();
    daemon.child.kill('SIGSTOP');
    const [status, report, inventory] = await Promise.all([
      home.run(['gateway', 'status']),
      doctor('--offline'),
      home.run(['channels']),
    ]);
    expect(status.code).toBe(69);
    expect(status.stderr).toContain('does not answer');
    expect(report.check('owner')).toMatchObject({ level: 'fail', detail: expect.stringContaining('does not answer') });
    expect(inventory.code).toBe(0);
    expect(inventory.stderr).toContain('does not answer');
  });
});

describe('doctor', () => {
  test('everything ready: ok in every line, exit 0', async () => {
    await running();
    const text = await home.run(['doctor']);
    expect(text.code).toBe(0);
    expect(text.stdout).toMatch(/\n\n\d+ ok · 0 warn · 0 fail\n$/);
    const { summary, checks } = await doctor();
    expect(summary).toEqual({ ok: checks.length, warn: 0, fail: 0 });
    expect(checks.map(({ name }) => name)).toEqual([
      'config',
      'state dir',
      'free space',
      'database',
      'owner database',
      'owner',
      'backend default',
      'proxy',
      'qqbot:default app id',
      'qqbot:default client secret',
      'qqbot:default allowed peers',
      'qqbot:default intents',
      'qqbot:default live',
      'qqbot:default clock',
      'qqbot:default token',
      'qqbot:default gateway',
      'qqbot:default session starts',
      'qqbot:default profile',
      'qqbot:default websocket',
    ]);
  });

  test('--offline asks nothing over the network', async () => {
    const { code, checks } = await doctor('--offline');
    expect(code).toBe(0);
    expect(checks.some(({ name }) => name.endsWith('token'))).toBe(false);
    expect(sandbox.platform.transcript.counters().requests).toBe(0);
  });

  test('a broken config is 1, with every problem as a check of its own', async () => {
    home.writeConfig('[qqbot]\napp_id = 1\nalowed_peer_ids = []\n[log]\nlevel = "loud"\n');
    const { code, checks, summary } = await doctor();
    expect(code).toBe(1);
    expect(summary).toMatchObject({ ok: 0, fail: checks.length });
    expect(checks.map(({ name }) => name)).toEqual(expect.arrayContaining(['config qqbot.app_id', 'config log.level']));
    const missing = await home.run(['doctor', '--config', join(home.folder, 'nowhere.toml')]);
    expect(missing.code).toBe(1);
    expect(missing.stdout).toContain('nowhere.toml');
  });

  test('a wrong secret: the token is refused, by its number', async () => {
    home.writeConfig(configFor(sandbox).replace(sandbox.clientSecret, 'not-the-secret-1'));
    const { code, check, checks } = await doctor();
    expect(code).toBe(1);
    expect(check('qqbot:default token')).toMatchObject({ level: 'fail', detail: expect.stringContaining('100016') });
    expect(JSON.stringify(checks)).not.toContain('not-the-secret-1');
  });

  test('11298: the address is to be whitelisted, and where', async () => {
    whitelistRefusal();
    const { code, check } = await doctor();
    expect(code).toBe(1);
    expect(check('qqbot:default gateway')).toMatchObject({
      level: 'fail',
      detail: expect.stringMatching(/11298|40023002/), // the two numbers of one refusal
      remedy: expect.stringContaining('IP白名单'),
    });
  });

  test.each([
    [0, 'fail'],
    [10, 'warn'],
    [900, 'ok'],
  ] as const)('%d session starts left are %s', async (remaining, level) => {
    sandbox.platform.set({ session_limit: { total: 1000, remaining, resetAfterMs: 3_600_000, maxConcurrency: 1 } });
    expect((await doctor()).check('qqbot:default session starts')).toMatchObject({
      level,
      detail: expect.stringContaining(`${remaining} of 1000 left`),
    });
  });

  test.each([
    [60, 'warn'],
    [600, 'fail'],
  ])('a clock that is %d s ahead is a %s', async (seconds, level) => {
    const ahead = `data:text/javascript,const now=Date.now;Date.now=()=>now()+${seconds * 1000}`;
    const ended = await home.start(['doctor', '--json'], ['--import', ahead]).ended;
    const { checks } = JSON.parse(ended.stdout) as { checks: readonly Check[] };
    expect(checks.find(({ name }) => name === 'qqbot:default clock')).toMatchObject({
      level,
      detail: expect.stringMatching(/^\d+ s apart/),
      remedy: expect.stringContaining('NTP'),
    });
  });

  test('a platform that is not reached: what cannot be asked is not there, and nothing crashes', async () => {
    home.writeConfig(configFor(sandbox).replaceAll(sandbox.url, 'http://127.0.0.1:9'));
    const { code, check } = await doctor();
    expect(code).toBe(1);
    expect(check('qqbot:default clock')).toMatchObject({ level: 'fail' });
    expect(check('qqbot:default token')).toMatchObject({ level: 'fail' });
    expect(check('qqbot:default gateway')).toBeUndefined();
  });

  test('a state directory that cannot be used, and one whose database is damaged', async () => {
    const state = join(home.folder, 'state');
    writeFileSync(state, 'a file in its place');
    expect((await doctor('--offline')).check('state dir')).toMatchObject({ level: 'fail' });
    renameSync(state, `${state}.old`);
    mkdirSync(state);
    writeFileSync(join(state, 'loong.db'), 'this was a database once'.repeat(500));
    const { code, check } = await doctor('--offline');
    expect(code).toBe(1);
    expect(check('database')).toMatchObject({ level: 'fail', remedy: expect.stringContaining('backup') });
  });
});

describe('logs', () => {
  const LOG = '[log]\nfile = "loong.log"\n';
  const path = () => join(home.folder, 'loong.log');

  beforeEach(() => home.writeConfig(configFor(sandbox, ALICE, LOG)));

  test('the last lines of the file, as they are', async () => {
    writeFileSync(path(), Array.from({ length: 300 }, (_, i) => `{"n":${i},"text":"龙🐉"}\n`).join(''));
    const three = await home.run(['logs', '--lines', '3']);
    expect(three.stdout).toBe([297, 298, 299].map((n) => `{"n":${n},"text":"龙🐉"}\n`).join(''));
    expect((await home.run(['logs'])).stdout.split('\n')).toHaveLength(101);
    expect((await home.run(['logs', '-n', '1000'])).stdout.split('\n')).toHaveLength(301);
    const json = JSON.parse((await home.run(['logs', '--lines', '2', '--json'])).stdout);
    expect(json).toEqual({
      file: path(),
      lines: [
        { n: 298, text: '龙🐉' },
        { n: 299, text: '龙🐉' },
      ],
    });
    expect((await home.run(['logs', '--lines', 'many'])).code).toBe(64);
  });

  test('of a huge file only the end is read, all of it is printed, and no character is cut', () => {
    writeFileSync(path(), `${'龙'.repeat(50)}\n`.repeat(60_000)); // 9 MB
    const args = [join(ROOT, 'bin/loong.js'), 'logs', '--lines', '40000'];
    const env = { PATH: process.env.PATH, LOONG_HOME: home.folder };
    const { stdout } = spawnSync(process.execPath, args, { env, maxBuffer: 20_000_000 });
    expect(stdout.length).toBeGreaterThan(4_000_000);
    expect(new Set(stdout.toString().trimEnd().split('\n'))).toEqual(new Set(['龙'.repeat(50)]));
  });

  test('an empty file, and a last line that is not finished', async () => {
    writeFileSync(path(), '');
    expect((await home.run(['logs'])).stdout).toBe('');
    writeFileSync(path(), 'one\ntwo\nthr');
    expect((await home.run(['logs', '--lines', '2'])).stdout).toBe('two\nthr');
  });

  test('--follow shows what is added, the rest of a file that is rotated away, and then the new one', async () => {
    writeFileSync(path(), 'old 1\nold 2\n');
    const following = home.start(['logs', '--follow', '--lines', '1']);
    const shows = (text: string) => waitUntil(text, () => following.stdout.endsWith(text));
    await shows('old 2\n');
    appendFileSync(path(), 'new 1 龙');
    await shows('new 1 龙');
    appendFileSync(path(), Buffer.from([0xf0, 0x9f]));
    appendFileSync(path(), Buffer.from([0x90, 0x89, 0x0a]));
    await shows('new 1 龙🐉\n');
    appendFileSync(path(), 'the last of the old\n');
    renameSync(path(), `${path()}.1`);
    writeFileSync(path(), 'the first of the new, longer than everything that stood in the old file together\n');
    await shows('together\n');
    appendFileSync(path(), 'and more\n');
    await shows('and more\n');
    expect(following.stdout).toBe(
      'old 2\nnew 1 龙🐉\nthe last of the old\nthe first of the new, longer than everything that stood in the old file together\nand more\n',
    );
    writeFileSync(path(), 'emptied\n');
    await shows('emptied\n');
    expect((await following.stop()).code).toBe(0);
  });

  test('--json is one document, so it cannot be followed: 64', async () => {
    for (const tables of [LOG, '']) {
      home.writeConfig(configFor(sandbox, ALICE, tables));
      const ended = await home.run(['logs', '--follow', '--json']);
      expect(ended.code).toBe(64);
      expect(JSON.parse(ended.stdout).error.code).toBe('logs.endless');
    }
  });

  test('a reader that has enough is no error', async () => {
    writeFileSync(path(), 'a line of the log that is not short at all\n'.repeat(100_000));
    const command = home.start(['logs', '--lines', '100000']);
    command.child.stdout?.once('data', () => command.child.stdout?.destroy());
    const ended = await command.ended;
    expect([ended.code, ended.stderr]).toEqual([0, '']);
  });

  test('what the daemon writes there holds neither secret nor token', async () => {
    const daemon = await running('--log-level', 'trace');
    const { id } = sandbox.platform.say({ from: 'openid_alice', text: '你好' });
    await waitUntil('the answer', () => answersTo(sandbox, id).length === 1);
    await daemon.stop();
    const { stdout } = await home.run(['logs', '--lines', '1000']);
    expect(stdout).toContain('connected to the QQ gateway');
    expect(stdout).toContain('loong stopped');
    expect(stdout).not.toContain(sandbox.clientSecret);
    expect(stdout).not.toMatch(/QQBot [A-Za-z0-9]/);
    expect(stdout).toBe(readFileSync(path(), 'utf8'));
  });

  test('a file that nothing was written to yet, and one that cannot be opened', async () => {
    const none = await home.run(['logs']);
    expect(none.code).toBe(1);
    expect(none.stderr).toMatch(/does not exist yet\n {2}→ start the daemon/);
    home.writeConfig(configFor(sandbox, ALICE, '[log]\nfile = "/nowhere/at/all/loong.log"\n'));
    const run = await home.run(['gateway', 'run']);
    expect(run.code).toBe(78);
    expect(run.stderr).toContain('log.file: cannot be opened');
  });

  test('without a file the journal of systemd is asked; where there is none, the remedy names log.file', async () => {
    home.writeConfig(configFor(sandbox));
    const bin = join(home.folder, 'bin');
    mkdirSync(bin);
    const nowhere = await home.run(['logs'], { env: { PATH: bin } });
    expect(nowhere.code).toBe(1);
    expect(nowhere.stderr).toContain('set `file` under [log]');
    writeFileSync(join(bin, 'journalctl'), '#!/bin/sh\necho "$@"\n');
    chmodSync(join(bin, 'journalctl'), 0o755);
    const journal = await home.run(['logs', '--follow', '-n', '7'], { env: { PATH: `${bin}:${process.env.PATH}` } });
    expect(journal.code).toBe(0);
    expect(journal.stdout).toBe('--unit loong --user-unit loong --lines 7 --no-pager --output cat --follow\n');
    writeFileSync(join(bin, 'journalctl'), '#!/bin/sh\nprintf \'plain\\n{"level":"info","msg":"龙"}\\n\'\nexit 3\n');
    const json = await home.run(['logs', '--json'], { env: { PATH: `${bin}:${process.env.PATH}` } });
    expect(json.code).toBe(3);
    expect(JSON.parse(json.stdout)).toEqual({ unit: 'loong', lines: ['plain', { level: 'info', msg: '龙' }] });
    writeFileSync(join(bin, 'journalctl'), '#!/bin/sh\n');
    const nothing = await home.run(['logs', '--json'], { env: { PATH: `${bin}:${process.env.PATH}` } });
    expect(JSON.parse(nothing.stdout)).toEqual({ unit: 'loong', lines: [] });
    const empty = await home.run(['logs'], { env: { PATH: `${bin}:${process.env.PATH}` } });
    expect(empty.stderr).toContain('the journal has nothing of the unit `loong`');
  });
});

describe('config', () => {
  test('show prints what is in force, defaults included, and every secret as ***', async () => {
    home.writeConfig(
      configFor(sandbox, ALICE, '[backends.mine]\ntype = "exec"\ncommand = ["cat"]\nenv = ["PATH", "API_KEY"]\n'),
    );
    const env = { API_KEY: 'key-of-the-backend' };
    const text = await home.run(['config', 'show'], { env });
    expect(text.code).toBe(0);
    const shown = parse(text.stdout) as { qqbot: { accounts: { default: object } } };
    expect(shown.qqbot.accounts.default).toMatchObject({
      app_id: sandbox.appId,
      client_secret: '***',
      allowed_peer_ids: ['openid_alice'],
      text_chunk_limit: 2000,
      intents: ['public_guild_messages', 'direct_message', 'group_and_c2c'],
    });
    const json = await home.run(['config', 'show', '--json'], { env });
    expect(JSON.parse(json.stdout)).toEqual(JSON.parse(JSON.stringify(shown)));
    for (const secret of [sandbox.clientSecret, 'key-of-the-backend'])
      expect(text.stdout + json.stdout).not.toContain(secret);
  });

  test('show tells what is missing instead of failing', async () => {
    home.writeConfig('[qqbot]\nclient_secret_env = "BOT_SECRET"\n');
    const ended = await home.run(['config', 'show']);
    expect(ended.code).toBe(0);
    expect(ended.stdout).toMatch(/client_secret = "\(missing: .*BOT_SECRET/);
  });

  test('the schema takes the example and refuses what `config check` refuses; it describes every key', async () => {
    const schema = JSON.parse((await home.run(['config', 'schema'])).stdout);
    expect(schema.$schema).toContain('json-schema.org');
    const validator = z.fromJSONSchema(schema);
    expect(validator.safeParse(parse(readFileSync(join(ROOT, 'config.example.toml'), 'utf8'))).error).toBeUndefined();
    for (const wrong of [
      '[qqbot]\nalowed_peer_ids = []',
      '[log]\nlevel = "loud"',
      '[qqbot]\napp_id = 1',
      '[backends.x]\ntype = "magic"',
    ])
      expect([wrong, validator.safeParse(parse(wrong)).success]).toEqual([wrong, false]);
    const keys = schema.properties.qqbot.properties as { [key: string]: { description?: string } };
    for (const [key, { description }] of Object.entries(keys))
      expect([key, description]).toEqual([key, expect.any(String)]);
  });
});

describe('what ships', () => {
  test('every command explains itself with an example', async () => {
    const commands = [
      '',
      'account',
      'account rebind',
      'channels',
      'channels status',
      'channels serve',
      'channels send',
      'gateway',
      'gateway run',
      'gateway status',
      'gateway stop',
      'config',
      'config check',
      'config import',
      'config show',
      'config schema',
      'doctor',
      'explain',
      'init',
      'logs',
      'onebot',
      'onebot call',
      'onebot set-group-admin',
      'onebot set-group-mute',
      'onebot kick-group-member',
      'onebot set-group-whole-mute',
      'onebot set-group-name',
      'onebot get-group-member-info',
      'onebot get-friend-list',
      'onebot delete-friend',
      'onebot set-friend-remark',
      'onebot upload-group-file',
      'onebot upload-private-file',
      'pairing',
      'pairing list',
      'pairing approve',
      'pairing deny',
      'pairing revoke',
      'queue',
      'queue list',
      'queue show',
      'queue retry',
      'queue drop',
      'sandbox',
      'service',
      'service print',
      'status',
      'why',
    ];
    const helps = await Promise.all(
      commands.map((command) => home.run([...command.split(' ').filter(Boolean), '--help'])),
    );
    for (const [i, { code, stdout }] of helps.entries())
      expect([commands[i], code, stdout]).toEqual([commands[i], 0, expect.stringContaining('$ loong ')]);
    const listed = helps.flatMap((help, i) =>
      [...(help.stdout.split('\nCommands:\n')[1] ?? '').matchAll(/^ {2}([a-z][a-z-]*)/gm)].map(([, name]) =>
        `${commands[i]} ${name}`.trim(),
      ),
    );
    expect(listed.filter((command) => !command.endsWith('help')).sort()).toEqual(commands.slice(1).sort());
  });

  test('the version is told without the product: it needs package.json alone', () => {
    const folder = tempDir();
    mkdirSync(join(folder, 'bin'));
    for (const file of ['bin/loong.js', 'package.json']) cpSync(join(ROOT, file), join(folder, file));
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    for (const flag of ['--version', '-V']) {
      const { status, stdout } = spawnSync(process.execPath, [join(folder, 'bin/loong.js'), flag], {
        encoding: 'utf8',
      });
      expect([status, stdout]).toEqual([0, `${version}\n`]);
    }
    expect(spawnSync(process.execPath, [join(folder, 'bin/loong.js'), 'channels']).status).not.toBe(0);
  });

  test('the systemd unit runs a command that exists, does not repeat what a wrong config cannot mend, and gives time to stop', async () => {
    const unit = readUnit((await home.run(['service', 'print'])).stdout);
    const [, , ...args] = unit.Service?.ExecStart?.split(' ') ?? [];
    expect(args.slice(0, 2)).toEqual(['gateway', 'run']);
    expect((await home.run([...args.slice(0, 2), '--help'])).code).toBe(0);
    expect(args.slice(2)).toEqual(['--config', '/etc/loong/config.toml']);
    expect(unit.Service).toMatchObject({
      Restart: 'on-failure',
      RestartPreventExitStatus: '78',
      StateDirectory: 'loong',
      StateDirectoryMode: '0700',
      KillMode: 'mixed', // running answers are finished: commands of backends must not be ended before
    });
    expect(Number(unit.Service?.TimeoutStopSec)).toBeGreaterThan(10);
    expect(unit.Install?.WantedBy).toBe('multi-user.target');
    const wrong = await home.run(['gateway', 'run', '--config', '/nowhere/config.toml']);
    expect(String(wrong.code)).toBe(unit.Service?.RestartPreventExitStatus);
  });

  test('the state goes where systemd says', async () => {
    home.writeConfig(configFor(sandbox));
    const state = join(home.folder, 'given-by-systemd');
    const daemon = home.start(['gateway', 'run'], [], { STATE_DIRECTORY: state });
    await daemon.logs('connected to the QQ gateway');
    expect(existsSync(join(state, 'loong.db'))).toBe(true);
  });

  test('the image copies what the package ships, and runs what exists as somebody who is not root', () => {
    const dockerfile = readFileSync(join(ROOT, 'Dockerfile'), 'utf8');
    for (const [, from] of dockerfile.matchAll(/^COPY (?!--from)(.*) \S+$/gm)) {
      for (const file of (from ?? '').split(' ')) expect([file, existsSync(join(ROOT, file))]).toEqual([file, true]);
    }
    const { files } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { files: readonly string[] };
    for (const file of files.filter((name) => name !== 'config.example.toml'))
      expect(dockerfile).toContain(`/app/${file} ${file}`);
    expect(dockerfile).toMatch(/^USER node$/m);
    expect(dockerfile).toMatch(/^HEALTHCHECK .*\["loong", "gateway", "status"\]$/m);
    expect(dockerfile.match(/^FROM node:24/gm)).toHaveLength(2);
  });

  test('the workflow runs the README’s test command on every supported Node', () => {
    const workflow = readFileSync(join(ROOT, '.github/workflows/test.yml'), 'utf8');
    expect(workflow).toMatch(/^ +node: \[20, 22, 24\]$/m);
    expect(workflow).toContain('run: npm ci && npm test');
    expect(readFileSync(join(ROOT, 'README.md'), 'utf8')).toContain('npm ci && npm test');
    expect(workflow).not.toContain('\t');
  });

  test('the files and names that CONTRIBUTING.md sends people to exist', () => {
    const text = readFileSync(join(ROOT, 'CONTRIBUTING.md'), 'utf8');
    const named = [...text.matchAll(/`((?:src|test|bench)\/[\w./-]+|config\.example\.toml)`/g)].map(
      ([, file]) => file ?? '',
    );
    expect(named.length).toBeGreaterThan(8);
    expect(named.filter((file) => !existsSync(join(ROOT, file)))).toEqual([]);
    for (const [, name, file] of text.matchAll(/`(\w+)` (?:in|\()`?(src\/[\w./-]+\.ts)`/g))
      expect(readFileSync(join(ROOT, file ?? ''), 'utf8')).toContain(name ?? '');
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    for (const [, script] of text.matchAll(/^npm run (\S+)/gm)) expect(Object.keys(scripts)).toContain(script);
  });
});

/** Sections and keys of a systemd unit. */
function readUnit(text: string): { readonly [section: string]: { readonly [key: string]: string } } {
  const unit: { [section: string]: { [key: string]: string } } = {};
  let section = '';
  for (const line of text.split('\n').map((l) => l.trim())) {
    const header = /^\[(\w+)\]$/.exec(line);
    if (header !== null) section = header[1] ?? '';
    const [, key, value] = /^(\w+)=(.*)$/.exec(line) ?? [];
    if (key !== undefined && value !== undefined) unit[section] = { ...unit[section], [key]: value };
  }
  return unit;
}
