/** Forgets what was settled long ago, in slices so small that nothing else has to wait. */
import type { Database } from './database.js';

const SLICE = 500;

interface Table {
  readonly name: string;
  readonly key: string;
  readonly bornAt: string;
  /** What may go once it is old enough. */
  readonly settled: string;
}

const TABLES: readonly Table[] = [
  { name: 'inbox', key: 'id', bornAt: 'received_at', settled: "status <> 'waiting'" },
  { name: 'outbox', key: 'id', bornAt: 'created_at', settled: "status NOT IN ('queued', 'sending', 'parked')" },
  { name: 'reply_windows', key: 'id', bornAt: 'closes_at', settled: '1' },
  { name: 'events', key: 'cursor', bornAt: 'at', settled: '1' },
];

/** Removes settled rows that are older than `before` (unix ms); resolves with how many. */
export async function prune(db: Database, before: number): Promise<number> {
  let removed = 0;
  for (const table of TABLES) {
    const { name, key, bornAt, settled } = table;
    const slice = db.prepare<[number, number], { key: number; old: number }>(
      `SELECT ${key} AS key, ${bornAt} < ? AS old FROM ${name} WHERE ${key} > ? ORDER BY ${key} LIMIT ${SLICE}`,
    );
    const forget = db.prepare<[number, number, number], never>(
      `DELETE FROM ${name} WHERE ${key} > ? AND ${key} <= ? AND ${bornAt} < ? AND ${settled}`,
    );
    // Rows are born in the order of their keys, so the first slice that ends young ends the table.
    for (let after = 0; ; ) {
      const rows = slice.all(before, after);
      const last = rows.at(-1);
      if (last === undefined || rows[0]?.old === 0) break;
      const from = after;
      removed += await db.write(() => forget.run(from, last.key, before).changes);
      if (last.old === 0) break;
      after = last.key;
    }
  }
  return removed;
}
