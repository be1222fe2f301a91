import { expect, test } from 'vitest';
import { visible } from '../../src/cli/visible-text.js';

test('what acts on a terminal is shown by its number, everything else as it is', () => {
  expect(visible('a\u001b[2Jb\u009b1mc\u202ed\r\u0007')).toBe('a\\u001b[2Jb\\u009b1mc\\u202ed\\u000d\\u0007');
  const plain = '你好\n\tworld 👨‍👩‍👧 "quoted" \\ é';
  expect(visible(plain)).toBe(plain);
});

test('JSON stays the same value', () => {
  const value = { text: 'a\u001bb\u009bc\u202e\u2028\n' };
  expect(JSON.parse(visible(JSON.stringify(value, null, 2)))).toEqual(value);
});
