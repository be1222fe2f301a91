/** What the doctor finds here, without a network: one line a check, and one thing to do where something is wrong. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Config } from '../../src/config/config.js';
import { readConfig } from '../../src/config/read-config.js';
import type { AccountState, DaemonStatus } from '../../src/control/api.js';
import { type DoctorParts, examine } from '../../src/doctor/examine.js';
import type { Finding } from '../../src/doctor/finding.js';
import { checkHosts } from '../../src/doctor/hosts.js';
import { checkStateDir, spaceFinding } from '../../src/doctor/machine.js';
import { renderReport, reportOf } from '../../src/doctor/report.js';
import { openStore } from '../../src/store/sqlite/sqlite-store.js';
import { tempDir } from '../support/temp-dir.js';

const GOOD = `[qqbot]
app_id = "102000001"
client_secret = "secret-of-the-bot"
allowed_peer_ids = ["openid_alice", "group:g1"]
`;

function configOf(toml: string, env: NodeJS.ProcessEnv = {}): Promise<Config> {
  const folder = tempDir();
  writeFileSync(join(folder, 'config.toml'), toml, { mode: 0o600 });
  return readConfig({
    path: join(folder, 'config.toml'),
    env: { HOME: folder, LOONG_HOME: folder, ...env },
    secrets: 'optional',
  });
}

async function examined(toml: string, more: Partial<DoctorParts> = {}, env: NodeJS.ProcessEnv = {}) {
  const config = await configOf(toml, env);
  const { checks } = reportOf(await examine({ config, daemon: undefined, probe: undefined, ...more }));
  expect(new Set(checks.map(({ name }) => name)).size).toBe(checks.length);
  for (const { level, remedy } of checks) if (level === 'fail') expect(remedy).toBeTruthy();
  return checks;
}

function named(checks: readonly Finding[], name: string): Finding | undefined {
  return checks.find((check) => check.name === name);
}

function running(state: AccountState, detail?: string): DaemonStatus {
  const account = {
    channel: 'qqbot',
    account: 'default',
    state,
    since: 0,
    ...(detail === undefined ? {} : { detail }),
  };
  return { pid: 4242, version: '1.2.3', started_at: 0, accounts: [account], counters: {} } as unknown as DaemonStatus;
}

test('a ready machine and a ready account are ok in every line', async () => {
  const checks = await examined(GOOD);
  expect(checks.map(({ name, level }) => `${level} ${name}`)).toEqual([
    'ok config',
    'ok state dir',
    'ok owner',
    'ok backend default',
    'ok proxy',
    'ok qqbot:default app id',
    'ok qqbot:default client secret',
    'ok qqbot:default allowed peers',
    'ok qqbot:default intents',
  ]);
  expect(JSON.stringify(checks)).not.toContain('secret-of-the-bot');
  expect(JSON.stringify(checks)).not.toContain('openid_alice');
});

test('a missing credential names the variable or the file that was looked at', async () => {
  const fromEnv = await examined(
    '[qqbot]\napp_id_env = "MY_APP"\nclient_secret_env = "MY_SECRET"\nallowed_peer_ids = ["a"]\n',
  );
  expect(named(fromEnv, 'qqbot:default app id')).toMatchObject({
    level: 'fail',
    detail: expect.stringContaining('MY_APP'),
  });
  expect(named(fromEnv, 'qqbot:default client secret')?.detail).toContain('MY_SECRET');
  const fromFile = await examined(GOOD.replace(/client_secret = .*/, 'client_secret_file = "/nowhere/secret"'));
  expect(named(fromFile, 'qqbot:default client secret')?.detail).toContain('/nowhere/secret');
});

test('a daemon may have a credential that this shell was not given', async () => {
  const toml = GOOD.replace(/client_secret = .*/, 'client_secret_env = "MY_SECRET"');
  const checks = await examined(toml, { daemon: running('ready') });
  expect(named(checks, 'qqbot:default client secret')).toMatchObject({
    level: 'warn',
    detail: expect.stringMatching(/the running daemon has it.*MY_SECRET/),
  });
});

test('an empty list of peers fails: it would allow nobody', async () => {
  const checks = await examined(
    GOOD.replace(/allowed_peer_ids = .*/, 'allowed_peer_ids = []\ndm_policy = "allowlist"'),
  );
  expect(named(checks, 'qqbot:default allowed peers')).toMatchObject({
    level: 'fail',
    remedy: expect.stringContaining('allowed_peer_ids = ['),
  });
});

test.each<[AccountState, Finding['level']]>([
  // What is told of an account that is ready limits it: intents that were not granted, another program with the same AppID.
  ['ready', 'warn'],
  ['connecting', 'warn'],
  ['waiting', 'warn'],
  ['failed', 'fail'],
])('an account that is %s in the running daemon is %s', async (state, level) => {
  const checks = await examined(GOOD, { daemon: running(state, 'because of it') });
  expect(named(checks, 'owner')?.detail).toContain('pid 4242');
  expect(named(checks, 'qqbot:default live')).toMatchObject({ level, detail: `${state}: because of it` });
  if (state === 'ready') expect(named(checks, 'qqbot:default live')?.remedy).toContain('`intents`');
});

test('an account that is ready, and nothing else to say of it, is ok', async () => {
  const checks = await examined(GOOD, { daemon: running('ready') });
  expect(named(checks, 'qqbot:default live')).toEqual({ name: 'qqbot:default live', level: 'ok', detail: 'ready' });
});

test('a log file is looked at where one is named', async () => {
  const checks = await examined(`[log]\nfile = "/nowhere/loong.log"\n${GOOD}`);
  expect(named(checks, 'log file')).toMatchObject({ level: 'fail' });
});

test('a daemon that does not answer is a finding', async () => {
  const checks = await examined(GOOD, { daemon: { fault: 'no answer within 5 s', remedy: 'start it again' } });
  expect(named(checks, 'owner')).toEqual({
    name: 'owner',
    level: 'fail',
    detail: 'no answer within 5 s',
    remedy: 'start it again',
  });
});

test('nothing that takes part is told, and disabled accounts are left out', async () => {
  for (const toml of ['', '[qqbot]\nenabled = false\n']) {
    const checks = await examined(toml);
    expect(named(checks, 'qqbot')).toMatchObject({ level: 'fail', remedy: expect.stringContaining('enabled = true') });
  }
  const two = await examined(`${GOOD}default_account = "a"\n[qqbot.accounts.a]\n[qqbot.accounts.b]\nenabled = false\n`);
  expect(two.some(({ name }) => name.startsWith('qqbot:a'))).toBe(true);
  expect(two.some(({ name }) => name.startsWith('qqbot:b'))).toBe(false);
});

test('several accounts without a default are warned of', async () => {
  const checks = await examined('[qqbot]\n[qqbot.accounts.a]\napp_id = "1"\n[qqbot.accounts.b]\napp_id = "2"\n');
  expect(named(checks, 'config warning 1')).toMatchObject({
    level: 'warn',
    detail: expect.stringContaining('default_account'),
  });
});

test('the program of a backend is looked for where its own PATH says', async () => {
  const folder = tempDir();
  writeFileSync(join(folder, 'answerer'), '#!/bin/sh\n');
  chmodSync(join(folder, 'answerer'), 0o755);
  const exec = (command: string, env = '["PATH"]') =>
    `${GOOD}backend = "mine"\n[backends.mine]\ntype = "exec"\ncommand = ["${command}"]\nenv = ${env}\n`;
  const PATH = `/nowhere:${folder}`;
  const found = await examined(exec('answerer'), {}, { PATH });
  expect(named(found, 'backend mine')).toMatchObject({ level: 'ok', detail: join(folder, 'answerer') });
  const missing = await examined(exec('answerer', '[]'), {}, { PATH });
  expect(named(missing, 'backend mine')).toMatchObject({
    level: 'fail',
    detail: expect.stringContaining('no program `answerer` in PATH'),
    remedy: expect.stringContaining('backends.mine.command'),
  });
  chmodSync(join(folder, 'answerer'), 0o644);
  for (const command of [join(folder, 'answerer'), folder])
    expect(named(await examined(exec(command)), 'backend mine')?.level).toBe('fail');
});

test('what answers in a group alone is looked at, too, with its server and its media_dir', async () => {
  const hook = (keys: string) =>
    `${GOOD}[qqbot.groups.g1]\nbackend = "hook"\n[backends.hook]\ntype = "http"\nurl = "http://127.0.0.1:9/turn"\n${keys}\n`;
  const offline = await examined(hook('media_dir = "media"'));
  expect(named(offline, 'backend hook')).toEqual({
    name: 'backend hook',
    level: 'ok',
    detail: 'http://127.0.0.1:9/turn (not tried)',
  });
  expect(named(offline, 'backend hook media_dir')).toMatchObject({
    level: 'fail',
    detail: expect.stringMatching(/^there is no folder \/.*\/media$/),
    remedy: expect.stringContaining('backends.hook.media_dir'),
  });
  const there = await examined(hook(`media_dir = "${tempDir()}"`));
  expect(named(there, 'backend hook media_dir')?.level).toBe('ok');
  const keyless = await examined(hook('secret_env = "HOOK_SECRET"'));
  expect(named(keyless, 'backend hook')).toMatchObject({
    level: 'fail',
    detail: expect.stringContaining('`HOOK_SECRET`'),
    remedy: expect.stringContaining('backends.hook.secret'),
  });
  const closed = await examined(hook(''), { probe: async () => [] });
  expect(named(closed, 'backend hook')).toMatchObject({
    level: 'fail',
    detail: expect.stringContaining('takes no connection'),
  });
});

test('what the platform says stands beside it, by account; a refusal without a remedy gets one', async () => {
  const checks = await examined(GOOD, {
    probe: async () => [
      { name: 'token', level: 'ok', detail: 'granted' },
      { name: 'gateway', level: 'fail', detail: 'undefined' },
    ],
  });
  expect(named(checks, 'qqbot:default token')).toEqual({ name: 'qqbot:default token', level: 'ok', detail: 'granted' });
  expect(named(checks, 'qqbot:default gateway')?.remedy).toContain('console');
});

test('without credentials the platform is not asked', async () => {
  const checks = await examined('[qqbot]\nallowed_peer_ids = ["a"]\n', {
    probe: () => {
      throw new Error('it was asked');
    },
  });
  expect(checks.filter(({ level }) => level === 'fail')).toHaveLength(2);
});

test('a state directory that is a file, or would lie in one, cannot be used', async () => {
  const file = join(tempDir(), 'state');
  writeFileSync(file, '');
  chmodSync(file, 0o777);
  for (const path of [file, join(file, 'deeper', 'still')]) {
    const [finding] = await checkStateDir(path);
    expect(finding).toMatchObject({
      name: 'state dir',
      level: 'fail',
      detail: expect.stringContaining(`${file} is no directory`),
      remedy: expect.stringContaining('gateway.state_dir'),
    });
  }
});

test('a state directory that does not exist yet is fine', async () => {
  expect(await checkStateDir(join(tempDir(), 'a', 'b'))).toMatchObject([{ level: 'ok' }]);
});

test('a whole database is ok, a damaged one and one that is none are not', async () => {
  const folder = tempDir();
  const store = openStore(join(folder, 'loong.db'), 'process');
  await store.close();
  const levels = async () => Object.fromEntries((await checkStateDir(folder)).map(({ name, level }) => [name, level]));
  expect(await levels()).toMatchObject({ 'state dir': 'ok', database: 'ok' });
  writeFileSync(join(folder, 'loong.db'), 'this was a database once'.repeat(500));
  const [, , database] = await checkStateDir(folder);
  expect(database).toMatchObject({ name: 'database', level: 'fail', remedy: expect.stringContaining('backup') });
  mkdirSync(join(folder, 'other', 'loong.db'), { recursive: true });
  expect((await checkStateDir(join(folder, 'other')))[2]?.level).toBe('fail');
});

test.each([
  [10 * 1_073_741_824, 'ok'],
  [500 * 1_048_576, 'ok'],
  [500 * 1_048_576 - 1, 'warn'],
  [50 * 1_048_576, 'warn'],
  [50 * 1_048_576 - 1, 'fail'],
  [0, 'fail'],
] as const)('%d free bytes are %s', (bytes, level) => {
  const finding = spaceFinding(bytes);
  expect(finding.level).toBe(level);
  expect(finding.remedy === undefined).toBe(level === 'ok');
});

test('names of hosts: known, unknown, made up by a proxy, and none at all', async () => {
  const urls = ['https://api.sgroup.qq.com', 'https://bots.qq.com/app/getAppAccessToken'];
  expect(await checkHosts('dns', urls, async () => ['203.205.1.1'])).toEqual({
    name: 'dns',
    level: 'ok',
    detail: 'api.sgroup.qq.com, bots.qq.com',
  });
  const unknown = await checkHosts('dns', urls, async (host) => {
    throw new Error(`getaddrinfo ENOTFOUND ${host}`);
  });
  expect(unknown).toMatchObject({ level: 'fail', detail: expect.stringContaining('api.sgroup.qq.com is not known') });
  expect(unknown?.remedy).toContain('DNS');
  for (const address of ['198.18.0.7', '198.19.255.255', 'fc00::7', 'fdfe:dcba:9876::1']) {
    const madeUp = await checkHosts('dns', urls, async () => [address]);
    expect(madeUp).toMatchObject({ level: 'warn', remedy: expect.stringContaining('fake-ip') });
  }
  for (const address of ['198.20.0.1', '198.17.0.1', '2408:8719::1'])
    expect((await checkHosts('dns', urls, async () => [address]))?.level).toBe('ok');
  for (const address of ['0.0.0.0', '127.0.0.1', '::1', '::']) {
    const blocked = await checkHosts('dns', urls, async () => [address]);
    expect(blocked).toMatchObject({ level: 'fail', remedy: expect.stringContaining('/etc/hosts') });
  }
  const literal = ['http://127.0.0.1:1', 'http://localhost:2', 'http://[::1]:3'];
  expect(await checkHosts('dns', literal, () => Promise.reject(new Error('asked')))).toBeUndefined();
});

test('a name that is really resolved', async () => {
  const finding = await checkHosts('dns', ['http://loong-test.invalid/']);
  expect(finding).toMatchObject({ level: 'fail', detail: expect.stringContaining('loong-test.invalid') });
});

const FINDINGS: readonly Finding[] = [
  { name: 'config', level: 'ok', detail: '/etc/loong/config.toml' },
  { name: 'free space', level: 'warn', detail: '0.3 GiB free', remedy: 'make room' },
  { name: 'token', level: 'fail', detail: 'refused\n  by QQ', remedy: 'a new secret' },
  { name: 'token', level: 'fail', detail: 'refused again', remedy: 'a new secret' },
];

test('as text: a line a check, a line a remedy, and the sum', () => {
  expect(renderReport(reportOf(FINDINGS), false)).toBe(`ok    config      /etc/loong/config.toml
warn  free space  0.3 GiB free
                  → make room
fail  token       refused; by QQ
                  → a new secret
fail  token (2)   refused again
                  → a new secret

1 ok · 1 warn · 2 fail`);
});

test('colours mark the level and nothing else', () => {
  const coloured = renderReport(reportOf(FINDINGS), true);
  expect(coloured).toContain('\u001b[32mok  \u001b[0m');
  expect(coloured).toContain('\u001b[31mfail\u001b[0m');
});

test('a report is ok unless something failed, and its names are unique', () => {
  expect(reportOf(FINDINGS)).toMatchObject({ ok: false, summary: { ok: 1, warn: 1, fail: 2 } });
  expect(reportOf(FINDINGS.slice(0, 2)).ok).toBe(true);
  expect(reportOf(FINDINGS).checks.map(({ name }) => name)).toEqual(['config', 'free space', 'token', 'token (2)']);
});
