/** A journal that has seen much: so many messages that came, were answered, and were delivered long ago. */
import { copyFileSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { messageDigest } from '../dist/store/sqlite/message-digest.js';
import { openStore } from '../dist/store/sqlite/sqlite-store.js';
import { CONVERSATIONS } from './arena.mjs';
import { makeFolder } from './children.mjs';

const HOUR_MS = 3_600_000;

/** @type {Map<number, Promise<string>>} */
const made = new Map();

/**
 * Puts a copy of such a journal where a daemon with this home finds it.
 * @param {string} home
 * @param {number} messages
 */
export async function putOldJournal(home, messages) {
  const known = made.get(messages) ?? makeJournal(messages);
  made.set(messages, known);
  const path = join(home, 'state', 'loong.db');
  mkdirSync(dirname(path), { mode: 0o700 });
  copyFileSync(await known, path);
}

/**
 * @param {number} messages
 * @returns {Promise<string>} its path
 */
async function makeJournal(messages) {
  const path = join(makeFolder(), 'loong.db');
  await openStore(path, 'process').close();
  const db = new Sqlite(path);
  db.pragma('synchronous = OFF');
  const inbox =
    db.prepare(`INSERT INTO inbox (id, account, conversation, message_id, body, status, attempts, received_at, settled_at, digest,
    window_closes_at, window_places, window_seq) VALUES (?, 'qqbot:default', ?, ?, ?, 'answered', 1, ?, ?, ?, ?, 3, 1)`);
  const outbox =
    db.prepare(`INSERT INTO outbox (id, account, target, body, origin, in_reply_to, status, expires_at, attempts, window_id, seq,
    platform_message_id, created_at, settled_at) VALUES (?, 'qqbot:default', ?, ?, 'backend', ?, 'delivered', ?, 1, ?, 1, ?, ?, ?)`);
  const from = Date.now() - 24 * HOUR_MS;
  db.transaction(() => {
    for (let id = 1; id <= messages; id++) {
      const peer = `openid_bench_${id % CONVERSATIONS}`;
      const target = `qqbot:default:c2c:${peer}`;
      const at = from + id;
      const messageId = `ROBOT1.0_${String(Math.imul(id, 2_654_435_761) >>> 0).padStart(10, '0')}old${id}!`;
      const segments = [{ type: 'text', text: `message ${id} of long ago` }];
      const body = { sender: { id: peer, isBot: false }, segments, mentionsBot: true, sentAt: at };
      inbox.run(id, target, messageId, JSON.stringify(body), at, at, messageDigest(target, messageId), at + HOUR_MS);
      outbox.run(id, target, JSON.stringify(segments), id, at + HOUR_MS, id, `ROBOT1.0_sent${id}!`, at, at);
    }
  })();
  db.pragma('wal_checkpoint(TRUNCATE)');
  db.close();
  return path;
}
