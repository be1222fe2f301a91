/** Two programs with the same QQ: each new connection of either ends that of the other. */

const WINDOW_MS = 60_000;
/** So many within the window are no reconnects of one program. */
const TAKEOVERS_THAT_COUNT = 3;
/** Who is here keeps its place when it showed life within this time; it is asked for signs more often than that. */
const LIFE_MS = 5000;
const PROOFS_PER_LIFE = 2.5;

export interface Incumbent {
  readonly liveness: { showedLifeWithin(ms: number): boolean; prove(forMs: number, everyMs: number): void };
}

/** For tests, which have no minutes. */
export interface TakeoverTimes {
  readonly windowMs?: number;
  readonly lifeMs?: number;
}

export class Takeovers {
  readonly #windowMs: number;
  readonly #lifeMs: number;
  /** When a connection took, or wanted to take, the place of one that was still open. On the monotonic clock. */
  #claims: readonly number[] = [];

  constructor({ windowMs = WINDOW_MS, lifeMs = LIFE_MS }: TakeoverTimes = {}) {
    this.#windowMs = windowMs;
    this.#lifeMs = lifeMs;
  }

  /** A newer connection took the place of one that was open. */
  happened(newcomer: Incumbent): void {
    this.#claim();
    // Should this go on, it will soon have to be known who lives.
    if (this.#claims.length >= TAKEOVERS_THAT_COUNT - 1) this.#askForProof(newcomer);
  }

  /** Whether those who are here keep their place against a newcomer. */
  areRefused(incumbents: readonly Incumbent[]): boolean {
    if (!this.isGoingOn || !incumbents.some(({ liveness }) => liveness.showedLifeWithin(this.#lifeMs))) return false;
    this.#claim();
    for (const incumbent of incumbents) this.#askForProof(incumbent);
    return true;
  }

  get isGoingOn(): boolean {
    this.#claims = this.#claims.filter((at) => performance.now() - at < this.#windowMs);
    return this.#claims.length >= TAKEOVERS_THAT_COUNT;
  }

  /** Milliseconds after which it is over, unless it goes on. */
  get overAfterMs(): number {
    return this.#windowMs;
  }

  #askForProof({ liveness }: Incumbent): void {
    liveness.prove(this.#windowMs, this.#lifeMs / PROOFS_PER_LIFE);
  }

  #claim(): void {
    const now = performance.now();
    this.#claims = [...this.#claims.filter((at) => now - at < this.#windowMs), now].slice(-TAKEOVERS_THAT_COUNT);
  }
}
