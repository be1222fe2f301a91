/** The judge itself: what it must find in a transcript, and what it must let pass. */
import { expect, test } from 'vitest';
import type { BotSend, Entry, GatewayStep, Happening, Scene } from '../../src/sandbox/transcript.js';
import { judge } from './verdict.mjs';

const ALICE = { kind: 'c2c', openid: 'alice' } as const;
const SESSION = 'session-1';

const entries = (...happenings: readonly Happening[]): readonly Entry[] =>
  happenings.map((happening, i) => ({ n: i + 1, at: 1000 + i * 100, ...happening }));
const step = (step: GatewayStep['step'], more: object = {}): Happening => ({
  ...{ kind: 'gateway', step, connection: 1, session_id: SESSION, ...more },
});
const said = (text: string, frame: { s?: number; session_id?: string; fault?: string; scene?: Scene }): Happening => ({
  ...{ kind: 'user.message', scene: ALICE, from: { openid: 'alice', name: 'Alice' }, id: `id of ${text}`, text },
  ...{ mention: false, events: ['C2C_MESSAGE_CREATE'], sessions: frame.s === undefined ? 0 : 1 },
  ...(frame.s === undefined ? {} : { session_id: SESSION }),
  ...frame,
});
const sent = (text: string, more: Partial<BotSend> = {}): Happening => ({
  ...{ kind: 'bot.send', scene: ALICE, mode: 'passive', msg_type: 0, text, accepted: true, status: 200, ...more },
});
const came = (text: string, s: number): Happening => ({
  ...{ kind: 'event', type: 'C2C_MESSAGE_CREATE', message: `id of ${text}`, session_id: SESSION, s, sessions: 1 },
});
const TWO = [step('ready'), said('one', { s: 2 }), said('two', { s: 3 })];

test('each message answered once and in order: nothing to say', () => {
  const verdict = judge(entries(...TWO, sent('one'), sent('two')), []);
  expect(verdict).toMatchObject({ messages: 2, lost: 0, doubled: 0, problems: [], isComplete: true });
});

test.each([
  ['never answered', [sent('one')], { lost: 1, isComplete: false }],
  ['answered 2 times', [sent('one'), sent('one'), sent('two')], { doubled: 1 }],
  ['out of order', [sent('two'), sent('one')], { lost: 0, doubled: 0 }],
  ['sent without being asked', [sent('one'), sent('two'), sent('three')], { lost: 0 }],
  ['sent without being asked', [sent('one'), sent('two'), sent('two', { scene: { ...ALICE, openid: 'bob' } })], {}],
  ['never answered', [sent('one'), sent('two', { accepted: false })], { lost: 1 }],
])('%s', (problem, sends, figures) => {
  const verdict = judge(entries(...TWO, ...sends), []);
  expect(verdict.problems).toEqual([expect.stringContaining(problem)]);
  expect(verdict).toMatchObject(figures);
});

test('the order is that in which the events came, not that of writing', () => {
  const late = [step('ready'), said('one', { fault: 'f1' }), said('two', { s: 2 }), came('one', 3)];
  expect(judge(entries(...late, sent('two'), sent('one')), []).problems).toEqual([]);
  expect(judge(entries(...late.slice(0, 3)), []).isComplete).toBe(false);
});

test('what no session got need not be answered', () => {
  expect(judge(entries(said('one', {})), [])).toMatchObject({ messages: 0, problems: [], isComplete: true });
});

test('what came after the last number that the bot told, in a session that ended, may be gone; what came before may not', () => {
  const verdict = judge(entries(...TWO, step('ended', { seq: 3, acknowledged: 2 })), []);
  expect(verdict).toMatchObject({ lost: 1, goneWithSession: 1 });
  expect(verdict.problems).toEqual([expect.stringContaining('"one"')]);
});

test('a burnt pair that is repeated because of a kill cannot be known; one that is repeated without is lost', () => {
  const pair = { accepted: false, msg_id: 'id of one', msg_seq: 1 };
  const burnt = sent('one', { ...pair, code: 22009, burnt: true });
  const repeat = sent('one', { ...pair, code: 40054005 });
  const transcript = entries(step('ready'), said('one', { s: 2 }), burnt, repeat);
  expect(judge(transcript, [1250])).toMatchObject({ lost: 0, unknowable: 1, isComplete: true });
  expect(judge(transcript, [900, 5000])).toMatchObject({ lost: 1, unknowable: 0 });
});

test('in a guild, where no repeat can be told, an answer may stay uncertain, if the journal says so and there is a reason', () => {
  const scene = { kind: 'dm', openid: 'session' } as const;
  const asked = said('one', { s: 2, scene });
  const row = { id: 1, target: 'qqbot:default:dm:session', text: 'one', error: null, inReplyTo: 1, messageId: null };
  const outbox = [{ ...row, status: 'uncertain' }];
  const spoilt = sent('one', { accepted: false, fault: 'f1', scene });
  expect(judge(entries(step('ready'), asked, spoilt), [], { outbox })).toMatchObject({
    guildUncertain: 1,
    problems: [],
  });
  expect(judge(entries(step('ready'), asked), [1150], { outbox })).toMatchObject({ guildUncertain: 1, problems: [] });
  expect(judge(entries(step('ready'), asked), [], { outbox })).toMatchObject({ lost: 1, guildUncertain: 0 });
  expect(judge(entries(step('ready'), asked, spoilt), [])).toMatchObject({ lost: 1, guildUncertain: 0 });
  const inPrivate = [{ ...row, target: 'qqbot:default:c2c:alice', status: 'uncertain' }];
  expect(judge(entries(step('ready'), said('one', { s: 2 })), [1150], { outbox: inPrivate })).toMatchObject({
    lost: 1,
  });
});

test('what a fault held back on the platform in a guild may come late, if the journal gave it up as uncertain', () => {
  const scene = { kind: 'dm', openid: 'session' } as const;
  const two = [step('ready'), said('one', { s: 2, scene }), said('two', { s: 3, scene })];
  const late = entries(...two, sent('two', { scene }), sent('one', { scene, fault: 'f1' }));
  const row = { id: 1, target: 'qqbot:default:dm:session', text: 'one', error: null, inReplyTo: 1, messageId: null };
  expect(judge(late, [], { outbox: [{ ...row, status: 'uncertain' }] }).problems).toEqual([]);
  const told = [expect.stringContaining('out of order')];
  expect(judge(late, [], { outbox: [{ ...row, status: 'delivered' }] }).problems).toEqual(told);
  const free = entries(...two, sent('two', { scene }), sent('one', { scene }));
  expect(judge(free, [], { outbox: [{ ...row, status: 'uncertain' }] }).problems).toEqual(told);
});
