/** The tables, as numbered steps. A step that was released is never edited; `user_version` counts the steps taken. */

export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE inbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    account TEXT NOT NULL,
    conversation TEXT NOT NULL,
    message_id TEXT NOT NULL,
    body TEXT NOT NULL,
    status TEXT NOT NULL,             -- waiting | answered | failed | refused
    refusal TEXT,
    liftable INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    error TEXT,
    received_at INTEGER NOT NULL,
    settled_at INTEGER,
    UNIQUE (conversation, message_id)
  ) STRICT;
  CREATE INDEX inbox_waiting ON inbox (account, id) WHERE status = 'waiting';

  CREATE TABLE reply_windows (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    target TEXT NOT NULL,
    inbox_id INTEGER NOT NULL,
    token_kind TEXT NOT NULL,
    token TEXT NOT NULL,
    closes_at INTEGER NOT NULL,
    places INTEGER NOT NULL,
    used INTEGER NOT NULL DEFAULT 0,
    last_seq INTEGER NOT NULL DEFAULT 0,
    UNIQUE (target, token)
  ) STRICT;

  CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    account TEXT NOT NULL,
    target TEXT NOT NULL,
    body TEXT NOT NULL,
    origin TEXT NOT NULL,
    in_reply_to INTEGER,
    status TEXT NOT NULL,             -- queued | sending | delivered | failed | uncertain | parked
    due_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    window_id INTEGER,
    seq INTEGER,
    ambiguous INTEGER NOT NULL DEFAULT 0,
    platform_message_id TEXT,
    error TEXT,
    created_at INTEGER NOT NULL,
    settled_at INTEGER
  ) STRICT;
  CREATE INDEX outbox_queued ON outbox (account, id) WHERE status = 'queued';
  CREATE INDEX outbox_open ON outbox (target, id) WHERE status IN ('queued', 'sending', 'parked');
  CREATE INDEX outbox_expiry ON outbox (account, expires_at) WHERE status IN ('queued', 'parked');

  CREATE TABLE gateway_sessions (
    lane TEXT PRIMARY KEY,
    key TEXT NOT NULL,
    session_id TEXT NOT NULL,
    seq INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE events (
    cursor INTEGER PRIMARY KEY AUTOINCREMENT,
    account TEXT NOT NULL,
    name TEXT NOT NULL,
    data TEXT NOT NULL,
    at INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE raw_frames (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    account TEXT NOT NULL,
    frame TEXT NOT NULL,
    reason TEXT NOT NULL,
    at INTEGER NOT NULL
  ) STRICT;
  `,
];
