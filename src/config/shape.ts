/** Holds a parsed file against the schema: tells every problem, and hands on what is sound so that the rest is checked too. */
import type { z } from 'zod';
import { type Findings, keyPath } from './findings.js';
import { type ConfigFile, configSchema, keysAt, ONEBOT_TABLES, QQBOT_TABLES } from './schema.js';
import { nearest } from './suggestion.js';

export interface Shape {
  readonly file: ConfigFile;
  /** Key paths whose value was refused: that nothing usable stands there is already told. */
  readonly refused: ReadonlySet<string>;
}

export function readShape(raw: object, findings: Findings): Shape {
  const first = configSchema.safeParse(raw);
  if (first.success) return { file: first.data, refused: new Set() };
  for (const issue of first.error.issues) tell(issue, findings);
  return {
    file: soundPart(raw, first.error.issues),
    refused: new Set(first.error.issues.map((issue) => keyPath(issue.path))),
  };
}

/** Taking something out may leave another fault (a list that became empty), so it is done until nothing is refused. */
function soundPart(raw: object, issues: readonly z.core.$ZodIssue[]): ConfigFile {
  const rest = withoutRefused(raw, issues);
  const result = configSchema.safeParse(rest);
  return result.success ? result.data : soundPart(rest, result.error.issues);
}

function tell(issue: z.core.$ZodIssue, findings: Findings): void {
  if (issue.code === 'unrecognized_keys') {
    for (const key of issue.keys)
      findings.problem(keyPath([...issue.path, key]), 'unknown key', unknownKeyRemedy(issue.path, key));
    return;
  }
  const remedy = issue.code === 'custom' ? issue.params?.remedy : undefined;
  findings.problem(keyPath(issue.path), issue.message, typeof remedy === 'string' ? remedy : undefined);
}

/** Tables that a key may have been meant for, in the words of the file. */
const TABLES: readonly (readonly string[])[] = [['gateway'], ['log'], ['qqbot'], ['onebot'], ['backends', '<name>']];

/** Keys of other programs, whose names here are not near enough to be guessed. */
const CALLED_HERE: { readonly [key: string]: string } = { allow_from: 'allowed_peer_ids' };

function unknownKeyRemedy(path: readonly PropertyKey[], key: string): string {
  const here = keysAt(path);
  const home = TABLES.find((table) => keysAt(table).includes(key));
  if (home !== undefined) return `it belongs into [${home.join('.')}]`;
  const known = Object.hasOwn(CALLED_HERE, key) ? CALLED_HERE[key] : undefined;
  const meant = known !== undefined && here.includes(known) ? known : nearest(key, here);
  if (meant !== undefined) return `did you mean \`${meant}\`?`;
  if (path.length > 0) return 'remove it';
  const aliases: readonly string[] = [...QQBOT_TABLES.slice(1), ...ONEBOT_TABLES.slice(1)];
  return `the tables are ${here
    .filter((name) => !aliases.includes(name))
    .map((name) => `[${name}]`)
    .join(', ')}`;
}

/** A copy without what was refused. A refused account or backend stays there by name, for others may refer to it. */
function withoutRefused(raw: object, issues: readonly z.core.$ZodIssue[]): object {
  const copy = structuredClone(raw);
  // Back to front, so that positions in lists stay right.
  for (const issue of [...issues].sort((a, b) => lastIndex(b) - lastIndex(a))) {
    if (issue.code === 'unrecognized_keys') for (const key of issue.keys) remove(copy, [...issue.path, key]);
    else if (issue.path[0] === 'backends' && issue.path.length > 1) put(copy, issue.path.slice(0, 2), { type: 'echo' });
    else if (issue.path[1] === 'accounts' && issue.path.length === 3) put(copy, issue.path, {});
    else remove(copy, issue.path);
  }
  return copy;
}

function lastIndex(issue: z.core.$ZodIssue): number {
  const last = issue.path.at(-1);
  return typeof last === 'number' ? last : -1;
}

function remove(root: object, path: readonly PropertyKey[]): void {
  const last = path.at(-1);
  const holder = holderOf(root, path);
  if (holder === undefined || last === undefined) return;
  if (Array.isArray(holder) && typeof last === 'number') holder.splice(last, 1);
  else Reflect.deleteProperty(holder, last);
}

function put(root: object, path: readonly PropertyKey[], value: unknown): void {
  const last = path.at(-1);
  const holder = holderOf(root, path);
  if (holder !== undefined && last !== undefined) Reflect.set(holder, last, value);
}

function holderOf(root: object, path: readonly PropertyKey[]): object | undefined {
  let at: unknown = root;
  for (const part of path.slice(0, -1)) at = typeof at === 'object' && at !== null ? Reflect.get(at, part) : undefined;
  return typeof at === 'object' && at !== null ? at : undefined;
}
