/** A long text in pieces: where it is cut, that nothing is lost, and what it costs. */
import fc from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { type ChunkOptions, chunkText } from '../../src/relay/text-chunks.js';
import { sizeOf, type Weigh, weighAlike } from '../../src/relay/text-size.js';

const MODES = ['length', 'newline'] as const;
const FAMILY = '👨‍👩‍👧‍👦';

const byLength = (text: string, limit: number) => chunkText(text, { limit, mode: 'length' });
const byNewline = (text: string, limit: number) => chunkText(text, { limit, mode: 'newline' });
const size = (text: string) => [...text].length;

afterEach(() => {
  vi.restoreAllMocks();
});

describe('the limit', () => {
  test('a text within the limit is one piece, and no segmenter is asked', () => {
    const segment = vi.spyOn(Intl.Segmenter.prototype, 'segment');
    expect(byLength('你好\n👋', 4)).toEqual(['你好\n👋']);
    expect(byLength(`${'e\u0301'.repeat(50)}`, 100)).toEqual(['e\u0301'.repeat(50)]);
    expect(segment).not.toHaveBeenCalled();
    expect(stepsOf('a\n'.repeat(50), { limit: 100, mode: 'length' })).toBe(0);
  });

  test('counts code points: an emoji of two UTF-16 units is one character', () => {
    expect(byLength('👍'.repeat(10), 10)).toEqual(['👍'.repeat(10)]);
    expect(byLength('👍'.repeat(11), 10)).toEqual(['👍'.repeat(10), '👍']);
  });

  test.each([0, -1, 0.5, Number.NaN])('%s is refused', (limit) => {
    expect(() => byLength('x', limit)).toThrow(RangeError);
  });

  test('1 gives one character a piece', () => {
    expect(byLength('你a👍', 1)).toEqual(['你', 'a', '👍']);
  });
});

describe('where it cuts, in length mode', () => {
  const rows: readonly [name: string, text: string, limit: number, pieces: readonly string[]][] = [
    ['a paragraph end before a later line end', 'aaaa\n\nbb\ncc ddddd', 12, ['aaaa\n\n', 'bb\ncc ddddd']],
    [
      'a paragraph end with blanks on the empty line',
      'aaaa\r\n \r\nb\r\ncccccccc',
      14,
      ['aaaa\r\n \r\n', 'b\r\ncccccccc'],
    ],
    ['a line end before a later sentence end', 'aaaaaa\nb。ccccc', 10, ['aaaaaa\n', 'b。ccccc']],
    ['a lone CR is a line end', 'aaaaaa\rb。ccccc', 10, ['aaaaaa\r', 'b。ccccc']],
    ['a sentence end before a later blank', 'aaaaa。b ccccc', 10, ['aaaaa。', 'b ccccc']],
    ['an English sentence keeps its blank', 'Hello. My bbbbbb', 12, ['Hello. ', 'My bbbbbb']],
    ['a sentence keeps its closing quote', '“你好吗？”她问道她', 8, ['“你好吗？”', '她问道她']],
    ['marks that belong together stay together', '你好吗？！他走了', 6, ['你好吗？！', '他走了']],
    ['an ellipsis of two stays whole', '你好吗……他走了', 6, ['你好吗……', '他走了']],
    ['no sentence ends in a number or an address', 'aaa 3.5b?cdef', 10, ['aaa 3.5b?c', 'def']],
    ['no sentence ends before its closing quote', '你好吗。他“好！”了', 8, ['你好吗。', '他“好！”了']],
    ['a blank', 'aaaa bb cccc', 10, ['aaaa bb ', 'cccc']],
    ['an ideographic blank', '你好世　界你好', 6, ['你好世　', '界你好']],
    ['anywhere when there is no pause', 'abcdefghij', 4, ['abcd', 'efgh', 'ij']],
    ['not at a pause that leaves less than half', 'a\n\nbcdefghijklm', 10, ['a\n\nbcdefgh', 'ijklm']],
    ['at a pause that leaves just half', 'abc\n\nbcdefghijklm', 10, ['abc\n\n', 'bcdefghijk', 'lm']],
  ];
  test.each(rows)('%s', (_name, text, limit, pieces) => {
    expect(byLength(text, limit)).toEqual(pieces);
  });
});

describe('where it cuts, in newline mode', () => {
  test('at the last line end, however short the piece', () => {
    expect(byNewline('a\nbcdef ghij', 10)).toEqual(['a\n', 'bcdef ghij']);
    expect(byNewline('aaaa\n\nbb\ncc ddddd', 12)).toEqual(['aaaa\n\nbb\n', 'cc ddddd']);
  });

  test('as in length mode where a piece has no line end', () => {
    expect(byNewline('aaaaa。b ccccc', 10)).toEqual(['aaaaa。', 'b ccccc']);
  });
});

describe('graphemes', () => {
  const rows: readonly [name: string, grapheme: string][] = [
    ['a family', FAMILY],
    ['a flag', '🇨🇳'],
    ['a skin tone', '👍🏽'],
    ['a keycap', '1️⃣'],
    ['a flag of tags', '🏴󠁧󠁢󠁥󠁮󠁧󠁿'],
    ['a combining mark', 'e\u0301'],
    ['Hangul jamo', '\u1112\u1161\u11ab'],
    ['a Devanagari syllable', 'क्षि'],
    ['CRLF between words', 'x\r\n'],
    ['a sentence mark as emoji', '!\ufe0f'],
    ['a blank with an accent', 'x \u0301'],
  ];
  test.each(rows)('%s is never cut', (_name, grapheme) => {
    const length = size(grapheme);
    for (let limit = length; limit <= 3 * length; limit += 1) {
      for (const pad of ['', 'a', '好好']) {
        const text = `${pad}${grapheme.repeat(20)}z`;
        const pieces = byLength(text, limit);
        expect(pieces.join('')).toBe(text);
        expect(cutGraphemes(text, pieces)).toEqual([]);
      }
    }
  });

  test('no character is cut off from the mark before it that it joins', () => {
    const segmenter = new Intl.Segmenter('und', { granularity: 'grapheme' });
    const cut: string[] = [];
    let paused = 0;
    for (const [from, to] of [
      [0x20, 0xd7ff],
      [0xe000, 0x1ffff],
      [0xe0000, 0xe01ff],
    ] as const) {
      for (let code = from; code <= to; code += 1) {
        const next = String.fromCodePoint(code);
        const [first = ''] = byLength(`ab ${next}cd`, 4);
        if (first !== 'ab ') continue;
        paused += 1;
        if (segmenter.segment(` ${next}`).containing(1)?.index !== 1) cut.push(code.toString(16));
      }
    }
    expect(cut).toEqual([]);
    expect(paused).toBeGreaterThan(100_000);
  });

  test('one longer than the limit is cut between code points, without loss', () => {
    const zalgo = `z${'\u0301\u{1d165}'.repeat(30)}`;
    const pieces = byLength(`ab${zalgo}cd`, 10);
    expect(pieces.join('')).toBe(`ab${zalgo}cd`);
    expect(pieces.map(size)).toEqual([2, 10, 10, 10, 10, 10, 10, 3]);
    for (const piece of pieces) expect(piece).not.toMatch(/\p{Surrogate}/u);
    expect(byLength(FAMILY, 3)).toEqual(['👨‍👩', '‍👧‍', '👦']);
  });

  test('half a surrogate pair in the text is a character like others', () => {
    expect(byLength('\ud83d\ud83d\ud83dab', 2)).toEqual(['\ud83d\ud83d', '\ud83da', 'b']);
  });
});

describe('weights', () => {
  const weigh: Weigh = (text, at) => (text[at] === '&' ? 5 : 1);
  const cut = (text: string, limit: number) => chunkText(text, { limit, mode: 'length', weigh });

  test('a character counts what it weighs, in the slice and in the fences around it', () => {
    expect(cut('a&b&c', 13)).toEqual(['a&b&c']);
    expect(cut('a&b&c', 12)).toEqual(['a&b&', 'c']);
    expect(cut('```&\n'.concat('x'.repeat(20), '\n```'), 28)).toEqual([
      '```&\nxxxxxxxxxxxxxxx\n```', // 9 + 15 + 4
      '```&\nxxxxx\n```',
    ]);
  });

  test('one that is heavier than the limit is a piece of its own', () => {
    expect(cut('a&&b', 3)).toEqual(['a', '&', '&', 'b']);
  });

  test('a text twice as long is weighed twice as often', () => {
    const weighings = (text: string) => {
      let count = 0;
      const counting: Weigh = (whole, at) => {
        count += 1;
        return weigh(whole, at);
      };
      chunkText(text, { limit: 500, mode: 'length', weigh: counting });
      return count;
    };
    for (const unit of ['a&b ', '```ts\na&\n```\n', '``` x\n', '&', ' \n', '& ']) {
      const text = unit.repeat(Math.ceil(12_000 / unit.length));
      expect(weighings(text + text)).toBeLessThan(2.2 * weighings(text) + 5000);
      expect(weighings(text)).toBeLessThan(6 * text.length);
    }
  });
});

describe('code fences', () => {
  test('a fence is closed and reopened with its info string; the line end stays where it was', () => {
    expect(byLength('look:\n```ts\nconst a = 1;\nconst b = 2;\nconst c = 3;\n```\nbye', 40)).toEqual([
      'look:\n```ts\nconst a = 1;\n```',
      '```ts\nconst b = 2;\nconst c = 3;\n```\nbye',
    ]);
  });

  test('a cut within a line of code gets a line end before the closing fence', () => {
    expect(byLength(`\`\`\`\n${'x'.repeat(30)}\n\`\`\``, 20)).toEqual([
      `\`\`\`\n${'x'.repeat(12)}\n\`\`\``,
      `\`\`\`\n${'x'.repeat(12)}\n\`\`\``,
      `\`\`\`\n${'x'.repeat(6)}\n\`\`\``,
    ]);
  });

  const openings: readonly [name: string, opening: string, reopened: string, closing: string][] = [
    ['tildes', '~~~\n', '~~~\n', '~~~'],
    ['a longer fence', '`````md title="a b"\n', '`````md title="a b"\n', '`````'],
    ['an indented fence', '   ```py\n', '   ```py\n', '```'],
    ['CRLF', '```py\r\n', '```py\r\n', '```'],
    ['tildes with backticks in the info string', '~~~ a`b\n', '~~~ a`b\n', '~~~'],
  ];
  test.each(openings)('%s', (_name, opening, reopened, closing) => {
    const [first = '', second = '', ...rest] = byLength(`${opening}${'line 1\n'.repeat(9)}${closing}\n`, 60);
    expect(first.startsWith(opening)).toBe(true);
    expect(first.endsWith(`line 1\n${closing}`)).toBe(true);
    expect(second.startsWith(`${reopened}line 1\n`)).toBe(true);
    expect(`${second}${rest.join('')}`.endsWith(`line 1\n${closing}\n`)).toBe(true);
  });

  const notFences: readonly [name: string, text: string][] = [
    ['four blanks of indent', '    ```\n'],
    ['backticks in the info string', '``` a`b\n'],
    ['two backticks', '``\n'],
    ['in the middle of a line', 'x ```\n'],
  ];
  test.each(notFences)('%s: no fence', (_name, opening) => {
    const text = `${opening}${'line 1\n'.repeat(9)}`;
    const pieces = byLength(text, 40);
    expect(pieces.length).toBeGreaterThan(1);
    expect(pieces.join('')).toBe(text);
  });

  test('a shorter fence, another kind and a fence with words do not close it', () => {
    for (const inner of ['```', '~~~~', '```` x']) {
      const pieces = byLength(`\`\`\`\`\n${inner}\n${'line 1\n'.repeat(9)}\`\`\`\`\n`, 50);
      expect(pieces.length).toBeGreaterThan(1);
      for (const piece of pieces) expect(piece).toMatch(/^````\n[\s\S]*\n````\n?$/);
    }
  });

  test('a fence that is not closed in the text stays open in the last piece alone', () => {
    expect(byLength('```\naaaaaa\nbbbbbb\ncccccccc\n', 18)).toEqual([
      '```\naaaaaa\n```',
      '```\nbbbbbb\n```',
      '```\ncccccccc\n',
    ]);
  });

  test('no empty fence is left at a cut: not after the opening line, not before the closing line', () => {
    for (let limit = 24; limit < 70; limit += 1) {
      const text = `${'word '.repeat(6)}\n\`\`\`ts\nlet a;\nlet b;\nlet c;\n\`\`\`\n${'word '.repeat(6)}`;
      for (const piece of byLength(text, limit)) expect(piece).not.toMatch(/```ts\n```/);
    }
  });

  test('a cut makes no fence of backticks in the middle of a line', () => {
    for (let limit = 20; limit < 60; limit += 1) {
      const text = `${'字'.repeat(18)} \`\`\`a b\`\`\` ${'字'.repeat(18)} ~~~~ ${'字'.repeat(18)}`;
      const pieces = byLength(text, limit);
      expect(pieces.join('')).toBe(text);
      for (const piece of pieces) expect(piece).not.toMatch(/^ {0,3}(```|~~~)/);
    }
  });

  test('a line of code that begins like a fence is not cut, which would make it one', () => {
    const inner = `\`\`\` ${'y'.repeat(25)}\n`;
    expect(byLength(`\`\`\`\n${'x'.repeat(24)}\n${inner}z\n\`\`\``, 60)).toEqual([
      `\`\`\`\n${'x'.repeat(24)}\n\`\`\``,
      `\`\`\`\n${inner}z\n\`\`\``,
    ]);
  });

  test('a line that begins like a fence is cut all the same when blanks would be lost otherwise', () => {
    const blanks = '\n'.repeat(13);
    expect(byLength(`${blanks}\`\`\` a\`bcd`, 20)).toEqual([`${blanks}\`\`\` a\`b`, 'cd']);
  });

  test('when the fence would take more than half of the limit it is cut as plain text', () => {
    const text = `\`\`\`a-long-info-string\n${'line 1\n'.repeat(9)}\`\`\`\n`;
    expect(byLength(text, 40).join('')).toBe(text);
    expect(byLength('```\nabcdef\n```', 5).join('')).toBe('```\nabcdef\n```');
  });
});

describe('blanks', () => {
  test('a text of blanks only has no piece', () => {
    expect(byLength('', 5)).toEqual([]);
    expect(byLength(' \n', 5)).toEqual([]);
    expect(byLength(' \n'.repeat(9), 5)).toEqual([]);
  });

  test('blanks at the end take something visible with them into the last piece', () => {
    expect(byLength('abcdefghij\n', 10)).toEqual(['abcdefghi', 'j\n']);
    expect(byLength('abcdef ghi\n\n', 10)).toEqual(['abcdef ', 'ghi\n\n']);
    expect(byLength(`abcdefg${FAMILY}\n`, 14)).toEqual(['abcdefg', `${FAMILY}\n`]);
  });

  test('more blanks at the end than half the limit are left out beyond the last piece', () => {
    expect(byLength(`abcdefgh${'\n'.repeat(500)}`, 10)).toEqual(['abcdefgh\n\n']);
    expect(byLength(`abcdefghijkl${'\n'.repeat(500)}`, 10)).toEqual(['abcdefghij', `kl${'\n'.repeat(8)}`]);
  });

  test('blanks left out at the end of an open fence do not close it', () => {
    expect(byLength(`\`\`\`\nabc${'\n'.repeat(500)}`, 20)).toEqual([`\`\`\`\nabc${'\n'.repeat(13)}`]);
    const accents = `e${'\u0301'.repeat(10)}`;
    expect(byLength(`\`\`\`\naaaaaaa\n${accents}\n\n`, 16)).toEqual(['```\naaaaaaa\n```', `\`\`\`\n${accents}\n`]);
  });

  test('a run that fits goes along with its neighbours', () => {
    expect(byLength(`a${' '.repeat(16)}b`, 10)).toEqual([`a${' '.repeat(9)}`, `${' '.repeat(7)}b`]);
  });

  test('a run that fits nowhere is left out', () => {
    expect(byLength(`a${'\n'.repeat(60)}b`, 10)).toEqual([`a${'\n'.repeat(9)}`, 'b']);
    expect(byLength(`${'\n'.repeat(60)}b`, 10)).toEqual(['b']);
    expect(byLength(`    ${FAMILY}`, 8)).toEqual([FAMILY]);
  });
});

describe('for any text', () => {
  const plain = fc.constantFrom(
    ...[
      'a',
      'word',
      '3.5',
      '.',
      '!',
      '? ',
      '好',
      '你好',
      '。',
      '！”',
      '…',
      '（',
      '）',
      ' ',
      '　',
      '\n',
      '\n\n',
      '\r\n',
    ],
    ...[
      '\r',
      '\t',
      '👍',
      '👍🏽',
      FAMILY,
      '🇨🇳',
      '🇩',
      'e\u0301',
      '\u0301',
      ' \u0301',
      '\u1112\u1161',
      '\u11ab',
      '\u200d',
    ],
    ...['!\ufe0f', 'क्षि', '\ud83d', '\udc00', '`', '~', '*'],
  );
  const zalgo = fc.integer({ min: 5, max: 60 }).map((marks) => `z${'\u0301'.repeat(marks)}`);
  const blankRun = fc.integer({ min: 1, max: 40 }).map((count) => ' '.repeat(count));
  const hostile = fc
    .array(fc.oneof({ arbitrary: plain, weight: 20 }, zalgo, blankRun, fc.string({ unit: 'binary' })), {
      maxLength: 120,
    })
    .map((parts) => parts.join(''));

  const eol = fc.constantFrom('\n', '\n', '\n', '\r\n');
  const fenceLine = fc
    .tuple(
      fc.constantFrom('', '', '  ', '   ', '    '),
      fc.constantFrom('```', '```', '~~~', '````'),
      fc.constantFrom('', '', 'ts', ' 中', ' a`'),
    )
    .map((parts) => parts.join(''));
  const part = fc.oneof(
    { arbitrary: plain, weight: 9 },
    fc.constantFrom('```', ' ~~~', 'function', '你好世界你好世界'),
  );
  const line = fc.array(part, { maxLength: 30 }).map((parts) => parts.join(''));
  const fenced = fc
    .tuple(fenceLine, fc.array(fc.oneof(line, fenceLine), { maxLength: 8 }), fc.boolean(), eol)
    .map(
      ([fence, lines, closed, end]) => [fence, ...lines, closed ? fence.replace(/[^`~ ].*/, '') : ''].join(end) + end,
    );
  const markdown = fc
    .array(
      fc.oneof(
        fenced,
        fc.tuple(line, eol).map((parts) => parts.join('')),
      ),
      { maxLength: 12 },
    )
    .map((parts) => parts.join(''));

  const mode = fc.constantFrom(...MODES);
  const small = fc.record({ limit: fc.integer({ min: 1, max: 40 }), mode });
  const heavy: Weigh = (text, at) => (/[`~*]/.test(text.charAt(at)) ? 2 : /[a.。]/.test(text.charAt(at)) ? 3 : 1);
  const roomy = fc.oneof(
    fc.record({ limit: fc.integer({ min: 60, max: 160 }), mode, weigh: fc.constant(weighAlike) }),
    fc.record({ limit: fc.integer({ min: 100, max: 200 }), mode, weigh: fc.constant(heavy) }),
  );

  test('no piece is over the limit, blank, or different the second time', () => {
    fc.assert(
      fc.property(fc.oneof(hostile, markdown), fc.oneof(small, roomy), (text, options) => {
        const pieces = chunkText(text, options);
        expect(chunkText(text, options)).toEqual(pieces);
        for (const piece of pieces) {
          expect(sizeOf(piece, 'weigh' in options ? options.weigh : weighAlike)).toBeLessThanOrEqual(options.limit);
          expect(piece).toMatch(/\S/);
        }
      }),
      { numRuns: 1000 },
    );
  });

  test('without fences the pieces joined are the text, but for blanks that fit nowhere', () => {
    fc.assert(
      fc.property(hostile, small, (text, options) => {
        fc.pre(/\S/.test(text) && !/```|~~~/.test(text));
        let at = 0;
        for (const piece of chunkText(text, options)) {
          if (!text.startsWith(piece, at)) at = skipUselessBlanks(text, at, options.limit);
          // Of a grapheme longer than the limit even the blank it stands on can be in the way.
          if (!text.startsWith(piece, at) && /\s/.test(text.charAt(at))) at += 1;
          expect(text.slice(at, at + piece.length)).toBe(piece);
          at += piece.length;
        }
        if (at < text.length) {
          expect(text.slice(at)).toMatch(/^\s+$/);
          const blanks = text.length - text.trimEnd().length;
          const lastGrapheme = graphemes(text.trimEnd()).at(-1) ?? '';
          if (blanks <= options.limit / 2) expect(blanks + size(lastGrapheme)).toBeGreaterThan(options.limit);
        }
      }),
      { numRuns: 3000 },
    );
  });

  test('no grapheme is cut that fits into a piece', () => {
    fc.assert(
      fc.property(hostile, small, (text, options) => {
        const pieces = chunkText(text, options);
        fc.pre(pieces.join('') === text);
        for (const cut of cutGraphemes(text, pieces)) expect(size(cut)).toBeGreaterThan(options.limit);
      }),
      { numRuns: 3000 },
    );
  });

  test('without the inserted fences the pieces are the text, and each piece closes what it opens', () => {
    let cutFences = 0;
    fc.assert(
      fc.property(markdown, roomy, (text, options) => {
        fc.pre(!/\s{15}/.test(text));
        // Longer fences may be more than half of the limit.
        fc.pre(!/^ {0,3}(```|~~~).{10}/m.test(text));
        const pieces = chunkText(text, options);
        const cuts = cutsOf(text, pieces);
        expect(cuts?.at(-1) ?? 0).toBe(text.trim() === '' ? 0 : text.length);
        const starts = new Set(graphemeStarts(text));
        for (const at of cuts ?? []) expect(starts.has(at)).toBe(true);
        const unclosed = fencesOf(text).some(({ closed }) => !closed);
        for (const piece of unclosed ? pieces.slice(0, -1) : pieces) {
          expect(fencesOf(piece).every(({ closed }) => closed)).toBe(true);
        }
        cutFences += (cuts ?? []).filter((at) => fenceAround(text, at) !== undefined).length;
      }),
      { numRuns: 3000 },
    );
    expect(cutFences).toBeGreaterThan(300);
  });
});

describe('a text twice as long costs twice as much', () => {
  const worst: readonly [name: string, unit: string][] = [
    ['letters', 'abcdefghij'],
    ['prose', '这是一个句子。It goes on, and on.\n'],
    ['families', FAMILY],
    ['flags', '🇨🇳'],
    ['blanks that no cut may use', ' \u0301'],
    ['marks that no cut may use', '。\ufe0f'],
    ['one endless grapheme', '\u0301'],
    ['blank lines', ' \n'],
    ['blank runs', `${' '.repeat(3000)}x`],
    ['short lines in fences', '```ts\na\nb\n```\n'],
    ['one fence that never closes', 'a\n``` x\n'],
    ['backticks', '`'],
    ['inline fences', 'a``` '],
  ];
  const all = worst.flatMap(([name, unit]) =>
    MODES.flatMap((mode) => [16, 100, 2000].map((limit) => [name, unit, { mode, limit }] as const)),
  );
  test.each(all)('%s %#', (_name, unit, options) => {
    const text = `x${unit.repeat(Math.ceil(12_000 / unit.length))}x`;
    const once = stepsOf(text, options);
    const twice = stepsOf(text + text, options);
    expect(twice).toBeLessThan(2.5 * once + 10 * options.limit);
    expect(twice).toBeLessThan(30 * 2 * text.length);
  });
});

/** Characters looked at, one by one or by the segmenter. */
function stepsOf(text: string, options: ChunkOptions): number {
  let steps = 0;
  const { charCodeAt, charAt } = String.prototype;
  const { segment } = Intl.Segmenter.prototype;
  vi.spyOn(Intl.Segmenter.prototype, 'segment').mockImplementation(function (this: Intl.Segmenter, input) {
    steps += input.length;
    return segment.call(this, input);
  });
  // By hand: a spy would keep every call.
  String.prototype.charCodeAt = function (at) {
    steps += 1;
    return charCodeAt.call(this, at);
  };
  String.prototype.charAt = function (at) {
    steps += 1;
    return charAt.call(this, at);
  };
  try {
    chunkText(text, options);
  } finally {
    Object.assign(String.prototype, { charCodeAt, charAt });
    vi.restoreAllMocks();
  }
  return steps;
}

function graphemes(text: string): readonly string[] {
  return Array.from(new Intl.Segmenter('und', { granularity: 'grapheme' }).segment(text), ({ segment }) => segment);
}

/** Where graphemes begin, and the end of the text. */
function graphemeStarts(text: string): readonly number[] {
  let at = 0;
  return [
    0,
    ...graphemes(text).map((grapheme) => {
      at += grapheme.length;
      return at;
    }),
  ];
}

/** The graphemes of `text` that lie in more than one of the pieces, which joined are the text. */
function cutGraphemes(text: string, pieces: readonly string[]): readonly string[] {
  const ends = new Set<number>();
  let end = 0;
  for (const piece of pieces) {
    end += piece.length;
    ends.add(end);
  }
  let at = 0;
  return graphemes(text).filter((grapheme) => {
    const from = at;
    at += grapheme.length;
    return [...ends].some((cut) => from < cut && cut < at);
  });
}

/** Past blanks that with the next grapheme are too long for a piece; where the blanks are of use, it stays. */
function skipUselessBlanks(text: string, at: number, limit: number): number {
  const visible = text.slice(at).search(/\S/) + at;
  const start = graphemeStarts(text).findLast((from) => from <= visible) ?? visible;
  const grapheme = graphemes(text.slice(start))[0] ?? '';
  const run = text.slice(0, visible).match(/\s*$/)?.[0] ?? '';
  const rest = text.slice(start + grapheme.length);
  const end = rest.trim() === '' ? rest : '';
  return size(run) + size(grapheme) + size(end) > limit ? (start > at ? start : visible) : at;
}

interface PlainFence {
  readonly bodyFrom: number;
  readonly bodyTo: number;
  readonly opening: string;
  readonly marker: string;
  readonly closed: boolean;
}

/** The fences of a text, line by line: the second opinion to the search of `chunkText`. */
function fencesOf(text: string): readonly PlainFence[] {
  const fences: PlainFence[] = [];
  let open: Omit<PlainFence, 'bodyTo' | 'closed'> | undefined;
  let at = 0;
  for (const line of text.split(/(?<=\n)|(?<=\r)(?!\n)/)) {
    const words = line.replace(/[ \t\r\n]+$/, '');
    const marker = words.match(/^ {0,3}(`{3,}|~{3,})/)?.[1];
    const info = marker === undefined ? '' : words.trimStart().slice(marker.length);
    if (marker !== undefined && open === undefined && !(marker[0] === '`' && info.includes('`'))) {
      open = { bodyFrom: at + line.length, opening: line, marker };
    } else if (marker !== undefined && open !== undefined && info === '' && marker.startsWith(open.marker)) {
      fences.push({ ...open, bodyTo: at, closed: true });
      open = undefined;
    }
    at += line.length;
  }
  if (open !== undefined) fences.push({ ...open, bodyTo: text.length, closed: false });
  return fences;
}

function fenceAround(text: string, at: number): PlainFence | undefined {
  return fencesOf(text).find(({ bodyFrom, bodyTo }) => bodyFrom < at && at < bodyTo);
}

/**
 * Where the slices of the text end that the pieces hold, when each piece is the reopened fence, a slice that adjoins
 * the one before, and the closing fence, the first and last exactly where a cut is in a fence; else undefined.
 */
function cutsOf(text: string, pieces: readonly string[], from = 0): readonly number[] | undefined {
  const [piece, ...others] = pieces;
  if (piece === undefined) return [];
  const opening = fenceAround(text, from)?.opening ?? '';
  if (!piece.startsWith(opening)) return undefined;
  const rest = piece.slice(opening.length);
  let length = 0;
  while (length < rest.length && rest[length] === text[from + length]) length += 1;
  for (; length > 0; length -= 1) {
    const end = from + length;
    const fence = others.length === 0 ? undefined : fenceAround(text, end);
    const lineEnd = /[\r\n]$/.test(text.slice(0, end)) ? '' : (fence?.opening.match(/[\r\n]+$/)?.[0] ?? '');
    if (rest.slice(length) !== (fence === undefined ? '' : lineEnd + fence.marker)) continue;
    const later = cutsOf(text, others, end);
    if (later !== undefined) return [end, ...later];
  }
  return undefined;
}
