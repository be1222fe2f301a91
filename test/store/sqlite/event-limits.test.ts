/** The event log is kept for 7 days and never holds more than 100,000 events, and shrinks to that without making anybody wait. */
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { expect, onTestFinished, test } from 'vitest';
import { openStore } from '../../../src/store/sqlite/sqlite-store.js';
import { ACCOUNT } from '../../support/messages.js';
import { tempDir } from '../../support/temp-dir.js';

const DAY_MS = 86_400_000;

/** A store whose event log holds so many events of this age already. */
function openFilled(events: number, ageMs: number) {
  const path = join(tempDir(), 'loong.db');
  const store = openStore(path, 'process');
  const db = new Sqlite(path);
  onTestFinished(async () => {
    db.close();
    await store.close();
  });
  db.exec(`WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ${events})
    INSERT INTO events (account, name, data, at) SELECT '${ACCOUNT}', 'FRIEND_ADD', '{}', ${Date.now() - ageMs} FROM numbers`);
  return {
    append: (n: number) => store.events.append(ACCOUNT, { name: 'FRIEND_ADD', data: { n } }, Date.now()),
    count: () => db.prepare<[], { n: number }>('SELECT count(*) AS n FROM events').get()?.n,
  };
}

test('at most 100,000 events are kept, the newest', async () => {
  const { append, count } = openFilled(100_050, 1000);
  for (let n = 0; n < 5; n++) await append(n);
  expect(count()).toBe(100_000);
});

test('events older than 7 days go', async () => {
  const { append, count } = openFilled(30, 8 * DAY_MS);
  for (let n = 0; n < 3; n++) await append(n);
  expect(count()).toBe(3);
});

test('younger ones stay', async () => {
  const { append, count } = openFilled(30, 6 * DAY_MS);
  for (let n = 0; n < 3; n++) await append(n);
  expect(count()).toBe(33);
});
