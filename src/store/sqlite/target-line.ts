/**
 * Who stands where among the open messages to one target. Exactly one is at the front: it is being sent, or it is queued and has a
 * `due_at`. The others are queued without one. Whatever takes a message from the front lets the next one up, so no look at the outbox
 * ever reads more rows than it takes. Parked messages stand aside; so do those under review, and those whose text another one carries.
 * Used inside transactions.
 */
import type { OutboxId, Outgoing } from '../store.js';
import type { Database } from './database.js';
import { COLUMNS, FROM, type OutboxRow } from './outbox-row.js';

const OPEN = 'target = ? AND settled_at IS NULL';
const AHEAD = `(status = 'queued' AND (merged_into IS NULL OR merged_into = id) OR status = 'sending' AND audit_id IS NULL)`;
const PENDING = `SELECT count(DISTINCT coalesce(part_of, id)) AS n FROM outbox WHERE ${OPEN} AND ${AHEAD}`;
const IS_BUSY = `SELECT 1 FROM outbox WHERE ${OPEN} AND ${AHEAD} LIMIT 1`;
const HAS_FRONT = `SELECT 1 FROM outbox
  WHERE ${OPEN} AND (status = 'sending' AND audit_id IS NULL OR status = 'queued' AND due_at IS NOT NULL) LIMIT 1`;
const NEXT = `SELECT ${COLUMNS} ${FROM} WHERE o.target = ? AND o.settled_at IS NULL AND o.status = 'queued'
  AND (o.merged_into IS NULL OR o.merged_into = o.id) ORDER BY o.id LIMIT ?`;
const TO_THE_FRONT = 'UPDATE outbox SET due_at = ? WHERE id = ?';
/** A message that may have arrived already keeps the front: its next attempt tells. */
const STEP_BACK = `UPDATE outbox SET due_at = NULL
  WHERE ${OPEN} AND status = 'queued' AND due_at IS NOT NULL AND ambiguous = 0`;

/** Messages of one line that are read from the journal at once. */
const RECALLED = 16;
/** Lines, and messages in them, that are kept in memory; the journal knows of all. */
const LINES_KEPT = 4096;
const STANDING_KEPT = 2048;

interface Line {
  readonly standing: Standing[];
  /** More stand behind these, of whom only the journal knows. */
  goesOn: boolean;
}

/** A row in a line. */
export interface Standing {
  readonly id: OutboxId;
  /** As it goes out when its turn comes, where that is known. */
  readonly ready?: Outgoing;
}

export class TargetLine {
  /** Lines as they were written, from the front: spare looks at the journal. Whoever changes one otherwise forgets it. */
  readonly #lines = new Map<string, Line>();
  #standing = 0;
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
    this.#next = db.prepare<[string, number], OutboxRow>(NEXT);
    this.#toTheFront = db.prepare<[number, OutboxId], never>(TO_THE_FRONT);
    this.#stepBack = db.prepare<[string], never>(STEP_BACK);
    db.whenUndone(() => this.forgetAll());
  }

  /** How many messages wait or are being sent. */
  pending(target: string): number {
    return this.#pending.get(target)?.n ?? 0;
  }

  isBusy(target: string): boolean {
    const line = this.#lines.get(target);
    if (line !== undefined) return line.standing.length > 0;
    if (this.#isBusy.get(target) !== undefined) return true;
    if (this.#lines.size >= LINES_KEPT) this.forgetAll();
    this.#lines.set(target, { standing: [], goesOn: false });
    return false;
  }

  /** A row was put at the end of the line. */
  joined(target: string, standing: Standing): void {
    const line = this.#lines.get(target);
    if (line === undefined || line.goesOn) return;
    if (this.#standing >= STANDING_KEPT) {
      if (line.standing.length === 0) this.#lines.delete(target);
      else line.goesOn = true;
      return;
    }
    line.standing.push(standing);
    this.#standing++;
  }

  /** The oldest queued message, with those behind it kept in memory as far as there is room. `ready`: as each goes out when its turn comes. */
  recall(target: string, ready: (row: OutboxRow) => Outgoing | undefined): OutboxRow | undefined {
    this.forget(target);
    const rows = this.#next.all(target, RECALLED);
    const [first, ...behind] = rows;
    if (first === undefined || this.#standing + rows.length > STANDING_KEPT) return first;
    const standing: Standing[] = [{ id: first.id }];
    for (const row of behind) {
      const known = ready(row);
      standing.push(known === undefined ? { id: row.id } : { id: row.id, ready: known });
    }
    this.#lines.set(target, { standing, goesOn: rows.length === RECALLED });
    this.#standing += standing.length;
    return first;
  }

  /** A message has left the front. What stands there now, as far as it is in memory: `empty`, or undefined where only the journal tells. */
  left({ id, target }: Pick<OutboxRow, 'id' | 'target'>): Standing | 'empty' | undefined {
    const line = this.#lines.get(target);
    if (line?.standing[0]?.id !== id) {
      this.forget(target);
      return undefined;
    }
    line.standing.shift();
    this.#standing--;
    const [first] = line.standing;
    if (first !== undefined || !line.goesOn) return first ?? 'empty';
    this.#lines.delete(target);
    return undefined;
  }

  /** Messages came into this line, left it or changed, other than at its ends. */
  forget(target: string): void {
    this.#standing -= this.#lines.get(target)?.standing.length ?? 0;
    this.#lines.delete(target);
  }

  forgetAll(): void {
    this.#lines.clear();
    this.#standing = 0;
  }

  /** A message comes to the front, to be sent at `dueAt` (unix ms). */
  bring(id: OutboxId, dueAt: number): void {
    this.#toTheFront.run(dueAt, id);
  }

  /** The oldest queued message comes to the front. False when there is none. */
  bringNext(target: string, now: number): boolean {
    this.forget(target);
    const next = this.#next.get(target, 1);
    if (next !== undefined) this.bring(next.id, now);
    return next !== undefined;
  }

  /** A message whose attempt was cut off comes to the front again, unless another one stands there. */
  comeAgain({ id, target }: Pick<OutboxRow, 'id' | 'target'>, now: number): void {
    if (this.#hasFront.get(target) === undefined) this.bring(id, now);
  }

  /** The front is given to the oldest message once more, for older ones than it came back. */
  reorder(target: string, now: number): void {
    this.forget(target);
    this.#stepBack.run(target);
    if (this.#hasFront.get(target) === undefined) this.bringNext(target, now);
  }
}
