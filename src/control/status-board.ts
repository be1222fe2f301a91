/** What every account is doing, as status shows it. */
import { laneId, type Target } from '../model/target.js';
import type { Log } from '../telemetry/log.js';
import type { AccountState, AccountStatus } from './api.js';

export class StatusBoard {
  readonly #accounts = new Map<string, AccountStatus>();
  readonly #log: Log;

  constructor(accounts: readonly Pick<Target, 'channel' | 'account'>[], log: Log) {
    this.#log = log;
    for (const { channel, account } of accounts) {
      this.#accounts.set(laneId({ channel, account }), { channel, account, state: 'starting', since: Date.now() });
    }
  }

  set(lane: string, state: AccountState, detail: string | undefined, remedy: string | undefined): void {
    const known = this.#accounts.get(lane);
    if (known === undefined) return;
    const { channel, account } = known;
    const since = known.state === state ? known.since : Date.now();
    this.#accounts.set(lane, {
      channel,
      account,
      state,
      since,
      ...(detail === undefined ? {} : { detail }),
      ...(remedy === undefined ? {} : { remedy }),
    });
    if (state === 'failed') this.#log.error({ lane, why: detail, remedy }, 'this account needs an operator');
  }

  list(): readonly AccountStatus[] {
    return [...this.#accounts.values()];
  }
}
