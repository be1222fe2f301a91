/** The judge of the OneBot lane: what it must find in transcript and journal, and what it must let pass. */
import { expect, test } from 'vitest';
import type { Entry, Happening } from '../../src/sandbox/transcript.js';
import type { InboxRow, Journal, OutboxRow } from './journal.mjs';
import { type Circumstances, judgeOneBot } from './onebot-verdict.mjs';

const BOT = '10001';
const ALICE = '50001';
const SCENE = { kind: 'private', id: ALICE, self_id: BOT } as const;
const HERE = `onebot:default:private:${ALICE}`;
const text = (text: string) => [{ type: 'text', data: { text } }];

const entries = (...happenings: readonly Happening[]): readonly Entry[] =>
  happenings.map((happening, i) => ({ n: i + 1, at: 1000 + i * 100, ...happening }));
const line = (step: 'opened' | 'closed', code?: number): Happening => ({
  ...{ kind: 'onebot.line', self_id: BOT, step, line: 1, role: 'Universal' },
  ...(code === undefined ? {} : { code }),
});
const said = (words: string, { lines = 1, from = ALICE } = {}): Happening => ({
  ...{ kind: 'onebot.message', scene: { ...SCENE, id: from }, from: { user_id: from, name: from }, message_id: 1 },
  ...{ sub_type: 'friend', segments: text(words), text: words, lines },
});
const sent = (words: string, id = 7): Happening => ({
  ...{ kind: 'onebot.send', scene: SCENE, action: 'send_msg', accepted: true, segments: text(words), message_id: id },
  ...{ seen: text(words), text: words, dropped: [], media: [] },
});
const called = (words: string, more: object = {}): Happening => ({
  ...{ kind: 'onebot.call', self_id: BOT, action: 'send_msg', status: 'ok', retcode: 0, answered: true, raw: '' },
  ...{ params: { message_type: 'private', user_id: Number(ALICE), message: text(words) }, raw_length: 0 },
  ...more,
});
const fault = (order: { readonly kind: string }): Happening => ({
  ...{ kind: 'onebot.fault', self_id: BOT, fault: order.kind, what: JSON.stringify(order) },
});

/** One message after the other, each answered as it is said. */
const journal = (
  ...rows: readonly (readonly [words: string, more?: object, answer?: Partial<OutboxRow>])[]
): Journal => ({
  inbox: rows.map(([words, more], i) => ({
    ...{ id: i + 1, conversation: HERE, text: words, status: 'answered', error: null },
    ...more,
  })) as InboxRow[],
  outbox: rows.flatMap(([words, , answer], i) => [
    {
      id: i + 1,
      target: HERE,
      text: words,
      status: 'delivered',
      error: null,
      inReplyTo: i + 1,
      messageId: '7',
      ...answer,
    },
  ]),
});
const because = (code: string) => JSON.stringify({ code, message: code });
const judged = (transcript: readonly Entry[], found: Journal, more: Partial<Circumstances> = {}) =>
  judgeOneBot(transcript, found, { kills: [], fills: [], log: '', selfId: BOT, people: [ALICE], ...more });

const ONE = [line('opened'), said('one')];
const ANSWERED = [...ONE, called('one'), sent('one')];

test('written, journalled, answered once: nothing to say', () => {
  const verdict = judged(entries(...ANSWERED), journal(['one']));
  expect(verdict).toMatchObject({ written: 1, journalled: 1, delivered: 1, lost: 0, doubled: 0, problems: [] });
});

test.each<[string, readonly Happening[], Journal]>([
  ['answered 2 times', [...ANSWERED, sent('one')], journal(['one'])],
  ['sent without being asked', [...ANSWERED, sent('other')], journal(['one'])],
  [
    'sent again, though it may have arrived',
    [...ONE, called('one', { answered: false }), called('one'), sent('one')],
    journal(['one']),
  ],
  ['nothing arrived', ONE, journal(['one'])],
  ['still sending', ONE, journal(['one', {}, { status: 'sending' }])],
  ['still queued', ONE, journal(['one', {}, { status: 'queued' }])],
  ['still parked', ONE, journal(['one', {}, { status: 'parked' }])],
  ['journalled and not answered', ONE, { inbox: journal(['one', { status: 'waiting' }]).inbox, outbox: [] }],
  ['journalled and not answered', ONE, { inbox: journal(['one']).inbox, outbox: [] }],
  [
    'journalled twice',
    ANSWERED,
    { inbox: [...journal(['one']).inbox, ...journal(['one']).inbox], outbox: journal(['one']).outbox },
  ],
  [
    'uncertain without a reason',
    ONE,
    journal(['one', {}, { status: 'uncertain', error: because('delivery.cut_short') }]),
  ],
  [
    'uncertain without a reason',
    ONE,
    journal(['one', {}, { status: 'uncertain', error: because('onebot.no_answer') }]),
  ],
  [
    'uncertain without a reason',
    ONE,
    journal(['one', {}, { status: 'uncertain', error: because('onebot.connection_lost') }]),
  ],
  ['failed, it says, and 1 arrived', ANSWERED, journal(['one', {}, { status: 'failed', error: because('100') }])],
  [
    'failed, it says, and 0 arrived',
    ONE,
    journal(['one', {}, { status: 'failed', error: because('delivery.parked_full') }]),
  ],
  ['its line still stands', ONE, journal()],
  ['with a word', [...ONE, line('closed', 1000)], journal()],
  [
    'a later message of the same line',
    [...ONE, said('two'), called('two'), sent('two'), line('closed', 1006)],
    journal(['two']),
  ],
])('%s', (problem, happenings, found) => {
  expect(judged(entries(...happenings), found).problems).toContainEqual(expect.stringContaining(problem));
});

test('what is said in another order than it was written is found, in the journal and in the answers', () => {
  const two = [line('opened'), said('one'), said('two')];
  expect(
    judged(entries(...two, called('two'), sent('two'), called('one'), sent('one')), journal(['one'], ['two'])).problems,
  ).toEqual([expect.stringContaining('out of order in private:50001')]);
  expect(
    judged(entries(...two, called('two'), sent('two'), called('one'), sent('one')), journal(['two'], ['one'])).problems,
  ).toEqual([expect.stringContaining('journalled out of order')]);
});

test('the last that a line carried may be gone with it; what it carried long before may not', () => {
  const broken = entries(...ANSWERED, said('two'), line('closed', 1006));
  expect(judged(broken, journal(['one']))).toMatchObject({ cutOff: 1, lost: 0, longestCutMs: 100, problems: [] });
  const late = broken.map((entry, i) => (i === broken.length - 1 ? { ...entry, at: entry.at + 60_000 } : entry));
  expect(judged(late, journal(['one']))).toMatchObject({ cutOff: 0, lost: 1 });
  expect(judged(late, journal(['one']), { kills: [1450] })).toMatchObject({ cutOff: 1, lost: 0 });
});

test('what nobody could hear is no loss: no line, a dead one, no room on the disk', () => {
  expect(judged(entries(said('one', { lines: 0 })), journal())).toMatchObject({ unheard: 1, problems: [] });
  const dead = entries(line('opened'), fault({ kind: 'half_open' }), said('one'));
  expect(judged(dead, journal())).toMatchObject({ unheard: 1, problems: [] });
  const fills = [{ from: 1000, to: 1200 }];
  expect(judged(entries(...ONE), journal(), { fills })).toMatchObject({ noRoom: 1 });
  expect(judged(entries(...ONE), journal(), { fills }).problems).toEqual([
    expect.stringContaining('the log tells of 0'),
  ]);
  const log = 'an event could not be journalled; the implementation will not repeat it';
  expect(judged(entries(...ONE), journal(), { fills, log }).problems).toEqual([]);
});

test('a flood is as many messages, heard or not', () => {
  const order = { kind: 'flood', count: 2, from: ALICE, text: 'flood $N' };
  const told = (lines: number): Happening => ({ kind: 'onebot.event', self_id: BOT, type: 'flood of 2', lines });
  expect(judged(entries(line('opened'), fault(order), told(1)), journal())).toMatchObject({ written: 2, lost: 2 });
  expect(judged(entries(fault(order), told(0)), journal())).toMatchObject({ written: 2, unheard: 2, lost: 0 });
});

test('uncertain is believed where something happened that explains it', () => {
  const cut = journal(['one', {}, { status: 'uncertain', error: because('delivery.cut_short') }]);
  expect(judged(entries(...ONE), cut, { kills: [1150] })).toMatchObject({ uncertain: 1, problems: [] });
  expect(judged(entries(...ONE), cut, { kills: [500] }).problems).toHaveLength(1);
  const broken = journal(['one', {}, { status: 'uncertain', error: because('onebot.connection_lost') }]);
  expect(judged(entries(...ONE, line('closed', 1006)), broken).problems).toEqual([]);
  const silent = journal(['one', {}, { status: 'uncertain', error: because('onebot.no_answer') }]);
  expect(judged(entries(fault({ kind: 'swallow' }), ...ANSWERED), silent).problems).toEqual([]);
});

test('a call that was certainly refused may fail, or be made again where the implementation was busy', () => {
  const refused = called('one', { status: 'failed', retcode: 100 });
  const failed = journal(['one', {}, { status: 'failed', error: because('100') }]);
  expect(judged(entries(...ONE, refused), failed)).toMatchObject({ refused: 1, problems: [] });
  const busy = called('one', { status: 'failed', retcode: 202 });
  expect(judged(entries(...ONE, busy, called('one'), sent('one')), journal(['one'])).problems).toEqual([]);
});

test('who is not allowed is journalled as refused, and hears nothing', () => {
  const stranger = entries(line('opened'), said('one', { from: '50009' }));
  const row = { id: 1, conversation: 'onebot:default:private:50009', text: 'one', error: null };
  const refused = { inbox: [{ ...row, status: 'refused' }], outbox: [] };
  expect(judged(stranger, refused).problems).toEqual([]);
  const answered = { inbox: [{ ...row, status: 'answered' }], outbox: [] };
  expect(judged(stranger, answered).problems).toEqual([expect.stringContaining('to be refused, but answered')]);
});
