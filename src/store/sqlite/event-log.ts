/** What happened besides messages, in order, and what it means for what is sent; and the frames nobody could read. */
import type { Notice, Push } from '../../model/message.js';
import { formatTarget } from '../../model/target.js';
import type { EventLog, Noted, Right } from '../store.js';
import type { Database } from './database.js';
import type { SqliteHistory } from './history.js';
import type { Parking } from './parking.js';
import type { Pushes } from './pushes.js';
import type { ReplyWindows } from './reply-windows.js';
import type { Reviews } from './reviews.js';

const APPEND = `INSERT INTO events (account, name, data, at, event_id) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`;
/** Only the oldest few are looked at, so that a log that grew beyond its limits in the past shrinks without making anybody wait. */
const FORGET_EVENTS = `DELETE FROM events WHERE cursor IN (SELECT cursor FROM events ORDER BY cursor LIMIT 20)
  AND (cursor <= ? OR at < ?)`;
const EVENTS_KEPT = 100_000;
export const EVENTS_KEPT_MS = 7 * 24 * 3_600_000;
const KEEP = 'INSERT INTO raw_frames (account, frame, reason, at) VALUES (?, ?, ?, ?)';
const FORGET = `DELETE FROM raw_frames WHERE account = ? AND id <=
  (SELECT id FROM raw_frames WHERE account = ? ORDER BY id DESC LIMIT 1 OFFSET ?)`;
const RAW_FRAMES_KEPT = 1000;

const KNOWN: Noted = { unparked: 0, isKnown: true };

export class SqliteEventLog implements EventLog {
  readonly #db;
  readonly #windows;
  readonly #reviews;
  readonly #parking;
  readonly #history;
  readonly #pushes;
  readonly #append;
  readonly #forgetEvents;
  readonly #keep;
  readonly #forget;

  constructor(
    db: Database,
    windows: ReplyWindows,
    reviews: Reviews,
    parking: Parking,
    history: SqliteHistory,
    pushes: Pushes,
  ) {
    this.#db = db;
    this.#windows = windows;
    this.#reviews = reviews;
    this.#parking = parking;
    this.#history = history;
    this.#pushes = pushes;
    this.#append = db.prepare<[string, string, string, number, string | null], never>(APPEND);
    this.#forgetEvents = db.prepare<[number, number], never>(FORGET_EVENTS);
    this.#keep = db.prepare<[string, string, string, number], never>(KEEP);
    this.#forget = db.prepare<[string, string, number], never>(FORGET);
  }

  append(account: string, notice: Notice, at: number, right?: Right, push?: Push): Promise<Noted> {
    return this.#db.write(() => {
      if (push !== undefined && !this.#pushes.take(account, push)) return KNOWN;
      const cursor = this.note(account, notice, at);
      return cursor === undefined ? KNOWN : this.#heed(account, notice, cursor, at, right);
    });
  }

  /** Inside a transaction: writes down an event; its cursor, or undefined where it is known already. */
  note(
    account: string,
    { name, data, eventId = null }: Pick<Notice, 'name' | 'data'> & { readonly eventId?: string | null },
    at: number,
  ): number | undefined {
    const { changes, lastInsertRowid } = this.#append.run(account, name, JSON.stringify(data ?? null), at, eventId);
    if (changes === 0) return undefined;
    const cursor = Number(lastInsertRowid);
    this.#forgetEvents.run(cursor - EVENTS_KEPT, at - EVENTS_KEPT_MS);
    this.#windows.forgetEvents(at - EVENTS_KEPT_MS);
    return cursor;
  }

  /** Inside a transaction. */
  #heed(account: string, notice: Notice, cursor: number, at: number, right: Right | undefined): Noted {
    const { about, takesActive, replyToken, review, recalls } = notice;
    if (recalls !== undefined) this.#history.recall(recalls.conversation, recalls.messageId);
    let unparked = 0;
    if (about !== undefined) {
      const target = formatTarget(about);
      if (takesActive !== undefined) this.#parking.setRefusesActive(target, !takesActive, at);
      const opened =
        replyToken !== undefined &&
        right !== undefined &&
        this.#windows.openForEvent(target, cursor, replyToken.value, right);
      if (opened || takesActive === true) unparked = this.#parking.comeBack(target, at);
    }
    const reviewed = review === undefined ? undefined : this.#reviews.end(account, review, at);
    return { unparked, ...(reviewed === undefined ? {} : { reviewed }) };
  }

  keepRaw(account: string, raw: string, reason: string, at: number, push?: Push): Promise<boolean> {
    return this.#db.write(() => {
      if (push !== undefined && !this.#pushes.take(account, push)) return false;
      this.#keep.run(account, raw, reason, at);
      this.#forget.run(account, account, RAW_FRAMES_KEPT);
      return true;
    });
  }
}
