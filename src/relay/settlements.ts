/** Lets callers wait for what becomes of a message. */
import type { Outbox, OutboxId, Outgoing } from '../store/store.js';

export class Settlements {
  readonly #outbox: Outbox;
  readonly #waiters = new Map<OutboxId, Set<() => void>>();

  constructor(outbox: Outbox) {
    this.#outbox = outbox;
  }

  /** The status of this row changed. */
  settled(id: OutboxId): void {
    for (const wake of this.#waiters.get(id) ?? []) wake();
  }

  /** The row once it is neither queued nor being sent, or as it is after `waitMs`; undefined when there is no such row. */
  async wait(id: OutboxId, waitMs: number): Promise<Outgoing | undefined> {
    const deadline = Date.now() + waitMs;
    for (;;) {
      const row = this.#outbox.find(id);
      const left = deadline - Date.now();
      if (row === undefined || (row.status !== 'queued' && row.status !== 'sending') || left <= 0) return row;
      await this.#change(id, left);
    }
  }

  #change(id: OutboxId, ms: number): Promise<void> {
    const waiters = this.#waiters.get(id) ?? new Set();
    this.#waiters.set(id, waiters);
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        waiters.delete(done);
        if (waiters.size === 0) this.#waiters.delete(id);
        resolve();
      };
      const timer = setTimeout(done, ms);
      waiters.add(done);
    });
  }
}
