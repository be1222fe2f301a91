/** Whether a database file is whole and of a version that we know, asked from outside and without writing. */
import Sqlite from 'better-sqlite3';
import { describeError, LoongError } from '../model/errors.js';
import { newerFault } from './sqlite/database.js';

/** What `quick_check` complains about, or that a newer loong wrote it; undefined when nothing is wrong. */
export function databaseFault(path: string): LoongError | undefined {
  let db: Sqlite.Database | undefined;
  try {
    db = new Sqlite(path, { readonly: true, fileMustExist: true, timeout: 50 });
    const told = db.pragma('quick_check(3)', { simple: true });
    if (told !== 'ok') return damaged(path, String(told));
    return newerFault(path, db.pragma('user_version', { simple: true }) as number);
  } catch (error) {
    // Whoever holds the lock just now could open it.
    if (error instanceof Sqlite.SqliteError && error.code.startsWith('SQLITE_BUSY')) return undefined;
    return damaged(path, describeError(error));
  } finally {
    db?.close();
  }
}

function damaged(path: string, why: string): LoongError {
  return new LoongError('store.damaged', why, {
    retry: 'never',
    remedy: `stop the daemon and restore ${path} from a backup, or move it away (what was queued in it is lost)`,
  });
}
