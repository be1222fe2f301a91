/** Whom accounts were when they ran last, read without writing: from outside, beside a running daemon or without one. */
import { existsSync } from 'node:fs';
import Sqlite from 'better-sqlite3';

const HAS_TABLE = `SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'identities'`;
const ALL = 'SELECT account, identity FROM identities';

/** By account (`qqbot:main`); empty where nothing is known, as of a database that is damaged or locked, which others tell of. */
export function readIdentities(path: string): ReadonlyMap<string, string> {
  if (!existsSync(path)) return new Map();
  let db: Sqlite.Database | undefined;
  try {
    db = new Sqlite(path, { readonly: true, fileMustExist: true, timeout: 50 });
    if (db.prepare(HAS_TABLE).get() === undefined) return new Map();
    const rows = db.prepare<[], { account: string; identity: string }>(ALL).all();
    return new Map(rows.map(({ account, identity }) => [account, identity]));
  } catch {
    return new Map();
  } finally {
    db?.close();
  }
}
