/** Delivers one message and nothing else, within a deadline: what `channels send` does when no daemon runs. */
import { pause } from '../model/backoff.js';
import type { AttemptOutcome, Outbox, OutboxId, Outgoing, RowError } from '../store/store.js';
import { type AttemptParts, failed, taken, withoutAttempt } from './attempt.js';

/** Only what nobody asked for is delivered so. */
const nothing = () => undefined;

/** Resolves once every part of the message is settled or parked; none is left queued. `deadline` is unix ms. */
export async function deliverNow(
  parts: Omit<AttemptParts, 'answered'> & { readonly outbox: Outbox },
  message: OutboxId,
  deadline: number,
): Promise<void> {
  const signal = AbortSignal.timeout(Math.max(1, deadline - Date.now()));
  for (const { id } of parts.outbox.message(message)) await deliverPart(parts, id, deadline, signal);
}

/** Does nothing to a part that shared the end of an earlier one. */
async function deliverPart(
  parts: Omit<AttemptParts, 'answered'> & { readonly outbox: Outbox },
  id: OutboxId,
  deadline: number,
  signal: AbortSignal,
): Promise<void> {
  const { lane, outbox } = parts;
  for (;;) {
    const [row] = (await outbox.claim(lane.id, Date.now(), 1, { only: id })).rows;
    if (row === undefined) return;
    const outcome = await attempted({ ...parts, answered: nothing }, row, signal);
    const again = outcome.status === 'queued' && outcome.dueAt < deadline && !signal.aborted;
    await outbox.settle(id, again ? outcome : final(outcome));
    if (!again) return;
    await pause(outcome.dueAt - Date.now(), signal);
  }
}

async function attempted(parts: AttemptParts, row: Outgoing, signal: AbortSignal): Promise<AttemptOutcome> {
  try {
    return withoutAttempt(parts, row, signal) ?? taken(parts.lane, await parts.lane.send(row, signal));
  } catch (error) {
    return failed(parts, row, error);
  }
}

/** Nobody will try it again, so a row that would wait is settled as what it is. */
function final(outcome: AttemptOutcome): AttemptOutcome {
  if (outcome.status === 'sending') return { status: 'uncertain', error: { ...outcome.error, remedy: UNDER_REVIEW } };
  if (outcome.status !== 'queued') return outcome;
  const error: RowError = {
    ...outcome.error,
    remedy: outcome.error.remedy ?? 'try again later, or run the daemon, which keeps trying',
  };
  return { status: outcome.pair === 'keep' ? 'uncertain' : 'failed', error };
}

const UNDER_REVIEW = 'look in QQ whether it appears; a running daemon would be told what came of the review';
