/** What waits and what was settled last, read without writing: from outside (beside a running daemon or without one), or by the daemon itself. */
import { existsSync } from 'node:fs';
import Sqlite from 'better-sqlite3';
import { describeError, LoongError } from '../model/errors.js';
import { plainText, type Segment } from '../model/message.js';
import type { OutgoingStatus, QueueItem, QueuePart, QueueRow } from './store.js';

/** Rows shown of each kind. */
const OPEN_SHOWN = 200;
const SETTLED_SHOWN = 20;

const SHOWN_OF_INBOX = `'in' AS direction, id, conversation, status, attempts, received_at AS born, error`;
const SHOWN_OF_OUTBOX = `'out' AS direction, id, target AS conversation, status, attempts, created_at AS born, error`;
const LIST = [
  `SELECT ${SHOWN_OF_INBOX} FROM inbox WHERE status = 'waiting' ORDER BY id LIMIT ${OPEN_SHOWN}`,
  `SELECT ${SHOWN_OF_OUTBOX} FROM outbox WHERE settled_at IS NULL ORDER BY id LIMIT ${OPEN_SHOWN}`,
  `SELECT ${SHOWN_OF_INBOX} FROM inbox WHERE status IN ('answered', 'failed') ORDER BY id DESC LIMIT ${SETTLED_SHOWN}`,
  `SELECT ${SHOWN_OF_OUTBOX} FROM outbox WHERE settled_at IS NOT NULL ORDER BY id DESC LIMIT ${SETTLED_SHOWN}`,
];
const FIND = {
  in: `SELECT ${SHOWN_OF_INBOX}, body FROM inbox WHERE id = ?`,
  out: `SELECT ${SHOWN_OF_OUTBOX}, body FROM outbox WHERE id = ?`,
};
const PARTS = `WITH first AS (SELECT coalesce(part_of, id) AS id FROM outbox WHERE id = ?)
  SELECT id, status, attempts, platform_message_id, error, body FROM outbox
  WHERE id = (SELECT id FROM first) OR part_of = (SELECT id FROM first) ORDER BY id`;

interface Row {
  readonly direction: 'in' | 'out';
  readonly id: number;
  readonly conversation: string;
  readonly status: string;
  readonly attempts: number;
  readonly born: number;
  readonly error: string | null;
}

interface PartRow {
  readonly id: number;
  readonly status: OutgoingStatus;
  readonly attempts: number;
  readonly platform_message_id: string | null;
  readonly error: string | null;
  readonly body: string;
}

/** All rows of a query. */
export type Reads = <R>(sql: string, ...values: readonly (number | string)[]) => readonly R[];

/** A public id in its two halves; undefined when it is none. */
export function rowOf(publicId: string): { readonly direction: 'in' | 'out'; readonly number: number } | undefined {
  const [, direction, digits] = /^(in|out)-([1-9][0-9]{0,14})$/.exec(publicId) ?? [];
  return digits === undefined ? undefined : { direction: direction as 'in' | 'out', number: Number(digits) };
}

export function unknownRow(id: string): LoongError {
  return new LoongError('queue.unknown', `there is no message \`${id}\` in the queue`, {
    remedy: 'copy the id from `loong queue list`, such as in-7 or out-7',
  });
}

/** Open rows first, then the ones settled last. */
export function listRows(read: Reads, now: number): readonly QueueRow[] {
  return LIST.flatMap((sql) => read<Row>(sql)).map((row) => shown(row, now));
}

/** One row with its text, and with all parts of its message. */
export function findItem(read: Reads, publicId: string, now: number): QueueItem | undefined {
  const id = rowOf(publicId);
  const [row] = id === undefined ? [] : read<Row & { body: string }>(FIND[id.direction], id.number);
  if (id === undefined || row === undefined) return undefined;
  const body = JSON.parse(row.body) as readonly Segment[] | { readonly segments: readonly Segment[] };
  const text = plainText('segments' in body ? body.segments : body);
  if (id.direction === 'in') return { ...shown(row, now), text };
  return { ...shown(row, now), text, parts: read<PartRow>(PARTS, id.number).map(part) };
}

function shown({ direction, id, conversation, status, attempts, born, error }: Row, now: number): QueueRow {
  return {
    id: `${direction}-${id}`,
    direction,
    conversation,
    status,
    attempts,
    age_ms: Math.max(0, now - born),
    ...(error === null ? {} : { error: JSON.parse(error) }),
  };
}

function part({ id, status, attempts, platform_message_id: messageId, error, body }: PartRow): QueuePart {
  return {
    id: `out-${id}`,
    status,
    attempts,
    ...(messageId === null ? {} : { message_id: messageId }),
    ...(error === null ? {} : { error: JSON.parse(error) }),
    text: plainText(JSON.parse(body) as readonly Segment[]),
  };
}

/** What `look` finds in the database; `none` when there is no database yet. @throws LoongError */
export function readQueue<T>(path: string, none: T, look: (read: Reads) => T): T {
  if (!existsSync(path)) return none;
  let db: Sqlite.Database | undefined;
  try {
    const opened = new Sqlite(path, { readonly: true, timeout: 1000 });
    db = opened;
    return look(<R>(sql: string, ...values: readonly (number | string)[]) =>
      opened.prepare<(number | string)[], R>(sql).all(...values),
    );
  } catch (error) {
    throw new LoongError('store.unreadable', `${path} cannot be read: ${describeError(error)}`, {
      cause: error,
      remedy: 'look at it with `loong doctor`',
    });
  } finally {
    db?.close();
  }
}
