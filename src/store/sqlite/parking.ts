/**
 * Messages that wait until their peer writes: who takes no active messages, what waits for whom, and how it comes back as one message.
 * Used inside transactions.
 */
import { howManyFit, lateText } from '../../model/late-text.js';
import type { MessageOrigin, Segment } from '../../model/message.js';
import type { OutboxId, RowError } from '../store.js';
import type { Database } from './database.js';
import type { TargetLine } from './target-line.js';

/** Messages that wait for one peer: until he writes, when they come as one, or until the account is connected, when each goes out. */
const MOST_PARKED = { written: 20, connected: 1000 } as const;
/** Whoever refused active messages is asked again after so long. */
export const REFUSAL_LASTS_MS = 86_400_000;

const PARKED = `target = ? AND settled_at IS NULL AND status = 'parked'`;
const TARGETS = `SELECT DISTINCT target FROM outbox WHERE settled_at IS NULL AND status = 'parked'`;
const HAS = `SELECT 1 FROM outbox WHERE ${PARKED} LIMIT 1`;
/** What comes back just now may have to wait again. */
const OTHERS = `SELECT count(*) AS n FROM (SELECT DISTINCT coalesce(part_of, id) FROM outbox WHERE target = ? AND settled_at IS NULL
  AND (status = 'parked' OR merged_into IS NOT NULL) AND coalesce(part_of, id) <> ? LIMIT ?)`;
const OLDEST = `SELECT id, body, created_at FROM outbox WHERE ${PARKED} ORDER BY id LIMIT 100`;
const MERGE = `UPDATE outbox SET status = 'queued', due_at = NULL, merged_into = ? WHERE id = ?`;
const CARRIED = 'merged_into = ? AND settled_at IS NULL';
const MERGED = `SELECT body, created_at FROM outbox WHERE ${CARRIED} ORDER BY id`;
/** The one of which the most is asked before it may go: what nobody asked for, then answers, then what tells how to pair. */
const STRICTEST = `SELECT origin, in_reply_to IS NOT NULL AS answers FROM outbox WHERE ${CARRIED} ORDER BY answers, origin = 'pairing' LIMIT 1`;
const MERGED_MESSAGES = `SELECT DISTINCT coalesce(part_of, id) AS id FROM outbox WHERE ${CARRIED} AND id <> ?`;
const HAND_OVER = `UPDATE outbox SET merged_into = (SELECT min(id) FROM outbox WHERE ${CARRIED}) WHERE ${CARRIED}`;
const SHARE_END = `UPDATE outbox SET (status, platform_message_id, error, settled_at, window_id, seq) =
  (SELECT status, platform_message_id, error, settled_at, window_id, seq FROM outbox WHERE id = ?) WHERE ${CARRIED} AND id <> ?`;
const PARK_AGAIN = `UPDATE outbox SET status = 'parked', error = ?, due_at = NULL, merged_into = NULL WHERE ${CARRIED}`;
const REFUSED = 'SELECT 1 FROM active_refusals WHERE target = ? AND at > ?';
const LEARN = 'INSERT INTO active_refusals (target, at) VALUES (?, ?) ON CONFLICT DO UPDATE SET at = excluded.at';
const FORGET = 'DELETE FROM active_refusals WHERE target = ?';

interface Strictest {
  readonly origin: MessageOrigin;
  readonly answers: 0 | 1;
}

interface Late {
  readonly body: string;
  readonly created_at: number;
}

export class Parking {
  readonly #line: TargetLine;
  /** Every target for which something is parked, and some for which something was: the others need not be looked for. */
  readonly #mayWait: Set<string>;
  readonly #has;
  readonly #others;
  readonly #oldest;
  readonly #merge;
  readonly #merged;
  readonly #strictest;
  readonly #mergedMessages;
  readonly #shareEnd;
  readonly #parkAgain;
  readonly #handOver;
  readonly #refused;
  readonly #learn;
  readonly #forget;

  constructor(db: Database, line: TargetLine) {
    this.#line = line;
    this.#mayWait = new Set(
      db
        .prepare<[], { target: string }>(TARGETS)
        .all()
        .map((row) => row.target),
    );
    this.#has = db.prepare<[string], unknown>(HAS);
    this.#others = db.prepare<[string, OutboxId, number], { n: number }>(OTHERS);
    this.#oldest = db.prepare<[string], Late & { id: OutboxId }>(OLDEST);
    this.#merge = db.prepare<[OutboxId, OutboxId], never>(MERGE);
    this.#merged = db.prepare<[OutboxId], Late>(MERGED);
    this.#strictest = db.prepare<[OutboxId], Strictest>(STRICTEST);
    this.#mergedMessages = db.prepare<[OutboxId, OutboxId], { id: OutboxId }>(MERGED_MESSAGES);
    this.#shareEnd = db.prepare<[OutboxId, OutboxId, OutboxId], never>(SHARE_END);
    this.#parkAgain = db.prepare<[string, OutboxId], never>(PARK_AGAIN);
    this.#handOver = db.prepare<[OutboxId, OutboxId], never>(HAND_OVER);
    this.#refused = db.prepare<[string, number], unknown>(REFUSED);
    this.#learn = db.prepare<[string, number], never>(LEARN);
    this.#forget = db.prepare<[string], never>(FORGET);
  }

  /** A row of this target is parked in this transaction. */
  noteParked(target: string): void {
    this.#mayWait.add(target);
  }

  /** So many others wait that `message` has no room beside them. */
  isFull(target: string, message: OutboxId, until: 'written' | 'connected'): boolean {
    const most = MOST_PARKED[until];
    return (this.#others.get(target, message, most)?.n ?? 0) >= most;
  }

  /** The oldest parked messages, as many as one message carries, are queued again before what was submitted after them; resolves how many. */
  comeBack(target: string, now: number): number {
    if (!this.#mayWait.has(target) || this.#has.get(target) === undefined) return 0; // almost always
    const parked = this.#oldest.all(target);
    const chosen = parked.slice(0, howManyFit(parked.map(late)));
    for (const { id } of chosen) this.#merge.run((chosen[0] as { id: OutboxId }).id, id);
    this.#line.reorder(target, now);
    return chosen.length;
  }

  /** What a row that carries others says. */
  carriedBy(id: OutboxId, now: number): readonly Segment[] {
    return lateText(this.#merged.all(id).map(late), now);
  }

  /** Whose words it says, as far as that decides whether they may go out: all of them or none do. */
  strictestOf(id: OutboxId): { readonly origin?: MessageOrigin; readonly answers: boolean } {
    const { origin, answers } = this.#strictest.get(id) ?? { answers: 0 };
    return { ...(origin === undefined ? {} : { origin }), answers: answers === 1 };
  }

  /** The messages whose text a row carries share its end; their numbers. */
  shareEnd(id: OutboxId): readonly OutboxId[] {
    const messages = this.#mergedMessages.all(id, id).map((row) => row.id);
    this.#shareEnd.run(id, id, id);
    return messages;
  }

  /** A row that carries others is parked, and they with it, each for itself. */
  parkAgain(id: OutboxId, error: RowError): void {
    this.#parkAgain.run(JSON.stringify(error), id);
  }

  /** A row is out of the way: of the texts that it carried the oldest carries the others. */
  handOver(id: OutboxId): void {
    this.#handOver.run(id, id);
  }

  refusesActive(target: string, now: number): boolean {
    return this.#refused.get(target, now - REFUSAL_LASTS_MS) !== undefined;
  }

  setRefusesActive(target: string, refuses: boolean, now: number): void {
    if (refuses) this.#learn.run(target, now);
    else this.#forget.run(target);
  }
}

function late({ body, created_at: at }: Late): { segments: readonly Segment[]; at: number } {
  return { segments: JSON.parse(body) as Segment[], at };
}
