/** Where what is said is remembered: for a backend that is told of it. */
import { backendNameOf } from '../access/group-rule.js';
import type { Account, Config } from '../config/config.js';
import type { Target } from '../model/target.js';

export function keepsHistory({ historyLimit, historyChars }: Account): boolean {
  return historyLimit > 0 && historyChars > 0;
}

/** `echo` wants to know nothing. */
export function remembers({ backends }: Pick<Config, 'backends'>, account: Account, conversation: Target): boolean {
  return keepsHistory(account) && backends.get(backendNameOf(account, conversation))?.type !== 'echo';
}
