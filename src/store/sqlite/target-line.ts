/**
 * Who stands where among the open messages to one target. Exactly one is at the front: it is being sent, or it is queued and has a
 * `due_at`. The others are queued without one. Whatever takes a message from the front lets the next one up, so no look at the outbox
 * ever reads more rows than it takes. Parked messages stand aside; so do those under review, and those whose text another one carries.
 * Used inside transactions.
 */
import type { OutboxId } from '../store.js';
import type { Database } from './database.js';
import { COLUMNS, FROM, type OutboxRow } from './outbox-row.js';

const OPEN = 'target = ? AND settled_at IS NULL';
const AHEAD = `(status = 'queued' AND (merged_into IS NULL OR merged_into = id) OR status = 'sending' AND audit_id IS NULL)`;
const PENDING = `SELECT count(DISTINCT coalesce(part_of, id)) AS n FROM outbox WHERE ${OPEN} AND ${AHEAD}`;
const IS_BUSY = `SELECT 1 FROM outbox WHERE ${OPEN} AND ${AHEAD} LIMIT 1`;
const HAS_FRONT = `SELECT 1 FROM outbox
  WHERE ${OPEN} AND (status = 'sending' AND audit_id IS NULL OR status = 'queued' AND due_at IS NOT NULL) LIMIT 1`;
const NEXT = `SELECT ${COLUMNS} ${FROM} WHERE o.target = ? AND o.settled_at IS NULL AND o.status = 'queued'
  AND (o.merged_into IS NULL OR o.merged_into = o.id) ORDER BY o.id LIMIT 1`;
const TO_THE_FRONT = 'UPDATE outbox SET due_at = ? WHERE id = ?';
/** A message that may have arrived already keeps the front: its next attempt tells. */
const STEP_BACK = `UPDATE outbox SET due_at = NULL
  WHERE ${OPEN} AND status = 'queued' AND due_at IS NOT NULL AND ambiguous = 0`;

/** Targets that are kept in memory; the journal knows of all. */
const TARGETS_KEPT = 4096;
const NOBODY = 0;

export class TargetLine {
  /** Of targets with at most one message that waits or is being sent: its id, or `NOBODY`. Of all others the journal knows. */
  readonly #alone = new Map<string, OutboxId>();
  readonly #pending;
  readonly #isBusy;
  readonly #hasFront;
  readonly #next;
  readonly #toTheFront;
  readonly #stepBack;

  constructor(db: Database) {
    this.#pending = db.prepare<[string], { n: number }>(PENDING);
    this.#isBusy = db.prepare<[string], unknown>(IS_BUSY);
    this.#hasFront = db.prepare<[string], unknown>(HAS_FRONT);
    this.#next = db.prepare<[string], OutboxRow>(NEXT);
    this.#toTheFront = db.prepare<[number, OutboxId], never>(TO_THE_FRONT);
    this.#stepBack = db.prepare<[string], never>(STEP_BACK);
    db.whenUndone(() => this.forget());
  }

  /** How many messages wait or are being sent. */
  pending(target: string): number {
    return this.#pending.get(target)?.n ?? 0;
  }

  isBusy(target: string): boolean {
    const alone = this.#alone.get(target);
    if (alone !== undefined) return alone !== NOBODY;
    const isBusy = this.#isBusy.get(target) !== undefined;
    if (!isBusy) this.#know(target, NOBODY);
    return isBusy;
  }

  #know(target: string, alone: OutboxId): void {
    if (this.#alone.size >= TARGETS_KEPT) this.#alone.clear();
    this.#alone.set(target, alone);
  }

  /** A message was put into the line. `isAlone`: there is no other. */
  joined(target: string, id: OutboxId, isAlone: boolean): void {
    if (isAlone) this.#know(target, id);
    else this.#alone.delete(target);
  }

  /** A message has left the front; the oldest queued one. */
  left({ id, target }: Pick<OutboxRow, 'id' | 'target'>): OutboxRow | undefined {
    if (this.#alone.get(target) !== id) return this.#next.get(target);
    this.#know(target, NOBODY);
    return undefined;
  }

  /** Messages came into the line or left it anywhere. */
  forget(): void {
    this.#alone.clear();
  }

  /** A message comes to the front, to be sent at `dueAt` (unix ms). */
  bring(id: OutboxId, dueAt: number): void {
    this.#toTheFront.run(dueAt, id);
  }

  /** The oldest queued message comes to the front. False when there is none. */
  bringNext(target: string, now: number): boolean {
    this.#alone.delete(target);
    const next = this.#next.get(target);
    if (next !== undefined) this.bring(next.id, now);
    return next !== undefined;
  }

  /** A message whose attempt was cut off comes to the front again, unless another one stands there. */
  comeAgain({ id, target }: Pick<OutboxRow, 'id' | 'target'>, now: number): void {
    if (this.#hasFront.get(target) === undefined) this.bring(id, now);
  }

  /** The front is given to the oldest message once more, for older ones than it came back. */
  reorder(target: string, now: number): void {
    this.#alone.delete(target);
    this.#stepBack.run(target);
    if (this.#hasFront.get(target) === undefined) this.bringNext(target, now);
  }
}
