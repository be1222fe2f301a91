/** The SQLite file, and the one queue through which everything is written: whatever is asked for in one turn of the event loop becomes one commit. */
import Sqlite from 'better-sqlite3';
import { LoongError, StoreError } from '../../model/errors.js';
import { messageDigest } from './message-digest.js';
import { MIGRATIONS } from './migrations.js';

/** How long opening may wait for another process; nothing else runs yet. */
const OPENING_WAIT_MS = 5000;
/** How long SQLite itself may wait for a lock, the event loop standing still meanwhile. */
const STANDSTILL_MS = 5;
/** How long another process may hold the write lock before a write is given up. */
const BUSY_LIMIT_MS = 30_000;
const BUSY_RETRY_MS = 20;
/** A commit of so many jobs shows that there is much to do: the next one waits a little, so that it is shared by more. */
const CROWD = 6;
/** How long it waits, in durations of the commit before: so only a small part of the time goes into commits. */
const CROWDED_PAUSE = 16;
const LONGEST_PAUSE_MS = 8;
/** Pages of the write-ahead log that are carried over into the file in the middle of work; before that it waits for quiet. */
const CHECKPOINT_PAGES = 8000;
/** To so much the write-ahead log shrinks again after readers have kept it long. */
const LOG_BYTES = 32 * 1_048_576;
const QUIET_MS = 1000;

interface Job {
  readonly work: () => unknown;
  readonly isLast: boolean;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

export class Database {
  readonly #sqlite: Sqlite.Database;
  readonly #begin: Sqlite.Statement;
  readonly #commit: Sqlite.Statement;
  readonly #rollback: Sqlite.Statement;
  readonly #busyLimitMs: number;
  #jobs: Job[] = [];
  /** Those that run after all others of their commit. */
  #lastJobs: Job[] = [];
  /** On the clock of `performance.now()`: the next commit waits until then. */
  #notBefore = 0;
  #lastCommitAt = 0;
  #quiet: NodeJS.Timeout | undefined;
  #scheduled = false;
  #busySince: number | undefined;
  readonly #undone: (() => void)[] = [];

  /**
   * Opens (and creates, and migrates) the file. `power` makes each commit survive a power cut, at one fsync each.
   * `busyLimitMs`: how long a write may wait for another process.
   * @throws StoreError, LoongError
   */
  constructor(path: string, durability: 'process' | 'power', busyLimitMs = BUSY_LIMIT_MS) {
    this.#busyLimitMs = busyLimitMs;
    this.#sqlite = open(path);
    try {
      this.#sqlite.pragma('journal_mode = WAL');
      this.#sqlite.pragma(`synchronous = ${durability === 'power' ? 'FULL' : 'NORMAL'}`);
      this.#sqlite.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
      this.#sqlite.pragma(`journal_size_limit = ${LOG_BYTES}`);
      this.#sqlite.function('message_digest', { deterministic: true }, (conversation, id) =>
        messageDigest(String(conversation), String(id)),
      );
      this.#migrate(path);
      this.#sqlite.pragma(`busy_timeout = ${STANDSTILL_MS}`);
      this.#begin = this.#sqlite.prepare('BEGIN IMMEDIATE');
      this.#commit = this.#sqlite.prepare('COMMIT');
      this.#rollback = this.#sqlite.prepare('ROLLBACK');
    } catch (error) {
      this.#sqlite.close();
      throw storeError(error);
    }
  }

  #migrate(path: string): void {
    const version = this.#sqlite.pragma('user_version', { simple: true }) as number;
    const newer = newerFault(path, version);
    if (newer !== undefined) throw newer;
    for (let step = version; step < MIGRATIONS.length; step++) {
      this.#sqlite.transaction(() => {
        this.#sqlite.exec(MIGRATIONS[step] ?? '');
        this.#sqlite.pragma(`user_version = ${step + 1}`);
      })();
    }
  }

  prepare<Params extends unknown[], Row>(sql: string): Sqlite.Statement<Params, Row> {
    return this.#sqlite.prepare<Params, Row>(sql);
  }

  /** What jobs remember of rows is to be forgotten when they come to nothing. */
  whenUndone(forget: () => void): void {
    this.#undone.push(forget);
  }

  /**
   * Runs `work` in the next commit and resolves with its result once that is durable. `work` only reads and writes this
   * database, and may run again when a neighbour in its commit failed.
   */
  write<T>(work: () => T): Promise<T> {
    return this.#enqueue(work, false);
  }

  /** As `write`, but after every `write` that its commit holds. */
  writeLast<T>(work: () => T): Promise<T> {
    return this.#enqueue(work, true);
  }

  #enqueue<T>(work: () => T, isLast: boolean): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const jobs = isLast ? this.#lastJobs : this.#jobs;
      jobs.push({ work, isLast, resolve: resolve as (value: unknown) => void, reject });
      if (!this.#scheduled) {
        this.#scheduled = true;
        setImmediate(() => this.#flushWhenLate());
      }
    });
  }

  /** Under load the jobs of a few turns of the event loop share one commit. */
  #flushWhenLate(): void {
    const left = this.#notBefore - performance.now();
    if (left <= 0) this.#flush();
    else if (left > 0.5) setTimeout(() => this.#flush(), left);
    else setImmediate(() => this.#flushWhenLate());
  }

  #flush(): void {
    this.#scheduled = false;
    const jobs = this.#jobs;
    for (const job of this.#lastJobs) jobs.push(job);
    if (jobs.length === 0) return;
    this.#jobs = [];
    this.#lastJobs = [];
    const begun = performance.now();
    if (!this.#begun(jobs)) return;
    this.#runTogether(jobs);
    const now = performance.now();
    const pause = Math.min((now - begun) * CROWDED_PAUSE, LONGEST_PAUSE_MS);
    this.#notBefore = jobs.length < CROWD ? 0 : now + pause;
    this.#quiet ??= setTimeout(() => this.#checkpointWhenQuiet(), QUIET_MS).unref();
    this.#lastCommitAt = now;
  }

  /** Carries the log over into the file while nothing happens, so that it rarely must be done under load. */
  #checkpointWhenQuiet(): void {
    const quietFor = performance.now() - this.#lastCommitAt;
    if (quietFor < QUIET_MS) {
      this.#quiet = setTimeout(() => this.#checkpointWhenQuiet(), QUIET_MS - quietFor).unref();
      return;
    }
    this.#quiet = undefined;
    try {
      this.#sqlite.pragma('wal_checkpoint(PASSIVE)');
    } catch {
      return; // nothing is lost: the log is carried over another time, and a write tells what is wrong with the file
    }
  }

  /** Opens the transaction of these jobs. False when they wait for the lock, or were rejected because it did not come. */
  #begun(jobs: readonly Job[]): boolean {
    try {
      this.#begin.run();
      this.#busySince = undefined;
      return true;
    } catch (error) {
      if (isBusy(error) && this.#mayStillWait()) {
        this.#jobs = [...jobs.filter(({ isLast }) => !isLast), ...this.#jobs];
        this.#lastJobs = [...jobs.filter(({ isLast }) => isLast), ...this.#lastJobs];
        this.#scheduled = true;
        setTimeout(() => this.#flush(), BUSY_RETRY_MS);
      } else {
        this.#busySince = undefined;
        for (const job of jobs) job.reject(storeError(error));
      }
      return false;
    }
  }

  #mayStillWait(): boolean {
    this.#busySince ??= performance.now();
    return performance.now() - this.#busySince < this.#busyLimitMs;
  }

  /**
   * Inside an open transaction: all jobs, then one commit. When one fails, each gets a transaction of its own, so only the guilty one is
   * rejected. Returns what failed. On a full or broken disk all are: of messages that follow one another none may be written before an earlier one.
   */
  #runTogether(jobs: readonly Job[]): unknown {
    const results: unknown[] = [];
    try {
      for (const job of jobs) results.push(job.work());
      this.#commit.run();
    } catch (error) {
      if (this.#sqlite.inTransaction) this.#rollback.run();
      for (const forget of this.#undone) forget();
      if (jobs.length === 1 || isFull(error)) for (const job of jobs) job.reject(storeError(error));
      else this.#runOneByOne(jobs);
      return error;
    }
    jobs.forEach((job, i) => {
      job.resolve(results[i]);
    });
    return undefined;
  }

  #runOneByOne(jobs: readonly Job[]): void {
    for (const [i, job] of jobs.entries()) {
      if (!this.#begun(jobs.slice(i))) return;
      const error = this.#runTogether([job]);
      if (!isFull(error)) continue;
      for (const later of jobs.slice(i + 1)) later.reject(storeError(error));
      return;
    }
  }

  /** Commits what waits, then closes the file. */
  async close(): Promise<void> {
    while (this.#scheduled) await this.write(() => undefined).catch(() => undefined); // who asked for what failed was told
    clearTimeout(this.#quiet);
    this.#sqlite.close();
  }
}

/** Why a database of this `user_version` is not opened; undefined when it is. */
export function newerFault(path: string, version: number): LoongError | undefined {
  if (version <= MIGRATIONS.length) return undefined;
  return new LoongError('store.newer', `${path} was written by a newer loong`, {
    retry: 'never',
    remedy: 'run that version, or name another state_dir',
  });
}

function open(path: string): Sqlite.Database {
  try {
    return new Sqlite(path, { timeout: OPENING_WAIT_MS });
  } catch (error) {
    throw storeError(error);
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Sqlite.SqliteError && error.code.startsWith('SQLITE_BUSY');
}

function isFull(error: unknown): boolean {
  return error instanceof Sqlite.SqliteError && /^SQLITE_(FULL|IOERR)/.test(error.code);
}

/** SQLite's faults in our words; anything else is a bug of a job and goes back to whoever gave the job. */
function storeError(error: unknown): unknown {
  if (!(error instanceof Sqlite.SqliteError)) return error;
  if (isBusy(error)) {
    return new StoreError('store.busy', 'the database is locked by another program', {
      cause: error,
      remedy: 'end the program that holds loong.db open for writing (a backup, a database shell)',
    });
  }
  return new StoreError('store.failed', `the database could not be used: ${error.message}`, {
    cause: error,
    remedy: 'check free space, the permissions of the state directory, and loong.db itself',
  });
}
