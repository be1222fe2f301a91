/**
 * What goes when an account becomes somebody else: whatever is stored under ids that only the former one could use. What was settled
 * before stays, as do keys given once: nothing is sent twice for them.
 */
import type { Rebound } from '../store.js';
import type { Database } from './database.js';
import { REBOUND, REBOUND_TOO_LATE, REBOUND_UNANSWERED } from './outbox-errors.js';

/** Being sent, or after an attempt that may have arrived; also with the text of another message. */
const MAY_HAVE_ARRIVED = `(status = 'sending' OR ambiguous = 1 OR EXISTS (SELECT 1 FROM outbox carrier
  WHERE carrier.id = outbox.merged_into AND (carrier.status IN ('sending', 'uncertain') OR carrier.ambiguous = 1)))`;
const SETTLE_OUTBOX = `UPDATE outbox SET status = iif(${MAY_HAVE_ARRIVED}, 'uncertain', 'failed'), error = iif(${MAY_HAVE_ARRIVED}, ?, ?),
  due_at = NULL, merged_into = NULL, settled_at = ?
  WHERE account = ? AND settled_at IS NULL RETURNING status, coalesce(part_of, id) AS message`;
const SETTLE_INBOX = `UPDATE inbox SET status = 'failed', error = ?, settled_at = ? WHERE account = ? AND status = 'waiting'`;
const FORGET_SESSION = 'DELETE FROM gateway_sessions WHERE lane = ?';
const NOTE_LAST_ROWS = `INSERT OR REPLACE INTO rebindings (account, last_inbox, last_outbox)
  VALUES (?, (SELECT coalesce(max(id), 0) FROM inbox), (SELECT coalesce(max(id), 0) FROM outbox))`;
const FORGET_IDENTITY = 'DELETE FROM identities WHERE account = ? RETURNING identity';

const FORGET_PAIRINGS = 'DELETE FROM pairings WHERE account = ?';
const FORGET_REFUSALS = 'DELETE FROM active_refusals WHERE instr(target, ?) = 1';
/** Windows of messages, and of events; one that is over already may still count as open. */
const WINDOWS = [
  ['inbox', 'conversation', 'window_is_open', 'window_closes_at'],
  ['event_windows', 'target', 'is_open', 'closes_at'],
] as const;

/** Inside a transaction; `now` in unix ms. */
export function forgetEverything(db: Database, account: string, now: number): Rebound {
  const targets = `${account}:`;
  const outgoing = settleOutbox(db, account, now);
  const unanswered = db
    .prepare<[string, number, string], never>(SETTLE_INBOX)
    .run(JSON.stringify(REBOUND_UNANSWERED), now, account).changes;
  const windows = closeWindows(db, targets, now);
  const sessions = db.prepare<[string], never>(FORGET_SESSION).run(account).changes;
  const refusals = db.prepare<[string], never>(FORGET_REFUSALS).run(targets).changes;
  db.prepare<[string], never>(NOTE_LAST_ROWS).run(account);
  const pairings = db.prepare<[string], never>(FORGET_PAIRINGS).run(account).changes;
  const identity = db.prepare<[string], { identity: string }>(FORGET_IDENTITY).get(account)?.identity;
  return {
    ...(identity === undefined ? {} : { identity }),
    ...outgoing,
    unanswered,
    windows,
    sessions,
    refusals,
    pairings,
  };
}

function settleOutbox(db: Database, account: string, now: number): Pick<Rebound, 'failed' | 'uncertain'> {
  const parts = db
    .prepare<[string, string, number, string], { status: 'failed' | 'uncertain'; message: number }>(SETTLE_OUTBOX)
    .all(JSON.stringify(REBOUND_TOO_LATE), JSON.stringify(REBOUND), now, account);
  const messagesOf = (all: typeof parts) => new Set(all.map(({ message }) => message));
  const uncertain = messagesOf(parts.filter(({ status }) => status === 'uncertain'));
  return { failed: messagesOf(parts).size - uncertain.size, uncertain: uncertain.size };
}

/** `targets`: how all of the account begin. */
function closeWindows(db: Database, targets: string, now: number): number {
  let open = 0;
  for (const [table, target, isOpen, closesAt] of WINDOWS) {
    const its = `${isOpen} = 1 AND instr(${target}, ?) = 1`;
    const count = db.prepare<[string, number], { n: number }>(
      `SELECT count(*) AS n FROM ${table} WHERE ${its} AND ${closesAt} > ?`,
    );
    const close = db.prepare<[number, string], never>(
      `UPDATE ${table} SET ${isOpen} = 0, ${closesAt} = min(${closesAt}, ?) WHERE ${its}`,
    );
    open += count.get(targets, now)?.n ?? 0;
    close.run(now, targets);
  }
  return open;
}
