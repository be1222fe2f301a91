/**
 * Who owns a state directory: whoever holds a write transaction on the small `owner.db`. The lock dies with its process, so
 * nothing is ever stale; the row in it tells everyone else who that is and where to talk to it.
 */
import Sqlite from 'better-sqlite3';
import { LoongError } from '../model/errors.js';

/** What the owner is: a daemon stays, a one-shot send is gone in a moment. */
export type OwnerKind = 'daemon' | 'send';

export interface OwnerInfo {
  readonly pid: number;
  readonly kind: OwnerKind;
  /** Path of the control socket; empty for a one-shot send. */
  readonly socket: string;
}

/** Somebody else owns the state directory (exit 75). */
export class OwnedElsewhere extends LoongError {
  readonly owner: OwnerInfo | undefined;

  constructor(owner: OwnerInfo | undefined, stateDir: string) {
    super(
      'owner.taken',
      `${stateDir} belongs to another loong process${owner === undefined ? '' : ` (pid ${owner.pid})`}`,
      {
        retry: 'never',
        remedy: 'stop that process, or give this one a state_dir of its own',
      },
    );
    this.owner = owner;
  }
}

export interface OwnerLock {
  release(): void;
}

const CREATE =
  'CREATE TABLE IF NOT EXISTS owner (one INTEGER PRIMARY KEY CHECK (one = 1), pid INTEGER, kind TEXT, socket TEXT)';
const READ = 'SELECT pid, kind, socket FROM owner';
const WRITE = 'INSERT OR REPLACE INTO owner (one, pid, kind, socket) VALUES (1, ?, ?, ?)';

/**
 * Becomes the owner, or says who is.
 * @throws OwnedElsewhere at once when a living process holds the lock; LoongError when `owner.db` cannot be used.
 */
export function acquireOwner(stateDir: string, me: OwnerInfo): OwnerLock {
  let db: Sqlite.Database | undefined;
  try {
    db = new Sqlite(`${stateDir}/owner.db`, { timeout: 50 });
    return take(db, me);
  } catch (error) {
    if (!(error instanceof Sqlite.SqliteError)) throw error;
    const busy = error.code.startsWith('SQLITE_BUSY');
    if (db?.inTransaction === true) db.exec('ROLLBACK');
    const owner = busy && db !== undefined ? readRow(db) : undefined;
    db?.close();
    throw busy ? new OwnedElsewhere(owner, stateDir) : unusable(stateDir, error);
  }
}

/** Takes the lock on a row that names us. @throws SqliteError `SQLITE_BUSY` when somebody else holds it. */
function take(db: Sqlite.Database, me: OwnerInfo): OwnerLock {
  for (;;) {
    db.exec('BEGIN IMMEDIATE');
    db.exec(CREATE);
    const row = db.prepare<[], OwnerInfo>(READ).get();
    // The row must be committed to be readable by others, and the commit lets go of the lock for a moment: hold it only once the row is ours.
    if (row?.pid === me.pid && row.kind === me.kind && row.socket === me.socket) return held(db);
    db.prepare<[number, string, string], never>(WRITE).run(me.pid, me.kind, me.socket);
    db.exec('COMMIT');
  }
}

/** The lock goes when `db` is closed, and a forgotten `db` is closed by the garbage collector: so the process itself holds on to it. */
function held(db: Sqlite.Database): OwnerLock {
  const close = () => db.close();
  process.once('exit', close);
  return {
    release() {
      process.off('exit', close);
      close();
    },
  };
}

function unusable(stateDir: string, cause: Error): LoongError {
  return new LoongError('owner.unusable', `${stateDir}/owner.db cannot be used: ${cause.message}`, {
    retry: 'never',
    cause,
    remedy: 'give this user the right to it; a damaged one may be deleted while no loong runs',
  });
}

/** Who owned the directory last; says nothing about whether that process still lives. */
export function lastOwner(stateDir: string): OwnerInfo | undefined {
  let db: Sqlite.Database;
  try {
    db = new Sqlite(`${stateDir}/owner.db`, { readonly: true, fileMustExist: true, timeout: 50 });
  } catch {
    return undefined; // never owned
  }
  try {
    return readRow(db);
  } finally {
    db.close();
  }
}

function readRow(db: Sqlite.Database): OwnerInfo | undefined {
  try {
    return db.prepare<[], OwnerInfo>(READ).get();
  } catch (error) {
    if (error instanceof Sqlite.SqliteError) return undefined; // no table yet, or its writer is committing just now
    throw error;
  }
}
