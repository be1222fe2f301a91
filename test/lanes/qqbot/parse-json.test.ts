/** Long numbers arrive whole, everything else as JSON.parse has it, however hostile the text. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseJson } from '../../../src/lanes/qqbot/parse-json.js';

describe('numbers', () => {
  test.each([
    ['{"guild_id":18700000000001000001}', { guild_id: '18700000000001000001' }],
    ['{"a": -9007199254740993 }', { a: '-9007199254740993' }],
    ['[18700000000001000001,18700000000001000002]', ['18700000000001000001', '18700000000001000002']],
    ['{"a":9007199254740991}', { a: 9_007_199_254_740_991 }],
    ['{"a":1234567890123456}', { a: 1_234_567_890_123_456 }],
    [
      '{"t":", 18700000000001000001, \\" :18700000000001000001}"}',
      { t: ', 18700000000001000001, " :18700000000001000001}' },
    ],
    ['{"a":12345678901234567.5}', { a: Number('12345678901234567.5') }],
    ['{"a":1e300}', { a: 1e300 }],
  ])('%s', (text, value) => {
    expect(parseJson(text)).toEqual(value);
  });
});

test('whatever holds no long number is read as JSON.parse reads it', () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 4 }), (text) => {
      fc.pre(!/[:[,]?\s*-?\d{16}/.test(text));
      expect(parseJson(text)).toEqual(JSON.parse(text));
    }),
  );
});

test.each([
  ['blanks', `[18700000000001000001,${' '.repeat(1_000_000)}1]`],
  ['commas', `{"a":[18700000000001000001${',1'.repeat(400_000)}]}`],
  ['a long string', `{"n":18700000000001000001,"t":"${'\\"x'.repeat(300_000)}"}`],
  ['digits', `{"n":${'1'.repeat(900_000)}}`],
])('a megabyte of %s is read', (_what, text) => {
  expect(parseJson(text)).toBeTypeOf('object');
});
