/** The rights to reply passively: opened by what comes in, taken by what goes out. Used inside the transactions of inbox and outbox. */
import type { ReplyToken } from '../../model/message.js';
import type { InboxId, PassivePair } from '../store.js';
import type { Database } from './database.js';

const OPEN = `INSERT INTO reply_windows (id, target, token_kind, token, closes_at, places) VALUES (?, ?, ?, ?, ?, ?)
  ON CONFLICT DO NOTHING`;
const KNOWS = 'SELECT 1 FROM reply_windows WHERE target = ? AND token = ? LIMIT 1';
const COLUMNS = 'id, token_kind, token, closes_at, last_seq';
const OWN = `SELECT ${COLUMNS} FROM reply_windows WHERE id = ? AND target = ? AND closes_at > ? AND used < places`;
const NEWEST = `SELECT ${COLUMNS} FROM reply_windows WHERE target = ? AND closes_at > ? AND used < places
  ORDER BY closes_at DESC, id DESC LIMIT 1`;
const TAKE = 'UPDATE reply_windows SET used = used + 1, last_seq = last_seq + 1 WHERE id = ?';
const RELEASE = 'UPDATE reply_windows SET used = used - 1 WHERE id = ?';
const CLOSE = 'UPDATE reply_windows SET closes_at = min(closes_at, ?) WHERE id = ?';

interface WindowRow {
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
  readonly #newest;
  readonly #take;
  readonly #release;
  readonly #close;

  constructor(db: Database) {
    this.#open = db.prepare<[number, string, string, string, number, number], never>(OPEN);
    this.#knows = db.prepare<[string, string], unknown>(KNOWS);
    this.#own = db.prepare<[number, string, number], WindowRow>(OWN);
    this.#newest = db.prepare<[string, number], WindowRow>(NEWEST);
    this.#take = db.prepare<[number], never>(TAKE);
    this.#release = db.prepare<[number], never>(RELEASE);
    this.#close = db.prepare<[number, number], never>(CLOSE);
  }

  /** A token that is known already keeps its window: places and numbers are counted per token. False when it is. */
  open(
    target: string,
    inboxId: InboxId,
    token: ReplyToken,
    right: { readonly closesAt: number; readonly count: number },
  ): boolean {
    // A message id is unique already, for its message is.
    if (token.kind === 'event_id' && this.#knows.get(target, token.value) !== undefined) return false;
    return this.#open.run(inboxId, target, token.kind, token.value, right.closesAt, right.count).changes === 1;
  }

  /**
   * A place and the next sequence number in the best window that is open now: that of the message which is being answered,
   * else the newest; undefined when none is.
   */
  take(
    target: string,
    now: number,
    inReplyTo: InboxId | null,
  ): { readonly windowId: number; readonly pair: PassivePair } | undefined {
    const own = inReplyTo === null ? undefined : this.#own.get(inReplyTo, target, now);
    const row = own ?? this.#newest.get(target, now);
    if (row === undefined) return undefined;
    this.#take.run(row.id);
    return {
      windowId: row.id,
      pair: { token: { kind: row.token_kind, value: row.token }, seq: row.last_seq + 1, closesAt: row.closes_at },
    };
  }

  anyOpen(target: string, now: number): boolean {
    return this.#newest.get(target, now) !== undefined;
  }

  /** Gives a place back; its number stays used. */
  release(windowId: number): void {
    this.#release.run(windowId);
  }

  close(windowId: number, now: number): void {
    this.#close.run(now, windowId);
  }
}
