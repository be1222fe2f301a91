/**
 * While a great many settled rows are forgotten, and other commands work beside the daemon, its heart goes on beating. 100,000 rows in
 * `npm test`, a million in `npm run test:soak`, which also writes PRUNING.md beside this file.
 */
import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.js';
import { waitUntil } from '../support/wait-until.js';
import { SoakedDaemon, SPEED } from './soaked-daemon.js';

const LONG = process.env.SOAK_MINUTES !== undefined;
const ROWS = LONG ? 1_000_000 : 100_000;
const HEARTBEAT_MS = 100;
/** What the issue promises, in ms. */
const LONGEST_GAP_MS = 1000;
const OLD_MS = 60 * 86_400_000;

let sandbox: Sandbox;
let daemon: SoakedDaemon;

beforeEach(async () => {
  sandbox = await startSandbox({ heartbeatIntervalMs: HEARTBEAT_MS * SPEED });
  daemon = new SoakedDaemon(sandbox);
});

afterEach(async () => {
  await daemon.home.remove();
  await sandbox.close();
});

/** Half of the rows were received, with their reply windows, and half were sent. */
function fill(path: string): void {
  const db = new Sqlite(path);
  const old = Date.now() - OLD_MS;
  const numbers = `WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ${ROWS / 2})`;
  const body = `'{"segments":[{"type":"text","text":"${'old '.repeat(40)}"}]}'`;
  const peer = `'qqbot:main:c2c:openid_' || (n % 1000)`;
  db.exec(`BEGIN;
    INSERT INTO inbox (account, conversation, message_id, body, status, attempts, received_at, settled_at, digest,
      window_is_open, window_closes_at, window_places, window_seq)
      ${numbers} SELECT 'qqbot:main', ${peer}, 'old_' || n, ${body}, 'answered', 1, ${old}, ${old}, random() % 2147483648,
      1, ${old}, 3, 1 FROM numbers;
    INSERT INTO outbox (account, target, body, origin, status, expires_at, attempts, created_at, settled_at)
      ${numbers} SELECT 'qqbot:main', ${peer}, ${body}, 'backend', 'delivered', ${old}, 1, ${old}, ${old} FROM numbers;
    COMMIT;`);
  // What this one huge commit left in the log is not for the daemon to carry over.
  db.pragma('wal_checkpoint(TRUNCATE)');
  db.close();
}

/** The longest time between two heartbeats that the platform saw, until `over` is called. */
function watchHeartbeats(): () => { readonly longestMs: number; readonly beats: number } {
  const beats = () => sandbox.platform.transcript.counters().heartbeats;
  const first = beats();
  let seen = first;
  let at = performance.now();
  let looked = at;
  let longestMs = 0;
  const timer = setInterval(() => {
    const now = performance.now();
    // What this process itself slept through is no gap of the daemon.
    if (now - looked > 50) at += now - looked;
    looked = now;
    longestMs = Math.max(longestMs, now - at);
    if (beats() === seen) return;
    seen = beats();
    at = now;
  }, 2);
  return () => {
    clearInterval(timer);
    return { longestMs: Math.round(longestMs), beats: seen - first };
  };
}

test(`heartbeats go on while ${ROWS} rows are forgotten, beside doctor, send and queue in a loop`, {
  timeout: 300_000,
}, async () => {
  await daemon.start();
  const path = join(daemon.home.folder, 'state', 'loong.db');
  fill(path);
  // The newest row of a table is never forgotten: it shall not be an old one.
  sandbox.platform.say({ from: 'openid_alice', text: 'hello' });
  await waitUntil('the answer', () => sandbox.platform.transcript.counters().sends_accepted > 0);
  const size = statSync(path).size;
  const over = watchHeartbeats();
  let done = false;
  let commands = 0;
  const beside = (async () => {
    while (!done) {
      for (const command of [
        ['doctor', '--json'],
        ['channels', 'send', 'qqbot', '--target', 'c2c:openid_7', '--text', 'hi'],
        ['queue', 'list'],
      ]) {
        await daemon.home.run(command);
        commands++;
      }
    }
  })();
  await waitUntil('heartbeats beside the commands', () => commands >= 3, 60_000);

  const began = Date.now();
  daemon.putForward(2);
  const db = new Sqlite(path, { readonly: true });
  const oldest = (table: string, settled: string) =>
    db
      .prepare<[], { old: number }>(
        `SELECT ${settled} < ${Date.now() - OLD_MS / 2} AS old FROM ${table} ORDER BY id LIMIT 1`,
      )
      .get()?.old === 1;
  let wal = 0;
  await waitUntil(
    'the old rows to be gone',
    async () => {
      wal = Math.max(wal, statSync(`${path}-wal`).size);
      await new Promise((resolve) => setTimeout(resolve, 100));
      return !oldest('inbox', 'settled_at') && !oldest('outbox', 'settled_at');
    },
    240_000,
  );
  const ms = Date.now() - began;
  done = true;
  await beside;
  db.close();
  const { longestMs, beats } = over();
  const facts = {
    rows: ROWS,
    ms,
    longestMs,
    beats,
    commands,
    walMb: Math.round(wal / 1_048_576),
    databaseMb: Math.round(size / 1_048_576),
  };
  if (LONG) writeFileSync(new URL('PRUNING.md', import.meta.url), table(facts));
  expect(longestMs, JSON.stringify(facts)).toBeLessThan(LONGEST_GAP_MS);
  expect(beats).toBeGreaterThan(5);
});

function table(facts: { readonly [name: string]: number }): string {
  return `# Pruning

Written by \`npm run test:soak\` on ${new Date().toISOString().slice(0, 10)}, Node ${process.version}: ${ROWS} settled rows forgotten by a daemon with a
heartbeat every ${HEARTBEAT_MS} ms, while \`doctor\`, \`channels send\` and \`queue list\` run in a loop beside it.

| figure | |
|---|---:|
| time until all were gone, ms | ${facts.ms} |
| longest gap between heartbeats, ms | ${facts.longestMs} |
| heartbeats | ${facts.beats} |
| commands beside it | ${facts.commands} |
| largest write-ahead log, MB | ${facts.walMb} |
| database, MB | ${facts.databaseMb} |
`;
}
