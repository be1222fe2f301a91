/** Whom accounts are: the same as when they ran last, for what is stored of them is of no use to anybody else. */
import type { Account } from '../config/config.js';
import { ConfigError, type ConfigProblem } from '../model/errors.js';
import { laneId } from '../model/target.js';
import type { Identities } from '../store/store.js';
import { accountTarget } from './open-lane.js';

/**
 * Notes whom those accounts are that were nobody's.
 * @throws ConfigError naming every account that was somebody else; then nothing is noted
 */
export async function bindIdentities(accounts: readonly Account[], identities: Identities): Promise<void> {
  const changed = accounts.flatMap((account) => changeOf(account, identities) ?? []);
  if (changed.length > 0) throw new ConfigError(changed, 'account.changed');
  for (const account of accounts) {
    const [id, identity] = [laneId(accountTarget(account)), configuredIdentity(account)];
    if (identity !== undefined && identities.of(id) === undefined) await identities.bind(id, identity);
  }
}

function changeOf(account: Account, identities: Identities): ConfigProblem | undefined {
  const { channel, id } = account;
  const [before, now] = [identities.of(laneId(accountTarget(account))), configuredIdentity(account)];
  if (before === undefined || now === undefined || before === now) return undefined;
  const [key, what] = channel === 'qqbot' ? ['app_id', 'app'] : ['self_id', 'QQ'];
  return {
    path: `${channel}.${key}`,
    message: `account \`${id}\` was ${what} ${before} until now and would be ${now}: what is queued and known of its peers belongs to the former`,
    remedy: `put the former one back, or give up all that belongs to it: \`loong account rebind ${channel} ${id}\``,
  };
}

/** Whom the config says that it is; undefined where it says nothing. */
function configuredIdentity(account: Account): string | undefined {
  if (account.channel === 'onebot') return account.selfId;
  return account.appId.ok ? account.appId.value : undefined;
}
