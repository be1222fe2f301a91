/** `loong channels`: what there is, what each account still needs, and what the daemon says of it. */
import { allowedPeers } from '../access/allowed-peers.js';
import type { Config, QqbotAccount } from '../config/config.js';
import { readConfig } from '../config/read-config.js';
import type { AccountStatus } from '../control/api.js';
import { ControlClient } from '../control/control-client.js';
import { CHANNELS } from '../model/target.js';
import { printJson } from './exit.js';
import type { GlobalOptions } from './global-options.js';

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

export async function listChannels(options: GlobalOptions): Promise<void> {
  const config = await readConfig({
    env: process.env,
    secrets: 'optional',
    path: options.config,
  });
  const live = await liveStates(config);
  const accounts = config.qqbot.accounts.map((account) => inventoryOf(config, account, live));
  const { label, aliases } = CHANNELS.qqbot;
  const channel = {
    id: 'qqbot',
    label,
    implementation_status: 'runtime_backed',
    transport: 'qq_official_bot_gateway',
    aliases,
    default_target_kind: 'c2c',
    target_templates: [
      'qqbot:<account>:c2c:<openid>',
      'qqbot:<account>:group:<openid>',
      'qqbot:<account>:channel:<id>',
    ],
    runtime_owner: 'channels serve qqbot',
    running: live !== undefined,
    accounts,
  };
  if (options.json) return printJson({ config: config.path, channels: [channel], warnings: config.warnings });

  console.log(`config: ${config.path}\n`);
  console.log(`${label} [qqbot]`);
  const facts: readonly (readonly [string, string])[] = [
    ['status', 'runtime_backed: loong owns the QQ gateway session itself'],
    ['transport', channel.transport],
    ['aliases', aliases.join(', ')],
    ['targets', channel.target_templates.join('\n             ')],
    ['runtime', live === undefined ? 'not running; start it with `loong channels serve qqbot`' : 'running'],
  ];
  for (const [name, value] of facts) console.log(`  ${name.padEnd(10)} ${value}`);
  for (const account of accounts) printAccount(account);
  for (const warning of config.warnings) console.error(`warning: ${warning}`);
}

async function liveStates(config: Config): Promise<readonly AccountStatus[] | undefined> {
  const daemon = await ControlClient.find(config.gateway.stateDir);
  if (daemon === undefined) return undefined;
  try {
    return (await daemon.status()).accounts;
  } finally {
    await daemon.close();
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
    operations: [
      operation('send', 'loong channels send qqbot', forSend),
      operation('serve', 'loong channels serve qqbot', forServe),
    ],
    ...(state === undefined ? {} : { live: state }),
  };
}

function operation(id: 'send' | 'serve', command: string, requirements: readonly Requirement[]): Operation {
  return { id, command, ready: requirements.every(({ met }) => met), requirements };
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
  for (const { id, ready, requirements } of account.operations) {
    console.log(`    ${id.padEnd(6)} ${ready ? 'ready' : 'not ready'}`);
    for (const requirement of requirements.filter(({ met }) => !met)) {
      console.log(
        `           missing: ${requirement.label}${requirement.detail === undefined ? '' : `: ${requirement.detail}`}`,
      );
      console.log(`             set ${[...requirement.config_paths, ...requirement.env_pointer_paths].join(' or ')}`);
    }
  }
  if (account.live !== undefined) {
    const { state, detail, remedy } = account.live;
    console.log(`    live   ${state}${detail === undefined ? '' : `: ${detail}`}`);
    if (remedy !== undefined) console.log(`           → ${remedy}`);
  }
}
