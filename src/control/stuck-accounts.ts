/** Accounts in which nothing moves any more, although by every time limit something should have long ago. */
import type { AccountStatus } from './api.js';

/** Connecting in all its steps takes a minute at most, and heartbeats come at least every ten. */
const STUCK_AFTER_MS = 30 * 60_000;

/** States that end by themselves; what waits for a peer, a time or an operator may do so for ever. */
const PASSING: ReadonlySet<AccountStatus['state']> = new Set(['starting', 'connecting', 'resuming']);

interface Seen {
  /** What changes as long as the account is alive. */
  readonly sign: string;
  readonly stillMs: number;
}

/** Time is what the asker says has passed: neither a clock that is set nor a machine that sleeps counts. */
export class StuckAccounts {
  #seen = new Map<string, Seen>();

  /** Why, and which one; undefined while all is well. */
  look(accounts: readonly AccountStatus[], passedMs: number): string | undefined {
    const before = this.#seen;
    this.#seen = new Map(
      accounts.map((account) => {
        const lane = nameOf(account);
        const sign = signOf(account);
        const known = before.get(lane);
        const isStill = sign !== undefined && known?.sign === sign;
        return [lane, { sign: sign ?? '', stillMs: isStill ? known.stillMs + passedMs : 0 }];
      }),
    );
    for (const { state, ...account } of accounts) {
      const { stillMs = 0 } = this.#seen.get(nameOf(account)) ?? {};
      if (stillMs < STUCK_AFTER_MS) continue;
      const what = state === 'ready' ? 'no heartbeat was acknowledged' : `it was ${state}`;
      return `${nameOf(account)}: ${what} for ${Math.floor(stillMs / 60_000)} minutes`;
    }
    return undefined;
  }
}

function nameOf({ channel, account }: Pick<AccountStatus, 'channel' | 'account'>): string {
  return `${channel}:${account}`;
}

/** Who was never heard of by a heartbeat need not be: a webhook has none. Undefined where nothing needs to change. */
function signOf({ state, since, last_ack_at: heard }: AccountStatus): string | undefined {
  if (PASSING.has(state)) return `${state} ${since}`;
  return state === 'ready' && heard !== undefined ? `ready ${since} ${heard}` : undefined;
}
