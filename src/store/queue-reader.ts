/** What waits and what was settled last, read from outside: beside a running daemon or without one, never writing. */
import { existsSync } from 'node:fs';
import Sqlite from 'better-sqlite3';
import { describeError, LoongError } from '../model/errors.js';
import type { RowError } from './store.js';

export interface QueueRow {
  /** `in-7` or `out-7`. */
  readonly id: string;
  readonly direction: 'in' | 'out';
  /** Canonical target. */
  readonly conversation: string;
  /** waiting, answered, failed (in) · queued, sending, parked, delivered, failed, uncertain (out) */
  readonly status: string;
  readonly attempts: number;
  readonly age_ms: number;
  readonly error?: RowError;
}

/** Rows shown of each kind. */
const OPEN_SHOWN = 200;
const SETTLED_SHOWN = 20;

const SHOWN_OF_INBOX = `'in' AS direction, id, conversation, status, attempts, received_at AS born, error FROM inbox`;
const SHOWN_OF_OUTBOX = `'out' AS direction, id, target AS conversation, status, attempts, created_at AS born, error FROM outbox`;
const QUERIES = [
  `SELECT ${SHOWN_OF_INBOX} WHERE status = 'waiting' ORDER BY id LIMIT ${OPEN_SHOWN}`,
  `SELECT ${SHOWN_OF_OUTBOX} WHERE settled_at IS NULL ORDER BY id LIMIT ${OPEN_SHOWN}`,
  `SELECT ${SHOWN_OF_INBOX} WHERE status IN ('answered', 'failed') ORDER BY id DESC LIMIT ${SETTLED_SHOWN}`,
  `SELECT ${SHOWN_OF_OUTBOX} WHERE settled_at IS NOT NULL ORDER BY id DESC LIMIT ${SETTLED_SHOWN}`,
];

interface Row {
  readonly direction: 'in' | 'out';
  readonly id: number;
  readonly conversation: string;
  readonly status: string;
  readonly attempts: number;
  readonly born: number;
  readonly error: string | null;
}

/** Open rows first, then the ones settled last; nothing when there is no database yet. @throws LoongError */
export function readQueue(path: string, now: number): readonly QueueRow[] {
  if (!existsSync(path)) return [];
  let db: Sqlite.Database | undefined;
  try {
    const opened = new Sqlite(path, { readonly: true, timeout: 1000 });
    db = opened;
    return QUERIES.flatMap((sql) => opened.prepare<[], Row>(sql).all()).map(({ born, error, ...row }) => ({
      ...row,
      id: `${row.direction}-${row.id}`,
      age_ms: Math.max(0, now - born),
      ...(error === null ? {} : { error: JSON.parse(error) as RowError }),
    }));
  } catch (error) {
    throw new LoongError('store.unreadable', `${path} cannot be read: ${describeError(error)}`, {
      cause: error,
      remedy: 'look at it with `loong doctor`',
    });
  } finally {
    db?.close();
  }
}
