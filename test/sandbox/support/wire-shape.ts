/** Compares what was emitted with a frame of the fact sheet: the same keys, the same JSON types, and the formats that strings follow. */
import { readFileSync } from 'node:fs';
import { expect } from 'vitest';

/** Formats, first match wins: a string in the fixture that follows one must be answered by one that follows it too. */
const FORMATS: readonly (readonly [name: string, format: RegExp])[] = [
  ['RFC 3339 +08:00', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+08:00$/],
  ['message id', /^ROBOT1\.0_[\w.-]+!{1,2}$/],
  ['event id', /^[A-Z][A-Z0-9_]+:[a-z0-9-]+$/],
  ['reference index', /^REFIDX_[\w+/]+={0,2}$/],
  ['ref_msg_idx', /^ref_msg_idx=REFIDX_[\w+/]+={0,2}$/],
  ['msg_idx', /^msg_idx=REFIDX_[\w+/]+={0,2}$/],
  ['uuid', /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/],
  ['trace id', /^[0-9a-f]{32}$/],
  ['decimal', /^\d+$/],
  ['gateway url', /^ws:\/\/127\.0\.0\.1:\d+\/websocket$/],
  ['gateway url with slash', /^ws:\/\/127\.0\.0\.1:\d+\/websocket\/$/],
];

export function fixture(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`../../fixtures/qqbot/${name}.json`, import.meta.url), 'utf8'));
}

/** Asserts that there is no difference to the sheet's frame of this name. */
export function expectShape(emitted: unknown, name: string): void {
  expect(shapeDifferences(emitted, fixture(name)), JSON.stringify(emitted)).toEqual([]);
}

/** @returns every difference, as `path: what`; none when the shapes agree. */
export function shapeDifferences(emitted: unknown, sheet: unknown, path = '$'): readonly string[] {
  if (typeOf(emitted) !== typeOf(sheet)) return [`${path}: ${typeOf(emitted)} where the sheet has ${typeOf(sheet)}`];
  if (typeof sheet === 'string') return stringDifferences(emitted as string, sheet, path);
  if (Array.isArray(sheet)) return arrayDifferences(emitted as unknown[], sheet, path);
  if (typeof sheet !== 'object' || sheet === null) return [];
  const ours = emitted as Record<string, unknown>;
  const theirs = sheet as Record<string, unknown>;
  const keys = [...new Set([...Object.keys(ours), ...Object.keys(theirs)])];
  return keys.flatMap((key) => {
    if (!(key in theirs)) return [`${path}.${key}: not in the sheet`];
    if (!(key in ours)) return [`${path}.${key}: missing`];
    return shapeDifferences(ours[key], theirs[key], `${path}.${key}`);
  });
}

function stringDifferences(emitted: string, sheet: string, path: string): readonly string[] {
  const format = FORMATS.find(([, pattern]) => pattern.test(sheet));
  if (format === undefined || format[1].test(emitted)) return [];
  return [`${path}: ${JSON.stringify(emitted)} is no ${format[0]}`];
}

function arrayDifferences(emitted: readonly unknown[], sheet: readonly unknown[], path: string): readonly string[] {
  if (emitted.length !== sheet.length) return [`${path}: ${emitted.length} items where the sheet has ${sheet.length}`];
  return sheet.flatMap((item, index) => shapeDifferences(emitted[index], item, `${path}[${index}]`));
}

/** JSON's types, with whole numbers apart. */
function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return Number.isInteger(value) ? 'integer' : typeof value;
}
