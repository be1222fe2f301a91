/** `loong gateway`: all enabled accounts under one supervisor, and how they are doing. */
import type { Config } from '../config/config.js';
import { readConfig } from '../config/read-config.js';
import type { DaemonStatus } from '../control/api.js';
import { pause } from '../model/backoff.js';
import { LoongError } from '../model/errors.js';
import { printJson } from './exit.js';
import type { GlobalOptions } from './global-options.js';
import { daemonLine, stateLines } from './live-status.js';
import { enabledAccounts } from './require-channel.js';
import { findDaemon, withDaemon } from './running-daemon.js';
import { ELSEWHERE_REMEDY, UNIT, unitRuns } from './systemd-unit.js';

/** A stopping daemon may take 10 s for running turns and sends. */
const STOP_LIMIT_MS = 15_000;
/** The process ends this soon after its socket is gone; a dead one that its parent does not collect looks alive for ever. */
const EXIT_LIMIT_MS = 3000;
const LOOK_EVERY_MS = 50;

export async function runGateway(options: GlobalOptions): Promise<void> {
  const config = await read(options, 'required');
  const accounts = enabledAccounts(config);
  const { runUntilStopped } = await import('./run-until-stopped.js');
  await runUntilStopped(
    { ...config, warnings: [...config.warnings, ...(await hiddenState(config, options))] },
    accounts,
    options,
  );
}

/** systemd tells its state directory to the daemon alone. */
async function hiddenState(config: Config, { config: path }: GlobalOptions): Promise<readonly string[]> {
  const { STATE_DIRECTORY, ...shell } = process.env;
  if (STATE_DIRECTORY === undefined) return [];
  const { stateDir } = config.gateway;
  const { gateway } = await readConfig({ env: shell, secrets: 'optional', path });
  if (gateway.stateDir === stateDir) return [];
  return [
    `only $STATE_DIRECTORY tells that the state is in ${stateDir}: other commands will not find this daemon, and send past it; put state_dir = "${stateDir}" under [gateway]`,
  ];
}

export async function showGatewayStatus(options: GlobalOptions): Promise<void> {
  const { gateway } = await read(options, 'optional');
  const status = await withDaemon(gateway.stateDir, (daemon) => daemon.status()).catch(orElsewhere);
  if (options.json) return printJson(status);
  printStatus(status, Date.now());
}

/** @throws `error`, with the better remedy where the daemon just runs elsewhere */
function orElsewhere(error: unknown): never {
  if (!(error instanceof LoongError) || error.code !== 'daemon.not_running' || !unitRuns()) throw error;
  throw new LoongError(error.code, `${error.message}, but the systemd unit \`${UNIT}\` runs`, {
    cause: error,
    remedy: ELSEWHERE_REMEDY,
  });
}

/** Resolves once the daemon is gone, so that the next one can start. */
export async function stopGateway(options: GlobalOptions): Promise<void> {
  const { stateDir } = (await read(options, 'optional')).gateway;
  const pid = await withDaemon(stateDir, async (daemon) => {
    const status = await daemon.status();
    await daemon.stop();
    return status.pid;
  }).catch(orElsewhere);
  if (!(await comesTrue(async () => !(await answers(stateDir)), STOP_LIMIT_MS))) {
    throw new LoongError('daemon.still_stopping', `pid ${pid} was asked to stop and is still running`, {
      remedy: `look at its log; \`kill -9 ${pid}\` is safe: nothing that was accepted is lost`,
    });
  }
  await comesTrue(() => !lives(pid), EXIT_LIMIT_MS);
  if (options.json) printJson({ stopped: true, pid });
  else console.log(`stopped (pid ${pid})`);
}

function read(options: GlobalOptions, secrets: 'required' | 'optional'): Promise<Config> {
  return readConfig({ env: process.env, secrets, path: options.config });
}

async function comesTrue(look: () => boolean | Promise<boolean>, limitMs: number): Promise<boolean> {
  const deadline = Date.now() + limitMs;
  while (!(await look())) {
    if (Date.now() > deadline) return false;
    await pause(LOOK_EVERY_MS);
  }
  return true;
}

/** A daemon that is just closing its socket may cut the question off: asked again, it is there or not. */
async function answers(stateDir: string): Promise<boolean> {
  try {
    const daemon = await findDaemon(stateDir);
    await daemon?.close();
    return daemon !== undefined;
  } catch {
    return true;
  }
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'; // another user's
  }
}

function printStatus(status: DaemonStatus, now: number): void {
  console.log(daemonLine(status, now));
  for (const account of status.accounts) {
    console.log(`  ${account.channel}:${account.account}`);
    for (const line of stateLines(account, now)) console.log(`    ${line}`);
  }
  const {
    'inbound.messages': received = 0,
    'turns.answered': answered = 0,
    'turns.failed': failed = 0,
    'outbound.delivered': delivered = 0,
  } = status.counters;
  console.log(`messages: ${received} in, ${answered} answered, ${failed} not answered, ${delivered} delivered`);
}
