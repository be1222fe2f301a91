/** However much is logged at once, a line of the log stays short, and stays JSON. */
import { expect, test } from 'vitest';
import { boundedLine } from '../../src/telemetry/bounded-line.js';

const LONGEST = 8192;
const line = (fields: object) => `${JSON.stringify({ level: 'warn', time: '2026-11-21T00:00:00Z', ...fields })}\n`;

test('a short line is left as it is', () => {
  const short = line({ msg: 'hello', error: 'x'.repeat(2000) });
  expect(boundedLine(short)).toBe(short);
});

const deep = (levels: number): object => (levels === 0 ? { text: 'x'.repeat(9000) } : { inner: deep(levels - 1) });

test.for([
  ['a huge text', { error: 'x'.repeat(5_000_000), msg: 'short' }],
  ['a huge message', { msg: '龙'.repeat(100_000) }],
  ['a text of control characters', { error: '\u0001'.repeat(100_000), msg: 'short' }],
  ['many texts', { list: Array.from({ length: 10_000 }, (_, n) => `text ${n}`), msg: 'short' }],
  ['many fields', { ...Object.fromEntries(Array.from({ length: 5000 }, (_, n) => [`field${n}`, 'x'.repeat(500)])) }],
  ['a huge name of a field', { ['x'.repeat(100_000)]: 1 }],
  ['nested objects', { inner: deep(50), msg: 'short' }],
] as const)('%s is cut, and level and time stay', ([, fields]) => {
  const bounded = boundedLine(line(fields));
  expect(bounded.length).toBeLessThanOrEqual(LONGEST);
  expect(bounded.endsWith('\n')).toBe(true);
  expect(bounded.indexOf('\n')).toBe(bounded.length - 1);
  expect(JSON.parse(bounded)).toMatchObject({ level: 'warn', time: '2026-11-21T00:00:00Z' });
  if ('msg' in fields && fields.msg === 'short') expect(JSON.parse(bounded)).toMatchObject({ msg: 'short' });
});

test('what was cut says how long it was', () => {
  expect(boundedLine(line({ error: 'x'.repeat(50_000) }))).toContain('… (50000 characters)');
});
