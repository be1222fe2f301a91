/** What becomes of an OpenClaw config: every key of the three shapes, in two values each, and nobody let in who was not before. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { stringify } from 'smol-toml';
import { describe, expect, test } from 'vitest';
import { parseJson5 } from '../../src/config/json5.js';
import { importOpenclaw } from '../../src/config/openclaw/import-openclaw.js';
import type { Shape } from '../../src/config/openclaw/keys.js';
import type { Table } from '../../src/config/openclaw/source.js';
import { keysAt } from '../../src/config/schema.js';
import { readWith } from './config-folder.js';

function fixture(name: string): Table {
  return parseJson5(readFileSync(new URL(`../fixtures/openclaw/${name}`, import.meta.url), 'utf8')) as Table;
}

function imported(shape: Shape, table: object) {
  const { channels, report, secrets } = importOpenclaw({ channels: { [shape]: table } }, '/home/me/.openclaw');
  const [out] = Object.values(channels) as Record<string, unknown>[];
  return { out: out ?? {}, keys: report.keys, secrets };
}

/** What one key of a shape becomes, and how that is called. */
function became(shape: Shape, table: object, key: string) {
  const { out, keys } = imported(shape, table);
  const told = keys.find((one) => one.key === `channels.${shape}.${key}`);
  const path = (told?.to ?? '').split('.').slice(1);
  const value = path.reduce<unknown>((at, name) => (at as Record<string, unknown> | undefined)?.[name], out);
  return [told?.status, told?.to, told?.to === undefined ? undefined : value];
}

describe('the pages as they are', () => {
  test('NapCatQQ: every key of its reference', () => {
    const { channels, secrets, report } = importOpenclaw(fixture('napcatqq.json'), '/x');
    expect(channels.onebot).toEqual({
      enabled: true,
      name: 'My QQ Bot',
      ws_port: 3001,
      ws_host: '127.0.0.1',
      ws_path: '/onebot/v11/ws',
      reconnect: { enabled: false, max_retries: 7, retry_delay: 4000, backoff_multiplier: 1.5, max_delay: 30000 },
      heartbeat: { enabled: false, interval: 20000, timeout: 9000 },
      dm_policy: 'allowlist',
      allowed_peer_ids: ['private:123456789'],
      group_policy: 'allowlist',
      group_allow_from: ['987654321'],
      groups: {
        987654321: {
          enabled: true,
          require_mention: false,
          system_prompt: 'You are a helpful group assistant.',
          skills: ['weather', 'translation'],
          allow_from: ['111111111'],
          tools: { allow: ['search'], deny: ['exec'] },
        },
      },
      history_limit: 100,
      text_chunk_limit: 1900,
      media_max_mb: 40,
    });
    expect(secrets).toEqual([{ outPath: ['onebot'], key: 'access_token', secret: 'your-secure-token' }]);
    expect(report.keys.filter(({ status }) => status === 'dead')).toEqual([]);
  });

  test('NapCatQQ with two accounts', () => {
    const { channels, secrets } = importOpenclaw(fixture('napcatqq-accounts.json'), '/x');
    expect(channels.onebot).toEqual({
      accounts: {
        bot1: { name: 'Primary Bot', ws_port: 3001, ws_path: '/onebot/bot1/ws' },
        bot2: { name: 'Secondary Bot', ws_port: 3002, ws_path: '/onebot/bot2/ws' },
      },
    });
    expect(secrets.map(({ outPath, secret }) => [outPath.at(-1), secret])).toEqual([
      ['bot1', 'token-bot1'],
      ['bot2', 'token-bot2'],
    ]);
  });

  test('the webhook plugin: its accounts inherit, but no bot of another', () => {
    const { channels, secrets } = importOpenclaw(fixture('qq.json5'), '/x');
    const { accounts } = channels.qqbot as { accounts: Record<string, Record<string, unknown>> };
    expect(accounts.default).toMatchObject({
      app_id: '102000001',
      api_base_url: 'https://sandbox.api.sgroup.qq.com/',
      dm_policy: 'pairing',
      allowed_peer_ids: ['c2c:user_openid_1'],
      group_allow_from: ['c2c:user_openid_1', 'c2c:user_openid_2'],
      chunk_mode: 'newline',
      text_chunk_limit: 1800,
    });
    // That plugin is called by QQ; so is the account, in a version that can be.
    expect(accounts.default?.transport).toBe(keysAt(['qqbot']).includes('transport') ? 'webhook' : undefined);
    expect(accounts.ops).toMatchObject({
      app_id: '102000002',
      client_secret_file: '/run/secrets/ops',
      dm_policy: 'disabled',
      group_policy: 'allowlist',
    });
    expect(secrets.map(({ outPath }) => outPath.at(-1))).toEqual(['default']);
  });

  test('the plugin over the gateway: accounts inherit nothing, "*" is left out, tables of groups admit only what its lists admit', () => {
    const { channels, report } = importOpenclaw(fixture('qqbot.json'), '/x');
    const { accounts, default_account: standard } = channels.qqbot as {
      accounts: Record<string, Record<string, unknown>>;
      default_account: string;
    };
    expect(standard).toBe('second');
    expect(accounts.default).toMatchObject({
      client_secret_env: 'QQBOT_CLIENT_SECRET',
      allowed_peer_ids: [],
      markdown: 'never',
      default_require_mention: false,
      groups: {
        GROUP_OPENID_1: { require_mention: true, system_prompt: 'Be brief.' },
        GROUP_OPENID_2: { enabled: false },
      },
    });
    expect(accounts.second).toEqual({
      app_id: '102000002',
      client_secret_file: '~/second.secret',
      dm_policy: 'allowlist',
      allowed_peer_ids: ['c2c:USER_1'],
      group_allow_from: ['c2c:USER_1'],
    });
    expect(report.keys.filter(({ key }) => !key.includes('.')).map(({ key, status }) => [key, status])).toEqual([
      ['gateway', 'dead'],
      ['agents', 'dead'],
    ]);
  });
});

describe('keys that stand for themselves, in two values', () => {
  test.each([
    ['napcatqq', { enabled: false }, 'enabled', ['kept', 'onebot.enabled', false]],
    ['napcatqq', { enabled: 'yes' }, 'enabled', ['changed', 'onebot.enabled', false]],
    ['napcatqq', { wsPort: 3005 }, 'wsPort', ['renamed', 'onebot.ws_port', 3005]],
    ['napcatqq', { wsPort: 99_999 }, 'wsPort', ['changed', 'onebot.ws_port', 65_535]],
    ['napcatqq', { wsPort: '3001' }, 'wsPort', ['dead', undefined, undefined]],
    ['napcatqq', { wsPath: '/x' }, 'wsPath', ['renamed', 'onebot.ws_path', '/x']],
    ['napcatqq', { wsHost: '127.0.0.1' }, 'wsHost', ['renamed', 'onebot.ws_host', '127.0.0.1']],
    ['napcatqq', { wsHost: '0.0.0.0' }, 'wsHost', ['dead', undefined, undefined]],
    ['napcatqq', { wsHost: '0.0.0.0', accessToken: 't-1' }, 'wsHost', ['renamed', 'onebot.ws_host', '0.0.0.0']],
    ['napcatqq', { wsHost: '0.0.0.0', accessToken: '' }, 'wsHost', ['dead', undefined, undefined]],
    ['napcatqq', { accessToken: '\x24{T}' }, 'accessToken', ['changed', 'onebot.access_token_env', 'T']],
    [
      'napcatqq',
      { reconnect: { maxRetries: 0 } },
      'reconnect.maxRetries',
      ['renamed', 'onebot.reconnect.max_retries', 0],
    ],
    [
      'napcatqq',
      { reconnect: { backoffMultiplier: 99 } },
      'reconnect.backoffMultiplier',
      ['changed', 'onebot.reconnect.backoff_multiplier', 10],
    ],
    ['napcatqq', { heartbeat: { interval: 1 } }, 'heartbeat.interval', ['changed', 'onebot.heartbeat.interval', 1000]],
    ['napcatqq', { heartbeat: true }, 'heartbeat', ['dead', undefined, undefined]],
    ['napcatqq', { historyLimit: 0 }, 'historyLimit', ['renamed', 'onebot.history_limit', 0]],
    ['napcatqq', { textChunkLimit: 9000 }, 'textChunkLimit', ['changed', 'onebot.text_chunk_limit', 5000]],
    ['napcatqq', { mediaMaxMb: 5 }, 'mediaMaxMb', ['renamed', 'onebot.media_max_mb', 5]],
    ['qq', { chunkMode: 'newline' }, 'chunkMode', ['renamed', 'qqbot.chunk_mode', 'newline']],
    ['qq', { chunkMode: 'words' }, 'chunkMode', ['dead', undefined, undefined]],
    [
      'qq',
      { apiBaseUrl: 'https://api.sgroup.qq.com' },
      'apiBaseUrl',
      ['renamed', 'qqbot.api_base_url', 'https://api.sgroup.qq.com/'],
    ],
    ['qq', { apiBaseUrl: 'http://evil.example' }, 'apiBaseUrl', ['dead', undefined, undefined]],
    ['qq', { appId: 102000001 }, 'appId', ['renamed', 'qqbot.app_id', '102000001']],
    ['qq', { appId: '\x24{MY_ID}' }, 'appId', ['changed', 'qqbot.app_id_env', 'MY_ID']],
    ['qq', { appId: {} }, 'appId', ['dead', undefined, undefined]],
    ['qq', { appSecretFile: '/run/s' }, 'appSecretFile', ['renamed', 'qqbot.client_secret_file', '/run/s']],
    ['qq', { appSecretFile: 's' }, 'appSecretFile', ['ambiguous', 'qqbot.client_secret_file', '/home/me/.openclaw/s']],
    ['qq', { appSecret: 'x', appSecretFile: 's' }, 'appSecretFile', ['dead', undefined, undefined]],
    [
      'qqbot',
      { clientSecret: { source: 'env', provider: 'default', id: 'S' } },
      'clientSecret',
      ['changed', 'qqbot.client_secret_env', 'S'],
    ],
    ['qqbot', { clientSecret: { source: 'exec', id: 'S' } }, 'clientSecret', ['dead', undefined, undefined]],
    ['qqbot', { markdownSupport: true }, 'markdownSupport', ['changed', 'qqbot.markdown', 'auto']],
    ['qqbot', { markdownSupport: false }, 'markdownSupport', ['renamed', 'qqbot.markdown', 'never']],
    ['qqbot', { systemPrompt: 'Be kind' }, 'systemPrompt', ['renamed', 'qqbot.system_prompt', 'Be kind']],
    ['qqbot', { tts: {} }, 'tts', ['dead', undefined, undefined]],
    ['qqbot', { nobodyKnows: 1 }, 'nobodyKnows', ['dead', undefined, undefined]],
  ] as const)('%s %j: %s', (shape, table, key, expected) => {
    expect(became(shape, table, key)).toEqual(expected);
  });
});

describe('who may talk', () => {
  test.each([
    ['pairing', ['U1'], 'pairing', ['c2c:U1']],
    ['pairing', ['*', 'U1'], 'pairing', ['c2c:U1']],
    ['allowlist', ['*'], 'allowlist', []],
    ['open', ['*'], 'open', ['*']],
    ['open', ['*', 'U1'], 'open', ['*', 'c2c:U1']],
    ['open', ['U1'], 'allowlist', ['c2c:U1']],
    ['open', [], 'pairing', []],
    ['open', undefined, 'pairing', undefined],
    ['open', '*', 'pairing', []],
    ['closed', ['U1'], 'disabled', ['c2c:U1']],
    ['disabled', ['*'], 'disabled', []],
    ['Open', ['*'], 'disabled', []],
    [true, ['*'], 'disabled', []],
    [undefined, ['*'], undefined, []],
    [
      undefined,
      ['qqbot:U1', 'user:U2', 'c2c:U3', 'group:G1', 'a b', 7, null, {}],
      undefined,
      ['c2c:U1', 'c2c:U2', 'c2c:U3', 'c2c:7'],
    ],
  ])('dmPolicy %j with allowFrom %j', (dmPolicy, allowFrom, policy, peers) => {
    for (const shape of ['qq', 'qqbot'] as const) {
      const { out } = imported(shape, JSON.parse(JSON.stringify({ dmPolicy, allowFrom })) as object);
      expect([out.dm_policy, out.allowed_peer_ids]).toEqual([policy, peers]);
    }
  });

  test.each([
    ['allowlist', 'allowlist'],
    ['open', 'open'],
    ['disabled', 'disabled'],
    ['closed', 'disabled'],
    ['everyone', 'disabled'],
    [1, 'disabled'],
    [undefined, undefined],
  ])('groupPolicy %j is %j', (groupPolicy, policy) => {
    for (const shape of ['napcatqq', 'qq', 'qqbot'] as const)
      expect(imported(shape, groupPolicy === undefined ? {} : { groupPolicy }).out.group_policy).toBe(policy);
  });

  test('numbers of QQ come exact; what JavaScript would round lets nobody in', () => {
    const { out } = imported('napcatqq', parseJson5('{allowFrom: [9007199254740993, "20002", 0, "abc"]}') as object);
    expect(out.allowed_peer_ids).toEqual(['private:20002']);
  });

  test('a list of senders of which nothing can be read closes the door that it stood at', () => {
    for (const list of [['a b'], 'U1', [null], [{}]]) {
      expect(imported('qq', { groupPolicy: 'open', groupAllowFrom: list }).out.group_policy).toBe('disabled');
      expect(imported('qq', { groups: { G1: { allowFrom: list } } }).out.groups).toEqual({ G1: { enabled: false } });
    }
    expect(imported('qq', { groupAllowFrom: [] }).out).toMatchObject({ group_allow_from: [] });
    expect(imported('qq', { groupAllowFrom: ['*'] }).out).toMatchObject({ group_allow_from: [] });
  });

  test.each([
    [{ enabled: false }, { enabled: false }],
    [{ allow: false }, { enabled: false }],
    [{ enabled: true, allow: false }, { enabled: false }],
    [{ enabled: 'yes' }, { enabled: false }],
    [{ requireMention: 'no' }, { require_mention: true }],
    [{ requireMention: false }, { require_mention: false }],
    [{ tools: { allow: ['a'], alsoAllow: ['b'], deny: ['c'] } }, { tools: { allow: ['a', 'b'], deny: ['c'] } }],
    [{ tools: 'none' }, { tools: { allow: [], deny: ['*'] } }],
    [{ tools: { allow: [1] } }, { tools: { allow: [], deny: ['*'] } }],
    [{ toolPolicy: 'none' }, { tools: { allow: [], deny: ['*'] } }],
    [{ toolPolicy: 'full' }, { tools: { allow: [], deny: [] } }],
    [{ toolPolicy: 'constructor' }, { tools: { allow: [], deny: ['*'] } }],
    [{ toolsBySender: { U1: { deny: ['exec'] }, U2: {} } }, { tools: { allow: [], deny: ['exec'] } }],
    [{ skills: ['weather'] }, { skills: ['weather'] }],
    [{ prompt: 'brief' }, { system_prompt: 'brief' }],
    [{ name: 'x', commandLevel: 'strict' }, {}],
    ['on', { enabled: false }],
  ])('a group %j is %j', (group, expected) => {
    expect(imported('qq', { groups: { G1: group } }).out.groups).toEqual({ G1: expected });
  });

  test('ids that are none admit nothing', () => {
    const { out, keys } = imported(
      'napcatqq',
      parseJson5('{groups: {"__proto__": {}, "a": {}, "-": {}, "30003": {}}}') as object,
    );
    expect(out.groups).toEqual({ 30003: {} });
    expect(keys.filter(({ status }) => status === 'dead')).toHaveLength(3);
    expect(imported('qq', parseJson5('{groups: {"__proto__": {enabled: true}}}') as object).out.groups).toBe(undefined);
  });

  test('whatever stands there: nobody is let in by a value that does not say so', () => {
    const anything = fc.oneof(
      fc.constantFrom(
        '*',
        ' * ',
        'qqbot:*',
        'group:*',
        'open',
        'pairing',
        'U1',
        true,
        false,
        null,
        [],
        ['*'],
        ['U1'],
        ['*', 'U1'],
        [' *'],
        ['qqbot:*'],
        ['group:*'],
        [['*']],
        {},
      ),
      fc.jsonValue(),
    );
    const keys = fc.record(
      {
        enabled: anything,
        dmPolicy: anything,
        allowFrom: anything,
        groupPolicy: anything,
        groupAllowFrom: anything,
        groups: fc.oneof(
          anything,
          fc.dictionary(
            fc.constantFrom('*', ' *', 'G1', 'group:G1', ' G1', '__proto__', 'x y'),
            fc.oneof(anything, fc.constant({ enabled: true })),
          ),
        ),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(keys, fc.constantFrom<Shape>('napcatqq', 'qq', 'qqbot'), (table, shape) => {
        const { out } = imported(shape, table);
        const hasStar = Array.isArray(table.allowFrom) && table.allowFrom.some((entry) => entry === '*');
        const isOpen = table.dmPolicy === 'open' && hasStar;
        const peers = (out.allowed_peer_ids ?? []) as readonly string[];
        expect([out.dm_policy === 'open', peers.includes('*')]).toEqual([isOpen, isOpen]);
        expect(peers.some((peer) => /^(group|channel|dm):|:\*$/.test(peer))).toBe(false);
        if (out.group_policy === 'open') expect(table.groupPolicy).toBe('open');
        if ('enabled' in table && table.enabled !== true) expect(out.enabled).toBe(false);
        for (const [id, group] of Object.entries((out.groups ?? {}) as Record<string, { enabled?: boolean }>)) {
          const given = (table.groups as Record<string, unknown>)[id];
          expect(given).toBeDefined();
          if (typeof given !== 'object' || given === null || Array.isArray(given)) expect(group.enabled).toBe(false);
        }
        const senders = (out.group_allow_from ?? []) as readonly string[];
        expect(senders.some((entry) => /(^|:)\*$/.test(entry))).toBe(false);
        if (shape === 'qqbot') expect(Object.keys(out.groups ?? {})).not.toContain('*');
      }),
      { numRuns: 5000 },
    );
  });

  test.each(['napcatqq', 'qq', 'qqbot'] as const)(
    'a channel %s that is off stays off, whatever its accounts say',
    async (shape) => {
      for (const enabled of [false, 'yes', null, true]) {
        const mark = (n: number) => (shape === 'napcatqq' ? { wsPort: 3000 + n } : { appId: String(n) });
        for (const top of [{}, mark(0)]) {
          const accounts = { a: { ...mark(1), enabled: true }, default: mark(2), c: { ...mark(3), enabled: false } };
          const { channels, report } = importOpenclaw({ channels: { [shape]: { ...top, enabled, accounts } } }, '/x');
          const config = await readWith(stringify(channels as Record<string, unknown>), {}, 'optional');
          const on = [...config.qqbot.accounts, ...config.onebot.accounts].filter((account) => account.enabled);
          expect(on.map(({ id }) => String(id))).toEqual(enabled === true ? ['a', 'default'] : []);
          expect(report.keys.find(({ key }) => key === `channels.${shape}.enabled`)).toMatchObject({
            status: typeof enabled === 'boolean' ? 'kept' : 'changed',
            to: `${shape === 'napcatqq' ? 'onebot' : 'qqbot'}.enabled`,
          });
        }
      }
    },
  );

  test('whatever stands there: what comes out is a config that loong takes, or the default', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom<Shape>('napcatqq', 'qq', 'qqbot'), fc.jsonValue(), async (shape, value) => {
        const names = [
          'enabled',
          'name',
          'historyLimit',
          'textChunkLimit',
          'chunkMode',
          'systemPrompt',
          'mediaMaxMb',
          'reconnect',
          'heartbeat',
          'markdownSupport',
          'groups',
          'allowFrom',
          'groupAllowFrom',
          'wsPort',
          'wsPath',
          'apiBaseUrl',
          'wsHost',
        ];
        const table = Object.fromEntries(names.map((name) => [name, value]));
        const { channels } = importOpenclaw({ channels: { [shape]: table } }, '/x');
        await readWith(stringify(channels as Record<string, unknown>), {}, 'optional');
      }),
      { numRuns: 200 },
    );
  });
});

test('names of keys are shown so that no terminal obeys them, and not more than anybody can read', () => {
  const hostile = {
    '\u001b[2J\u202e': 1,
    ['x'.repeat(500)]: 1,
    ...Object.fromEntries(Array.from({ length: 3000 }, (_, i) => [`k${i}`, 1])),
  };
  const { report } = importOpenclaw({ channels: { qq: hostile } }, '/x');
  expect(report.keys.length).toBe(1000);
  expect(report.untold).toBe(2002);
  const text = report.keys.map(({ key }) => key).join('\n');
  expect([text.includes('\u001b'), text.includes('\u202e')]).toEqual([false, false]);
  expect(Math.max(...report.keys.map(({ key }) => key.length))).toBeLessThan(150);
});
