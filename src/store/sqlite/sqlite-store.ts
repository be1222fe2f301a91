/** The store in one SQLite file. */
import type { Store } from '../store.js';
import { Claims } from './claims.js';
import { Database } from './database.js';
import { Entries } from './entries.js';
import { SqliteEventLog } from './event-log.js';
import { Expiry } from './expiry.js';
import { SqliteGatewaySessions } from './gateway-sessions.js';
import { SqliteHistory } from './history.js';
import { SqliteIdentities } from './identities.js';
import { SqliteInbox } from './inbox.js';
import { SqliteOutbox } from './outbox.js';
import { SqlitePairings } from './pairings.js';
import { Parking } from './parking.js';
import { prune } from './pruning.js';
import { Pushes } from './pushes.js';
import { SqliteQueue } from './queue.js';
import { ReplyWindows } from './reply-windows.js';
import { Reviews } from './reviews.js';
import { TargetLine } from './target-line.js';

/** Opens `path`, creating it if need be. One process at a time: see `owner.ts`. `busyLimitMs`: how long a write waits for a lock. */
export function openStore(path: string, durability: 'process' | 'power', busyLimitMs?: number): Store {
  const db = new Database(path, durability, busyLimitMs);
  const windows = new ReplyWindows(db);
  const line = new TargetLine(db);
  const parking = new Parking(db, line);
  const reviews = new Reviews(db, parking);
  const expiry = new Expiry(db, line, parking, reviews);
  const claims = new Claims(db, windows, line, parking);
  const entries = new Entries(db, line, expiry, claims);
  const history = new SqliteHistory(db);
  const outbox = new SqliteOutbox(db, windows, line, parking, reviews, expiry, claims, entries);
  const pushes = new Pushes(db);
  const events = new SqliteEventLog(db, windows, reviews, parking, history, pushes);
  const pairings = new SqlitePairings(db, line, parking, entries, events);
  return {
    inbox: new SqliteInbox(db, windows, entries, parking, history, pairings, pushes),
    outbox,
    sessions: new SqliteGatewaySessions(db),
    identities: new SqliteIdentities(db, windows, line, expiry, pairings),
    events,
    history,
    pairings,
    queue: new SqliteQueue(db, line, expiry),
    prune: (before) => prune(db, before),
    close: () => db.close(),
  };
}
