/** `loong channels status`: how every account is doing, by its daemon and, if asked to, by QQ itself. */
import type { Account, Config, OnebotAccount, QqbotAccount } from '../config/config.js';
import { readConfig } from '../config/read-config.js';
import type { AccountStatus, DaemonStatus } from '../control/api.js';
import type { ControlClient } from '../control/control-client.js';
import { askImplementation } from '../doctor/onebot-connection.js';
import { describeError, LoongError } from '../model/errors.js';
import { EXIT, printJson } from './exit.js';
import type { GlobalOptions } from './global-options.js';
import { daemonLine, stateLines } from './live-status.js';
import { accountsOf } from './require-channel.js';
import { findDaemon } from './running-daemon.js';

export interface StatusOptions extends GlobalOptions {
  readonly probe?: true;
}

/** One question to the OneBot program waits so long. */
const PROBE_LIMIT_MS = 15_000;

export interface ProbeStep {
  readonly name: string;
  readonly level: 'ok' | 'warn' | 'fail';
  readonly detail: string;
  readonly remedy?: string;
  /** It failed because nothing answered. */
  readonly unreached?: true;
}

interface AccountReport {
  readonly channel: string;
  readonly account: string;
  readonly enabled: boolean;
  readonly live?: AccountStatus;
  readonly probe?: readonly ProbeStep[];
}

/** What is known of every account, and what follows of it for the exit code. */
export interface ChannelStatus {
  readonly stateDir: string;
  readonly daemon: DaemonStatus | undefined;
  readonly accounts: readonly AccountReport[];
  readonly exitCode: number;
}

export async function showChannelStatus(options: StatusOptions): Promise<void> {
  const status = await channelStatus(options);
  process.exitCode = status.exitCode;
  if (options.json) printJson(documentOf(status));
  else printChannelStatus(status);
}

export async function channelStatus(options: StatusOptions): Promise<ChannelStatus> {
  const config = await readConfig({ env: process.env, secrets: 'optional', path: options.config });
  const { stateDir } = config.gateway;
  const { client, status: daemon } = await askDaemon(stateDir, options);
  try {
    const probe = options.probe ? await prober(config, options, client, daemon) : undefined;
    const accounts = await Promise.all(
      shownAccounts(config).map(async (account): Promise<AccountReport> => {
        const live = liveOf(account, daemon);
        return {
          channel: account.channel,
          account: account.id,
          enabled: account.enabled,
          ...(live === undefined ? {} : { live }),
          ...(probe === undefined || !account.enabled ? {} : { probe: await probe(account) }),
        };
      }),
    );
    return { stateDir, daemon, accounts, exitCode: exitCodeOf(daemon, accounts, options) };
  } finally {
    await client?.close();
  }
}

/** For `--json`. */
export function documentOf({ daemon, accounts }: ChannelStatus) {
  return { daemon: daemon === undefined ? null : facts(daemon), accounts };
}

/** A channel that is not there is not shown, unless there is none at all. */
function shownAccounts(config: Config): readonly Account[] {
  const shown = accountsOf(config).filter(({ channel }) => config[channel].enabled);
  return shown.length > 0 ? shown : accountsOf(config, 'qqbot');
}

function liveOf({ channel, id }: Account, daemon: DaemonStatus | undefined): AccountStatus | undefined {
  return daemon?.accounts.find((status) => status.channel === channel && status.account === id);
}

/** A daemon that hangs is no reason not to ask QQ. */
async function askDaemon(
  stateDir: string,
  { probe }: StatusOptions,
): Promise<{ readonly client?: ControlClient | undefined; readonly status?: DaemonStatus | undefined }> {
  try {
    const client = await findDaemon(stateDir);
    return { client, status: await client?.status() };
  } catch (error) {
    if (!probe) throw error;
    console.error(`warning: ${describeError(error)}`);
    return {};
  }
}

/** Asks QQ, with nothing of a secret in what it tells; over OneBot through the daemon, for there the other side connects. */
async function prober(
  config: Config,
  options: StatusOptions,
  client: ControlClient | undefined,
  daemon: DaemonStatus | undefined,
): Promise<(account: Account) => Promise<readonly ProbeStep[]>> {
  const askPlatform = await platformProber(config, options);
  return (account) =>
    account.channel === 'qqbot' ? askPlatform(account) : askOverOnebot(account, client, liveOf(account, daemon));
}

async function platformProber(
  config: Config,
  { logLevel }: StatusOptions,
): Promise<(account: QqbotAccount) => Promise<readonly ProbeStep[]>> {
  const [{ probeAccount }, { openLog, Secrets }] = await Promise.all([
    import('../daemon/probe-account.js'),
    import('../telemetry/log.js'),
  ]);
  const secrets = new Secrets();
  const log = await openLog({ level: logLevel ?? 'error', format: 'auto' }, secrets);
  return async (account) => {
    try {
      const steps = await probeAccount(account, {
        log,
        secrets,
        runtimeDir: process.env.XDG_RUNTIME_DIR,
        proxy: config.gateway.proxy,
      });
      return steps.map((step) => ({ ...step, detail: secrets.strikeOut(step.detail) }));
    } catch (error) {
      if (!(error instanceof LoongError)) throw error;
      const remedy = error.remedy ?? '`loong channels` tells where they may be set';
      return [{ name: 'credentials', level: 'fail', detail: describeError(error).replaceAll('\n', '; '), remedy }];
    }
  };
}

async function askOverOnebot(
  account: OnebotAccount,
  client: ControlClient | undefined,
  live: AccountStatus | undefined,
): Promise<readonly ProbeStep[]> {
  const step = { name: 'connection', level: 'fail', unreached: true } as const;
  const remedy = 'start it with `loong gateway run`';
  if (client === undefined)
    return [{ ...step, detail: 'no daemon runs that a OneBot program could connect with', remedy }];
  if (live === undefined) return [{ ...step, detail: 'the running daemon does not serve this account', remedy }];
  return askImplementation(account, (action) => client.onebot(account.id, action, {}, PROBE_LIMIT_MS));
}

function exitCodeOf(
  daemon: DaemonStatus | undefined,
  accounts: readonly AccountReport[],
  { probe }: StatusOptions,
): number {
  if (!probe) return daemon === undefined ? EXIT.unreachable : EXIT.done;
  const failing = accounts.flatMap((account) => account.probe ?? []).filter(({ level }) => level === 'fail');
  if (failing.length === 0) return EXIT.done;
  return failing.every(({ unreached }) => unreached === true) ? EXIT.unreachable : EXIT.failed;
}

function facts({ pid, version, started_at }: DaemonStatus) {
  return { pid, version, started_at };
}

export function printChannelStatus({ stateDir, daemon, accounts }: ChannelStatus): void {
  const now = Date.now();
  console.log(
    daemon === undefined
      ? `no daemon runs on ${stateDir}; start it with \`loong gateway run\``
      : daemonLine(daemon, now),
  );
  for (const { channel, account, enabled, live, probe } of accounts) {
    const lines = live === undefined ? [enabled ? 'not running' : 'disabled'] : stateLines(live, now);
    console.log(`${channel}:${account}`);
    for (const line of lines) console.log(`  ${line}`);
    printSteps(probe ?? [], (line) => console.log(line));
  }
}

export function printSteps(steps: readonly ProbeStep[], print: (line: string) => void): void {
  for (const { name, level, detail, remedy } of steps) {
    print(`  ${level.padEnd(4)}  ${name.padEnd(14)}  ${detail}`);
    if (remedy !== undefined && level !== 'ok') print(`${' '.repeat(24)}→ ${remedy}`);
  }
}
