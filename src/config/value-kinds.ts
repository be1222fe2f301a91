/** The kinds of values that keys have. Each says in one phrase what it expects; none shows a value that may be secret. */
import { z } from 'zod';
import { type ChannelId, isPeerIdOf } from '../model/target.js';
import { INTENT_NAMES, type IntentName } from '../protocol/qqbot/gateway-codes.js';
import { parseDuration } from './duration.js';
import type { Fault } from './findings.js';
import { quoted, readPeerEntry } from './peer-entry.js';
import { readServiceUrl, type ServiceKind } from './service-url.js';
import { parseSize } from './size.js';
import { nearest } from './suggestion.js';

export function key<T extends z.ZodType>(type: T, description: string, fallback?: unknown) {
  return type.optional().meta({ description, ...(fallback === undefined ? {} : { default: fallback }) });
}

export function table<T extends z.core.$ZodLooseShape>(shape: T) {
  return z.strictObject(shape, { error: expected('a table') });
}

/** `name`: of each, where not any will do, and what is said of one that will not. */
export function tables<T extends z.ZodType>(entry: T, name = z.string(), wrongName = 'is no name') {
  const error = expected('a table of tables');
  return z.record(name, entry, { error: (issue) => (issue.code === 'invalid_key' ? wrongName : error(issue)) });
}

export function list<T extends z.ZodType>(entry: T) {
  return z.array(entry, { error: expected('a list') });
}

export function text() {
  return z.string({ error: expected('text in quotes') });
}

export function word() {
  return text().refine((value) => value.trim() !== '', { error: 'is blank: fill it in, or remove the line' });
}

export function yesOrNo() {
  return z.boolean({ error: expected('true or false') });
}

/** Tables whose names are ids of groups, or `*` for every other one. */
export function groupTables<T extends z.ZodType>(channel: ChannelId, entry: T) {
  const id = z.string().refine((value) => value === '*' || isPeerIdOf(channel, value));
  const bare = channel === 'onebot' ? 'its digits' : 'the bare id';
  return tables(entry, id, `is no id of a group: write ${bare}, or "*" for every other group`);
}

/** `closed` is another word for `disabled`. */
export function policy<const T extends readonly [string, ...string[]]>(words: T) {
  const error = expected(`one of ${words.map((known) => `"${known}"`).join(', ')}`, 'value');
  return z
    .enum([...words, 'closed'], { error })
    .transform((value) => (value === 'closed' ? 'disabled' : value) as Exclude<T[number], 'closed'>);
}

/** A name or address to listen on, without scheme, port or path. */
export function hostName() {
  return text().regex(/^[A-Za-z0-9._-]{1,253}$|^\[?[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*\]?$/, {
    error: 'is no address: expected something like "127.0.0.1", without "ws://" and without a port',
  });
}

/** The path of a URL, such as `example`. */
export function urlPath(example: string) {
  return text().regex(/^\/[\w.~!$&'()*+,;=:@%/-]{0,199}$/, {
    error: `is no path: expected something like "${example}"`,
  });
}

/** An address of this machine and a port of it: `127.0.0.1:8080`, `[::1]:8080`. */
export function listenAddress() {
  return text().transform((value, context) => {
    const [, host = '', port = ''] = /^([A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]+\]):([0-9]{1,5})$/.exec(value) ?? [];
    if (host !== '' && Number(port) <= 65_535) {
      return { host: host.toLowerCase().replace(/^\[|\]$/g, ''), port: Number(port) };
    }
    return refuse(context, value, {
      message: 'is no address with a port',
      remedy: 'write it like "127.0.0.1:8080" or "[::1]:8080", without "http://" and without a path',
    });
  });
}

export function wholeNumber(least: number, most: number) {
  const error = expected(`a whole number from ${least} to ${most}`, 'value');
  return z.number({ error }).int({ error }).min(least, { error }).max(most, { error });
}

export function numberBetween(least: number, most: number) {
  const error = expected(`a number from ${least} to ${most}`, 'value');
  return z.number({ error }).min(least, { error }).max(most, { error });
}

export function oneOf<const T extends readonly string[]>(words: T) {
  return z.enum(words, { error: expected(`one of ${words.map((word) => `"${word}"`).join(', ')}`, 'value') });
}

export function intent() {
  return z.enum(INTENT_NAMES as [IntentName, ...IntentName[]], {
    error: (issue) => {
      if (typeof issue.input !== 'string') return expected('the name of an intent')(issue);
      const meant = nearest(issue.input, INTENT_NAMES);
      const remedy =
        meant === undefined
          ? `there are ${INTENT_NAMES.map((name) => `\`${name}\``).join(', ')}`
          : `did you mean \`${meant}\`?`;
      return `${quoted(issue.input)} is not an intent: ${remedy}`;
    },
  });
}

export function duration(least: string, most: string) {
  const phrase = `a length of time from "${least}" to "${most}" in quotes and with its unit (ms, s, m, h, d)`;
  const error = expected(phrase, 'value');
  return z.string({ error }).transform((value, context) => {
    const ms = parseDuration(value);
    if (ms !== undefined && ms >= (parseDuration(least) ?? 0) && ms <= (parseDuration(most) ?? 0)) return ms;
    return refuse(context, value, { message: error({ input: value }) });
  });
}

export function size(least: string, most: string) {
  const error = expected(`a size from "${least}" to "${most}" in quotes and with its unit (B, KiB, MiB)`, 'value');
  return z.string({ error }).transform((value, context) => {
    const bytes = parseSize(value);
    if (bytes !== undefined && bytes >= (parseSize(least) ?? 0) && bytes <= (parseSize(most) ?? 0)) return bytes;
    return refuse(context, value, { message: error({ input: value }) });
  });
}

export function variableName() {
  return text().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, {
    error: 'is not the name of a variable: write it as in ["PATH", "HOME"]',
  });
}

/** `kind`: absent for the platform. */
export function serviceUrl(kind?: ServiceKind) {
  return text().transform((value, context) => {
    const url = readServiceUrl(value, kind);
    return url instanceof URL ? url : refuse(context, value, url);
  });
}

export function peerEntry(channel: ChannelId) {
  // Bridges have negative numbers.
  const least = channel === 'onebot' ? Number.MIN_SAFE_INTEGER : 0;
  return wordOrNumber('an id: text in quotes, or a whole number', least).transform((value, context) => {
    const entry = readPeerEntry(value, channel);
    return typeof entry === 'string' ? entry : refuse(context, value, entry);
  });
}

export function qqNumber() {
  return wordOrNumber('a QQ number', 0).refine((value) => /^[1-9][0-9]{4,19}$/.test(value), {
    error: 'is no QQ number: expected its digits',
  });
}

/** As text; a number of any length to its last digit. */
function wordOrNumber(phrase: string, least: number) {
  const error = expected(phrase);
  const exact = (value: unknown) => (typeof value === 'bigint' ? String(value) : value);
  return z.preprocess(exact, z.union([z.string(), z.int().min(least, { error })], { error })).transform(String);
}

function refuse(context: z.RefinementCtx, input: unknown, fault: Fault): never {
  context.issues.push({ code: 'custom', message: fault.message, params: { remedy: fault.remedy }, input });
  return z.NEVER;
}

/** `expected …, got …`. What was got is shown only where it cannot be secret; elsewhere only its kind is named. */
function expected(phrase: string, show: 'kind' | 'value' = 'kind'): (issue: { readonly input?: unknown }) => string {
  return ({ input }) => {
    if (input === undefined) return `is missing: expected ${phrase}`;
    return `expected ${phrase}, got ${show === 'value' ? shown(input) : kindOf(input)}`;
  };
}

function shown(value: unknown): string {
  if (typeof value === 'string') return quoted(value);
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : kindOf(value);
}

function kindOf(value: unknown): string {
  if (typeof value === 'string') return 'text';
  if (typeof value === 'boolean') return 'true or false';
  if (typeof value === 'bigint' || Number.isInteger(value)) return 'a whole number';
  if (typeof value === 'number') return 'a number';
  if (Array.isArray(value)) return 'a list';
  return value instanceof Date ? 'a date' : 'a table';
}
