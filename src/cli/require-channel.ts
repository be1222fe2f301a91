/** Channels and accounts as the user named them. */
import type { QqbotAccount } from '../config/config.js';
import { UsageError } from '../model/errors.js';
import { channelNamed, normaliseAccountId } from '../model/target.js';

/** @throws UsageError for anything but a channel that this version can run. */
export function requireChannel(name: string): 'qqbot' {
  const channel = channelNamed(name);
  if (channel === 'qqbot') return channel;
  throw new UsageError(
    'channel.unknown',
    `unknown channel \`${name}\``,
    'channels of this version: qqbot (aliases qq, qq-bot, tencent-qq)',
  );
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
