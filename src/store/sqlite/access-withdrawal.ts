/** What waits for somebody who is not let in any more: it is not sent, and not answered. Used inside transactions. */
import { formatTarget, storedTarget } from '../../model/target.js';
import type { OutboxId } from '../store.js';
import type { Database } from './database.js';
import { REVOKED, REVOKED_TOO_LATE, REVOKED_UNANSWERED } from './outbox-errors.js';
import type { Parking } from './parking.js';
import type { TargetLine } from './target-line.js';

/** Their own conversation, and those of guilds in which they wrote. */
const UNANSWERED = `UPDATE inbox SET status = 'failed', error = ?, settled_at = ? WHERE account = ? AND status = 'waiting'
  AND (conversation = ? OR (instr(conversation, ?) = 1 AND json_extract(body, '$.sender.id') = ?))`;
const GUILD_ANSWERS = `SELECT DISTINCT o.target FROM outbox o JOIN inbox i ON i.id = o.in_reply_to
  WHERE o.account = ? AND o.settled_at IS NULL AND instr(o.target, ?) = 1 AND json_extract(i.body, '$.sender.id') = ?`;
/** Not while another message has its text on the way. */
const STOP = `UPDATE outbox SET status = iif(ambiguous, 'uncertain', 'failed'), error = iif(ambiguous, ?, ?), due_at = NULL,
  merged_into = NULL, settled_at = ?
  WHERE target = ? AND settled_at IS NULL AND status IN ('queued', 'parked') AND NOT EXISTS (SELECT 1 FROM outbox carrier
  WHERE carrier.id = outbox.merged_into AND carrier.id <> outbox.id AND (carrier.status = 'sending' OR carrier.ambiguous = 1))
  RETURNING id, coalesce(part_of, id) AS message`;

export class AccessWithdrawal {
  readonly #line: TargetLine;
  readonly #parking: Parking;
  readonly #unanswered;
  readonly #guildAnswers;
  readonly #stop;

  constructor(db: Database, line: TargetLine, parking: Parking) {
    this.#line = line;
    this.#parking = parking;
    this.#unanswered = db.prepare<[string, number, string, string, string, string], never>(UNANSWERED);
    this.#guildAnswers = db.prepare<[string, string, string], { target: string }>(GUILD_ANSWERS);
    this.#stop = db.prepare<[string, string, number, string], { id: OutboxId; message: OutboxId }>(STOP);
  }

  /** The outgoing messages that were stopped. */
  stop(account: string, peer: string, now: number): readonly OutboxId[] {
    const own = formatTarget(storedTarget(`${account}:c2c:${peer}`));
    const guilds = `${account}:dm:`;
    this.#unanswered.run(JSON.stringify(REVOKED_UNANSWERED), now, account, own, guilds, peer);
    const targets = [own, ...this.#guildAnswers.all(account, guilds, peer).map(({ target }) => target)];
    return [...new Set(targets.flatMap((target) => this.#stopAll(target, now)))];
  }

  #stopAll(target: string, now: number): readonly OutboxId[] {
    const rows = this.#stop.all(JSON.stringify(REVOKED_TOO_LATE), JSON.stringify(REVOKED), now, target);
    if (rows.length === 0) return [];
    for (const { id } of rows) this.#parking.handOver(id);
    this.#line.reorder(target, now);
    return rows.map(({ message }) => message);
  }
}
