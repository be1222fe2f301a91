/** docs/from-openclaw.md, held against what it speaks of: the pages' keys are all there, and what import is said to do it does. */
import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { parseJson5 } from '../../src/config/json5.js';
import { importOpenclaw } from '../../src/config/openclaw/import-openclaw.js';
import type { Table } from '../../src/config/openclaw/source.js';
import { keysAt } from '../../src/config/schema.js';
import { LoongHome } from '../support/loong-process.js';

const page = readFileSync(new URL('../../docs/from-openclaw.md', import.meta.url), 'utf8');

interface Row {
  readonly there: string;
  readonly how: string;
  readonly here: string;
}

const rows: readonly Row[] = [...page.matchAll(/^\| (.+?) \| (own|import|other|n\/a) \| (.+) \|$/gm)].map(
  ([, there = '', how = '', here = '']) => ({ there, how, here }),
);

function coded(text: string): readonly string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map(([, code]) => code ?? '');
}

/** All that stands in code or in quotes on the pages, page by page. */
const PAGES: { readonly [page: string]: string } = {
  loong: `qqbot.enabled qqbot.accounts.<account>.enabled qqbot.app_id qqbot.accounts.<account>.app_id qqbot.app_id_env
    qqbot.accounts.<account>.app_id_env qqbot.client_secret qqbot.accounts.<account>.client_secret qqbot.client_secret_env
    qqbot.accounts.<account>.client_secret_env qqbot.allowed_peer_ids qqbot.accounts.<account>.allowed_peer_ids QQBOT_APP_ID
    QQBOT_CLIENT_SECRET qq qq-bot tencent-qq runtime_backed qq_official_bot_gateway_or_plugin_bridge conversation
    qqbot:<account>:c2c:<openid> qqbot:<account>:group:<openid> qqbot:<account>:channel:<id>`,
  napcatqq: `wsPort wsHost wsPath accessToken reconnect.enabled reconnect.maxRetries reconnect.retryDelay
    reconnect.backoffMultiplier reconnect.maxDelay heartbeat.enabled heartbeat.interval heartbeat.timeout dmPolicy groupPolicy
    groupAllowFrom groups.<id> groups.<id>.enabled groups.<id>.requireMention groups.<id>.systemPrompt groups.<id>.skills
    groups.<id>.allowFrom groups.<id>.tools accounts name enabled allowFrom historyLimit textChunkLimit mediaMaxMb`,
  qq: `enabled apiBaseUrl appId appSecret appSecretFile webhookPath dmPolicy allowFrom groupPolicy groupAllowFrom groups
    groups.<id>.requireMention groups.<id>.allowFrom groups.<id>.tools groups.<id>.systemPrompt groups.*.requireMention
    textChunkLimit chunkMode accounts`,
};
const OF_NAPCATQQ = `setGroupAdmin setGroupMute kickGroupMember setGroupWholeMute setGroupName getGroupMemberInfo getFriendList
  deleteFriend setFriendRemark uploadGroupFile uploadPrivateFile group_increase group_decrease group_admin group_recall
  friend_recall friend_add group_ban notify friend group lifecycle heartbeat file markdown miniapp mface dice rps location json xml
  reverseWs.enable reverseWs.urls`;
const OF_QQ = `QQ_BOT_API_BASE_URL QQ_BOT_APP_ID QQ_BOT_APP_SECRET QQ_OFFICIAL_WEBHOOK_PATH QQ_DM_POLICY QQ_ALLOW_FROM QQ_APP_SECRET
  --dry-run --env-file --skip-api-probe .env.qq .env GROUP_AT_MESSAGE_CREATE C2C_MESSAGE_CREATE`;
const SENTENCES = [
  'dmPolicy: "open"',
  'dmPolicy: "pairing"',
  'dmPolicy: "closed"',
  'dmPolicy: "allowlist"',
  'dmPolicy: "disabled"',
  'groupPolicy: "open"',
  'groupPolicy: "allowlist"',
  'groupPolicy: "closed"',
  'groupPolicy: "disabled"',
  'chunkMode: "length"',
  'chunkMode: "newline"',
  'loong channels send qqbot --target "c2c:openid_alice" --text "hello from loong"',
  'loong channels serve qqbot',
  'loong doctor',
  'loong channels',
  'gateway run',
  'openclaw gateway run',
  'openclaw pairing approve napcatqq <user_id>',
  'openclaw plugins install @openclaw/qq',
  'openclaw plugins install ./extensions/qq',
  'openclaw plugins install @sliverp/qqbot@latest',
  'openclaw channels status --probe',
  'openclaw gateway status',
  'openclaw status',
  'openclaw logs --follow',
  'openclaw pairing list qq',
  'openclaw pairing approve qq <CODE>',
  'openclaw config set',
  'openclaw onboard',
  'pnpm qq:setup',
  'npm i -g openclaw',
  'curl ifconfig.me',
  '~/.openclaw/logs/gateway.err.log',
  'AppID',
  'AppSecret',
];

test('has every key, option, variable, policy and command of the pages', () => {
  const there = new Set(rows.flatMap((row) => coded(row.there)));
  const words = (text = '') => text.trim().split(/\s+/);
  const expected = [
    ...words(PAGES.loong),
    ...words(PAGES.napcatqq).map((key) => `channels.napcatqq.${key}`),
    ...words(PAGES.qq).map((key) => `channels.qq.${key}`),
    ...words(OF_NAPCATQQ),
    ...words(OF_QQ),
    ...SENTENCES,
  ];
  expect(expected.length).toBeGreaterThan(140);
  expect(expected.filter((key) => !there.has(key))).toEqual([]);
});

/** Where import put a key of the fixtures, accounts aside; only where the value really is there, or is a secret of its own. */
function imported(): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const name of ['napcatqq.json', 'napcatqq-accounts.json', 'qq.json5', 'qqbot.json']) {
    const text = readFileSync(new URL(`../fixtures/openclaw/${name}`, import.meta.url), 'utf8');
    const { report, channels, secrets } = importOpenclaw(parseJson5(text) as Table, '/x');
    const places = secrets.map(({ outPath, key }) => [...outPath, `${key}_file`].join('.'));
    for (const { key, to } of report.keys) {
      if (to === undefined || !(places.includes(to) || valueAt(channels, to) !== undefined)) continue;
      const short = withoutNames(key);
      found.set(short, [...(found.get(short) ?? []), withoutNames(to)]);
    }
  }
  return found;
}

function valueAt(root: object, path: string): unknown {
  return path.split('.').reduce<unknown>((at, name) => (at as Table | undefined)?.[name], root);
}

/** `channels.qq.accounts.ops.groups.G1.tools` is `channels.qq.groups.<id>.tools`. */
function withoutNames(path: string): string {
  return path.replace(/\.accounts\.[^.]+/, '').replace(/\.groups\.(?!\*)[^.]+/, '.groups.<id>');
}

describe('what import is said to do', () => {
  const found = imported();
  const keys = rows.filter(({ how, there }) => how === 'import' && coded(there)[0]?.startsWith('channels.'));

  test.each(keys.map((row) => [coded(row.there)[0] ?? '', coded(row.here)[0] ?? '']))(
    '%s becomes %s',
    (key, target) => {
      // A key that this version does not have yet is not taken, and import says so.
      const [channel = '', name = ''] = target.split('.');
      const isThere = keysAt([channel]).includes(name);
      const becomes = found.get(key === 'channels.qq.groups' ? 'channels.qq.groups.<id>' : key) ?? [];
      if (isThere) expect(becomes).toContain(target);
      else expect([target, becomes]).toEqual(['qqbot.webhook_path', []]);
    },
  );

  const policies = rows.filter(({ how, there }) => how === 'import' && /^`(dm|group)Policy: /.test(there));
  test.each(policies.map(({ there, here }) => [coded(there)[0] ?? '', ...coded(here)] as const))(
    '%s becomes %s = %s',
    (said, target, policy) => {
      const [, key = '', value = ''] = /^(\w+): "(\w+)"$/.exec(said) ?? [];
      const [channel = '', name = ''] = (target ?? '').split('.');
      const shape = channel === 'onebot' ? 'napcatqq' : 'qq';
      const table = { [key]: value, ...(value === 'open' ? { allowFrom: ['*'] } : {}) };
      const { channels } = importOpenclaw({ channels: { [shape]: table } }, '/x');
      expect((channels as Record<string, Table>)[channel]?.[name]).toBe(policy);
    },
  );

  test('covers both channels, and is most of the page', () => {
    expect(keys.length).toBeGreaterThan(55);
    expect(policies.length).toBeGreaterThan(9);
  });
});

describe('names no command of loong that is not there', () => {
  const commands = [...new Set(rows.flatMap(({ here }) => coded(here)).filter((code) => code.startsWith('loong ')))];
  const home = new LoongHome();
  afterAll(() => home.remove());

  test.each(commands)('%s', async (command) => {
    const words = command.split(' ').slice(1);
    const names = words.filter((word, i) => i < 2 && /^[a-z][a-z-]*$/.test(word));
    const { code, stdout } = await home.run([...names, '--help']);
    expect(code).toBe(0);
    // The second word of some is an argument, such as the name of a channel.
    expect(stdout).toMatch(new RegExp(`Usage: loong ${names[0]}\\b`));
    const flags = words.filter((word) => word.startsWith('--'));
    expect(flags.filter((flag) => !stdout.includes(flag))).toEqual([]);
  });
});
