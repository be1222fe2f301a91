/**
 * The rights to reply passively: opened by what comes in, taken by what goes out. That of a message is part of its inbox row and has
 * its id; that of an event has the negative cursor. Used inside the transactions of inbox, outbox and event log.
 */
import type { ReplyToken } from '../../model/message.js';
import { laneId, storedTarget } from '../../model/target.js';
import type { InboxId, PassivePair, Right, SpentReply } from '../store.js';
import type { Database } from './database.js';

/** Places that a window keeps for the answer to its own message. */
export const PLACES_FOR_THE_ANSWER = 2;
/** Windows that are kept in memory; the journal has them all. */
const FRESH_KEPT = 4096;

const OPEN_OF_EVENT = 'INSERT INTO event_windows (id, target, event_id, closes_at, places) VALUES (?, ?, ?, ?, ?)';
const KNOWS_EVENT = 'SELECT 1 FROM event_windows WHERE target = ? AND is_open = 1 AND event_id = ? LIMIT 1';
const OF_MESSAGE = `i.id, 'msg_id' AS token_kind, i.message_id AS token, i.window_closes_at AS closes_at, i.window_seq AS last_seq`;
const MESSAGE_IS_OPEN = `i.conversation = ? AND i.window_is_open = 1 AND i.window_closes_at > ? AND i.window_places > 0`;
/** The message that opened the window has an answer that has not gone out yet, or none. */
const OWES_ANSWER = `(i.status = 'waiting'
  OR EXISTS (SELECT 1 FROM outbox o WHERE o.target = i.conversation AND o.settled_at IS NULL AND o.in_reply_to = i.id))`;
const SPARE = `i.window_places > iif(${OWES_ANSWER}, ${PLACES_FOR_THE_ANSWER}, 0)`;
const OWN = `SELECT ${OF_MESSAGE} FROM inbox i WHERE i.id = ? AND ${MESSAGE_IS_OPEN}`;
const OWN_TO_SPARE = `${OWN} AND ${SPARE}`;
const EVENT_IS_OPEN = 'target = ? AND is_open = 1 AND closes_at > ? AND places > 0';
const NEWEST = `SELECT * FROM (SELECT ${OF_MESSAGE} FROM inbox i WHERE ${MESSAGE_IS_OPEN} AND ${SPARE}
    ORDER BY i.window_closes_at DESC, i.id DESC LIMIT 1)
  UNION ALL SELECT * FROM (SELECT id, 'event_id', event_id, closes_at, last_seq FROM event_windows WHERE ${EVENT_IS_OPEN}
    ORDER BY closes_at DESC, id DESC LIMIT 1)
  ORDER BY 4 DESC, 1 DESC LIMIT 1`;
const PLACES_LEFT = `SELECT (SELECT total(i.window_places) FROM inbox i WHERE ${MESSAGE_IS_OPEN})
  + (SELECT total(places) FROM event_windows WHERE ${EVENT_IS_OPEN}) AS n`;
const HAS_TURN = `SELECT 1 FROM inbox WHERE account = ? AND status = 'waiting' AND conversation = ? LIMIT 1`;
/** The same for windows of messages, and of events. */
type BothTables<T> = readonly [T, T];
const forBoth = (ofMessages: string, ofEvents: string): BothTables<string> => [
  `UPDATE inbox SET ${ofMessages} WHERE id = ?`,
  `UPDATE event_windows SET ${ofEvents} WHERE id = ?`,
];
const TAKE = forBoth(
  'window_places = window_places - 1, window_seq = window_seq + 1',
  'places = places - 1, last_seq = last_seq + 1',
);
const SPEND = `UPDATE inbox SET window_places = window_places - 1, window_seq = window_seq + 1
  WHERE id = ? AND window_is_open = 1 AND window_closes_at > ? AND window_places > ?
  RETURNING message_id AS token, window_seq AS seq, window_closes_at AS closesAt, window_places AS places`;
const PLACES = 'SELECT window_places AS places FROM inbox WHERE id = ?';
const RELEASE = forBoth('window_places = window_places + 1', 'places = places + 1');
const CLOSE = forBoth('window_closes_at = min(window_closes_at, ?)', 'closes_at = min(closes_at, ?)');
const FORGET_EVENTS = `DELETE FROM event_windows WHERE closes_at < ? AND id IN
  (SELECT id FROM event_windows ORDER BY id DESC LIMIT 20)`;

/** A window in which a reply may go out now. */
export interface ReplyWindow {
  readonly id: number;
  readonly token_kind: ReplyToken['kind'];
  readonly token: string;
  readonly closes_at: number;
  readonly last_seq: number;
}

export class ReplyWindows {
  /** Of messages that came lately, while nothing was taken from them: spares a look at the row. */
  readonly #fresh = new Map<InboxId, ReplyWindow>();
  readonly #openOfEvent;
  readonly #knowsEvent;
  readonly #own;
  readonly #ownToSpare;
  readonly #newest;
  readonly #forgetEvents;
  readonly #placesLeft;
  readonly #hasTurn;
  readonly #spend;
  readonly #places;
  readonly #take;
  readonly #release;
  readonly #close;

  constructor(db: Database) {
    this.#openOfEvent = db.prepare<[number, string, string, number, number], never>(OPEN_OF_EVENT);
    this.#knowsEvent = db.prepare<[string, string], unknown>(KNOWS_EVENT);
    this.#own = db.prepare<[number, string, number], ReplyWindow>(OWN);
    this.#ownToSpare = db.prepare<[number, string, number], ReplyWindow>(OWN_TO_SPARE);
    this.#newest = db.prepare<[string, number, string, number], ReplyWindow>(NEWEST);
    this.#forgetEvents = db.prepare<[number], never>(FORGET_EVENTS);
    this.#placesLeft = db.prepare<[string, number, string, number], { n: number }>(PLACES_LEFT);
    this.#hasTurn = db.prepare<[string, string], unknown>(HAS_TURN);
    this.#spend = db.prepare<
      [number, number, number],
      { token: string; seq: number; closesAt: number; places: number }
    >(SPEND);
    this.#places = db.prepare<[number], { places: number }>(PLACES);
    this.#take = prepareBoth<[number]>(db, TAKE);
    this.#release = prepareBoth<[number]>(db, RELEASE);
    this.#close = prepareBoth<[number, number]>(db, CLOSE);
    db.whenUndone(() => this.forgetFresh());
  }

  /** Windows were changed otherwise, or not at all. */
  forgetFresh(): void {
    this.#fresh.clear();
  }

  /** A message was journalled just now, its window with it. */
  opened(id: InboxId, messageId: string, { closesAt }: Right): void {
    if (this.#fresh.size >= FRESH_KEPT) this.#fresh.clear();
    this.#fresh.set(id, { id, token_kind: 'msg_id', token: messageId, closes_at: closesAt, last_seq: 0 });
  }

  /** An event that is known already keeps its window: places and numbers are counted per event. False when it is. */
  openForEvent(target: string, cursor: number, eventId: string, right: Right): boolean {
    if (this.#knowsEvent.get(target, eventId) !== undefined) return false;
    return this.#openOfEvent.run(-cursor, target, eventId, right.closesAt, right.count).changes === 1;
  }

  /** The window of the message that is being answered, if it is open. */
  own(id: InboxId, target: string, now: number): ReplyWindow | undefined {
    const fresh = this.#fresh.get(id);
    if (fresh === undefined) return this.#own.get(id, target, now);
    return fresh.closes_at > now ? fresh : undefined;
  }

  /**
   * The best window that is open now: `own` (that of the message which is being answered), else the newest with a place to spare. An
   * answer finds the places of its own message; who answers nobody takes none of those, and never the last one while a turn runs.
   */
  best(target: string, now: number, own: InboxId | null, isAnswer: boolean): ReplyWindow | undefined {
    if (!isAnswer && this.#left(target, now) <= 1 && this.#hasTurnIn(target)) return undefined;
    const window =
      own === null ? undefined : isAnswer ? this.own(own, target, now) : this.#ownToSpare.get(own, target, now);
    return window ?? this.#newest.get(target, now, target, now);
  }

  #left(target: string, now: number): number {
    return this.#placesLeft.get(target, now, target, now)?.n ?? 0;
  }

  #hasTurnIn(target: string): boolean {
    return this.#hasTurn.get(laneId(storedTarget(target)), target) !== undefined;
  }

  /** A place, and the next sequence number. */
  take(window: ReplyWindow): PassivePair {
    this.#take[table(window.id)].run(window.id);
    return this.taken(window);
  }

  /** As `take`, where the row of the message was written with it: one place less, one number more. */
  taken({ id, token_kind: kind, token: value, closes_at: closesAt, last_seq: seq }: ReplyWindow): PassivePair {
    this.#fresh.delete(id);
    return { token: { kind, value }, seq: seq + 1, closesAt };
  }

  /** As `Inbox.spendReply`. */
  spend(id: InboxId, leaving: number, now: number): SpentReply {
    const row = this.#spend.get(id, now, leaving);
    if (row === undefined) return { left: this.#places.get(id)?.places ?? 0 };
    this.#fresh.delete(id);
    const { token: value, seq, closesAt, places } = row;
    return { pair: { token: { kind: 'msg_id', value }, seq, closesAt }, left: places };
  }

  /** Windows of events go with these: a few of the oldest that were over before `before` (unix ms). */
  forgetEvents(before: number): void {
    this.#forgetEvents.run(before);
  }

  /** Gives a place back; its number stays used. */
  release(windowId: number): void {
    this.#release[table(windowId)].run(windowId);
  }

  close(windowId: number, now: number): void {
    this.#fresh.delete(windowId);
    this.#close[table(windowId)].run(now, windowId);
  }
}

function prepareBoth<Params extends unknown[]>(db: Database, [ofMessages, ofEvents]: BothTables<string>) {
  return [db.prepare<Params, never>(ofMessages), db.prepare<Params, never>(ofEvents)] as const;
}

/** Where the window of this number is. */
function table(windowId: number): 0 | 1 {
  return windowId > 0 ? 0 : 1;
}
