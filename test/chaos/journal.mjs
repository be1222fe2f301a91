// @ts-check
/** What the daemon wrote down of a run: its journal, read from outside and never written. */
import { existsSync } from 'node:fs';
import Sqlite from 'better-sqlite3';

/** @typedef {{ id: number, conversation: string, text: string, status: string, error: string | null }} InboxRow */
/**
 * @typedef {{
 *   id: number, target: string, text: string, status: string, error: string | null, inReplyTo: number | null, messageId: string | null,
 * }} OutboxRow
 */
/** @typedef {{ inbox: readonly InboxRow[], outbox: readonly OutboxRow[] }} Journal */

/** @param {string} path of `loong.db` @returns {Journal} */
export function readJournal(path) {
  if (!existsSync(path)) return { inbox: [], outbox: [] };
  const db = new Sqlite(path, { readonly: true, timeout: 5000 });
  try {
    const inbox = /** @type {(InboxRow & { body: string })[]} */ (
      db.prepare('SELECT id, conversation, body, status, error FROM inbox ORDER BY id').all()
    );
    const outbox = /** @type {(OutboxRow & { body: string })[]} */ (
      db
        .prepare(
          `SELECT id, target, body, status, error, in_reply_to AS inReplyTo, platform_message_id AS messageId
           FROM outbox ORDER BY id`,
        )
        .all()
    );
    return {
      inbox: inbox.map(({ body, ...row }) => ({ ...row, text: textIn(JSON.parse(body).segments) })),
      outbox: outbox.map(({ body, ...row }) => ({ ...row, text: textIn(JSON.parse(body)) })),
    };
  } finally {
    db.close();
  }
}

/** @param {readonly { type: string, text?: string }[]} segments */
function textIn(segments) {
  return segments
    .map(({ type, text = '' }) => (type === 'text' ? text : ''))
    .join('')
    .trim();
}

/** `private:50001` of `onebot:default:private:50001`. @param {string} target */
export function placeIn(target) {
  return target.split(':').slice(2).join(':');
}

/** @param {{ error: string | null }} row */
export function codeOf({ error }) {
  return error === null ? '' : String(/** @type {{ code?: unknown }} */ (JSON.parse(error)).code ?? '');
}
