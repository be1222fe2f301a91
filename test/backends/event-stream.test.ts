/** Server-sent events, however their text is cut and whatever ends their lines. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { eventData } from '../../src/backends/event-stream.js';

async function dataOf(pieces: readonly string[]): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const data of eventData(piecemeal(pieces))) found.push(data);
  return found;
}

async function* piecemeal(pieces: readonly string[]): AsyncIterable<string> {
  yield* pieces;
}

const line = fc.string().map((text) => text.replace(/[\r\n]/g, ''));
const lineEnd = fc.constantFrom('\n', '\r', '\r\n');
const other = fc.constantFrom(': ping', 'event: x', 'id: 7', 'retry: 5', 'dataset: no', ':', 'unknown');

test('each event comes whole, wherever its text is cut', async () => {
  const events = fc.array(fc.array(line, { minLength: 1, maxLength: 3 }), { maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(
      events,
      lineEnd,
      fc.array(other, { maxLength: 3 }),
      fc.array(fc.nat(200)),
      async (lines, end, others, cuts) => {
        const text = lines
          .map((event) => [...others, ...event.map((one) => `data: ${one}`), ''].map((one) => one + end).join(''))
          .join('');
        const places = [...new Set(cuts.filter((place) => place < text.length))].sort((a, b) => a - b);
        const pieces = [0, ...places].map((place, i) => text.slice(place, places[i] ?? text.length));
        expect(await dataOf(pieces)).toEqual(lines.map((event) => event.join('\n')));
      },
    ),
  );
});

test.each([
  ['data:no blank\n\n', ['no blank']],
  ['data:  one blank is no part of it\n\n', [' one blank is no part of it']],
  ['data\n\n', ['']],
  ['data:\n\n', ['']],
  ['\n\n: nothing\n\n', []],
  ['data: not ended', ['not ended']],
  ['data: not ended\ndata: at all', ['not ended\nat all']],
])('%j has the data %j', async (text, data) => {
  expect(await dataOf([text])).toEqual(data);
  expect(await dataOf([...text])).toEqual(data);
});
