/** When messages grow too old for anybody to want them; looked for only when one may be. */
import type { OutboxId } from '../store.js';
import type { Database } from './database.js';
import { EXPIRED } from './outbox-errors.js';
import type { Parking } from './parking.js';
import type { Reviews } from './reviews.js';
import type { TargetLine } from './target-line.js';

/** Not while another message has its text on the way. */
const MAY_EXPIRE = `status IN ('queued', 'parked') AND (merged_into IS NULL OR EXISTS (SELECT 1 FROM outbox carrier
  WHERE carrier.id = outbox.merged_into AND carrier.status = 'queued' AND carrier.ambiguous = 0))`;
const EXPIRE = `UPDATE outbox SET status = iif(ambiguous, 'uncertain', 'failed'), merged_into = NULL, error = ?, settled_at = ?
  WHERE account = ? AND ${MAY_EXPIRE} AND expires_at <= ? RETURNING id, target, due_at`;
const NEXT_EXPIRY = `SELECT min(t) AS t FROM (
  SELECT * FROM (SELECT expires_at AS t FROM outbox WHERE account = ? AND ${MAY_EXPIRE} ORDER BY expires_at LIMIT 1)
  UNION ALL SELECT min(expires_at) FROM outbox WHERE account = ? AND audit_id IS NOT NULL AND settled_at IS NULL)`;

export class Expiry {
  readonly #line: TargetLine;
  readonly #parking: Parking;
  readonly #reviews: Reviews;
  readonly #expire;
  readonly #next;
  /** Per account (unix ms): before then nothing expires. Known too early it costs a look, so it may be stale downwards only. */
  readonly #noneBefore = new Map<string, number>();

  constructor(db: Database, line: TargetLine, parking: Parking, reviews: Reviews) {
    this.#line = line;
    this.#parking = parking;
    this.#reviews = reviews;
    this.#expire = db.prepare<[string, number, string, number], { id: number; target: string; due_at: number | null }>(
      EXPIRE,
    );
    this.#next = db.prepare<[string, string], { t: number | null }>(NEXT_EXPIRY);
  }

  /** Something of this account expires at this time (unix ms), perhaps. */
  mayComeAt(account: string, at: number): void {
    const known = this.#noneBefore.get(account);
    if (known !== undefined && at < known) this.#noneBefore.set(account, at);
  }

  mayBeDue(account: string, now: number): boolean {
    return now >= (this.#noneBefore.get(account) ?? Number.NEGATIVE_INFINITY);
  }

  /** Inside a transaction: what is too old is settled. */
  settleOld(account: string, now: number): OutboxId[] {
    const rows = this.#expire.all(JSON.stringify(EXPIRED), now, account, now);
    for (const row of rows) this.#line.forget(row.target);
    for (const row of rows) this.#parking.handOver(row.id);
    for (const row of rows) if (row.due_at !== null) this.#line.bringNext(row.target, now);
    return [...rows.map((row) => row.id), ...this.#reviews.giveUp(account, now)];
  }

  /** After the commit of that: everything can be seen, and what is written later says itself when it expires. */
  lookAhead(account: string): void {
    this.#noneBefore.set(account, this.next(account) ?? Number.POSITIVE_INFINITY);
  }

  /** Unix ms; undefined when nothing expires. */
  next(account: string): number | undefined {
    return this.#next.get(account, account)?.t ?? undefined;
  }

  /** Nothing is known any more. */
  forget(): void {
    this.#noneBefore.clear();
  }
}
