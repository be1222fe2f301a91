/** From the table of a channel to its accounts: what each inherits, which is the default, and what all channels have alike. */
import { type AccountId, type ChannelId, isReservedAccountName, normaliseAccountId } from '../model/target.js';
import { type AccountBasics, type ChannelConfig, type GroupRule, meansEverybody, type Resolved } from './config.js';
import { parseDuration } from './duration.js';
import { type Findings, keyPath } from './findings.js';
import {
  DEFAULTS,
  type OnebotAccountTable,
  type OnebotTable,
  type QqbotAccountTable,
  type QqbotTable,
} from './schema.js';
import { readChoice, resolveChoice, type SecretChoice, type SecretKeys, type SecretName } from './secrets.js';
import { nearest } from './suggestion.js';

/** What a channel's table is read with. */
export interface AccountSource<T extends QqbotTable | OnebotTable> {
  /** The channel's table; undefined when the file has none. */
  readonly table: T | undefined;
  /** As it is called in the file, for messages. */
  readonly tableName: string;
  readonly backends: ReadonlySet<string>;
  readonly env: NodeJS.ProcessEnv;
  /** Folder of the config file. */
  readonly folder: string;
  readonly refused: ReadonlySet<string>;
  readonly secrets: 'required' | 'optional';
  readonly findings: Findings;
}

/** Whatever the channel. */
type AnySource = AccountSource<QqbotTable> | AccountSource<OnebotTable>;

/** One account as it stands in the file. */
export interface Entry<A extends QqbotAccountTable | OnebotAccountTable> {
  readonly id: AccountId;
  readonly path: readonly string[];
  readonly own: A;
  readonly isDefault: boolean;
  /** Its channel and it are switched on. */
  readonly enabled: boolean;
}

type AnyEntry = Entry<QqbotAccountTable> | Entry<OnebotAccountTable>;

/** The accounts of a channel in the order of their ids, and which of them is the default. */
export function readEntries<A extends QqbotAccountTable | OnebotAccountTable>(
  source: AnySource,
  accounts: { readonly [name: string]: A } | undefined,
): Omit<ChannelConfig<never>, 'accounts'> & { readonly entries: readonly Entry<A>[] } {
  const channel: QqbotTable | OnebotTable = source.table ?? {};
  const enabled = source.table !== undefined && (channel.enabled ?? true);
  const names = accountNames(source, Object.keys(accounts ?? {}));
  const standard = chooseDefault(source, channel, [...names.keys()]);
  const entries = [...names].map(([id, name]): Entry<A> => {
    const own = (name === undefined ? undefined : accounts?.[name]) ?? ({} as A);
    return {
      id,
      path: name === undefined ? [source.tableName] : [source.tableName, 'accounts', name],
      own,
      isDefault: id === standard.id,
      enabled: enabled && (own.enabled ?? true),
    };
  });
  const isConfigured = source.table !== undefined;
  return { isConfigured, enabled, defaultAccount: standard.id, defaultSource: standard.source, entries };
}

/** Id → name in the file, sorted by id; no accounts at all is one account `default`, which has no table of its own. */
function accountNames(
  { tableName, findings }: AnySource,
  inFile: readonly string[],
): ReadonlyMap<AccountId, string | undefined> {
  const names = new Map<AccountId, string>();
  for (const name of inFile) {
    const id = normaliseAccountId(name);
    const path = keyPath([tableName, 'accounts', name]);
    const earlier = names.get(id);
    if (earlier !== undefined) {
      findings.problem(path, `is the same account as \`${earlier}\`: both are read as \`${id}\``, 'rename one of them');
    } else {
      names.set(id, name);
    }
    if (isReservedAccountName(id)) {
      findings.problem(
        path,
        `\`${id}\` is the name of a channel or of a kind of conversation`,
        'rename the account: targets like `qqbot:c2c:ID` would be ambiguous',
      );
    }
  }
  if (names.size === 0) return new Map([[normaliseAccountId('default'), undefined]]);
  return new Map([...names].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function chooseDefault(
  { tableName, findings }: AnySource,
  channel: QqbotTable | OnebotTable,
  ids: readonly AccountId[],
): { id: AccountId; source: ChannelConfig<never>['defaultSource'] } {
  const [first = normaliseAccountId('default')] = ids;
  if (channel.default_account !== undefined) {
    const id = normaliseAccountId(channel.default_account);
    if (ids.includes(id)) return { id, source: 'default_account' };
    const meant = nearest(id, ids);
    findings.problem(
      keyPath([tableName, 'default_account']),
      `there is no account \`${id}\``,
      meant === undefined
        ? `there ${ids.length === 1 ? 'is only' : 'are'} ${listed(ids)}`
        : `did you mean \`${meant}\`?`,
    );
    return { id: first, source: 'fallback' };
  }
  const named = ids.find((id) => id === 'default');
  if (named !== undefined) return { id: named, source: 'named_default' };
  if (ids.length === 1) return { id: first, source: 'only_account' };
  findings.warn(
    `${tableName}: the default account is \`${first}\` only because it is the first by name; set \`default_account\` in [${tableName}] to one of ${listed(ids)}`,
  );
  return { id: first, source: 'fallback' };
}

/** What the environment says of the default account, asked where the file is silent. */
interface EnvironmentPeers {
  readonly allowedPeerIds?: () => readonly string[];
  readonly dmPolicy?: () => AccountBasics['dmPolicy'] | undefined;
}

/** What accounts of all channels have alike. */
export function basicsOf<C extends ChannelId>(
  channelId: C,
  source: AnySource,
  entry: AnyEntry,
  environment: EnvironmentPeers = {},
): AccountBasics & { readonly channel: C } {
  const channel: QqbotTable | OnebotTable = source.table ?? {};
  const { own } = entry;
  const readsEnvironment = entry.isDefault && entry.enabled;
  const silentPolicy = readsEnvironment ? environment.dmPolicy?.() : undefined;
  const allowedPeerIds = allowedPeers(channel, entry, readsEnvironment ? environment : {});
  const dmPolicy = own.dm_policy ?? channel.dm_policy ?? silentPolicy ?? DEFAULTS.dm_policy;
  if (entry.enabled) checkPrivateChats(source, entry, dmPolicy, allowedPeerIds);
  return {
    channel: channelId,
    id: entry.id,
    table: entry.path,
    inherited: Object.keys(channel).filter((key) => !Object.hasOwn(own, key)),
    enabled: entry.enabled,
    allowedPeerIds,
    dmPolicy,
    groupPolicy: own.group_policy ?? channel.group_policy ?? DEFAULTS.group_policy,
    groupAllowFrom: own.group_allow_from ?? channel.group_allow_from ?? DEFAULTS.group_allow_from,
    groups: groupsOf(source, own.groups === undefined ? [source.tableName] : entry.path, own.groups ?? channel.groups),
    requireMention: own.default_require_mention ?? channel.default_require_mention ?? DEFAULTS.default_require_mention,
    parkTtlMs: own.park_ttl ?? channel.park_ttl ?? parseDuration(DEFAULTS.park_ttl) ?? 0,
    backend: backendOf(source, channel, entry),
    textChunkLimit: own.text_chunk_limit ?? channel.text_chunk_limit ?? DEFAULTS.text_chunk_limit,
    chunkMode: own.chunk_mode ?? channel.chunk_mode ?? DEFAULTS.chunk_mode,
    markdown: own.markdown ?? channel.markdown ?? DEFAULTS.markdown,
    apology: own.apology ?? channel.apology ?? DEFAULTS.apology,
    typing: own.typing ?? channel.typing ?? DEFAULTS.typing,
    systemPrompt: own.system_prompt ?? channel.system_prompt ?? DEFAULTS.system_prompt,
    historyLimit: own.history_limit ?? channel.history_limit ?? DEFAULTS.history_limit,
    historyChars: own.history_chars ?? channel.history_chars ?? DEFAULTS.history_chars,
  };
}

function groupsOf(
  source: AnySource,
  path: readonly string[],
  tables: QqbotTable['groups'],
): ReadonlyMap<string, GroupRule> {
  return new Map(
    Object.entries(tables ?? {}).map(([id, rule]): [string, GroupRule] => {
      const { enabled = true, require_mention: requireMention, allow_from: allowFrom, skills, tools, backend } = rule;
      if (backend !== undefined) checkBackend(source, backend, [...path, 'groups', id, 'backend']);
      return [
        id,
        {
          enabled,
          ...(requireMention === undefined ? {} : { requireMention }),
          ...(allowFrom === undefined ? {} : { allowFrom }),
          ...(rule.system_prompt === undefined ? {} : { systemPrompt: rule.system_prompt }),
          ...(skills === undefined ? {} : { skills }),
          ...(tools === undefined ? {} : { tools: { allow: tools.allow ?? [], deny: tools.deny ?? [] } }),
          ...(backend === undefined ? {} : { backend }),
        },
      ];
    }),
  );
}

/** The account's own choice, whatever its form; else the channel's; else what `silent` finds. */
export async function findSecret(
  source: AnySource,
  entry: AnyEntry,
  name: SecretName,
  ofChannel: SecretChoice | undefined,
  silent: () => Resolved,
  silentRemedy: string,
): Promise<Resolved> {
  const hasOwnTable = entry.path.length > 1;
  const choice = (hasOwnTable ? readChoice(name, entry.own as SecretKeys, entry.path, source) : undefined) ?? ofChannel;
  if (choice === 'broken') return { ok: false, why: `\`${name}\` is not configured correctly` };
  const path = choice?.path ?? keyPath([...entry.path, name]);
  const found = choice === undefined ? silent() : await resolveChoice(choice, name, source);
  if (!found.ok && entry.enabled && source.secrets === 'required') {
    const remedy =
      choice === undefined
        ? silentRemedy
        : `${choice.form === 'env' ? 'set it' : 'put it there'}, or correct \`${name}_${choice.form}\``;
    source.findings.problem(path, found.why, remedy);
  }
  return found;
}

function allowedPeers(
  channel: QqbotTable | OnebotTable,
  { own }: AnyEntry,
  { allowedPeerIds = () => [] }: EnvironmentPeers,
): readonly string[] {
  return [...new Set(own.allowed_peer_ids ?? channel.allowed_peer_ids ?? allowedPeerIds())];
}

/** Everybody is let in where both keys say so; where only one of them does, somebody may not have meant it. */
function checkPrivateChats(
  { tableName, findings }: AnySource,
  { id, path, own }: AnyEntry,
  dmPolicy: AccountBasics['dmPolicy'],
  allowedPeerIds: readonly string[],
): void {
  const everybody = meansEverybody(allowedPeerIds);
  if (dmPolicy === 'open' && !everybody) {
    findings.problem(
      keyPath([...(own.dm_policy === undefined ? [tableName] : path), 'dm_policy']),
      `account \`${id}\`: "open" lets everybody in, and allowed_peer_ids does not say so`,
      'add "*" to allowed_peer_ids if everyone who finds the bot may use it; else use "pairing" or "allowlist"',
    );
  }
  if (!everybody || dmPolicy === 'disabled' || dmPolicy === 'open') return;
  const pairs =
    dmPolicy === 'pairing'
      ? ', and nobody is asked to pair (dm_policy = "pairing" has no effect); take "*" out for pairing, or set dm_policy = "open"'
      : '; list ids in `allowed_peer_ids` if that is not meant';
  findings.warn(
    `${tableName}: account \`${id}\` allows "*": everyone who finds the bot may talk with it in private${pairs}`,
  );
}

function backendOf(source: AnySource, channel: QqbotTable | OnebotTable, entry: AnyEntry): string {
  const name = entry.own.backend ?? channel.backend ?? DEFAULTS.backend;
  checkBackend(source, name, [...(entry.own.backend === undefined ? [source.tableName] : entry.path), 'backend']);
  return name;
}

function checkBackend({ backends, refused, findings }: AnySource, name: string, path: readonly string[]): void {
  if (backends.has(name) || refused.has('backends')) return;
  const meant = nearest(name, [...backends]);
  findings.problem(
    keyPath(path),
    `there is no backend \`${name}\``,
    meant === undefined
      ? `define it as [backends.<name>], or use one of ${listed([...backends])}`
      : `did you mean \`${meant}\`?`,
  );
}

export function listed(names: readonly string[]): string {
  return names.map((name) => `\`${name}\``).join(', ');
}
