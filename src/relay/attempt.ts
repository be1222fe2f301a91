/** One attempt at the platform: whether it is made at all, and what its end means. */
import type { AccountPolicy } from '../access/admission.js';
import { type Answered, assertMayLeave } from '../access/answer-gate.js';
import type { Lane, Taken } from '../lanes/lane.js';
import type { AttemptOutcome, Outgoing, RowError } from '../store/store.js';
import type { Secrets } from '../telemetry/log.js';
import { outcomeOf } from './outcome.js';
import { struckOut } from './row-error.js';

export interface AttemptParts {
  readonly lane: Lane;
  readonly policy: AccountPolicy;
  /** What a message answers, where its author decides whether it may go out. */
  readonly answered: Answered;
  /** Never written down, whatever the platform says. */
  readonly secrets: Secrets;
}

/** Where there is no time left for it. @throws AccessDenied where the peer may not be written to any more */
export function withoutAttempt(
  { policy, answered }: Pick<AttemptParts, 'policy' | 'answered'>,
  row: Outgoing,
  signal: AbortSignal,
): AttemptOutcome | undefined {
  assertMayLeave(row, policy, answered);
  return signal.aborted ? unsent(row, Date.now()) : undefined;
}

/** The platform has the message. */
export function taken({ hearsReviews }: Lane, { platformMessageId, auditId, warning }: Taken): AttemptOutcome {
  if (auditId !== undefined) {
    return hearsReviews
      ? { status: 'sending', auditId, error: UNDER_REVIEW }
      : { status: 'uncertain', error: { ...UNDER_REVIEW, remedy: HEAR_REVIEWS } };
  }
  if (platformMessageId === undefined) return { status: 'delivered', ...(warning === undefined ? {} : { warning }) };
  return warning === undefined
    ? { status: 'delivered', platformMessageId }
    : { status: 'delivered', platformMessageId, warning };
}

/** What was thrown instead. */
export function failed({ lane, secrets }: AttemptParts, row: Outgoing, error: unknown): AttemptOutcome {
  const outcome = outcomeOf(row, error, Date.now(), lane);
  return outcome.status === 'delivered' ? outcome : { ...outcome, error: struckOut(outcome.error, secrets) };
}

/** Claimed, but there was no time left for the attempt. What went wrong before says more than that. */
function unsent(row: Outgoing, now: number): AttemptOutcome {
  const error = row.error ?? { code: 'delivery.stopped', message: 'loong had to stop before the message was sent' };
  return { status: 'queued', dueAt: now, error, pair: row.ambiguous ? 'keep' : 'release' };
}

const UNDER_REVIEW: RowError = {
  code: 'delivery.under_review',
  message: 'QQ took the message and reviews it before anybody sees it',
};
const HEAR_REVIEWS = 'add "message_audit" to `intents`, so that loong hears what comes of reviews';
