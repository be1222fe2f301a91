/** `loong status`: the whole of it on one screen: daemon, accounts, who answers, what waits, what is wrong. */
import { join } from 'node:path';
import type { Account, Config } from '../config/config.js';
import { readConfig } from '../config/read-config.js';
import { describeError } from '../model/errors.js';
import { NO_PAIRINGS, type PairingList } from '../store/pairing-reader.js';
import { listRows, readQueue } from '../store/queue-reader.js';
import type { QueueRow } from '../store/store.js';
import { type ChannelStatus, channelStatus, documentOf, printChannelStatus } from './channels-status.js';
import { printJson } from './exit.js';
import type { GlobalOptions } from './global-options.js';
import { pairingsIn } from './pairings-in.js';
import { accountsOf } from './require-channel.js';

/** Exit code 69 when no daemon runs, as of `channels status`. */
export async function showStatus(options: GlobalOptions): Promise<void> {
  const config = await readConfig({ env: process.env, secrets: 'optional', path: options.config });
  const { stateDir } = config.gateway;
  const status = await channelStatus(options);
  const rows = orNone([], () =>
    readQueue(join(stateDir, 'loong.db'), [], (read): readonly QueueRow[] => listRows(read, Date.now())),
  );
  const { pending } = orNone(NO_PAIRINGS, () => pairingsIn(stateDir));
  process.exitCode = status.exitCode;
  if (options.json) {
    return printJson({
      config: config.path,
      state_dir: stateDir,
      ...documentOf(status),
      backends: answering(config),
      queue: countsOf(rows),
      pairings_waiting: pending.length,
      warnings: config.warnings,
    });
  }
  print(config, status, rows, pending);
}

/** A database that cannot be read keeps the rest of the screen not back. */
function orNone<T>(none: T, look: () => T): T {
  try {
    return look();
  } catch (error) {
    console.error(`warning: ${describeError(error)}`);
    return none;
  }
}

function print(
  config: Config,
  status: ChannelStatus,
  rows: readonly QueueRow[],
  pending: PairingList['pending'],
): void {
  printChannelStatus(status);
  console.log('');
  line('answers', ...Object.entries(answering(config)).map(([account, backend]) => `${account} by ${backend}`));
  const counts = Object.entries(countsOf(rows)).filter(([, count]) => count > 0);
  line(
    'queue',
    counts.length === 0
      ? 'nothing waits'
      : `${counts.map(([what, count]) => `${count} ${what}`).join(' · ')}: \`loong queue\``,
  );
  line('pairing', pending.length === 0 ? 'nobody waits' : `${pending.length} waiting: \`loong pairing list\``);
  line('log', config.log.file ?? 'to stderr: the terminal or the systemd journal');
  line('config', config.path);
  for (const warning of config.warnings) console.error(`warning: ${warning}`);
}

function line(name: string, ...values: readonly string[]): void {
  for (const [i, value] of values.entries()) console.log(`${(i === 0 ? name : '').padEnd(9)}${value}`);
}

/** Which backend answers for each enabled account. */
function answering(config: Config): { readonly [account: string]: string } {
  const named = ({ backend }: Account) => `${backend} (${config.backends.get(backend)?.type ?? 'unknown'})`;
  return Object.fromEntries(
    accountsOf(config)
      .filter(({ enabled }) => enabled)
      .map((account) => [`${account.channel}:${account.id}`, named(account)]),
  );
}

/** Of what is open, and of what went wrong among the last that were settled. */
function countsOf(rows: readonly QueueRow[]): { readonly [what: string]: number } {
  const count = (direction: 'in' | 'out', ...statuses: readonly string[]) =>
    rows.filter((row) => row.direction === direction && statuses.includes(row.status)).length;
  return {
    unanswered: count('in', 'waiting'),
    queued: count('out', 'queued', 'sending'),
    parked: count('out', 'parked'),
    uncertain: count('out', 'uncertain'),
    failed: count('in', 'failed') + count('out', 'failed'),
  };
}
