/** `loong gateway`: all enabled accounts under one supervisor, and how they are doing. */
import type { Config } from '../config/config.js';
import { readConfig } from '../config/read-config.js';
import type { AccountStatus, DaemonStatus } from '../control/api.js';
import { ControlClient } from '../control/control-client.js';
import { pause } from '../model/backoff.js';
import { ConfigError, LoongError } from '../model/errors.js';
import { printJson } from './exit.js';
import type { GlobalOptions } from './global-options.js';

/** A stopping daemon may take 10 s for running turns and sends. */
const STOP_LIMIT_MS = 15_000;

export async function runGateway(options: GlobalOptions): Promise<void> {
  const config = await read(options, 'required');
  const accounts = config.qqbot.accounts.filter((account) => account.enabled);
  if (accounts.length === 0) {
    throw new ConfigError([
      {
        path: 'qqbot.enabled',
        message: 'no account of any channel is enabled',
        remedy: 'set enabled = true under [qqbot]',
      },
    ]);
  }
  const { runUntilStopped } = await import('./run-until-stopped.js');
  await runUntilStopped(config, accounts, options);
}

export async function showGatewayStatus(options: GlobalOptions): Promise<void> {
  const status = await withDaemon(options, (daemon) => daemon.status());
  if (options.json) return printJson(status);
  printStatus(status, Date.now());
}

export async function stopGateway(options: GlobalOptions): Promise<void> {
  const config = await read(options, 'optional');
  const pid = await withDaemon(options, async (daemon) => {
    const status = await daemon.status();
    await daemon.stop();
    return status.pid;
  });
  const deadline = Date.now() + STOP_LIMIT_MS;
  while (await stillRuns(config)) {
    if (Date.now() > deadline) {
      throw new LoongError('daemon.still_stopping', `pid ${pid} was asked to stop and is still running`, {
        remedy: `look at its log; \`kill -9 ${pid}\` is safe: nothing that was accepted is lost`,
      });
    }
    await pause(100);
  }
  if (options.json) printJson({ stopped: true, pid });
  else console.log(`stopped (pid ${pid})`);
}

function read(options: GlobalOptions, secrets: 'required' | 'optional'): Promise<Config> {
  return readConfig({ env: process.env, secrets, path: options.config });
}

async function stillRuns(config: Config): Promise<boolean> {
  const daemon = await ControlClient.find(config.gateway.stateDir);
  await daemon?.close();
  return daemon !== undefined;
}

/** @throws LoongError `daemon.not_running` (exit 69) */
async function withDaemon<T>(options: GlobalOptions, use: (daemon: ControlClient) => Promise<T>): Promise<T> {
  const config = await read(options, 'optional');
  const daemon = await ControlClient.find(config.gateway.stateDir);
  if (daemon === undefined) {
    throw new LoongError('daemon.not_running', `no daemon runs on ${config.gateway.stateDir}`, {
      remedy: 'start it with `loong gateway run`',
    });
  }
  try {
    return await use(daemon);
  } finally {
    await daemon.close();
  }
}

function printStatus({ pid, version, startedAt, accounts, counters }: DaemonStatus, now: number): void {
  console.log(`loong ${version} runs as pid ${pid} since ${since(startedAt, now)}`);
  for (const account of accounts) printAccount(account, now);
  const {
    'inbound.messages': received = 0,
    'turns.answered': answered = 0,
    'outbound.delivered': delivered = 0,
  } = counters;
  console.log(`messages: ${received} in, ${answered} answered, ${delivered} delivered`);
}

function printAccount(status: AccountStatus, now: number): void {
  const { channel, account, state, detail, remedy } = status;
  console.log(
    `  ${`${channel}:${account}`.padEnd(20)} ${state} (${since(status.since, now)})${detail === undefined ? '' : `: ${detail}`}`,
  );
  if (remedy !== undefined) console.log(`  ${' '.repeat(20)} → ${remedy}`);
}

/** `3 s`, `12 min`, `5 h`, `2 d`: how long ago. */
function since(at: number, now: number): string {
  const seconds = Math.max(0, Math.round((now - at) / 1000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} d`;
}
