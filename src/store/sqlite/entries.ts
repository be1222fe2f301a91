/** What comes into the outbox: whole messages, at the end of the line of their target. Used inside transactions. */
import { formatTarget, laneId } from '../../model/target.js';
import type { InboxId, NewOutgoing, OutboxId, Outgoing, PassivePair } from '../store.js';
import type { Claims } from './claims.js';
import type { Database } from './database.js';
import type { Expiry } from './expiry.js';
import { newRow, type OutboxRow } from './outbox-row.js';
import type { TargetLine } from './target-line.js';

const INSERT = `INSERT INTO outbox (account, target, body, origin, in_reply_to, reply_to, part_of, expires_at, created_at,
  status, due_at, attempts, window_id, seq) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;

/** Whom a message answers, and how its first part goes out. */
export interface Answering {
  readonly inReplyTo: InboxId;
  /** Taken for it from the window of that message. */
  readonly pair?: PassivePair;
  /** It is claimed at once, if it has a pair and no other message to its target stands before it. */
  readonly begins: boolean;
}

/** A message as it was stored. */
export interface Inserted {
  /** Of its first part. */
  readonly id: OutboxId;
  /** Its first part, claimed. */
  readonly claimed?: Outgoing;
  /** It is due, and not claimed. */
  readonly isDue: boolean;
}

export class Entries {
  readonly #line: TargetLine;
  readonly #expiry: Expiry;
  readonly #claims: Claims;
  readonly #insert;

  constructor(db: Database, line: TargetLine, expiry: Expiry, claims: Claims) {
    this.#line = line;
    this.#expiry = expiry;
    this.#claims = claims;
    this.#insert = db.prepare<(string | number | null)[], never>(INSERT);
  }

  /** One row for each part. `answering`: as for its first. */
  enter(message: NewOutgoing, answering?: Answering): Inserted {
    const now = Date.now();
    const target = formatTarget(message.target);
    const account = laneId(message.target);
    const { furtherParts = [], replyTo = null, origin, expiresAt } = message;
    const inReplyTo = answering?.inReplyTo ?? null;
    const isFirst = !this.#line.isBusy(target);
    const claims = isFirst && answering?.begins === true && answering.pair !== undefined;
    const part = { target, origin, in_reply_to: inReplyTo, reply_to: replyTo, expires_at: expiresAt };
    const first = newRow({ ...part, body: JSON.stringify(message.segments) }, answering?.pair, claims);
    const id = this.#put(first, account, now, isFirst && !claims);
    for (const segments of furtherParts) {
      this.#put(newRow({ ...part, body: JSON.stringify(segments), part_of: id }), account, now, false);
    }
    if (claims) this.#claims.note({ id, target, merged_into: null });
    if (!claims || furtherParts.length > 0) this.#expiry.mayComeAt(account, expiresAt);
    if (!claims) return { id, isDue: isFirst };
    return { id, isDue: false, claimed: claimedNow(id, message, answering.inReplyTo, answering.pair) };
  }

  /** Puts a row at the end of its target's line. */
  #put(row: Omit<OutboxRow, 'id'>, account: string, now: number, isDue: boolean): OutboxId {
    const { lastInsertRowid } = this.#insert.run(
      account,
      row.target,
      row.body,
      row.origin,
      row.in_reply_to,
      row.reply_to,
      row.part_of,
      row.expires_at,
      now,
      row.status,
      isDue ? now : null,
      row.attempts,
      row.window_id,
      row.seq,
    );
    const id = Number(lastInsertRowid);
    this.#line.joined({ ...row, id });
    return id;
  }
}

function claimedNow(id: OutboxId, message: NewOutgoing, inReplyTo: InboxId, passive: PassivePair): Outgoing {
  const { target, segments, origin, expiresAt, replyTo } = message;
  return {
    id,
    message: id,
    target,
    segments,
    origin,
    expiresAt,
    status: 'sending',
    attempts: 1,
    ambiguous: false,
    inReplyTo,
    ...(replyTo === undefined ? {} : { replyTo }),
    passive,
  };
}
