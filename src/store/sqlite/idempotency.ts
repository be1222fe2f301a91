/** Keys that were given with messages: whoever gives one again gets the same message. Used inside the transactions of the outbox. */
import { UsageError } from '../../model/errors.js';
import type { Once, OutboxId } from '../store.js';
import type { Database } from './database.js';

/** How long a key stands for its message. */
export const KEY_LASTS_MS = 86_400_000;

const FIND = `SELECT k.digest, k.message FROM idempotency_keys k JOIN outbox o ON o.id = k.message
  WHERE k.account = ? AND k.key = ? AND k.at > ?`;
const KEEP = 'INSERT OR REPLACE INTO idempotency_keys (account, key, digest, message, at) VALUES (?, ?, ?, ?, ?)';

export class IdempotencyKeys {
  readonly #find;
  readonly #keep;

  constructor(db: Database) {
    this.#find = db.prepare<[string, string, number], { digest: string; message: OutboxId }>(FIND);
    this.#keep = db.prepare<[string, string, string, OutboxId, number], never>(KEEP);
  }

  /** The message of this key, if it was given before; `conflict` when it was given for something else. */
  find(account: string, { key, digest }: Once): OutboxId | 'conflict' | undefined {
    const row = this.#find.get(account, key, Date.now() - KEY_LASTS_MS);
    return row === undefined || row.digest === digest ? row?.message : 'conflict';
  }

  keep(account: string, { key, digest }: Once, message: OutboxId): void {
    this.#keep.run(account, key, digest, message, Date.now());
  }
}

/** @throws UsageError for a conflict */
export function unlessConflict<T>(found: T | 'conflict'): T {
  if (found !== 'conflict') return found;
  throw new UsageError(
    'idempotency.conflict',
    'this idempotency key was given with another message before',
    'give every message a key of its own; a key may be used anew after 24 hours',
  );
}
