/** Where each lane's gateway session can be resumed. */
import type { GatewaySessions, ResumePoint } from '../store.js';
import type { Database } from './database.js';

const LOAD = 'SELECT session_id, seq FROM gateway_sessions WHERE lane = ? AND key = ?';
const SAVE = `INSERT INTO gateway_sessions (lane, key, session_id, seq) VALUES (?, ?, ?, ?)
  ON CONFLICT (lane) DO UPDATE SET key = excluded.key, session_id = excluded.session_id, seq = excluded.seq`;
const FORGET = 'DELETE FROM gateway_sessions WHERE lane = ?';

export class SqliteGatewaySessions implements GatewaySessions {
  readonly #db;
  readonly #load;
  readonly #save;
  readonly #forget;

  constructor(db: Database) {
    this.#db = db;
    this.#load = db.prepare<[string, string], { session_id: string; seq: number }>(LOAD);
    this.#save = db.prepare<[string, string, string, number], never>(SAVE);
    this.#forget = db.prepare<[string], never>(FORGET);
  }

  load(lane: string, key: string): ResumePoint | undefined {
    const row = this.#load.get(lane, key);
    return row === undefined ? undefined : { sessionId: row.session_id, seq: row.seq };
  }

  async save(lane: string, key: string, point: ResumePoint | undefined): Promise<void> {
    await this.#db.write(() => {
      if (point === undefined) this.#forget.run(lane);
      else this.#save.run(lane, key, point.sessionId, point.seq);
    });
  }
}
