/** Journal of what came in: unique per conversation and message id, settled once. */
import type { InboundMessage } from '../../model/message.js';
import { formatTarget, laneId, type Target } from '../../model/target.js';
import type {
  Admitted,
  Answered,
  Arrival,
  DeliveryPlace,
  Inbox,
  InboxId,
  NewOutgoing,
  OutboxId,
  PassivePair,
  ReadyAnswer,
  RowError,
  SpentReply,
  WaitingMessage,
} from '../store.js';
import type { Database } from './database.js';
import { type Entries, NOBODY_DELIVERS } from './entries.js';
import { type SqliteHistory, threadOf } from './history.js';
import { bodyOf, MESSAGE, type MessageRow, storedMessage } from './inbox-row.js';
import { KnownMessages } from './known-messages.js';
import { messageDigest } from './message-digest.js';
import type { SqlitePairings } from './pairings.js';
import type { Parking } from './parking.js';
import type { Pushes } from './pushes.js';
import { PLACES_FOR_THE_ANSWER, type ReplyWindows } from './reply-windows.js';

const INSERT = `INSERT INTO inbox (account, conversation, message_id, body, status, refusal, liftable, attempts, received_at, settled_at, digest,
  window_is_open, window_closes_at, window_places, window_seq, thread) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
/** The same for one that is answered with it, opens no window and is not remembered: most columns are at their defaults. */
const INSERT_ANSWERED = `INSERT INTO inbox (account, conversation, message_id, body, status, received_at, settled_at, digest)
  VALUES (?, ?, ?, ?, 'answered', ?, ?, ?)`;
const LIFT = `UPDATE inbox SET status = 'waiting', refusal = NULL, liftable = 0, settled_at = NULL, body = ?, attempts = attempts + ?
  WHERE id = ? AND status = 'refused' AND liftable = 1 RETURNING id, attempts`;
const WAITING = `SELECT id, ${MESSAGE} FROM inbox WHERE account = ? AND status = 'waiting' AND id > ? ORDER BY id LIMIT ?`;
const RECEIVED = `SELECT ${MESSAGE} FROM inbox WHERE id > (SELECT max(id) FROM inbox) - :rows AND account = :account
  AND id > coalesce((SELECT last_inbox FROM rebindings WHERE account = :account), 0) ORDER BY id`;
const ONE = `SELECT ${MESSAGE} FROM inbox WHERE id = ?`;
const BEGIN = `UPDATE inbox SET attempts = attempts + 1 WHERE id = ? AND status = 'waiting' RETURNING attempts`;
const SETTLE = `UPDATE inbox SET status = ?, error = ?, settled_at = ? WHERE id = ? AND status = 'waiting'`;
/** And the first place of its window is taken. */
const SETTLE_AND_TAKE = `UPDATE inbox SET status = ?, error = ?, settled_at = ?, window_places = window_places - 1, window_seq = window_seq + 1
  WHERE id = ? AND status = 'waiting'`;

export class SqliteInbox implements Inbox {
  readonly #db;
  readonly #windows;
  readonly #entries;
  readonly #parking;
  readonly #history;
  readonly #pairings;
  readonly #pushes;
  readonly #insert;
  readonly #insertAnswered;
  readonly #lift;
  readonly #waiting;
  readonly #received;
  readonly #one;
  readonly #begin;
  readonly #settle;
  readonly #settleAndTake;
  readonly #known;

  constructor(
    db: Database,
    windows: ReplyWindows,
    entries: Entries,
    parking: Parking,
    history: SqliteHistory,
    pairings: SqlitePairings,
    pushes: Pushes,
  ) {
    this.#db = db;
    this.#windows = windows;
    this.#entries = entries;
    this.#parking = parking;
    this.#history = history;
    this.#pairings = pairings;
    this.#pushes = pushes;
    this.#insert = db.prepare<
      [
        string,
        string,
        string,
        string,
        string,
        string | null,
        number,
        number,
        number,
        number | null,
        number,
        number,
        number | null,
        number,
        number,
        number | null,
      ],
      never
    >(INSERT);
    this.#insertAnswered = db.prepare<[string, string, string, string, number, number, number], never>(INSERT_ANSWERED);
    this.#lift = db.prepare<[string, number, InboxId], { id: number; attempts: number }>(LIFT);
    this.#waiting = db.prepare<[string, number, number], MessageRow & { id: InboxId }>(WAITING);
    this.#received = db.prepare<[{ rows: number; account: string }], MessageRow>(RECEIVED);
    this.#one = db.prepare<[InboxId], MessageRow>(ONE);
    this.#begin = db.prepare<[number], { attempts: number }>(BEGIN);
    this.#settle = db.prepare<[string, string | null, number, number], never>(SETTLE);
    this.#settleAndTake = db.prepare<[string, string | null, number, number], never>(SETTLE_AND_TAKE);
    this.#known = new KnownMessages(db);
  }

  admit(arrival: Arrival, answer?: ReadyAnswer): Promise<Admitted> {
    return this.#db.write(() => this.#admit(arrival, answer));
  }

  #admit(arrival: Arrival, ready: ReadyAnswer | undefined): Admitted {
    const { message, refusalIsLiftable, right, pairing, push } = arrival;
    if (push !== undefined && !this.#pushes.take(laneId(message.conversation), push)) return { outcome: 'duplicate' };
    const conversation = formatTarget(message.conversation);
    const now = Date.now();
    const body = bodyOf(message);
    const attempts = arrival.begins === true && arrival.refusal === undefined ? 1 : 0;
    const digest = messageDigest(conversation, message.id);
    const earlier = this.#known.meet(digest, conversation, message.id);
    if (earlier !== undefined) return this.#copy(arrival, earlier, conversation, body, attempts);
    const asked = pairing === undefined ? undefined : this.#pairings.ask(message, pairing, now);
    const refusal = asked?.step ?? arrival.refusal;
    const answer = asked?.answer ?? ready;
    const refused = refusal !== undefined;
    if (answer !== undefined && right === undefined && !refused && isForgotten(arrival)) {
      const lane = laneId(message.conversation);
      const row = this.#insertAnswered.run(lane, conversation, message.id, body, now, now, digest);
      const id = Number(row.lastInsertRowid);
      const answered = this.#enter(id, answer.messages, answer.place, undefined);
      return { outcome: 'taken', id, unparked: 0, answered };
    }
    const isSettled = refused || answer !== undefined;
    /** The answer takes the first place of the window. */
    const taken = right !== undefined && right.count > 0 && (answer?.messages.length ?? 0) > 0 ? 1 : 0;
    const { lastInsertRowid } = this.#insert.run(
      laneId(message.conversation),
      conversation,
      message.id,
      body,
      refused ? 'refused' : isSettled ? 'answered' : 'waiting',
      refusal ?? null,
      refusalIsLiftable === true ? 1 : 0,
      attempts,
      now,
      isSettled ? now : null,
      digest,
      right === undefined ? 0 : 1,
      right?.closesAt ?? null,
      (right?.count ?? 0) - taken,
      taken,
      arrival.isRemembered === true ? threadOf(conversation) : null,
    );
    const id = Number(lastInsertRowid);
    if (arrival.startsAfresh === true) this.#history.startAfresh(conversation, id);
    if (right !== undefined && taken === 0) this.#windows.opened(id, message.id, right);
    const unparked = (right?.count ?? 0) > PLACES_FOR_THE_ANSWER ? this.#parking.comeBack(conversation, now) : 0;
    if (asked?.keep !== undefined) asked.keep(id);
    const outcome = refused ? 'refused' : 'taken';
    const step = asked === undefined ? {} : { pairing: asked.step };
    if (answer === undefined) {
      return { outcome, id, unparked, ...(attempts === 0 ? {} : { attempt: attempts }), ...step };
    }
    const pair =
      right === undefined || taken === 0
        ? undefined
        : { token: { kind: 'msg_id' as const, value: message.id }, seq: taken, closesAt: right.closesAt };
    const answered = this.#enter(id, answer.messages, answer.place, pair);
    return { outcome, id, unparked, answered, ...step };
  }

  /** Inside a transaction: a message that is known came once more. Its window is open since it came first. */
  #copy(arrival: Arrival, id: InboxId, conversation: string, body: string, attempts: number): Admitted {
    const lifted = arrival.refusal === undefined ? this.#lift.get(body, attempts, id) : undefined;
    if (lifted === undefined) return { outcome: 'duplicate' };
    if (arrival.startsAfresh === true) this.#history.startAfresh(conversation, id);
    return { outcome: 'lifted', id: lifted.id, unparked: 0, ...(attempts === 0 ? {} : { attempt: lifted.attempts }) };
  }

  waiting(account: string, after: InboxId, limit: number): readonly WaitingMessage[] {
    return this.#waiting.all(account, after, limit).map((row) => ({ id: row.id, message: storedMessage(row) }));
  }

  received(account: string, rows: number): readonly InboundMessage[] {
    return this.#received.all({ rows, account }).map(storedMessage);
  }

  begin(id: InboxId): Promise<number | undefined> {
    return this.#db.write(() => this.#begin.get(id)?.attempts);
  }

  answer(id: InboxId, answers: readonly NewOutgoing[], place = NOBODY_DELIVERS): Promise<Answered> {
    return this.#end(id, 'answered', null, answers, place);
  }

  async fail(id: InboxId, error: RowError, apologies: readonly NewOutgoing[] = []): Promise<readonly OutboxId[]> {
    return (await this.#end(id, 'failed', JSON.stringify(error), apologies, NOBODY_DELIVERS)).ids;
  }

  #end(
    id: InboxId,
    status: 'answered' | 'failed',
    error: string | null,
    said: readonly NewOutgoing[],
    place: DeliveryPlace,
  ): Promise<Answered> {
    return this.#db.write(() => {
      const now = Date.now();
      const window = said[0] === undefined ? undefined : this.#windows.own(id, formatTarget(said[0].target), now);
      const settle = window === undefined ? this.#settle : this.#settleAndTake;
      if (settle.run(status, error, now, id).changes === 0) return { ids: [], isDue: false };
      const pair = window === undefined ? undefined : this.#windows.taken(window);
      return this.#enter(id, said, place, pair);
    });
  }

  /** Inside a transaction: the answers to a message come into the outbox. `pair`: of the first. */
  #enter(id: InboxId, said: readonly NewOutgoing[], place: DeliveryPlace, pair: PassivePair | undefined): Answered {
    const [message] = said;
    if (message === undefined) return NOTHING_SAID;
    const { id: number, isDue, claimed } = this.#entries.enter(message, { inReplyTo: id, place, pair });
    const ids = [number];
    for (let i = 1; i < said.length; i++) {
      const later = said[i];
      if (later !== undefined)
        ids.push(this.#entries.enter(later, { inReplyTo: id, place: NOBODY_DELIVERS, pair: undefined }).id);
    }
    return claimed === undefined ? { ids, isDue } : { ids, isDue, claimed };
  }

  spendReply(id: InboxId, leaving: number): Promise<SpentReply> {
    return this.#db.write(() => this.#windows.spend(id, leaving, Date.now()));
  }

  message(id: InboxId): InboundMessage | undefined {
    const row = this.#one.get(id);
    return row === undefined ? undefined : storedMessage(row);
  }

  find(conversation: Target, messageId: string): InboxId | undefined {
    const key = formatTarget(conversation);
    return this.#known.find(messageDigest(key, messageId), key, messageId);
  }
}

const NOTHING_SAID: Answered = { ids: [], isDue: false };

/** Nothing of the conversation's history changes with it. */
function isForgotten({ isRemembered, startsAfresh }: Arrival): boolean {
  return isRemembered !== true && startsAfresh !== true;
}
