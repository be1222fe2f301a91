/** Forgets what was settled long ago, in slices so small that nothing else has to wait. */
import type { Database } from './database.js';
import { EVENTS_KEPT_MS } from './event-log.js';
import { KEY_LASTS_MS } from './idempotency.js';
import { REFUSAL_LASTS_MS } from './parking.js';
import { PUSHES_KEPT_S } from './pushes.js';

/** Rows looked at in one slice. */
const SLICE = 500;

interface Table {
  readonly name: string;
  readonly key: string;
  /** When a row may begin to grow old; null while it may not. */
  readonly settledAt: string;
  /** No row is kept longer (ms), whatever is asked for. */
  readonly mostMs?: number;
}

const TABLES: readonly Table[] = [
  { name: 'inbox', key: 'id', settledAt: 'settled_at' },
  { name: 'outbox', key: 'id', settledAt: 'settled_at' },
  { name: 'events', key: 'cursor', settledAt: 'at', mostMs: EVENTS_KEPT_MS },
];

/**
 * Removes what was settled before `before` (unix ms); resolves with how many rows of inbox, outbox and events went. The newest row
 * of a table stays: the next one's number is counted from it.
 */
export async function prune(db: Database, before: number): Promise<number> {
  let removed = 0;
  for (const table of TABLES)
    removed += await pruneTable(db, table, Math.max(before, Date.now() - (table.mostMs ?? Number.POSITIVE_INFINITY)));
  await pruneBelow(db, 'idempotency_keys', 'account, key', 'at', Date.now() - KEY_LASTS_MS);
  await pruneBelow(db, 'pushes', 'signed_at, digest, account', 'signed_at', Date.now() / 1000 - PUSHES_KEPT_S);
  await closeWindows(db, Date.now());
  const forgetStarts = db.prepare<[], never>(`DELETE FROM fresh_starts
    WHERE last_inbox < (SELECT min(id) FROM inbox) AND last_outbox < (SELECT coalesce(min(id), last_outbox + 1) FROM outbox)`);
  await db.write(() => forgetStarts.run());
  const forgetRefusals = db.prepare<[number], never>('DELETE FROM active_refusals WHERE at <= ?');
  await db.write(() => forgetRefusals.run(Date.now() - REFUSAL_LASTS_MS));
  return removed;
}

async function pruneTable(db: Database, { name, key, settledAt }: Table, before: number): Promise<number> {
  const slice = db.prepare<[number], { last: number }>(
    `SELECT ${key} AS last FROM ${name} WHERE ${key} > ? ORDER BY ${key} LIMIT 1 OFFSET ${SLICE - 1}`,
  );
  const newest = db.prepare<[], { last: number }>(`SELECT max(${key}) AS last FROM ${name}`);
  const old = `${key} > ? AND ${key} <= ? AND ${settledAt} < ?`;
  const forget = db.prepare<[number, number, number], never>(`DELETE FROM ${name} WHERE ${old}`);
  let removed = 0;
  let after = 0;
  for (let more = true; more; ) {
    removed += await db.write(() => {
      const whole = slice.get(after);
      more = whole !== undefined;
      const upTo = (newest.get()?.last ?? 0) - 1;
      const range = [after, Math.min(whole?.last ?? upTo, upTo), before] as const;
      after = whole?.last ?? after;
      return forget.run(...range).changes;
    });
  }
  return removed;
}

/** Where windows are, and how their columns are called. */
const WINDOWS = [
  ['inbox', 'window_is_open', 'window_closes_at'],
  ['event_windows', 'is_open', 'closes_at'],
] as const;

/** Windows that have closed leave the index in which open ones are looked for. */
async function closeWindows(db: Database, now: number): Promise<void> {
  for (const [table, isOpen, closesAt] of WINDOWS) {
    const close = db.prepare<[number], never>(`UPDATE ${table} SET ${isOpen} = 0
      WHERE id IN (SELECT id FROM ${table} WHERE ${isOpen} = 1 AND ${closesAt} <= ? LIMIT ${SLICE})`);
    let more = true;
    while (more) more = (await db.write(() => close.run(now).changes)) === SLICE;
  }
}

/** Rows of which nothing depends on how long messages are kept: idempotency keys and pushes that no longer stand for anything. */
async function pruneBelow(db: Database, table: string, key: string, at: string, before: number): Promise<void> {
  const forget = db.prepare<[number], never>(
    `DELETE FROM ${table} WHERE (${key}) IN (SELECT ${key} FROM ${table} WHERE ${at} <= ? ORDER BY ${at} LIMIT ${SLICE})`,
  );
  let more = true;
  while (more) more = (await db.write(() => forget.run(before).changes)) === SLICE;
}
