/**
 * What was said in a conversation, for whoever answers next. Rows that belong to it carry a number of their conversation (`thread`), which
 * is looked for by generations of rows, as messages are: a new row touches the few pages of the newest one, and one that nobody will be
 * told of touches none.
 */
import type { Segment } from '../../model/message.js';
import { formatTarget, laneId, type Target } from '../../model/target.js';
import type { History, InboxId, Said } from '../store.js';
import type { Database } from './database.js';
import { MESSAGE, type MessageRow, storedMessage } from './inbox-row.js';
import { messageDigest } from './message-digest.js';

/** As in the indexes `inbox_thread` and `outbox_thread`: rows of one generation share `id >> 12`. */
const GENERATION = 12;
/** So far back a message that is recalled is looked for (messages of its conversation): nobody is told of more. */
const RECALLED_AMONG = 1000;

const IN_THREAD = `FROM inbox WHERE id >> ${GENERATION} = :generation AND thread = :thread AND conversation = :target
  AND id > :after AND id < :before`;
const OUT_THREAD = `FROM outbox WHERE id >> ${GENERATION} = :generation AND thread = :thread AND target = :target AND status <> 'failed'
  AND id > :after AND (in_reply_to IS NULL OR in_reply_to > :afterInbox AND in_reply_to < :before)`;
const NEWEST = 'ORDER BY id DESC LIMIT :limit';
/** Of what was refused only that belongs to it which was said beside the bot, by somebody who may talk. */
const HEARD = `SELECT id, received_at AS at, ${MESSAGE} ${IN_THREAD} AND (status <> 'refused' OR refusal = 'not_mentioned') ${NEWEST}`;
const ANSWERED = `SELECT id, coalesce(settled_at, created_at) AS at, in_reply_to, body ${OUT_THREAD} ${NEWEST}`;
const HEARD_IDS = `SELECT id, message_id ${IN_THREAD} ${NEWEST}`;
const ANSWERED_IDS = `SELECT id, platform_message_id AS message_id, settled_at ${OUT_THREAD} ${NEWEST}`;
/** Rows of somebody else, and of before the conversation started afresh, are not of this conversation. */
const FLOORS = `SELECT max(coalesce(f.last_inbox, 0), coalesce(r.last_inbox, 0)) AS inbox,
  max(coalesce(f.last_outbox, 0), coalesce(r.last_outbox, 0)) AS outbox FROM (SELECT 1)
  LEFT JOIN fresh_starts f ON f.conversation = ? LEFT JOIN rebindings r ON r.account = ?`;
/** A word that means the bot only by a late copy of it is older than others may be. */
const START_AFRESH = `INSERT INTO fresh_starts (conversation, last_inbox, last_outbox)
  VALUES (?, ?, (SELECT coalesce(max(id), 0) FROM outbox)) ON CONFLICT DO UPDATE SET
  last_inbox = max(last_inbox, excluded.last_inbox), last_outbox = max(last_outbox, excluded.last_outbox)`;
const EDGES = (table: string) =>
  `SELECT coalesce((SELECT min(id) FROM ${table}), 1) AS first, coalesce((SELECT max(id) FROM ${table}), 0) AS last`;

interface Range {
  readonly generation: number;
  readonly thread: number;
  readonly target: string;
  readonly after: number;
  readonly afterInbox: number;
  readonly before: number;
  readonly limit: number;
}

/** `place`: among what has the same time, an answer comes right after what it answers. */
interface Placed {
  readonly said: Said;
  readonly place: number;
}

interface Edges {
  readonly first: number;
  readonly last: number;
}

interface Row {
  readonly id: number;
}

interface AnsweredId extends Row {
  readonly message_id: string | null;
  readonly settled_at: number | null;
}

/** Number of a conversation; two may share it, so the conversation is compared too. */
export function threadOf(conversation: string): number {
  return messageDigest(conversation, '');
}

export class SqliteHistory implements History {
  readonly #floors;
  readonly #edgesIn;
  readonly #edgesOut;
  readonly #heard;
  readonly #answered;
  readonly #heardIds;
  readonly #answeredIds;
  readonly #forgetIn;
  readonly #forgetOut;
  readonly #startAfresh;

  constructor(db: Database) {
    this.#floors = db.prepare<[string, string], { inbox: number; outbox: number }>(FLOORS);
    this.#edgesIn = db.prepare<[], Edges>(EDGES('inbox'));
    this.#edgesOut = db.prepare<[], Edges>(EDGES('outbox'));
    this.#heard = db.prepare<[Range], MessageRow & Row & { at: number }>(HEARD);
    this.#answered = db.prepare<[Range], Row & { at: number; in_reply_to: number | null; body: string }>(ANSWERED);
    this.#heardIds = db.prepare<[Range], Row & { message_id: string }>(HEARD_IDS);
    this.#answeredIds = db.prepare<[Range], AnsweredId>(ANSWERED_IDS);
    this.#forgetIn = db.prepare<[number], never>('UPDATE inbox SET thread = NULL WHERE id = ?');
    this.#forgetOut = db.prepare<[number], never>('UPDATE outbox SET thread = NULL WHERE id = ?');
    this.#startAfresh = db.prepare<[string, number], never>(START_AFRESH);
  }

  before(conversation: Target, message: InboxId, limit: number): readonly Said[] {
    const { inbox, outbox } = this.#ranges(conversation, message, limit);
    const heard = newest(inbox, (range) => this.#heard.all(range)).map(({ id, at, ...row }): Placed => {
      const { sender, segments } = storedMessage(row);
      return { said: { from: 'user', sender, segments, at }, place: id };
    });
    const answered = newest(outbox, (range) => this.#answered.all(range)).map(
      ({ body, at, in_reply_to: answers }): Placed => ({
        said: { from: 'bot', segments: JSON.parse(body) as Segment[], at },
        place: (answers ?? Number.MAX_SAFE_INTEGER) + 0.5,
      }),
    );
    return [...heard.reverse(), ...answered.reverse()]
      .sort((one, other) => one.said.at - other.said.at || one.place - other.place)
      .slice(-limit)
      .map(({ said }) => said);
  }

  /** Inside a transaction: what was said until now, this message included, is told nobody any more. */
  startAfresh(conversation: string, message: InboxId): void {
    this.#startAfresh.run(conversation, message);
  }

  /** Inside a transaction: a message was taken back. Where numbers of messages are used again, what tells them apart follows a dot. */
  recall(conversation: Target, messageId: string): void {
    const { inbox, outbox } = this.#ranges(conversation, Number.MAX_SAFE_INTEGER, RECALLED_AMONG);
    const isMeant = ({ message_id: id }: { readonly message_id: string | null }) =>
      id === messageId || (id?.startsWith(`${messageId}.`) ?? false);
    const heard = newest(inbox, (range) => this.#heardIds.all(range)).find(isMeant);
    if (heard !== undefined) {
      this.#forgetIn.run(heard.id);
      return;
    }
    const answered = newest(outbox, (range) => this.#answeredIds.all(range));
    const last = answered.find(isMeant);
    if (last === undefined) return;
    // Several that waited may have gone out as one.
    const isAlong = (row: AnsweredId) => row.message_id === last.message_id && row.settled_at === last.settled_at;
    for (const { id } of answered.filter(isAlong)) this.#forgetOut.run(id);
  }

  #ranges(conversation: Target, before: InboxId, limit: number): { readonly inbox: Range; readonly outbox: Range } {
    const target = formatTarget(conversation);
    const floors = this.#floors.get(target, laneId(conversation)) ?? { inbox: 0, outbox: 0 };
    const common = { thread: threadOf(target), target, afterInbox: floors.inbox, before, limit };
    const within = ({ first, last }: Edges, floor: number, ceiling: number) => ({
      generation: Math.min(last, ceiling) >> GENERATION,
      after: Math.max(floor, first - 1),
    });
    const none: Edges = { first: 1, last: 0 };
    return {
      inbox: { ...common, ...within(this.#edgesIn.get() ?? none, floors.inbox, before) },
      outbox: { ...common, ...within(this.#edgesOut.get() ?? none, floors.outbox, Number.MAX_SAFE_INTEGER) },
    };
  }
}

/** The newest `limit` rows of the conversation, the newest first, from `generation` back. */
function newest<R>(range: Range, read: (range: Range) => readonly R[]): R[] {
  const found: R[] = [];
  const oldest = range.after >> GENERATION;
  for (let { generation } = range; generation >= oldest && found.length < range.limit; generation--) {
    found.push(...read({ ...range, generation, limit: range.limit - found.length }));
  }
  return found;
}
