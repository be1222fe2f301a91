/** The rights to reply passively: opened by what comes in, taken by what goes out. Used inside the transactions of inbox, outbox and event log. */
import type { ReplyToken } from '../../model/message.js';
import { laneId, storedTarget } from '../../model/target.js';
import type { InboxId, PassivePair, Right } from '../store.js';
import type { Database } from './database.js';

/** Places that a window keeps for the answer to its own message. */
export const PLACES_FOR_THE_ANSWER = 2;

const OPEN = `INSERT INTO reply_windows (id, target, token_kind, token, closes_at, places) VALUES (?, ?, ?, ?, ?, ?)
  ON CONFLICT DO NOTHING`;
const KNOWS = 'SELECT 1 FROM reply_windows WHERE target = ? AND is_open = 1 AND token = ? LIMIT 1';
/** The message that opened the window still has no answer, or one that has not gone out. */
const OWES_ANSWER = `(EXISTS (SELECT 1 FROM inbox i WHERE i.id = w.id AND i.status = 'waiting')
  OR EXISTS (SELECT 1 FROM outbox o WHERE o.target = w.target AND o.settled_at IS NULL AND o.in_reply_to = w.id))`;
const COLUMNS = 'w.id, w.token_kind, w.token, w.closes_at, w.last_seq';
const IS_OPEN = 'w.target = ? AND w.is_open = 1 AND w.closes_at > ? AND w.used < w.places';
const OWN = `SELECT ${COLUMNS} FROM reply_windows w WHERE w.id = ? AND ${IS_OPEN}`;
const SPARE = `w.used < w.places - iif(${OWES_ANSWER}, ${PLACES_FOR_THE_ANSWER}, 0)`;
const OWN_TO_SPARE = `${OWN} AND ${SPARE}`;
const NEWEST = `SELECT ${COLUMNS} FROM reply_windows w WHERE ${IS_OPEN} AND ${SPARE} ORDER BY w.closes_at DESC, w.id DESC LIMIT 1`;
const PLACES_LEFT = `SELECT sum(w.places - w.used) AS n FROM reply_windows w WHERE ${IS_OPEN}`;
const HAS_TURN = `SELECT 1 FROM inbox WHERE account = ? AND status = 'waiting' AND conversation = ? LIMIT 1`;
const TAKE = 'UPDATE reply_windows SET used = used + 1, last_seq = last_seq + 1 WHERE id = ?';
const RELEASE = 'UPDATE reply_windows SET used = used - 1 WHERE id = ?';
const FORGET_EVENTS = `DELETE FROM reply_windows WHERE closes_at < ? AND id IN
  (SELECT id FROM reply_windows WHERE id < 0 ORDER BY id DESC LIMIT 20)`;
const CLOSE = 'UPDATE reply_windows SET closes_at = min(closes_at, ?) WHERE id = ?';

/** A window in which a reply may go out now. */
export interface ReplyWindow {
  readonly id: number;
  readonly token_kind: ReplyToken['kind'];
  readonly token: string;
  readonly closes_at: number;
  readonly last_seq: number;
}

export class ReplyWindows {
  readonly #open;
  readonly #knows;
  readonly #own;
  readonly #ownToSpare;
  readonly #newest;
  readonly #forgetEvents;
  readonly #placesLeft;
  readonly #hasTurn;
  readonly #take;
  readonly #release;
  readonly #close;

  constructor(db: Database) {
    this.#open = db.prepare<[number, string, string, string, number, number], never>(OPEN);
    this.#knows = db.prepare<[string, string], unknown>(KNOWS);
    this.#own = db.prepare<[number, string, number], ReplyWindow>(OWN);
    this.#ownToSpare = db.prepare<[number, string, number], ReplyWindow>(OWN_TO_SPARE);
    this.#newest = db.prepare<[string, number], ReplyWindow>(NEWEST);
    this.#forgetEvents = db.prepare<[number], never>(FORGET_EVENTS);
    this.#placesLeft = db.prepare<[string, number], { n: number | null }>(PLACES_LEFT);
    this.#hasTurn = db.prepare<[string, string], unknown>(HAS_TURN);
    this.#take = db.prepare<[number], never>(TAKE);
    this.#release = db.prepare<[number], never>(RELEASE);
    this.#close = db.prepare<[number, number], never>(CLOSE);
  }

  /** `id`: the inbox row, or the negative cursor of an event. A token that is known already keeps its window: places and numbers are counted per token. False when it is. */
  open(target: string, id: number, token: ReplyToken, right: Right): boolean {
    // A message id is unique already, for its message is.
    if (token.kind === 'event_id' && this.#knows.get(target, token.value) !== undefined) return false;
    return this.#open.run(id, target, token.kind, token.value, right.closesAt, right.count).changes === 1;
  }

  /**
   * The best window that is open now: `own` (that of the message which is being answered), else the newest with a place to spare. An
   * answer finds the places of its own message; who answers nobody takes none of those, and never the last one while a turn runs.
   */
  best(target: string, now: number, own: InboxId | null, isAnswer: boolean): ReplyWindow | undefined {
    if (!isAnswer && (this.#placesLeft.get(target, now)?.n ?? 0) <= 1 && this.#hasTurnIn(target)) return undefined;
    const window = own === null ? undefined : (isAnswer ? this.#own : this.#ownToSpare).get(own, target, now);
    return window ?? this.#newest.get(target, now);
  }

  #hasTurnIn(target: string): boolean {
    return this.#hasTurn.get(laneId(storedTarget(target)), target) !== undefined;
  }

  /** A place, and the next sequence number. */
  take({ id, token_kind: kind, token: value, closes_at: closesAt, last_seq: seq }: ReplyWindow): PassivePair {
    this.#take.run(id);
    return { token: { kind, value }, seq: seq + 1, closesAt };
  }

  /** Windows of events go with these: a few of the oldest that were over before `before` (unix ms). */
  forgetEvents(before: number): void {
    this.#forgetEvents.run(before);
  }

  /** Gives a place back; its number stays used. */
  release(windowId: number): void {
    this.#release.run(windowId);
  }

  close(windowId: number, now: number): void {
    this.#close.run(now, windowId);
  }
}
