/** `loong channels status`: how every account is doing, by its daemon and, if asked to, by QQ itself. */
import type { QqbotAccount } from '../config/config.js';
import { readConfig } from '../config/read-config.js';
import type { AccountStatus, DaemonStatus } from '../control/api.js';
import { describeError, LoongError } from '../model/errors.js';
import { EXIT, printJson } from './exit.js';
import type { GlobalOptions } from './global-options.js';
import { daemonLine, stateLines } from './live-status.js';
import { findDaemon } from './running-daemon.js';

export interface StatusOptions extends GlobalOptions {
  readonly probe?: true;
}

interface ProbeStep {
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

export async function showChannelStatus(options: StatusOptions): Promise<void> {
  const config = await readConfig({ env: process.env, secrets: 'optional', path: options.config });
  const daemon = await askDaemon(config.gateway.stateDir, options);
  const probe = options.probe ? await prober(options) : undefined;
  const accounts = await Promise.all(
    config.qqbot.accounts.map(async (account): Promise<AccountReport> => {
      const live = daemon?.accounts.find((status) => status.account === account.id);
      return {
        channel: account.channel,
        account: account.id,
        enabled: account.enabled,
        ...(live === undefined ? {} : { live }),
        ...(probe === undefined || !account.enabled ? {} : { probe: await probe(account) }),
      };
    }),
  );
  process.exitCode = exitCodeOf(daemon, accounts, options);
  if (options.json) printJson({ daemon: daemon === undefined ? null : facts(daemon), accounts });
  else print(config.gateway.stateDir, daemon, accounts);
}

/** A daemon that hangs is no reason not to ask QQ. */
async function askDaemon(stateDir: string, { probe }: StatusOptions): Promise<DaemonStatus | undefined> {
  try {
    const client = await findDaemon(stateDir);
    const status = await client?.status();
    await client?.close();
    return status;
  } catch (error) {
    if (!probe) throw error;
    console.error(`warning: ${describeError(error)}`);
    return undefined;
  }
}

/** Asks QQ, with nothing of a secret in what it tells. */
async function prober({ logLevel }: StatusOptions): Promise<(account: QqbotAccount) => Promise<readonly ProbeStep[]>> {
  const [{ probeAccount }, { openLog, Secrets }] = await Promise.all([
    import('../daemon/probe-account.js'),
    import('../telemetry/log.js'),
  ]);
  const secrets = new Secrets();
  const log = await openLog({ level: logLevel ?? 'error', format: 'auto' }, secrets);
  return async (account) => {
    try {
      const steps = await probeAccount(account, { log, secrets, runtimeDir: process.env.XDG_RUNTIME_DIR });
      return steps.map((step) => ({ ...step, detail: secrets.strikeOut(step.detail) }));
    } catch (error) {
      if (!(error instanceof LoongError)) throw error;
      const remedy = error.remedy ?? '`loong channels` tells where they may be set';
      return [{ name: 'credentials', level: 'fail', detail: describeError(error).replaceAll('\n', '; '), remedy }];
    }
  };
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

function facts({ pid, version, startedAt }: DaemonStatus) {
  return { pid, version, started_at: startedAt };
}

function print(stateDir: string, daemon: DaemonStatus | undefined, accounts: readonly AccountReport[]): void {
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
    for (const { name, level, detail, remedy } of probe ?? []) {
      console.log(`  ${level.padEnd(4)}  ${name.padEnd(14)}  ${detail}`);
      if (remedy !== undefined && level !== 'ok') console.log(`${' '.repeat(24)}→ ${remedy}`);
    }
  }
}
