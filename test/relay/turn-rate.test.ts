/** Machines that answer each other are told from people who write fast. */
import { beforeEach, expect, test } from 'vitest';
import { MOST_TURNS, TurnRate } from '../../src/relay/turn-rate.js';

let now: number;
let rate: TurnRate;

beforeEach(() => {
  now = 1000;
  rate = new TurnRate(() => now);
});

/** Each message comes when the one before it was answered. */
function alternate(peer: string, turns: number, everyMs = 100): number {
  let answered = 0;
  for (let i = 0; i < turns; i++) {
    if (!rate.isTooMany(peer)) {
      rate.begin(peer);
      rate.end(peer);
      answered++;
    }
    now += everyMs;
  }
  return answered;
}

test('who answers every answer is answered so often in a minute, and again in the next one', () => {
  expect(alternate('bot', 100)).toBe(MOST_TURNS);
  expect(rate.isTooMany('person')).toBe(false);
  now += 60_000;
  expect(alternate('bot', 100)).toBe(MOST_TURNS);
});

test('a talk at the pace of people is never broken', () => {
  expect(alternate('person', 500, 2001)).toBe(500);
});

test('who writes much at once, and waits for no answer, is no machine', () => {
  for (let i = 0; i < 500; i++) {
    expect(rate.isTooMany('person')).toBe(false);
    rate.begin('person');
  }
  for (let i = 0; i < 500; i++) rate.end('person');
  expect(alternate('person', MOST_TURNS)).toBe(MOST_TURNS - 1); // the flood was one turn
});

test('the end of a message that began before the start is no trouble', () => {
  rate.end('person');
  expect(alternate('person', 100)).toBe(MOST_TURNS);
});

test('however many peers there are, the memory of them is bounded, and those heard last are kept', () => {
  alternate('bot', MOST_TURNS, 0);
  for (let i = 0; i < 9_999; i++) rate.begin(`peer${i}`);
  expect(rate.isTooMany('bot')).toBe(true);
  rate.begin('one more');
  expect(rate.isTooMany('bot')).toBe(false);
});
