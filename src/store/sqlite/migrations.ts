/** The tables, as numbered steps. `message_digest(conversation, message_id)` is a function of ours. A step that was released is never edited; `user_version` counts the steps taken. */

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
  CREATE INDEX inbox_settled ON inbox (settled_at) WHERE settled_at IS NOT NULL;

  CREATE TABLE reply_windows (
    id INTEGER PRIMARY KEY,           -- the inbox row that opened it
    target TEXT NOT NULL,
    token_kind TEXT NOT NULL,
    token TEXT NOT NULL,
    closes_at INTEGER NOT NULL,
    places INTEGER NOT NULL,
    used INTEGER NOT NULL DEFAULT 0,
    last_seq INTEGER NOT NULL DEFAULT 0,
    UNIQUE (target, token)
  ) STRICT;
  CREATE INDEX reply_windows_open ON reply_windows (target, closes_at);

  CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    account TEXT NOT NULL,
    target TEXT NOT NULL,
    body TEXT NOT NULL,
    origin TEXT NOT NULL,
    in_reply_to INTEGER,
    status TEXT NOT NULL,             -- queued | sending | delivered | failed | uncertain | parked
    due_at INTEGER,                   -- null while parked, or behind another message to the same target
    expires_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    window_id INTEGER,
    seq INTEGER,
    ambiguous INTEGER NOT NULL DEFAULT 0,
    platform_message_id TEXT,
    error TEXT,
    created_at INTEGER NOT NULL,
    settled_at INTEGER                -- null while it is queued, being sent or parked
  ) STRICT;
  CREATE INDEX outbox_due ON outbox (account, due_at) WHERE status = 'queued' AND due_at IS NOT NULL;
  CREATE INDEX outbox_open ON outbox (target, status, id) WHERE settled_at IS NULL;
  CREATE INDEX outbox_expiry ON outbox (account, expires_at) WHERE settled_at IS NULL;
  CREATE INDEX outbox_settled ON outbox (settled_at) WHERE settled_at IS NOT NULL;

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
  CREATE INDEX events_at ON events (at);

  CREATE TABLE raw_frames (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    account TEXT NOT NULL,
    frame TEXT NOT NULL,
    reason TEXT NOT NULL,
    at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX raw_frames_account ON raw_frames (account);
  `,
  // A message in several parts: one row each, all but the first naming the first. `reply_to`: whose reply window is preferred.
  `
  ALTER TABLE outbox ADD COLUMN part_of INTEGER;
  ALTER TABLE outbox ADD COLUMN reply_to INTEGER;
  CREATE INDEX outbox_parts ON outbox (part_of) WHERE part_of IS NOT NULL;
  `,
  // Fewer indexes, so that a message touches fewer pages. Numbers are still given once: the newest row of a table is never deleted.
  `
  CREATE TABLE inbox_3 (
    id INTEGER PRIMARY KEY,
    account TEXT NOT NULL,
    conversation TEXT NOT NULL,
    message_id TEXT NOT NULL,
    body TEXT NOT NULL,
    status TEXT NOT NULL,
    refusal TEXT,
    liftable INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    error TEXT,
    received_at INTEGER NOT NULL,
    settled_at INTEGER,
    digest INTEGER NOT NULL           -- of conversation and message_id, which are unique together
  ) STRICT;
  INSERT INTO inbox_3 SELECT *, message_digest(conversation, message_id) FROM inbox;
  DROP TABLE inbox;
  ALTER TABLE inbox_3 RENAME TO inbox;
  CREATE INDEX inbox_digest ON inbox (id >> 12, digest);
  CREATE INDEX inbox_waiting ON inbox (account, id) WHERE status = 'waiting';

  CREATE TABLE reply_windows_3 (
    id INTEGER PRIMARY KEY,
    target TEXT NOT NULL,
    token_kind TEXT NOT NULL,
    token TEXT NOT NULL,
    closes_at INTEGER NOT NULL,
    places INTEGER NOT NULL,
    used INTEGER NOT NULL DEFAULT 0,
    last_seq INTEGER NOT NULL DEFAULT 0,
    is_open INTEGER NOT NULL DEFAULT 1  -- 0 some time after it closed
  ) STRICT;
  INSERT INTO reply_windows_3 SELECT *, 1 FROM reply_windows;
  DROP TABLE reply_windows;
  ALTER TABLE reply_windows_3 RENAME TO reply_windows;
  CREATE INDEX reply_windows_open ON reply_windows (target, closes_at) WHERE is_open = 1;

  CREATE TABLE outbox_3 (
    id INTEGER PRIMARY KEY,
    account TEXT NOT NULL,
    target TEXT NOT NULL,
    body TEXT NOT NULL,
    origin TEXT NOT NULL,
    in_reply_to INTEGER,
    status TEXT NOT NULL,
    due_at INTEGER,
    expires_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    window_id INTEGER,
    seq INTEGER,
    ambiguous INTEGER NOT NULL DEFAULT 0,
    platform_message_id TEXT,
    error TEXT,
    created_at INTEGER NOT NULL,
    settled_at INTEGER,
    part_of INTEGER,
    reply_to INTEGER
  ) STRICT;
  INSERT INTO outbox_3 SELECT * FROM outbox;
  DROP TABLE outbox;
  ALTER TABLE outbox_3 RENAME TO outbox;
  CREATE INDEX outbox_due ON outbox (account, due_at) WHERE status = 'queued' AND due_at IS NOT NULL;
  CREATE INDEX outbox_open ON outbox (target, id) WHERE settled_at IS NULL;
  CREATE INDEX outbox_expiry ON outbox (account, expires_at) WHERE status IN ('queued', 'parked');
  CREATE INDEX outbox_parts ON outbox (part_of) WHERE part_of IS NOT NULL;
  `,
  // What a message can go through on its way: a merger with others, a plainer form, a review; who refuses active messages; keys given once.
  `
  ALTER TABLE outbox ADD COLUMN merged_into INTEGER;           -- the row whose message carries this one's text
  ALTER TABLE outbox ADD COLUMN plainer INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE outbox ADD COLUMN audit_id TEXT;                 -- the platform holds it back for a review
  CREATE INDEX outbox_merged ON outbox (merged_into) WHERE merged_into IS NOT NULL;
  CREATE INDEX outbox_audit ON outbox (audit_id) WHERE audit_id IS NOT NULL;
  CREATE TABLE active_refusals (
    target TEXT PRIMARY KEY,
    at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE idempotency_keys (
    account TEXT NOT NULL,
    key TEXT NOT NULL,
    digest TEXT NOT NULL,             -- of what was asked for with the key
    message INTEGER NOT NULL,         -- the outbox row
    at INTEGER NOT NULL,
    PRIMARY KEY (account, key)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX idempotency_keys_at ON idempotency_keys (at);
  ALTER TABLE events ADD COLUMN event_id TEXT;                 -- the platform's own number of the event
  CREATE UNIQUE INDEX events_once ON events (account, event_id) WHERE event_id IS NOT NULL;
  `,
  // The window that a message opens is part of its row, so that a message that is answered touches one row less. Those of events stay apart.
  `
  ALTER TABLE inbox ADD COLUMN window_is_open INTEGER NOT NULL DEFAULT 0;  -- 0 some time after it closed
  ALTER TABLE inbox ADD COLUMN window_closes_at INTEGER;                   -- null: it opens none
  ALTER TABLE inbox ADD COLUMN window_places INTEGER NOT NULL DEFAULT 0;   -- that are left
  ALTER TABLE inbox ADD COLUMN window_seq INTEGER NOT NULL DEFAULT 0;      -- the last that was used
  UPDATE inbox SET (window_is_open, window_closes_at, window_places, window_seq) =
    (SELECT is_open, closes_at, places - used, last_seq FROM reply_windows w WHERE w.id = inbox.id)
    WHERE id IN (SELECT id FROM reply_windows WHERE is_open = 1
      UNION SELECT window_id FROM outbox WHERE settled_at IS NULL AND window_id > 0);
  CREATE INDEX inbox_windows ON inbox (conversation, window_closes_at) WHERE window_is_open = 1;

  CREATE TABLE event_windows (
    id INTEGER PRIMARY KEY,           -- minus the cursor of the event that opened it
    target TEXT NOT NULL,
    event_id TEXT NOT NULL,
    closes_at INTEGER NOT NULL,
    places INTEGER NOT NULL,
    last_seq INTEGER NOT NULL DEFAULT 0,
    is_open INTEGER NOT NULL DEFAULT 1
  ) STRICT;
  INSERT INTO event_windows SELECT id, target, token, closes_at, places - used, last_seq, is_open FROM reply_windows WHERE id < 0;
  DROP TABLE reply_windows;
  CREATE INDEX event_windows_open ON event_windows (target, closes_at) WHERE is_open = 1;
  `,
  // Whose openids, windows and messages those of an account are.
  `
  CREATE TABLE identities (
    account TEXT PRIMARY KEY,
    identity TEXT NOT NULL            -- app id, or QQ number
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE rebindings (
    account TEXT PRIMARY KEY,
    last_inbox INTEGER NOT NULL,      -- rows up to these are of somebody else
    last_outbox INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
  // What was said in a conversation can be found again, where somebody will be told of it: other rows are in no further index.
  `
  ALTER TABLE inbox ADD COLUMN thread INTEGER;                 -- number of the conversation; null: nobody is told of it
  ALTER TABLE outbox ADD COLUMN thread INTEGER;
  CREATE INDEX inbox_thread ON inbox (id >> 12, thread) WHERE thread IS NOT NULL;
  CREATE INDEX outbox_thread ON outbox (id >> 12, thread) WHERE thread IS NOT NULL;
  CREATE TABLE fresh_starts (
    conversation TEXT PRIMARY KEY,
    last_inbox INTEGER NOT NULL,      -- rows up to these were said before
    last_outbox INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
  // Who was let in, and who asks to be. Times in unix ms.
  `
  CREATE TABLE pairings (
    account TEXT NOT NULL,
    peer TEXT NOT NULL,
    name TEXT,
    conversation TEXT NOT NULL,       -- where they asked
    asked_with INTEGER NOT NULL,      -- the inbox row
    code TEXT,                        -- null once they were approved
    asked_at INTEGER NOT NULL,
    expires_at INTEGER,
    approved_at INTEGER,
    PRIMARY KEY (account, peer)
  ) STRICT, WITHOUT ROWID;
  CREATE UNIQUE INDEX pairings_code ON pairings (code) WHERE code IS NOT NULL;
  `,
  // What was pushed to us, and must not count again when it is pushed once more.
  `
  CREATE TABLE pushes (
    signed_at INTEGER NOT NULL,       -- unix seconds, as the platform signed it
    digest BLOB NOT NULL,
    account TEXT NOT NULL,
    PRIMARY KEY (signed_at, digest, account)
  ) STRICT, WITHOUT ROWID;
  `,
];
