/** A daemon in the foreground of this process. */
import { setFlagsFromString } from 'node:v8';
import { describeReading, mayMeanGroups } from '../access/admission.js';
import type { Account, Config } from '../config/config.js';
import { StuckAccounts } from '../control/stuck-accounts.js';
import { startDaemon } from '../daemon/daemon.js';
import { ConfigError, describeError } from '../model/errors.js';
import { laneId } from '../model/target.js';
import { type Log, openLog, Secrets } from '../telemetry/log.js';
import { EXIT } from './exit.js';
import type { GlobalOptions } from './global-options.js';
import { serviceManager } from './service-manager.js';

/**
 * What is no longer needed is collected once the heap has grown by half: on a small server others need the memory too. Measured with
 * `npm run bench`: a sixth less after a flood, at no more CPU. It is looked for within our own thread: messages are short-lived, and other
 * threads that follow them through the memory cost a seventh of the CPU.
 */
const THRIFT = [
  '--heap-growing-percent=50',
  '--no-concurrent-marking',
  '--no-concurrent-sweeping',
  '--no-parallel-scavenge',
  '--no-parallel-compaction',
  '--no-parallel-pointer-update',
];

/**
 * Runs until SIGINT, SIGTERM or a request over the control socket; a second signal ends it at once. Then the process exits.
 * `onRunning` is called once the daemon owns its state directory and runs.
 * @throws what `startDaemon` throws
 */
export async function runUntilStopped(
  config: Config,
  accounts: readonly Account[],
  options: GlobalOptions,
  onRunning: () => void = () => undefined,
): Promise<void> {
  for (const flag of THRIFT) setFlagsFromString(flag);
  const secrets = new Secrets();
  const log = await openDaemonLog(config, options, secrets);
  for (const warning of config.warnings) log.warn(warning);
  for (const account of accounts) tellReading(account, log);
  process.on('uncaughtException', (error) => {
    const { stack } = error;
    log.fatal(
      { error: describeError(error), stack },
      'a fault in loong ends it; the journal is safe, a restart goes on',
    );
    process.exit(EXIT.bug);
  });
  const signalled = new Promise<string>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.on(signal, () => {
        resolve(signal);
        process.once(signal, () => process.exit(EXIT.notFinished));
      });
    }
  });
  const daemon = await startDaemon(config, accounts, {
    log,
    secrets,
    runtimeDir: process.env.XDG_RUNTIME_DIR,
    proxy: config.gateway.proxy,
  });
  onRunning();
  const manager = serviceManager(process.env, log);
  const stuck = new StuckAccounts();
  manager.ready((passedMs) => stuck.look(daemon.status().accounts, passedMs));
  const why = await Promise.race([signalled, daemon.stopRequested.then(() => 'loong gateway stop')]);
  log.info({ why }, 'stopping: running turns and sends are finished first');
  manager.stopping();
  await daemon.stop();
  process.exit(EXIT.done);
}

/** Entries of `group_allow_from` may be people or groups, so it is said once as what each was taken. */
function tellReading(account: Account, log: Log): void {
  const { channel, id, groupAllowFrom } = account;
  if (groupAllowFrom.length === 0) return;
  const lane = laneId({ channel, account: id });
  log.info({ lane, values: describeReading(account) }, 'group_allow_from is read so');
  if (mayMeanGroups(account)) {
    log.warn(
      { lane },
      `group_allow_from names senders, and no group is named: if groups are meant, write "group:ID", or a table [${channel}.groups.ID] for each`,
    );
  }
}

/** @throws ConfigError when the log file cannot be opened */
async function openDaemonLog({ log }: Config, { logLevel }: GlobalOptions, secrets: Secrets): Promise<Log> {
  try {
    return await openLog({ level: logLevel ?? log.level, format: log.format, file: log.file }, secrets);
  } catch (error) {
    if (log.file === undefined) throw error;
    throw new ConfigError([
      {
        path: 'log.file',
        message: `cannot be opened: ${describeError(error)}`,
        remedy: 'name a file in a folder that exists and where this user may write',
      },
    ]);
  }
}
