/** For every reason why somebody is not answered: the rule that `loong why` names, and that the key which it names decides. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { admit, policyOf } from '../../src/access/admission.js';
import { admittingRule, refusingRule } from '../../src/cli/deciding-rule.js';
import type { Account } from '../../src/config/config.js';
import { readConfig } from '../../src/config/read-config.js';
import type { InboundMessage } from '../../src/model/message.js';
import { type ChannelId, channelIn, type PeerId, parseTarget } from '../../src/model/target.js';
import { inbound } from '../support/messages.js';
import { tempDir } from '../support/temp-dir.js';

async function accountIn(toml: string, channel: ChannelId, id: string): Promise<Account> {
  const path = join(tempDir(), 'config.toml');
  writeFileSync(path, toml);
  const { qqbot, onebot } = await readConfig({ env: {}, secrets: 'optional', path });
  const found = [...qqbot.accounts, ...onebot.accounts].find((one) => one.channel === channel && one.id === id);
  if (found === undefined) throw new Error(`no account ${id}`);
  return found;
}

/** `target`: in full. */
async function judged(toml: string, target: string, sender: string, more: Partial<InboundMessage> = {}) {
  const channel = channelIn(target) ?? 'qqbot';
  const [, account = ''] = target.split(':');
  const told = await accountIn(toml, channel, account);
  const conversation = parseTarget(target, { channel, account: told.id });
  const message = inbound('m', sender, { conversation, ...more });
  return { account: told, conversation, verdict: admit(message, policyOf(told)) };
}

const quiet = { mentionsBot: false };
const bot = { sender: { id: 'bob' as PeerId, isBot: true } };
const MAIN = `[qqbot]\nallowed_peer_ids = ["alice"]\ndm_policy = "allowlist"\ngroup_allow_from = ["alice"]\n`;
const ACCOUNTS = `[qqbot.accounts.main]\napp_id = "1"\n[qqbot.accounts.ops]\napp_id = "2"\nallowed_peer_ids = ["alice", "G"]\n`;

/** The config, who wrote where, the reason, the key; and the config as it is with that key changed. */
const REFUSALS: readonly (readonly [string, string, string, object, string, string | undefined, string])[] = [
  ['[qqbot]', 'qqbot:default:c2c:bob', 'bob', bot, 'from_bot', undefined, ''],
  [
    '[qqbot]\ndm_policy = "disabled"\nallowed_peer_ids = ["alice"]',
    'qqbot:default:c2c:alice',
    'alice',
    {},
    'dm_disabled',
    'qqbot.dm_policy',
    '[qqbot]\ndm_policy = "pairing"\nallowed_peer_ids = ["alice"]',
  ],
  [
    MAIN,
    'qqbot:default:c2c:bob',
    'bob',
    {},
    'sender_not_allowed',
    'qqbot.allowed_peer_ids',
    MAIN.replace('"alice"]', '"alice", "bob"]'),
  ],
  // A list that is inherited is changed where it stands: in the account's own table it would be another list.
  [
    `${MAIN}${ACCOUNTS}`,
    'qqbot:main:c2c:bob',
    'bob',
    {},
    'sender_not_allowed',
    'qqbot.allowed_peer_ids',
    `${MAIN}${ACCOUNTS}`.replace('"alice"]', '"alice", "bob"]'),
  ],
  [
    `${MAIN}${ACCOUNTS}`,
    'qqbot:ops:dm:S',
    'bob',
    {},
    'sender_not_allowed',
    'qqbot.accounts.ops.allowed_peer_ids',
    `${MAIN}${ACCOUNTS}`.replace('"G"', '"G", "bob"'),
  ],
  [
    `${MAIN}${ACCOUNTS}`,
    'qqbot:ops:group:H',
    'alice',
    {},
    'group_not_allowed',
    'qqbot.accounts.ops.groups.H',
    `${MAIN}${ACCOUNTS}[qqbot.accounts.ops.groups.H]\n`,
  ],
  [
    `${MAIN}[qqbot.groups."G.1"]\nenabled = false\n`,
    'qqbot:default:channel:G.1',
    'alice',
    {},
    'group_disabled',
    'qqbot.groups."G.1".enabled',
    `${MAIN}[qqbot.groups."G.1"]\nenabled = true\n`,
  ],
  [
    `${MAIN}group_policy = "disabled"\n[qqbot.groups.G]\n`,
    'qqbot:default:group:G',
    'alice',
    {},
    'group_disabled',
    'qqbot.group_policy',
    `${MAIN}group_policy = "allowlist"\n[qqbot.groups.G]\n`,
  ],
  [
    `${MAIN}[qqbot.groups.G]\n`,
    'qqbot:default:group:G',
    'bob',
    {},
    'group_sender_not_allowed',
    'qqbot.group_allow_from',
    `${MAIN.replace('group_allow_from = ["alice"]', 'group_allow_from = ["alice", "bob"]')}[qqbot.groups.G]\n`,
  ],
  [
    `${MAIN}[qqbot.groups."*"]\nallow_from = ["alice"]\n`,
    'qqbot:default:group:G',
    'bob',
    {},
    'group_sender_not_allowed',
    'qqbot.groups."*".allow_from',
    `${MAIN}[qqbot.groups."*"]\nallow_from = ["alice", "bob"]\n`,
  ],
  [
    `${MAIN}[qqbot.groups.G]\n`,
    'qqbot:default:group:G',
    'alice',
    quiet,
    'not_mentioned',
    'qqbot.default_require_mention',
    `${MAIN}default_require_mention = false\n[qqbot.groups.G]\n`,
  ],
  [
    `${MAIN}[qqbot.groups.G]\n[qqbot.groups."*"]\nrequire_mention = true\n`,
    'qqbot:default:group:G',
    'alice',
    quiet,
    'not_mentioned',
    'qqbot.groups."*".require_mention',
    `${MAIN}[qqbot.groups.G]\n[qqbot.groups."*"]\nrequire_mention = false\n`,
  ],
  [
    '[napcat]\nallowed_peer_ids = [20002]\ndm_policy = "allowlist"\n[napcat.accounts.home]\naccess_token = "let-me-in"\n',
    'onebot:home:private:20003',
    '20003',
    {},
    'sender_not_allowed',
    'napcat.allowed_peer_ids',
    '[napcat]\nallowed_peer_ids = [20002, 20003]\ndm_policy = "allowlist"\n[napcat.accounts.home]\naccess_token = "let-me-in"\n',
  ],
  [
    '[onebot]\nallowed_peer_ids = [20002]\naccess_token = "let-me-in"\n',
    'onebot:default:group:30003',
    '20002',
    {},
    'group_not_allowed',
    'onebot.groups.30003',
    '[onebot]\nallowed_peer_ids = [20002]\naccess_token = "let-me-in"\n[onebot.groups.30003]\n',
  ],
];

test.each(REFUSALS)('%s: %s from %s %j is %s, by %s', async (toml, target, sender, more, reason, key, changed) => {
  const { account, conversation, verdict } = await judged(toml, target, sender, more);
  expect(verdict).toEqual({ do: 'ignore', because: reason });
  if (verdict.do !== 'ignore') throw new Error('refused above');
  const rule = refusingRule(verdict.because, account, conversation, sender, false);
  expect([rule.rule.length > 0, rule.key]).toEqual([true, key]);
  if (changed === '') return;
  expect(rule.change).toEqual(expect.any(String));
  expect((await judged(changed, target, sender, more)).verdict).toEqual({ do: 'answer' });
});

test('who is unknown is told of the way that is open to them', async () => {
  const { account, conversation, verdict } = await judged('[qqbot]', 'qqbot:default:c2c:bob', 'bob');
  expect(verdict).toEqual({ do: 'offer-pairing' });
  const rule = (reason: 'pairing_offered' | 'pairing_full', waits: boolean) =>
    refusingRule(reason, account, conversation, 'bob', waits);
  expect(rule('pairing_offered', true).change).toContain('`loong pairing approve qqbot bob --account default`');
  expect(rule('pairing_offered', false).change).not.toContain('pairing approve');
  expect(rule('pairing_full', false)).toMatchObject({ key: 'pairing.max_pending' });
  expect(rule('pairing_full', false).change).not.toContain('pairing approve');
  for (const reason of ['pairing_offered', 'pairing_full'] as const)
    expect(rule(reason, false).change).toContain('add "bob" to `qqbot.allowed_peer_ids`');
});

test.each([
  ['["alice"]', 'allowlist', 'c2c:alice', 'alice', 'qqbot.allowed_peer_ids'],
  ['["*"]', 'open', 'c2c:bob', 'bob', 'qqbot.allowed_peer_ids'],
  // The author of a guild's direct message is not meant by `*`.
  ['["*"]', 'open', 'dm:S', 'bob', 'qqbot.dm_policy'],
  ['["c2c:*"]', 'open', 'dm:S', 'bob', 'qqbot.dm_policy'],
  ['["c2c:bob"]', 'allowlist', 'dm:S', 'bob', 'qqbot.allowed_peer_ids'],
  ['["dm:*"]', 'allowlist', 'dm:S', 'bob', 'qqbot.allowed_peer_ids'],
  ['["group:G"]', 'allowlist', 'group:G', 'bob', 'qqbot.allowed_peer_ids'],
])('with %s and %s a message in %s from %s is answered by %s', async (entries, policy, target, sender, key) => {
  const toml = `[qqbot]\nallowed_peer_ids = ${entries}\ndm_policy = "${policy}"\n`;
  const { account, conversation, verdict } = await judged(toml, `qqbot:default:${target}`, sender);
  expect(verdict).toEqual({ do: 'answer' });
  expect(admittingRule(account, conversation, sender, new Set())).toMatchObject({ key });
});
