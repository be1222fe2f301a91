/** JSON5 as its specification has it, and as harmless as it has to be. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Json5Error, parseJson5 } from '../../src/config/json5.js';

/** As ordinary objects. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, plain(entry)]));
}

test('reads the example of the specification', () => {
  const text = `{
  // comments
  unquoted: 'and you can quote me on that',
  singleQuotes: 'I can use "double quotes" here',
  lineBreaks: "Look, Mom! \\
No \\\\n's!",
  hexadecimal: 0xdecaf,
  leadingDecimalPoint: .8675309, andTrailing: 8675309.,
  positiveSign: +1,
  trailingComma: 'in objects', andIn: ['arrays',],
  "backwardsCompatible": "with JSON",
}
`;
  expect(plain(parseJson5(text))).toEqual({
    unquoted: 'and you can quote me on that',
    singleQuotes: 'I can use "double quotes" here',
    lineBreaks: "Look, Mom! No \\n's!",
    hexadecimal: 0xdecaf,
    leadingDecimalPoint: 0.8675309,
    andTrailing: 8675309,
    positiveSign: 1,
    trailingComma: 'in objects',
    andIn: ['arrays'],
    backwardsCompatible: 'with JSON',
  });
});

const isInexact = (value: unknown) => Number.isInteger(value) && !Number.isSafeInteger(value);

test('whatever is JSON is read as JSON reads it', () => {
  fc.assert(
    fc.property(fc.json(), fc.constantFrom(undefined, 2), (text, space) => {
      const written = JSON.stringify(JSON.parse(text), null, space);
      const exact = JSON.parse(written, (_, value) => (isInexact(value) ? null : value));
      expect(JSON.stringify(plain(parseJson5(written)))).toBe(JSON.stringify(exact));
    }),
    { numRuns: 500 },
  );
});

test.each([
  ['NaN', Number.NaN],
  ['-Infinity', Number.NEGATIVE_INFINITY],
  ['-0x10', -16],
  ['5e3', 5000],
  ['9007199254740993', null],
  ['-9007199254740993', null],
  ['/* a */ null // b', null],
  ["'\\x41\\u4f60\\0\\'\\a'", "A你\0'a"],
  ['\ufeff[1,\u2028 2]', [1, 2]],
])('%s', (text, value) => {
  expect(parseJson5(text)).toEqual(value);
});

describe('refuses with the place, and shows nothing of the text', () => {
  test.each([
    ['', 1, 1],
    ['{', 1, 2],
    ['{a 1}', 1, 4],
    ['{"a": 1,\n  b: }', 2, 6],
    ['[1 2]', 1, 4],
    ['[,]', 1, 2],
    ['{,}', 1, 2],
    ['"a\nb"', 2, 1],
    ['"\\1"', 1, 3],
    ['"\\u12g4"', 1, 6],
    ['/* a', 1, 5],
    ['nulls', 1, 5],
    ['01', 1, 2],
    ['1 2', 1, 3],
    ['12secret', 1, 3],
    ['{a: TopSecret}', 1, 5],
  ])('%j', (text, line, column) => {
    const fault = (() => {
      try {
        return parseJson5(text);
      } catch (error) {
        return error;
      }
    })();
    expect(fault).toBeInstanceOf(Json5Error);
    expect(fault).toMatchObject({ line, column });
    expect((fault as Error).message).not.toMatch(/secret/i);
  });

  test('what is nested too deep', () => {
    expect(() => parseJson5('['.repeat(100_000) + ']'.repeat(100_000))).toThrow(/deeper than 64/);
    expect(parseJson5(`${'['.repeat(64)}${']'.repeat(64)}`)).toBeDefined();
  });
});

test('no key means anything to JavaScript', () => {
  const object = parseJson5('{"__proto__": {"isAdmin": true}, constructor: 1}') as Record<string, unknown>;
  expect(Object.getPrototypeOf(object)).toBe(null);
  expect(Object.keys(object)).toEqual(['__proto__', 'constructor']);
  expect(({} as { isAdmin?: boolean }).isAdmin).toBe(undefined);
});

test('ends on any text at all', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'{}[]:,"\'\\/*+-.0x1eaN nu\n\u2028') }), (text) => {
      try {
        parseJson5(text);
      } catch (error) {
        expect(error).toBeInstanceOf(Json5Error);
      }
    }),
    { numRuns: 2000 },
  );
});
