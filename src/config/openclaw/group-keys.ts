/** The keys of one group. What cannot be read closes the group, or denies its tools. */
import { toUSVString } from 'node:util';
import { leftOut, peersAt } from './peers.js';
import { type AccountSource, isTable, type OwnTable, type Table, told, valueAt } from './source.js';

export class GroupKeys {
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
    const senders = this.#sendersOfAccount();
    if (senders.length > 0) return this.#readAmong(senders, people);
    this.#out.allow_from = people;
    const note = everybody ? '"*" was left out: an empty list means everybody there' : left;
    this.#told('allowFrom', 'allow_from', note === undefined, note ?? '');
  }

  /** One plugin knows no senders of a group, so those of the account held there; a list of ours would take their place. */
  #sendersOfAccount(): readonly string[] {
    if (this.#source.shape !== 'qqbot') return [];
    const groups = valueAt(this.#source, 'groups') as Table;
    const entries = (this.#source.out.group_allow_from ?? []) as readonly string[];
    return entries
      .filter((entry) => !entry.startsWith('group:') && !Object.hasOwn(groups, entry))
      .map((entry) => entry.replace(/^c2c:/, ''));
  }

  #readAmong(senders: readonly string[], people: readonly string[]): void {
    const both = people.filter((id) => senders.includes(id));
    if (people.length > 0 && both.length === 0) {
      this.#out.enabled = false;
      const note = 'names nobody who may talk in groups of this account: switched off';
      return told(this.#source, ['groups', this.#name, 'allowFrom'], 'ambiguous', [...this.#to, 'enabled'], note);
    }
    const note = 'only who is in the list of the account, too, may talk in groups there';
    if (people.length === 0) return told(this.#source, ['groups', this.#name, 'allowFrom'], 'dead', undefined, note);
    this.#out.allow_from = both;
    this.#told('allowFrom', 'allow_from', both.length === people.length, note);
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

function areWords(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((entry) => typeof entry === 'string' && entry.trim() !== '');
}

function words(value: unknown): readonly string[] {
  if (!Array.isArray(value)) return [];
  return value
    .filter((entry): entry is string => typeof entry === 'string' && entry.trim() !== '')
    .map((entry) => toUSVString(entry));
}
