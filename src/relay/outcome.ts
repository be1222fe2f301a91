/** What one failed attempt means for its row. */
import type { Lane } from '../lanes/lane.js';
import { type Backoff, backoffDelay } from '../model/backoff.js';
import { AccessDenied, DeliveryError, describeError, LoongError } from '../model/errors.js';
import type { AttemptOutcome, Outgoing, RowError } from '../store/store.js';

const RETRY: Backoff = { baseMs: 1000, capMs: 30_000 };
const RATE_RETRY: Backoff = { baseMs: 3000, capMs: 60_000 };
const MAY_HAVE_ARRIVED = { remedy: 'it may have arrived: ask the peer before you send it again' };

/** Pure, so that every case can be read (and tested) here. */
export function outcomeOf(
  row: Outgoing,
  error: unknown,
  now: number,
  lane: Pick<Lane, 'knowsRepeats' | 'plainerForm'>,
): AttemptOutcome {
  const told = rowError(error);
  const failed: AttemptOutcome = { status: 'failed', error: told };
  const uncertain: AttemptOutcome = { status: 'uncertain', error: { ...told, ...MAY_HAVE_ARRIVED } };
  if (error instanceof AccessDenied) return row.ambiguous ? uncertain : failed;
  if (!(error instanceof DeliveryError)) return uncertain; // our own fault, and nobody knows how far the attempt had come

  const mayHaveArrived = row.ambiguous || error.certainty === 'unknown';
  const passive = row.passive !== undefined;
  const again = (ladder: Backoff): AttemptOutcome => {
    const dueAt = now + Math.max(error.retryAfterMs ?? 0, backoffDelay(ladder, row.attempts));
    if (!mayHaveArrived) return { status: 'queued', dueAt, error: told, pair: 'release' };
    // Only where the same pair cannot be delivered twice may it be repeated, and only while its window makes the answer tell something.
    const isKnown = row.passive !== undefined && now < row.passive.closesAt && lane.knowsRepeats(row.target);
    return isKnown ? { status: 'queued', dueAt, error: told, pair: 'keep' } : uncertain;
  };
  switch (error.failure) {
    case 'unavailable':
      return again(RETRY);
    case 'away':
      if (mayHaveArrived) return uncertain;
      return error.retryAfterMs === undefined
        ? { status: 'parked', error: told, until: 'connected' }
        : { status: 'queued', dueAt: now + error.retryAfterMs, error: told, pair: 'release' };
    case 'rate':
    case 'crowd':
      return again(RATE_RETRY);
    case 'auth':
      // An operator waits for this one and must be told; an answer waits for the operator.
      if (row.origin === 'backend' || row.origin === 'pairing') return again(RATE_RETRY);
      return mayHaveArrived ? uncertain : failed;
    case 'duplicate':
      if (row.ambiguous) return { status: 'delivered' };
      // Used by somebody before us: a new pair, once.
      if (!passive || row.error?.code === told.code) return failed;
      return { status: 'queued', dueAt: now, error: told, pair: 'spend' };
    case 'window':
      if (mayHaveArrived) return uncertain;
      return passive ? { status: 'queued', dueAt: now, error: told, pair: 'close' } : failed;
    case 'active':
      return mayHaveArrived ? uncertain : { status: 'parked', error: told };
    case 'markdown':
    case 'links': {
      if (mayHaveArrived) return uncertain;
      const plainer = lane.plainerForm(row.segments, error.failure, row.plainer ?? {});
      // It was refused for certain, so the next form is a message of its own.
      return plainer === undefined ? failed : { status: 'queued', dueAt: now, error: told, pair: 'release', plainer };
    }
    case 'refused':
      return mayHaveArrived ? uncertain : failed;
  }
}

function rowError(error: unknown): RowError {
  if (!(error instanceof LoongError)) return { code: 'internal', message: describeError(error) };
  // It was allowed when it was queued.
  if (error instanceof AccessDenied) return { code: 'access.revoked', message: error.message };
  const number = error instanceof DeliveryError ? error.platformCode : undefined;
  return {
    code: number === undefined ? error.code : String(number),
    message: error.message,
    ...(error.remedy === undefined ? {} : { remedy: error.remedy }),
  };
}
