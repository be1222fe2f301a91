/** From the outbox to the platform: claim → one attempt → settle. Order holds per target; one target never waits for another. */
import type { AccountPolicy } from '../access/admission.js';
import { type Answered, assertMayLeave } from '../access/answer-gate.js';
import type { Lane, LateOutcome } from '../lanes/lane.js';
import { DeliveryError, describeError } from '../model/errors.js';
import { kindName, type Target } from '../model/target.js';
import type { AttemptOutcome, ClaimsNext, Cleared, Outbox, OutboxId, Outgoing, RowError } from '../store/store.js';
import type { Counters } from '../telemetry/counters.js';
import { type Log, type Secrets, shownPeer } from '../telemetry/log.js';
import { outcomeOf } from './outcome.js';
import { Pace } from './pace.js';
import { rowErrorOf, struckOut } from './row-error.js';
import { untilWritten } from './until-written.js';

/** Attempts under way at once, per account; one whose outcome is being written may still keep its place. */
const IN_FLIGHT = 256;
/** A timer fires at the latest after this long (Node's own limit is 2^31 ms). */
const MAX_SLEEP_MS = 60_000;
/** Whether anything becomes due later is looked at only after so long without a look: while there is work, looks come by themselves. */
const DOZE_MS = 5;
/** An attempt that was broken off has this long to be written down. */
const LAST_WORDS_MS = 500;

const COUNTED = {
  delivered: 'outbound.delivered',
  queued: 'outbound.queued',
  sending: 'outbound.sending',
  parked: 'outbound.parked',
  failed: 'outbound.failed',
  uncertain: 'outbound.uncertain',
} as const;

export interface DeliveryParts {
  readonly lane: Lane;
  readonly outbox: Outbox;
  readonly policy: AccountPolicy;
  readonly answered: Answered;
  readonly counters: Counters;
  readonly log: Log;
  /** Never written down, whatever the platform says. */
  readonly secrets: Secrets;
  /** Told of every message of which a part's status changed, after the commit. */
  readonly onSettled: (message: OutboxId) => void;
}

export class Delivery {
  readonly #parts: DeliveryParts;
  readonly #stop = new AbortController();
  readonly #pace: Pace;
  /** Attempts at the platform. */
  #inFlight = 0;
  /** Outcomes on their way into the journal. */
  #unwritten = 0;
  #pumping = false;
  /** Something may be due that was not looked for yet, or had no room. */
  #again = false;
  /** The last look found more than there were places. */
  #crowded = false;
  #closing = false;
  #doze: NodeJS.Timeout | undefined;
  #timer: NodeJS.Timeout | undefined;
  #idle: (() => void) | undefined;

  constructor(parts: DeliveryParts) {
    this.#parts = parts;
    this.#pace = new Pace((kind) => parts.lane.limits(kind));
  }

  /** Something may be due, or is being written in this turn of the event loop. Cheap: calls that come together make one look. */
  wake(): void {
    if (this.#closing) return;
    this.#again = true;
    if (!this.#pumping) void this.#pump();
  }

  /**
   * Keeps a place for an attempt at a reply that is about to be stored. Whoever gets `true` calls `begin` or `forgo`, exactly
   * once. Never while others wait for a place, nor faster than the platform takes replies.
   */
  reserve(target: Target): boolean {
    const othersWait = this.#crowded || (this.#again && !this.#pumping);
    if (othersWait || this.#closing || this.#inFlight >= IN_FLIGHT) return false;
    if (this.#pace.wait(target, 'passive') > 0) return false;
    this.#inFlight++;
    return true;
  }

  /** Attempts a claimed row, at the place that was kept for it. */
  begin(row: Outgoing): void {
    void this.#attempt(row);
  }

  /** The place is not needed. `target`: the one that it was kept for. */
  forgo(target?: Target): void {
    this.#inFlight--;
    if (target !== undefined) this.#pace.takeBack(target);
    if (this.#again) this.wake();
    this.#tellIfIdle();
  }

  async #pump(): Promise<void> {
    this.#pumping = true;
    try {
      while (this.#again && this.#inFlight < IN_FLIGHT && !this.#closing) {
        this.#again = false;
        for (const id of await this.#look()) this.#unattempted(id);
      }
      this.#dozeOff();
    } catch (error) {
      this.#wakeLater(error);
    } finally {
      this.#pumping = false;
      this.#tellIfIdle();
    }
  }

  /** Begins what is due, as far as there are places; resolves with what was settled or parked without an attempt. */
  async #look(): Promise<readonly OutboxId[]> {
    let kept = 0;
    let begun = 0;
    try {
      const places = () => {
        this.#inFlight -= kept; // the commit may be made a second time
        kept = Math.max(0, IN_FLIGHT - this.#inFlight);
        this.#inFlight += kept;
        return kept;
      };
      const pace = (target: Target, how: 'passive' | 'active') => this.#pace.wait(target, how);
      const claimed = await this.#parts.outbox.claim(this.#parts.lane.id, Date.now(), places, { pace });
      begun = claimed.rows.length;
      this.#crowded = claimed.isMore && begun === kept;
      if (claimed.isMore) this.#again = true;
      for (const row of claimed.rows) this.begin(row);
      return claimed.unattempted;
    } finally {
      this.#inFlight -= kept - begun;
    }
  }

  #wakeLater(error: unknown): void {
    if (this.#closing) return;
    this.#parts.log.error({ error: describeError(error) }, 'the outbox could not be read; delivery tries again');
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.wake(), 1000);
  }

  #dozeOff(): void {
    if (this.#closing || this.#doze !== undefined) return;
    this.#doze = setTimeout(() => {
      this.#doze = undefined;
      if (!this.#pumping) this.#sleep();
    }, DOZE_MS);
  }

  /** Until the next row is due. Without room for another attempt the end of a running one wakes. */
  #sleep(): void {
    clearTimeout(this.#timer);
    if (this.#inFlight >= IN_FLIGHT) return;
    try {
      const dueAt = this.#parts.outbox.nextDue(this.#parts.lane.id);
      if (dueAt === undefined) return;
      this.#timer = setTimeout(() => this.wake(), Math.min(Math.max(dueAt - Date.now(), 1), MAX_SLEEP_MS));
    } catch (error) {
      this.#wakeLater(error);
    }
  }

  #tellIfIdle(): void {
    if (this.#inFlight === 0 && this.#unwritten === 0 && !this.#pumping) this.#idle?.();
  }

  #unattempted(id: OutboxId): void {
    const { outbox, counters, onSettled } = this.#parts;
    const row = outbox.find(id);
    const status = row?.status;
    if (row?.error !== undefined && (status === 'failed' || status === 'uncertain' || status === 'parked')) {
      counters.count(`outbound.${status}`);
      this.#report(row, { status, error: row.error });
    }
    onSettled(row?.message ?? id);
  }

  /** One attempt, written down. Never rejects. */
  async #attempt(row: Outgoing): Promise<void> {
    const { lane, outbox, counters, log, onSettled } = this.#parts;
    const { outcome, error: failure } = await attemptDelivery(this.#parts, row, this.#stop.signal);
    if (failure?.failure === 'rate') this.#pace.complained(failure.retryAfterMs);
    counters.count(COUNTED[outcome.status]);
    this.#report(row, outcome);
    this.#inFlight--;
    this.#unwritten++;
    const goesOn = this.#nextMayHavePlace(row.target);
    let next: Outgoing | undefined;
    try {
      const written = untilWritten(() => outbox.settle(row.id, outcome, goesOn), log, this.#stop.signal);
      if (this.#again) this.wake(); // the look joins this commit
      const settled = await written;
      next = settled.next;
      if (outcome.status === 'delivered') lane.written?.(row, outcome.platformMessageId);
      if (settled.carried !== undefined) for (const message of settled.carried) onSettled(message);
      if (settled.along > 0) counters.count(`outbound.${outcome.status}`, settled.along);
      if (settled.nextIsDue) this.wake();
    } catch (error) {
      log.error(
        { id: row.id, error: describeError(error) },
        'an outcome could not be written down; after a restart the row counts as cut short',
      );
    } finally {
      this.#unwritten--;
      if (next !== undefined) this.begin(next);
      else if (goesOn !== false) this.forgo(row.target);
      this.#dozeOff();
    }
    onSettled(row.message);
    this.#tellIfIdle();
  }

  /** The place of an attempt that ended is for the next message to its target, unless others wait for one. */
  #nextMayHavePlace(target: Target): ClaimsNext {
    if (!this.reserve(target)) return false;
    return this.#parts.lane.replyRight(target) === undefined ? 'any' : 'passive';
  }

  /** The platform told, after its time, what came of an attempt. */
  async toldLate(id: OutboxId, outcome: LateOutcome): Promise<void> {
    const { outbox, counters, log, secrets, onSettled } = this.#parts;
    const cleared: Cleared = outcome.delivered
      ? { status: 'delivered', ...definedId(outcome.platformMessageId) }
      : { status: 'failed', error: rowErrorOf(outcome.error, secrets) };
    try {
      const row = outbox.find(id);
      if (row === undefined) return;
      if (!(await untilWritten(() => outbox.clear(id, cleared), log, this.#stop.signal))) return;
      counters.count(`outbound.late_${cleared.status}`);
      log.info(
        { id, status: cleared.status },
        'a message of which nothing was known: the platform told late what came of it',
      );
      onSettled(row.message);
    } catch (error) {
      log.error(
        { id, error: describeError(error) },
        'a late outcome could not be written down; the message stays uncertain',
      );
    }
  }

  #report(row: Outgoing, outcome: AttemptOutcome): void {
    if (outcome.status === 'delivered') return;
    const { log } = this.#parts;
    const { channel, kind, peer } = row.target;
    const details = {
      id: row.id,
      kind: kindName(channel, kind),
      peer: shownPeer(log, peer),
      attempt: row.attempts,
      code: outcome.error.code,
      error: outcome.error.message,
    };
    if (outcome.status === 'queued') log.info(details, 'not delivered yet; will be tried again');
    else log.warn(details, `message ${outcome.status}`);
  }

  /**
   * Begins nothing more; resolves when the running attempts have ended. Those that have not after `graceMs` are broken off, and
   * whoever does not heed that is left behind a moment later.
   */
  async close(graceMs: number): Promise<void> {
    this.#closing = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#doze);
    if (await this.#idleWithin(graceMs)) return;
    this.#stop.abort();
    await this.#idleWithin(LAST_WORDS_MS);
  }

  async #idleWithin(ms: number): Promise<boolean> {
    if (this.#inFlight === 0 && this.#unwritten === 0 && !this.#pumping) return true;
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), ms);
      this.#idle = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
  }
}

/** What came of one attempt, and why where it did not succeed. */
export interface Attempted {
  readonly outcome: AttemptOutcome;
  readonly error?: DeliveryError;
}

/** One attempt at the platform; its failure is part of what it resolves with. */
export async function attemptDelivery(
  { lane, policy, answered, secrets }: Pick<DeliveryParts, 'lane' | 'policy' | 'answered' | 'secrets'>,
  row: Outgoing,
  signal: AbortSignal,
): Promise<Attempted> {
  try {
    assertMayLeave(row, policy, answered);
    if (signal.aborted) return { outcome: unsent(row, Date.now()) };
    const { platformMessageId, auditId, warning } = await lane.send(row, signal);
    if (auditId !== undefined) {
      return {
        outcome: lane.hearsReviews
          ? { status: 'sending', auditId, error: UNDER_REVIEW }
          : { status: 'uncertain', error: { ...UNDER_REVIEW, remedy: HEAR_REVIEWS } },
      };
    }
    return {
      outcome: {
        status: 'delivered',
        ...definedId(platformMessageId),
        ...(warning === undefined ? {} : { warning }),
      },
    };
  } catch (error) {
    const outcome = withoutSecrets(outcomeOf(row, error, Date.now(), lane), secrets);
    return { outcome, ...(error instanceof DeliveryError ? { error } : {}) };
  }
}

function definedId(platformMessageId: string | undefined): { readonly platformMessageId?: string } {
  return platformMessageId === undefined ? {} : { platformMessageId };
}

function withoutSecrets(outcome: AttemptOutcome, secrets: Secrets): AttemptOutcome {
  if (outcome.status === 'delivered') return outcome;
  return { ...outcome, error: struckOut(outcome.error, secrets) };
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
