/** Lets an account become somebody else, without a daemon: this process holds the state directory meanwhile. */
import type { Account, Config } from '../config/config.js';
import { LoongError } from '../model/errors.js';
import { laneId } from '../model/target.js';
import { OwnedElsewhere } from '../store/owner.js';
import type { Rebound } from '../store/store.js';
import { aloneWithStore } from './alone-with-store.js';
import { accountTarget } from './open-lane.js';

const NOTHING: Rebound = { failed: 0, uncertain: 0, unanswered: 0, windows: 0, sessions: 0, refusals: 0, pairings: 0 };

/**
 * Gives up all that belongs to whom the account was; resolves with what that was.
 * @throws LoongError `owner.taken`, `owner.taken_by_daemon`
 */
export async function rebindAccount({ gateway }: Config, account: Account): Promise<Rebound> {
  try {
    const done = await aloneWithStore(gateway, ({ identities }) => identities.rebind(laneId(accountTarget(account))));
    return done ?? NOTHING;
  } catch (error) {
    if (!(error instanceof LoongError) || error.code !== 'owner.taken_by_daemon') throw error;
    const pid = error.cause instanceof OwnedElsewhere ? error.cause.owner?.pid : undefined;
    throw new LoongError(error.code, `nothing was changed: a daemon${pid === undefined ? '' : ` (pid ${pid})`} runs`, {
      cause: error,
      remedy: 'stop it first: `loong gateway stop`; start it again afterwards',
    });
  }
}
