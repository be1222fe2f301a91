/** Accounts over OneBot: what each key does, what must not clash, and who needs a token. */
import { chmodSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { effectiveConfig } from '../../src/config/effective-config.js';
import { readConfig } from '../../src/config/read-config.js';
import { configSchema, ONEBOT_TABLES } from '../../src/config/schema.js';
import { CHANNELS } from '../../src/model/target.js';
import { complaints, fileWith, onebotOf, read, readWith } from './config-folder.js';

const DEFAULTS = {
  channel: 'onebot',
  id: 'default',
  enabled: true,
  allowedPeerIds: [],
  groupPolicy: 'allowlist',
  groupAllowFrom: [],
  groups: new Map(),
  requireMention: true,
  parkTtlMs: 86_400_000,
  backend: 'default',
  textChunkLimit: 2000,
  chunkMode: 'length',
  markdown: 'auto',
  apology: '',
  typing: false,
  dmPolicy: 'pairing',
  table: ['onebot'],
  inherited: [],
  systemPrompt: '',
  historyLimit: 50,
  historyChars: 8000,
  name: undefined,
  selfId: undefined,
  wsHost: '127.0.0.1',
  wsPort: 3001,
  wsPath: '/onebot/v11/ws',
  accessToken: undefined,
  mediaMaxBytes: 50 * 1_048_576,
  heartbeat: { enabled: true, intervalMs: 30_000, timeoutMs: 10_000 },
  reconnect: { enabled: true, maxRetries: 10, retryDelayMs: 5000, backoffMultiplier: 2, maxDelayMs: 60_000 },
};

describe('the table of the channel', () => {
  test('left out, the channel is off and asks for nothing', async () => {
    const { onebot } = await readWith('', {});
    expect(onebot).toMatchObject({ enabled: false, accounts: [{ id: 'default', enabled: false }] });
  });

  test('empty, it has the defaults of the contract', async () => {
    const { qqbot, onebot } = await readWith('[onebot]', {});
    expect(onebot).toEqual({
      enabled: true,
      defaultAccount: 'default',
      isConfigured: true,
      defaultSource: 'named_default',
      accounts: [DEFAULTS],
    });
    expect(qqbot.enabled).toBe(false);
  });

  test('may be called by every alias of the channel, and problems use the name in the file', async () => {
    expect(ONEBOT_TABLES).toEqual(['onebot', ...CHANNELS.onebot.aliases]);
    for (const name of ONEBOT_TABLES) {
      expect((await onebotOf(readWith(`[${name}]\nws_port = 3002`, {}))).wsPort).toBe(3002);
      expect(await complaints(readWith(`[${name}.accounts.a]\nbackend = "x"`, {}))).toEqual([
        expect.stringMatching(`^${name}\\.accounts\\.a\\.backend: `),
      ]);
    }
  });

  test('may stand there only once', async () => {
    expect(await complaints(readWith('[onebot]\n[napcat]', {}))).toEqual([
      'napcat: [napcat] and [onebot] are the same channel (keep one of the two tables)',
    ]);
  });
});

describe('every key', () => {
  const set = `
name = "小龙"
self_id = "10001"
ws_host = "localhost"
ws_port = 3002
ws_path = "/onebot/bot2/ws"
access_token = "token-of-napcat"
heartbeat = { enabled = false, interval = 5000, timeout = 2000 }
reconnect = { enabled = false, max_retries = 3, retry_delay = 100, backoff_multiplier = 1.5, max_delay = 900 }
allowed_peer_ids = [20002, "private:20003", "C2C: 20004", "group:30003", "*"]
group_policy = "open"
group_allow_from = [20002, "group:30004"]
default_require_mention = false
park_ttl = "1h"
text_chunk_limit = 100
chunk_mode = "newline"
markdown = "never"
apology = "对不起"
`;
  const expected = {
    name: '小龙',
    selfId: '10001',
    wsHost: 'localhost',
    wsPort: 3002,
    wsPath: '/onebot/bot2/ws',
    accessToken: { ok: true, value: 'token-of-napcat' },
    heartbeat: { enabled: false, intervalMs: 5000, timeoutMs: 2000 },
    reconnect: { enabled: false, maxRetries: 3, retryDelayMs: 100, backoffMultiplier: 1.5, maxDelayMs: 900 },
    allowedPeerIds: ['20002', 'c2c:20003', 'c2c:20004', 'group:30003', '*'],
    groupPolicy: 'open',
    groupAllowFrom: ['20002', 'group:30004'],
    requireMention: false,
    parkTtlMs: 3_600_000,
    textChunkLimit: 100,
    chunkMode: 'newline',
    markdown: 'never',
    apology: '对不起',
  };

  test('is read on the channel, and inherited by its accounts', async () => {
    expect(await onebotOf(readWith(`[onebot]${set}`, {}))).toMatchObject(expected);
    expect(await onebotOf(readWith(`[onebot]${set}[onebot.accounts.a]`, {}), 'a')).toMatchObject(expected);
  });

  test('is read on an account, and beats that of the channel', async () => {
    const toml = `[onebot]\nws_port = 1\nheartbeat = { interval = 9000 }\n[onebot.accounts.a]${set}[onebot.accounts.b]\n`;
    const config = readWith(toml, {});
    expect(await onebotOf(config, 'a')).toMatchObject(expected);
    expect(await onebotOf(config, 'b')).toMatchObject({
      wsPort: 1,
      heartbeat: { intervalMs: 9000, timeoutMs: 10_000 },
    });
  });

  test('of a table that an account sets in part is inherited for the rest', async () => {
    const toml =
      '[onebot]\nreconnect = { max_retries = 1, max_delay = 500 }\n[onebot.accounts.a]\nreconnect = { max_retries = 2 }';
    expect((await onebotOf(readWith(toml, {}), 'a')).reconnect).toMatchObject({
      maxRetries: 2,
      maxDelayMs: 500,
      retryDelayMs: 5000,
    });
  });

  test.each([
    ['ws_port = 65536', 'ws_port: expected a whole number from 0 to 65535, got 65536'],
    ['ws_path = "onebot"', 'ws_path: is no path: expected something like "/onebot/v11/ws"'],
    ['ws_path = "/a?token=1"', 'ws_path: is no path: expected something like "/onebot/v11/ws"'],
    [
      'ws_host = "ws://127.0.0.1"',
      'ws_host: is no address: expected something like "127.0.0.1", without "ws://" and without a port',
    ],
    [
      'ws_host = "127.0.0.1:3001/"',
      'ws_host: is no address: expected something like "127.0.0.1", without "ws://" and without a port',
    ],
    [
      'ws_host = " "',
      'ws_host: is no address: expected something like "127.0.0.1", without "ws://" and without a port',
    ],
    ['self_id = "abc"', 'self_id: is no QQ number: expected its digits'],
    ['self_id = -10001', 'self_id: expected a QQ number, got a whole number'],
    ['self_id = 1.5', 'self_id: expected a QQ number, got a number'],
    ['heartbeat = { interval = 5 }', 'heartbeat.interval: expected a whole number from 1000 to 3600000, got 5'],
    ['heartbeat = { intervall = 5000 }', 'heartbeat.intervall: unknown key (did you mean `interval`?)'],
    [
      'reconnect = { backoff_multiplier = 0.5 }',
      'reconnect.backoff_multiplier: expected a number from 1 to 10, got 0.5',
    ],
    ['reconnect = { max_delay = "1m" }', 'reconnect.max_delay: expected a whole number from 100 to 86400000, got "1m"'],
    ['group_policy = "pairing"', 'group_policy: expected one of "allowlist", "open", "disabled", got "pairing"'],
    [
      'allowed_peer_ids = ["channel:1"]',
      'allowed_peer_ids[0]: entry "channel:1" has an unknown kind (use `private`, `group`)',
    ],
    ['allowed_peer_ids = ["alice"]', 'allowed_peer_ids[0]: entry "alice" is no number (write its digits)'],
    ['allowed_peer_ids = ["020002"]', 'allowed_peer_ids[0]: entry "020002" is no number (write its digits)'],
    [
      'allowed_peer_ids = [123456789012345678901]',
      'allowed_peer_ids[0]: entry "123456789012345678901" is no number (write its digits)',
    ],
    ['group_allow_from = ["group:Tea"]', 'group_allow_from[0]: entry "group:Tea" is no number (write its digits)'],
    ['[onebot.groups.3]\nallow_from = ["bob"]', 'groups.3.allow_from[0]: entry "bob" is no number (write its digits)'],
    ['[onebot.groups.Tea]', 'groups.Tea: is no id of a group: write its digits, or "*" for every other group'],
    ['app_id = "1"', 'app_id: unknown key (it belongs into [qqbot])'],
  ])('that cannot be meant is told: %s', async (line, complaint) => {
    expect(await complaints(readWith(`[onebot]\n${line}`, {}))).toEqual([`onebot.${complaint}`]);
  });

  test('a number is read to its last digit, in quotes or without', async () => {
    const toml = `[onebot]
self_id = 10001
allowed_peer_ids = [20002, -3, 9007199254740993, "12345678901234567890", 12345678901234567891, "group:-5", "*"]
`;
    expect(await onebotOf(readWith(toml, {}))).toMatchObject({
      selfId: '10001',
      allowedPeerIds: [
        '20002',
        '-3',
        '9007199254740993',
        '12345678901234567890',
        '12345678901234567891',
        'group:-5',
        '*',
      ],
    });
    const long = '[onebot]\nself_id = 12345678901234567891\n';
    expect((await onebotOf(readWith(long, {}))).selfId).toBe('12345678901234567891');
  });

  test('`closed` is another word for `disabled`, and the schema for editors knows both', async () => {
    expect((await onebotOf(readWith('[onebot]\ngroup_policy = "closed"', {}))).groupPolicy).toBe('disabled');
    expect((await onebotOf(readWith('[onebot]\ngroup_policy = "disabled"', {}))).groupPolicy).toBe('disabled');
    expect(configSchema.toJSONSchema({ io: 'input' })).toMatchObject({
      properties: {
        onebot: { properties: { group_policy: { enum: ['allowlist', 'open', 'disabled', 'closed'] } } },
      },
    });
  });

  test('an address in brackets is the one between them', async () => {
    expect((await onebotOf(readWith('[onebot]\nws_host = "[::1]"', {}))).wsHost).toBe('::1');
  });
});

describe('groups', () => {
  const toml = `
[onebot.groups.30003]
enabled = true
require_mention = false
allow_from = [20002, "private:20003"]
[onebot.groups.30004]
enabled = false
[onebot.groups."*"]
`;

  test('are read by id, numbers as decimal text', async () => {
    expect((await onebotOf(readWith(toml, {}))).groups).toEqual(
      new Map([
        ['30003', { enabled: true, requireMention: false, allowFrom: ['20002', 'c2c:20003'] }],
        ['30004', { enabled: false }],
        ['*', { enabled: true }],
      ]),
    );
  });

  test('of an account replace those of the channel', async () => {
    const groups = (await onebotOf(readWith(`${toml}[onebot.accounts.a.groups.1]\n`, {}), 'a')).groups;
    expect([...groups.keys()]).toEqual(['1']);
  });

  test('work the same for the official bot', async () => {
    const { qqbot } = await read('[qqbot]\ngroup_policy = "closed"\n[qqbot.groups.G1]\nrequire_mention = true');
    expect(qqbot.accounts[0]).toMatchObject({
      groupPolicy: 'disabled',
      groups: new Map([['G1', { enabled: true, requireMention: true }]]),
    });
  });

  test.each([
    [
      '[onebot.groups."a b"]',
      'onebot.groups."a b": is no id of a group: write its digits, or "*" for every other group',
    ],
    [
      '[onebot.groups."group:1"]',
      'onebot.groups."group:1": is no id of a group: write its digits, or "*" for every other group',
    ],
    ['[onebot.groups.1]\nmention = true', 'onebot.groups.1.mention: unknown key (did you mean `require_mention`?)'],
    ['[onebot.groups.1]\nallow_from = [true]', expect.stringMatching(/^onebot\.groups\.1\.allow_from\[0\]: /)],
    ['[onebot]\ngroups = [30003]', 'onebot.groups: expected a table of tables, got a list'],
  ])('that cannot be meant are told: %s', async (lines, complaint) => {
    expect(await complaints(readWith(lines, {}))).toEqual([complaint]);
  });
});

describe('the access token', () => {
  test('comes from the file, a variable or a file of its own, trimmed; the account’s choice beats the channel’s', async () => {
    const path = fileWith('napcat-token', ' from-a-file \n');
    const toml = `[onebot]\naccess_token_env = "NAPCAT_TOKEN"\n[onebot.accounts.a]\n[onebot.accounts.b]\nws_path = "/b"\naccess_token_file = "${path}"\n`;
    const config = readWith(toml, { NAPCAT_TOKEN: ' from-the-environment ' });
    expect((await onebotOf(config, 'a')).accessToken).toEqual({ ok: true, value: 'from-the-environment' });
    expect((await onebotOf(config, 'b')).accessToken).toEqual({ ok: true, value: 'from-a-file' });
  });

  test('that is set but cannot be found is a problem, and never falls back to none', async () => {
    const toml = '[onebot]\naccess_token_env = "NAPCAT_TOKEN"';
    expect(await complaints(readWith(toml, {}))).toEqual([
      'onebot.access_token: environment variable `NAPCAT_TOKEN` (`access_token_env`) is not set (set it, or correct `access_token_env`)',
    ]);
    expect((await onebotOf(readWith(toml, {}, 'optional'))).accessToken).toMatchObject({ ok: false });
    expect(await complaints(readWith('[onebot]\nenabled = false\naccess_token_env = "NAPCAT_TOKEN"', {}))).toEqual([]);
  });

  test('may be set in one way only, and not be blank; each is told once', async () => {
    const both = '[onebot.accounts.a]\naccess_token = "t"\naccess_token_env = "T"';
    expect(await complaints(readWith(both, { T: 't' }))).toEqual([
      'onebot.accounts.a.access_token: `access_token` and `access_token_env` are set together (keep exactly one of them)',
    ]);
    expect(await complaints(readWith('[onebot]\naccess_token = ""', {}))).toEqual([
      'onebot.access_token: is blank (fill it in, or remove the line)',
    ]);
  });

  test.each(['0.0.0.0', '::', '192.168.1.5', 'nas.local', '127.0.0.1.example.com', 'localhost.example.com'])(
    'is needed on %s',
    async (host) => {
      const toml = `[onebot.accounts.a]\nws_host = "${host}"\n`;
      expect(await complaints(readWith(toml, {}, 'optional'))).toEqual([
        expect.stringContaining(
          `onebot.accounts.a.access_token_env: account \`a\` listens on ${host}, where others can reach it, without an access token`,
        ),
      ]);
      expect(await complaints(readWith(`${toml}access_token = "t"`, {}))).toEqual([]);
      expect(await complaints(readWith(`${toml}enabled = false`, {}))).toEqual([]);
    },
  );

  test.each(['127.0.0.1', '127.1.2.3', 'localhost', 'LOCALHOST', '::1', '[::1]'])(
    'is not needed on %s',
    async (host) => {
      expect(await complaints(readWith(`[onebot]\nws_host = "${host}"`, {}))).toEqual([]);
    },
  );

  test('is shown by nobody: neither by a problem nor by the effective config', async () => {
    const shown = JSON.stringify(effectiveConfig(await readWith('[onebot]\naccess_token = "CANARY"', {})));
    expect(shown).toContain('"access_token":"***"');
    expect(shown).not.toContain('CANARY');
    expect(JSON.stringify(effectiveConfig(await readWith('[onebot]', {})))).not.toContain('access_token');
    const lines = await complaints(readWith('[onebot]\naccess_token = "CANARY\n', {}));
    expect(lines[0]).toContain('line not shown');
  });

  test('in a file that others can read is warned of', async () => {
    const path = fileWith('open-onebot.toml', '[onebot.accounts.a]\naccess_token = "t"');
    chmodSync(path, 0o644);
    const { warnings } = await readConfig({ path, env: {}, secrets: 'required' });
    expect(warnings).toEqual([`${path} holds a secret and can be read by other users; run \`chmod 600\` on it`]);
  });

  test('is kept from backends', async () => {
    const toml =
      '[onebot]\naccess_token_env = "NAPCAT_TOKEN"\n[backends.x]\ntype = "exec"\ncommand = ["cat"]\nenv = ["NAPCAT_TOKEN"]';
    expect(await complaints(readWith(toml, { NAPCAT_TOKEN: 't' }))).toEqual([
      expect.stringMatching(/^backends\.x\.env/),
    ]);
  });
});

describe('accounts that share a port', () => {
  const two = (a: string, b: string) =>
    `[onebot.accounts.a]\n${a}\n[onebot.accounts.b]\n${b}\n[onebot]\ndefault_account = "a"`;
  const ALIKE =
    'onebot.accounts: `a` and `b` listen on the same address and path, and cannot be told apart (give each its own ws_path, or each its own self_id)';

  test.each([
    ['other paths', 'ws_path = "/a"', 'ws_path = "/b"'],
    ['other ports', 'ws_port = 1', 'ws_port = 2'],
    ['self ids of their own', 'self_id = "10001"', 'self_id = "10004"'],
    ['one that is switched off', '', 'enabled = false'],
    ['any free port each', 'ws_port = 0', 'ws_port = 0'],
    ['other addresses', 'ws_host = "127.0.0.1"', 'ws_host = "127.0.0.2"'],
  ])('may have %s', async (_what, a, b) => {
    expect(await complaints(readWith(two(a, b), {}))).toEqual([]);
  });

  test.each([
    ['all alike', '', ''],
    ['a slash at the end', 'ws_path = "/a"', 'ws_path = "/a/"'],
    ['one self id only', 'self_id = "10001"', ''],
    ['brackets', 'ws_host = "::1"', 'ws_host = "[::1]"'],
  ])('must be told apart: %s', async (_what, a, b) => {
    expect(await complaints(readWith(two(a, b), {}))).toEqual([ALIKE]);
  });

  test.each([
    ['one path', '', ''],
    ['two paths', 'ws_path = "/a"', 'ws_path = "/b"'],
    ['two ports', 'ws_port = 1', 'ws_port = 2'],
  ])('must not be of one QQ: on %s', async (_what, a, b) => {
    const toml = two(`self_id = "10001"\n${a}`, `self_id = 10001\n${b}`);
    expect(await complaints(readWith(toml, {}))).toEqual([
      'onebot.accounts: `a` and `b` have the same self_id (give each account a QQ of its own, or remove one: everything would be answered twice)',
    ]);
  });

  test.each([
    ['"0.0.0.0"', '"127.0.0.1"'],
    ['"localhost"', '"127.0.0.1"'],
    ['"::1"', '"localhost"'],
    ['"::"', '"0.0.0.0"'],
  ])('must mean the same address: %s and %s', async (a, b) => {
    const toml = two(
      `ws_path = "/a"\naccess_token = "t"\nws_host = ${a}`,
      `ws_path = "/b"\naccess_token = "t"\nws_host = ${b}`,
    );
    expect(await complaints(readWith(toml, {}))).toEqual([
      expect.stringMatching(
        /^onebot\.accounts: `a` and `b` listen on port 3001 of .* which the system takes for the same/,
      ),
    ]);
  });
});

test.each(['private', 'Private', 'napcat', 'onebot-v11'])('an account may not be called %s', async (name) => {
  expect(await complaints(readWith(`[onebot.accounts.${name}]`, {}))).toEqual([
    expect.stringContaining('is the name of a channel or of a kind of conversation'),
  ]);
});

test('both channels may have an account of the same name', async () => {
  const { qqbot, onebot } = await read(
    '[qqbot.accounts.main]\napp_id = "1"\nclient_secret = "s"\n[onebot.accounts.main]',
  );
  expect([qqbot.accounts[0]?.id, onebot.accounts[0]?.id]).toEqual(['main', 'main']);
});
