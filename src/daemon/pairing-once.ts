/** What an operator decides about people who ask to be let in, without a daemon: this process holds the state directory meanwhile. */
import type { Account, Config } from '../config/config.js';
import { laneId } from '../model/target.js';
import { PairingDesk } from '../relay/pairing-desk.js';
import type { Cutting } from '../relay/parts.js';
import type { Log } from '../telemetry/log.js';
import { aloneWithStore } from './alone-with-store.js';
import { accountTarget, cuttingOf } from './open-lane.js';

/**
 * Resolves with what `decide` makes of it; undefined when there is no database yet.
 * @throws what `decide` throws; LoongError `owner.taken`, `owner.taken_by_daemon`
 */
export function decidePairing<T>(
  config: Config,
  log: Log,
  decide: (desk: PairingDesk) => Promise<T>,
): Promise<T | undefined> {
  const accounts = [...config.qqbot.accounts, ...config.onebot.accounts];
  return aloneWithStore(config.gateway, ({ pairings }) =>
    decide(new PairingDesk({ pairings, accounts, cutting: (lane) => cuttingFor(accounts, lane), by: 'cli', log })),
  );
}

/** How text for an account is cut. */
export function cuttingFor(accounts: readonly Account[], lane: string): Cutting {
  const account = accounts.find((one) => laneId(accountTarget(one)) === lane);
  if (account === undefined) throw new Error(`no account ${lane}: pairings are looked for among the configured ones`);
  return cuttingOf(account);
}
