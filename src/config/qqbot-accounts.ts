/** Accounts of the official bot: what each inherits, and where its credentials are. */
import type { AccountId } from '../model/target.js';
import { type AccountSource, basicsOf, type Entry, findSecret, listed, readEntries } from './accounts.js';
import type { ChannelConfig, QqbotAccount, Resolved, WebhookPlace } from './config.js';
import { keyPath } from './findings.js';
import { readPeerEntry } from './peer-entry.js';
import { DEFAULTS, DM_POLICIES, type QqbotAccountTable, type QqbotTable } from './schema.js';
import { readChoice, resolveFromEnvironment, type SecretChoice } from './secrets.js';
import { isExposed, readServiceUrl } from './service-url.js';
import { listenAddress, urlPath } from './value-kinds.js';

type Source = AccountSource<QqbotTable>;
type QqbotEntry = Entry<QqbotAccountTable>;
type Credential = 'app_id' | 'client_secret';

/** Variables of the environment that the default account reads where the file is silent; the first that is filled counts. */
export const ENVIRONMENT: { readonly [S in Credential]: readonly string[] } = {
  app_id: [DEFAULTS.app_id_env, 'QQ_BOT_APP_ID'],
  client_secret: [DEFAULTS.client_secret_env, 'QQ_BOT_APP_SECRET', 'QQ_APP_SECRET'],
};

const WEBHOOK_LISTEN = listenAddress().parse(DEFAULTS.webhook_listen);

export async function readQqbotAccounts(source: Source): Promise<ChannelConfig<QqbotAccount>> {
  const channel = source.table ?? {};
  const { entries, ...rest } = readEntries(source, channel.accounts);
  const choices = {
    app_id: readChoice('app_id', channel, [source.tableName], source),
    client_secret: readChoice('client_secret', channel, [source.tableName], source),
  };
  const accounts: QqbotAccount[] = [];
  for (const entry of entries) accounts.push(await readAccount(source, channel, entry, choices));
  tellSharedAppIds(source, accounts);
  return { ...rest, accounts };
}

async function readAccount(
  source: Source,
  channel: QqbotTable,
  entry: QqbotEntry,
  choices: { readonly [S in Credential]: SecretChoice | undefined },
): Promise<QqbotAccount> {
  const { own } = entry;
  const windows = DEFAULTS.reply_windows;
  const windowOf = (kind: 'c2c' | 'group' | 'channel') => ({
    minutes: own.reply_windows?.[kind]?.minutes ?? channel.reply_windows?.[kind]?.minutes ?? windows[kind].minutes,
    count: own.reply_windows?.[kind]?.count ?? channel.reply_windows?.[kind]?.count ?? windows[kind].count,
  });
  const credential = (name: Credential) =>
    findSecret(source, entry, name, choices[name], () => silentFile(source, entry, name), missingRemedy(entry, name));
  return {
    ...basicsOf('qqbot', source, entry, {
      allowedPeerIds: () => peersOfEnvironment(source),
      dmPolicy: () => dmPolicyOfEnvironment(source),
    }),
    appId: await credential('app_id'),
    clientSecret: await credential('client_secret'),
    transport: own.transport ?? channel.transport ?? DEFAULTS.transport,
    webhook: webhookPlace(source, channel, entry),
    apiBaseUrl: serviceUrl(source, channel, entry, 'api_base_url').replace(/\/+$/, ''),
    tokenUrl: serviceUrl(source, channel, entry, 'token_url'),
    intents: [...new Set(own.intents ?? channel.intents ?? DEFAULTS.intents)],
    replyWindows: { c2c: windowOf('c2c'), group: windowOf('group'), channel: windowOf('channel') },
  };
}

function silentFile({ env }: Source, entry: QqbotEntry, name: Credential): Resolved {
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

function missingRemedy(entry: QqbotEntry, name: Credential): string {
  const write = `write \`${name}_env = "…"\` with the name of a variable into [${keyPath(entry.path)}]`;
  return entry.isDefault ? `set \`${DEFAULTS[`${name}_env`]}\`, or ${write}` : write;
}

function peersOfEnvironment({ env, findings }: Source): readonly string[] {
  const entries: string[] = [];
  for (const text of (env.QQ_ALLOW_FROM ?? '').split(/[,;\r\n]/)) {
    if (text.trim() === '') continue;
    const entry = readPeerEntry(text, 'qqbot');
    if (typeof entry === 'string') entries.push(entry);
    else findings.problem('QQ_ALLOW_FROM', `environment variable: ${entry.message}`, entry.remedy);
  }
  return entries;
}

function dmPolicyOfEnvironment({ env, findings }: Source): QqbotAccount['dmPolicy'] | undefined {
  const text = (env.QQ_DM_POLICY ?? '').trim().toLowerCase();
  if (text === '') return undefined;
  const word = text === 'closed' ? 'disabled' : text;
  const known = DM_POLICIES.find((policy) => policy === word);
  if (known === undefined) {
    findings.problem(
      'QQ_DM_POLICY',
      'environment variable is no policy',
      `use one of ${listed(DM_POLICIES)}, or remove the variable`,
    );
  }
  return known;
}

function webhookPlace(source: Source, channel: QqbotTable, { own, isDefault, enabled }: QqbotEntry): WebhookPlace {
  const path = own.webhook_path ?? channel.webhook_path;
  const address = own.webhook_listen ?? channel.webhook_listen ?? WEBHOOK_LISTEN;
  const readsEnvironment = path === undefined && isDefault && enabled;
  return {
    ...address,
    path: path ?? (readsEnvironment ? pathOfEnvironment(source) : undefined) ?? DEFAULTS.webhook_path,
  };
}

function pathOfEnvironment({ env, findings }: Source): string | undefined {
  const text = (env.QQ_OFFICIAL_WEBHOOK_PATH ?? '').trim();
  if (text === '') return undefined;
  const read = urlPath(DEFAULTS.webhook_path).safeParse(text);
  if (read.success) return read.data;
  findings.problem(
    'QQ_OFFICIAL_WEBHOOK_PATH',
    'environment variable is no path',
    `write it like "${DEFAULTS.webhook_path}"`,
  );
  return undefined;
}

const URL_ENVIRONMENT = { api_base_url: 'QQ_BOT_API_BASE_URL', token_url: 'QQBOT_TOKEN_URL' } as const;

function serviceUrl(
  source: Source,
  channel: QqbotTable,
  entry: QqbotEntry,
  name: 'api_base_url' | 'token_url',
): string {
  const { env, findings } = source;
  const variable = URL_ENVIRONMENT[name];
  const inherited = entry.own[name] === undefined;
  let path = keyPath([...(inherited ? [source.tableName] : entry.path), name]);
  let url = entry.own[name] ?? channel[name];
  if (url === undefined && entry.isDefault && entry.enabled && (env[variable] ?? '').trim() !== '') {
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

/** One bot, one account: two would take each other's gateway session and answer everything twice. */
function tellSharedAppIds({ tableName, findings }: Source, accounts: readonly QqbotAccount[]): void {
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
