/** Every row of the page that users come from, each shown by a line of output or by what loong does. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.js';
import { configFor, LoongHome } from '../support/loong-process.js';
import { answersTo, sendsTo } from '../support/transcript.js';
import { waitUntil } from '../support/wait-until.js';

let sandbox: Sandbox;
let home: LoongHome;
let env: NodeJS.ProcessEnv;

beforeEach(async () => {
  sandbox = await startSandbox();
  home = new LoongHome();
  env = { QQBOT_APP_ID: sandbox.appId, QQBOT_CLIENT_SECRET: sandbox.clientSecret };
  home.writeConfig(page());
});

afterEach(async () => {
  await home.remove();
  await sandbox.close();
});

/** The minimal config of the page, on the local platform. */
function page(more = ''): string {
  return `[qqbot]
enabled = true
app_id_env = "QQBOT_APP_ID"
client_secret_env = "QQBOT_CLIENT_SECRET"
allowed_peer_ids = ["openid_alice"]
api_base_url = "${sandbox.apiBaseUrl}"
token_url = "${sandbox.tokenUrl}"
${more}`;
}

interface Requirement {
  readonly label: string;
  readonly config_paths: readonly string[];
  readonly env_pointer_paths: readonly string[];
  readonly default_env?: string;
  readonly met: boolean;
}

async function inventory() {
  const { channels } = JSON.parse((await home.run(['channels', '--json'], { env })).stdout);
  return channels[0];
}

describe('At A Glance', () => {
  test.each([
    ['Catalog id', 'id', 'qqbot'],
    ['Config key', 'config_key', 'qqbot'],
    ['Implementation status', 'implementation_status', 'runtime_backed'],
    // The page's `…_or_plugin_bridge` is the one thing that loong has not: there is no bridge between it and QQ.
    ['Transport', 'transport', 'qq_official_bot_gateway'],
    ['Aliases', 'aliases', ['qq', 'qq-bot', 'tencent-qq']],
    ['Default send target kind', 'default_target_kind', 'conversation'],
    ['Runtime owner', 'runtime_owner', 'gateway run or direct channels serve qqbot'],
  ])('%s', async (_, key, value) => {
    expect((await inventory())[key]).toEqual(value);
    const { stdout } = await home.run(['channels'], { env });
    expect(stdout).toContain(Array.isArray(value) ? value.join(', ') : value);
  });

  test('the aliases name the channel everywhere, in any case', async () => {
    for (const alias of ['qq', 'QQ-Bot', 'tencent-qq']) {
      const args = [
        'channels',
        'send',
        alias,
        '--target',
        `${alias}:default:c2c:openid_alice`,
        '--text',
        'x',
        '--dry-run',
      ];
      const ended = await home.run(args, { env });
      expect([alias, ended.code]).toEqual([alias, 0]);
      expect(ended.stdout).toContain('qqbot:default:c2c:openid_alice');
      home.writeConfig(page().replace('[qqbot]', `[${alias.toLowerCase()}]`));
      expect((await home.run(['config', 'check'], { env })).code).toBe(0);
    }
  });
});

describe('Smoke Test: what success looks like', () => {
  test('`QQ Bot [qqbot]` stands in the supervised set, and serve is a runtime of its own', async () => {
    const text = await home.run(['channels'], { env });
    expect(text.stdout).toContain('\nQQ Bot [qqbot]\n');
    expect(text.stdout).toMatch(/supervised +yes/);
    expect(text.stdout).toMatch(/runtime_backed: loong owns the QQ gateway session itself/);
    for (const command of [
      ['channels', 'serve', 'qqbot'],
      ['gateway', 'run'],
    ]) {
      const daemon = home.start(command, [], env);
      await daemon.logs('connected to the QQ gateway');
      expect((await home.run(['gateway', 'status'], { env })).stdout).toMatch(/qqbot:default\n +ready/);
      expect((await daemon.stop()).code).toBe(0);
    }
  });

  test('doctor keeps send and serve readiness visible and actionable', async () => {
    const ready = await home.run(['doctor'], { env });
    expect([ready.code, ready.stdout]).toEqual([0, expect.stringMatching(/ok +qqbot:default app id/)]);
    const without = await home.run(['doctor', '--offline']);
    expect(without.code).toBe(1);
    expect(without.stdout).toMatch(/fail +qqbot:default app id +.*QQBOT_APP_ID.*\n +→ /);
    expect(without.stdout).toMatch(/fail +qqbot:default client secret +.*QQBOT_CLIENT_SECRET.*\n +→ /);
  });
});

describe('Current Command Surface', () => {
  test.each([
    ['send', ['channels', 'send', 'qqbot', '--help'], /<channel>:<account>:<kind>:<id>/],
    ['serve', ['channels', 'serve', 'qqbot', '--help'], /foreground/],
    ['health check', ['doctor', '--help'], /ready to send and to serve/],
    ['inventory', ['channels', '--help'], /list channels and accounts/],
  ] as const)('%s is there', async (_, args, says) => {
    const ended = await home.run(args);
    expect([ended.code, ended.stdout]).toEqual([0, expect.stringMatching(says)]);
  });

  test('the inventory names the command of each operation', async () => {
    const [account] = (await inventory()).accounts;
    expect(account.operations.map(({ id, command }: { id: string; command: string }) => [id, command])).toEqual([
      ['send', 'loong channels send qqbot'],
      ['serve', 'loong channels serve qqbot'],
    ]);
  });
});

/** The rows of both requirement tables, as the page has them. */
const ENABLED = ['channel enabled', ['qqbot.enabled', 'qqbot.accounts.<account>.enabled'], [], undefined] as const;
const APP_ID = [
  'qq bot app id',
  ['qqbot.app_id', 'qqbot.accounts.<account>.app_id'],
  ['qqbot.app_id_env', 'qqbot.accounts.<account>.app_id_env'],
  'QQBOT_APP_ID',
] as const;
const CLIENT_SECRET = [
  'qq bot client secret',
  ['qqbot.client_secret', 'qqbot.accounts.<account>.client_secret'],
  ['qqbot.client_secret_env', 'qqbot.accounts.<account>.client_secret_env'],
  'QQBOT_CLIENT_SECRET',
] as const;
const PEERS = [
  'allowed peer ids',
  ['qqbot.allowed_peer_ids', 'qqbot.accounts.<account>.allowed_peer_ids'],
  [],
  undefined,
] as const;
const TABLES = [
  ['send', [ENABLED, APP_ID, CLIENT_SECRET]],
  ['serve', [ENABLED, APP_ID, CLIENT_SECRET, PEERS]],
] as const;

describe('Required Fields', () => {
  test.each(TABLES)('for %s: label, config paths, env pointer paths, default env', async (id, rows) => {
    const [account] = (await inventory()).accounts;
    const { requirements } = account.operations.find((operation: { id: string }) => operation.id === id);
    expect(
      requirements.map((row: Requirement) => [row.label, row.config_paths, row.env_pointer_paths, row.default_env]),
    ).toEqual(rows);
    expect(requirements.every((row: Requirement) => row.met)).toBe(true);
    const { stdout } = await home.run(['channels'], { env });
    const [, table = ''] = stdout.split(`loong channels ${id} qqbot)\n`);
    for (const [label, config, pointers, variable] of rows) {
      expect(table).toContain(`met: ${label}
        config       ${config.join(', ')}
        env pointer  ${pointers.join(', ') || 'none'}
        default env  ${variable ?? 'none'}
`);
    }
  });

  test.each([
    ['channel enabled', { enabled: false }, {}],
    ['qq bot app id', {}, { QQBOT_APP_ID: undefined }],
    ['qq bot client secret', {}, { QQBOT_CLIENT_SECRET: undefined }],
    ['allowed peer ids', { allowed_peer_ids: [] }, {}],
  ])('without %s nothing is served, and the inventory says what is missing', async (label, keys, unset) => {
    env = { ...env, ...unset };
    const lines = Object.entries(keys).map(([key, value]) => [key, `${key} = ${JSON.stringify(value)}`] as const);
    const silent = 'allowed_peer_ids' in keys ? '\ndm_policy = "allowlist"' : '';
    home.writeConfig(
      lines.reduce((toml, [key, line]) => toml.replace(new RegExp(`^${key} = .*$`, 'm'), line + silent), page()),
    );
    const { stdout } = await home.run(['channels'], { env });
    expect(stdout).toContain(`missing: ${label}`);
    expect((await home.run(['channels', 'serve', 'qqbot'], { env })).code).toBe(78);
    const sent = await home.run(['channels', 'send', 'qqbot', '--target', 'c2c:openid_alice', '--text', 'x'], { env });
    expect(sent.code).toBe(label === 'allowed peer ids' ? 77 : 78);
    expect(sendsTo(sandbox, 'openid_alice')).toEqual([]);
  });

  test('every path of the tables really works: inline, by pointer, by default variable, for the channel and for an account', async () => {
    const { appId, clientSecret } = sandbox;
    const configs: readonly (readonly [string, NodeJS.ProcessEnv])[] = [
      [`app_id = "${appId}"\nclient_secret = "${clientSecret}"`, {}],
      ['app_id_env = "A"\nclient_secret_env = "B"', { A: appId, B: clientSecret }],
      ['', env],
      [`default_account = "main"\n[qqbot.accounts.main]\napp_id = "${appId}"\nclient_secret = "${clientSecret}"`, {}],
      [
        'default_account = "main"\n[qqbot.accounts.main]\napp_id_env = "A"\nclient_secret_env = "B"',
        { A: appId, B: clientSecret },
      ],
    ];
    for (const [keys, variables] of configs) {
      home.writeConfig(page(keys).replace(/^(app_id|client_secret)_env = "QQBOT.*\n/gm, ''));
      const ended = await home.run(['channels', 'send', 'qqbot', '--target', 'c2c:openid_alice', '--text', 'x'], {
        env: variables,
      });
      expect([keys, ended.code, ended.stderr]).toEqual([keys, 0, '']);
    }
  });
});

describe('Stable Target Templates', () => {
  test.each([
    ['qqbot:<account>:c2c:<openid>', 'direct message openid'],
    ['qqbot:<account>:group:<openid>', 'group openid'],
    ['qqbot:<account>:channel:<id>', 'guild channel id'],
  ])('%s', async (template, meaning) => {
    expect((await inventory()).target_templates).toContain(template);
    const { stdout } = await home.run(['channels'], { env });
    expect(stdout).toMatch(new RegExp(`${template} +${meaning}\n`));
    home.writeConfig(page().replace(/allowed_peer_ids = .*/, 'allowed_peer_ids = ["c2c:*", "group:*", "channel:*"]'));
    const target = template.replace('<account>', 'default').replace(/<\w+>$/, 'PEER_1');
    const ended = await home.run(['channels', 'send', 'qqbot', '--target', target, '--text', 'x', '--dry-run'], {
      env,
    });
    expect([ended.code, ended.stdout]).toEqual([0, expect.stringContaining(target)]);
  });
});

describe('Account Scope and Operator Notes', () => {
  test('the account is part of every target: the same openid under another account is another peer', async () => {
    home.writeConfig(
      configFor(
        sandbox,
        'default_account = "main"',
        '[qqbot.accounts.main]\nallowed_peer_ids = ["openid_alice"]\n[qqbot.accounts.ops]\napp_id = "2"\nclient_secret = "secret-of-ops"\nallowed_peer_ids = ["openid_bob"]\n',
      ),
    );
    const dry = (target: string) =>
      home.run(['channels', 'send', 'qqbot', '--target', target, '--text', 'x', '--dry-run']);
    expect((await dry('main:c2c:openid_alice')).stdout).toContain('qqbot:main:c2c:openid_alice');
    expect((await dry('ops:c2c:openid_alice')).code).toBe(77);
    expect((await dry('ops:c2c:openid_bob')).code).toBe(0);
    const { accounts } = (await inventory()) as { accounts: readonly { account: string; default: boolean }[] };
    expect(accounts.map(({ account, default: chosen }) => [account, chosen])).toEqual([
      ['main', true],
      ['ops', false],
    ]);
  });

  test('a mistyped openid is rejected before it reaches the upstream gateway', async () => {
    const ended = await home.run(['channels', 'send', 'qqbot', '--target', 'c2c:openid_alcie', '--text', 'x'], { env });
    expect(ended.code).toBe(77);
    expect(ended.stderr).toContain('qqbot target `openid_alcie` is not allowed by configured allowed_peer_ids');
    expect(sandbox.platform.transcript.counters().requests).toBe(0);
  });

  test('failures belong to the native runtime path: what QQ refuses is said by its number, with the remedy', async () => {
    const daemon = home.start(['channels', 'serve', 'qqbot'], [], { ...env, QQBOT_CLIENT_SECRET: 'not-the-secret-1' });
    await daemon.logs('this account needs an operator');
    expect(daemon.stderr).toContain('100016');
    const status = await home.run(['channels', 'status'], { env });
    expect(status.stdout).toMatch(/qqbot:default\n +failed .*100016.*\n +→ /);
  });

  test('several accounts run side by side, each as itself', async () => {
    const other = await startSandbox({ appId: '102000002', clientSecret: 'secret-of-ops-1' });
    try {
      home.writeConfig(`[qqbot]
default_account = "main"
allowed_peer_ids = ["openid_alice"]
[qqbot.accounts.main]
app_id = "${sandbox.appId}"
client_secret = "${sandbox.clientSecret}"
api_base_url = "${sandbox.apiBaseUrl}"
token_url = "${sandbox.tokenUrl}"
[qqbot.accounts.ops]
app_id = "${other.appId}"
client_secret = "${other.clientSecret}"
api_base_url = "${other.apiBaseUrl}"
token_url = "${other.tokenUrl}"
`);
      const daemon = home.start(['gateway', 'run']);
      await daemon.logs('connected to the QQ gateway', 2);
      const asked = [sandbox, other].map(
        (platform) => [platform, platform.platform.say({ from: 'openid_alice', text: 'hi' }).id] as const,
      );
      for (const [platform, id] of asked) await waitUntil('the answer', () => answersTo(platform, id).length === 1);
    } finally {
      await home.remove();
      await other.close();
    }
  });
});
