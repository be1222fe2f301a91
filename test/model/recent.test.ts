/** The newest so many words, and no others. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Recent } from '../../src/model/recent.js';

test('holds what a list of the newest different words holds', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5 }), fc.array(fc.constantFrom(...'abcdefgh')), (kept, words) => {
      const recent = new Recent(kept);
      let expected: string[] = [];
      for (const word of words) {
        const isNew = !expected.includes(word);
        const pushedOut = isNew && expected.length === kept ? expected[0] : undefined;
        expect(recent.add(word)).toBe(pushedOut);
        if (isNew) expected = [...expected, word].slice(-kept);
        for (const any of 'abcdefgh') expect(recent.has(any)).toBe(expected.includes(any));
      }
    }),
  );
});
