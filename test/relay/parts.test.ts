/** A message in as many parts as it needs: nothing lost, nothing too long, nothing cut that fits. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { plainText, type Segment } from '../../src/model/message.js';
import type { PeerId } from '../../src/model/target.js';
import { partsOf } from '../../src/relay/parts.js';

const text = (content: string): Segment => ({ type: 'text', text: content });
const markdown = (content: string): Segment => ({ type: 'markdown', markdown: content });
const usual = { limit: 2000, mode: 'length' } as const;
const sizes = (parts: readonly (readonly Segment[])[]) => parts.map((part) => [...plainText(part)].length);

test('what fits into one part stays exactly as it is', () => {
  const segments = [text('a'), text('b'), { type: 'mention', peer: 'bob' as PeerId } as const];
  expect(partsOf(segments, usual)).toEqual([segments]);
  expect(partsOf([text('\u{1F409}'.repeat(2000))], usual)).toHaveLength(1); // counted as a reader counts
});

test('without a limit nothing is cut', () => {
  expect(partsOf([text('x'.repeat(90_000))], undefined)).toHaveLength(1);
});

test('a text that came in many pieces is cut as one text', () => {
  const parts = partsOf(
    Array.from({ length: 500 }, () => text('0123456789')),
    usual,
  );
  expect(sizes(parts)).toEqual([2000, 2000, 1000]);
  expect(parts.every((part) => part.length === 1)).toBe(true);
});

test('a quote belongs to the first part only, wherever it stood', () => {
  const quote: Segment = { type: 'quote', message: 'REF' };
  const [first, ...rest] = partsOf([text('x'.repeat(3000)), quote, text('y')], usual);
  expect(first?.[0]).toEqual(quote);
  expect(rest.flat().map((segment) => segment.type)).toEqual(['text']);
});

test('markdown stays markdown, with its code fences whole in every part', () => {
  const code = `\`\`\`js\n${'call();\n'.repeat(400)}\`\`\`\n`;
  const parts = partsOf([markdown(code)], usual);
  expect(parts.length).toBeGreaterThan(1);
  for (const part of parts) {
    expect(part).toMatchObject([{ type: 'markdown' }]);
    expect(plainText(part).match(/^```/gm)).toHaveLength(2);
  }
});

test('a mention before a long text is not left alone', () => {
  const mention: Segment = { type: 'mention', peer: 'bob' as PeerId, name: 'bob' };
  const [first] = partsOf([mention, text('x'.repeat(3000))], usual);
  expect(first?.map((segment) => segment.type)).toEqual(['mention', 'text']);
});

test.each([
  [9000, 5, [2000, 2000, 2000, 2000, 1000]],
  [9000, 4, [5000, 4000]],
  [26_000, 4, [5000, 5000, 5000, 5000, 5000, 1000]],
])('%d characters with %d places to reply become parts of %j', (size, places, expected) => {
  expect(sizes(partsOf([text('x'.repeat(size))], usual, places))).toEqual(expected);
});

test('the mode of the account decides where is cut', () => {
  const lines = `${'a'.repeat(30)}\n${'b'.repeat(80)}`;
  expect(sizes(partsOf([text(lines)], { limit: 100, mode: 'newline' }))).toEqual([31, 80]);
  expect(sizes(partsOf([text(lines)], { limit: 100, mode: 'length' }))[0]).toBeGreaterThan(31);
});

test('whatever the segments, no part is too long or empty, and joined they are what was written', () => {
  const word = fc.stringMatching(/^[a-z]{1,12}$/);
  const segment = fc.oneof(
    fc.array(word, { minLength: 1, maxLength: 60 }).map((words) => text(words.join(' '))),
    fc.array(word, { minLength: 1, maxLength: 60 }).map((words) => markdown(words.join(' '))),
    word.map((name): Segment => ({ type: 'mention', peer: name as PeerId, name })),
  );
  fc.assert(
    fc.property(
      fc.array(segment, { minLength: 1, maxLength: 12 }),
      fc.integer({ min: 50, max: 300 }),
      (list, limit) => {
        const parts = partsOf(list, { limit, mode: 'length' });
        expect(parts.map((part) => plainText(part)).join('')).toBe(plainText(list));
        for (const size of sizes(parts)) {
          expect(size).toBeGreaterThan(0);
          expect(size).toBeLessThanOrEqual(limit);
        }
      },
    ),
  );
});
