import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { DIRECTLY } from '../../src/config/config.js';
import { configPath } from '../../src/config/paths.js';
import { readConfig } from '../../src/config/read-config.js';
import { QQBOT_TABLES } from '../../src/config/schema.js';
import { CHANNELS } from '../../src/model/target.js';
import { accountOf, complaints, failure, fileWith, folder, read, readWith } from './config-folder.js';

describe('the file', () => {
  test('is the one that is named, else $LOONG_CONFIG, else in $LOONG_HOME, else in ~/.loong', () => {
    const env = { HOME: '/home/a', LOONG_HOME: '/srv/loong', LOONG_CONFIG: '~/b.toml' };
    expect(configPath({ path: '/etc/c.toml', env })).toBe('/etc/c.toml');
    expect(configPath({ env })).toBe('/home/a/b.toml');
    expect(configPath({ env: { ...env, LOONG_CONFIG: ' ' } })).toBe('/srv/loong/config.toml');
    expect(configPath({ env: { HOME: '/home/a' } })).toBe('/home/a/.loong/config.toml');
  });

  test('that is missing is told by its path, with what to do', async () => {
    const path = join(folder, 'nowhere.toml');
    const error = await failure(readConfig({ path, env: {}, secrets: 'required' }));
    expect(error?.code).toBe('config.missing');
    expect(error?.retry).toBe('never');
    expect(error?.message).toBe(
      `config file ${path} does not exist (write it with \`loong init\`, or name another file with --config)`,
    );
  });

  test('that is a directory, too large or not text is refused', async () => {
    const directory = await failure(readConfig({ path: folder, env: {}, secrets: 'required' }));
    expect([directory?.code, directory?.message]).toEqual([
      'config.unreadable',
      expect.stringContaining('is a directory'),
    ]);
    expect(await complaints(readWith('#'.repeat(1024 * 1024 + 1), {}))).toEqual([
      expect.stringContaining('is larger than 1 MiB'),
    ]);
    const path = fileWith('latin1.toml', Uint8Array.of(0x23, 0xe9, 0x0a));
    expect(await complaints(readConfig({ path, env: {}, secrets: 'required' }))).toEqual([
      expect.stringContaining('is not UTF-8 text'),
    ]);
  });

  test('may begin with a byte order mark', async () => {
    expect((await read('\uFEFF[log]\nlevel = "warn"')).log.level).toBe('warn');
  });

  test('with a slip of TOML is told by line, column and text', async () => {
    const [line] = await complaints(read('[qqbot]\nenabled = ture\n'));
    expect(line).toMatch(/config\.toml is not valid TOML: line 2, column 11: .*: `enabled = ture`$/);
  });

  test.each([
    ['an unterminated secret', 'client_secret = "CANARY'],
    ['a secret after a forgotten line break', 'enabled = true client_secret = "CANARY"'],
    ['a secret under a mistyped key', 'clent_secrt = "CANARY'],
    ['a secret on a line of its own', 'client_secret = """\nCANARY== = \n""" x'],
    ['an unquoted secret', 'client_secret = CANARY'],
    ['a secret behind a table head', '[qqbot.accounts.a] client_secret = "CANARY"'],
  ])('with a slip of TOML never shows %s', async (_name, text) => {
    const lines = await complaints(read(`[qqbot]\n${text}\n`));
    expect(lines).toHaveLength(1);
    expect(lines[0]).not.toContain('CANARY');
    expect(lines[0]).toContain('line not shown');
  });

  test('with names that could reach into objects is refused', async () => {
    expect(await complaints(read('[qqbot.accounts.__proto__]\nenabled = true'))).toEqual([
      expect.stringContaining('unsafe property'),
    ]);
  });
});

describe('what is left out', () => {
  test('has the defaults of the contract', async () => {
    const config = await read('[qqbot]');
    expect(config.gateway).toEqual({
      stateDir: join(folder, '.loong/state'),
      durability: 'process',
      proxy: DIRECTLY,
      retentionDays: 30,
    });
    expect(config.log).toEqual({ level: 'info', format: 'auto', file: undefined });
    expect([...config.backends]).toEqual([
      ['default', { name: 'default', type: 'echo', timeoutMs: 120_000, concurrency: 4 }],
    ]);
    expect(config.warnings).toEqual([]);
    expect(config.qqbot).toEqual({
      enabled: true,
      defaultAccount: 'default',
      isConfigured: true,
      defaultSource: 'named_default',
      accounts: [
        {
          channel: 'qqbot',
          id: 'default',
          enabled: true,
          appId: { ok: true, value: '102000001' },
          clientSecret: { ok: true, value: 'a-secret' },
          allowedPeerIds: [],
          apiBaseUrl: 'https://api.sgroup.qq.com',
          transport: 'websocket',
          webhook: { host: '127.0.0.1', port: 8080, path: '/qq-official-webhook' },
          tokenUrl: 'https://bots.qq.com/app/getAppAccessToken',
          intents: ['public_guild_messages', 'direct_message', 'group_and_c2c'],
          replyWindows: {
            c2c: { minutes: 60, count: 4 },
            group: { minutes: 5, count: 5 },
            channel: { minutes: 5, count: 5 },
          },
          parkTtlMs: 86_400_000,
          groupPolicy: 'allowlist',
          groupAllowFrom: [],
          groups: new Map(),
          requireMention: true,
          backend: 'default',
          textChunkLimit: 2000,
          chunkMode: 'length',
          markdown: 'auto',
          apology: '',
          typing: false,
          dmPolicy: 'pairing',
          table: ['qqbot'],
          inherited: [],
          systemPrompt: '',
          historyLimit: 50,
          historyChars: 8000,
        },
      ],
    });
  });

  test('a file without the channel switches it off, and asks for no secret', async () => {
    const config = await readWith('', {});
    expect(config.qqbot.enabled).toBe(false);
    expect(config.qqbot.accounts).toMatchObject([{ id: 'default', enabled: false, appId: { ok: false } }]);
  });

  test('nothing of the result can be changed', async () => {
    const config = await read('[qqbot]');
    const peers = (await accountOf(read('[qqbot]\nallowed_peer_ids = ["a"]'))).allowedPeerIds as string[];
    expect(() => peers.push('b')).toThrow(TypeError);
    expect(
      Object.isFrozen(config) && Object.isFrozen(config.backends.get('default')) && Object.isFrozen(config.warnings),
    ).toBe(true);
  });
});

describe('the state folder', () => {
  const stateDirWith = async (toml: string, env = {}) => (await readWith(toml, env)).gateway.stateDir;

  test('is the configured one, relative to the file, with ~ as the home', async () => {
    expect(await stateDirWith('[gateway]\nstate_dir = "data"', { STATE_DIRECTORY: '/x' })).toBe(join(folder, 'data'));
    expect(await stateDirWith('[gateway]\nstate_dir = "~/data"', { HOME: '/home/a' })).toBe('/home/a/data');
    expect(await stateDirWith('[gateway]\nstate_dir = "/data"')).toBe('/data');
  });

  test('else the first that systemd gives, else in $LOONG_HOME', async () => {
    expect(await stateDirWith('', { STATE_DIRECTORY: '/var/lib/loong:/var/lib/more', LOONG_HOME: '/srv' })).toBe(
      '/var/lib/loong',
    );
    expect(await stateDirWith('', { LOONG_HOME: '/srv' })).toBe('/srv/state');
  });

  test('may not be blank', async () => {
    expect(await complaints(read('[gateway]\nstate_dir = " "'))).toEqual([
      'gateway.state_dir: is blank: fill it in, or remove the line',
    ]);
  });
});

describe('the table of the channel', () => {
  test('may be called by every alias of the channel, and problems use the name in the file', async () => {
    expect(QQBOT_TABLES).toEqual(['qqbot', ...CHANNELS.qqbot.aliases]);
    for (const name of QQBOT_TABLES) {
      expect((await accountOf(read(`[${name}]\nallowed_peer_ids = ["a"]`))).allowedPeerIds).toEqual(['a']);
      expect(await complaints(read(`[${name}]\nbackend = "x"`))).toEqual([
        expect.stringMatching(`^${name}\\.backend: `),
      ]);
    }
  });

  test('may stand there only once', async () => {
    expect(await complaints(readWith('[qq]\napp_id = "1"\nclient_secret = "s"\n[qqbot]', {}))).toEqual([
      'qq: [qq] and [qqbot] are the same channel (keep one of the two tables)',
    ]);
  });
});

describe('keys', () => {
  test.each([
    ['[qqbot]\nap_id_env = "X"', 'qqbot.ap_id_env: unknown key (did you mean `app_id_env`?)'],
    ['[qqbot]\nrequire_mention = true', 'qqbot.require_mention: unknown key (did you mean `default_require_mention`?)'],
    [
      '[qqbot.accounts.main]\ndefault_account = "x"',
      'qqbot.accounts.main.default_account: unknown key (it belongs into [qqbot])',
    ],
    ['[qqbot.accounts."Ops Bot"]\nfoo = 1', 'qqbot.accounts."Ops Bot".foo: unknown key (remove it)'],
    ['allowed_peer_ids = []', 'allowed_peer_ids: unknown key (it belongs into [qqbot])'],
    ['[telegram]', 'telegram: unknown key (the tables are [gateway], [log], [qqbot], [onebot], [backends], [pairing])'],
    [
      '[qqbot]\nreply_windows = { c2c = { minute = 3 } }',
      'qqbot.reply_windows.c2c.minute: unknown key (did you mean `minutes`?)',
    ],
  ])('that do not exist are told: %j', async (toml, line) => {
    expect(await complaints(readWith(toml, { QQBOT_APP_ID: '1', QQBOT_CLIENT_SECRET: 's' }))).toEqual([line]);
  });

  test.each([
    ['[qqbot]\nenabled = "yes"', 'qqbot.enabled: expected true or false, got text'],
    ['qqbot = 3', 'qqbot: expected a table, got a whole number'],
    ['[qqbot]\naccounts = ["a"]', 'qqbot.accounts: expected a table of tables, got a list'],
    ['[qqbot.accounts]\nmain = 1', 'qqbot.accounts.main: expected a table, got a whole number'],
    ['[qqbot]\nallowed_peer_ids = "a"', 'qqbot.allowed_peer_ids: expected a list, got text'],
    ['[qqbot]\nintents = []', 'qqbot.intents: is empty: name at least one intent'],
    ['[gateway]\nstate_dir = 1979-05-27', 'gateway.state_dir: expected text in quotes, got a date'],
    ['[gateway]\nretention_days = 3651', 'gateway.retention_days: expected a whole number from 1 to 3650, got 3651'],
    ['[gateway]\nretention_days = 1.5', 'gateway.retention_days: expected a whole number from 1 to 3650, got 1.5'],
    ['[backends.x]', 'backends.x.type: is missing: expected one of "echo", "exec", "http", "openai"'],
    [
      '[backends.x]\ntype = "echo"\nconcurrency = 0',
      'backends.x.concurrency: expected a whole number from 1 to 1000, got 0',
    ],
  ])('of the wrong type or range are told with what is expected: %j', async (toml, line) => {
    const lines = await complaints(read(toml));
    expect(lines).toEqual([line]);
  });

  test('lengths of time have a unit', async () => {
    for (const [text, ms] of [
      ['24h', 86_400_000],
      ['90s', 90_000],
      ['15m', 900_000],
      ['7d', 604_800_000],
      ['1500ms', 1500],
    ] as const) {
      expect((await accountOf(read(`[qqbot]\npark_ttl = "${text}"`))).parkTtlMs).toBe(ms);
    }
    for (const text of ['90', '"90"', '"1.5h"', '"-1s"', '"0s"', '"31d"', '"500ms"', '"1 hour"', '""']) {
      expect(await complaints(read(`[qqbot]\npark_ttl = ${text}`))).toEqual([
        expect.stringMatching(/^qqbot\.park_ttl: expected a length of time from "1s" to "30d"/),
      ]);
    }
  });
});

test('a backend must be defined where it is named, and one that is not sound is told only once', async () => {
  const toml = '[backends.coder]\ntype = "magic"\n[qqbot]\nbackend = "coder"\n[qqbot.accounts.main]\nbackend = "Coder"';
  expect(await complaints(read(toml))).toEqual([
    'backends.coder.type: expected one of "echo", "exec", "http", "openai", got "magic"',
    'qqbot.accounts.main.backend: there is no backend `Coder` (did you mean `coder`?)',
  ]);
  const config = await read(
    '[backends.slow]\ntype = "echo"\ntimeout = "500ms"\nconcurrency = 1\n[qqbot]\nbackend = "slow"',
  );
  expect(config.backends.get('slow')).toEqual({ name: 'slow', type: 'echo', timeoutMs: 500, concurrency: 1 });
  expect(config.backends.has('default')).toBe(true);
});

test('a file that holds a secret and that others can read is warned of', async () => {
  const path = fileWith('open.toml', '[qqbot.accounts.main]\napp_id = "1"\nclient_secret = "s"');
  const warnings = async () => (await readConfig({ path, env: {}, secrets: 'required' })).warnings;
  chmodSync(path, 0o600);
  expect(await warnings()).toEqual([]);
  chmodSync(path, 0o640);
  expect(await warnings()).toEqual([`${path} holds a secret and can be read by other users; run \`chmod 600\` on it`]);
});

test('a relative path is relative to where one stands', async () => {
  mkdirSync(join(folder, 'sub'), { recursive: true });
  expect(configPath({ path: 'sub/c.toml', env: {} })).toBe(join(process.cwd(), 'sub/c.toml'));
});
