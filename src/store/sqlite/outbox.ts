/** Journal of what goes out: ordered per target, one attempt at a time, every outcome written down. */
import type { MessageOrigin, ReplyToken, Segment } from '../../model/message.js';
import { formatTarget, laneId, storedTarget, type Target } from '../../model/target.js';
import type {
  AttemptOutcome,
  Claimed,
  InboxId,
  NewOutgoing,
  Outbox,
  OutboxId,
  Outgoing,
  OutgoingStatus,
  RowError,
} from '../store.js';
import type { Database } from './database.js';
import type { ReplyWindows } from './reply-windows.js';

/*
 * Of the open messages to one target exactly one is at the front: it is being sent, or it is queued and has a `due_at`. The
 * others are queued without one. Whatever takes a message from the front lets the next one up, so no look at the outbox
 * ever reads more rows than it takes. Parked messages stand aside.
 */
const INSERT = `INSERT INTO outbox (account, target, body, origin, in_reply_to, status, due_at, expires_at, created_at)
  VALUES (?, ?, ?, ?, ?, 'queued', ?, ?, ?)`;
const COLUMNS = `o.id, o.target, o.body, o.origin, o.in_reply_to, o.status, o.expires_at, o.attempts, o.ambiguous, o.platform_message_id,
  o.error, o.window_id, o.seq, w.token_kind, w.token, w.closes_at`;
const FROM = 'FROM outbox o LEFT JOIN reply_windows w ON w.id = o.window_id';
const FIND = `SELECT ${COLUMNS} ${FROM} WHERE o.id = ?`;
const OF_TARGET = 'target = ? AND settled_at IS NULL';
const PENDING = `SELECT count(*) AS n FROM outbox WHERE ${OF_TARGET} AND status IN ('queued', 'sending')`;
const IS_BUSY = `SELECT 1 FROM outbox WHERE ${OF_TARGET} AND status IN ('queued', 'sending') LIMIT 1`;
const DUE = `SELECT ${COLUMNS} ${FROM} WHERE o.account = ? AND o.status = 'queued' AND o.due_at <= ? ORDER BY o.due_at, o.id LIMIT ?`;
const SEND = `UPDATE outbox SET status = 'sending', attempts = attempts + 1, window_id = ?, seq = ? WHERE id = ?`;
const SETTLE = `UPDATE outbox SET status = ?, platform_message_id = ?, error = ?, settled_at = ? WHERE id = ?`;
const REQUEUE = `UPDATE outbox SET status = ?, due_at = ?, error = ?, ambiguous = ?, window_id = ?, seq = ? WHERE id = ?`;
const NEXT_UP = `UPDATE outbox SET due_at = ? WHERE id =
  (SELECT id FROM outbox WHERE ${OF_TARGET} AND status = 'queued' ORDER BY id LIMIT 1)`;
const UNPARK = `UPDATE outbox SET status = 'queued', due_at = NULL WHERE id IN
  (SELECT id FROM outbox WHERE ${OF_TARGET} AND status = 'parked' ORDER BY id LIMIT ?)`;
/** A message that may have arrived already keeps the front: its next attempt tells. */
const STEP_BACK = `UPDATE outbox SET due_at = NULL
  WHERE ${OF_TARGET} AND status = 'queued' AND due_at IS NOT NULL AND ambiguous = 0`;
const HAS_FRONT = `SELECT 1 FROM outbox
  WHERE ${OF_TARGET} AND (status = 'sending' OR status = 'queued' AND due_at IS NOT NULL) LIMIT 1`;
const EXPIRE = `UPDATE outbox SET status = iif(ambiguous, 'uncertain', 'failed'), error = ?, settled_at = ?
  WHERE account = ? AND settled_at IS NULL AND status <> 'sending' AND expires_at <= ? RETURNING id, target, due_at`;
const NEXT_DUE = `SELECT due_at AS t FROM outbox
  WHERE account = ? AND status = 'queued' AND due_at IS NOT NULL ORDER BY due_at LIMIT 1`;
const NEXT_EXPIRY = `SELECT expires_at AS t FROM outbox
  WHERE account = ? AND settled_at IS NULL AND status <> 'sending' ORDER BY expires_at LIMIT 1`;
const RECOVER_UNCERTAIN = `UPDATE outbox SET status = 'uncertain', error = ?, settled_at = ?
  WHERE settled_at IS NULL AND status = 'sending' AND window_id IS NULL RETURNING target`;
const RECOVER_AGAIN = `UPDATE outbox SET status = 'queued', ambiguous = 1, due_at = ? WHERE settled_at IS NULL AND status = 'sending'`;

const EXPIRED: RowError = {
  code: 'delivery.expired',
  message: 'nobody could be reached before the message grew too old (park_ttl)',
};
const CUT_SHORT: RowError = {
  code: 'delivery.cut_short',
  message: 'loong ended while this active message was being sent; it may have arrived',
  remedy: 'ask the peer before you send it again',
};

interface Row {
  readonly id: number;
  readonly target: string;
  readonly body: string;
  readonly origin: MessageOrigin;
  readonly in_reply_to: number | null;
  readonly status: OutgoingStatus;
  readonly expires_at: number;
  readonly attempts: number;
  readonly ambiguous: number;
  readonly platform_message_id: string | null;
  readonly error: string | null;
  readonly window_id: number | null;
  readonly seq: number | null;
  readonly token_kind: ReplyToken['kind'] | null;
  readonly token: string | null;
  readonly closes_at: number | null;
}

export class SqliteOutbox implements Outbox {
  readonly #db;
  readonly #windows;
  readonly #insert;
  readonly #find;
  readonly #pending;
  readonly #isBusy;
  readonly #due;
  readonly #send;
  readonly #settle;
  readonly #requeue;
  readonly #nextUp;
  readonly #unpark;
  readonly #stepBack;
  readonly #hasFront;
  readonly #expire;
  readonly #nextDue;
  readonly #nextExpiry;

  constructor(db: Database, windows: ReplyWindows) {
    this.#db = db;
    this.#windows = windows;
    this.#insert = db.prepare<[string, string, string, string, number | null, number | null, number, number], never>(
      INSERT,
    );
    this.#find = db.prepare<[number], Row>(FIND);
    this.#pending = db.prepare<[string], { n: number }>(PENDING);
    this.#isBusy = db.prepare<[string], unknown>(IS_BUSY);
    this.#due = db.prepare<[string, number, number], Row>(DUE);
    this.#send = db.prepare<[number | null, number | null, number], never>(SEND);
    this.#settle = db.prepare<[string, string | null, string | null, number, number], never>(SETTLE);
    this.#requeue = db.prepare<[string, number | null, string, number, number | null, number | null, number], never>(
      REQUEUE,
    );
    this.#nextUp = db.prepare<[number, string], never>(NEXT_UP);
    this.#unpark = db.prepare<[string, number], never>(UNPARK);
    this.#stepBack = db.prepare<[string], never>(STEP_BACK);
    this.#hasFront = db.prepare<[string], unknown>(HAS_FRONT);
    this.#expire = db.prepare<[string, number, string, number], { id: number; target: string; due_at: number | null }>(
      EXPIRE,
    );
    this.#nextDue = db.prepare<[string], { t: number }>(NEXT_DUE);
    this.#nextExpiry = db.prepare<[string], { t: number }>(NEXT_EXPIRY);
  }

  add(message: NewOutgoing): Promise<OutboxId> {
    return this.#db.write(() => this.insert(message, null));
  }

  /** Inside a transaction. */
  insert(message: NewOutgoing, inReplyTo: InboxId | null): OutboxId {
    const now = Date.now();
    const { segments, origin, expiresAt } = message;
    const target = formatTarget(message.target);
    const dueAt = this.#isBusy.get(target) === undefined ? now : null;
    return Number(
      this.#insert.run(
        laneId(message.target),
        target,
        JSON.stringify(segments),
        origin,
        inReplyTo,
        dueAt,
        expiresAt,
        now,
      ).lastInsertRowid,
    );
  }

  find(id: OutboxId): Outgoing | undefined {
    const row = this.#find.get(id);
    return row === undefined ? undefined : outgoing(row);
  }

  pending(target: Target): number {
    return this.#pending.get(formatTarget(target))?.n ?? 0;
  }

  claim(account: string, now: number, limit: number, only?: OutboxId): Promise<Claimed> {
    return this.#db.write(() => {
      const expired = this.#expireRows(account, now);
      if (only === undefined) {
        return { rows: this.#due.all(account, now, limit).map((row) => this.#take(row, now)), expired };
      }
      const row = this.#find.get(only);
      return { rows: row?.status === 'queued' ? [this.#take(row, now)] : [], expired };
    });
  }

  /** Inside a transaction. */
  #expireRows(account: string, now: number): readonly OutboxId[] {
    const rows = this.#expire.all(JSON.stringify(EXPIRED), now, account, now);
    for (const row of rows) if (row.due_at !== null) this.#nextUp.run(now, row.target);
    return rows.map((row) => row.id);
  }

  /** Inside a transaction: counts the attempt, and takes a reply pair unless the row holds one already. */
  #take(row: Row, now: number): Outgoing {
    const held = outgoing(row);
    const taken = held.passive === undefined ? this.#windows.take(row.target, now, row.in_reply_to) : undefined;
    this.#send.run(taken?.windowId ?? row.window_id, taken?.pair.seq ?? row.seq, row.id);
    const passive = taken?.pair ?? held.passive;
    return { ...held, status: 'sending', attempts: row.attempts + 1, ...(passive === undefined ? {} : { passive }) };
  }

  async settle(id: OutboxId, outcome: AttemptOutcome): Promise<void> {
    await this.#db.write(() => {
      const row = this.#find.get(id);
      if (row?.status !== 'sending') return;
      const now = Date.now();
      if (outcome.status === 'queued') return this.#requeueRow(row, outcome, now);
      if (outcome.status === 'parked') return this.#park(row, outcome.error, now);
      const error = outcome.status === 'delivered' ? null : JSON.stringify(outcome.error);
      const platformId = outcome.status === 'delivered' ? (outcome.platformMessageId ?? null) : null;
      this.#settle.run(outcome.status, platformId, error, now, id);
      this.#nextUp.run(now, row.target);
    });
  }

  /** Inside a transaction. When the peer wrote while an active attempt was under way, there is nothing to wait for. */
  #park(row: Row, error: RowError, now: number): void {
    const comesTooLate = row.window_id === null && this.#windows.anyOpen(row.target, now);
    if (comesTooLate) this.#requeue.run('queued', now, JSON.stringify(error), 0, null, null, row.id);
    else {
      this.#requeue.run('parked', null, JSON.stringify(error), 0, null, null, row.id);
      this.#nextUp.run(now, row.target);
    }
  }

  /** Inside a transaction: the row stays at the front of its target. */
  #requeueRow(row: Row, { pair, dueAt, error }: AttemptOutcome & { status: 'queued' }, now: number): void {
    if (row.window_id !== null) {
      if (pair === 'release') this.#windows.release(row.window_id);
      if (pair === 'close') this.#windows.close(row.window_id, now);
    }
    const [ambiguous, windowId, seq] = pair === 'keep' ? [1, row.window_id, row.seq] : [0, null, null];
    this.#requeue.run('queued', dueAt, JSON.stringify(error), ambiguous, windowId, seq, row.id);
  }

  /** Inside a transaction: the oldest parked rows of a target, at most `limit`, are queued again, before what was submitted after them. */
  unpark(target: string, limit: number, now: number): number {
    const freed = this.#unpark.run(target, limit).changes;
    if (freed > 0) {
      this.#stepBack.run(target);
      if (this.#hasFront.get(target) === undefined) this.#nextUp.run(now, target);
    }
    return freed;
  }

  nextDue(account: string): number | undefined {
    const due = this.#nextDue.get(account)?.t;
    const expiry = this.#nextExpiry.get(account)?.t;
    return due === undefined || expiry === undefined ? (due ?? expiry) : Math.min(due, expiry);
  }

  recover(): Promise<{ again: number; uncertain: number }> {
    return this.#db.write(() => {
      const now = Date.now();
      const cutShort = this.#db
        .prepare<[string, number], { target: string }>(RECOVER_UNCERTAIN)
        .all(JSON.stringify(CUT_SHORT), now);
      for (const { target } of cutShort) this.#nextUp.run(now, target);
      const again = this.#db.prepare<[number], never>(RECOVER_AGAIN).run(now).changes;
      return { again, uncertain: cutShort.length };
    });
  }
}

function outgoing(row: Row): Outgoing {
  const pair = row.token_kind !== null && row.token !== null && row.seq !== null && row.closes_at !== null;
  return {
    id: row.id,
    target: storedTarget(row.target),
    segments: JSON.parse(row.body) as Segment[],
    origin: row.origin,
    expiresAt: row.expires_at,
    status: row.status,
    attempts: row.attempts,
    ambiguous: row.ambiguous === 1,
    ...(row.in_reply_to === null ? {} : { inReplyTo: row.in_reply_to }),
    ...(pair
      ? {
          passive: {
            token: { kind: row.token_kind as ReplyToken['kind'], value: row.token as string },
            seq: row.seq as number,
            closesAt: row.closes_at as number,
          },
        }
      : {}),
    ...(row.platform_message_id === null ? {} : { platformMessageId: row.platform_message_id }),
    ...(row.error === null ? {} : { error: JSON.parse(row.error) as RowError }),
  };
}
