/**
 * Breaks up talks between machines. A person now and then writes faster than the bot answers; a program that answers every answer writes
 * only when it was answered. So turns are counted that begin when everything before them was answered; and, for who gets several messages as
 * one answer and answers each of them never waits for that, those before which anything was answered, of which there may be more.
 */

/** More such turns with one peer in one minute are no person's. */
export const MOST_TURNS = 30;
/** Nor are so many after an answer, though others wait for theirs. */
export const MOST_AFTER_ANSWERS = 120;
const MINUTE_MS = 60_000;
/** Peers that are looked after at once; beyond them the one heard least lately is forgotten. */
const MOST_PEERS = 10_000;

interface Peer {
  /** When the minute began in which turns are counted. */
  since: number;
  /** That began when everything before them was answered. */
  turns: number;
  /** That began when something was answered since the one before. */
  afterAnswers: number;
  /** Messages of it that have no answer yet. */
  open: number;
  /** Since the turn that began last. */
  wasAnswered: boolean;
  /** A turn of it was too many in this minute. */
  isRefused: boolean;
}

export class TurnRate {
  readonly #peers = new Map<string, Peer>();
  readonly #now: () => number;

  /** `now` in ms, of any clock that never goes back. */
  constructor(now = () => performance.now()) {
    this.#now = now;
  }

  /** Refuses one more turn with this peer, where it would be too many. */
  refuses(peer: string): boolean {
    const known = this.#peers.get(peer);
    if (known === undefined || !this.#isThisMinute(known)) return false;
    const { open, turns, afterAnswers, wasAnswered } = known;
    const isTooMany = (open === 0 && turns >= MOST_TURNS) || (wasAnswered && afterAnswers >= MOST_AFTER_ANSWERS);
    known.isRefused ||= isTooMany;
    return isTooMany;
  }

  /** A message of this peer is going to be answered. */
  begin(peer: string): void {
    const known = this.#peers.get(peer) ?? newPeer(this.#now());
    if (!this.#isThisMinute(known)) {
      const { open, wasAnswered } = known;
      Object.assign(known, newPeer(this.#now()), { open, wasAnswered });
    }
    if (known.open === 0) known.turns++;
    if (known.wasAnswered) known.afterAnswers++;
    known.wasAnswered = false;
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
    if (known === undefined || known.open === 0) return;
    known.open--;
    known.wasAnswered = true;
    // The talk may have more answers under way: it is over only when nobody has answered the last of them.
    if (known.isRefused) known.since = this.#now();
  }

  #isThisMinute({ since }: Peer): boolean {
    return this.#now() - since < MINUTE_MS;
  }
}

function newPeer(now: number): Peer {
  return { since: now, turns: 0, afterAnswers: 0, open: 0, wasAnswered: false, isRefused: false };
}
