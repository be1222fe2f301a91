/** What `loong channels` knows of each channel, and what each account needs before it can send or serve. */
import { unservable } from '../access/servable.js';
import type { Account, Config, OnebotAccount, QqbotAccount, Resolved } from '../config/config.js';
import type { AccountStatus, DaemonStatus } from '../control/api.js';
import { hostInUrl } from '../model/host.js';
import { isLoopback } from '../model/loopback.js';
import { CHANNELS, type ChannelId, kindName, laneId } from '../model/target.js';
import type { PairingList } from '../store/pairing-reader.js';

export interface Requirement {
  readonly id: string;
  readonly label: string;
  readonly config_paths: readonly string[];
  readonly env_pointer_paths: readonly string[];
  readonly default_env?: string;
  readonly met: boolean;
  readonly detail?: string;
}

interface Operation {
  readonly id: 'send' | 'serve';
  readonly command: string;
  readonly health: 'ready' | 'disabled' | 'misconfigured';
  readonly ready: boolean;
  readonly requirements: readonly Requirement[];
}

export interface AccountInventory {
  readonly account: string;
  /** Of OneBot: what people call it, and whose QQ it is. */
  readonly name?: string;
  readonly self_id?: string;
  /** Where OneBot programs dial in, or callbacks of QQ are taken. */
  readonly endpoint?: string;
  readonly default: boolean;
  readonly enabled: boolean;
  readonly configured: boolean;
  readonly dm_policy: Account['dmPolicy'];
  readonly pairings: { readonly pending: number; readonly approved: number };
  readonly operations: readonly Operation[];
  readonly live?: AccountStatus;
}

export interface ChannelInventory extends ChannelFacts {
  readonly id: ChannelId;
  readonly label: string;
  readonly config_key: string;
  readonly aliases: readonly string[];
  readonly default_target_kind: string;
  readonly kinds: readonly string[];
  readonly target_templates: readonly string[];
  readonly runtime_owner: string;
  readonly supervised: boolean;
  /** The config has a table of it. */
  readonly configured: boolean;
  /** The daemon runs and serves an account of it. */
  readonly running: boolean;
  readonly default_account: string;
  readonly default_account_source: string;
  readonly accounts: readonly AccountInventory[];
}

interface ChannelFacts {
  readonly implementation_status: string;
  readonly transport: string;
}

const FACTS: { readonly [C in ChannelId]: ChannelFacts } = {
  qqbot: { implementation_status: 'runtime_backed', transport: 'qq_official_bot_gateway' },
  onebot: { implementation_status: 'runtime_backed', transport: 'onebot_v11_reverse_websocket' },
};

/** What `runtime_backed` means for each, for people. */
export const RUNTIMES: { readonly [C in ChannelId]: string } = {
  qqbot: 'loong owns the QQ gateway session itself',
  onebot: 'loong owns the WebSocket server that NapCat & co. dial',
};

/** Targets whose meaning stays, whatever happens to credentials and transports. */
export const TARGET_TEMPLATES: {
  readonly [C in ChannelId]: readonly { readonly target: string; readonly meaning: string }[];
} = {
  qqbot: [
    { target: 'qqbot:<account>:c2c:<openid>', meaning: 'direct message openid' },
    { target: 'qqbot:<account>:group:<openid>', meaning: 'group openid' },
    { target: 'qqbot:<account>:channel:<id>', meaning: 'guild channel id' },
    { target: 'qqbot:<account>:dm:<guild_id>', meaning: 'guild direct message session' },
  ],
  onebot: [
    { target: 'onebot:<account>:private:<qq>', meaning: 'QQ number of a person' },
    { target: 'onebot:<account>:group:<group>', meaning: 'number of a group' },
  ],
};

export function inventoryOf(
  config: Config,
  id: ChannelId,
  daemon: DaemonStatus | undefined,
  pairings: PairingList,
): ChannelInventory {
  const { label, aliases, kinds } = CHANNELS[id];
  const { isConfigured, defaultAccount, defaultSource, accounts } = config[id];
  const live = daemon?.accounts.filter(({ channel }) => channel === id) ?? [];
  return {
    id,
    label,
    config_key: id,
    ...FACTS[id],
    aliases,
    default_target_kind: 'conversation',
    kinds: kinds.map((kind) => kindName(id, kind)),
    target_templates: TARGET_TEMPLATES[id].map(({ target }) => target),
    runtime_owner: `gateway run or direct channels serve ${id}`,
    supervised: true,
    configured: isConfigured,
    running: live.length > 0,
    default_account: defaultAccount,
    default_account_source: defaultSource,
    accounts: accounts.map((account) => accountInventory(account, account.id === defaultAccount, live, pairings)),
  };
}

function accountInventory(
  account: Account,
  isDefault: boolean,
  live: readonly AccountStatus[],
  { pending, approved }: PairingList,
): AccountInventory {
  const lane = laneId({ channel: account.channel, account: account.id });
  const countOf = (all: PairingList['pending'] | PairingList['approved']) =>
    all.filter((one) => one.account === lane).length;
  const state = live.find((status) => status.account === account.id);
  const own = account.channel === 'qqbot' ? qqbotNeeds(account) : onebotNeeds(account);
  const forSend = [enabledRequirement(account), ...own];
  const forServe = [...forSend, peersRequirement(account)];
  return {
    account: account.id,
    ...(account.channel === 'onebot' ? placeOf(account) : callbacksOf(account)),
    default: isDefault,
    enabled: account.enabled,
    configured: own.every(({ met }) => met),
    dm_policy: account.dmPolicy,
    pairings: { pending: countOf(pending), approved: countOf(approved) },
    operations: [operation('send', account, forSend), operation('serve', account, forServe)],
    ...(state === undefined ? {} : { live: state }),
  };
}

function callbacksOf({ transport, webhook: { host, port, path } }: QqbotAccount) {
  return transport === 'webhook' ? { endpoint: `http://${hostInUrl(host)}:${port}${path}` } : {};
}

function placeOf({ name, selfId, wsHost, wsPort, wsPath }: OnebotAccount) {
  return {
    ...(name === undefined ? {} : { name }),
    ...(selfId === undefined ? {} : { self_id: selfId }),
    endpoint: `ws://${hostInUrl(wsHost)}:${wsPort}${wsPath}`,
  };
}

function operation(
  id: 'send' | 'serve',
  { channel, enabled }: Account,
  requirements: readonly Requirement[],
): Operation {
  const ready = requirements.every(({ met }) => met);
  const health = ready ? 'ready' : enabled ? 'misconfigured' : 'disabled';
  return { id, command: `loong channels ${id} ${channel}`, health, ready, requirements };
}

function paths(channel: ChannelId, key: string): readonly string[] {
  return [`${channel}.${key}`, `${channel}.accounts.<account>.${key}`];
}

function enabledRequirement({ channel, enabled }: Account): Requirement {
  return {
    id: 'enabled',
    label: 'channel enabled',
    config_paths: paths(channel, 'enabled'),
    env_pointer_paths: [],
    met: enabled,
  };
}

function qqbotNeeds({ appId, clientSecret }: QqbotAccount): readonly Requirement[] {
  return [
    secretRequirement('qqbot', 'app_id', 'qq bot app id', appId, 'QQBOT_APP_ID'),
    secretRequirement('qqbot', 'client_secret', 'qq bot client secret', clientSecret, 'QQBOT_CLIENT_SECRET'),
  ];
}

/** On loopback nobody must give a token, unless one is configured. */
function onebotNeeds({ accessToken, wsHost }: OnebotAccount): readonly Requirement[] {
  const label = `access token${isLoopback(wsHost) ? ' (optional on loopback)' : ''}`;
  const none: Resolved = isLoopback(wsHost)
    ? { ok: true, value: '' }
    : { ok: false, why: `${wsHost} can be reached by others` };
  return [secretRequirement('onebot', 'access_token', label, accessToken ?? none)];
}

function secretRequirement(
  channel: ChannelId,
  id: string,
  label: string,
  found: Resolved,
  defaultEnv?: string,
): Requirement {
  return {
    id,
    label,
    config_paths: paths(channel, id),
    env_pointer_paths: paths(channel, `${id}_env`),
    ...(defaultEnv === undefined ? {} : { default_env: defaultEnv }),
    met: found.ok,
    ...(found.ok ? {} : { detail: found.why }),
  };
}

function peersRequirement(account: Account): Requirement {
  const { channel } = account;
  const problem = unservable(account);
  const met = problem === undefined;
  const isOnebot = channel === 'onebot';
  return {
    id: 'allowed_peer_ids',
    label: isOnebot ? 'allowed peer ids or groups' : 'allowed peer ids',
    config_paths: [...paths(channel, 'allowed_peer_ids'), ...(isOnebot ? paths(channel, 'groups') : [])],
    env_pointer_paths: [],
    met,
    ...(met ? {} : { detail: problem.message }),
  };
}
