/** `loong channels serve`: the daemon in the foreground, until a signal. */
import type { Config, QqbotAccount } from '../config/config.js';
import { readConfig } from '../config/read-config.js';
import { startDaemon } from '../daemon.js';
import { ConfigError, describeError, UsageError } from '../model/errors.js';
import { normaliseAccountId } from '../model/target.js';
import { openLog, Secrets } from '../telemetry/log.js';
import { EXIT } from './exit.js';
import type { GlobalOptions } from './global-options.js';
import { requireChannel } from './require-channel.js';

export interface ServeOptions extends GlobalOptions {
  readonly account?: readonly string[];
}

export async function serveChannel(channel: string, options: ServeOptions): Promise<void> {
  requireChannel(channel);
  const config = await readConfig({
    env: process.env,
    secrets: 'required',
    ...(options.config === undefined ? {} : { path: options.config }),
  });
  const accounts = chosenAccounts(config, options.account ?? []);
  await runUntilSignal(config, accounts, options);
}

function chosenAccounts(config: Config, names: readonly string[]): readonly QqbotAccount[] {
  const { accounts } = config.qqbot;
  if (names.length === 0) {
    const enabled = accounts.filter((account) => account.enabled);
    if (enabled.length > 0) return enabled;
    throw new ConfigError([
      { path: 'qqbot.enabled', message: 'no qqbot account is enabled', remedy: 'set enabled = true under [qqbot]' },
    ]);
  }
  return names.map((name) => {
    const account = requireAccount(accounts, name);
    if (account.enabled) return account;
    throw new ConfigError([
      {
        path: 'qqbot',
        message: `qqbot account \`${account.id}\` is disabled by configuration`,
        remedy: 'set enabled = true',
      },
    ]);
  });
}

/** @throws UsageError listing the accounts there are. */
export function requireAccount(accounts: readonly QqbotAccount[], name: string): QqbotAccount {
  const wanted = normaliseAccountId(name);
  const account = accounts.find(({ id }) => id === wanted);
  if (account !== undefined) return account;
  throw new UsageError(
    'account.unknown',
    `requested account \`${wanted}\` is not configured`,
    `configured accounts: ${accounts.map(({ id }) => id).join(', ')}`,
  );
}

/** Runs the daemon until SIGINT or SIGTERM; a second signal ends it at once. */
export async function runUntilSignal(
  config: Config,
  accounts: readonly QqbotAccount[],
  options: GlobalOptions,
): Promise<void> {
  const secrets = new Secrets();
  const log = await openLog({ level: options.logLevel ?? config.log.level, format: config.log.format }, secrets);
  for (const warning of config.warnings) log.warn(warning);
  process.on('uncaughtException', (error) => {
    log.fatal(
      { error: describeError(error), stack: error.stack },
      'a fault in loong ends it; the journal is safe, a restart goes on',
    );
    process.exit(EXIT.bug);
  });
  const signalled = new Promise<NodeJS.Signals>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.on(signal, () => {
        resolve(signal);
        process.once(signal, () => process.exit(EXIT.notFinished));
      });
    }
  });
  const daemon = await startDaemon(config, accounts, { log, secrets, runtimeDir: process.env.XDG_RUNTIME_DIR });
  const signal = await signalled;
  log.info({ signal }, 'stopping: running turns and sends are finished first');
  await daemon.stop();
  process.exit(EXIT.done);
}
