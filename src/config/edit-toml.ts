/** Sets and removes keys in the text of a TOML file, and leaves its comments, its order and all else as they are. */
import { isDeepStrictEqual } from 'node:util';
import { stringify, TomlError } from 'smol-toml';
import { tomlIn } from './toml.js';

export type TomlValue = string | number | boolean | readonly string[];

/** `value` undefined: the key is removed. */
export interface Edit {
  readonly table: readonly [string, ...string[]];
  readonly key: string;
  readonly value: TomlValue | undefined;
}

/** A value that stands on one line, and what is written behind it. */
const ONE_LINE = /^(\s*[A-Za-z0-9_-]+\s*=\s*)(?:"(?:[^"\\]|\\.)*"|'[^']*'|\[[^[\]#]*\]|[^\s"'[{#]+)(\s*(?:#.*)?)$/;
const HEADER = /^\s*\[[^[\]]+\]\s*(?:#.*)?$/;
const ANY_HEADER = /^\s*\[/;

/** The text with the edits made, or undefined where it is written in a way in which they cannot be made in place. */
export function editToml(text: string, edits: readonly Edit[]): string | undefined {
  if (edits.length === 0) return text;
  const expected = tomlIn(text);
  const lineEnd = text.includes('\r\n') ? '\r\n' : '\n';
  const lines = text.split(/\r?\n/);
  for (const edit of edits) {
    if (!editLines(lines, edit)) return undefined;
    put(expected, edit);
  }
  const edited = lines.join(lineEnd);
  return means(edited, expected) ? edited : undefined;
}

/** One `key = value` line. */
export function tomlLine(key: string, value: TomlValue): string {
  return stringify({ [key]: Array.isArray(value) ? [...value] : value }).trimEnd();
}

interface Table {
  [key: string]: unknown;
}

/** False for a value that is not on a line of its own. */
function editLines(lines: string[], { table, key, value }: Edit): boolean {
  const header = lines.findIndex((line) => isHeaderOf(line, table));
  if (header < 0) {
    if (value !== undefined) append(lines, `[${table.join('.')}]`, tomlLine(key, value));
    return true;
  }
  const next = lines.findIndex((line, i) => i > header && ANY_HEADER.test(line));
  const end = next < 0 ? lines.length : next;
  const at = lines.findIndex((line, i) => i > header && i < end && keyOf(line) === key);
  const old = lines[at];
  if (old === undefined) {
    if (value === undefined) return true;
    const last = lines.findLastIndex((line, i) => i >= header && i < end && !/^\s*(?:#.*)?$/.test(line));
    lines.splice(last + 1, 0, tomlLine(key, value));
    return true;
  }
  const [, before = '', behind = ''] = ONE_LINE.exec(old) ?? [];
  if (before === '') return false;
  if (value === undefined) lines.splice(at, 1);
  else lines[at] = `${before}${tomlLine(key, value).replace(/^.*? = /, '')}${behind}`;
  return true;
}

function append(lines: string[], ...more: readonly string[]): void {
  while (lines.length > 0 && lines.at(-1)?.trim() === '') lines.pop();
  lines.push(...(lines.length === 0 ? [] : ['']), ...more, '');
}

function keyOf(line: string): string | undefined {
  return /^\s*([A-Za-z0-9_-]+)\s*=/.exec(line)?.[1];
}

function isHeaderOf(line: string, table: readonly string[]): boolean {
  return HEADER.test(line) && means(line, nested(table)); // however it is quoted and spaced
}

function nested(table: readonly string[]): Table {
  return table.reduceRight<Table>((inner, name) => ({ [name]: inner }), {});
}

function means(text: string, expected: Table): boolean {
  try {
    return isDeepStrictEqual(plain(tomlIn(text)), plain(expected));
  } catch (error) {
    if (error instanceof TomlError) return false;
    throw error;
  }
}

/** Without prototypes, in which parsed tables and ours differ. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, plain(entry)]));
}

function put(root: Table, { table, key, value }: Edit): void {
  let at = root;
  for (const name of table) {
    if (at[name] === undefined && value === undefined) return;
    at[name] ??= {};
    at = at[name] as Table;
  }
  if (value === undefined) delete at[key];
  else at[key] = value;
}
