/** The store in one SQLite file. */
import type { Store } from '../store.js';
import { Database } from './database.js';
import { SqliteEventLog } from './event-log.js';
import { SqliteGatewaySessions } from './gateway-sessions.js';
import { SqliteInbox } from './inbox.js';
import { SqliteOutbox } from './outbox.js';
import { prune } from './pruning.js';
import { ReplyWindows } from './reply-windows.js';

/** Opens `path`, creating it if need be. One process at a time: see `owner.ts`. `busyLimitMs`: how long a write waits for a lock. */
export function openStore(path: string, durability: 'process' | 'power', busyLimitMs?: number): Store {
  const db = new Database(path, durability, busyLimitMs);
  const windows = new ReplyWindows(db);
  const outbox = new SqliteOutbox(db, windows);
  return {
    inbox: new SqliteInbox(db, windows, outbox),
    outbox,
    sessions: new SqliteGatewaySessions(db),
    events: new SqliteEventLog(db),
    prune: (before) => prune(db, before),
    close: () => db.close(),
  };
}
