/** `loong pairing`: people who ask to talk with the bot, and what an operator decides about them. */
import type { Config } from '../config/config.js';
import { readConfig } from '../config/read-config.js';
import type { ApprovedDocument, PairingDocument, PendingDocument } from '../control/api.js';
import type { ControlClient } from '../control/control-client.js';
import {
  approvalDocument,
  lanesOf,
  pairingDocument,
  pendingDocument,
  revocationDocument,
} from '../control/pairing-operations.js';
import { LoongError } from '../model/errors.js';
import type { ChannelId } from '../model/target.js';
import type { PairingDesk } from '../relay/pairing-desk.js';
import { openLog, Secrets } from '../telemetry/log.js';
import { printJson } from './exit.js';
import type { GlobalOptions } from './global-options.js';
import { pairingsIn } from './pairings-in.js';
import { accountsOf, requireAccount, requireChannel } from './require-channel.js';
import { findDaemon } from './running-daemon.js';

export interface PairingOptions extends GlobalOptions {
  readonly account?: string;
}

export interface ListOptions extends PairingOptions {
  readonly approved?: true;
}

export interface ApproveOptions extends PairingOptions {
  readonly notify?: true;
}

export async function listPairings(channelName: string | undefined, options: ListOptions): Promise<void> {
  const channel = channelName === undefined ? undefined : requireChannel(channelName);
  const config = await configOf(options);
  const account =
    options.account === undefined ? undefined : requireAccount(accountsOf(config, channel), options.account).id;
  const all = pairingDocument(pairingsIn(config.gateway.stateDir));
  const isMeant = (one: ApprovedDocument | PendingDocument) =>
    (channel === undefined || one.channel === channel) && (account === undefined || one.account === account);
  const { pending, approved }: PairingDocument = {
    pending: all.pending.filter(isMeant),
    approved: all.approved.filter(isMeant),
  };
  if (options.json) return printJson(options.approved ? { approved } : { pending });
  if (options.approved) return printApproved(approved);
  printPending(pending, Date.now());
}

export async function approvePairing(channelName: string, given: string, options: ApproveOptions): Promise<void> {
  const channel = requireChannel(channelName);
  const { account } = options;
  const notify = options.notify === true;
  const { done, isRunning, config } = await decide(channel, options, {
    beside: (daemon) => daemon.approve({ channel, account, pairing: given, notify }),
    alone: async (desk, lanes) => approvalDocument(await desk.approve(lanes, given, notify)),
  });
  if (options.json) return printJson(done);
  const { approved, answers, notice } = done;
  console.log(`approved ${whoIs(approved)}`);
  const later = isRunning ? '' : ' when the daemon runs: `loong gateway run`';
  if (answers !== null) console.log(`  → what they wrote (${answers}) is answered${later || ' now'}`);
  if (notice !== null) console.log(`  → they are told (${notice})${later}`);
  if (requireAccount(accountsOf(config, channel), approved.account).dmPolicy === 'disabled')
    console.log('  → nobody is answered in private there: dm_policy is "disabled"');
}

export async function denyPairing(channelName: string, given: string, options: PairingOptions): Promise<void> {
  const channel = requireChannel(channelName);
  const { done } = await decide(channel, options, {
    beside: (daemon) => daemon.deny({ channel, account: options.account, pairing: given }),
    alone: async (desk, lanes) => ({ denied: pendingDocument(await desk.deny(lanes, given)) }),
  });
  if (options.json) return printJson(done);
  console.log(`denied ${whoIs(done.denied)}`);
}

export async function revokePairing(channelName: string, user: string, options: PairingOptions): Promise<void> {
  const channel = requireChannel(channelName);
  const { done, config } = await decide(channel, options, {
    beside: (daemon) => daemon.revoke({ channel, account: options.account, pairing: user }),
    alone: async (desk, lanes) => revocationDocument(await desk.revoke(lanes, user)),
  });
  if (options.json) return printJson(done);
  const { revoked, stopped } = done;
  console.log(`revoked ${whoIs(revoked)}`);
  if (stopped.length > 0) console.log(`  → not sent any more: ${stopped.join(', ')}`);
  const account = requireAccount(accountsOf(config, channel), revoked.account);
  if (account.allowedPeerIds.some((entry) => entry === revoked.user_id || entry === `c2c:${revoked.user_id}`))
    console.log('  → they still stand in allowed_peer_ids');
}

/** Through the daemon where one runs, else in the database itself. */
async function decide<T>(
  channel: ChannelId,
  options: PairingOptions,
  how: {
    readonly beside: (daemon: ControlClient) => Promise<T>;
    readonly alone: (desk: PairingDesk, lanes: readonly string[]) => Promise<T>;
  },
): Promise<{ readonly done: T; readonly isRunning: boolean; readonly config: Config }> {
  const config = await configOf(options);
  const accounts = accountsOf(config, channel);
  const { account } = options;
  if (account !== undefined) requireAccount(accounts, account);
  const daemon = await findDaemon(config.gateway.stateDir);
  if (daemon === undefined) {
    const { decidePairing } = await import('../daemon/pairing-once.js');
    const { level, format, file } = config.log;
    const log = await openLog({ level: options.logLevel ?? level, format, file }, new Secrets());
    const done = await decidePairing(config, log, (desk) => how.alone(desk, lanesOf(accounts, { channel, account })));
    if (done === undefined) {
      throw new LoongError('pairing.unknown', 'nobody ever wrote: there is no database yet', {
        remedy: 'start the daemon: `loong gateway run`',
      });
    }
    return { done, isRunning: false, config };
  }
  try {
    return { done: await how.beside(daemon), isRunning: true, config };
  } finally {
    await daemon.close();
  }
}

function configOf(options: GlobalOptions): Promise<Config> {
  return readConfig({ env: process.env, secrets: 'optional', path: options.config });
}

function printPending(pending: readonly PendingDocument[], now: number): void {
  if (pending.length === 0) console.log('nobody waits for approval');
  for (const one of pending) {
    const minutes = Math.max(1, Math.round((one.expires_at - now) / 60_000));
    console.log(`${one.code}  ${whoIs(one)}  good for ${minutes} min`);
  }
  for (const { channel, code } of pending.slice(0, 1)) console.log(`  → loong pairing approve ${channel} ${code}`);
}

function printApproved(approved: readonly ApprovedDocument[]): void {
  if (approved.length === 0) console.log('nobody was approved by pairing');
  for (const one of approved) console.log(`${whoIs(one)}  since ${new Date(one.approved_at).toISOString()}`);
}

/** Lanes let no name through that would do something to a terminal. */
function whoIs({ channel, account, user_id: user, name }: ApprovedDocument | PendingDocument): string {
  return `${channel}:${account} ${user}${name === undefined ? '' : ` "${name}"`}`;
}
