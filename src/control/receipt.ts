/** An outgoing message as the outside world sees it. */
import { formatTarget } from '../model/target.js';
import { partsDelivered, statusOf } from '../relay/whole-message.js';
import type { OutboxId, Outgoing, RowError } from '../store/store.js';
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
  const warnings = parts.flatMap(({ status, error: told }) =>
    status === 'delivered' && told !== undefined ? [told.message] : [],
  );
  return {
    id: `out-${first.message}`,
    target: formatTarget(first.target),
    status: statusOf(parts),
    // OneBot knows no replies but quotes, so nothing there is passive or active.
    ...(attempted.length === 0 || first.target.channel === 'onebot' ? {} : { mode }),
    message_ids: parts.flatMap((part) => part.platformMessageId ?? []),
    parts: parts.length,
    parts_delivered: partsDelivered(parts),
    attempts: parts.reduce((sum, part) => sum + part.attempts, 0),
    ...(warnings.length === 0 ? {} : { warnings }),
    ...(error === undefined ? {} : { error: ofWhole(parts, error) }),
  };
}

/** The error of one part in words about the whole message, when other parts arrived: whoever sends it again must send only the rest. */
function ofWhole(parts: readonly Outgoing[], error: RowError): RowError {
  const arrived = partsDelivered(parts);
  const ended = parts.some(({ status }) => status === 'failed' || status === 'uncertain');
  if (arrived === 0 || !ended) return error;
  const uncertain = parts.filter(({ status }) => status === 'uncertain').length;
  const perhaps = uncertain === 0 ? '' : `, ${uncertain} may have`;
  const retry = `loong queue retry out-${parts[0]?.message}${uncertain === 0 ? '' : ' --yes'}`;
  return {
    code: error.code,
    message: `${arrived} of ${parts.length} parts arrived${perhaps}: ${error.message}`,
    remedy: `${error.remedy === undefined ? '' : `${error.remedy}; then `}send only the rest: \`${retry}\` does`,
  };
}
