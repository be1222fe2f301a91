/** Who answers where: a backend for each group that names one, its places shared by everybody who uses it, nobody in another's way. */
import { join } from 'node:path';
import { pino } from 'pino';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import type { Turn } from '../../src/backends/backend.js';
import { plainText, type Segment } from '../../src/model/message.js';
import { Answering } from '../../src/relay/answering.js';
import { BackendPlaces } from '../../src/relay/backend-places.js';
import { Outbound } from '../../src/relay/outbound.js';
import { openStore } from '../../src/store/sqlite/sqlite-store.js';
import type { Store } from '../../src/store/store.js';
import { Counters } from '../../src/telemetry/counters.js';
import { Secrets } from '../../src/telemetry/log.js';
import { inbound, NO_CONTEXT, target } from '../support/messages.js';
import { allowing } from '../support/policies.js';
import { tempDir } from '../support/temp-dir.js';
import { waitUntil } from '../support/wait-until.js';

let store: Store;

beforeEach(() => {
  const opened = openStore(join(tempDir(), 'loong.db'), 'process');
  store = opened;
  onTestFinished(() => opened.close());
});

/** A backend that notes what it is given, and answers when it may. */
function gated(concurrency: number) {
  const begun: string[] = [];
  const waiting: (() => void)[] = [];
  let isOpen = false;
  const backend = {
    async *answer({ message }: Turn): AsyncIterable<Segment> {
      begun.push(message.id);
      if (!isOpen) await new Promise<void>((resolve) => waiting.push(resolve));
      yield { type: 'text', text: `re ${message.id}` };
    },
  };
  return {
    begun,
    places: new BackendPlaces({ backend, concurrency, timeoutMs: 60_000 }),
    openOne: () => waiting.shift()?.(),
    open() {
      isOpen = true;
      for (const go of waiting.splice(0)) go();
    },
  };
}

function answering(account: string, standard: BackendPlaces, byGroup: { readonly [id: string]: BackendPlaces } = {}) {
  const { inbox, outbox } = store;
  const places = () => undefined;
  const cutting = { limit: 2000, mode: 'length' } as const;
  const answers = new Answering({
    account: `qqbot:${account}`,
    backends: [...new Set([standard, ...Object.values(byGroup)])],
    placesFor: ({ kind, peer }) => (kind === 'group' ? byGroup[peer] : undefined) ?? standard,
    contextOf: () => NO_CONTEXT,
    keepsHistory: false,
    remembers: () => false,
    apology: '',
    inbox,
    outbound: new Outbound({ allowed: allowing(['*']), inbox, outbox, parkTtlMs: 60_000, cutting, places }),
    counters: new Counters(),
    log: pino({ level: 'silent' }),
    secrets: new Secrets(),
  });
  onTestFinished(() => answers.close(0));
  return answers;
}

async function journal(id: string, conversation = target('alice')) {
  const message = inbound(id, 'alice', { conversation });
  const admitted = await store.inbox.admit({ message });
  return { id: 'id' in admitted ? admitted.id : 0, message };
}
const groupOf = (peer: string) => target(peer, 'group');
const answered = () => {
  const texts: string[] = [];
  for (let id = 1; ; id++) {
    const row = store.outbox.find(id);
    if (row === undefined) return texts;
    texts.push(plainText(row.segments));
  }
};

test('a group is answered by its own backend, also what a dead process left behind', async () => {
  const [standard, coder] = [gated(4), gated(4)];
  await journal('old in G', groupOf('G'));
  await journal('old');
  const answers = answering('main', standard.places, { G: coder.places });
  answers.start();
  await waitUntil('both', () => standard.begun.length + coder.begun.length === 2);
  answers.offer(await journal('new in H', groupOf('H')));
  await waitUntil('another group', () => standard.begun.length === 2);
  expect([standard.begun, coder.begun]).toEqual([['old', 'new in H'], ['old in G']]);
});

test('the places of a backend are shared by all accounts and groups that use it', async () => {
  const shared = gated(2);
  const other = gated(1);
  const main = answering('main', shared.places);
  const ops = answering('ops', other.places, { G: shared.places });
  for (const answers of [main, ops]) answers.start();
  main.offer(await journal('a', target('alice')));
  main.offer(await journal('b', target('bob')));
  ops.offer(await journal('c', target('G', 'group', 'ops')));
  main.offer(await journal('d', target('dave')));
  ops.offer(await journal('e', target('erin', 'c2c', 'ops')));
  await waitUntil('what has room', () => shared.begun.length === 2 && other.begun.length === 1);
  expect([shared.begun, other.begun]).toEqual([['a', 'b'], ['e']]);
  expect([main.reserve(target('zoe')), ops.reserve(groupOf('G'))]).toEqual([false, false]);
  shared.openOne();
  await waitUntil('the next in line', () => shared.begun.length === 3);
  expect(shared.begun[2]).toBe('c');
  for (const backend of [shared, other]) backend.open();
  await waitUntil('all answers', () => answered().length === 5);
});

test('an account that ends takes no place with it', async () => {
  const shared = gated(1);
  const [main, ops] = [answering('main', shared.places), answering('ops', shared.places)];
  for (const answers of [main, ops]) answers.start();
  main.offer(await journal('a'));
  await waitUntil('the first', () => shared.begun.length === 1);
  main.offer(await journal('b', target('bob')));
  ops.offer(await journal('c', target('carol', 'c2c', 'ops')));
  await main.close(0);
  shared.open();
  await waitUntil('the other account', () => shared.begun.includes('c'));
  expect(shared.begun).toEqual(['a', 'c']);
});

test('more waiting messages than memory holds, for a backend that is stuck, delay nobody else’s', async () => {
  const [stuck, quick] = [gated(1), gated(4)];
  quick.open();
  const answers = answering('main', quick.places, { G: stuck.places });
  answers.start();
  const crowd = await Promise.all(Array.from({ length: 1600 }, (_, i) => journal(`g${i}`, groupOf('G'))));
  for (const entry of crowd) answers.offer(entry);
  answers.offer(await journal('a1'));
  await waitUntil('the answer', () => answered().includes('re a1'));
  expect(stuck.begun).toEqual(['g0']);
  stuck.open();
  await waitUntil('the crowd', () => store.inbox.waiting('qqbot:main', 0, 1).length === 0);
  expect(stuck.begun).toEqual(crowd.map(({ message }) => message.id));
});
