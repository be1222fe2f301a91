/** Whom an account is at its platform: what is stored of it is of no use to anybody else. */
import type { Account } from '../config/config.js';
import type { ConfigProblem } from '../model/errors.js';

/** The app id or QQ number that the config gives; undefined where it gives none. */
export function configuredIdentity(account: Account): string | undefined {
  if (account.channel === 'onebot') return account.selfId;
  return account.appId.ok ? account.appId.value : undefined;
}

/** Why an account is not started that was `before` when it ran last; undefined when it is the same, or was nobody's. */
export function identityChange(account: Account, before: string | undefined): ConfigProblem | undefined {
  const { channel, id } = account;
  const now = configuredIdentity(account);
  if (before === undefined || now === undefined || before === now) return undefined;
  const [key, what] = channel === 'qqbot' ? ['app_id', 'app'] : ['self_id', 'QQ'];
  return {
    path: `${channel}.${key}`,
    message: `account \`${id}\` was ${what} ${before} until now and would be ${now}: what is queued and known of its peers belongs to the former`,
    remedy: `put the former one back, or give up all that belongs to it: \`loong account rebind ${channel} ${id}\``,
  };
}
