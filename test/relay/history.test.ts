/** What a backend is told of the conversation, over a real platform: everything that was said there by those who may talk, until it starts afresh. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { HistoryEntry, PatientBackend, Turn } from '../../src/backends/backend.js';
import type { Target } from '../../src/model/target.js';
import { STARTED_AFRESH } from '../../src/relay/own-word.js';
import { MOST_TURNS } from '../../src/relay/turn-rate.js';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.js';
import { openRoad, type Road } from '../support/road.js';
import { answersTo } from '../support/transcript.js';
import { waitUntil } from '../support/wait-until.js';

let sandbox: Sandbox;
let road: Road;
const told = new Map<string, readonly HistoryEntry[]>();
let hold: Promise<void> | undefined;

const backend: PatientBackend = {
  async *answer({ message, context }: Turn) {
    told.set(message.id, context.history);
    await hold;
    yield { type: 'text', text: `re ${message.segments[0]?.type === 'text' ? message.segments[0].text : ''}` };
  },
};

beforeEach(async () => {
  told.clear();
  hold = undefined;
  sandbox = await startSandbox();
  road = await openRoad(sandbox, backend, ['openid_alice', 'group:group_demo']);
});

afterEach(async () => {
  await road.close();
  await sandbox.close();
});

async function say(text: string, more: Partial<Parameters<typeof sandbox.platform.say>[0]> = {}) {
  const { id } = sandbox.platform.say({ from: 'openid_alice', text, ...more });
  await waitUntil(`the answer to ${text}`, () => answersTo(sandbox, id).length === 1);
  return answersTo(sandbox, id)[0]?.text;
}
const textOf = (history: readonly HistoryEntry[]) =>
  history.map(({ from, sender, text }) => `${from}${sender === undefined ? '' : ` ${sender}`}: ${text}`).join(' · ');
const lastTold = () => textOf([...told.values()].at(-1) ?? []);

test('the turns before, the oldest first, and not the message itself', async () => {
  await say('one');
  expect(lastTold()).toBe('');
  await say('two');
  expect(lastTold()).toBe('user: one · bot: re one');
  await say('three');
  expect(lastTold()).toBe('user: one · bot: re one · user: two · bot: re two');
});

test('in a group also what was not said to the bot, with names; nothing of another conversation, nor of who may not talk', async () => {
  sandbox.platform.set({ group: 'group_demo', receive_all: true });
  await say('private');
  sandbox.platform.say({ from: 'openid_bob', text: 'in vain' });
  sandbox.platform.say({ from: 'openid_bob', group: 'group_demo', text: 'lunch?', mention: false });
  await waitUntil('both', () => road.counters.snapshot()['inbound.refused.not_mentioned'] === 1);
  await say('what did they say?', { group: 'group_demo' });
  expect(lastTold()).toMatch(/^user \S+: lunch\?$/);
  const bob = { channel: 'qqbot', account: 'main', kind: 'c2c', peer: 'openid_bob' } as Target;
  expect(road.store.history.before(bob, Number.MAX_SAFE_INTEGER, 9)).toEqual([]);
});

test.each(['/new', '/reset', '  /new \n'])(
  '%j starts afresh: it is answered at once, and nothing before it is told any more',
  async (word) => {
    await say('one');
    expect(await say(word)).toBe(STARTED_AFRESH[0]?.type === 'text' ? STARTED_AFRESH[0].text : '');
    expect(told.size).toBe(1);
    await say('two');
    expect(lastTold()).toBe('');
    await say('/news');
    expect(lastTold()).toBe('user: two · bot: re two');
  },
);

test('in a group /new needs the mention that everything needs, and is an ordinary line without it', async () => {
  sandbox.platform.set({ group: 'group_demo', receive_all: true });
  sandbox.platform.say({ from: 'openid_bob', group: 'group_demo', text: '/new', mention: false });
  await waitUntil('the line', () => road.counters.snapshot()['inbound.refused.not_mentioned'] === 1);
  await say('one', { group: 'group_demo' });
  expect(lastTold()).toMatch(/^user \S+: \/new$/);
  await say('/new', { group: 'group_demo' });
  await say('two', { group: 'group_demo' });
  expect(lastTold()).toBe('');
});

test('/new while another turn runs waits for it, and is not put to the backend', async () => {
  let open = () => {};
  hold = new Promise((resolve) => {
    open = resolve;
  });
  const first = sandbox.platform.say({ from: 'openid_alice', text: 'one' });
  await waitUntil('the turn', () => told.size === 1);
  const word = sandbox.platform.say({ from: 'openid_alice', text: '/new' });
  await waitUntil('its row', () => road.counters.snapshot()['inbound.messages'] === 2);
  expect(answersTo(sandbox, word.id)).toEqual([]);
  open();
  await waitUntil('both', () => [first, word].every(({ id }) => answersTo(sandbox, id).length === 1));
  await say('two');
  expect([told.size, lastTold()]).toEqual([2, '']);
});

test('/stop and the word about it are no part of the conversation', async () => {
  await say('one');
  expect(await say('/stop')).toContain('Nothing to stop');
  await say('two');
  expect(lastTold()).toBe('user: one · bot: re one');
});

test('who answers every answer at once is refused after so many turns, and counted', async () => {
  for (let i = 0; i < MOST_TURNS; i++) await say(`turn ${i}`);
  const { id } = sandbox.platform.say({ from: 'openid_alice', text: 'one more' });
  await waitUntil('the refusal', () => road.counters.snapshot()['inbound.refused.too_many_turns'] === 1);
  expect(answersTo(sandbox, id)).toEqual([]);
  expect(told.size).toBe(MOST_TURNS);
});
