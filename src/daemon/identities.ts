/** Whom accounts are: the same as when they ran last, for what is stored of them is of no use to anybody else. */
import { configuredIdentity, identityChange } from '../access/identity.js';
import type { Account } from '../config/config.js';
import { ConfigError } from '../model/errors.js';
import { laneId } from '../model/target.js';
import type { Identities } from '../store/store.js';
import { accountTarget } from './open-lane.js';

/**
 * Notes whom those accounts are that were nobody's.
 * @throws ConfigError naming every account that was somebody else; then nothing is noted
 */
export async function bindIdentities(accounts: readonly Account[], identities: Identities): Promise<void> {
  const changed = accounts.flatMap(
    (account) => identityChange(account, identities.of(laneId(accountTarget(account)))) ?? [],
  );
  if (changed.length > 0) throw new ConfigError(changed, 'account.changed');
  for (const account of accounts) {
    const [id, identity] = [laneId(accountTarget(account)), configuredIdentity(account)];
    if (identity !== undefined && identities.of(id) === undefined) await identities.bind(id, identity);
  }
}
