import { describe, expect, test } from 'vitest';
import { accountOf, complaints, read, readWith } from './config-folder.js';

const two = (first: string, second: string, channel = '') =>
  `[qqbot]\n${channel}\n[qqbot.accounts.${first}]\napp_id = "1"\nclient_secret = "a"\n[qqbot.accounts.${second}]\napp_id = "2"\nclient_secret = "b"\n`;

describe('an account', () => {
  test('has its name normalised, and accounts stand in the order of their ids', async () => {
    const { qqbot } = await read(two('Work', '"Ops Bot!!"'));
    expect(qqbot.accounts.map(({ id }) => id)).toEqual(['ops-bot', 'work']);
  });

  test('may not share its normalised name with another', async () => {
    expect(await complaints(read(two('Work', 'work')))).toEqual([
      'qqbot.accounts.work: is the same account as `Work`: both are read as `work` (rename one of them)',
    ]);
  });

  test.each(['qqbot', 'onebot', 'QQ', 'tencent-qq', 'napcat', 'c2c', 'Group', 'dm'])(
    'may not be called %s',
    async (name) => {
      expect(await complaints(read(`[qqbot.accounts.${name}]`))).toEqual([
        expect.stringContaining('is the name of a channel or of a kind of conversation'),
      ]);
    },
  );

  test('may not share its app id with another that is enabled', async () => {
    const toml = '[qqbot]\napp_id = "777000777"\nclient_secret = "s"\n[qqbot.accounts.a]\n[qqbot.accounts.b]\n';
    expect(await complaints(read(toml))).toEqual([
      'qqbot.accounts: `a` and `b` have the same app id (give each account a bot of its own, or remove one)',
    ]);
    expect(await complaints(read(`${toml}enabled = false`))).toEqual([]);
  });

  test('inherits what it does not set; a list replaces the list', async () => {
    const config = read(`
[qqbot]
allowed_peer_ids = ["a", "b"]
park_ttl = "1h"
default_require_mention = false
intents = ["guilds"]
api_base_url = "https://one.example.com/base/"
reply_windows = { c2c = { minutes = 30 }, group = { count = 2 } }
[qqbot.accounts.main]
app_id = "1"
client_secret = "a"
allowed_peer_ids = ["c"]
park_ttl = "2h"
reply_windows = { c2c = { count = 1 } }
[qqbot.accounts.ops]
app_id = "2"
client_secret = "b"
allowed_peer_ids = []
default_require_mention = true
intents = ["direct_message", "direct_message"]
`);
    expect(await accountOf(config, 'main')).toMatchObject({
      allowedPeerIds: ['c'],
      parkTtlMs: 7_200_000,
      requireMention: false,
      intents: ['guilds'],
      apiBaseUrl: 'https://one.example.com/base',
      replyWindows: {
        c2c: { minutes: 30, count: 1 },
        group: { minutes: 5, count: 2 },
        channel: { minutes: 5, count: 5 },
      },
    });
    expect(await accountOf(config, 'ops')).toMatchObject({
      allowedPeerIds: [],
      parkTtlMs: 3_600_000,
      requireMention: true,
      intents: ['direct_message'],
    });
  });

  test('is off when it or its channel is', async () => {
    const enabled = async (toml: string) => (await read(toml)).qqbot.accounts.map((account) => account.enabled);
    expect(await enabled('[qqbot]\nenabled = false\n[qqbot.accounts.a]\nenabled = true\n[qqbot.accounts.b]')).toEqual([
      false,
      false,
    ]);
    expect(await enabled('[qqbot.accounts.a]\nenabled = false\n[qqbot.accounts.default]')).toEqual([false, true]);
  });
});

test('an account may write its markdown otherwise than its channel', async () => {
  const toml = `${two('a', 'b', 'markdown = "never"')}markdown = "always"\n`;
  const { accounts } = (await read(toml)).qqbot;
  expect(accounts.map(({ markdown }) => markdown)).toEqual(['never', 'always']);
  expect(await complaints(read(toml.replace('never', 'no')))).toEqual([
    expect.stringContaining('expected one of "auto", "always", "never", got "no"'),
  ]);
});

describe('the default account', () => {
  const chosen = async (toml: string) => {
    const { qqbot, warnings } = await read(toml);
    return [qqbot.defaultAccount, qqbot.defaultSource, warnings];
  };

  test('is the named one, else `default`, else the only one, else the first by name with a warning', async () => {
    expect(await chosen(two('a', 'b', 'default_account = " B "'))).toEqual(['b', 'default_account', []]);
    expect(await chosen(two('a', 'default'))).toEqual(['default', 'named_default', []]);
    expect(await chosen('[qqbot.accounts.a]')).toEqual(['a', 'only_account', []]);
    expect(await chosen(two('b', 'a'))).toEqual([
      'a',
      'fallback',
      [
        'qqbot: the default account is `a` only because it is the first by name; set `default_account` in [qqbot] to one of `a`, `b`',
      ],
    ]);
  });

  test('must exist', async () => {
    expect(await complaints(read(two('main', 'ops', 'default_account = "other"')))).toEqual([
      'qqbot.default_account: there is no account `other` (there are `main`, `ops`)',
    ]);
    expect(await complaints(read('[qqbot]\ndefault_account = "main"'))).toEqual([
      'qqbot.default_account: there is no account `main` (there is only `default`)',
    ]);
  });
});

describe('allowed_peer_ids', () => {
  test('takes ids, kinds with ids, kinds with *, and whole numbers; blanks and repetitions go', async () => {
    const toml =
      '[qqbot]\nallowed_peer_ids = [" alice ", "alice", "Group: g1", "group:*", 12345, "dm:9", "channel:c_1"]';
    expect((await accountOf(read(toml))).allowedPeerIds).toEqual([
      'alice',
      'group:g1',
      'group:*',
      '12345',
      'dm:9',
      'channel:c_1',
    ]);
  });

  test.each([
    '""',
    '" "',
    '":a"',
    '"c2c:"',
    '"private:a"',
    '"main:c2c:a"',
    '"a/b"',
    '"a b"',
    '-1',
    '1.5',
    'true',
    `"${'x'.repeat(129)}"`,
  ])('refuses %s', async (entry) => {
    expect(await complaints(read(`[qqbot]\nallowed_peer_ids = ["ok", ${entry}]`))).toEqual([
      expect.stringMatching(/^qqbot\.allowed_peer_ids\[1\]: /),
    ]);
  });

  test('with a bare * is warned of', async () => {
    expect((await read('[qqbot]\nallowed_peer_ids = ["*"]')).warnings).toEqual([
      expect.stringContaining('account `default` allows "*"'),
    ]);
    expect((await read('[qqbot]\nallowed_peer_ids = ["group:*"]')).warnings).toEqual([]);
  });

  test('come from QQ_ALLOW_FROM where the file is silent, for the default account', async () => {
    const env = { QQ_ALLOW_FROM: 'alice, bob;group:g1\n carol\r\n;,' };
    expect((await accountOf(read('[qqbot]', env))).allowedPeerIds).toEqual(['alice', 'bob', 'group:g1', 'carol']);
    expect((await accountOf(read('[qqbot]\nallowed_peer_ids = []', env))).allowedPeerIds).toEqual([]);
    expect((await accountOf(read(two('a', 'b'), env), 'b')).allowedPeerIds).toEqual([]);
    expect(await complaints(read('[qqbot]', { QQ_ALLOW_FROM: 'a,x:y' }))).toEqual([
      expect.stringMatching(/^QQ_ALLOW_FROM: environment variable: entry "x:y"/),
    ]);
  });
});

describe('dm_policy', () => {
  const policyOf = async (toml: string, env = {}) => (await accountOf(read(toml, env))).dmPolicy;

  test('is pairing unless something else is said; closed is another word for disabled', async () => {
    expect(await policyOf('[qqbot]')).toBe('pairing');
    expect(await policyOf('[qqbot]\ndm_policy = "allowlist"')).toBe('allowlist');
    expect(await policyOf('[qqbot]\ndm_policy = "closed"')).toBe('disabled');
    expect(await complaints(read('[qqbot]\ndm_policy = "everyone"'))).toEqual([
      expect.stringMatching(/^qqbot\.dm_policy: expected one of "pairing", "allowlist", "open", "disabled"/),
    ]);
    const toml = `${two('a', 'b', 'dm_policy = "allowlist"')}dm_policy = "disabled"`;
    expect((await read(toml)).qqbot.accounts.map(({ dmPolicy }) => dmPolicy)).toEqual(['allowlist', 'disabled']);
  });

  test.each(['"*"', '"c2c:*"'])('may be open only beside %s', async (everybody) => {
    expect(await policyOf(`[qqbot]\ndm_policy = "open"\nallowed_peer_ids = [${everybody}]`)).toBe('open');
    for (const entries of ['', '"alice"', '"group:*"', '"dm:*"']) {
      expect(await complaints(read(`[qqbot]\ndm_policy = "open"\nallowed_peer_ids = [${entries}]`))).toEqual([
        expect.stringMatching(/^qqbot\.dm_policy: account `default`: "open" lets everybody in/),
      ]);
    }
    const own = '[qqbot]\nallowed_peer_ids = ["*"]\n[qqbot.accounts.a]\ndm_policy = "open"\nallowed_peer_ids = ["x"]';
    expect(await complaints(read(own))).toEqual([expect.stringMatching(/^qqbot\.accounts\.a\.dm_policy: /)]);
  });

  test('pairing beside "*" does nothing, and that is said', async () => {
    const [warning, ...more] = (await read('[qqbot]\nallowed_peer_ids = ["*"]')).warnings;
    expect([more, warning]).toEqual([[], expect.stringContaining('(dm_policy = "pairing" has no effect)')]);
    expect((await read('[qqbot]\nallowed_peer_ids = ["*"]\ndm_policy = "disabled"')).warnings).toEqual([]);
  });

  test('comes from QQ_DM_POLICY where the file is silent, for the default account', async () => {
    expect(await policyOf('[qqbot]', { QQ_DM_POLICY: ' Closed ' })).toBe('disabled');
    expect(await policyOf('[qqbot]', { QQ_DM_POLICY: 'open', QQ_ALLOW_FROM: '*' })).toBe('open');
    expect(await policyOf('[qqbot]\ndm_policy = "pairing"', { QQ_DM_POLICY: 'disabled' })).toBe('pairing');
    expect((await accountOf(read(two('a', 'b'), { QQ_DM_POLICY: 'disabled' }), 'b')).dmPolicy).toBe('pairing');
    for (const [env, path] of [
      [{ QQ_DM_POLICY: 'everyone' }, 'QQ_DM_POLICY'],
      [{ QQ_DM_POLICY: 'open' }, 'qqbot.dm_policy'],
    ] as const) {
      expect(await complaints(read('[qqbot]', env))).toEqual([expect.stringContaining(`${path}: `)]);
    }
  });
});

describe('the two URLs', () => {
  test.each([
    'https://api.example.com',
    'http://localhost:8080',
    'http://127.0.0.1:1',
    'http://[::1]:9',
    'http://bot.localhost',
  ])('may be %s', async (url) => {
    expect(await accountOf(read(`[qqbot]\napi_base_url = "${url}/"\ntoken_url = "${url}/token"`))).toMatchObject({
      apiBaseUrl: url,
      tokenUrl: `${url}/token`,
    });
  });

  test.each([
    'http://api.example.com',
    'http://10.0.0.1',
    'http://0.0.0.0',
    'http://127.0.0.1.example.com',
    'http://localhost.example.com',
  ])('may be %s only with allow_http', async (url) => {
    expect(await complaints(read(`[qqbot]\ntoken_url = "${url}"`))).toEqual([
      expect.stringMatching(/^qqbot\.token_url: is plain http to another machine/),
    ]);
    expect(await complaints(read(`[qqbot]\ntoken_url = "${url}"\nallow_http = true`))).toEqual([]);
  });

  test.each([
    ['api.example.com', 'is not a URL'],
    ['', 'is not a URL'],
    ['wss://api.example.com', 'is neither an https nor an http URL'],
    ['https://user@api.example.com', 'holds a user name or password'],
    ['https://:hunter2@api.example.com', 'holds a user name or password'],
    ['https://api.example.com/?a=1', 'holds a query or fragment'],
    ['https://api.example.com/#a', 'holds a query or fragment'],
    ['https://api.example.com/?', 'holds a query or fragment'],
  ])('may not be "%s"', async (url, why) => {
    const lines = await complaints(read(`[qqbot]\napi_base_url = "${url}"`));
    expect(lines).toEqual([expect.stringContaining(`qqbot.api_base_url: ${why} (`)]);
    expect(lines[0]).not.toContain('hunter2');
  });

  test('are permitted per account, and what two accounts inherit is told once', async () => {
    const toml = two('a', 'b', 'default_account = "a"\napi_base_url = "http://api.example.com"');
    expect(await complaints(read(toml))).toEqual([expect.stringMatching(/^qqbot\.api_base_url: is plain http/)]);
    expect(await complaints(read(toml.replaceAll('client_secret', 'allow_http = true\nclient_secret')))).toEqual([]);
  });

  test('come from the environment where the file is silent, for the default account', async () => {
    const env = { QQ_BOT_API_BASE_URL: 'http://127.0.0.1:9/', QQBOT_TOKEN_URL: 'http://127.0.0.1:9/token' };
    expect(await accountOf(read('[qqbot]', env))).toMatchObject({
      apiBaseUrl: 'http://127.0.0.1:9',
      tokenUrl: 'http://127.0.0.1:9/token',
    });
    expect(await accountOf(read('[qqbot]\napi_base_url = "https://a.example.com"', env))).toMatchObject({
      apiBaseUrl: 'https://a.example.com',
    });
    expect(await accountOf(read(two('a', 'b'), env), 'b')).toMatchObject({ apiBaseUrl: 'https://api.sgroup.qq.com' });
    expect(await complaints(read('[qqbot]', { QQBOT_TOKEN_URL: 'http://10.0.0.1' }))).toEqual([
      expect.stringMatching(/^QQBOT_TOKEN_URL: is plain http/),
    ]);
    expect(await complaints(readWith('', { QQBOT_TOKEN_URL: 'nonsense' }))).toEqual([]);
  });
});
