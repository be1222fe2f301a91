/** Every combination of the keys that let people in, of each shape: whoever an imported account answers was answered before. */
import { stringify } from 'smol-toml';
import { expect, test } from 'vitest';
import { admit, policyOf } from '../../src/access/admission.js';
import { importOpenclaw } from '../../src/config/openclaw/import-openclaw.js';
import type { Shape } from '../../src/config/openclaw/keys.js';
import type { PeerId, Target } from '../../src/model/target.js';
import { readWith } from './config-folder.js';

/** Ids that QQ's two worlds both have. */
const [ALICE, BOB, HERE, THERE] = ['10001', '10002', '30001', '30002'] as const;

interface Given {
  readonly dmPolicy?: unknown;
  readonly allowFrom?: readonly string[];
  readonly groupPolicy?: unknown;
  readonly groupAllowFrom?: readonly string[];
  readonly groups?: { readonly [id: string]: GivenGroup };
}

interface GivenGroup {
  readonly enabled?: unknown;
  readonly allow?: unknown;
  readonly allowFrom?: readonly string[];
}

const names = (list: readonly string[] | undefined, id: string) =>
  list?.includes(id) === true || list?.includes('*') === true;
const isOff = (group: GivenGroup | undefined) =>
  [group?.enabled, group?.allow].some((said) => said !== undefined && said !== true);

/** Whether OpenClaw answers in private. Where its pages differ, `open` means everybody only with "*", and the unknown means nobody. */
function answersInPrivate({ dmPolicy = 'pairing', allowFrom }: Given, sender: string): boolean {
  return ['pairing', 'allowlist', 'open'].includes(dmPolicy as string) && names(allowFrom, sender);
}

/** Whether OpenClaw answers in a group to whoever mentions the bot: for each plugin the readings of its pages and its code. */
const ANSWERS_IN_GROUP: { readonly [S in Shape]: (given: Given, group: string, sender: string) => boolean } = {
  napcatqq: (given, group, sender) =>
    byTables(given, group, sender) ||
    byListedGroups(given, group, sender) ||
    // Its own example lists a group that has a table: then the list names groups, and no sender.
    (listsTables(given) && byTables({ ...given, groupAllowFrom: [] }, group, sender)),
  qq: (given, group, sender) =>
    byTables(given, group, sender) || byListedGroups({ ...given, groupAllowFrom: toldGroups(given) }, group, sender),
  qqbot: (given, group, sender) =>
    bySenders(given, sender, group) || byListedGroups({ ...given, groups: withoutSenders(given) }, group, sender),
};

/** A table admits its group, and the list names senders. */
function byTables(
  { groupPolicy = 'allowlist', groupAllowFrom, groups = {} }: Given,
  group: string,
  sender: string,
): boolean {
  const own = groups[group] ?? groups['*'];
  if (isOff(own)) return false;
  if (groupPolicy === 'allowlist') {
    const isListed = Object.keys(groups).length > 0 ? own !== undefined : names(groupAllowFrom, sender);
    if (!isListed) return false;
  } else if (groupPolicy !== 'open') return false;
  const senders = own?.allowFrom ?? groupAllowFrom ?? [];
  return senders.length === 0 || names(senders, sender);
}

/** The list names groups. */
function byListedGroups(given: Given, group: string, sender: string): boolean {
  const { groupPolicy = 'allowlist', groupAllowFrom, groups = {} } = given;
  if (!['allowlist', 'open'].includes(groupPolicy as string) || isOff(groups[group])) return false;
  const senders = groups[group]?.allowFrom ?? groups['*']?.allowFrom ?? [];
  return (
    groupAllowFrom?.some((entry) => entry === group || entry === `group:${group}`) === true &&
    (senders.length === 0 || names(senders, sender))
  );
}

function listsTables({ groupAllowFrom = [], groups = {} }: Given): boolean {
  return groupAllowFrom.every(
    (entry) => entry.startsWith('group:') || Object.hasOwn(groups, entry) || entry === 'no id',
  );
}

/** Its tables know no senders. */
function withoutSenders({ groups = {} }: Given): NonNullable<Given['groups']> {
  return Object.fromEntries(Object.entries(groups).map(([id, { allowFrom: _unread, ...group }]) => [id, group]));
}

/** Only those that say that they are groups. */
function toldGroups({ groupAllowFrom }: Given): readonly string[] {
  return (groupAllowFrom ?? []).filter((entry) => entry.startsWith('group:'));
}

/** The list names senders, and where it is empty `allowFrom` does; tables admit nobody. */
function bySenders(
  { groupPolicy, groupAllowFrom = [], allowFrom = [], groups = {} }: Given,
  sender: string,
  group: string,
): boolean {
  if (isOff(groups[group])) return false;
  const senders = groupAllowFrom.length > 0 ? groupAllowFrom : allowFrom;
  if (groupPolicy === undefined && senders.every((entry) => entry === '*')) return true;
  return (
    groupPolicy === 'open' || ([undefined, 'allowlist'].includes(groupPolicy as undefined) && names(senders, sender))
  );
}

const LISTS = [undefined, [], ['*'], [ALICE], ['*', ALICE], ['no id']] as const;
const POLICIES = [undefined, 'pairing', 'allowlist', 'open', 'disabled', 'closed', 'whatever', null] as const;
const GROUP_LISTS = [...LISTS, [HERE], [`group:${HERE}`], [`group:${HERE}`, ALICE], ['no id', HERE]] as const;
const TABLES: readonly Given['groups'][] = [
  undefined,
  {},
  { [HERE]: {} },
  { '*': {} },
  { '*': { enabled: false } },
  { '*': { allowFrom: [ALICE] } },
  { [HERE]: { enabled: false }, '*': {} },
  { [HERE]: { enabled: 'no' } },
  { [HERE]: { enabled: true, allow: false } },
  { [HERE]: { allowFrom: [ALICE] } },
  { [HERE]: { allowFrom: [] }, '*': { allowFrom: [ALICE] } },
  { [HERE]: { allowFrom: ['no id'] }, '*': {} },
];

/** `undefined` is a key that is not there. */
function given(keys: { readonly [K in keyof Given]: unknown }): Given {
  return Object.fromEntries(Object.entries(keys).filter(([, value]) => value !== undefined)) as Given;
}

/** What an account that was imported does with a message in which the bot is mentioned. */
async function importedVerdicts(shape: Shape, keys: Given) {
  const bot = shape === 'napcatqq' ? { wsPort: 3001 } : { appId: '1' };
  const { channels } = importOpenclaw({ channels: { [shape]: { ...bot, ...keys } } }, '/x');
  const { qqbot, onebot } = await readWith(stringify(channels as Record<string, unknown>), {}, 'optional');
  const [account] = shape === 'napcatqq' ? onebot.accounts : qqbot.accounts;
  if (account === undefined) throw new Error('nothing was imported');
  const policy = policyOf(account);
  return (kind: 'c2c' | 'group', peer: string, sender: string): boolean => {
    const conversation = { channel: account.channel, account: account.id, kind, peer: peer as PeerId } as Target;

    const message = { conversation, sender: { id: sender as PeerId, isBot: false }, mentionsBot: true };
    return admit(message, policy).do === 'answer';
  };
}

const SHAPES = ['napcatqq', 'qq', 'qqbot'] as const;

test.each(SHAPES)('%s: nobody is answered in private who was not before', async (shape) => {
  let answered = 0;
  for (const dmPolicy of POLICIES)
    for (const allowFrom of LISTS) {
      const keys = given({ dmPolicy, allowFrom });
      const verdict = await importedVerdicts(shape, keys);
      for (const sender of [ALICE, BOB]) {
        if (!verdict('c2c', sender, sender)) continue;
        answered++;
        expect(answersInPrivate(keys, sender), `${JSON.stringify(keys)} from ${sender}`).toBe(true);
      }
    }
  expect(answered).toBeGreaterThan(5);
});

test.each(SHAPES)('%s: nobody is answered in a group who was not before', { timeout: 240_000 }, async (shape) => {
  let answered = 0;
  for (const groupPolicy of POLICIES)
    for (const groupAllowFrom of GROUP_LISTS)
      for (const groups of TABLES)
        for (const allowFrom of [undefined, [ALICE], ['*']]) {
          const keys = given({ groupPolicy, groupAllowFrom, groups, allowFrom });
          const verdict = await importedVerdicts(shape, keys);
          for (const group of [HERE, THERE])
            for (const sender of [ALICE, BOB]) {
              if (!verdict('group', group, sender)) continue;
              answered++;
              const was = ANSWERS_IN_GROUP[shape](keys, group, sender);
              expect(was, `${JSON.stringify(keys)} in ${group} from ${sender}`).toBe(true);
            }
        }
  expect(answered).toBeGreaterThan(50);
});
