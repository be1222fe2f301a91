/** Who is answered when, with the real journal behind it: nothing lost, nothing doubled, nobody in another's way. */
import { join } from 'node:path';
import { pino } from 'pino';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import type { InstantBackend, PatientBackend, Turn, TurnLimit } from '../../src/backends/backend.js';
import { BackendError } from '../../src/model/errors.js';
import type { Segment } from '../../src/model/message.js';
import { BackendPlaces } from '../../src/relay/backend-places.js';
import { Conversations } from '../../src/relay/conversations.js';
import { Outbound } from '../../src/relay/outbound.js';
import { openStore } from '../../src/store/sqlite/sqlite-store.js';
import type { Store } from '../../src/store/store.js';
import { Counters } from '../../src/telemetry/counters.js';
import { Secrets } from '../../src/telemetry/log.js';
import { ACCOUNT, arrival, inbound, NO_CONTEXT, target } from '../support/messages.js';
import { allowing } from '../support/policies.js';
import { tempDir } from '../support/temp-dir.js';
import { waitUntil } from '../support/wait-until.js';

let path: string;
let store: Store;

beforeEach(() => {
  path = join(tempDir(), 'loong.db');
  store = openStore(path, 'process');
  onTestFinished(() => store.close());
});

function converse(
  backend: PatientBackend['answer'] | InstantBackend,
  { concurrency = 4, timeoutMs = 60_000, apology = '', mayTalk = (_peer: string): boolean => true } = {},
) {
  const { inbox, outbox } = store;
  const outbound = new Outbound({
    allowed: allowing(['*']),
    inbox,
    outbox,
    parkTtlMs: 60_000,
    cutting: { limit: 2000, mode: 'length' },
    places: () => undefined,
  });
  const counters = new Counters();
  const log = pino({ level: 'silent' });
  const secrets = new Secrets();
  const conversations = new Conversations({
    account: ACCOUNT,
    places: new BackendPlaces({
      backend: typeof backend === 'function' ? { answer: backend } : backend,
      concurrency,
      timeoutMs,
    }),
    contextOf: () => NO_CONTEXT,
    toldOf: (message) => (mayTalk(message.sender.id) ? message : undefined),
    keepsHistory: true,
    apology,
    inbox,
    outbound,
    counters,
    log,
    secrets,
  });
  onTestFinished(() => conversations.close(0));
  return { conversations, counters, secrets };
}

/** Journals a message and offers it, as the inbound door does. */
async function hear(conversations: Conversations, id: string, peer = 'alice'): Promise<void> {
  const { message } = arrival(id, peer);
  const admitted = await store.inbox.admit({ message });
  if (admitted.outcome !== 'duplicate') conversations.offer({ id: admitted.id, message });
}

const text = (segment: string): Segment => ({ type: 'text', text: segment });
const waitingIds = () => store.inbox.waiting(ACCOUNT, 0, 10_000).map((entry) => entry.message.id);
const ended = (counters: Counters, howMany: number) =>
  waitUntil(`${howMany} turns`, () => {
    const { 'turns.answered': answered = 0, 'turns.failed': failed = 0 } = counters.snapshot();
    return answered + failed >= howMany;
  });

/** The error of the one message that failed. */
async function failureInJournal(): Promise<unknown> {
  const { default: Sqlite } = await import('better-sqlite3');
  const reader = new Sqlite(path, { readonly: true });
  const row = reader.prepare<[], { error: string }>(`SELECT error FROM inbox WHERE status = 'failed'`).get();
  reader.close();
  return JSON.parse(row?.error ?? '{}');
}

/** A backend that notes what it is given and answers when it is told to. */
function gated() {
  const begun: string[] = [];
  const gates = new Map<string, () => void>();
  return {
    begun,
    async *answer({ message }: Turn): AsyncIterable<Segment> {
      begun.push(message.id);
      await new Promise<void>((resolve) => gates.set(message.id, resolve));
      yield text(`re ${message.id}`);
    },
    open: (id: string) => gates.get(id)?.(),
  };
}

test('within a conversation one message is answered after the other, conversations go side by side', async () => {
  const backend = gated();
  const { conversations, counters } = converse(backend.answer);
  conversations.start();
  for (const id of ['a1', 'a2']) await hear(conversations, id, 'alice');
  for (const id of ['b1', 'b2']) await hear(conversations, id, 'bob');
  await waitUntil('the first of each', () => backend.begun.length === 2);
  expect(backend.begun).toEqual(['a1', 'b1']);
  backend.open('b1');
  await waitUntil('bob’s next', () => backend.begun.includes('b2'));
  expect(backend.begun).not.toContain('a2');
  for (const id of ['a1', 'b2']) backend.open(id);
  await waitUntil('alice’s next', () => backend.begun.includes('a2'));
  backend.open('a2');
  await ended(counters, 4);
  expect(waitingIds()).toEqual([]);
});

test('no more turns run at once than the backend takes, and every conversation gets its turn in line', async () => {
  const backend = gated();
  const { conversations, counters } = converse(backend.answer, { concurrency: 2 });
  conversations.start();
  for (const id of ['a1', 'a2', 'a3']) await hear(conversations, id, 'alice');
  for (const peer of ['bob', 'carol']) await hear(conversations, `${peer}1`, peer);
  await waitUntil('two turns', () => backend.begun.length === 2);
  expect(backend.begun).toEqual(['a1', 'bob1']);
  backend.open('a1');
  await waitUntil('the next in line', () => backend.begun.length === 3);
  expect(backend.begun[2]).toBe('carol1'); // and not alice again
  for (const id of ['bob1', 'carol1']) backend.open(id);
  for (const id of ['a2', 'a3']) {
    await waitUntil(id, () => backend.begun.includes(id));
    backend.open(id);
  }
  await ended(counters, 5);
});

test('what does not fit into memory is taken from the journal, in order, with nothing lost or doubled', async () => {
  const answered = new Map<string, string[]>();
  let hold = true;
  const { conversations, counters } = converse(async function* ({ message }: Turn) {
    await waitUntil('the crowd', () => !hold);
    const peer = message.conversation.peer;
    answered.set(peer, [...(answered.get(peer) ?? []), message.id]);
    yield text('x');
  });
  conversations.start();
  const COUNT = 3500;
  const names = Array.from({ length: COUNT }, (_, i) => `m${i}`);
  await Promise.all(names.map((id, i) => hear(conversations, id, `peer${i % 7}`)));
  hold = false;
  // More come in while the backlog is being worked off.
  const late = Array.from({ length: 500 }, (_, i) => `late${i}`);
  for (let i = 0; i < late.length; i += 10) {
    await Promise.all(late.slice(i, i + 10).map((id, j) => hear(conversations, id, `peer${(i + j) % 7}`)));
  }
  await ended(counters, COUNT + late.length);
  for (let n = 0; n < 7; n++) {
    const own = (ids: readonly string[]) => ids.filter((_, i) => i % 7 === n);
    expect(answered.get(`peer${n}`)).toEqual([...own(names), ...own(late)]);
  }
  expect(waitingIds()).toEqual([]);
  expect(counters.snapshot()['turns.failed']).toBeUndefined();
});

test('an old row that becomes answerable in a crowd is answered once, even when there is no room for it', async () => {
  const answered: string[] = [];
  let hold = true;
  const { conversations, counters } = converse(async function* ({ message }: Turn) {
    await waitUntil('the crowd', () => !hold);
    answered.push(message.id);
    yield text('x');
  });
  conversations.start();
  const group = target('G', 'group');
  const refused = Array.from({ length: 50 }, (_, i) =>
    inbound(`g${i}`, 'alice', { conversation: group, mentionsBot: false }),
  );
  for (const message of refused)
    await store.inbox.admit({ message, refusal: 'not_mentioned', refusalIsLiftable: true });
  await Promise.all(Array.from({ length: 1500 }, (_, i) => hear(conversations, `m${i}`, `peer${i % 9}`)));
  for (const message of refused) {
    const copy = { ...message, mentionsBot: true };
    const lifted = await store.inbox.admit({ message: copy });
    expect(lifted.outcome).toBe('lifted');
    if ('id' in lifted) conversations.offer({ id: lifted.id, message: copy });
  }
  hold = false;
  await ended(counters, 1550);
  expect(answered).toHaveLength(1550);
  expect(new Set(answered).size).toBe(1550);
  expect(answered.filter((id) => id.startsWith('g'))).toEqual(refused.map((message) => message.id));
});

test('a lifted row is answered at once while there is room', async () => {
  const backend = gated();
  const { conversations, counters } = converse(backend.answer);
  conversations.start();
  const message = inbound('g1', 'alice', { conversation: target('G', 'group'), mentionsBot: false });
  await store.inbox.admit({ message, refusal: 'not_mentioned', refusalIsLiftable: true });
  await hear(conversations, 'm1', 'bob');
  const lifted = await store.inbox.admit({ message: { ...message, mentionsBot: true } });
  if ('id' in lifted) {
    conversations.offer({ id: lifted.id, message });
    conversations.offer({ id: lifted.id, message }); // offered twice is held once
  }
  await waitUntil('both', () => backend.begun.length === 2);
  backend.open('m1');
  backend.open('g1');
  await ended(counters, 2);
  expect(backend.begun.sort()).toEqual(['g1', 'm1']);
});

describe('a place that is kept for a message about to be journalled', () => {
  /** As the inbound door does it. */
  async function hearAtOnce(conversations: Conversations, id: string, peer = 'alice'): Promise<boolean> {
    const { message } = arrival(id, peer);
    const begins = conversations.reserve(message.conversation);
    const admitted = await store.inbox.admit({ message, begins });
    if (admitted.outcome === 'duplicate') {
      if (begins) conversations.forgo(message.conversation);
    } else if (begins) conversations.begin({ id: admitted.id, message }, admitted.attempt ?? 1);
    else conversations.offer({ id: admitted.id, message });
    return begins;
  }

  test('is there for one message of a conversation, while the backend has room and nobody is in line', async () => {
    const backend = gated();
    const { conversations, counters } = converse(backend.answer, { concurrency: 2 });
    conversations.start();
    const heard = [
      hearAtOnce(conversations, 'a1'),
      hearAtOnce(conversations, 'a2'),
      hearAtOnce(conversations, 'b1', 'bob'),
      hearAtOnce(conversations, 'c1', 'carol'),
    ];
    expect(await Promise.all(heard)).toEqual([true, false, true, false]);
    await waitUntil('two turns', () => backend.begun.length === 2);
    expect(backend.begun).toEqual(['a1', 'b1']);
    for (const id of ['a1', 'c1', 'a2', 'b1']) {
      await waitUntil(id, () => backend.begun.includes(id));
      backend.open(id);
    }
    await ended(counters, 4);
    expect(waitingIds()).toEqual([]);
  });

  test('that is forgone lets others in, and messages of its conversation that came meanwhile are answered', async () => {
    const backend = gated();
    const { conversations, counters } = converse(backend.answer, { concurrency: 1 });
    conversations.start();
    expect(conversations.reserve(target('alice'))).toBe(true);
    await hear(conversations, 'a1');
    await hear(conversations, 'b1', 'bob');
    expect(backend.begun).toEqual([]);
    conversations.forgo(target('alice'));
    for (const id of ['b1', 'a1']) {
      await waitUntil(id, () => backend.begun.includes(id));
      backend.open(id);
    }
    await ended(counters, 2);
  });

  test('is not used once loong is stopping: the message stays in the journal', async () => {
    const backend = gated();
    const { conversations } = converse(backend.answer);
    conversations.start();
    const heard = hearAtOnce(conversations, 'a1');
    await conversations.close(0);
    await heard;
    expect(backend.begun).toEqual([]);
    expect(waitingIds()).toEqual(['a1']);
  });

  test('counts the attempt of the message that begins, and of none that only waits', async () => {
    const backend = gated();
    const { conversations } = converse(backend.answer, { concurrency: 1 });
    conversations.start();
    await Promise.all([hearAtOnce(conversations, 'a1'), hearAtOnce(conversations, 'b1', 'bob')]);
    await waitUntil('the turn', () => backend.begun.length === 1);
    expect(await store.inbox.begin(1)).toBe(2);
    expect(await store.inbox.begin(2)).toBe(1);
  });

  test('in a crowd beyond what memory holds everything is answered once and in order', async () => {
    const answered = new Map<string, string[]>();
    const { conversations, counters } = converse(async function* ({ message }: Turn) {
      const peer = message.conversation.peer;
      answered.set(peer, [...(answered.get(peer) ?? []), message.id]);
      yield text('x');
    });
    conversations.start();
    const COUNT = 3000;
    for (let i = 0; i < COUNT; i += 300) {
      const names = Array.from({ length: 300 }, (_, j) => i + j);
      await Promise.all(names.map((n) => hearAtOnce(conversations, `m${n}`, `peer${n % 11}`)));
    }
    await ended(counters, COUNT);
    for (let peer = 0; peer < 11; peer++) {
      const own = Array.from({ length: COUNT }, (_, i) => i).filter((i) => i % 11 === peer);
      expect(answered.get(`peer${peer}`)).toEqual(own.map((i) => `m${i}`));
    }
    expect(waitingIds()).toEqual([]);
  });
});

describe('a backend that knows its answer at once', () => {
  const instant: InstantBackend = {
    atOnce({ id }) {
      if (id === 'bad') throw new Error('broken');
      return [text(`re ${id}`)];
    },
  };
  const answers = () => [1, 2, 3].map((id) => store.outbox.find(id)?.segments);

  test('is asked before the message is journalled, and both are one commit', async () => {
    const { conversations } = converse(instant);
    conversations.start();
    const both = ['m1', 'm2'].map((id) => conversations.answerAtOnce(arrival(id)));
    expect(await Promise.all(both)).toMatchObject([{ outcome: 'taken' }, { outcome: 'taken' }]);
    expect(waitingIds()).toEqual([]);
    expect(answers()).toEqual([[text('re m1')], [text('re m2')], undefined]);
  });

  test('answers what a dead process left behind first, in its turn', async () => {
    await store.inbox.admit(arrival('m1'));
    const { conversations, counters } = converse(instant);
    expect(conversations.answerAtOnce(arrival('m2'))).toBeUndefined();
    conversations.start();
    expect(conversations.answerAtOnce(arrival('m2'))).toBeUndefined();
    await hear(conversations, 'm2');
    await ended(counters, 2);
    expect(answers()).toEqual([[text('re m1')], [text('re m2')], undefined]);
    await conversations.answerAtOnce(arrival('m3'));
    expect(answers()[2]).toEqual([text('re m3')]);
  });

  test('and fails, or is asked while everything ends, leaves the message to its turn', async () => {
    const { conversations, counters } = converse(instant);
    conversations.start();
    expect(conversations.answerAtOnce(arrival('bad'))).toBeUndefined();
    await hear(conversations, 'bad');
    await ended(counters, 1);
    expect(counters.snapshot()).toEqual({ 'turns.failed': 1 });
    await conversations.close(0);
    expect(conversations.answerAtOnce(arrival('m1'))).toBeUndefined();
  });
});

describe('an apology', () => {
  const fails: PatientBackend['answer'] = () => {
    throw new Error('broken');
  };
  const said = () => [1, 2, 3].flatMap((id) => store.outbox.find(id)?.segments ?? []);

  test('is said once a minute in each conversation whose messages cannot be answered', async () => {
    const { conversations, counters } = converse(fails, { apology: 'sorry' });
    conversations.start();
    for (const [id, peer] of [
      ['a1', 'alice'],
      ['a2', 'alice'],
      ['b1', 'bob'],
    ] as const) {
      await hear(conversations, id, peer);
    }
    await ended(counters, 3);
    await waitUntil('all settled', () => waitingIds().length === 0);
    expect(said()).toEqual([text('sorry'), text('sorry')]);
    expect(store.outbox.find(1)?.inReplyTo).toBe(1);
    expect(counters.snapshot()).toEqual({ 'turns.failed': 3 });
  });

  test('is not said when there is none', async () => {
    const { conversations, counters } = converse(fails);
    conversations.start();
    await hear(conversations, 'a1');
    await ended(counters, 1);
    await waitUntil('settled', () => waitingIds().length === 0);
    expect(said()).toEqual([]);
  });

  test('is not said while loong is stopping: what fails then is answered after the next start', async () => {
    const { conversations, counters } = converse(
      async function* () {
        await new Promise((resolve) => setTimeout(resolve, 50));
        throw new Error('killed with us');
      },
      { apology: 'sorry' },
    );
    conversations.start();
    await hear(conversations, 'a1');
    await conversations.close(5000);
    expect(said()).toEqual([]);
    expect(waitingIds()).toEqual(['a1']);
    expect(counters.snapshot()).toEqual({});
  });
});

test('a place at the backend is free again while an answer is being written down', async () => {
  const { default: Sqlite } = await import('better-sqlite3');
  const other = new Sqlite(path, { timeout: 0 });
  const { conversations, counters } = converse(
    async function* () {
      other.exec('BEGIN IMMEDIATE'); // from now on nothing can be written
      yield text('x');
    },
    { concurrency: 1 },
  );
  conversations.start();
  await hear(conversations, 'a1');
  expect(conversations.reserve(target('bob'))).toBe(false);
  await waitUntil('the place', () => conversations.reserve(target('bob')));
  expect(waitingIds()).toEqual(['a1']);
  expect(counters.snapshot()).toEqual({});
  other.exec('COMMIT');
  other.close();
  conversations.forgo(target('bob'));
  await ended(counters, 1);
});

describe('a backend that was broken off', () => {
  /** Lives on after its first turn's time is up, until `end` is called; answers the others at once. */
  function stubborn() {
    const begun: string[] = [];
    let end = () => {};
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    return {
      begun,
      end,
      async *answer({ message }: Turn): AsyncIterable<Segment> {
        begun.push(message.id);
        if (begun.length === 1) await ended;
        yield text('x');
      },
    };
  }

  test('keeps its place until it has ended: never more run than it takes', async () => {
    const backend = stubborn();
    const { conversations, counters } = converse(backend.answer, { concurrency: 1, timeoutMs: 50, apology: 'sorry' });
    conversations.start();
    await hear(conversations, 'a1', 'alice');
    await hear(conversations, 'b1', 'bob');
    await ended(counters, 1); // its failure is written down, and told, without waiting for that
    await waitUntil('the apology', () => store.outbox.pending(target('alice')) === 1);
    expect(conversations.reserve(target('carol'))).toBe(false);
    expect(backend.begun).toEqual(['a1']);
    backend.end();
    await ended(counters, 2);
    expect(backend.begun).toEqual(['a1', 'b1']);
  });

  test('and never ends is left behind after a while', async () => {
    const backend = stubborn();
    const { conversations, counters } = converse(backend.answer, { concurrency: 1, timeoutMs: 50 });
    conversations.start();
    await hear(conversations, 'a1', 'alice');
    await hear(conversations, 'a2', 'alice');
    await ended(counters, 2);
    expect(counters.snapshot()).toEqual({ 'turns.answered': 1, 'turns.failed': 1 });
    await waitUntil('both ends in the journal', () => waitingIds().length === 0);
  });
});

test('a /stop that became answerable only later is answered in its turn, and not put to the backend', async () => {
  const backend = gated();
  const { conversations } = converse(backend.answer);
  conversations.start();
  const message = { ...arrival('s1').message, segments: [text(' /stop')] };
  const admitted = await store.inbox.admit({ message });
  if (admitted.outcome !== 'duplicate') conversations.offer({ id: admitted.id, message });
  await waitUntil('its answer', () => store.outbox.pending(target('alice')) === 1);
  expect(waitingIds()).toEqual([]);
  expect(backend.begun).toEqual([]);
});

describe('after a restart', () => {
  test('waiting messages are taken up in order, with the attempt counted', async () => {
    for (const id of ['m1', 'm2']) await store.inbox.admit(arrival(id));
    const [first] = store.inbox.waiting(ACCOUNT, 0, 1);
    await store.inbox.begin(first?.id ?? 0);
    const turns: [string, number][] = [];
    const { conversations, counters } = converse(async function* ({ message, attempt }: Turn) {
      turns.push([message.id, attempt]);
      yield text('x');
    });
    conversations.start();
    await ended(counters, 2);
    expect(turns).toEqual([
      ['m1', 2],
      ['m2', 1],
    ]);
  });

  test('a message that was begun three times is given up without asking the backend', async () => {
    const admitted = await store.inbox.admit(arrival('m1'));
    for (let i = 0; i < 3; i++) await store.inbox.begin('id' in admitted ? admitted.id : 0);
    const backend = gated();
    const { conversations, counters } = converse(backend.answer);
    conversations.start();
    await ended(counters, 1);
    expect(backend.begun).toEqual([]);
    await waitUntil('its end in the journal', () => waitingIds().length === 0);
    expect(counters.snapshot()).toEqual({ 'turns.failed': 1 });
  });
});

describe('a backend that', () => {
  const failing: [string, PatientBackend['answer'], string][] = [
    [
      'throws',
      // biome-ignore lint/correctness/useYield: it throws instead
      async function* () {
        throw new Error('broken');
      },
      'turn.failed',
    ],
    [
      'throws at once',
      () => {
        throw new Error('broken');
      },
      'turn.failed',
    ],
    [
      'never ends, heeding nothing',
      async function* () {
        await new Promise(() => {});
      },
      'backend.timeout',
    ],
    [
      'ends with an error of its own when its time is over',
      async function* (_turn: Turn, { signal }: TurnLimit) {
        await new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))));
      },
      'backend.timeout',
    ],
    [
      'never stops talking',
      async function* () {
        for (;;) yield text('');
      },
      'backend.too_long',
    ],
  ];

  test.each(failing)('%s fails its message, and the next one is answered', async (_what, answer, code) => {
    let first = true;
    const { conversations, counters } = converse(
      (turn, signal) => {
        if (!first) {
          return (async function* () {
            yield text('x');
          })();
        }
        first = false;
        return answer(turn, signal);
      },
      { timeoutMs: 200 },
    );
    conversations.start();
    await hear(conversations, 'm1');
    await hear(conversations, 'm2');
    await ended(counters, 2);
    expect(counters.snapshot()).toEqual({ 'turns.answered': 1, 'turns.failed': 1 });
    expect(waitingIds()).toEqual([]);
    expect(store.outbox.pending(target('alice'))).toBe(1);
    expect(await failureInJournal()).toMatchObject({ code });
  });

  test('complains of a secret leaves none of it in the journal', async () => {
    const { conversations, counters, secrets } = converse(
      // biome-ignore lint/correctness/useYield: it throws instead
      async function* () {
        throw new BackendError('backend.failed', 'no user of-the-Bot_01', { remedy: 'ask for of-the-Bot_01' });
      },
    );
    secrets.learn('of-the-Bot_01');
    conversations.start();
    await hear(conversations, 'm1');
    await ended(counters, 1);
    await waitUntil('the row', () => waitingIds().length === 0);
    expect(await failureInJournal()).toEqual({
      code: 'backend.failed',
      message: 'no user ***',
      remedy: 'ask for ***',
    });
  });

  test('yields nothing, or only blanks, answers with silence', async () => {
    const { conversations, counters } = converse(async function* ({ message }: Turn) {
      if (message.id === 'm2') yield text(' \n');
    });
    conversations.start();
    await hear(conversations, 'm1');
    await hear(conversations, 'm2');
    await ended(counters, 2);
    expect(store.outbox.pending(target('alice'))).toBe(0);
    expect(waitingIds()).toEqual([]);
  });

  test('is asked while the store cannot be written is answered once it can', async () => {
    await store.close();
    store = openStore(path, 'process', 50);
    const { default: Sqlite } = await import('better-sqlite3');
    const other = new Sqlite(path, { timeout: 0 });
    const { conversations, counters } = converse(async function* () {
      other.exec('BEGIN IMMEDIATE');
      yield text('x');
    });
    conversations.start();
    await hear(conversations, 'm1');
    await waitUntil('the lock', () => other.inTransaction);
    await expect(store.inbox.begin(1)).rejects.toMatchObject({ code: 'store.busy' });
    other.exec('COMMIT');
    other.close();
    await ended(counters, 1);
    expect(counters.snapshot()).toEqual({ 'turns.answered': 1 });
    expect(store.outbox.pending(target('alice'))).toBe(1);
  });
});

describe('close', () => {
  test('lets running turns end and begins no more', async () => {
    const backend = gated();
    const { conversations } = converse(backend.answer);
    conversations.start();
    await hear(conversations, 'm1');
    await hear(conversations, 'm2');
    await waitUntil('the turn', () => backend.begun.length === 1);
    const closing = conversations.close(10_000);
    backend.open('m1');
    await closing;
    expect(backend.begun).toEqual(['m1']);
    expect(waitingIds()).toEqual(['m2']);
  });

  test.each([0, 50])('after %d ms leaves what runs in the journal, with its signal aborted', async (graceMs) => {
    let asked = false;
    let aborted = false;
    const { conversations, counters } = converse(async function* (_turn: Turn, { signal }: TurnLimit) {
      asked = true;
      signal.addEventListener('abort', () => (aborted = true));
      await new Promise(() => {});
    });
    conversations.start();
    await hear(conversations, 'm1');
    await waitUntil('the turn', () => asked);
    const begun = performance.now();
    await conversations.close(graceMs);
    expect(performance.now() - begun).toBeLessThan(1000);
    await waitUntil('the abort', () => aborted);
    expect(waitingIds()).toEqual(['m1']);
    expect(counters.snapshot()).toEqual({});
  });
});

test('who may not talk any more is not answered: the running turn is broken off, what waits never reaches the backend, nobody apologises', async () => {
  let mayTalk = (_peer: string): boolean => true;
  const broken: string[] = [];
  const backend = gated();
  const { conversations, counters } = converse(
    async function* (turn, { signal }) {
      signal.addEventListener('abort', () => broken.push(`${turn.message.id}: ${signal.reason.code}`));
      yield* backend.answer(turn);
    },
    { apology: 'sorry', mayTalk: (peer) => mayTalk(peer) },
  );
  conversations.start();
  for (const id of ['a1', 'a2']) await hear(conversations, id, 'alice');
  await hear(conversations, 'b1', 'bob');
  await waitUntil('both turns', () => backend.begun.length === 2);
  mayTalk = (peer) => peer !== 'alice';
  conversations.lookAgain();
  backend.open('b1');
  await waitUntil('their ends', () => waitingIds().length === 0);
  expect([broken, backend.begun]).toEqual([['a1: access.revoked'], ['a1', 'b1']]);
  expect(counters.snapshot()).toEqual({ 'turns.answered': 1, 'turns.stopped': 2 });
  for (const id of ['in-1', 'in-2']) {
    expect(store.queue.find(id, Date.now())).toMatchObject({ status: 'failed', error: { code: 'access.revoked' } });
  }
  expect(store.outbox.pending(target('alice'))).toBe(0);
});
