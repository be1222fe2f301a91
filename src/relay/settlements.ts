/** Lets callers wait for what becomes of a message. */
import type { Outbox, OutboxId, Outgoing } from '../store/store.js';
import { isUnderWay } from './whole-message.js';

export class Settlements {
  readonly #outbox: Outbox;
  readonly #waiters = new Map<OutboxId, Set<() => void>>();

  constructor(outbox: Outbox) {
    this.#outbox = outbox;
  }

  /** The status of a part of this message changed. */
  settled(id: OutboxId): void {
    const waiters = this.#waiters.get(id);
    if (waiters !== undefined) for (const wake of waiters) wake();
  }

  /** All parts of the message once none is queued or being sent, or as they are after `waitMs`; none when there is no such message. */
  async wait(id: OutboxId, waitMs: number): Promise<readonly Outgoing[]> {
    const deadline = Date.now() + waitMs;
    for (;;) {
      const parts = this.#outbox.message(id);
      const left = deadline - Date.now();
      if (!isUnderWay(parts) || left <= 0) return parts;
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
