/** What happened besides messages, in order; and the frames nobody could read. */
import type { Notice } from '../../model/message.js';
import type { EventLog } from '../store.js';
import type { Database } from './database.js';

const APPEND = 'INSERT INTO events (account, name, data, at) VALUES (?, ?, ?, ?)';
const KEEP = 'INSERT INTO raw_frames (account, frame, reason, at) VALUES (?, ?, ?, ?)';
const FORGET = `DELETE FROM raw_frames WHERE account = ? AND id <=
  (SELECT id FROM raw_frames WHERE account = ? ORDER BY id DESC LIMIT 1 OFFSET ?)`;
const RAW_FRAMES_KEPT = 1000;

export class SqliteEventLog implements EventLog {
  readonly #db;
  readonly #append;
  readonly #keep;
  readonly #forget;

  constructor(db: Database) {
    this.#db = db;
    this.#append = db.prepare<[string, string, string, number], never>(APPEND);
    this.#keep = db.prepare<[string, string, string, number], never>(KEEP);
    this.#forget = db.prepare<[string, string, number], never>(FORGET);
  }

  async append(account: string, notice: Notice, at: number): Promise<void> {
    await this.#db.write(() => this.#append.run(account, notice.name, JSON.stringify(notice.data ?? null), at));
  }

  async keepRaw(account: string, raw: string, reason: string, at: number): Promise<void> {
    await this.#db.write(() => {
      this.#keep.run(account, raw, reason, at);
      this.#forget.run(account, account, RAW_FRAMES_KEPT);
    });
  }
}
