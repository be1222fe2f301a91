/** Rows of the outbox as they are read. */
import type { MessageOrigin, Plainer, ReplyToken, Segment } from '../../model/message.js';
import { storedTarget } from '../../model/target.js';
import type { OutboxId, Outgoing, OutgoingStatus, RowError } from '../store.js';

const TOKEN = `iif(i.id IS NULL, 'event_id', 'msg_id') AS token_kind, coalesce(i.message_id, e.event_id) AS token,
  coalesce(i.window_closes_at, e.closes_at) AS closes_at`;
export const COLUMNS = `o.id, o.target, o.body, o.origin, o.in_reply_to, o.reply_to, o.part_of, o.status, o.expires_at, o.attempts, o.ambiguous,
  o.platform_message_id, o.error, o.window_id, o.seq, o.merged_into, o.plainer, ${TOKEN}`;
export const FROM =
  'FROM outbox o LEFT JOIN inbox i ON i.id = o.window_id LEFT JOIN event_windows e ON e.id = o.window_id';

const PLAINER_MARKDOWN = 1;
const PLAINER_LINKS = 2;

export interface OutboxRow {
  readonly id: OutboxId;
  readonly target: string;
  readonly body: string;
  readonly origin: MessageOrigin;
  readonly in_reply_to: number | null;
  readonly reply_to: number | null;
  readonly part_of: number | null;
  readonly status: OutgoingStatus;
  readonly expires_at: number;
  readonly attempts: number;
  readonly ambiguous: number;
  readonly platform_message_id: string | null;
  readonly error: string | null;
  readonly window_id: number | null;
  readonly seq: number | null;
  /** Its own id where it carries the texts of others, too. */
  readonly merged_into: number | null;
  readonly plainer: number;
  readonly token_kind: ReplyToken['kind'];
  readonly token: string | null;
  readonly closes_at: number | null;
}

export function plainerBits({ markdown, links }: Plainer): number {
  return (markdown === true ? PLAINER_MARKDOWN : 0) | (links === true ? PLAINER_LINKS : 0);
}

export function outgoing(row: OutboxRow): Outgoing {
  const { token_kind: kind, token, seq, closes_at: closesAt, plainer } = row;
  const hasPair = token !== null && seq !== null && closesAt !== null;
  return {
    id: row.id,
    message: row.part_of ?? row.id,
    target: storedTarget(row.target),
    segments: JSON.parse(row.body) as Segment[],
    origin: row.origin,
    expiresAt: row.expires_at,
    status: row.status,
    attempts: row.attempts,
    ambiguous: row.ambiguous === 1,
    ...(row.in_reply_to === null ? {} : { inReplyTo: row.in_reply_to }),
    ...(row.reply_to === null ? {} : { replyTo: row.reply_to }),
    ...(hasPair ? { passive: { token: { kind, value: token }, seq, closesAt } } : {}),
    ...(row.platform_message_id === null ? {} : { platformMessageId: row.platform_message_id }),
    ...(row.error === null ? {} : { error: JSON.parse(row.error) as RowError }),
    ...(plainer === 0
      ? {}
      : { plainer: { markdown: (plainer & PLAINER_MARKDOWN) !== 0, links: (plainer & PLAINER_LINKS) !== 0 } }),
  };
}

/** It has a reply pair: its right has not ended, or an attempt with it may have arrived. */
export function hasUsablePair({ window_id, ambiguous, closes_at }: OutboxRow, now: number): boolean {
  return window_id !== null && (ambiguous === 1 || (closes_at ?? 0) > now);
}

/** Its message carries the texts of others, too. */
export function carriesOthers(row: Pick<OutboxRow, 'id' | 'merged_into'>): boolean {
  return row.merged_into === row.id;
}
