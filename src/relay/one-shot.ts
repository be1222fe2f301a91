/** Delivers one row and nothing else, within a deadline: what `channels send` does when no daemon runs. */
import { pause } from '../model/backoff.js';
import type { AttemptOutcome, Outbox, OutboxId, RowError } from '../store/store.js';
import { attemptDelivery, type DeliveryParts } from './delivery.js';

/** Resolves once the row is settled or parked; it is never left queued. `deadline` is unix ms. */
export async function deliverNow(
  parts: Pick<DeliveryParts, 'lane' | 'allowed'> & { readonly outbox: Outbox },
  id: OutboxId,
  deadline: number,
): Promise<void> {
  const { lane, outbox } = parts;
  const signal = AbortSignal.timeout(Math.max(1, deadline - Date.now()));
  for (;;) {
    const [row] = (await outbox.claim(lane.id, Date.now(), 1, id)).rows;
    if (row === undefined) return;
    const outcome = await attemptDelivery(parts, row, signal);
    const again = outcome.status === 'queued' && outcome.dueAt < deadline && !signal.aborted;
    await outbox.settle(id, again ? outcome : final(outcome));
    if (!again) return;
    await pause(outcome.dueAt - Date.now(), signal);
  }
}

/** Nobody will try it again, so a row that would wait is settled as what it is. */
function final(outcome: AttemptOutcome): AttemptOutcome {
  if (outcome.status !== 'queued') return outcome;
  const error: RowError = {
    ...outcome.error,
    remedy: outcome.error.remedy ?? 'try again later, or run the daemon, which keeps trying',
  };
  return { status: outcome.pair === 'keep' ? 'uncertain' : 'failed', error };
}
