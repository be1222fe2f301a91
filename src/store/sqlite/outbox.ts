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
  Settled,
} from '../store.js';
import type { Database } from './database.js';
import type { ReplyWindows } from './reply-windows.js';

/*
 * Of the open messages to one target exactly one is at the front: it is being sent, or it is queued and has a `due_at`. The
 * others are queued without one. Whatever takes a message from the front lets the next one up, so no look at the outbox
 * ever reads more rows than it takes. Parked messages stand aside.
 */
const INSERT = `INSERT INTO outbox (account, target, body, origin, in_reply_to, reply_to, part_of, expires_at, created_at, status, due_at)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'queued', ?)`;
const INSERT_TAKEN = `INSERT INTO outbox (account, target, body, origin, in_reply_to, reply_to, part_of, expires_at, created_at, status, attempts,
  window_id, seq) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'sending', 1, ?, ?)`;
const COLUMNS = `o.id, o.target, o.body, o.origin, o.in_reply_to, o.reply_to, o.part_of, o.status, o.expires_at, o.attempts, o.ambiguous, o.platform_message_id,
  o.error, o.window_id, o.seq, w.token_kind, w.token, w.closes_at`;
const FROM = 'FROM outbox o LEFT JOIN reply_windows w ON w.id = o.window_id';
const FIND = `SELECT ${COLUMNS} ${FROM} WHERE o.id = ?`;
const MESSAGE = `SELECT ${COLUMNS} ${FROM} WHERE o.id = ? AND o.part_of IS NULL OR o.part_of = ? ORDER BY o.id`;
const OF_TARGET = 'target = ? AND settled_at IS NULL';
const PENDING = `SELECT count(DISTINCT coalesce(part_of, id)) AS n FROM outbox WHERE ${OF_TARGET} AND status IN ('queued', 'sending')`;
const IS_BUSY = `SELECT 1 FROM outbox WHERE ${OF_TARGET} AND status IN ('queued', 'sending') LIMIT 1`;
const DUE = `SELECT ${COLUMNS} ${FROM} WHERE o.account = ? AND o.status = 'queued' AND o.due_at <= ? ORDER BY o.due_at, o.id LIMIT ?`;
const SEND = `UPDATE outbox SET status = 'sending', attempts = attempts + 1, window_id = ?, seq = ? WHERE id = ?`;
const DELIVERED = `UPDATE outbox SET status = 'delivered', platform_message_id = ?, error = NULL, settled_at = ?
  WHERE id = ? AND status = 'sending' RETURNING target`;
const SETTLE = `UPDATE outbox SET status = ?, error = ?, settled_at = ? WHERE id = ?`;
const LATER_PARTS = `part_of = ? AND id > ? AND settled_at IS NULL AND status IN ('queued', 'parked')`;
const FAIL_LATER_PARTS = `UPDATE outbox SET status = 'failed', due_at = NULL, error = ?, settled_at = ? WHERE ${LATER_PARTS}`;
const PARK_LATER_PARTS = `UPDATE outbox SET status = 'parked', due_at = NULL, error = ? WHERE ${LATER_PARTS} AND status = 'queued'`;
const REQUEUE = `UPDATE outbox SET status = ?, due_at = ?, error = ?, ambiguous = ?, window_id = ?, seq = ? WHERE id = ?`;
const NEXT_IN_LINE = `SELECT ${COLUMNS} ${FROM} WHERE o.target = ? AND o.settled_at IS NULL AND o.status = 'queued' ORDER BY o.id LIMIT 1`;
const TO_THE_FRONT = 'UPDATE outbox SET due_at = ? WHERE id = ?';
const HAS_PARKED = `SELECT 1 FROM outbox WHERE ${OF_TARGET} AND status = 'parked' LIMIT 1`;
const UNPARK = `UPDATE outbox SET status = 'queued', due_at = NULL WHERE id IN
  (SELECT id FROM outbox WHERE ${OF_TARGET} AND status = 'parked' ORDER BY id LIMIT ?)`;
/** A message that may have arrived already keeps the front: its next attempt tells. */
const STEP_BACK = `UPDATE outbox SET due_at = NULL
  WHERE ${OF_TARGET} AND status = 'queued' AND due_at IS NOT NULL AND ambiguous = 0`;
const HAS_FRONT = `SELECT 1 FROM outbox
  WHERE ${OF_TARGET} AND (status = 'sending' OR status = 'queued' AND due_at IS NOT NULL) LIMIT 1`;
const EXPIRE = `UPDATE outbox SET status = iif(ambiguous, 'uncertain', 'failed'), error = ?, settled_at = ?
  WHERE account = ? AND status IN ('queued', 'parked') AND expires_at <= ? RETURNING id, target, due_at`;
const NEXT_DUE = `SELECT due_at AS t FROM outbox
  WHERE account = ? AND status = 'queued' AND due_at IS NOT NULL ORDER BY due_at LIMIT 1`;
const NEXT_EXPIRY = `SELECT expires_at AS t FROM outbox
  WHERE account = ? AND status IN ('queued', 'parked') ORDER BY expires_at LIMIT 1`;
const RECOVER_UNCERTAIN = `UPDATE outbox SET status = 'uncertain', error = ?, settled_at = ?
  WHERE settled_at IS NULL AND status = 'sending' AND window_id IS NULL RETURNING target`;
const RECOVER_AGAIN = `UPDATE outbox SET status = 'queued', ambiguous = 1, due_at = ? WHERE settled_at IS NULL AND status = 'sending'`;

const EXPIRED: RowError = {
  code: 'delivery.expired',
  message: 'nobody could be reached before the message grew too old (park_ttl)',
};
const PART_FAILED: RowError = {
  code: 'delivery.part_failed',
  message: 'an earlier part of this message was not delivered, so this one was not sent',
  remedy: 'mend what kept the earlier part back, then send the whole message again',
};
const CUT_SHORT: RowError = {
  code: 'delivery.cut_short',
  message: 'loong ended while this active message was being sent; it may have arrived',
  remedy: 'ask the peer before you send it again',
};

const NO_NEXT = { nextIsDue: false };
const NOTHING_SETTLED: Settled = { along: 0, ...NO_NEXT };

interface Row {
  readonly id: number;
  readonly target: string;
  readonly body: string;
  readonly origin: MessageOrigin;
  readonly in_reply_to: number | null;
  readonly reply_to: number | null;
  readonly part_of: number | null;
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

/** What every row is inserted with: account, target, body, origin, in_reply_to, reply_to, part_of, expires_at, created_at. */
type Shared = [string, string, string, string, number | null, number | null, number | null, number, number];

/** A message as it was stored: the number of its first part, and that part where it was claimed. */
export interface Inserted {
  readonly id: OutboxId;
  readonly claimed?: Outgoing;
}

export class SqliteOutbox implements Outbox {
  readonly #db;
  readonly #windows;
  readonly #insert;
  readonly #insertTakenRow;
  readonly #find;
  readonly #message;
  readonly #pending;
  readonly #isBusy;
  readonly #due;
  readonly #send;
  readonly #delivered;
  readonly #settle;
  readonly #failLaterParts;
  readonly #parkLaterParts;
  readonly #requeue;
  readonly #nextInLine;
  readonly #toTheFront;
  readonly #hasParked;
  readonly #unpark;
  readonly #stepBack;
  readonly #hasFront;
  readonly #expire;
  readonly #nextDue;
  readonly #nextExpiry;
  /** Per account (unix ms): before then nothing expires. Known too early it costs a look, so it may be stale downwards only. */
  readonly #noExpiryBefore = new Map<string, number>();

  constructor(db: Database, windows: ReplyWindows) {
    this.#db = db;
    this.#windows = windows;
    this.#insert = db.prepare<[...Shared, number | null], never>(INSERT);
    this.#insertTakenRow = db.prepare<[...Shared, number | null, number | null], never>(INSERT_TAKEN);
    this.#find = db.prepare<[number], Row>(FIND);
    this.#message = db.prepare<[number, number], Row>(MESSAGE);
    this.#pending = db.prepare<[string], { n: number }>(PENDING);
    this.#isBusy = db.prepare<[string], unknown>(IS_BUSY);
    this.#due = db.prepare<[string, number, number], Row>(DUE);
    this.#send = db.prepare<[number | null, number | null, number], never>(SEND);
    this.#delivered = db.prepare<[string | null, number, number], { target: string }>(DELIVERED);
    this.#settle = db.prepare<[string, string, number, number], never>(SETTLE);
    this.#failLaterParts = db.prepare<[string, number, number, number], never>(FAIL_LATER_PARTS);
    this.#parkLaterParts = db.prepare<[string, number, number], never>(PARK_LATER_PARTS);
    this.#requeue = db.prepare<[string, number | null, string, number, number | null, number | null, number], never>(
      REQUEUE,
    );
    this.#nextInLine = db.prepare<[string], Row>(NEXT_IN_LINE);
    this.#toTheFront = db.prepare<[number, number], never>(TO_THE_FRONT);
    this.#hasParked = db.prepare<[string], unknown>(HAS_PARKED);
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
    return this.#db.write(() => this.insert(message, null, false).id);
  }

  /** Inside a transaction: one row for each part. `begins`: the first is claimed at once, unless another message to its target is at the front. */
  insert(message: NewOutgoing, inReplyTo: InboxId | null, begins: boolean): Inserted {
    const now = Date.now();
    const target = formatTarget(message.target);
    const account = laneId(message.target);
    const isFirst = this.#isBusy.get(target) === undefined;
    const shared = (segments: readonly Segment[], partOf: OutboxId | null): Shared => [
      account,
      target,
      JSON.stringify(segments),
      message.origin,
      inReplyTo,
      message.replyTo ?? null,
      partOf,
      message.expiresAt,
      now,
    ];
    const first = shared(message.segments, null);
    const inserted =
      begins && isFirst
        ? this.#insertTaken(message, first, target, now, inReplyTo)
        : { id: Number(this.#insert.run(...first, isFirst ? now : null).lastInsertRowid) };
    const { furtherParts = [] } = message;
    for (const segments of furtherParts) this.#insert.run(...shared(segments, inserted.id), null);
    if (inserted.claimed === undefined || furtherParts.length > 0) this.#mayExpireAt(account, message.expiresAt);
    return inserted;
  }

  /** Inside a transaction: a row that is being sent from the start. */
  #insertTaken(message: NewOutgoing, shared: Shared, target: string, now: number, inReplyTo: InboxId | null): Inserted {
    const taken = this.#windows.take(target, now, inReplyTo ?? message.replyTo ?? null);
    const { lastInsertRowid } = this.#insertTakenRow.run(...shared, taken?.windowId ?? null, taken?.pair.seq ?? null);
    const id = Number(lastInsertRowid);
    const { segments, origin, expiresAt, replyTo } = message;
    return {
      id,
      claimed: {
        id,
        message: id,
        target: message.target,
        segments,
        origin,
        expiresAt,
        status: 'sending',
        attempts: 1,
        ambiguous: false,
        ...(inReplyTo === null ? {} : { inReplyTo }),
        ...(replyTo === undefined ? {} : { replyTo }),
        ...(taken === undefined ? {} : { passive: taken.pair }),
      },
    };
  }

  #mayExpireAt(account: string, expiresAt: number): void {
    const known = this.#noExpiryBefore.get(account);
    if (known !== undefined && expiresAt < known) this.#noExpiryBefore.set(account, expiresAt);
  }

  find(id: OutboxId): Outgoing | undefined {
    const row = this.#find.get(id);
    return row === undefined ? undefined : outgoing(row);
  }

  message(id: OutboxId): readonly Outgoing[] {
    return this.#message.all(id, id).map(outgoing);
  }

  pending(target: Target): number {
    return this.#pending.get(formatTarget(target))?.n ?? 0;
  }

  async claim(account: string, now: number, limit: number | (() => number), only?: OutboxId): Promise<Claimed> {
    const mayExpire = now >= (this.#noExpiryBefore.get(account) ?? Number.NEGATIVE_INFINITY);
    const claimed = await this.#db.writeLast(() => {
      const expired = mayExpire ? this.#expireRows(account, now) : [];
      if (only === undefined) {
        // What was written earlier in this commit is due too, though it is younger than the question.
        const rows = this.#due.all(account, Math.max(now, Date.now()), typeof limit === 'number' ? limit : limit());
        return { rows: rows.map((row) => this.#take(row, now)), expired };
      }
      const row = this.#find.get(only);
      return { rows: row?.status === 'queued' ? [this.#take(row, now)] : [], expired };
    });
    // Everything of this commit can be seen now, and what is written later says itself when it expires.
    if (mayExpire) this.#noExpiryBefore.set(account, this.#nextExpiry.get(account)?.t ?? Number.POSITIVE_INFINITY);
    return claimed;
  }

  /** Inside a transaction. */
  #expireRows(account: string, now: number): readonly OutboxId[] {
    const rows = this.#expire.all(JSON.stringify(EXPIRED), now, account, now);
    for (const row of rows) if (row.due_at !== null) this.#nextUp(row.target, now);
    return rows.map((row) => row.id);
  }

  /** Inside a transaction: the oldest queued row of a target comes to the front, or is claimed at once. */
  #nextUp(target: string, now: number, claims = false): Pick<Settled, 'nextIsDue' | 'next'> {
    const row = this.#nextInLine.get(target);
    if (row === undefined) return NO_NEXT;
    if (claims) return { nextIsDue: false, next: this.#take(row, now) };
    this.#toTheFront.run(now, row.id);
    return { nextIsDue: true };
  }

  /** Inside a transaction: counts the attempt, and takes a reply pair unless the row holds one already. */
  #take(row: Row, now: number): Outgoing {
    const held = outgoing(row);
    const taken =
      held.passive === undefined ? this.#windows.take(row.target, now, row.in_reply_to ?? row.reply_to) : undefined;
    this.#send.run(taken?.windowId ?? row.window_id, taken?.pair.seq ?? row.seq, row.id);
    const passive = taken?.pair ?? held.passive;
    return { ...held, status: 'sending', attempts: row.attempts + 1, ...(passive === undefined ? {} : { passive }) };
  }

  settle(id: OutboxId, outcome: AttemptOutcome, claimsNext = false): Promise<Settled> {
    return this.#db.write(() => {
      const now = Date.now();
      if (outcome.status === 'delivered') {
        const row = this.#delivered.get(outcome.platformMessageId ?? null, now, id);
        return row === undefined ? NOTHING_SETTLED : { along: 0, ...this.#nextUp(row.target, now, claimsNext) };
      }
      const row = this.#find.get(id);
      if (row?.status !== 'sending') return NOTHING_SETTLED;
      if (outcome.status === 'queued') return this.#requeueRow(row, outcome, now);
      if (outcome.status === 'parked') return this.#park(row, outcome.error, now);
      this.#settle.run(outcome.status, JSON.stringify(outcome.error), now, id);
      const { changes: along } =
        outcome.status === 'failed'
          ? this.#failLaterParts.run(JSON.stringify(PART_FAILED), now, row.part_of ?? id, id)
          : { changes: 0 };
      return { along, ...this.#nextUp(row.target, now, claimsNext) };
    });
  }

  /** Inside a transaction. When the peer wrote while an active attempt was under way, there is nothing to wait for. */
  #park(row: Row, error: RowError, now: number): Settled {
    const told = JSON.stringify(error);
    this.#mayExpireAt(accountOf(row), row.expires_at);
    if (row.window_id === null && this.#windows.anyOpen(row.target, now)) {
      this.#requeue.run('queued', now, told, 0, null, null, row.id);
      return { along: 0, nextIsDue: true };
    }
    this.#requeue.run('parked', null, told, 0, null, null, row.id);
    const { changes: along } = this.#parkLaterParts.run(told, row.part_of ?? row.id, row.id);
    return { along, ...this.#nextUp(row.target, now) };
  }

  /** Inside a transaction: the row stays at the front of its target. */
  #requeueRow(row: Row, { pair, dueAt, error }: AttemptOutcome & { status: 'queued' }, now: number): Settled {
    this.#mayExpireAt(accountOf(row), row.expires_at);
    if (row.window_id !== null) {
      if (pair === 'release') this.#windows.release(row.window_id);
      if (pair === 'close') this.#windows.close(row.window_id, now);
    }
    const [ambiguous, windowId, seq] = pair === 'keep' ? [1, row.window_id, row.seq] : [0, null, null];
    this.#requeue.run('queued', dueAt, JSON.stringify(error), ambiguous, windowId, seq, row.id);
    return { along: 0, nextIsDue: dueAt <= now };
  }

  /** Inside a transaction: the oldest parked rows of a target, at most `limit`, are queued again, before what was submitted after them. */
  unpark(target: string, limit: number, now: number): number {
    if (this.#hasParked.get(target) === undefined) return 0; // almost always, and much cheaper than the update
    const freed = this.#unpark.run(target, limit).changes;
    if (freed > 0) {
      this.#stepBack.run(target);
      if (this.#hasFront.get(target) === undefined) this.#nextUp(target, now);
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
      for (const { target } of cutShort) this.#nextUp(target, now);
      this.#noExpiryBefore.clear();
      const again = this.#db.prepare<[number], never>(RECOVER_AGAIN).run(now).changes;
      return { again, uncertain: cutShort.length };
    });
  }
}

function accountOf(row: Row): string {
  return laneId(storedTarget(row.target));
}

function outgoing(row: Row): Outgoing {
  const pair = row.token_kind !== null && row.token !== null && row.seq !== null && row.closes_at !== null;
  return {
    id: row.id,
    message: row.part_of ?? row.id,
    target: storedTarget(row.target),
    segments: JSON.parse(row.body) as Segment[],
    origin: row.origin,
    expiresAt: row.expires_at,
    status: row.status,
    attempts: row.attempts,
    ambiguous: row.ambiguous === 1,
    ...(row.in_reply_to === null ? {} : { inReplyTo: row.in_reply_to }),
    ...(row.reply_to === null ? {} : { replyTo: row.reply_to }),
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
