/** Whatever happens in whatever order, and wherever loong dies: no message is lost, doubled, stuck or out of turn. */
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatTarget, type Target } from '../../../src/model/target.js';
import { openStore } from '../../../src/store/sqlite/sqlite-store.js';
import type { AttemptOutcome, InboxId, NewOutgoing, OutboxId, Outgoing, Store } from '../../../src/store/store.js';
import { ACCOUNT, HOUR, inbound, outgoing, target } from '../../support/messages.js';
import { tempDir } from '../../support/temp-dir.js';

const PEERS = [target('alice'), target('team', 'group'), target('guild', 'channel')] as const;
const ERROR = { code: 'x', message: 'y' };
/** Of one reply window. */
const MOST_PLACES = 5;
const knowsRepeats = ({ kind }: Target) => kind !== 'channel';

const peer = fc.constantFrom(0, 0, 0, 1, 2);
const rarely = fc.constantFrom(false, false, false, false, true);
const weighted = <T>(weight: number, arbitrary: fc.Arbitrary<T>) => ({ weight, arbitrary });
const step = fc.oneof(
  weighted(4, fc.record({ do: fc.constant('hear' as const), peer, places: fc.integer({ min: 1, max: MOST_PLACES }) })),
  weighted(
    5,
    fc.record({
      do: fc.constant('say' as const),
      peer,
      parts: fc.integer({ min: 1, max: 3 }),
      times: fc.constantFrom(1, 1, 1, 7),
      isLong: rarely,
      isBrief: rarely,
      isMarkdown: rarely,
    }),
  ),
  weighted(3, fc.record({ do: fc.constant('answer' as const), nth: fc.nat(20), begins: fc.boolean() })),
  weighted(
    4,
    fc.record({
      do: fc.constant('notice' as const),
      peer,
      takesActive: fc.constantFrom(true, false, false, undefined),
      places: fc.nat(4),
      event: fc.nat(6),
    }),
  ),
  weighted(
    6,
    fc.record({
      do: fc.constant('claim' as const),
      limit: fc.integer({ min: 1, max: 4 }),
      waitMs: fc.constantFrom(0, 0, 0, 20),
      isLate: fc.constantFrom(...Array<boolean>(12).fill(false), true),
    }),
  ),
  weighted(
    8,
    fc.record({
      do: fc.constant('settle' as const),
      goesOn: fc.boolean(),
      nth: fc.nat(10),
      how: fc.constantFrom(
        'delivered',
        'failed',
        'uncertain',
        'parked',
        'parked',
        'held',
        'keep',
        'release',
        'spend',
        'close',
      ),
    }),
  ),
  weighted(2, fc.record({ do: fc.constant('told' as const), nth: fc.nat(10), passed: fc.boolean() })),
  weighted(1, fc.record({ do: fc.constant('die' as const) })),
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

interface Row {
  readonly id: OutboxId;
  readonly target: string;
  readonly status: string;
  readonly due_at: number | null;
  readonly part_of: OutboxId | null;
  readonly merged_into: OutboxId | null;
  readonly audit_id: string | null;
  readonly settled_at: number | null;
  readonly error: string | null;
}

/** One store, what was done with it, and what has to be true of it at any time. */
class World {
  #path = join(tempDir(), 'loong.db');
  #store: Store = openStore(this.#path, 'process');
  #watcher = new Sqlite(this.#path);
  /** Pair → the row that holds it. */
  readonly #pairs = new Map<string, OutboxId>();
  readonly #ends = new Map<OutboxId, string>();
  readonly #questions: { id: InboxId; from: Target }[] = [];
  #sending: Outgoing[] = [];
  #held: string[] = [];
  #said = 0;
  #heard = 0;

  #rows(): readonly Row[] {
    return this.#watcher.prepare<[], Row>('SELECT * FROM outbox ORDER BY id').all();
  }

  /** Places that are left in each window. */
  #places(): readonly number[] {
    return this.#watcher
      .prepare<[], { places: number }>(
        `SELECT window_places AS places FROM inbox WHERE window_closes_at IS NOT NULL
         UNION ALL SELECT places FROM event_windows`,
      )
      .all()
      .map(({ places }) => places);
  }

  async do(s: Step): Promise<void> {
    switch (s.do) {
      case 'hear':
        return this.#hear(PEERS[s.peer] as Target, s.places);
      case 'say': {
        const text = s.isLong ? 'x'.repeat(2500) : 'x';
        for (let i = 0; i < s.times; i++) {
          await this.#store.outbox.add(this.#message(PEERS[s.peer] as Target, text, s.parts, s.isBrief, s.isMarkdown));
        }
        return;
      }
      case 'answer': {
        const question = this.#questions[s.nth % Math.max(1, this.#questions.length)];
        if (question === undefined) return;
        const before = this.#said;
        const said = { ...this.#message(question.from, 'answer', 1, false, false), origin: 'backend' } as const;
        const { ids, claimed } = await this.#store.inbox.answer(question.id, [said], {
          mayBegin: () => s.begins,
          needsPair: true,
        });
        if (ids.length === 0) this.#said = before;
        expect(claimed === undefined || s.begins).toBe(true);
        this.#took(claimed);
        return;
      }
      case 'notice': {
        const about = PEERS[s.peer] as Target;
        const eventId = `E${s.event}`;
        const isAnswerable = s.places > 0;
        const notice = {
          ...{ name: 'N', data: {}, about },
          ...(s.takesActive === undefined ? {} : { takesActive: s.takesActive }),
          ...(isAnswerable ? { eventId, replyToken: { kind: 'event_id', value: eventId } as const } : {}),
        };
        const right = { closesAt: Date.now() + HOUR, count: s.places };
        await this.#store.events.append(ACCOUNT, notice, Date.now(), isAnswerable ? right : undefined);
        return;
      }
      case 'claim':
        return void (await this.#claim(s.limit, s.isLate ? 0 : s.waitMs, Date.now() + (s.isLate ? 1.5 * HOUR : 1000)));
      case 'settle': {
        const [row] = this.#sending.splice(s.nth % Math.max(1, this.#sending.length), 1);
        if (row !== undefined) await this.#settle(row, s.how, s.goesOn);
        return;
      }
      case 'told': {
        const auditId = this.#held[s.nth % Math.max(1, this.#held.length)];
        if (auditId !== undefined) await this.#tell(auditId, s.passed);
        return;
      }
      case 'die':
        return this.#die();
    }
  }

  async #hear(from: Target, places: number): Promise<void> {
    const message = inbound(`m${++this.#heard}`, 'alice', { conversation: from });
    const right = { closesAt: Date.now() + HOUR, count: places };
    const admitted = await this.#store.inbox.admit({ message, right });
    if ('id' in admitted) this.#questions.push({ id: admitted.id, from });
  }

  #message(to: Target, text: string, parts: number, isBrief: boolean, isMarkdown: boolean): NewOutgoing {
    this.#said += parts;
    const segments = isMarkdown
      ? ([{ type: 'markdown', markdown: text }] as const)
      : ([{ type: 'text', text }] as const);
    const furtherParts = Array.from({ length: parts - 1 }, () => segments);
    const expiresAt = Date.now() + (isBrief ? 900 : HOUR);
    return outgoing('', '', { target: to, segments, expiresAt, ...(parts === 1 ? {} : { furtherParts }) });
  }

  async #claim(limit: number, waitMs = 0, now = Date.now() + 1000): Promise<number> {
    const { rows, unattempted, isMore } = await this.#store.outbox.claim(ACCOUNT, now, limit, { pace: () => waitMs });
    for (const row of rows) this.#took(row);
    if (rows.length + unattempted.length === 0 && !isMore) {
      // Nothing is looked for in vain again and again.
      expect(this.#store.outbox.nextDue(ACCOUNT) ?? Number.POSITIVE_INFINITY).toBeGreaterThan(now);
    }
    return rows.length + unattempted.length;
  }

  async #settle(row: Outgoing, wanted: string, goesOn: boolean): Promise<void> {
    const canKeep = row.passive !== undefined && knowsRepeats(row.target);
    // What may have arrived is never tried with another pair, and never called failed.
    const sure = row.ambiguous && !['delivered', 'uncertain', 'held', 'keep'].includes(wanted) ? 'keep' : wanted;
    const how = sure === 'keep' && !canKeep ? 'uncertain' : sure;
    const outcome = outcomeOf(how, row.id);
    if (how === 'held') this.#held.push(`audit ${row.id}`);
    this.#took((await this.#store.outbox.settle(row.id, outcome, goesOn && 'passive')).next);
  }

  async #tell(auditId: string, passed: boolean): Promise<void> {
    this.#held = this.#held.filter((one) => one !== auditId || !passed); // a rejection may be told once more
    const review = { auditId, passed };
    await this.#store.events.append(ACCOUNT, { name: 'MESSAGE_AUDIT', data: {}, review }, Date.now());
  }

  async #die(): Promise<void> {
    const left = join(tempDir(), 'loong.db');
    for (const file of ['', '-wal']) copyFileSync(`${this.#path}${file}`, `${left}${file}`); // what kill -9 leaves behind
    await this.close();
    this.#path = left;
    this.#store = openStore(left, 'process');
    this.#watcher = new Sqlite(left);
    this.#sending = [];
    await this.#store.outbox.recover(knowsRepeats);
  }

  #took(row: Outgoing | undefined): void {
    if (row === undefined) return;
    this.#sending.push(row);
    expect(row.ambiguous && !knowsRepeats(row.target)).toBe(false);
    if (row.passive !== undefined) {
      const pair = `${row.passive.token.value} ${row.passive.seq}`;
      const holder = this.#pairs.get(pair);
      expect(holder === undefined || (holder === row.id && row.ambiguous)).toBe(true);
      this.#pairs.set(pair, row.id);
    }
    const rows = this.#rows();
    const own = formatTarget(row.target);
    const isCarried = (other: Row) => other.merged_into !== null && other.merged_into !== other.id;
    if (row.attempts === 1) {
      const older = rows.filter((other) => other.target === own && other.id < row.id && other.status === 'queued');
      expect(older.filter((other) => !isCarried(other))).toEqual([]);
    }
    const earlier = rows.filter((other) => (other.part_of ?? other.id) === row.message && other.id < row.id);
    const isBefore = ({ status, error }: Row) =>
      status === 'delivered' || status === 'uncertain' || status === 'sending' || error?.includes('review_rejected');
    expect(earlier.filter((other) => !isBefore(other))).toEqual([]);
  }

  check(): void {
    const rows = this.#rows();
    expect(rows.length).toBe(this.#said);
    for (const places of this.#places()) expect(places >= 0 && places <= MOST_PLACES).toBe(true);
    for (const row of rows) {
      const known = this.#ends.get(row.id);
      if (known !== undefined) expect(row.status).toBe(known);
      expect(['delivered', 'failed', 'uncertain'].includes(row.status)).toBe(row.settled_at !== null);
      if (row.settled_at !== null) this.#ends.set(row.id, row.status);
    }
    for (const to of PEERS.map(formatTarget))
      this.#checkTarget(rows.filter((row) => row.target === to && row.settled_at === null));
  }

  #checkTarget(open: readonly Row[]): void {
    const parked = new Set(open.filter(({ status }) => status === 'parked').map((row) => row.part_of ?? row.id));
    expect(parked.size).toBeLessThanOrEqual(20);
    const carried = open.filter((row) => row.merged_into !== null && row.merged_into !== row.id);
    for (const row of carried) {
      expect(row).toMatchObject({ status: 'queued', due_at: null });
      const carrier = open.find(({ id }) => id === row.merged_into);
      expect(carrier?.merged_into).toBe(row.merged_into);
    }
    const inLine = open.filter(
      (row) =>
        !carried.includes(row) && (row.status === 'queued' || (row.status === 'sending' && row.audit_id === null)),
    );
    const fronts = inLine.filter((row) => row.status === 'sending' || row.due_at !== null);
    expect(fronts.length).toBe(Math.min(1, inLine.length));
  }

  /** The peers go on writing, and the platform takes everything. */
  async end(): Promise<void> {
    await this.#die();
    for (let round = 0; this.#rows().some((row) => row.settled_at === null); round++) {
      expect(round).toBeLessThan(400);
      if (round % 2 === 0) for (const from of PEERS) await this.#hear(from, 4);
      for (const auditId of this.#held) await this.#tell(auditId, true);
      await this.#claim(99, 0, Date.now() + 1100);
      for (const row of this.#sending.splice(0)) await this.#settle(row, 'delivered', false);
      this.check();
    }
  }

  async close(): Promise<void> {
    this.#watcher.close();
    await this.#store.close();
  }
}

function outcomeOf(how: string, id: OutboxId): AttemptOutcome {
  switch (how) {
    case 'delivered':
      return { status: how };
    case 'failed':
    case 'uncertain':
    case 'parked':
      return { status: how, error: ERROR };
    case 'held':
      return { status: 'sending', auditId: `audit ${id}`, error: ERROR };
    default:
      return { status: 'queued', dueAt: Date.now(), error: ERROR, pair: how as 'keep' };
  }
}

test('every invariant of the queue holds after every step, and all of it comes to an end', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 30, maxLength: 90, size: 'max' }), async (steps) => {
      const world = new World();
      try {
        for (const s of steps) {
          await world.do(s);
          world.check();
        }
        await world.end();
      } finally {
        await world.close();
      }
    }),
    { numRuns: Number(process.env.LOONG_RUNS ?? 25) },
  );
}, 120_000);
