/** `loong channels serve`: the daemon in the foreground, until a signal. */
import type { Config, QqbotAccount } from '../config/config.js';
import { readConfig } from '../config/read-config.js';
import { ConfigError } from '../model/errors.js';
import type { GlobalOptions } from './global-options.js';
import { requireAccount, requireChannel } from './require-channel.js';
import { runUntilStopped } from './run-until-stopped.js';

export interface ServeOptions extends GlobalOptions {
  readonly account?: readonly string[];
}

export async function serveChannel(channel: string, options: ServeOptions): Promise<void> {
  requireChannel(channel);
  const config = await readConfig({
    env: process.env,
    secrets: 'required',
    path: options.config,
  });
  const accounts = chosenAccounts(config, options.account ?? []);
  await runUntilStopped(config, accounts, options);
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
