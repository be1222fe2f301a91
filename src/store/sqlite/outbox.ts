/** Journal of what goes out: ordered per target, one attempt at a time, every outcome written down. */
import type { MessageOrigin, ReplyToken, Segment } from '../../model/message.js';
import { formatTarget, laneId, storedTarget, type Target } from '../../model/target.js';
import type {
  AttemptOutcome,
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

const INSERT = `INSERT INTO outbox (account, target, body, origin, in_reply_to, status, due_at, expires_at, created_at)
  VALUES (?, ?, ?, ?, ?, 'queued', ?, ?, ?)`;
const COLUMNS = `o.id, o.target, o.body, o.origin, o.in_reply_to, o.status, o.expires_at, o.attempts, o.ambiguous, o.platform_message_id,
  o.error, o.window_id, o.seq, w.token_kind, w.token, w.closes_at`;
const FROM = 'FROM outbox o LEFT JOIN reply_windows w ON w.id = o.window_id';
const FIND = `SELECT ${COLUMNS} ${FROM} WHERE o.id = ?`;
const PENDING = `SELECT count(*) AS n FROM outbox WHERE target = ? AND status IN ('queued', 'sending')`;
/** A row is at the head of its target when nothing older there is queued or being sent. Parked rows block nobody. */
const HEADS = `SELECT ${COLUMNS} ${FROM} WHERE o.account = ? AND o.status = 'queued' AND o.due_at <= ?
  AND NOT EXISTS (SELECT 1 FROM outbox p WHERE p.target = o.target AND p.id < o.id AND p.status IN ('queued', 'sending'))
  ORDER BY o.id LIMIT ?`;
const SEND = `UPDATE outbox SET status = 'sending', attempts = attempts + 1, window_id = ?, seq = ? WHERE id = ?`;
const SETTLE = `UPDATE outbox SET status = ?, platform_message_id = ?, error = ?, settled_at = ? WHERE id = ?`;
const REQUEUE = `UPDATE outbox SET status = ?, due_at = ?, error = ?, ambiguous = ?, window_id = ?, seq = ? WHERE id = ?`;
const UNPARK = `UPDATE outbox SET status = 'queued', due_at = ? WHERE id IN
  (SELECT id FROM outbox WHERE target = ? AND status = 'parked' ORDER BY id LIMIT ?)`;
const EXPIRE = `UPDATE outbox SET status = iif(ambiguous, 'uncertain', 'failed'), error = ?, settled_at = ?
  WHERE account = ? AND status IN ('queued', 'parked') AND expires_at <= ?`;
const NEXT_DUE = `SELECT min(t) AS t FROM (
  SELECT min(o.due_at) AS t FROM outbox o WHERE o.account = ? AND o.status = 'queued'
    AND NOT EXISTS (SELECT 1 FROM outbox p WHERE p.target = o.target AND p.id < o.id AND p.status IN ('queued', 'sending'))
  UNION ALL SELECT min(expires_at) FROM outbox WHERE account = ? AND status IN ('queued', 'parked'))`;
const RECOVER_UNCERTAIN = `UPDATE outbox SET status = 'uncertain', error = ?, settled_at = ? WHERE status = 'sending' AND window_id IS NULL`;
const RECOVER_AGAIN = `UPDATE outbox SET status = 'queued', ambiguous = 1, due_at = ? WHERE status = 'sending'`;

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
  readonly #heads;
  readonly #send;
  readonly #settle;
  readonly #requeue;
  readonly #unpark;
  readonly #expire;
  readonly #nextDue;

  constructor(db: Database, windows: ReplyWindows) {
    this.#db = db;
    this.#windows = windows;
    this.#insert = db.prepare<[string, string, string, string, number | null, number, number, number], never>(INSERT);
    this.#find = db.prepare<[number], Row>(FIND);
    this.#pending = db.prepare<[string], { n: number }>(PENDING);
    this.#heads = db.prepare<[string, number, number], Row>(HEADS);
    this.#send = db.prepare<[number | null, number | null, number], never>(SEND);
    this.#settle = db.prepare<[string, string | null, string | null, number, number], never>(SETTLE);
    this.#requeue = db.prepare<[string, number, string, number, number | null, number | null, number], never>(REQUEUE);
    this.#unpark = db.prepare<[number, string, number], never>(UNPARK);
    this.#expire = db.prepare<[string, number, string, number], never>(EXPIRE);
    this.#nextDue = db.prepare<[string, string], { t: number | null }>(NEXT_DUE);
  }

  add(message: NewOutgoing): Promise<OutboxId> {
    return this.#db.write(() => this.insert(message, null));
  }

  /** Inside a transaction. */
  insert(message: NewOutgoing, inReplyTo: InboxId | null): OutboxId {
    const now = Date.now();
    const { target, segments, origin, expiresAt } = message;
    const body = JSON.stringify(segments);
    return Number(
      this.#insert.run(laneId(target), formatTarget(target), body, origin, inReplyTo, now, expiresAt, now)
        .lastInsertRowid,
    );
  }

  find(id: OutboxId): Outgoing | undefined {
    const row = this.#find.get(id);
    return row === undefined ? undefined : outgoing(row);
  }

  pending(target: Target): number {
    return this.#pending.get(formatTarget(target))?.n ?? 0;
  }

  claim(account: string, now: number, limit: number, only?: OutboxId): Promise<readonly Outgoing[]> {
    return this.#db.write(() => {
      this.#expire.run(JSON.stringify(EXPIRED), now, account, now);
      if (only === undefined) return this.#heads.all(account, now, limit).map((row) => this.#take(row, now));
      const row = this.#find.get(only);
      return row?.status === 'queued' ? [this.#take(row, now)] : [];
    });
  }

  /** Inside a transaction: counts the attempt, and takes a reply pair unless the row holds one already. */
  #take(row: Row, now: number): Outgoing {
    const held = outgoing(row);
    const taken = held.passive === undefined ? this.#windows.take(row.target, now, row.in_reply_to) : undefined;
    this.#send.run(taken?.windowId ?? row.window_id, taken?.seq ?? row.seq, row.id);
    const passive = taken ?? held.passive;
    return { ...held, status: 'sending', attempts: row.attempts + 1, ...(passive === undefined ? {} : { passive }) };
  }

  async settle(id: OutboxId, outcome: AttemptOutcome): Promise<void> {
    await this.#db.write(() => {
      if (outcome.status === 'queued' || outcome.status === 'parked') this.#requeueRow(id, outcome);
      else {
        const platformId = outcome.status === 'delivered' ? (outcome.platformMessageId ?? null) : null;
        const error = outcome.status === 'delivered' ? null : JSON.stringify(outcome.error);
        this.#settle.run(outcome.status, platformId, error, Date.now(), id);
      }
    });
  }

  /** Inside a transaction. */
  #requeueRow(id: OutboxId, outcome: AttemptOutcome & { status: 'queued' | 'parked' }): void {
    const row = this.#find.get(id);
    if (row === undefined) return;
    const error = JSON.stringify(outcome.error);
    const keep = outcome.status === 'queued' && outcome.pair === 'keep';
    if (outcome.status === 'queued' && row.window_id !== null) {
      if (outcome.pair === 'release') this.#windows.release(row.window_id);
      if (outcome.pair === 'close') this.#windows.close(row.window_id);
    }
    const dueAt = outcome.status === 'queued' ? outcome.dueAt : Date.now();
    this.#requeue.run(
      outcome.status,
      dueAt,
      error,
      keep ? 1 : 0,
      keep ? row.window_id : null,
      keep ? row.seq : null,
      id,
    );
  }

  /** Inside a transaction: the oldest parked rows of a target, at most `limit`, are due now. */
  unpark(target: string, limit: number, now: number): number {
    return this.#unpark.run(now, target, limit).changes;
  }

  nextDue(account: string): number | undefined {
    return this.#nextDue.get(account, account)?.t ?? undefined;
  }

  recover(): Promise<{ again: number; uncertain: number }> {
    return this.#db.write(() => {
      const now = Date.now();
      const uncertain = this.#db
        .prepare<[string, number], never>(RECOVER_UNCERTAIN)
        .run(JSON.stringify(CUT_SHORT), now).changes;
      const again = this.#db.prepare<[number], never>(RECOVER_AGAIN).run(now).changes;
      return { again, uncertain };
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
