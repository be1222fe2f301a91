/** Whether a database file is whole, asked from outside and without writing. */
import Sqlite from 'better-sqlite3';
import { describeError } from '../model/errors.js';

/** What `quick_check` complains about; undefined when nothing. */
export function databaseFault(path: string): string | undefined {
  let db: Sqlite.Database | undefined;
  try {
    db = new Sqlite(path, { readonly: true, fileMustExist: true, timeout: 50 });
    const told = db.pragma('quick_check(3)', { simple: true });
    return told === 'ok' ? undefined : String(told);
  } catch (error) {
    return describeError(error);
  } finally {
    db?.close();
  }
}
