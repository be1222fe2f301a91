/** What the doctor finds of accounts over OneBot: token, port, connection, and what answers there. */
import { writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { readConfig } from '../../src/config/read-config.js';
import type { AccountState, DaemonStatus } from '../../src/control/api.js';
import { type DoctorParts, examine } from '../../src/doctor/examine.js';
import { askImplementation } from '../../src/doctor/onebot-connection.js';
import { reportOf } from '../../src/doctor/report.js';
import { LoongError } from '../../src/model/errors.js';
import { tempDir } from '../support/temp-dir.js';

const PEERS = 'allowed_peer_ids = [20002]';

async function examined(toml: string, more: Partial<DoctorParts> = {}, env: NodeJS.ProcessEnv = {}) {
  const folder = tempDir();
  const path = join(folder, 'config.toml');
  writeFileSync(path, toml, { mode: 0o600 });
  const config = await readConfig({ path, env: { HOME: folder, LOONG_HOME: folder, ...env }, secrets: 'optional' });
  const { checks } = reportOf(await examine({ config, daemon: undefined, probe: undefined, ...more }));
  for (const { name, level, remedy } of checks)
    if (level === 'fail') expect([name, remedy]).toEqual([name, expect.any(String)]);
  return { checks, check: (name: string) => checks.find((found) => found.name === name) };
}

/** A daemon that serves these accounts of OneBot. */
function daemonWith(...accounts: readonly (readonly [id: string, state: AccountState, detail?: string])[]) {
  return {
    pid: process.pid,
    version: '1.2.3',
    started_at: 0,
    counters: {},
    accounts: accounts.map(([account, state, detail]) => ({
      channel: 'onebot',
      account,
      state,
      since: 0,
      ...(detail === undefined ? {} : { detail }),
    })),
  } satisfies DaemonStatus;
}

async function listening(host = '127.0.0.1'): Promise<{ readonly server: Server; readonly port: number }> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  onTestFinished(() => void server.close());
  return { server, port: (server.address() as AddressInfo).port };
}

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const { server, port } = await listening();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const ANSWERS: { readonly [action: string]: unknown } = {
  get_login_info: { user_id: 10001, nickname: '小龙' },
  get_status: { online: true, good: true },
  get_version_info: { app_name: 'NapCat.Onebot', app_version: '4.8.1', protocol_version: 'v11' },
};

test('without [onebot] nothing is said of it; with [onebot] alone nothing of [qqbot]', async () => {
  const names = async (toml: string) => (await examined(toml)).checks.map(({ name }) => name).join(' ');
  expect(await names('[qqbot]\napp_id = "1"\nclient_secret = "s"\nallowed_peer_ids = ["a"]')).not.toContain('onebot');
  expect(await names('[qqbot]\nenabled = false\n[onebot]\nenabled = false')).not.toContain('onebot');
  expect(await names(`[onebot]\nws_port = 0\n${PEERS}`)).not.toContain('qqbot');
  const { check } = await examined('[onebot.accounts.home]\nenabled = false');
  expect(check('onebot')).toMatchObject({ level: 'fail', detail: 'no account is enabled' });
  // `gateway run` refuses to run nothing.
  expect((await examined('')).check('qqbot')).toMatchObject({ level: 'fail' });
  expect(
    (await examined(`[qqbot]\n[qqbot.accounts.a]\nenabled = false\n[onebot]\n${PEERS}`)).check('qqbot')?.level,
  ).toBe('warn');
});

test('without a daemon: what can be said from here', async () => {
  const port = await freePort();
  const toml = `[onebot.accounts.home]\nws_port = ${port}\naccess_token = "token-of-napcat"\n${PEERS}\n`;
  const { checks, check } = await examined(toml);
  expect(checks.map(({ name, level }) => `${level} ${name}`).slice(-4)).toEqual([
    'ok onebot:home access token',
    'ok onebot:home allowed peers',
    'ok onebot:home port',
    'warn onebot:home connection',
  ]);
  expect(check('onebot:home connection')).toMatchObject({
    detail: expect.stringContaining('no daemon runs'),
    remedy: expect.stringContaining('loong gateway run'),
  });
  expect(JSON.stringify(checks)).not.toMatch(/token-of-napcat|20002/);
});

test('with a daemon and NapCat: ok in every line', async () => {
  const { port } = await listening();
  const asked: string[] = [];
  const { checks, check } = await examined(
    `[onebot.accounts.home]\nself_id = "10001"\nws_port = ${port}\naccess_token = "t"\n${PEERS}\n`,
    {
      daemon: daemonWith(['home', 'ready']),
      callOnebot: async ({ id }, action) => {
        asked.push(`${id} ${action}`);
        return ANSWERS[action];
      },
    },
  );
  expect(checks.filter(({ name }) => name.startsWith('onebot')).map(({ name, level }) => `${level} ${name}`)).toEqual([
    'ok onebot:home access token',
    'ok onebot:home allowed peers',
    'ok onebot:home port',
    'ok onebot:home live',
    'ok onebot:home connection',
    'ok onebot:home status',
    'ok onebot:home version',
  ]);
  expect(check('onebot:home port')?.detail).toBe(`the daemon listens on 127.0.0.1:${port}`);
  expect(check('onebot:home connection')?.detail).toBe('QQ 10001 (小龙)');
  expect(check('onebot:home version')?.detail).toBe('NapCat.Onebot 4.8.1 v11');
  expect(asked).toEqual(['home get_login_info', 'home get_status', 'home get_version_info']);
});

test('an account of the other channel with the same name is not taken for it', async () => {
  const other = { ...daemonWith(), accounts: [{ channel: 'qqbot', account: 'default', state: 'ready', since: 0 }] };
  const { check } = await examined(`[onebot]\nws_port = 0\n${PEERS}`, { daemon: other as DaemonStatus });
  expect(check('onebot:default live')).toBeUndefined();
  expect(check('onebot:default connection')?.detail).toContain('does not serve');
});

describe('the access token', () => {
  test('none: a warning on loopback; elsewhere the config itself is refused', async () => {
    const { check } = await examined(`[onebot]\nws_port = 0\n${PEERS}`);
    expect(check('onebot:default access token')).toMatchObject({
      level: 'warn',
      remedy: expect.stringContaining('access_token_env'),
    });
    await expect(examined(`[onebot]\nws_host = "0.0.0.0"\n${PEERS}`)).rejects.toThrow('without an access token');
  });

  test('missing: a failure that names the variable, a warning where the daemon has it', async () => {
    const toml = `[onebot]\nws_port = 0\naccess_token_env = "NAPCAT_TOKEN"\n${PEERS}`;
    expect((await examined(toml)).check('onebot:default access token')).toMatchObject({
      level: 'fail',
      detail: expect.stringContaining('NAPCAT_TOKEN'),
    });
    const beside = await examined(toml, { daemon: daemonWith(['default', 'ready']) });
    expect(beside.check('onebot:default access token')?.level).toBe('warn');
    const given = await examined(toml, {}, { NAPCAT_TOKEN: 't' });
    expect(given.check('onebot:default access token')?.level).toBe('ok');
  });
});

test('an account that admits nobody is not ready; a group is enough', async () => {
  const levelOf = async (keys: string) =>
    (await examined(`[onebot]\nws_port = 0\ndm_policy = "allowlist"\n${keys}`)).check('onebot:default allowed peers');
  expect(await levelOf('')).toMatchObject({ level: 'fail', remedy: expect.stringContaining('[onebot.groups.NUMBER]') });
  expect(await levelOf('[onebot.groups.30003]')).toMatchObject({
    level: 'ok',
    detail: 'entries: 0, groups: 1, dm_policy: allowlist',
  });
  expect(await levelOf('group_policy = "open"')).toMatchObject({ level: 'ok' });
  expect(await levelOf('group_policy = "closed"\n[onebot.groups.30003]')).toMatchObject({ level: 'fail' });
});

test('every value of group_allow_from says what it was read as; senders without any group are asked about', async () => {
  const found = async (keys: string) =>
    (await examined(`[onebot]\nws_port = 0\n${PEERS}\n${keys}`)).check('onebot:default group_allow_from');
  expect(await found('')).toBeUndefined();
  expect(
    await found('group_allow_from = [20002, "group:30004", "private:20003", "*", 30005]\n[onebot.groups.30005]'),
  ).toEqual({
    name: 'onebot:default group_allow_from',
    level: 'ok',
    detail:
      '20002: a sender; a group with this very id would be admitted · group:30004: a group that is admitted · private:20003: a sender · *: every sender · 30005: a group',
  });
  expect(await found('group_allow_from = ["111", "222"]')).toEqual({
    name: 'onebot:default group_allow_from',
    level: 'warn',
    detail:
      '111: a sender; a group with this very id would be admitted · 222: a sender; a group with this very id would be admitted',
    remedy: expect.stringMatching(/if groups are meant, write "group:ID", or a table \[onebot\.groups\.ID\]/),
  });
});

describe('the port', () => {
  const portOf = async (keys: string, daemon?: DaemonStatus) =>
    (await examined(`[onebot]\n${PEERS}\n${keys}`, { daemon })).check('onebot:default port');

  test('free', async () => {
    const port = await freePort();
    expect(await portOf(`ws_port = ${port}`)).toMatchObject({ level: 'ok', detail: `127.0.0.1:${port} is free` });
    expect(await portOf('ws_port = 0')).toMatchObject({ level: 'ok' });
  });

  test('taken by another program, which is named where the system tells', async () => {
    const { port } = await listening();
    const other = { ...daemonWith(['default', 'ready']), pid: process.pid + 1_000_000 };
    for (const daemon of [undefined, ...(process.platform === 'linux' ? [other] : [])]) {
      const found = await portOf(`ws_port = ${port}`, daemon);
      expect(found).toMatchObject({ level: 'fail', remedy: expect.stringContaining('another ws_port') });
      if (process.platform === 'linux') expect(found?.detail).toContain(`(pid ${process.pid})`);
    }
  });

  test('free, although the daemon says that it serves the account', async () => {
    const found = await portOf(`ws_port = ${await freePort()}`, daemonWith(['default', 'waiting', 'port taken']));
    expect(found).toMatchObject({ level: 'warn', detail: expect.stringContaining('not even the running daemon') });
    expect(await portOf(`ws_port = ${await freePort()}`, daemonWith())).toMatchObject({ level: 'ok' });
  });

  test('of an address that this machine does not have', async () => {
    const found = await portOf('ws_host = "203.0.113.77"\naccess_token = "t"');
    expect(found).toMatchObject({ level: 'fail', detail: expect.stringContaining('203.0.113.77:3001') });
    expect(await portOf('ws_host = "loong-test.invalid"\naccess_token = "t"')).toMatchObject({ level: 'fail' });
  });
});

test('the live state: what limits or stops the account', async () => {
  const live = async (state: AccountState, detail?: string) =>
    (
      await examined(`[onebot]\nws_port = 0\n${PEERS}`, {
        daemon: daemonWith(['default', state, ...(detail === undefined ? [] : [detail])] as ['default', AccountState]),
      })
    ).check('onebot:default live');
  expect(await live('ready', 'QQ is offline there')).toMatchObject({
    level: 'warn',
    remedy: expect.stringContaining('logged in'),
  });
  expect(await live('waiting', 'waiting for a OneBot implementation')).toMatchObject({
    level: 'warn',
    remedy: expect.stringContaining('reverse WebSocket'),
  });
  expect(await live('failed', 'the port is taken')).toMatchObject({ level: 'fail' });
});

test('a daemon that does not answer: nothing is said of port and connection, for the owner is the finding', async () => {
  const { check } = await examined(`[onebot]\n${PEERS}`, { daemon: { fault: 'it hangs', remedy: 'kill it' } });
  expect(check('owner')?.level).toBe('fail');
  expect([check('onebot:default port'), check('onebot:default connection')]).toEqual([undefined, undefined]);
});

test('an offline round asks nobody', async () => {
  const { checks } = await examined(`[onebot]\nws_port = 0\n${PEERS}`, { daemon: daemonWith(['default', 'ready']) });
  expect(checks.some(({ name }) => /connection|status|version/.test(name))).toBe(false);
});

describe('what answers there', () => {
  const asked = (answers: { readonly [action: string]: unknown }, selfId?: string) =>
    askImplementation({ selfId }, async (action) => {
      const answer = { ...ANSWERS, ...answers }[action];
      if (answer instanceof Error) throw answer;
      return answer;
    });

  test('nobody is connected: one step, and nothing more is asked', async () => {
    const away = new LoongError('onebot.not_connected', 'nobody is connected', { remedy: 'start NapCat' });
    expect(await asked({ get_login_info: away })).toEqual([
      { name: 'connection', level: 'fail', detail: 'nobody is connected', remedy: 'start NapCat', unreached: true },
    ]);
  });

  test('a question that is refused: the others are asked all the same', async () => {
    const steps = await asked({ get_status: new LoongError('onebot.retcode_1404', 'no such action') });
    expect(steps.map(({ name, level, unreached }) => [name, level, unreached])).toEqual([
      ['connection', 'ok', undefined],
      ['status', 'fail', undefined],
      ['version', 'ok', undefined],
    ]);
  });

  test('another QQ than self_id names', async () => {
    const [login] = await asked({}, '10004');
    expect(login).toMatchObject({ level: 'fail', detail: expect.stringContaining('self_id names 10004') });
    expect((await asked({ get_login_info: { user_id: '10004' } }, '10004'))[0]).toMatchObject({ level: 'ok' });
  });

  test.each([
    [{ online: false, good: true }, 'fail', 'QQ is offline there'],
    [{ online: true, good: false }, 'fail', 'online, but not good, as it says itself'],
    [{ online: true }, 'ok', 'QQ is online'],
    [{ online: null, good: true }, 'warn', 'it does not tell whether QQ is online'],
    [null, 'warn', 'it does not tell whether QQ is online'],
    ['yes', 'warn', 'it does not tell whether QQ is online'],
  ])('get_status %j is %s', async (status, level, detail) => {
    expect((await asked({ get_status: status }))[1]).toMatchObject({ level, detail });
  });

  test('names are shown on one line, and not longer than a line', async () => {
    const [login, , version] = await asked({
      get_login_info: { user_id: 10001, nickname: 'a\n\u001b[31mb' },
      get_version_info: { app_name: 'x'.repeat(500) },
    });
    expect(login?.detail).toBe('QQ 10001 (a [31mb)');
    expect(version?.detail.length).toBe(80);
    expect((await asked({ get_version_info: {} }))[2]).toMatchObject({ level: 'warn' });
  });
});
