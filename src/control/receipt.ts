/** An outbox row as the outside world sees it. */
import { formatTarget } from '../model/target.js';
import type { OutboxId, Outgoing } from '../store/store.js';
import type { Receipt } from './api.js';

const ID = /^out-([1-9][0-9]{0,14})$/;

/** The row's number in a public id (`out-12`); undefined when it is none. */
export function outboxIdOf(publicId: string): OutboxId | undefined {
  const digits = ID.exec(publicId)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

export function receiptOf(row: Outgoing): Receipt {
  return {
    id: `out-${row.id}`,
    target: formatTarget(row.target),
    status: row.status,
    ...(row.attempts === 0 ? {} : { mode: row.passive === undefined ? 'active' : 'passive' }),
    message_ids: row.platformMessageId === undefined ? [] : [row.platformMessageId],
    parts: 1,
    attempts: row.attempts,
    ...(row.error === undefined || row.status === 'delivered' ? {} : { error: row.error }),
  };
}
