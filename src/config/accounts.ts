/** From the table of the channel to its accounts: what each inherits, which is the default, and what must not clash. */
import { type AccountId, isReservedAccountName, normaliseAccountId } from '../model/target.js';
import type { QqbotAccount, QqbotConfig, Resolved } from './config.js';
import { parseDuration } from './duration.js';
import { type Findings, keyPath } from './findings.js';
import { readPeerEntry } from './peer-entry.js';
import { type AccountTable, DEFAULTS, type QqbotTable } from './schema.js';
import { readChoice, resolveChoice, resolveFromEnvironment, type SecretChoice, type SecretName } from './secrets.js';
import { isExposed, readServiceUrl } from './service-url.js';
import { nearest } from './suggestion.js';

export interface AccountSource {
  /** The channel's table; undefined when the file has none. */
  readonly table: QqbotTable | undefined;
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

/** One account as it stands in the file. */
interface Entry {
  readonly id: AccountId;
  readonly path: readonly string[];
  readonly own: AccountTable;
  readonly isDefault: boolean;
}

/** Variables of the environment that the default account reads where the file is silent; the first that is filled counts. */
export const ENVIRONMENT: { readonly [S in SecretName]: readonly string[] } = {
  app_id: [DEFAULTS.app_id_env, 'QQ_BOT_APP_ID'],
  client_secret: [DEFAULTS.client_secret_env, 'QQ_BOT_APP_SECRET', 'QQ_APP_SECRET'],
};

export async function readAccounts(source: AccountSource): Promise<QqbotConfig> {
  const channel = source.table ?? {};
  const enabled = source.table !== undefined && (channel.enabled ?? true);
  const names = accountNames(source, channel);
  const standard = chooseDefault(source, channel, [...names.keys()]);
  const entries: Entry[] = [...names].map(([id, name]) => ({
    id,
    path: name === undefined ? [source.tableName] : [source.tableName, 'accounts', name],
    own: (name === undefined ? undefined : channel.accounts?.[name]) ?? {},
    isDefault: id === standard.id,
  }));
  const choices = {
    app_id: readChoice('app_id', channel, [source.tableName], source),
    client_secret: readChoice('client_secret', channel, [source.tableName], source),
  };
  const accounts: QqbotAccount[] = [];
  for (const entry of entries) accounts.push(await readAccount(source, channel, enabled, entry, choices));
  tellSharedAppIds(source, accounts);
  return { enabled, defaultAccount: standard.id, defaultSource: standard.source, accounts };
}

/** Id → name in the file, sorted by id; no accounts at all is one account `default`, which has no table of its own. */
function accountNames(
  { tableName, findings }: AccountSource,
  channel: QqbotTable,
): ReadonlyMap<AccountId, string | undefined> {
  const names = new Map<AccountId, string>();
  for (const name of Object.keys(channel.accounts ?? {})) {
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
  { tableName, findings }: AccountSource,
  channel: QqbotTable,
  ids: readonly AccountId[],
): { id: AccountId; source: QqbotConfig['defaultSource'] } {
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

async function readAccount(
  source: AccountSource,
  channel: QqbotTable,
  channelEnabled: boolean,
  entry: Entry,
  choices: { readonly [S in SecretName]: SecretChoice | undefined },
): Promise<QqbotAccount> {
  const { own } = entry;
  const enabled = channelEnabled && (own.enabled ?? true);
  const windows = DEFAULTS.reply_windows;
  const windowOf = (kind: 'c2c' | 'group' | 'channel') => ({
    minutes: own.reply_windows?.[kind]?.minutes ?? channel.reply_windows?.[kind]?.minutes ?? windows[kind].minutes,
    count: own.reply_windows?.[kind]?.count ?? channel.reply_windows?.[kind]?.count ?? windows[kind].count,
  });
  return {
    channel: 'qqbot',
    id: entry.id,
    enabled,
    appId: await findSecret(source, entry, enabled, 'app_id', choices.app_id),
    clientSecret: await findSecret(source, entry, enabled, 'client_secret', choices.client_secret),
    allowedPeerIds: allowedPeers(source, channel, entry, enabled),
    apiBaseUrl: serviceUrl(source, channel, entry, enabled, 'api_base_url').replace(/\/+$/, ''),
    tokenUrl: serviceUrl(source, channel, entry, enabled, 'token_url'),
    intents: [...new Set(own.intents ?? channel.intents ?? DEFAULTS.intents)],
    replyWindows: { c2c: windowOf('c2c'), group: windowOf('group'), channel: windowOf('channel') },
    parkTtlMs: own.park_ttl ?? channel.park_ttl ?? parseDuration(DEFAULTS.park_ttl) ?? 0,
    requireMention: own.default_require_mention ?? channel.default_require_mention ?? DEFAULTS.default_require_mention,
    backend: backendOf(source, channel, entry),
    textChunkLimit: own.text_chunk_limit ?? channel.text_chunk_limit ?? DEFAULTS.text_chunk_limit,
    chunkMode: own.chunk_mode ?? channel.chunk_mode ?? DEFAULTS.chunk_mode,
    markdown: own.markdown ?? channel.markdown ?? DEFAULTS.markdown,
    apology: own.apology ?? channel.apology ?? DEFAULTS.apology,
  };
}

/** The account's own choice, whatever its form; else the channel's; else, for the default account, the environment. */
async function findSecret(
  source: AccountSource,
  entry: Entry,
  enabled: boolean,
  name: SecretName,
  ofChannel: SecretChoice | undefined,
): Promise<Resolved> {
  const hasOwnTable = entry.path.length > 1;
  const choice = (hasOwnTable ? readChoice(name, entry.own, entry.path, source) : undefined) ?? ofChannel;
  if (choice === 'broken') return { ok: false, why: `\`${name}\` is not configured correctly` };
  const path = choice?.path ?? keyPath([...entry.path, name]);
  const found = choice === undefined ? silentFile(source, entry, name) : await resolveChoice(choice, name, source);
  if (!found.ok && enabled && source.secrets === 'required') {
    const remedy =
      choice === undefined
        ? missingRemedy(entry, name)
        : `${choice.form === 'env' ? 'set it' : 'put it there'}, or correct \`${name}_${choice.form}\``;
    source.findings.problem(path, found.why, remedy);
  }
  return found;
}

function silentFile({ env }: AccountSource, entry: Entry, name: SecretName): Resolved {
  const keys = `none of \`${name}\`, \`${name}_env\`, \`${name}_file\` is set`;
  if (!entry.isDefault) return { ok: false, why: `${keys} for account \`${entry.id}\`` };
  const names = ENVIRONMENT[name];
  return (
    resolveFromEnvironment(names, env) ?? {
      ok: false,
      why: `${keys}, nor is any of ${listed(names)} in the environment`,
    }
  );
}

function missingRemedy(entry: Entry, name: SecretName): string {
  const write = `write \`${name}_env = "…"\` with the name of a variable into [${keyPath(entry.path)}]`;
  return entry.isDefault ? `set \`${DEFAULTS[`${name}_env`]}\`, or ${write}` : write;
}

function allowedPeers(source: AccountSource, channel: QqbotTable, entry: Entry, enabled: boolean): readonly string[] {
  const inFile = entry.own.allowed_peer_ids ?? channel.allowed_peer_ids;
  const entries = inFile ?? (entry.isDefault && enabled ? peersOfEnvironment(source) : []);
  if (enabled && entries.includes('*')) {
    source.findings.warn(
      `${source.tableName}: account \`${entry.id}\` allows "*": everyone who finds the bot may talk with it in private; list ids in \`allowed_peer_ids\` if that is not meant`,
    );
  }
  return [...new Set(entries)];
}

function peersOfEnvironment({ env, findings }: AccountSource): readonly string[] {
  const entries: string[] = [];
  for (const text of (env.QQ_ALLOW_FROM ?? '').split(/[,;\r\n]/)) {
    if (text.trim() === '') continue;
    const entry = readPeerEntry(text);
    if (typeof entry === 'string') entries.push(entry);
    else findings.problem('QQ_ALLOW_FROM', `environment variable: ${entry.message}`, entry.remedy);
  }
  return entries;
}

const URL_ENVIRONMENT = { api_base_url: 'QQ_BOT_API_BASE_URL', token_url: 'QQBOT_TOKEN_URL' } as const;

function serviceUrl(
  source: AccountSource,
  channel: QqbotTable,
  entry: Entry,
  enabled: boolean,
  name: 'api_base_url' | 'token_url',
): string {
  const { env, findings } = source;
  const variable = URL_ENVIRONMENT[name];
  const inherited = entry.own[name] === undefined;
  let path = keyPath([...(inherited ? [source.tableName] : entry.path), name]);
  let url = entry.own[name] ?? channel[name];
  if (url === undefined && entry.isDefault && enabled && (env[variable] ?? '').trim() !== '') {
    const read = readServiceUrl(env[variable] ?? '');
    path = variable;
    if (read instanceof URL) url = read;
    else findings.problem(path, `environment variable ${read.message}`, read.remedy);
  }
  if (url === undefined) return DEFAULTS[name];
  if (isExposed(url) && !(entry.own.allow_http ?? channel.allow_http ?? DEFAULTS.allow_http)) {
    findings.problem(
      path,
      'is plain http to another machine: the secret could be read on the way',
      'use https, or set `allow_http = true` if that network is yours',
    );
  }
  return url.href;
}

function backendOf(
  { tableName, backends, refused, findings }: AccountSource,
  channel: QqbotTable,
  entry: Entry,
): string {
  const name = entry.own.backend ?? channel.backend ?? DEFAULTS.backend;
  if (backends.has(name) || refused.has('backends')) return name;
  const meant = nearest(name, [...backends]);
  findings.problem(
    keyPath([...(entry.own.backend === undefined ? [tableName] : entry.path), 'backend']),
    `there is no backend \`${name}\``,
    meant === undefined
      ? `define it as [backends.<name>], or use one of ${listed([...backends])}`
      : `did you mean \`${meant}\`?`,
  );
  return name;
}

/** One bot, one account: two would take each other's gateway session and answer everything twice. */
function tellSharedAppIds({ tableName, findings }: AccountSource, accounts: readonly QqbotAccount[]): void {
  const owners = new Map<string, AccountId>();
  for (const { id, enabled, appId } of accounts) {
    if (!enabled || !appId.ok) continue;
    const owner = owners.get(appId.value);
    if (owner === undefined) owners.set(appId.value, id);
    else
      findings.problem(
        keyPath([tableName, 'accounts']),
        `\`${owner}\` and \`${id}\` have the same app id`,
        'give each account a bot of its own, or remove one',
      );
  }
}

function listed(names: readonly string[]): string {
  return names.map((name) => `\`${name}\``).join(', ');
}
