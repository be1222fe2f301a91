/** One queue of writes: what is asked for together is committed together, and another program's lock stops nothing but writes. */
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { describe, expect, onTestFinished, test } from 'vitest';
import { LoongError, StoreError } from '../../../src/model/errors.js';
import { Database } from '../../../src/store/sqlite/database.js';
import { MIGRATIONS } from '../../../src/store/sqlite/migrations.js';
import { ChildScript } from '../../support/child-script.js';
import { tempDir } from '../../support/temp-dir.js';
import { waitUntil } from '../../support/wait-until.js';

const PUT = 'INSERT INTO gateway_sessions (lane, key, session_id, seq) VALUES (?, ?, ?, ?)';

/** A database, a second connection that sees only what was committed, and a verb that writes one row. */
function open(busyLimitMs?: number) {
  const path = join(tempDir(), 'loong.db');
  const db = new Database(path, 'process', busyLimitMs);
  const watcher = new Sqlite(path);
  onTestFinished(async () => {
    watcher.close();
    await db.close();
  });
  const put = db.prepare<[string, string, string, number], never>(PUT);
  return {
    path,
    db,
    watcher,
    put: (lane: string, seq = 1) => db.write(() => put.run(lane, 'key', 'session', seq).changes),
    lanes: () =>
      watcher
        .prepare<[], { lane: string }>('SELECT lane FROM gateway_sessions ORDER BY rowid')
        .all()
        .map((row) => row.lane),
    commits: () => watcher.pragma('data_version', { simple: true }) as number,
  };
}

/** Another process that holds the write lock until told otherwise. */
async function holdLock(path: string): Promise<{ release(): Promise<void> }> {
  const child = new ChildScript(
    `const db = new (require('better-sqlite3'))(process.argv[2]);
     db.exec('BEGIN IMMEDIATE');
     console.log('locked');
     process.stdin.once('data', () => { db.exec('COMMIT'); process.exit(0); });`,
    [path],
  );
  await child.says('locked');
  return {
    async release() {
      child.child.stdin?.write('go\n');
      await child.ended;
    },
  };
}

test('on a full disk nothing is written after what did not fit, however small it is', async () => {
  const { db, put, lanes } = open();
  await put('before');
  const pages = db.prepare<[], { page_count: number }>('PRAGMA page_count').get()?.page_count ?? 0;
  db.prepare(`PRAGMA max_page_count = ${pages + 2}`).get();
  const tooBig = db.prepare<[string, string, string, number], never>(PUT);
  const written = await Promise.allSettled([
    put('small'),
    db.write(() => tooBig.run('big', 'key', 'x'.repeat(100_000), 1).changes),
    put('after'),
    db.write(() => {
      throw new Error('a bug');
    }),
  ]);
  expect(written.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected', 'rejected']);
  const guilty = await Promise.allSettled([
    db.write(() => {
      throw new Error('a bug');
    }),
    put('small'),
    db.write(() => tooBig.run('big', 'key', 'x'.repeat(100_000), 1).changes),
    put('after'),
  ]);
  expect(guilty.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'rejected', 'rejected']);
  expect(lanes()).toEqual(['before', 'small']);
});

describe('what is asked for in one turn of the event loop', () => {
  test('is one commit, in the order in which it was asked for', async () => {
    const { put, lanes, db } = open();
    const order: string[] = [];
    const seen: (readonly string[])[] = [];
    const names = Array.from({ length: 50 }, (_, i) => `lane${i}`);
    const writes = names.map((name) => put(name).then(() => order.push(name)));
    // Another connection sees nothing while the jobs run, and everything once the first of them is confirmed.
    const during = db.write(() => seen.push(lanes()));
    await writes[0];
    expect(lanes()).toEqual(names);
    await Promise.all([...writes, during]);
    expect(seen).toEqual([[]]);
    expect(order).toEqual(names);
  });

  test('and what is asked for in the next one is another commit', async () => {
    const { put, commits } = open();
    const before = commits();
    await Promise.all([put('a'), put('b'), put('c')]);
    const first = commits();
    expect(first).not.toBe(before);
    expect(commits()).toBe(first);
    await put('d');
    expect(commits()).not.toBe(first);
  });

  test('a job that throws is rejected alone: its neighbours are committed, in order, and nothing of it stays', async () => {
    const { db, put, lanes } = open();
    const bad = db.write(() => {
      db.prepare<[], never>(`INSERT INTO gateway_sessions VALUES ('half', 'k', 's', 1)`).run();
      throw new TypeError('a bug of this job');
    });
    const clash = [put('a'), put('a')]; // the second breaks the primary key
    const good = put('b');
    await expect(bad).rejects.toThrow('a bug of this job');
    await expect(clash[0]).resolves.toBe(1);
    await expect(clash[1]).rejects.toMatchObject({ code: 'store.failed', cause: expect.anything() });
    await expect(good).resolves.toBe(1);
    expect(lanes()).toEqual(['a', 'b']);
  });
});

test('a job that is to be last sees all others of its commit, also those that came after it', async () => {
  const { db, put, commits } = open();
  const count = db.prepare<[], { n: number }>('SELECT count(*) AS n FROM gateway_sessions');
  const before = commits();
  const seen = db.writeLast(() => count.get()?.n);
  await Promise.all([put('a'), put('b')]);
  expect(await seen).toBe(2);
  const after = commits();
  expect(after).not.toBe(before);
  expect(commits()).toBe(after);
});

test('under load jobs of several turns of the event loop share a commit; without load nobody waits for others', async () => {
  const { put, commits } = open();
  await put('warm');
  let changes = 0;
  let last = commits();
  const writes: Promise<unknown>[] = [];
  const TURNS = 200;
  for (let turn = 0; turn < TURNS; turn++) {
    for (let i = 0; i < 20; i++) writes.push(put(`lane ${turn} ${i}`));
    await new Promise((resolve) => setImmediate(resolve));
    if (commits() !== last) changes++;
    last = commits();
  }
  await Promise.all(writes);
  expect(changes).toBeLessThan(TURNS / 2);

  await new Promise((resolve) => setTimeout(resolve, 20)); // the load is over
  await put('first');
  for (let i = 0; i < 20; i++) {
    let turns = 0;
    const written = put(`alone ${i}`);
    const counting = { on: true };
    const count = () => {
      turns++;
      if (counting.on) setImmediate(count);
    };
    setImmediate(count);
    await written;
    counting.on = false;
    expect(turns).toBeLessThanOrEqual(2);
  }
});

test('what was committed is carried over from the log into the file when it is quiet, and the file is whole then', async () => {
  const { path, put } = open();
  const { copyFileSync } = await import('node:fs');
  await put('a');
  const copy = `${path}.copy`; // without its log
  await waitUntil('the quiet', () => {
    copyFileSync(path, copy);
    const reader = new Sqlite(copy);
    try {
      return reader.prepare('SELECT lane FROM gateway_sessions').get() !== undefined;
    } catch {
      return false; // not even the tables are in the file yet
    } finally {
      reader.close();
    }
  });
});

describe('while another process holds the write lock', () => {
  test('the event loop goes on, reads answer, and writes succeed in order once it is released', async () => {
    const { path, db, put, lanes } = open();
    await put('before');
    const lock = await holdLock(path);
    const writes = [put('one'), put('two')];
    let longestGap = 0;
    let last = performance.now();
    const ticking = setInterval(() => {
      longestGap = Math.max(longestGap, performance.now() - last);
      last = performance.now();
    }, 1);
    const until = performance.now() + 400;
    await waitUntil('0.4 s with the lock held', () => performance.now() > until);
    clearInterval(ticking);
    expect(longestGap).toBeLessThan(200); // the lock is held for 400 ms
    expect(db.prepare<[], { n: number }>('SELECT count(*) AS n FROM gateway_sessions').get()?.n).toBe(1);
    writes.push(put('three'));
    await lock.release();
    await Promise.all(writes);
    expect(lanes()).toEqual(['before', 'one', 'two', 'three']);
  });

  test('writes are given up after the limit with store.busy, and later ones succeed again', async () => {
    const { path, put, lanes } = open(100);
    const lock = await holdLock(path);
    const error = await put('one').catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(StoreError);
    expect(error).toMatchObject({ code: 'store.busy', retry: 'later', remedy: expect.stringContaining('loong.db') });
    await lock.release();
    await put('two');
    expect(lanes()).toEqual(['two']);
  });

  test('close waits without spinning and commits what waits', async () => {
    const path = join(tempDir(), 'loong.db');
    const db = new Database(path, 'process');
    const lock = await holdLock(path);
    const written = db.write(() => db.prepare(`INSERT INTO gateway_sessions VALUES ('a', 'k', 's', 1)`).run().changes);
    const cpuBefore = process.cpuUsage();
    const closing = db.close();
    const until = performance.now() + 300;
    await waitUntil('0.3 s', () => performance.now() > until);
    const cpu = process.cpuUsage(cpuBefore);
    expect(cpu.user + cpu.system).toBeLessThan(250_000); // µs; a spinning loop takes all 300 ms
    await lock.release();
    await closing;
    await expect(written).resolves.toBe(1);
    const reader = new Sqlite(path, { readonly: true });
    expect(reader.prepare('SELECT count(*) AS n FROM gateway_sessions').get()).toEqual({ n: 1 });
    reader.close();
  });
});

describe('the file', () => {
  test('close commits what was asked for in the same turn, and rejects what comes later', async () => {
    const path = join(tempDir(), 'loong.db');
    const db = new Database(path, 'process');
    const written = db.write(() => db.prepare(`INSERT INTO gateway_sessions VALUES ('a', 'k', 's', 1)`).run().changes);
    await db.close();
    await expect(written).resolves.toBe(1);
    await expect(db.write(() => 1)).rejects.toThrow();
  });

  test('written by a newer loong is refused, with the remedy, and left as it is', () => {
    const path = join(tempDir(), 'loong.db');
    const other = new Sqlite(path);
    other.pragma(`user_version = ${MIGRATIONS.length + 1}`);
    expect(() => new Database(path, 'process')).toThrow(
      expect.objectContaining({ code: 'store.newer', retry: 'never', remedy: expect.stringContaining('state_dir') }),
    );
    expect(other.prepare('SELECT count(*) AS n FROM sqlite_schema').get()).toEqual({ n: 0 });
    other.close();
  });

  test('that is no database is reported as such, with the remedy', async () => {
    const { writeFileSync } = await import('node:fs');
    const path = join(tempDir(), 'loong.db');
    writeFileSync(path, 'this is not a database, but a long enough text to be taken for one at first sight'.repeat(10));
    expect(() => new Database(path, 'process')).toThrow(LoongError);
    expect(() => new Database(join(path, 'below', 'a-file'), 'process')).toThrow(Error);
  });

  test('survives the process with durability "process", and is synced at every commit with "power"', async () => {
    for (const [durability, synchronous] of [
      ['process', 1],
      ['power', 2],
    ] as const) {
      const db = new Database(join(tempDir(), 'loong.db'), durability);
      expect(db.prepare<[], { synchronous: number }>('PRAGMA synchronous').get()?.synchronous).toBe(synchronous);
      expect(db.prepare<[], { journal_mode: string }>('PRAGMA journal_mode').get()?.journal_mode).toBe('wal');
      await db.close();
    }
  });

  test('is migrated once and opened as it is afterwards', async () => {
    const path = join(tempDir(), 'loong.db');
    for (let i = 0; i < 2; i++) {
      const db = new Database(path, 'process');
      expect(db.prepare<[], { user_version: number }>('PRAGMA user_version').get()?.user_version).toBe(
        MIGRATIONS.length,
      );
      await db.close();
    }
  });
});
