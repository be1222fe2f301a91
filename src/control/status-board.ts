/** What every account is doing, as status shows it. */
import { laneId, type Target } from '../model/target.js';
import type { Log, Secrets } from '../telemetry/log.js';
import type { AccountState, AccountStatus } from './api.js';

export interface StateChange {
  readonly state: AccountState;
  /** Why, in words. */
  readonly detail?: string | undefined;
  readonly remedy?: string | undefined;
  /** Unix ms. */
  readonly nextTryAt?: number | undefined;
  /** What went wrong, in words; unless said, the detail of a `waiting` or `failed`. False: nothing did. */
  readonly trouble?: string | false | undefined;
}

export class StatusBoard {
  readonly #accounts = new Map<string, AccountStatus>();
  /** Beside the rest, for they change with every message. */
  readonly #times = new Map<string, { last_inbound_at?: number; last_ack_at?: number }>();
  readonly #log: Log;
  readonly #secrets: Secrets;

  /** What is told of an account often quotes the platform; none of `secrets` is ever shown. */
  constructor(accounts: readonly Pick<Target, 'channel' | 'account'>[], log: Log, secrets: Secrets) {
    this.#log = log;
    this.#secrets = secrets;
    for (const { channel, account } of accounts) {
      const lane = laneId({ channel, account });
      this.#accounts.set(lane, { channel, account, state: 'starting', since: Date.now() });
      this.#times.set(lane, {});
    }
  }

  /** What went wrong is remembered beyond the recovery. */
  set(lane: string, change: StateChange): void {
    const known = this.#accounts.get(lane);
    if (known === undefined) return;
    const { detail: _detail, remedy: _remedy, next_try_at: _nextTryAt, ...kept } = known;
    const { state, nextTryAt } = change;
    const isWrong = (state === 'waiting' || state === 'failed') && change.trouble !== false;
    const wrong = change.trouble || (isWrong ? change.detail : undefined);
    const [detail, remedy, trouble] = [change.detail, change.remedy, wrong].map(
      (text) => text && this.#secrets.strikeOut(text),
    );
    const now = Date.now();
    const told = { ...(remedy === undefined ? {} : { remedy }) };
    this.#accounts.set(lane, {
      ...kept,
      state,
      since: known.state === state ? known.since : now,
      ...(detail === undefined ? {} : { detail }),
      ...told,
      ...(trouble === undefined ? {} : { last_error: { message: trouble, at: now, ...told } }),
      ...(nextTryAt === undefined ? {} : { next_try_at: nextTryAt }),
    });
    if (state === 'failed') this.#log.error({ lane, why: detail, remedy }, 'this account needs an operator');
  }

  /** Something came in, or the platform acknowledged a heartbeat. `at`: unix ms. */
  note(lane: string, what: 'last_inbound_at' | 'last_ack_at', at: number): void {
    const times = this.#times.get(lane);
    if (times !== undefined) times[what] = at;
  }

  list(): readonly AccountStatus[] {
    return [...this.#accounts].map(([lane, status]) => ({ ...status, ...this.#times.get(lane) }));
  }
}
