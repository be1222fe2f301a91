/** Messages that come late are said together: whole, in order, with how old they are, and never longer than the platform takes. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { howManyFit, type LateMessage, lateText } from '../../src/model/late-text.js';
import { plainText, type Segment } from '../../src/model/message.js';
import type { PeerId } from '../../src/model/target.js';

const NOW = 1_800_000_000_000;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const late = (text: string, ago = 0): LateMessage => ({ segments: [{ type: 'text', text }], at: NOW - ago });
const said = (...messages: readonly LateMessage[]) => plainText(lateText(messages, NOW));
/** As a guild writes it. */
const written = (text: string) => text.replace(/[&<>]/g, '&amp;').length;

describe('the note', () => {
  test.each([
    [MINUTE, ' 1 分钟前'],
    [HOUR - 1, ' 59 分钟前'],
    [HOUR, ' 1 小时前'],
    [2 * DAY - 1, ' 47 小时前'],
    [2 * DAY, ' 2 天前'],
  ])('of a message that is %d ms old tells its age: %s', (ago, age) => {
    expect(said(late('hello', ago))).toBe(`（迟到的消息，写于${age}）\nhello`);
  });

  test.each([-5000, 0, MINUTE - 1])(
    'of a message that is hardly late (%d ms) is left out, of several it is not',
    (ago) => {
      expect(said(late('hello', ago))).toBe('hello');
      expect(said(late('one', ago), late('two', ago))).toBe('（迟到的 2 条消息，最早写于刚才）\none\ntwo');
    },
  );

  test('of several tells how many, and the age of the oldest', () => {
    expect(said(late('one', 3 * HOUR), late('two', HOUR))).toBe('（迟到的 2 条消息，最早写于 3 小时前）\none\ntwo');
  });

  test('is left out where the text would grow too long by it', () => {
    expect(said(late('x'.repeat(4600), HOUR))).toBe('x'.repeat(4600));
  });

  test('is no part of what is no plain text: that comes as it is', () => {
    const segments: readonly Segment[] = [{ type: 'markdown', markdown: '**bold**' }];
    expect(lateText([{ segments, at: NOW - HOUR }], NOW)).toBe(segments);
  });
});

test('of nothing nothing is said', () => {
  expect(lateText([], NOW)).toEqual([]);
  expect(howManyFit([])).toBe(0);
});

describe('only plain text is put together:', () => {
  const others: readonly (readonly Segment[])[] = [
    [{ type: 'markdown', markdown: '# m' }],
    [
      { type: 'text', text: 'hi ' },
      { type: 'mention', peer: 'bob' as PeerId },
    ],
    [{ type: 'media', kind: 'image', url: 'https://example.test/x.png' }],
  ];

  test.each(others)('%j comes alone, and stops those before it', (...segments) => {
    const other = { segments, at: NOW };
    expect(howManyFit([other, late('a')])).toBe(1);
    expect(howManyFit([late('a'), late('b'), other, late('c')])).toBe(2);
  });
});

test('the first always comes, however long it is, and takes nothing along that is too much', () => {
  expect(howManyFit([late('x'.repeat(5000)), late('y')])).toBe(1);
  expect(howManyFit([late('x'.repeat(4000)), late('y'.repeat(490)), late('z'.repeat(10))])).toBe(2);
  expect(howManyFit([late('<'.repeat(900)), late('y'.repeat(10))])).toBe(1); // a guild writes &lt;
});

test('whatever is put together is whole, in order, and no longer than 4,600 characters as a guild writes it', () => {
  const text = fc.oneof(
    fc.string({ minLength: 1, maxLength: 300 }),
    fc.integer({ min: 1, max: 1500 }).map((n) => '<&>'.repeat(n / 3 + 1)),
    fc.integer({ min: 1, max: 3000 }).map((n) => 'x'.repeat(n)),
  );
  fc.assert(
    fc.property(fc.array(text, { minLength: 1, maxLength: 20 }), (texts) => {
      const messages = texts.map((content) => late(content, HOUR));
      const many = howManyFit(messages);
      expect(many).toBeGreaterThanOrEqual(1);
      const together = said(...messages.slice(0, many));
      expect(together.endsWith(texts.slice(0, many).join('\n'))).toBe(true);
      if (many > 1) expect(written(together)).toBeLessThanOrEqual(4600);
    }),
  );
});
