/** `loong channels serve`: the daemon in the foreground, until a signal. */
import type { Account, Config } from '../config/config.js';
import { readConfig } from '../config/read-config.js';
import { ConfigError } from '../model/errors.js';
import type { ChannelId } from '../model/target.js';
import type { GlobalOptions } from './global-options.js';
import { accountsOf, assertEnabled, requireAccount, requireChannel } from './require-channel.js';
import { runUntilStopped } from './run-until-stopped.js';

export interface ServeOptions extends GlobalOptions {
  readonly account?: readonly string[];
}

export async function serveChannel(channelName: string, options: ServeOptions): Promise<void> {
  const channel = requireChannel(channelName);
  const config = await readConfig({
    env: process.env,
    secrets: 'required',
    path: options.config,
  });
  const accounts = chosenAccounts(config, channel, options.account ?? []);
  await runUntilStopped(config, accounts, options);
}

function chosenAccounts(config: Config, channel: ChannelId, names: readonly string[]): readonly Account[] {
  const accounts = accountsOf(config, channel);
  if (names.length === 0) {
    const enabled = accounts.filter((account) => account.enabled);
    if (enabled.length > 0) return enabled;
    throw new ConfigError([
      {
        path: `${channel}.enabled`,
        message: `no ${channel} account is enabled`,
        remedy: `set enabled = true under [${channel}]`,
      },
    ]);
  }
  const chosen = new Set(names.map((name) => requireAccount(accounts, name)));
  for (const account of chosen) assertEnabled(account);
  return [...chosen];
}
