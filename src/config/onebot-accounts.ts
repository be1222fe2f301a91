/** Accounts over OneBot: where each listens, who may connect there, and how long is waited. */
import { isLoopback } from '../model/loopback.js';
import type { AccountId } from '../model/target.js';
import { type AccountSource, basicsOf, type Entry, findSecret, readEntries } from './accounts.js';
import type { ChannelConfig, OnebotAccount } from './config.js';
import { keyPath } from './findings.js';
import { DEFAULTS, type OnebotAccountTable, type OnebotTable } from './schema.js';
import { readChoice, type SecretChoice } from './secrets.js';

const MIB = 1_048_576;

type Source = AccountSource<OnebotTable>;
type OnebotEntry = Entry<OnebotAccountTable>;

export async function readOnebotAccounts(source: Source): Promise<ChannelConfig<OnebotAccount>> {
  const channel = source.table ?? {};
  const { entries, ...rest } = readEntries(source, channel.accounts);
  const ofChannel = readChoice('access_token', channel, [source.tableName], source);
  const accounts: OnebotAccount[] = [];
  for (const entry of entries) accounts.push(await readAccount(source, channel, entry, ofChannel));
  tellSharedSelfIds(source, accounts);
  tellSharedEndpoints(source, accounts);
  return { ...rest, accounts };
}

async function readAccount(
  source: Source,
  channel: OnebotTable,
  entry: OnebotEntry,
  ofChannel: SecretChoice | undefined,
): Promise<OnebotAccount> {
  const { own } = entry;
  const wsHost = (own.ws_host ?? channel.ws_host ?? DEFAULTS.ws_host).toLowerCase().replace(/^\[|\]$/g, '');
  const hasChoice = ofChannel !== undefined || readChoice('access_token', own, entry.path, source) !== undefined;
  const accessToken = hasChoice
    ? await findSecret(source, entry, 'access_token', ofChannel, () => ({ ok: false, why: 'no access token' }), '')
    : undefined;
  if (accessToken === undefined && entry.enabled && !isLoopback(wsHost)) {
    source.findings.problem(
      keyPath([...entry.path, 'access_token_env']),
      `account \`${entry.id}\` listens on ${wsHost}, where others can reach it, without an access token`,
      'name a variable that holds the token (and give NapCat the same one), or set ws_host = "127.0.0.1"',
    );
  }
  return {
    ...basicsOf('onebot', source, entry),
    name: own.name ?? channel.name,
    selfId: own.self_id ?? channel.self_id,
    wsHost,
    wsPort: own.ws_port ?? channel.ws_port ?? DEFAULTS.ws_port,
    wsPath: own.ws_path ?? channel.ws_path ?? DEFAULTS.ws_path,
    accessToken,
    mediaMaxBytes: (own.media_max_mb ?? channel.media_max_mb ?? DEFAULTS.media_max_mb) * MIB,
    heartbeat: heartbeatOf(channel, own),
    reconnect: reconnectOf(channel, own),
  };
}

function heartbeatOf({ heartbeat: ofChannel }: OnebotTable, { heartbeat: own }: OnebotAccountTable) {
  const { enabled, interval, timeout } = DEFAULTS.heartbeat;
  return {
    enabled: own?.enabled ?? ofChannel?.enabled ?? enabled,
    intervalMs: own?.interval ?? ofChannel?.interval ?? interval,
    timeoutMs: own?.timeout ?? ofChannel?.timeout ?? timeout,
  };
}

function reconnectOf({ reconnect: ofChannel }: OnebotTable, { reconnect: own }: OnebotAccountTable) {
  const waits = DEFAULTS.reconnect;
  return {
    enabled: own?.enabled ?? ofChannel?.enabled ?? waits.enabled,
    maxRetries: own?.max_retries ?? ofChannel?.max_retries ?? waits.max_retries,
    retryDelayMs: own?.retry_delay ?? ofChannel?.retry_delay ?? waits.retry_delay,
    backoffMultiplier: own?.backoff_multiplier ?? ofChannel?.backoff_multiplier ?? waits.backoff_multiplier,
    maxDelayMs: own?.max_delay ?? ofChannel?.max_delay ?? waits.max_delay,
  };
}

/** One QQ, one account: two would answer everything twice. */
function tellSharedSelfIds({ tableName, findings }: Source, accounts: readonly OnebotAccount[]): void {
  const owners = new Map<string, AccountId>();
  for (const { id, enabled, selfId } of accounts) {
    if (!enabled || selfId === undefined) continue;
    const owner = owners.get(selfId);
    if (owner === undefined) owners.set(selfId, id);
    else
      findings.problem(
        keyPath([tableName, 'accounts']),
        `\`${owner}\` and \`${id}\` have the same self_id`,
        'give each account a QQ of its own, or remove one: everything would be answered twice',
      );
  }
}

/** On one path accounts are told apart by their self ids; on one port all must mean the same address. */
function tellSharedEndpoints({ tableName, findings }: Source, accounts: readonly OnebotAccount[]): void {
  const path = keyPath([tableName, 'accounts']);
  const seen: OnebotAccount[] = [];
  for (const account of accounts.filter(({ enabled, wsPort }) => enabled && wsPort !== 0)) {
    const neighbours = seen.filter(({ wsPort }) => wsPort === account.wsPort);
    seen.push(account);
    const rival = neighbours.find((known) => cannotBeToldApart(known, account));
    if (rival !== undefined) {
      findings.problem(
        path,
        `\`${rival.id}\` and \`${account.id}\` listen on the same address and path, and cannot be told apart`,
        'give each its own ws_path, or each its own self_id',
      );
    }
    const overlapping = neighbours.find(({ wsHost }) => overlap(wsHost, account.wsHost));
    if (overlapping !== undefined) {
      findings.problem(
        path,
        `\`${overlapping.id}\` and \`${account.id}\` listen on port ${account.wsPort} of ${overlapping.wsHost} and of ${account.wsHost}, which the system takes for the same`,
        'write the same ws_host for both',
      );
    }
  }
}

function cannotBeToldApart(a: OnebotAccount, b: OnebotAccount): boolean {
  const pathOf = ({ wsPath }: OnebotAccount) => wsPath.replace(/\/+$/, '');
  const haveIds = a.selfId !== undefined && b.selfId !== undefined; // of their own: that they are the same was told
  return a.wsHost === b.wsHost && pathOf(a) === pathOf(b) && !haveIds;
}

/** Two names of one address: the second to listen there is refused. */
export function overlap(a: string, b: string): boolean {
  if (a === b) return false;
  const isEverything = (host: string) => host === '0.0.0.0' || host === '::';
  const mayBeSame = (name: string, address: string) => name === 'localhost' && isLoopback(address);
  return isEverything(a) || isEverything(b) || mayBeSame(a, b) || mayBeSame(b, a);
}
