/** `loong channels`: what there is, what each account still needs, and what the daemon says of it. */
import { allowedPeers } from '../access/allowed-peers.js';
import type { Config, QqbotAccount } from '../config/config.js';
import { readConfig } from '../config/read-config.js';
import type { AccountStatus, DaemonStatus } from '../control/api.js';
import { describeError } from '../model/errors.js';
import { CHANNELS } from '../model/target.js';
import { printJson } from './exit.js';
import type { GlobalOptions } from './global-options.js';
import { stateLines } from './live-status.js';
import { findDaemon } from './running-daemon.js';

interface Requirement {
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

interface AccountInventory {
  readonly account: string;
  readonly default: boolean;
  readonly enabled: boolean;
  readonly configured: boolean;
  readonly operations: readonly Operation[];
  readonly live?: AccountStatus;
}

/** Targets whose meaning stays, whatever happens to credentials and transports. */
const TARGET_TEMPLATES = [
  { target: 'qqbot:<account>:c2c:<openid>', meaning: 'direct message openid' },
  { target: 'qqbot:<account>:group:<openid>', meaning: 'group openid' },
  { target: 'qqbot:<account>:channel:<id>', meaning: 'guild channel id' },
  { target: 'qqbot:<account>:dm:<guild_id>', meaning: 'guild direct message session' },
] as const;

export async function listChannels(options: GlobalOptions): Promise<void> {
  const config = await readConfig({
    env: process.env,
    secrets: 'optional',
    path: options.config,
  });
  const daemon = await askDaemon(config);
  const { label, aliases, kinds } = CHANNELS.qqbot;
  const channel = {
    id: 'qqbot',
    label,
    config_key: 'qqbot',
    implementation_status: 'runtime_backed',
    transport: 'qq_official_bot_gateway',
    aliases,
    default_target_kind: 'conversation',
    kinds,
    target_templates: TARGET_TEMPLATES.map(({ target }) => target),
    runtime_owner: 'gateway run or direct channels serve qqbot',
    supervised: true,
    running: daemon !== undefined,
    default_account: config.qqbot.defaultAccount,
    default_account_source: config.qqbot.defaultSource,
    accounts: config.qqbot.accounts.map((account) => inventoryOf(config, account, daemon?.accounts)),
  } as const;
  if (options.json) return printJson({ config: config.path, channels: [channel], warnings: config.warnings });

  console.log(`config: ${config.path}\n`);
  console.log(`${label} [${channel.id}]`);
  const indent = `\n${' '.repeat(25)}`;
  const facts: readonly (readonly [string, string])[] = [
    ['config key', channel.config_key],
    ['implementation status', `${channel.implementation_status}: loong owns the QQ gateway session itself`],
    ['transport', channel.transport],
    ['aliases', aliases.join(', ')],
    ['default target kind', `${channel.default_target_kind} (${kinds.join(', ')})`],
    ['targets', TARGET_TEMPLATES.map(({ target, meaning }) => `${target.padEnd(32)} ${meaning}`).join(indent)],
    ['runtime owner', channel.runtime_owner],
    ['supervised', 'yes: `loong gateway run` keeps every account running, each on its own'],
    ['health check', 'loong doctor'],
    ['running', daemon === undefined ? 'no; start it with `loong channels serve qqbot`' : `yes, pid ${daemon.pid}`],
  ];
  for (const [name, value] of facts) console.log(`  ${name.padEnd(22)} ${value}`);
  for (const account of channel.accounts) printAccount(account);
  for (const warning of config.warnings) console.error(`warning: ${warning}`);
}

/** An inventory is of use without the daemon, too. */
async function askDaemon(config: Config): Promise<DaemonStatus | undefined> {
  try {
    const daemon = await findDaemon(config.gateway.stateDir);
    const status = await daemon?.status();
    await daemon?.close();
    return status;
  } catch (error) {
    console.error(`warning: ${describeError(error)}`);
    return undefined;
  }
}

function inventoryOf(
  config: Config,
  account: QqbotAccount,
  live: readonly AccountStatus[] | undefined,
): AccountInventory {
  const forSend = [enabledRequirement(account), appIdRequirement(account), clientSecretRequirement(account)];
  const forServe = [...forSend, peersRequirement(account)];
  const state = live?.find((status) => status.account === account.id);
  return {
    account: account.id,
    default: account.id === config.qqbot.defaultAccount,
    enabled: account.enabled,
    configured: account.appId.ok && account.clientSecret.ok,
    operations: [operation('send', account, forSend), operation('serve', account, forServe)],
    ...(state === undefined ? {} : { live: state }),
  };
}

function operation(id: 'send' | 'serve', { enabled }: QqbotAccount, requirements: readonly Requirement[]): Operation {
  const ready = requirements.every(({ met }) => met);
  const health = ready ? 'ready' : enabled ? 'misconfigured' : 'disabled';
  return { id, command: `loong channels ${id} qqbot`, health, ready, requirements };
}

function paths(key: string): readonly string[] {
  return [`qqbot.${key}`, `qqbot.accounts.<account>.${key}`];
}

function enabledRequirement(account: QqbotAccount): Requirement {
  return {
    id: 'enabled',
    label: 'channel enabled',
    config_paths: paths('enabled'),
    env_pointer_paths: [],
    met: account.enabled,
  };
}

function appIdRequirement({ appId }: QqbotAccount): Requirement {
  return {
    id: 'app_id',
    label: 'qq bot app id',
    config_paths: paths('app_id'),
    env_pointer_paths: paths('app_id_env'),
    default_env: 'QQBOT_APP_ID',
    met: appId.ok,
    ...(appId.ok ? {} : { detail: appId.why }),
  };
}

function clientSecretRequirement({ clientSecret }: QqbotAccount): Requirement {
  return {
    id: 'client_secret',
    label: 'qq bot client secret',
    config_paths: paths('client_secret'),
    env_pointer_paths: paths('client_secret_env'),
    default_env: 'QQBOT_CLIENT_SECRET',
    met: clientSecret.ok,
    ...(clientSecret.ok ? {} : { detail: clientSecret.why }),
  };
}

function peersRequirement({ allowedPeerIds }: QqbotAccount): Requirement {
  const met = !allowedPeers(allowedPeerIds).isEmpty;
  return {
    id: 'allowed_peer_ids',
    label: 'allowed peer ids',
    config_paths: paths('allowed_peer_ids'),
    env_pointer_paths: [],
    met,
    ...(met ? {} : { detail: 'the list is empty, so nobody could ever be answered' }),
  };
}

function printAccount(account: AccountInventory): void {
  const marks = [
    account.default ? 'default' : '',
    account.enabled ? 'enabled' : 'disabled',
    account.configured ? 'configured' : 'not configured',
  ];
  console.log(`\n  account ${account.account} (${marks.filter((mark) => mark !== '').join(', ')})`);
  if (account.live !== undefined) {
    const [state, ...more] = stateLines(account.live, Date.now());
    console.log(`    live   ${state}`);
    for (const line of more) console.log(`           ${line}`);
  }
  for (const { id, command, health, requirements } of account.operations) {
    console.log(`    ${id.padEnd(6)} ${health} (${command})`);
    for (const requirement of requirements) printRequirement(requirement);
  }
}

function printRequirement(requirement: Requirement): void {
  const { label, met, detail, config_paths, env_pointer_paths, default_env } = requirement;
  console.log(`      ${met ? 'met' : 'missing'}: ${label}${detail === undefined ? '' : `: ${detail}`}`);
  console.log(`        config       ${config_paths.join(', ')}`);
  console.log(`        env pointer  ${env_pointer_paths.length === 0 ? 'none' : env_pointer_paths.join(', ')}`);
  console.log(`        default env  ${default_env ?? 'none'}`);
}
