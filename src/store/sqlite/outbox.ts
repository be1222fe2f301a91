/** Journal of what goes out: ordered per target, one attempt at a time, every outcome written down. */
import { formatTarget, laneId, storedTarget, type Target } from '../../model/target.js';
import type {
  AttemptOutcome,
  Claimed,
  ClaimsNext,
  Cleared,
  Look,
  NewOutgoing,
  Once,
  Outbox,
  OutboxId,
  Outgoing,
  RowError,
  Settled,
} from '../store.js';
import type { Claims } from './claims.js';
import type { Database } from './database.js';
import type { Entries } from './entries.js';
import type { Expiry } from './expiry.js';
import { IdempotencyKeys, unlessConflict } from './idempotency.js';
import { ALTERED, CUT_SHORT, PART_FAILED, REFUSES_ACTIVE, TOO_MANY_AWAY, TOO_MANY_PARKED } from './outbox-errors.js';
import { COLUMNS, carriesOthers, FROM, hasUsablePair, type OutboxRow, outgoing, plainerBits } from './outbox-row.js';
import type { Parking } from './parking.js';
import type { ReplyWindows } from './reply-windows.js';
import type { Reviews } from './reviews.js';
import type { TargetLine } from './target-line.js';

const FIND = `SELECT ${COLUMNS} ${FROM} WHERE o.id = ?`;
const MESSAGE = `SELECT ${COLUMNS} ${FROM} WHERE o.id = ? AND o.part_of IS NULL OR o.part_of = ? ORDER BY o.id`;
const DUE = `SELECT ${COLUMNS} ${FROM} WHERE o.account = ? AND o.status = 'queued' AND o.due_at <= ? ORDER BY o.due_at, o.id LIMIT ?`;
const SENDING = `SELECT ${COLUMNS} ${FROM} WHERE o.id = ? AND o.status = 'sending' AND o.audit_id IS NULL`;
const DELIVERED = `UPDATE outbox SET status = 'delivered', platform_message_id = ?, error = ?, settled_at = ?
  WHERE id = ? AND status = 'sending' AND audit_id IS NULL`;
const SETTLE = 'UPDATE outbox SET status = ?, due_at = NULL, error = ?, settled_at = ? WHERE id = ?';
const LATER_PARTS = `part_of = ? AND id > ? AND settled_at IS NULL AND status IN ('queued', 'parked')`;
const FAIL_LATER_PARTS = `UPDATE outbox SET status = 'failed', due_at = NULL, merged_into = NULL, error = ?, settled_at = ?
  WHERE ${LATER_PARTS} RETURNING id`;
const PARK_LATER_PARTS = `UPDATE outbox SET status = 'parked', due_at = NULL, merged_into = NULL, error = ?
  WHERE ${LATER_PARTS} AND status = 'queued' RETURNING id`;
const REQUEUE = `UPDATE outbox SET status = ?, due_at = ?, error = ?, ambiguous = ?, window_id = ?, seq = ?, plainer = ? WHERE id = ?`;
const NEXT_DUE = `SELECT due_at AS t FROM outbox
  WHERE account = ? AND status = 'queued' AND due_at IS NOT NULL ORDER BY due_at LIMIT 1`;
const CUT_OFF = `SELECT ${COLUMNS} ${FROM} WHERE o.settled_at IS NULL AND o.status = 'sending' AND o.audit_id IS NULL`;
const SEND_AGAIN = `UPDATE outbox SET status = 'queued', ambiguous = 1, due_at = NULL WHERE id = ?`;

const CLEAR = `UPDATE outbox SET status = ?, platform_message_id = ?, error = ? WHERE id = ? AND status = 'uncertain'`;
const SENT = `SELECT target, platform_message_id AS id FROM outbox
  WHERE id > (SELECT max(id) FROM outbox) - :rows AND account = :account AND platform_message_id IS NOT NULL
  AND id > coalesce((SELECT last_outbox FROM rebindings WHERE account = :account), 0) ORDER BY id`;
const WAITING_TARGETS = `SELECT DISTINCT target FROM outbox WHERE account = ? AND status IN ('queued', 'parked')`;
const UNPARK = `UPDATE outbox SET status = 'queued', due_at = NULL WHERE target = ? AND settled_at IS NULL AND status = 'parked'`;

const NOTHING_SETTLED: Settled = { along: 0, nextIsDue: false };
const NOTHING_CARRIED: readonly OutboxId[] = [];

export class SqliteOutbox implements Outbox {
  readonly #db;
  readonly #windows;
  readonly #keys;
  readonly #line;
  readonly #parking;
  readonly #reviews;
  readonly #expiry;
  readonly #claims;
  readonly #entries;
  readonly #find;
  readonly #message;
  readonly #due;
  readonly #sending;
  readonly #delivered;
  readonly #settle;
  readonly #failLaterParts;
  readonly #parkLaterParts;
  readonly #requeue;
  readonly #nextDue;
  readonly #cutOff;
  readonly #sendAgain;
  readonly #clear;
  readonly #sent;
  readonly #waitingTargets;
  readonly #unpark;

  constructor(
    db: Database,
    windows: ReplyWindows,
    line: TargetLine,
    parking: Parking,
    reviews: Reviews,
    expiry: Expiry,
    claims: Claims,
    entries: Entries,
  ) {
    this.#db = db;
    this.#windows = windows;
    this.#keys = new IdempotencyKeys(db);
    this.#line = line;
    this.#parking = parking;
    this.#reviews = reviews;
    this.#expiry = expiry;
    this.#claims = claims;
    this.#entries = entries;
    this.#find = db.prepare<[number], OutboxRow>(FIND);
    this.#message = db.prepare<[number, number], OutboxRow>(MESSAGE);
    this.#due = db.prepare<[string, number, number], OutboxRow>(DUE);
    this.#sending = db.prepare<[number], OutboxRow>(SENDING);
    this.#delivered = db.prepare<[string | null, string | null, number, number], never>(DELIVERED);
    this.#settle = db.prepare<[string, string, number, number], never>(SETTLE);
    this.#failLaterParts = db.prepare<[string, number, number, number], { id: OutboxId }>(FAIL_LATER_PARTS);
    this.#parkLaterParts = db.prepare<[string, number, number], { id: OutboxId }>(PARK_LATER_PARTS);
    this.#requeue = db.prepare<
      [string, number | null, string, number, number | null, number | null, number, number],
      never
    >(REQUEUE);
    this.#nextDue = db.prepare<[string], { t: number }>(NEXT_DUE);
    this.#cutOff = db.prepare<[], OutboxRow>(CUT_OFF);
    this.#clear = db.prepare<[string, string | null, string | null, number], never>(CLEAR);
    this.#sent = db.prepare<[{ rows: number; account: string }], { target: string; id: string }>(SENT);
    this.#waitingTargets = db.prepare<[string], { target: string }>(WAITING_TARGETS);
    this.#unpark = db.prepare<[string], never>(UNPARK);
    this.#sendAgain = db.prepare<[number], never>(SEND_AGAIN);
  }

  async add(message: NewOutgoing, once?: Once): Promise<OutboxId> {
    const stored = await this.#db.write(() => {
      const account = laneId(message.target);
      const known = once === undefined ? undefined : this.#keys.find(account, once);
      if (known !== undefined) return known;
      const { id } = this.#entries.enter(message);
      if (once !== undefined) this.#keys.keep(account, once, id);
      return id;
    });
    return unlessConflict(stored);
  }

  known(account: string, once: Once): OutboxId | undefined {
    return unlessConflict(this.#keys.find(account, once));
  }

  find(id: OutboxId): Outgoing | undefined {
    const row = this.#find.get(id);
    return row === undefined ? undefined : outgoing(row);
  }

  message(id: OutboxId): readonly Outgoing[] {
    return this.#message.all(id, id).map(outgoing);
  }

  pending(target: Target): number {
    return this.#line.pending(formatTarget(target));
  }

  async claim(account: string, now: number, limit: number | (() => number), look: Look = {}): Promise<Claimed> {
    const mayExpire = this.#expiry.mayBeDue(account, now);
    const claimed = await this.#db.writeLast(() => {
      const unattempted: OutboxId[] = mayExpire ? this.#expiry.settleOld(account, now) : [];
      const most = typeof limit === 'number' ? limit : limit();
      // What was written earlier in this commit is due too, though it is younger than the question.
      const due =
        look.only === undefined ? this.#due.all(account, Math.max(now, Date.now()), most) : this.#only(look.only);
      const rows = due.flatMap((row) => this.#take(row, now, look, unattempted) ?? []);
      return { rows, unattempted, isMore: due.length === most };
    });
    if (mayExpire) this.#expiry.lookAhead(account);
    return claimed;
  }

  #only(id: OutboxId): readonly OutboxRow[] {
    const row = this.#find.get(id);
    return row?.status === 'queued' && (row.merged_into ?? row.id) === row.id ? [row] : [];
  }

  /** Inside a transaction: claims a row for an attempt, unless it has to wait, or is parked and put into `unattempted`. */
  #take(row: OutboxRow, now: number, { pace }: Look, unattempted: OutboxId[]): Outgoing | undefined {
    const window = this.#claims.windowFor(row, now);
    const how = window === undefined && !hasUsablePair(row, now) ? 'active' : 'passive';
    if (how === 'active' && this.#parking.refusesActive(row.target, now)) {
      this.#park(row, REFUSES_ACTIVE, now);
      unattempted.push(row.id);
      return undefined;
    }
    const waitMs = pace?.(storedTarget(row.target), how) ?? 0;
    if (waitMs === 0) return this.#claims.claim(row, window, now);
    this.#line.bring(row.id, now + waitMs);
    return undefined;
  }

  settle(id: OutboxId, outcome: AttemptOutcome, claimsNext: ClaimsNext = false): Promise<Settled> {
    return this.#db.write(() => {
      const now = Date.now();
      if (outcome.status === 'delivered') {
        const row = this.#claims.land(id) ?? this.#sending.get(id);
        if (row === undefined) return NOTHING_SETTLED;
        const { platformMessageId = null, warning } = outcome;
        const told = warning === undefined ? null : JSON.stringify({ code: ALTERED, message: warning });
        if (this.#delivered.run(platformMessageId, told, now, id).changes === 0) return NOTHING_SETTLED;
        return this.#ended(row, now, claimsNext);
      }
      this.#claims.land(id);
      const row = this.#sending.get(id);
      if (row === undefined) return NOTHING_SETTLED;
      if (outcome.status === 'queued') return this.#requeueRow(row, outcome, now);
      if (outcome.status === 'sending') return this.#review(row, outcome, now, claimsNext);
      if (outcome.status === 'parked') {
        const wasActive = row.window_id === null;
        if (wasActive && this.#claims.windowFor(row, now) !== undefined) {
          // The peer wrote while an active attempt was under way.
          return this.#requeueRow(row, { ...outcome, status: 'queued', dueAt: now, pair: 'release' }, now);
        }
        if (wasActive && outcome.until !== 'connected') this.#parking.setRefusesActive(row.target, true, now);
        return this.#park(row, outcome.error, now, outcome.until);
      }
      if (outcome.status === 'failed') return this.#fail(row, outcome.error, now, claimsNext);
      this.#settle.run(outcome.status, JSON.stringify(outcome.error), now, id);
      return this.#ended(row, now, claimsNext);
    });
  }

  /** Inside a transaction: a row fails, and with it what it carries, and all that comes after these in the same messages. */
  #fail(row: OutboxRow, error: RowError, now: number, claimsNext: ClaimsNext): Settled {
    this.#settle.run('failed', JSON.stringify(error), now, row.id);
    const carried = carriesOthers(row) ? this.#parking.shareEnd(row.id) : [];
    const failed = new Set([row.part_of ?? row.id, ...carried]);
    const rest = [...failed].flatMap((message) =>
      this.#failLaterParts.all(JSON.stringify(PART_FAILED), now, message, row.id),
    );
    for (const part of rest) this.#parking.handOver(part.id);
    if (rest.length > 0) this.#line.forget(row.target);
    return this.#settled(row, rest.length, carried, now, claimsNext);
  }

  /** Inside a transaction: a row is settled otherwise, so the next one comes. */
  #ended(row: Pick<OutboxRow, 'id' | 'target' | 'merged_into'>, now: number, claimsNext: ClaimsNext): Settled {
    const carried = carriesOthers(row) ? this.#parking.shareEnd(row.id) : NOTHING_CARRIED;
    return this.#settled(row, 0, carried, now, claimsNext);
  }

  #settled(
    gone: Pick<OutboxRow, 'id' | 'target'>,
    along: number,
    carried: readonly OutboxId[],
    now: number,
    claimsNext: ClaimsNext,
  ): Settled {
    const settled = this.#claims.nextUp(gone, now, claimsNext);
    if (along === 0 && carried.length === 0) return settled;
    return { ...settled, along, ...(carried.length === 0 ? {} : { carried }) };
  }

  /** The row waits again; what it carries may grow too old before it does. */
  #mayExpire(row: OutboxRow, now: number): void {
    this.#expiry.mayComeAt(laneId(storedTarget(row.target)), carriesOthers(row) ? now : row.expires_at);
  }

  /** Inside a transaction: a row waits, with its later parts; where too many wait already, it fails. */
  #park(row: OutboxRow, error: RowError, now: number, until: 'written' | 'connected' = 'written'): Settled {
    this.#mayExpire(row, now);
    this.#parking.noteParked(row.target);
    const first = row.part_of ?? row.id;
    if (carriesOthers(row)) {
      this.#requeue.run('parked', null, JSON.stringify(error), 0, null, null, row.plainer, row.id);
      this.#parking.parkAgain(row.id, error);
    } else if (this.#parking.isFull(row.target, first, until)) {
      return this.#fail(row, until === 'connected' ? TOO_MANY_AWAY : TOO_MANY_PARKED, now, false);
    } else {
      this.#requeue.run('parked', null, JSON.stringify(error), 0, null, null, row.plainer, row.id);
    }
    const rest = this.#parkLaterParts.all(JSON.stringify(error), first, row.id);
    for (const part of rest) this.#parking.handOver(part.id);
    if (rest.length > 0) this.#line.forget(row.target);
    return { ...this.#claims.nextUp(row, now, false), along: rest.length };
  }

  /** Inside a transaction: the row stays at the front of its target. */
  #requeueRow(row: OutboxRow, outcome: AttemptOutcome & { status: 'queued' }, now: number): Settled {
    const { pair, dueAt, error, plainer } = outcome;
    this.#mayExpire(row, now);
    if (row.window_id !== null) {
      if (pair === 'release') this.#windows.release(row.window_id);
      if (pair === 'close') this.#closeWindow(row.window_id, row.target, now);
    }
    const [ambiguous, windowId, seq] = pair === 'keep' ? [1, row.window_id, row.seq] : [0, null, null];
    const bits = plainer === undefined ? row.plainer : plainerBits(plainer);
    this.#requeue.run('queued', dueAt, JSON.stringify(error), ambiguous, windowId, seq, bits, row.id);
    return { along: 0, nextIsDue: dueAt <= now };
  }

  #closeWindow(id: number, target: string, now: number): void {
    this.#windows.close(id, now);
    this.#line.forget(target); // others may have a pair of it
  }

  /** Inside a transaction: the platform has the row, and will tell. It may have told already. */
  #review(
    row: OutboxRow,
    { auditId, error }: AttemptOutcome & { status: 'sending' },
    now: number,
    claimsNext: ClaimsNext,
  ): Settled {
    const account = laneId(storedTarget(row.target));
    this.#expiry.mayComeAt(account, row.expires_at);
    this.#reviews.begin(account, row.id, auditId, error, now);
    return this.#claims.nextUp(row, now, claimsNext);
  }

  clear(id: OutboxId, outcome: Cleared): Promise<boolean> {
    const [platformId, error] =
      outcome.status === 'delivered'
        ? [outcome.platformMessageId ?? null, null]
        : [null, JSON.stringify(outcome.error)];
    return this.#db.write(() => this.#clear.run(outcome.status, platformId, error, id).changes === 1);
  }

  sent(account: string, rows: number): readonly { readonly target: Target; readonly platformMessageId: string }[] {
    return this.#sent.all({ rows, account }).map(({ target, id }) => ({
      target: storedTarget(target),
      platformMessageId: id,
    }));
  }

  comeBack(account: string): Promise<void> {
    return this.#db.write(() => {
      const now = Date.now();
      for (const { target } of this.#waitingTargets.all(account)) {
        this.#unpark.run(target);
        this.#line.reorder(target, now);
      }
    });
  }

  nextDue(account: string): number | undefined {
    const due = this.#nextDue.get(account)?.t;
    const expiry = this.#expiry.next(account);
    return due === undefined || expiry === undefined ? (due ?? expiry) : Math.min(due, expiry);
  }

  recover(knowsRepeats: (target: Target) => boolean): Promise<{ again: number; uncertain: number }> {
    return this.#db.write(() => {
      const now = Date.now();
      this.#expiry.forget();
      this.#line.forgetAll();
      let again = 0;
      const cutOff = this.#cutOff.all();
      for (const row of cutOff) {
        if (row.window_id !== null && knowsRepeats(storedTarget(row.target))) {
          this.#sendAgain.run(row.id);
          this.#line.comeAgain(row, now);
          again++;
        } else {
          this.#settle.run('uncertain', JSON.stringify(CUT_SHORT), now, row.id);
          this.#ended(row, now, false);
        }
      }
      return { again, uncertain: cutOff.length - again };
    });
  }
}
