/** Keeps tasks running: restarts what failed, leaves what only an operator can mend, and never lets one touch another. */
import { type Backoff, backoffDelay, pause } from '../model/backoff.js';
import { describeError, LoongError } from '../model/errors.js';

const RESTART: Backoff = { baseMs: 1000, capMs: 30_000 };
/** What an operator must mend is tried again after 5 minutes, doubling to 6 hours. */
const OPERATOR_RETRY: Backoff = { baseMs: 300_000, capMs: 21_600_000 };
/** A run that lasted this long was healthy: the ladders begin anew. */
const HEALTHY_AFTER_MS = 60_000;
/** A task that does not end when it is asked to is left behind after this. */
const CLOSING_MS = 5000;

export interface Supervised {
  readonly name: string;
  /** Resolves when `signal` aborts; rejects when it cannot go on. `LoongError.retry` says whether trying again by itself can help. */
  run(signal: AbortSignal): Promise<void>;
}

/** `failed` needs an operator, `waiting` does not; both carry why and when the next try comes (unix ms). */
export type ChildChange =
  | { readonly state: 'starting' | 'stopped' }
  | {
      readonly state: 'waiting' | 'failed';
      readonly why: string;
      readonly remedy?: string;
      readonly nextTryAt: number;
    };

export class Supervisor {
  readonly #onChange: (name: string, change: ChildChange) => void;
  readonly #ladders: { readonly restart: Backoff; readonly operator: Backoff };
  readonly #stop = new AbortController();
  readonly #children: Promise<void>[] = [];

  constructor(
    onChange: (name: string, change: ChildChange) => void,
    ladders: { readonly restart: Backoff; readonly operator: Backoff } = { restart: RESTART, operator: OPERATOR_RETRY },
  ) {
    this.#onChange = onChange;
    this.#ladders = ladders;
  }

  start(child: Supervised): void {
    this.#children.push(this.#keep(child));
  }

  async #keep(child: Supervised): Promise<void> {
    const { signal } = this.#stop;
    let failures = 0;
    let lastLadder: Backoff | undefined;
    while (!signal.aborted) {
      this.#onChange(child.name, { state: 'starting' });
      const startedAt = performance.now();
      try {
        await child.run(signal);
        if (!signal.aborted) throw new Error('the task ended by itself');
      } catch (error) {
        if (signal.aborted) break;
        const forOperator = error instanceof LoongError && error.retry === 'never';
        const ladder = forOperator ? this.#ladders.operator : this.#ladders.restart;
        const anew = ladder !== lastLadder || performance.now() - startedAt >= HEALTHY_AFTER_MS;
        failures = anew ? 1 : failures + 1;
        lastLadder = ladder;
        // The operator's ladder stands in the contract, so its rungs are waited whole.
        const delay = backoffDelay(ladder, failures, forOperator ? () => 1 : Math.random);
        this.#onChange(child.name, {
          state: forOperator ? 'failed' : 'waiting',
          why: describeError(error),
          nextTryAt: Date.now() + delay,
          ...(error instanceof LoongError && error.remedy !== undefined ? { remedy: error.remedy } : {}),
        });
        await pause(delay, signal);
      }
    }
    this.#onChange(child.name, { state: 'stopped' });
  }

  /** Aborts every task; resolves when all have ended, at the latest after `graceMs`. */
  async close(graceMs = CLOSING_MS): Promise<void> {
    this.#stop.abort();
    const over = new AbortController();
    await Promise.race([Promise.all(this.#children), pause(graceMs, over.signal)]);
    over.abort();
  }
}
