/** Who may talk, from OpenClaw's words into ours. Where those can be read in two ways, or cannot be read, fewer are let in, never more. */
import { isPeerIdOf, kindName } from '../../model/target.js';
import { GroupKeys } from './group-keys.js';
import { leftOut, type Peers, peersAt } from './peers.js';
import { type AccountSource, isTable, type OwnTable, told, valueAt } from './source.js';

export function readAccess(source: AccountSource): void {
  const allowFrom = peersAt(source, valueAt(source, 'allowFrom'));
  readPrivateChats(source, allowFrom);
  readGroups(source, allowFrom);
}

function readPrivateChats(source: AccountSource, allowFrom: Peers): void {
  const { people, everybody } = allowFrom;
  const prefix = kindName(source.channel, 'c2c');
  const listed = people.map((id) => `${prefix}:${id}`);
  const given = valueAt(source, 'dmPolicy');
  const isOpen = given === 'open' && everybody;
  if (given !== undefined) {
    const [policy, status, note] = privatePolicy(given, isOpen, people.length > 0);
    source.out.dm_policy = policy;
    told(source, ['dmPolicy'], status, ['dm_policy'], note);
  }
  if (valueAt(source, 'allowFrom') === undefined) return;
  source.out.allowed_peer_ids = isOpen ? ['*', ...listed] : listed;
  if (everybody && !isOpen) {
    const note =
      '"*" was left out, for it lets everybody in whatever dmPolicy says; if that is meant: dm_policy = "open" and "*" in allowed_peer_ids';
    return told(source, ['allowFrom'], 'ambiguous', ['allowed_peer_ids'], note);
  }
  const left = leftOut(allowFrom.wrong + allowFrom.groups.length);
  told(source, ['allowFrom'], left === undefined ? 'renamed' : 'changed', ['allowed_peer_ids'], left);
}

type Policy = 'pairing' | 'allowlist' | 'open' | 'disabled';

function privatePolicy(
  given: unknown,
  isOpen: boolean,
  hasPeople: boolean,
): readonly [Policy, 'renamed' | 'changed' | 'ambiguous', string?] {
  if (given === 'pairing' || given === 'allowlist' || given === 'disabled') return [given, 'renamed'];
  if (given === 'closed') return ['disabled', 'renamed', 'closed is called disabled here'];
  if (given !== 'open') return ['disabled', 'ambiguous', 'is no known policy: nobody is let in'];
  if (isOpen) return ['open', 'renamed', 'everybody who finds the bot may talk with it'];
  const how = 'to let everybody in write dm_policy = "open" and "*" in allowed_peer_ids';
  return hasPeople
    ? ['allowlist', 'changed', `open with a list of people lets in only those; ${how}`]
    : ['pairing', 'changed', `open needs "*" in allowFrom; ${how}`];
}

function readGroups(source: AccountSource, allowFrom: Peers): void {
  const isSettingsOnly = source.shape === 'qqbot';
  const senders = readSenders(source, allowFrom);
  const given = valueAt(source, 'groupPolicy');
  if (given === undefined && isSettingsOnly) {
    const note =
      'is not set, which let every group in there; here only those with a table; for all of them write group_policy = "open"';
    told(source, ['groupPolicy'], 'changed', ['group_policy'], note);
  }
  if (given !== undefined) {
    const [policy, status, note] = groupPolicy(given);
    source.out.group_policy = policy;
    told(source, ['groupPolicy'], status, ['group_policy'], note);
  }
  if (senders === 'unreadable') {
    source.out.group_policy = 'disabled';
    told(
      source,
      ['groupAllowFrom'],
      'ambiguous',
      ['group_policy'],
      'no entry is the id of a sender, and an empty list would mean everybody: groups are off',
    );
  }
  const required = valueAt(source, 'defaultRequireMention');
  if (required !== undefined) {
    source.out.default_require_mention = required !== false;
    const note = typeof required === 'boolean' ? undefined : 'is neither true nor false: a mention is needed';
    told(
      source,
      ['defaultRequireMention'],
      note === undefined ? 'renamed' : 'changed',
      ['default_require_mention'],
      note,
    );
  }
  const groups = valueAt(source, 'groups');
  if (groups === undefined) return;
  if (!isTable(groups)) return told(source, ['groups'], 'dead', undefined, 'is no table');
  // There a table of a group rules it and does not admit it, where a list says which are admitted.
  const admits = (id: string) =>
    !isSettingsOnly || given !== 'allowlist' || (senders !== 'unreadable' && senders.includes(id));
  const tables: OwnTable = {};
  for (const [id, group] of Object.entries(groups)) readGroup(source, id, group, admits, tables);
  if (Object.keys(tables).length > 0) source.out.groups = tables;
}

function groupPolicy(given: unknown): readonly ['allowlist' | 'open' | 'disabled', 'renamed' | 'ambiguous', string?] {
  if (given === 'allowlist' || given === 'disabled') return [given, 'renamed'];
  if (given === 'open') return [given, 'renamed', 'every group is heard; to write to one unasked it must be listed'];
  if (given === 'closed') return ['disabled', 'renamed', 'closed is called disabled here'];
  return ['disabled', 'ambiguous', 'is no known policy: no group is heard'];
}

/** The bare ids of `groupAllowFrom`, which people used for senders and for groups. */
function readSenders(source: AccountSource, allowFrom: Peers): readonly string[] | 'unreadable' {
  const given = valueAt(source, 'groupAllowFrom');
  const peers = peersAt(source, given);
  const ids = [...peers.people, ...peers.groups.map((id) => `group:${id}`)];
  const prefix = kindName(source.channel, 'c2c');
  const isEmpty = ids.length === 0 && !peers.everybody && peers.wrong === 0;
  if (source.shape === 'qqbot' && isEmpty && allowFrom.people.length > 0) {
    source.out.group_allow_from = allowFrom.people.map((id) => `${prefix}:${id}`);
    const note = 'also as group_allow_from: where groupAllowFrom is empty, allowFrom holds for groups there';
    told(source, ['groupAllowFrom'], 'changed', ['group_allow_from'], note);
    return [];
  }
  if (given === undefined) return [];
  if (ids.length === 0 && peers.wrong > 0) return 'unreadable';
  const isClear = source.shape === 'qq';
  // There they were senders that nobody is; here, where no sender is named, everybody would be meant.
  if (isClear && peers.people.length === 0 && peers.groups.length > 0 && !peers.everybody) return 'unreadable';
  source.out.group_allow_from = isClear
    ? [...peers.people.map((id) => `${prefix}:${id}`), ...peers.groups.map((id) => `group:${id}`)]
    : ids;
  const notes = [
    isClear
      ? undefined
      : 'senders or groups: an entry that is the id of a group admits that group, any other is a sender; `loong doctor` says how each was read',
    peers.everybody ? '"*" was left out: without senders everybody in an admitted group may talk' : undefined,
    leftOut(peers.wrong),
  ].filter((note) => note !== undefined);
  const status = isClear ? (notes.length === 0 ? 'renamed' : 'changed') : 'ambiguous';
  told(source, ['groupAllowFrom'], status, ['group_allow_from'], notes.length === 0 ? undefined : notes.join('; '));
  return peers.people;
}

function readGroup(
  source: AccountSource,
  id: string,
  group: unknown,
  admits: (id: string) => boolean,
  tables: OwnTable,
): void {
  const to = ['groups', id] as const;
  if (id === '*' && source.shape === 'qqbot') return readEveryGroup(source, id, group);
  if (id !== '*' && (!isPeerIdOf(source.channel, id) || id === '__proto__'))
    return told(source, to, 'dead', undefined, 'is no id of a group');
  const table: OwnTable = {};
  tables[id] = table;
  if (!isTable(group)) {
    table.enabled = false;
    return told(source, to, 'ambiguous', to, 'is no table: switched off');
  }
  if (!admits(id)) {
    const note =
      'with groupPolicy "allowlist" one plugin hears only groups of groupAllowFrom: switched off; enabled = true lets it in';
    told(source, to, 'ambiguous', to, note);
  } else {
    told(source, to, 'renamed', to, id === '*' ? 'admits every other group, and channels of guilds' : undefined);
  }
  new GroupKeys(source, id, to, group, table).read();
  if (!admits(id)) table.enabled = false;
}

/** There it rules the groups that something else admits; a table of ours would admit them all. */
function readEveryGroup(source: AccountSource, name: string, group: unknown): void {
  const below = ['groups', name] as const;
  if (!isTable(group)) return told(source, [...below], 'dead', undefined, 'is no table');
  for (const [key, value] of Object.entries(group)) {
    if (key !== 'requireMention' || typeof value !== 'boolean') {
      const note =
        'has no counterpart for every group: a table "*" would admit them all; write it into each, or for the account';
      told(source, [...below, key], 'dead', undefined, note);
      continue;
    }
    source.out.default_require_mention = value;
    told(source, [...below, key], 'renamed', ['default_require_mention']);
  }
}
