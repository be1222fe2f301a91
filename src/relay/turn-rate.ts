/**
 * Breaks up talks between machines. A person now and then writes faster than the bot answers; a program that answers every answer never
 * waits for its own turn and never stops. So only turns that begin after everything before them was answered are counted.
 */

/** More such turns with one peer in one minute are no person's. */
export const MOST_TURNS = 30;
const MINUTE_MS = 60_000;
/** Peers that are looked after at once; beyond them the one heard least lately is forgotten. */
const MOST_PEERS = 10_000;

interface Peer {
  /** When the minute began in which `turns` are counted. */
  since: number;
  turns: number;
  /** Messages of it that have no answer yet. */
  open: number;
}

export class TurnRate {
  readonly #peers = new Map<string, Peer>();
  readonly #now: () => number;

  /** `now` in ms, of any clock that never goes back. */
  constructor(now = () => performance.now()) {
    this.#now = now;
  }

  /** Whether one more turn with this peer would be too many. */
  isTooMany(peer: string): boolean {
    const known = this.#peers.get(peer);
    return known !== undefined && known.open === 0 && known.turns >= MOST_TURNS && this.#isThisMinute(known);
  }

  /** A message of this peer is going to be answered. */
  begin(peer: string): void {
    const known = this.#peers.get(peer) ?? { since: this.#now(), turns: 0, open: 0 };
    if (!this.#isThisMinute(known)) {
      known.since = this.#now();
      known.turns = 0;
    }
    if (known.open === 0) known.turns++;
    known.open++;
    // Written anew, so that whoever was heard least lately stands first.
    this.#peers.delete(peer);
    this.#peers.set(peer, known);
    const [first] = this.#peers;
    if (
      first !== undefined &&
      (this.#peers.size > MOST_PEERS || (first[1].open === 0 && !this.#isThisMinute(first[1])))
    )
      this.#peers.delete(first[0]);
  }

  /** It was answered, or never will be. */
  end(peer: string): void {
    const known = this.#peers.get(peer);
    if (known !== undefined && known.open > 0) known.open--;
  }

  #isThisMinute({ since }: Peer): boolean {
    return this.#now() - since < MINUTE_MS;
  }
}
