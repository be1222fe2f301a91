/** Forgets what was settled long ago, in slices so small that nothing else has to wait. */
import type { Database } from './database.js';

const SLICE = 500;

interface Table {
  readonly name: string;
  readonly key: string;
  /** When a row may begin to grow old; null while it may not. */
  readonly settledAt: string;
  /** A table whose rows go with those of the same key. */
  readonly along?: string;
}

const TABLES: readonly Table[] = [
  { name: 'inbox', key: 'id', settledAt: 'settled_at', along: 'reply_windows' },
  { name: 'outbox', key: 'id', settledAt: 'settled_at' },
  { name: 'events', key: 'cursor', settledAt: 'at' },
];

/** Removes what was settled before `before` (unix ms); resolves with how many rows of inbox, outbox and events went. */
export async function prune(db: Database, before: number): Promise<number> {
  let removed = 0;
  for (const { name, key, settledAt, along } of TABLES) {
    const old = `SELECT ${key} FROM ${name} WHERE ${settledAt} < ? ORDER BY ${settledAt}, ${key} LIMIT ${SLICE}`;
    const forget = db.prepare<[number], never>(`DELETE FROM ${name} WHERE ${key} IN (${old})`);
    const forgetAlong =
      along === undefined ? undefined : db.prepare<[number], never>(`DELETE FROM ${along} WHERE id IN (${old})`);
    for (let gone = SLICE; gone === SLICE; removed += gone) {
      gone = await db.write(() => {
        forgetAlong?.run(before);
        return forget.run(before).changes;
      });
    }
  }
  return removed;
}
