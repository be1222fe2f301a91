/** Rows on their way out: each attempt is counted and has its reply pair before it begins. Used inside transactions. */
import type { ClaimsNext, OutboxId, Outgoing, Settled } from '../store.js';
import type { Database } from './database.js';
import { carriesOthers, hasUsablePair, type OutboxRow, outgoing } from './outbox-row.js';
import type { Parking } from './parking.js';
import type { ReplyWindow, ReplyWindows } from './reply-windows.js';
import type { TargetLine } from './target-line.js';

const SEND_READY = `UPDATE outbox SET status = 'sending', attempts = attempts + 1 WHERE id = ?`;
const SEND = `UPDATE outbox SET status = 'sending', attempts = attempts + 1, window_id = ?, seq = ? WHERE id = ?`;

/** What is longer is read from the journal again when its turn comes (characters). */
export const LONGEST_KEPT = 8192;

const NOBODY_WAITS: Settled = { along: 0, nextIsDue: false };

/** What settling a row needs to know of it. */
export type Flying = Pick<OutboxRow, 'id' | 'target' | 'merged_into'>;

export class Claims {
  readonly #windows: ReplyWindows;
  readonly #line: TargetLine;
  readonly #parking: Parking;
  readonly #send;
  readonly #sendReady;
  /** What was claimed and is not settled: spares a look at the row. */
  readonly #flying = new Map<OutboxId, Flying>();

  constructor(db: Database, windows: ReplyWindows, line: TargetLine, parking: Parking) {
    this.#windows = windows;
    this.#line = line;
    this.#parking = parking;
    this.#send = db.prepare<[number | null, number | null, number], never>(SEND);
    this.#sendReady = db.prepare<[number], never>(SEND_READY);
    db.whenUndone(() => this.#flying.clear());
  }

  /** A row was claimed as it was inserted. */
  note(row: Flying): void {
    this.#flying.set(row.id, row);
  }

  /** A claimed row comes down; undefined when it is not known here. */
  land(id: OutboxId): Flying | undefined {
    const row = this.#flying.get(id);
    this.#flying.delete(id);
    return row;
  }

  /** The window in which a row goes out; undefined when it has a pair that can be used, or none is open for it. */
  windowFor(row: OutboxRow, now: number): ReplyWindow | undefined {
    if (hasUsablePair(row, now)) return undefined;
    return this.#windows.best(row.target, now, row.in_reply_to ?? row.reply_to, row.in_reply_to !== null);
  }

  /** Counts the attempt, and takes a reply pair. */
  claim(row: OutboxRow, window: ReplyWindow | undefined, now: number): Outgoing {
    const { passive: held, ...message } = carriesOthers(row) ? this.#carrier(row, now) : outgoing(row);
    const keeps = hasUsablePair(row, now);
    const taken = window === undefined ? undefined : this.#windows.take(window);
    this.#send.run(window?.id ?? (keeps ? row.window_id : null), taken?.seq ?? (keeps ? row.seq : null), row.id);
    this.note(row);
    const passive = taken ?? (keeps ? held : undefined);
    return {
      ...message,
      status: 'sending',
      attempts: row.attempts + 1,
      ...(passive === undefined ? {} : { passive }),
    };
  }

  #carrier(row: OutboxRow, now: number): Outgoing {
    const { inReplyTo, ...message } = outgoing(row);
    const { answers, ...strictest } = this.#parking.strictestOf(row.id);
    const answered = answers && inReplyTo !== undefined ? { inReplyTo } : {};
    return { ...message, ...answered, ...strictest, segments: this.#parking.carriedBy(row.id, now) };
  }

  /** A row has left the front: the oldest queued one of its target comes there, or is claimed at once. */
  nextUp(gone: Pick<OutboxRow, 'id' | 'target'>, now: number, claims: ClaimsNext): Settled {
    const standing = this.#line.left(gone);
    if (standing === 'empty') return NOBODY_WAITS;
    const ready = claims === false ? undefined : standing?.ready;
    const isWanted = ready !== undefined && ready.expiresAt > now;
    if (isWanted && (ready.passive === undefined || ready.passive.closesAt > now)) {
      this.#sendReady.run(ready.id);
      this.note({ id: ready.id, target: gone.target, merged_into: null });
      return { along: 0, nextIsDue: false, next: ready };
    }
    const row = this.#line.recall(gone.target, (behind) => readyAtItsTurn(behind, claims));
    if (row === undefined) return NOBODY_WAITS;
    const mayClaim = claims !== false && row.expires_at > now; // the next look settles what is too old
    const window = mayClaim ? this.windowFor(row, now) : undefined;
    const mayBeActive = claims === 'any' && !this.#parking.refusesActive(row.target, now);
    if (window !== undefined || (mayClaim && (mayBeActive || hasUsablePair(row, now))))
      return { along: 0, nextIsDue: false, next: this.claim(row, window, now) };
    this.#line.bring(row.id, now);
    return { along: 0, nextIsDue: true };
  }
}

/** As a row goes out on its first attempt, where nothing has to be looked for then. */
function readyAtItsTurn(row: OutboxRow, claims: ClaimsNext): Outgoing | undefined {
  const isPlain = row.attempts === 0 && row.merged_into === null && row.body.length <= LONGEST_KEPT;
  if (!isPlain || row.error !== null || !(claims === 'any' || row.window_id !== null)) return undefined;
  return { ...outgoing(row), status: 'sending', attempts: 1 };
}
