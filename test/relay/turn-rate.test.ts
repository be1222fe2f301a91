/** Machines that answer each other are told from people who write fast. */
import { beforeEach, expect, test } from 'vitest';
import { MOST_AFTER_ANSWERS, MOST_TURNS, TurnRate } from '../../src/relay/turn-rate.js';

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
    if (!rate.refuses(peer)) {
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
  expect(rate.refuses('person')).toBe(false);
  now += 60_000;
  expect(alternate('bot', 100)).toBe(MOST_TURNS);
});

test('a talk at the pace of people is never broken', () => {
  expect(alternate('person', 500, 2001)).toBe(500);
});

test('who writes much at once, and waits for no answer, is no machine', () => {
  for (let i = 0; i < 500; i++) {
    expect(rate.refuses('person')).toBe(false);
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
  expect(rate.refuses('bot')).toBe(true);
  rate.begin('one more');
  expect(rate.refuses('bot')).toBe(false);
});

/** A program that answers each message of an answer with one of its own, as `parts` messages; resolves with how many turns there were. */
function talk(parts: number, forMs: number): number {
  let waiting = 0;
  let turns = 0;
  const hear = () => {
    if (rate.refuses('bot')) return;
    rate.begin('bot');
    waiting++;
  };
  hear();
  const end = now + forMs;
  while (waiting > 0 && now < end) {
    now += 200;
    waiting--;
    turns++;
    rate.end('bot');
    for (let i = 0; i < parts; i++) hear();
  }
  return turns;
}

test('a talk of machines in which each answer is several messages ends, and stays ended', () => {
  expect(talk(2, 3_600_000)).toBeLessThan(3 * MOST_AFTER_ANSWERS);
  expect(talk(5, 3_600_000)).toBe(0);
  now += 60_000;
  expect(talk(5, 3_600_000)).toBeLessThan(6 * MOST_AFTER_ANSWERS);
});

test('two talks side by side with one machine end, too', () => {
  let turns = 0;
  rate.begin('bot');
  for (; turns < 10_000 && !rate.refuses('bot'); turns++) {
    rate.begin('bot');
    now += 100;
    rate.end('bot');
  }
  expect(turns).toBeLessThan(2 * MOST_AFTER_ANSWERS);
});

test('who sends a hundred pictures at once, and is answered quickly, is no machine', () => {
  for (let i = 0; i < 100; i++) {
    expect(rate.refuses('person')).toBe(false);
    rate.begin('person');
    now += 50;
    if (i % 2 === 1) rate.end('person');
  }
});
