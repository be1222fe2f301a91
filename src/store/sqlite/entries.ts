/** What comes into the outbox: whole messages, at the end of the line of their target. Used inside transactions. */
import { formatTarget, laneId } from '../../model/target.js';
import type { DeliveryPlace, InboxId, NewOutgoing, OutboxId, Outgoing, PassivePair } from '../store.js';
import { type Claims, LONGEST_KEPT } from './claims.js';
import type { Database } from './database.js';
import type { Expiry } from './expiry.js';
import { threadOf } from './history.js';
import type { TargetLine } from './target-line.js';

const INSERT = `INSERT INTO outbox (account, target, body, origin, in_reply_to, reply_to, part_of, expires_at, created_at,
  status, due_at, attempts, window_id, seq, thread) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;

/** The same for one that waits behind others: most columns are at their defaults. */
const INSERT_BEHIND = `INSERT INTO outbox (account, target, body, origin, in_reply_to, expires_at, created_at, status)
  VALUES (?, ?, ?, ?, ?, ?, ?, 'queued')`;

/** Whom a message answers, and how its first part goes out. */
export interface Answering {
  readonly inReplyTo: InboxId;
  /** Taken for it from the window of that message. */
  readonly pair: PassivePair | undefined;
  /** Asked when it is ready and no other message to its target stands before it: then it is claimed at once. */
  readonly place: DeliveryPlace;
}

/** Then a look at the outbox finds it, and the best right to reply. */
export const NOBODY_DELIVERS: DeliveryPlace = { mayBegin: () => false, needsPair: true };

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
  readonly #insertBehind;

  constructor(db: Database, line: TargetLine, expiry: Expiry, claims: Claims) {
    this.#line = line;
    this.#expiry = expiry;
    this.#claims = claims;
    this.#insert = db.prepare<(string | number | null)[], never>(INSERT);
    this.#insertBehind = db.prepare<(string | number | null)[], never>(INSERT_BEHIND);
  }

  /** One row for each part. `answering`: as for its first. */
  enter(message: NewOutgoing, answering?: Answering): Inserted {
    const entry: Entry = {
      account: laneId(message.target),
      target: formatTarget(message.target),
      message,
      inReplyTo: answering === undefined ? null : answering.inReplyTo,
      now: Date.now(),
    };
    const { account, target } = entry;
    const { furtherParts, expiresAt } = message;
    const pair = answering?.pair;
    const isFirst = !this.#line.isBusy(target);
    const isReady = answering !== undefined && (pair !== undefined || !answering.place.needsPair);
    const claims = isFirst && isReady && answering.place.mayBegin();
    const body = JSON.stringify(message.segments);
    const isBehind = !isFirst && pair === undefined && message.replyTo === undefined && message.isRemembered !== true;
    const id = isBehind ? this.#putBehind(entry, body) : this.#putFirst(entry, body, pair, isFirst, claims);
    const ready = isReady ? atItsTurn(id, message, answering.inReplyTo, pair) : undefined;
    this.#line.joined(target, ready === undefined || body.length > LONGEST_KEPT ? { id } : { id, ready });
    if (furtherParts !== undefined) {
      for (const part of furtherParts)
        this.#line.joined(target, { id: this.#putPart(entry, JSON.stringify(part), id) });
    }
    if (claims) this.#claims.note({ id, target, merged_into: null });
    if (!claims || furtherParts !== undefined) this.#expiry.mayComeAt(account, expiresAt);
    return claims && ready !== undefined ? { id, isDue: false, claimed: ready } : { id, isDue: isFirst };
  }

  #putBehind({ account, target, message: { origin, expiresAt }, inReplyTo, now }: Entry, body: string): OutboxId {
    return Number(this.#insertBehind.run(account, target, body, origin, inReplyTo, expiresAt, now).lastInsertRowid);
  }

  #putFirst(entry: Entry, body: string, pair: PassivePair | undefined, isFirst: boolean, isClaimed: boolean): OutboxId {
    const { inReplyTo, now } = entry;
    return this.#put(
      entry,
      body,
      null,
      isClaimed ? 'sending' : 'queued',
      isFirst && !isClaimed ? now : null,
      isClaimed ? 1 : 0,
      pair === undefined ? null : inReplyTo,
      pair === undefined ? null : pair.seq,
    );
  }

  #putPart(entry: Entry, body: string, partOf: OutboxId): OutboxId {
    return this.#put(entry, body, partOf, 'queued', null, 0, null, null);
  }

  #put(
    { account, target, message, inReplyTo, now }: Entry,
    body: string,
    partOf: OutboxId | null,
    status: 'queued' | 'sending',
    dueAt: number | null,
    attempts: number,
    windowId: InboxId | null,
    seq: number | null,
  ): OutboxId {
    const { origin, replyTo = null, expiresAt, isRemembered } = message;
    const thread = isRemembered === true ? threadOf(target) : null;
    const inserted = this.#insert.run(
      account,
      target,
      body,
      origin,
      inReplyTo,
      replyTo,
      partOf,
      expiresAt,
      now,
      status,
      dueAt,
      attempts,
      windowId,
      seq,
      thread,
    );
    return Number(inserted.lastInsertRowid);
  }
}

/** What the rows of a message have in common. */
interface Entry {
  readonly account: string;
  readonly target: string;
  readonly message: NewOutgoing;
  readonly inReplyTo: InboxId | null;
  readonly now: number;
}

/** As it goes out on its first attempt. */
function atItsTurn(id: OutboxId, message: NewOutgoing, inReplyTo: InboxId, passive: PassivePair | undefined): Outgoing {
  const { target, segments, origin, expiresAt, replyTo } = message;
  const plain: Outgoing = {
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
  };
  if (replyTo === undefined && passive === undefined) return plain;
  return { ...plain, ...(replyTo === undefined ? {} : { replyTo }), ...(passive === undefined ? {} : { passive }) };
}
