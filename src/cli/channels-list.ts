/** `loong channels`: what there is, what each account still needs, and what the daemon says of it. */
import type { Config } from '../config/config.js';
import { readConfig } from '../config/read-config.js';
import type { DaemonStatus } from '../control/api.js';
import { describeError } from '../model/errors.js';
import { CHANNELS, type ChannelId } from '../model/target.js';
import { NO_PAIRINGS, type PairingList } from '../store/pairing-reader.js';
import {
  type AccountInventory,
  type ChannelInventory,
  inventoryOf,
  type Requirement,
  RUNTIMES,
  TARGET_TEMPLATES,
} from './channel-inventory.js';
import { printJson } from './exit.js';
import type { GlobalOptions } from './global-options.js';
import { privateLine, stateLines } from './live-status.js';
import { pairingsIn } from './pairings-in.js';
import { findDaemon } from './running-daemon.js';

export async function listChannels(options: GlobalOptions): Promise<void> {
  const config = await readConfig({
    env: process.env,
    secrets: 'optional',
    path: options.config,
  });
  const daemon = await askDaemon(config);
  const pairings = readPairings(config);
  const channels = (Object.keys(CHANNELS) as ChannelId[]).map((id) => inventoryOf(config, id, daemon, pairings));
  if (options.json) return printJson({ config: config.path, channels, warnings: config.warnings });
  console.log(`config: ${config.path}`);
  for (const channel of channels) {
    if (channel.configured || channel.running) printChannel(channel, daemon);
    else printUnused(channel, config);
  }
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

/** Nor does a database that cannot be read keep the inventory back. */
function readPairings({ gateway }: Config): PairingList {
  try {
    return pairingsIn(gateway.stateDir);
  } catch (error) {
    console.error(`warning: ${describeError(error)}`);
    return NO_PAIRINGS;
  }
}

/** Of a channel that nobody wants nothing is missing. */
function printUnused({ id, label }: ChannelInventory, { path }: Config): void {
  console.log(`\n${label} [${id}]: not configured`);
  console.log(`  to use it write ${FIRST_KEYS[id]} into ${path}`);
}

/** The least that has to be said of each. */
const FIRST_KEYS: { readonly [C in ChannelId]: string } = {
  qqbot: '[qqbot] with app_id_env, client_secret_env and allowed_peer_ids',
  onebot: '[onebot] with access_token_env and allowed_peer_ids (NapCat & co. then dial in)',
};

function printChannel(channel: ChannelInventory, daemon: DaemonStatus | undefined): void {
  const { id, label, kinds, aliases } = channel;
  console.log(`\n${label} [${id}]`);
  const indent = `\n${' '.repeat(25)}`;
  const targets = TARGET_TEMPLATES[id].map(({ target, meaning }) => `${target.padEnd(32)} ${meaning}`);
  const facts: readonly (readonly [string, string])[] = [
    ['config key', channel.config_key],
    ['implementation status', `${channel.implementation_status}: ${RUNTIMES[id]}`],
    ['transport', channel.transport],
    ['aliases', aliases.join(', ')],
    ['default target kind', `${channel.default_target_kind} (${kinds.join(', ')})`],
    ['targets', targets.join(indent)],
    ['runtime owner', channel.runtime_owner],
    ['supervised', 'yes: `loong gateway run` keeps every account running, each on its own'],
    ['health check', 'loong doctor'],
    ['running', runningLine(channel, daemon)],
  ];
  for (const [name, value] of facts) console.log(`  ${name.padEnd(22)} ${value}`);
  for (const account of channel.accounts) printAccount(account);
}

function runningLine({ id, running }: ChannelInventory, daemon: DaemonStatus | undefined): string {
  if (daemon === undefined) return `no; start it with \`loong channels serve ${id}\``;
  return running ? `yes, pid ${daemon.pid}` : `no; the daemon of pid ${daemon.pid} runs without it`;
}

function printAccount(account: AccountInventory): void {
  const marks = [
    account.default ? 'default' : '',
    account.enabled ? 'enabled' : 'disabled',
    account.configured ? 'configured' : 'not configured',
  ];
  const name = account.name === undefined ? '' : ` "${account.name}"`;
  console.log(`\n  account ${account.account}${name} (${marks.filter((mark) => mark !== '').join(', ')})`);
  if (account.endpoint !== undefined && account.enabled) {
    const who = account.self_id === undefined ? 'the first QQ that connects' : `QQ ${account.self_id}`;
    const isCalled = account.endpoint.startsWith('http:');
    console.log(`    listens at ${account.endpoint} for ${isCalled ? 'callbacks of QQ' : who}`);
  }
  if (account.live === undefined) console.log(`    ${privateLine(account.dm_policy, account.pairings)}`);
  else {
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
