/** Channels and accounts as the user named them. */
import type { Account, Config } from '../config/config.js';
import { ConfigError, UsageError } from '../model/errors.js';
import { CHANNELS, type ChannelId, channelNamed, normaliseAccountId } from '../model/target.js';

/** Under any of its names. @throws UsageError for anything but a channel. */
export function requireChannel(name: string): ChannelId {
  const channel = channelNamed(name);
  if (channel !== undefined) return channel;
  const known = Object.entries(CHANNELS).map(([id, { aliases }]) => `${id} (aliases ${aliases.join(', ')})`);
  throw new UsageError(
    'channel.unknown',
    `unknown channel \`${name}\``,
    `channels of this version: ${known.join('; ')}`,
  );
}

/** All of a channel, or of every one, in the order of the inventory. */
export function accountsOf(config: Config, channel?: ChannelId): readonly Account[] {
  return channel === undefined ? [...config.qqbot.accounts, ...config.onebot.accounts] : config[channel].accounts;
}

/** What `gateway run` runs. @throws ConfigError when there is nothing to run */
export function enabledAccounts(config: Config): readonly Account[] {
  const accounts = accountsOf(config).filter((account) => account.enabled);
  if (accounts.length > 0) return accounts;
  throw new ConfigError([
    {
      path: 'qqbot.enabled',
      message: 'no account of any channel is enabled',
      remedy: 'set enabled = true under [qqbot] or [onebot]',
    },
  ]);
}

/** @throws UsageError listing the accounts there are. */
export function requireAccount<A extends Account>(accounts: readonly A[], name: string): A {
  const wanted = normaliseAccountId(name);
  const account = accounts.find(({ id }) => id === wanted);
  if (account !== undefined) return account;
  throw new UsageError(
    'account.unknown',
    `requested account \`${wanted}\` is not configured`,
    `configured accounts: ${accounts.map(({ id }) => id).join(', ')}`,
  );
}

/** @throws ConfigError for one that is switched off */
export function assertEnabled({ channel, id, enabled }: Account): void {
  if (enabled) return;
  throw new ConfigError([
    {
      path: channel,
      message: `${channel} account \`${id}\` is disabled by configuration`,
      remedy: `set enabled = true for it, and for [${channel}]`,
    },
  ]);
}
