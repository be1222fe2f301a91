/** Single messages that came in, and what was decided about them, read beside a running daemon or without one. */
import type { InboundMessage } from '../model/message.js';
import { type Reads, rowOf } from './queue-reader.js';
import { MESSAGE, type MessageRow, storedMessage } from './sqlite/inbox-row.js';
import type { RowError } from './store.js';

/** Of one number of the platform there may be several: in other conversations, and on OneBot over time. */
const MOST = 10;
const SHOWN = `id, account, status, refusal, error, received_at AS at, ${MESSAGE}`;
const BY_NUMBER = `SELECT ${SHOWN} FROM inbox WHERE id = ?`;
/** Where numbers are used again, what tells them apart follows a dot. */
const BY_MESSAGE_ID = `SELECT ${SHOWN} FROM inbox WHERE message_id = ? OR substr(message_id, 1, length(?) + 1) = ? || '.'
  ORDER BY id DESC LIMIT ${MOST}`;

export interface Received {
  /** `in-7` */
  readonly id: string;
  /** Lane id. */
  readonly account: string;
  readonly message: InboundMessage;
  readonly status: 'waiting' | 'answered' | 'failed' | 'refused';
  /** Why it was not answered. */
  readonly refusal?: string;
  readonly error?: RowError;
  /** Unix ms. */
  readonly at: number;
}

interface Row extends MessageRow {
  readonly id: number;
  readonly account: string;
  readonly status: Received['status'];
  readonly refusal: string | null;
  readonly error: string | null;
  readonly at: number;
}

/** By a public number (`in-7`), or by the platform's own of the message; the newest first. */
export function findReceived(read: Reads, name: string): readonly Received[] {
  const row = rowOf(name);
  const rows = row?.direction === 'in' ? read<Row>(BY_NUMBER, row.number) : read<Row>(BY_MESSAGE_ID, name, name, name);
  return rows.map(({ id, account, status, refusal, error, at, ...message }) => ({
    id: `in-${id}`,
    account,
    message: storedMessage(message),
    status,
    at,
    ...(refusal === null ? {} : { refusal }),
    ...(error === null ? {} : { error: JSON.parse(error) as RowError }),
  }));
}
