import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseWireJson } from '../../../src/lanes/onebot/wire-json.js';

describe('JSON of the wire', () => {
  test('a long number keeps all its digits, as text', () => {
    const frame =
      '{"message_id":-2147483648,"flag":17612345678901234567,"ids":[ 9007199254740993 ,-90071992547409930]}';
    expect(parseWireJson(frame)).toEqual({
      message_id: -2_147_483_648,
      flag: '17612345678901234567',
      ids: ['9007199254740993', '-90071992547409930'],
    });
    expect(parseWireJson('12345678901234567890')).toBe('12345678901234567890');
  });

  test('numbers that a double holds stay numbers, also those with a fraction or exponent', () => {
    const frame = '{"a":9007199254740991,"b":1234567890123456.5,"c":1e30,"d":0.12345678901234567890}';
    expect(parseWireJson(frame)).toEqual({
      a: 9_007_199_254_740_991,
      b: 1234567890123456.5,
      c: 1e30,
      d: 0.12345678901234568,
    });
  });

  test('nothing within a text changes', () => {
    const written = ',12345678901234567890, \\":12345678901234567890," [9007199254740993]';
    expect(
      parseWireJson(JSON.stringify({ written, [written]: 1, id: 0 }).replace('"id":0', '"id":98765432109876543210')),
    ).toEqual({ written, [written]: 1, id: '98765432109876543210' });
  });

  test('a key of the language itself is a key like others', () => {
    const parsed = parseWireJson('{"__proto__":{"post_type":"message"},"id":98765432109876543210}') as object;
    expect((parsed as { post_type?: string }).post_type).toBeUndefined();
    expect(Object.keys(parsed)).toEqual(['__proto__', 'id']);
    expect(({} as { post_type?: string }).post_type).toBeUndefined();
  });

  test.for(['', '{', 'nul', '{"a":98765432109876543210', '[98765432109876543210,]', "{'a':1}"])(
    '%j is no JSON',
    (text) => {
      expect(() => parseWireJson(text)).toThrow(SyntaxError);
    },
  );

  test('anything that is JSON comes out as it is, long numbers apart', () => {
    fc.assert(
      fc.property(fc.json(), fc.bigInt({ min: 2n ** 53n, max: 2n ** 100n }), (json, long) => {
        expect(parseWireJson(`{"value":${json},"long":${long},"minus":-${long}}`)).toEqual({
          value: JSON.parse(json, longAsText),
          long: String(long),
          minus: `-${long}`,
        });
      }),
    );
  });

  test.for(['\\"', ',', '[1234567890123456,', '"', '{"a":', '1', ' '])(
    'a megabyte of %s is judged at once',
    (piece) => {
      const long = piece.repeat(Math.ceil(1_048_576 / piece.length));
      const start = performance.now();
      for (const text of [long, `["${long}`, `["${long}",12345678901234567890]`]) {
        try {
          parseWireJson(text);
        } catch (error) {
          expect(error).toBeInstanceOf(SyntaxError);
        }
      }
      expect(performance.now() - start).toBeLessThan(1500);
    },
  );
});

function longAsText(_key: string, value: unknown): unknown {
  // From 1e21 on they are written with an exponent.
  const isLong = typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value);
  return isLong && Math.abs(value) < 1e21 ? String(value) : value;
}
