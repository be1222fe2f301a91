/** Who may talk, from OpenClaw's words into ours. Where those can be read in two ways, or cannot be read, fewer are let in, never more. */
import { toUSVString } from 'node:util';
import { isPeerIdOf, kindName } from '../../model/target.js';
import { type AccountSource, isTable, type OwnTable, type Table, told, valueAt } from './source.js';

/** A list of peers as it stands there. */
interface Peers {
  /** Bare ids. */
  readonly people: readonly string[];
  /** Ids that say that they are groups. */
  readonly groups: readonly string[];
  readonly everybody: boolean;
  /** How many entries are no ids. */
  readonly wrong: number;
}

const NOBODY: Peers = { people: [], groups: [], everybody: false, wrong: 0 };

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
      'no entry is an id, and an empty list would mean everybody: groups are off',
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
  if (source.shape === 'qqbot' && ids.length === 0 && !peers.everybody && allowFrom.people.length > 0) {
    source.out.group_allow_from = allowFrom.people.map((id) => `${prefix}:${id}`);
    const note = 'also as group_allow_from: where groupAllowFrom is empty, allowFrom holds for groups there';
    told(source, ['groupAllowFrom'], 'changed', ['group_allow_from'], note);
    return [];
  }
  if (given === undefined) return [];
  if (ids.length === 0 && peers.wrong > 0) return 'unreadable';
  const isClear = source.shape === 'qq';
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
  name: string,
  group: unknown,
  admits: (id: string) => boolean,
  tables: OwnTable,
): void {
  const id = name.replace(/^group:/i, '').trim();
  if (id === '*' && source.shape === 'qqbot') return readEveryGroup(source, name, group);
  if (id !== '*' && (!isPeerIdOf(source.channel, id) || id === '__proto__'))
    return told(source, ['groups', name], 'dead', undefined, 'is no id of a group');
  const to = ['groups', id];
  const table: OwnTable = {};
  tables[id] = table;
  if (!isTable(group)) {
    table.enabled = false;
    return told(source, ['groups', name], 'ambiguous', to, 'is no table: switched off');
  }
  if (!admits(id)) {
    const note =
      'with groupPolicy "allowlist" one plugin hears only groups of groupAllowFrom: switched off; enabled = true lets it in';
    told(source, ['groups', name], 'ambiguous', to, note);
  } else {
    told(
      source,
      ['groups', name],
      'renamed',
      to,
      id === '*' ? 'admits every other group, and channels of guilds' : undefined,
    );
  }
  const rules = new GroupKeys(source, name, to, group, table);
  rules.read();
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

class GroupKeys {
  readonly #source: AccountSource;
  readonly #name: string;
  readonly #to: readonly string[];
  readonly #group: Table;
  readonly #out: OwnTable;

  constructor(source: AccountSource, name: string, to: readonly string[], group: Table, out: OwnTable) {
    this.#source = source;
    this.#name = name;
    this.#to = to;
    this.#group = group;
    this.#out = out;
  }

  read(): void {
    for (const [key, value] of Object.entries(this.#group)) this.#readKey(key, value);
    if (this.#out.tools === undefined) return;
    const { allow, deny } = this.#out.tools as { allow: readonly string[]; deny: readonly string[] };
    this.#out.tools = { allow: [...new Set(allow)], deny: [...new Set(deny)] };
  }

  #readKey(key: string, value: unknown): void {
    switch (key) {
      case 'enabled':
      case 'allow':
        return this.#readEnabled(key, value);
      case 'requireMention':
        this.#out.require_mention = value !== false;
        return this.#told(
          key,
          'require_mention',
          typeof value === 'boolean',
          'is neither true nor false: a mention is needed',
        );
      case 'systemPrompt':
      case 'prompt':
        return this.#readPrompt(key, value);
      case 'skills':
        this.#out.skills = words(value);
        return this.#told(key, 'skills', areWords(value), 'what is no text was left out', 'kept');
      case 'allowFrom':
        return this.#readSenders(value);
      case 'tools':
      case 'toolsBySender':
      case 'toolPolicy':
        return this.#readTools(key, value);
      default:
        return told(this.#source, ['groups', this.#name, key], 'dead', undefined, DEAD_OF_GROUPS[key] ?? 'is unknown');
    }
  }

  #readEnabled(key: string, value: unknown): void {
    // Either of the two switches off.
    this.#out.enabled = this.#out.enabled !== false && value === true;
    this.#told(
      key,
      'enabled',
      typeof value === 'boolean',
      'is neither true nor false: switched off',
      key === 'enabled' ? 'kept' : 'renamed',
    );
  }

  #readPrompt(key: string, value: unknown): void {
    if (typeof value !== 'string' || value.length > 20_000)
      return told(
        this.#source,
        ['groups', this.#name, key],
        'dead',
        undefined,
        'is no text of at most 20000 characters',
      );
    this.#out.system_prompt = toUSVString(value);
    this.#told(key, 'system_prompt', true, '');
  }

  #readSenders(value: unknown): void {
    const { people, groups, everybody, wrong } = peersAt(this.#source, value);
    const left = leftOut(wrong + groups.length);
    if (people.length === 0 && left !== undefined) {
      this.#out.enabled = false;
      const note = 'no entry is the id of a sender, and an empty list would mean everybody: switched off';
      return told(this.#source, ['groups', this.#name, 'allowFrom'], 'ambiguous', [...this.#to, 'enabled'], note);
    }
    this.#out.allow_from = people;
    const note = everybody ? '"*" was left out: an empty list means everybody there' : left;
    this.#told('allowFrom', 'allow_from', note === undefined, note ?? '');
  }

  #readTools(key: string, value: unknown): void {
    const tools = (this.#out.tools ?? { allow: [], deny: [] }) as { allow: string[]; deny: string[] };
    this.#out.tools = tools;
    if (key === 'toolPolicy') {
      const denied = Object.hasOwn(TOOL_POLICIES, String(value)) ? TOOL_POLICIES[String(value)] : ['*'];
      tools.deny.push(...(denied ?? []));
      return this.#told(key, 'tools', false, 'as the lists of tools that it stands for');
    }
    if (key === 'toolsBySender') {
      const denied = isTable(value)
        ? Object.values(value).flatMap((of) => (isTable(of) ? words(of.deny) : ['*']))
        : ['*'];
      tools.deny.push(...denied);
      return this.#told(
        key,
        'tools',
        false,
        'there are no tools by sender: what is denied to one is denied to all; the backend is told who wrote',
      );
    }
    if (!isTable(value)) {
      tools.deny.push('*');
      return this.#told(key, 'tools', false, 'is no table: all are denied');
    }
    const { allow, alsoAllow, deny, ...rest } = value;
    tools.allow.push(...words(allow), ...words(alsoAllow));
    // What cannot be read denies everything.
    tools.deny.push(
      ...words(deny),
      ...([allow, alsoAllow, deny].every((list) => list === undefined || areWords(list)) ? [] : ['*']),
    );
    const note = alsoAllow === undefined ? undefined : 'alsoAllow is part of allow: only what is listed is allowed';
    const isWhole = note === undefined && Object.keys(rest).length === 0;
    this.#told(key, 'tools', isWhole, note ?? 'keys beside allow, alsoAllow and deny were left out', 'kept');
  }

  #told(key: string, to: string, isSame: boolean, note: string, same: 'kept' | 'renamed' = 'renamed'): void {
    told(
      this.#source,
      ['groups', this.#name, key],
      isSame ? same : 'changed',
      [...this.#to, to],
      isSame ? undefined : note,
    );
  }
}

/** As OpenClaw's own doctor rewrites them. */
const TOOL_POLICIES: { readonly [policy: string]: readonly string[] } = {
  full: [],
  restricted: ['exec', 'read', 'write'],
  none: ['*'],
};

const DEAD_OF_GROUPS: { readonly [key: string]: string } = {
  name: 'groups are called by their ids',
  historyLimit: 'history_limit counts for the whole account',
  ignoreOtherMentions: 'needs no switch where a mention of the bot is required',
  commandLevel: 'of commands in the chat there are /new, /reset and /stop, for whoever may talk',
  mentionPatterns: 'a mention is an @ or a quote of the bot, and no pattern of words',
};

function peersAt({ channel }: AccountSource, value: unknown): Peers {
  if (value === undefined) return NOBODY;
  if (!Array.isArray(value)) return { ...NOBODY, wrong: 1 };
  const people: string[] = [];
  const groups: string[] = [];
  let wrong = 0;
  for (const entry of value) {
    const text = typeof entry === 'number' || typeof entry === 'bigint' ? String(entry) : entry;
    if (typeof text !== 'string') wrong++;
    else {
      const [, kind = '', id = ''] =
        /^(?:(?:qqbot|qq|napcatqq|napcat|onebot):)?(?:(user|c2c|private|group):)?(.*)$/i.exec(text.trim()) ?? [];
      if (id === '*') continue; // everybody, below
      if (!isPeerIdOf(channel, id)) wrong++;
      else (kind.toLowerCase() === 'group' ? groups : people).push(id);
    }
  }
  const everybody = value.some((entry) => typeof entry === 'string' && /^(?:\w+:)*\*$/.test(entry.trim()));
  return { people: [...new Set(people)], groups: [...new Set(groups)], everybody, wrong };
}

function leftOut(count: number): string | undefined {
  if (count === 0) return undefined;
  return count === 1
    ? 'one entry that is no id of a sender was left out'
    : `${count} entries that are no ids of senders were left out`;
}

function areWords(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((entry) => typeof entry === 'string' && entry.trim() !== '');
}

function words(value: unknown): readonly string[] {
  if (!Array.isArray(value)) return [];
  return value
    .filter((entry): entry is string => typeof entry === 'string' && entry.trim() !== '')
    .map((entry) => toUSVString(entry));
}
