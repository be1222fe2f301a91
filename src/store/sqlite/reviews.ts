/** Messages that the platform took and reviews before anybody sees them: nobody waits for them until it tells. Used inside transactions. */
import type { Notice } from '../../model/message.js';
import type { OutboxId, RowError } from '../store.js';
import type { Database } from './database.js';
import { REJECTED } from './outbox-errors.js';
import type { Parking } from './parking.js';

/** Ends that came before the answer to the POST. */
const EARLY_ENDS_KEPT = 100;

const UNDER_REVIEW = `UPDATE outbox SET audit_id = ?, error = ? WHERE id = ? AND status = 'sending'`;
const REVIEWED = `UPDATE outbox SET status = ?, platform_message_id = ?, error = ?, settled_at = ?
  WHERE audit_id = ? AND account = ? AND settled_at IS NULL RETURNING id, merged_into, coalesce(part_of, id) AS message`;
const EXPIRE_REVIEWS = `UPDATE outbox SET status = 'uncertain', settled_at = ?
  WHERE account = ? AND audit_id IS NOT NULL AND settled_at IS NULL AND expires_at <= ? RETURNING id, merged_into`;

type Review = NonNullable<Notice['review']>;

export class Reviews {
  readonly #parking: Parking;
  readonly #begin;
  readonly #end;
  readonly #giveUp;
  readonly #earlyEnds = new Map<string, Review>();

  constructor(db: Database, parking: Parking) {
    this.#parking = parking;
    this.#begin = db.prepare<[string, string, OutboxId], never>(UNDER_REVIEW);
    this.#end = db.prepare<
      [string, string | null, string | null, number, string, string],
      { id: OutboxId; merged_into: OutboxId | null; message: OutboxId }
    >(REVIEWED);
    this.#giveUp = db.prepare<[number, string, number], { id: OutboxId; merged_into: OutboxId | null }>(EXPIRE_REVIEWS);
  }

  /** The platform has the row, and will tell; it may have told already. */
  begin(account: string, id: OutboxId, auditId: string, error: RowError, now: number): void {
    this.#begin.run(auditId, JSON.stringify(error), id);
    const ended = this.#earlyEnds.get(auditId);
    if (ended !== undefined) this.end(account, ended, now);
  }

  /** The platform told; the number of the message, or undefined where it is not known (yet). */
  end(account: string, review: Review, now: number): OutboxId | undefined {
    const { auditId, passed, messageId = null } = review;
    const error = passed ? null : JSON.stringify(REJECTED);
    const row = this.#end.get(passed ? 'delivered' : 'failed', messageId, error, now, auditId, account);
    if (row === undefined) {
      this.#keepEarly(review);
      return undefined;
    }
    if (row.merged_into === row.id) this.#parking.shareEnd(row.id);
    return row.message;
  }

  #keepEarly(review: Review): void {
    const [oldest] = this.#earlyEnds.keys();
    if (this.#earlyEnds.size >= EARLY_ENDS_KEPT && oldest !== undefined) this.#earlyEnds.delete(oldest);
    this.#earlyEnds.set(review.auditId, review);
  }

  /** Rows that nobody told about in time, with what they carry; nobody knows whether they were shown. */
  giveUp(account: string, now: number): readonly OutboxId[] {
    return this.#giveUp
      .all(now, account, now)
      .flatMap(({ id, merged_into: carrier }) => [id, ...(carrier === id ? this.#parking.shareEnd(id) : [])]);
  }
}
