/** The rights to reply passively: opened by what comes in, taken by what goes out. Used inside the transactions of inbox and outbox. */
import type { ReplyToken } from '../../model/message.js';
import type { InboxId, PassivePair } from '../store.js';
import type { Database } from './database.js';

const OPEN = `INSERT INTO reply_windows (target, inbox_id, token_kind, token, closes_at, places) VALUES (?, ?, ?, ?, ?, ?)
  ON CONFLICT (target, token) DO NOTHING`;
/** The window of the message that is being answered first, else the newest. */
const USABLE = `SELECT id, token_kind, token, closes_at, last_seq FROM reply_windows
  WHERE target = ? AND closes_at > ? AND used < places ORDER BY inbox_id = ? DESC, id DESC LIMIT 1`;
const TAKE = 'UPDATE reply_windows SET used = used + 1, last_seq = last_seq + 1 WHERE id = ?';
const RELEASE = 'UPDATE reply_windows SET used = used - 1 WHERE id = ?';
const CLOSE = 'UPDATE reply_windows SET closes_at = 0 WHERE id = ?';

interface WindowRow {
  readonly id: number;
  readonly token_kind: ReplyToken['kind'];
  readonly token: string;
  readonly closes_at: number;
  readonly last_seq: number;
}

export class ReplyWindows {
  readonly #open;
  readonly #usable;
  readonly #take;
  readonly #release;
  readonly #close;

  constructor(db: Database) {
    this.#open = db.prepare<[string, number, string, string, number, number], never>(OPEN);
    this.#usable = db.prepare<[string, number, number], WindowRow>(USABLE);
    this.#take = db.prepare<[number], never>(TAKE);
    this.#release = db.prepare<[number], never>(RELEASE);
    this.#close = db.prepare<[number], never>(CLOSE);
  }

  open(
    target: string,
    inboxId: InboxId,
    token: ReplyToken,
    right: { readonly closesAt: number; readonly count: number },
  ): void {
    this.#open.run(target, inboxId, token.kind, token.value, right.closesAt, right.count);
  }

  /** A place and the next sequence number in the best window that is open now; undefined when none is. */
  take(
    target: string,
    now: number,
    inReplyTo: InboxId | null,
  ): (PassivePair & { readonly windowId: number }) | undefined {
    const row = this.#usable.get(target, now, inReplyTo ?? 0);
    if (row === undefined) return undefined;
    this.#take.run(row.id);
    return {
      windowId: row.id,
      token: { kind: row.token_kind, value: row.token },
      seq: row.last_seq + 1,
      closesAt: row.closes_at,
    };
  }

  release(windowId: number): void {
    this.#release.run(windowId);
  }

  close(windowId: number): void {
    this.#close.run(windowId);
  }
}
