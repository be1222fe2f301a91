/** What comes into the outbox: whole messages, at the end of the line of their target. Used inside transactions. */
import { formatTarget, laneId } from '../../model/target.js';
import type { InboxId, NewOutgoing, OutboxId, Outgoing, PassivePair } from '../store.js';
import { type Claims, LONGEST_KEPT } from './claims.js';
import type { Database } from './database.js';
import type { Expiry } from './expiry.js';
import { threadOf } from './history.js';
import type { TargetLine } from './target-line.js';

const INSERT = `INSERT INTO outbox (account, target, body, origin, in_reply_to, reply_to, part_of, expires_at, created_at,
  status, due_at, attempts, window_id, seq, thread) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;

/** Whom a message answers, and how its first part goes out. */
export interface Answering {
  readonly inReplyTo: InboxId;
  /** Taken for it from the window of that message. */
  readonly pair?: PassivePair;
  /** Asked when it is ready and no other message to its target stands before it: then it is claimed at once. */
  readonly mayBegin: () => boolean;
  /** Without a pair it is not ready: a look for the best right to reply comes first. */
  readonly needsPair: boolean;
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
    const { furtherParts, replyTo = null, origin, expiresAt } = message;
    const inReplyTo = answering?.inReplyTo ?? null;
    const pair = answering?.pair;
    const thread = message.isRemembered === true ? threadOf(target) : null;
    const isFirst = !this.#line.isBusy(target);
    const isReady = answering !== undefined && (pair !== undefined || !answering.needsPair);
    const claims = isFirst && isReady && answering.mayBegin();
    const put = (body: string, partOf: OutboxId | null): OutboxId => {
      const isClaimed = claims && partOf === null;
      const hasPair = pair !== undefined && partOf === null;
      const { lastInsertRowid } = this.#insert.run(
        account,
        target,
        body,
        origin,
        inReplyTo,
        replyTo,
        partOf,
        expiresAt,
        now,
        isClaimed ? 'sending' : 'queued',
        isFirst && partOf === null && !isClaimed ? now : null,
        isClaimed ? 1 : 0,
        hasPair ? inReplyTo : null,
        hasPair ? pair.seq : null,
        thread,
      );
      return Number(lastInsertRowid);
    };
    const body = JSON.stringify(message.segments);
    const id = put(body, null);
    const ready = isReady ? atItsTurn(id, message, answering.inReplyTo, pair) : undefined;
    this.#line.joined(target, ready === undefined || body.length > LONGEST_KEPT ? { id } : { id, ready });
    for (const part of furtherParts ?? []) this.#line.joined(target, { id: put(JSON.stringify(part), id) });
    if (claims) this.#claims.note({ id, target, merged_into: null });
    if (!claims || furtherParts !== undefined) this.#expiry.mayComeAt(account, expiresAt);
    return claims && ready !== undefined ? { id, isDue: false, claimed: ready } : { id, isDue: isFirst };
  }
}

/** As it goes out on its first attempt. */
function atItsTurn(id: OutboxId, message: NewOutgoing, inReplyTo: InboxId, passive: PassivePair | undefined): Outgoing {
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
    ...(passive === undefined ? {} : { passive }),
  };
}
