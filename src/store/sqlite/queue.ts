/** What an operator does about single messages: try one again, give one up. */
import { AccessDenied, LoongError, UsageError } from '../../model/errors.js';
import type { InboundMessage } from '../../model/message.js';
import { findItem, listRows, type Reads, rowOf, unknownRow } from '../queue-reader.js';
import type { OutboxId, OutgoingStatus, Queue, QueueChange, QueueItem, QueueRow, RowError } from '../store.js';
import type { Database } from './database.js';
import type { Expiry } from './expiry.js';
import { MESSAGE, type MessageRow, storedMessage } from './inbox-row.js';
import type { TargetLine } from './target-line.js';

const PARTS = `WITH first AS (SELECT coalesce(part_of, id) AS id FROM outbox WHERE id = ?)
  SELECT id, account, target, status, due_at, ambiguous, created_at, expires_at, merged_into, coalesce(part_of, id) AS message FROM outbox
  WHERE id = (SELECT id FROM first) OR part_of = (SELECT id FROM first) ORDER BY id`;
const AGAIN = `UPDATE outbox SET status = 'queued', due_at = NULL, expires_at = ?, window_id = NULL, seq = NULL, ambiguous = 0, error = NULL,
  platform_message_id = NULL, merged_into = NULL, plainer = 0, audit_id = NULL, settled_at = NULL WHERE id = ?`;
const FORGET_REFUSAL = 'DELETE FROM active_refusals WHERE target = ?';
const NOT_LATER = `UPDATE outbox SET due_at = min(due_at, ?) WHERE target = ? AND settled_at IS NULL AND status = 'queued'`;
const CARRIER = 'SELECT status, ambiguous FROM outbox WHERE id = ?';
const DROP = `UPDATE outbox SET status = ?, due_at = NULL, error = ?, merged_into = NULL, settled_at = ? WHERE id = ?`;
const HAND_OVER = `UPDATE outbox SET merged_into = (SELECT min(id) FROM outbox WHERE merged_into = ? AND settled_at IS NULL)
  WHERE merged_into = ? AND settled_at IS NULL`;
const INBOX = `SELECT account, status, ${MESSAGE} FROM inbox WHERE id = ?`;
/** What tells somebody unknown how to be let in answers nothing that they said. */
const ANSWERED = `SELECT i.conversation, i.message_id, i.body FROM outbox o JOIN inbox i ON i.id = o.in_reply_to
  WHERE o.id = ? AND o.origin <> 'pairing'`;
const ANSWER_AGAIN = `UPDATE inbox SET status = 'waiting', attempts = 0, error = NULL, settled_at = NULL WHERE id = ? RETURNING ${MESSAGE}`;
const DROP_INBOX = `UPDATE inbox SET status = 'failed', error = ?, settled_at = ? WHERE id = ?`;

const DROPPED: RowError = { code: 'queue.dropped', message: 'given up by an operator' };
const DROPPED_TOO_LATE: RowError = {
  ...DROPPED,
  message: 'given up by an operator after an attempt that may have arrived',
  remedy: 'ask the peer before you send it again',
};

type IsHeard = (message: InboundMessage) => boolean;

interface Part {
  readonly id: OutboxId;
  readonly account: string;
  readonly target: string;
  readonly status: OutgoingStatus;
  readonly due_at: number | null;
  readonly ambiguous: number;
  readonly created_at: number;
  readonly expires_at: number;
  readonly merged_into: OutboxId | null;
  readonly message: OutboxId;
}

export class SqliteQueue implements Queue {
  readonly #db;
  readonly #line;
  readonly #expiry;
  readonly #read: Reads;
  readonly #parts;
  readonly #again;
  readonly #forgetRefusal;
  readonly #notLater;
  readonly #carrier;
  readonly #drop;
  readonly #handOver;
  readonly #inbox;
  readonly #answered;
  readonly #answerAgain;
  readonly #dropInbox;

  constructor(db: Database, line: TargetLine, expiry: Expiry) {
    this.#db = db;
    this.#line = line;
    this.#expiry = expiry;
    this.#read = <R>(sql: string, ...values: readonly (number | string)[]) =>
      db.prepare<(number | string)[], R>(sql).all(...values);
    this.#parts = db.prepare<[OutboxId], Part>(PARTS);
    this.#again = db.prepare<[number, OutboxId], never>(AGAIN);
    this.#forgetRefusal = db.prepare<[string], never>(FORGET_REFUSAL);
    this.#notLater = db.prepare<[number, string], never>(NOT_LATER);
    this.#carrier = db.prepare<[OutboxId], { status: OutgoingStatus; ambiguous: number }>(CARRIER);
    this.#drop = db.prepare<[OutgoingStatus, string, number, OutboxId], never>(DROP);
    this.#handOver = db.prepare<[OutboxId, OutboxId], never>(HAND_OVER);
    this.#inbox = db.prepare<[number], MessageRow & { account: string; status: string }>(INBOX);
    this.#answered = db.prepare<[OutboxId], MessageRow>(ANSWERED);
    this.#answerAgain = db.prepare<[number], MessageRow>(ANSWER_AGAIN);
    this.#dropInbox = db.prepare<[string, number, number], never>(DROP_INBOX);
  }

  list(now: number): readonly QueueRow[] {
    return listRows(this.#read, now);
  }

  find(id: string, now: number): QueueItem | undefined {
    return findItem(this.#read, id, now);
  }

  async retry(id: string, mayDouble: boolean, isHeard: IsHeard): Promise<QueueChange> {
    const row = rowOf(id);
    if (row === undefined) throw unknownRow(id);
    return unlessRefused(
      await this.#db.write(() =>
        row.direction === 'in'
          ? this.#retryIn(id, row.number, isHeard)
          : this.#retryOut(id, row.number, mayDouble, isHeard),
      ),
    );
  }

  /** Inside a transaction, as all that follows. What was refused comes back as a value, so that its neighbours in the commit need not run again. */
  #retryIn(id: string, number: number, isHeard: IsHeard): QueueChange | LoongError {
    const row = this.#inbox.get(number);
    if (row === undefined) return unknownRow(id);
    if (row.status !== 'failed') return settledRow(id, row.status);
    if (!isHeard(storedMessage(row))) return notLetIn(id);
    const again = this.#answerAgain.get(number);
    if (again === undefined) return unknownRow(id);
    return { account: row.account, waiting: { id: number, message: storedMessage(again) } };
  }

  #retryOut(id: string, number: OutboxId, mayDouble: boolean, isHeard: IsHeard): QueueChange | LoongError {
    const now = Date.now();
    const parts = this.#parts.all(number);
    const [first] = parts;
    if (first === undefined) return unknownRow(id);
    const { account, target, message } = first;
    const answers = this.#answered.get(message);
    if (answers !== undefined && !isHeard(storedMessage(answers))) return notLetIn(id);
    if (parts.some(({ status }) => status === 'sending')) return underWay(id);
    const undelivered = parts.filter(({ status }) => status !== 'delivered');
    if (undelivered.length === 0) return settledRow(id, 'delivered');
    if (!mayDouble && undelivered.some(({ status }) => status === 'uncertain')) return mayArriveTwice(id);
    const ended = undelivered.filter(({ status }) => status !== 'queued');
    for (const part of ended) {
      const expiresAt = Math.max(part.expires_at, now + part.expires_at - part.created_at);
      this.#again.run(expiresAt, part.id);
      this.#expiry.mayComeAt(account, expiresAt);
    }
    this.#forgetRefusal.run(target);
    if (ended.length > 0) this.#line.reorder(target, now);
    else this.#notLater.run(now, target); // `due_at` is null but for the one at the front
    return { account, message };
  }

  async drop(id: string): Promise<QueueChange> {
    const row = rowOf(id);
    if (row === undefined) throw unknownRow(id);
    return unlessRefused(
      await this.#db.write(() =>
        row.direction === 'in' ? this.#dropIn(id, row.number) : this.#dropOut(id, row.number),
      ),
    );
  }

  #dropIn(id: string, number: number): QueueChange | LoongError {
    const row = this.#inbox.get(number);
    if (row === undefined) return unknownRow(id);
    if (row.status !== 'waiting') return settledRow(id, row.status);
    this.#dropInbox.run(JSON.stringify(DROPPED), Date.now(), number);
    return { account: row.account };
  }

  #dropOut(id: string, number: OutboxId): QueueChange | LoongError {
    const now = Date.now();
    const parts = this.#parts.all(number).filter((part) => part.id >= number);
    const [named] = parts;
    if (named === undefined) return unknownRow(id);
    if (parts.some((part) => part.status === 'sending' || this.#isCarriedAway(part))) return underWay(id);
    const open = parts.filter(({ status }) => status === 'queued' || status === 'parked');
    if (open.length === 0) return settledRow(id, named.status);
    for (const part of open) {
      const [status, error] =
        part.ambiguous === 1 ? (['uncertain', DROPPED_TOO_LATE] as const) : (['failed', DROPPED] as const);
      this.#drop.run(status, JSON.stringify(error), now, part.id);
      if (part.merged_into === part.id) this.#handOver.run(part.id, part.id);
    }
    this.#line.forget(named.target);
    if (open.some((part) => part.due_at !== null)) this.#line.reorder(named.target, now);
    return { account: named.account, message: named.message };
  }

  /** Its text goes out with that of another message just now, or may have gone. */
  #isCarriedAway({ merged_into }: Part): boolean {
    const carrier = merged_into === null ? undefined : this.#carrier.get(merged_into);
    return carrier !== undefined && (carrier.status === 'sending' || carrier.ambiguous === 1);
  }
}

function unlessRefused(change: QueueChange | LoongError): QueueChange {
  if (change instanceof LoongError) throw change;
  return change;
}

function settledRow(id: string, status: string): LoongError {
  const remedy =
    status === 'failed' || status === 'uncertain'
      ? `\`loong queue retry ${id}\` tries it again`
      : '`loong queue list` shows what can be done something about';
  return new LoongError('queue.settled', `nothing to do: \`${id}\` is ${status}`, { remedy });
}

function notLetIn(id: string): AccessDenied {
  return new AccessDenied(
    'access.revoked',
    `\`${id}\` is of somebody who may not talk with the bot`,
    'let them in, with `loong pairing` or allowed_peer_ids, then try again',
  );
}

function underWay(id: string): LoongError {
  return new LoongError('queue.sending', `\`${id}\` is being sent just now`, {
    remedy: 'try again in a moment: then its outcome is known',
  });
}

function mayArriveTwice(id: string): UsageError {
  return new UsageError(
    'queue.may_double',
    `\`${id}\` may have arrived: sent again, it can arrive twice`,
    'ask the peer first; then say --yes (over HTTP: {"may_double": true})',
  );
}
