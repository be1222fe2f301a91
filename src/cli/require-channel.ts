/** A channel as the user named it. */
import { UsageError } from '../model/errors.js';
import { channelNamed } from '../model/target.js';

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
