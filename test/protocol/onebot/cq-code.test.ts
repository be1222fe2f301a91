import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseCqCode } from '../../../src/protocol/onebot/cq-code.js';
import type { WireSegment } from '../../../src/protocol/onebot/wire.js';

const text = (written: string): WireSegment => ({ type: 'text', data: { text: written } });

describe('messages as text with codes', () => {
  test('text, codes and text between them keep their order', () => {
    expect(parseCqCode('[CQ:reply,id=-12][CQ:at,qq=10001] hi [CQ:face,id=14]!')).toEqual([
      { type: 'reply', data: { id: '-12' } },
      { type: 'at', data: { qq: '10001' } },
      text(' hi '),
      { type: 'face', data: { id: '14' } },
      text('!'),
    ]);
  });

  test('a code without values, and values with `=` in them', () => {
    expect(parseCqCode('[CQ:shake][CQ:image,file=a.png,url=https://x/?a=1&amp;b=2]')).toEqual([
      { type: 'shake', data: {} },
      { type: 'image', data: { file: 'a.png', url: 'https://x/?a=1&b=2' } },
    ]);
  });

  test('escapes are undone once: what was written as an escape stays one', () => {
    expect(parseCqCode('&#91;CQ:at,qq=all&#93; a&#44;b &amp;#91; &amp;amp; &lt;')).toEqual([
      text('[CQ:at,qq=all] a,b &#91; &amp; &lt;'),
    ]);
    expect(parseCqCode('[CQ:json,data={"a":&#91;1&#44;2&#93;}]')).toEqual([
      { type: 'json', data: { data: '{"a":[1,2]}' } },
    ]);
  });

  test.for([
    '[CQ:',
    '[CQ:]',
    '[CQ:at',
    '[CQ:at,qq]',
    '[CQ:at,=1]',
    '[CQ: at,qq=1]',
    '[cq:at,qq=1]',
    '[CQ:a t,qq=1]',
    `[CQ:${'x'.repeat(65)}]`,
    `[CQ:at${',a=1'.repeat(51)}]`,
    `[CQ:json,data=${'x'.repeat(200_001)}]`,
  ])('%.20s is text', (written) => {
    expect(parseCqCode(written)).toEqual([text(written)]);
  });

  test('a code that never ends leaves the one behind it whole', () => {
    expect(parseCqCode('[CQ:at,qq=[CQ:at,qq=5]')).toEqual([text('[CQ:at,qq='), { type: 'at', data: { qq: '5' } }]);
  });

  test('a key of the language itself is a key like others', () => {
    const [segment] = parseCqCode('[CQ:x,__proto__=1,constructor=2]');
    expect(Object.entries(segment?.data ?? {})).toEqual([
      ['__proto__', '1'],
      ['constructor', '2'],
    ]);
    expect(Object.getPrototypeOf(segment?.data)).toBe(Object.prototype);
  });

  test('what was escaped comes back as it was, whatever it is', () => {
    const key = fc.stringMatching(/^[a-z_]{1,12}$/);
    const code = fc.record({
      type: fc.stringMatching(/^[a-z]{1,12}$/).filter((type) => type !== 'text'),
      data: fc.dictionary(key, fc.string({ unit: 'binary' }), { maxKeys: 6, noNullPrototype: true }),
    });
    const written = fc.string({ unit: 'binary', minLength: 1 }).map(text);
    // Two texts beside each other come back as one.
    const message = fc
      .array(fc.oneof(code, written), { maxLength: 12 })
      .map((parts) => parts.filter(({ type }, n) => type !== 'text' || parts[n - 1]?.type !== 'text'));
    fc.assert(
      fc.property(message, (segments) => {
        expect(parseCqCode(segments.map(encoded).join(''))).toEqual(segments);
      }),
    );
  });

  test('anything at all is taken, and nothing of a plain text is lost', () => {
    const piece = fc.oneof(fc.constantFrom('[CQ:', ']', '[', ',', '=', '&', 'at', 'qq', '&amp;'), fc.string());
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        for (const { type, data } of parseCqCode(pieces.join(''))) {
          expect(typeof type).toBe('string');
          for (const value of Object.values(data)) expect(typeof value).toBe('string');
        }
      }),
    );
  });

  test.for(['[CQ:', '[CQ:at,', '[CQ:at,qq=', '&amp;', '[', 'a,b=', '[CQ:a]'])(
    'a megabyte of %s takes no longer than it must',
    (piece) => {
      const long = piece.repeat(Math.ceil(1_048_576 / piece.length));
      const start = performance.now();
      expect(parseCqCode(long).length).toBeLessThanOrEqual(2001);
      expect(performance.now() - start).toBeLessThan(1500);
    },
  );
});

function encoded({ type, data }: WireSegment): string {
  if (type === 'text') return escaped(String(data.text));
  const values = Object.entries(data).map(
    ([key, value]) => `,${key}=${escaped(String(value)).replaceAll(',', '&#44;')}`,
  );
  return `[CQ:${type}${values.join('')}]`;
}

function escaped(written: string): string {
  return written.replaceAll('&', '&amp;').replaceAll('[', '&#91;').replaceAll(']', '&#93;');
}
