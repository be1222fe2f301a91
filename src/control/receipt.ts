/** An outgoing message as the outside world sees it. */
import { formatTarget } from '../model/target.js';
import { statusOf } from '../relay/whole-message.js';
import type { OutboxId, Outgoing } from '../store/store.js';
import type { Receipt } from './api.js';

const ID = /^out-([1-9][0-9]{0,14})$/;

/** The number of the first row in a public id (`out-12`); undefined when it is none. */
export function outboxIdOf(publicId: string): OutboxId | undefined {
  const digits = ID.exec(publicId)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** Undefined when there is no part, that is no such message. */
export function receiptOf(parts: readonly Outgoing[]): Receipt | undefined {
  const [first] = parts;
  if (first === undefined) return undefined;
  const attempted = parts.filter((part) => part.attempts > 0);
  const mode = attempted.some((part) => part.passive === undefined) ? 'active' : 'passive';
  const error = parts.find((part) => part.error !== undefined && part.status !== 'delivered')?.error;
  return {
    id: `out-${first.message}`,
    target: formatTarget(first.target),
    status: statusOf(parts),
    ...(attempted.length === 0 ? {} : { mode }),
    message_ids: parts.flatMap((part) => part.platformMessageId ?? []),
    parts: parts.length,
    attempts: parts.reduce((sum, part) => sum + part.attempts, 0),
    ...(error === undefined ? {} : { error }),
  };
}
