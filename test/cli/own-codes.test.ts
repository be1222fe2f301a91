/** `loong explain` knows every code that loong itself can print: what the source says is looked up in the table. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { OWN_CODES } from '../../src/cli/own-codes.js';

const SRC = fileURLToPath(new URL('../../src', import.meta.url));

/** The sandbox has codes of its own, which only its own API tells. */
const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter(
  (file) => file.endsWith('.ts') && !file.startsWith('sandbox/') && file !== 'cli/own-codes.ts',
);
const source = files.map((file) => readFileSync(join(SRC, file), 'utf8')).join('\n');

/** `new SomeError('code', …`, `refusal('code', …`, `problem(400, 'code', …` and `code: 'code'`. */
const TOLD =
  /(?:Error|refusal|refused|problem|Unanswered)\(\s*(?:\d{3},\s*)?'([a-z_]+\.[a-z_.]+)'|code: '([a-z_.]+)'|super\(\s*'([a-z_]+\.[a-z_.]+)'/g;
const told = [...source.matchAll(TOLD)].map((match) => match[1] ?? match[2] ?? match[3] ?? '');

/** Of QQ's refusals, of which one without a number has only its class. */
const [, union = ''] = /export type PlatformErrorClass =([^;]*);/.exec(source) ?? [];
const WORDS_OF_PLATFORM = [...union.matchAll(/'([a-z_]+)'/g)].map(([, kind]) => kind ?? '');

/** Words with a dot that begin like codes and are none: counters, keys of the config, names of files and fields. */
const NO_CODES = new Set([
  'custom',
  'config.toml',
  'owner.db',
  'log.file',
  'onebot.access_token',
  'message.notice',
  'pairing.requested',
  'pairing.approved',
  'pairing.denied',
  'pairing.revoked',
  'sandbox.onebot',
]);
const counters = new Set([...source.matchAll(/\.count\(\s*'([a-z_.]+)'/g)].map(([, name]) => name ?? ''));
const families = new Set(Object.keys(OWN_CODES).flatMap((code) => (code.includes('.') ? [code.split('.')[0]] : [])));
const alike = [...source.matchAll(/'([a-z_]+)\.([a-z_]+)'/g)].flatMap(([, family = '', rest]) =>
  families.has(family) ? [`${family}.${rest}`] : [],
);

test('every code in the source has its words', () => {
  const codes = new Set([...told, ...alike].filter((code) => !NO_CODES.has(code) && !counters.has(code)));
  expect(codes.size).toBeGreaterThan(90);
  expect([...codes].filter((code) => OWN_CODES[code] === undefined).sort()).toEqual([]);
});

test('every code with words is in the source', () => {
  const written = (code: string) =>
    source.includes(`'${code}'`) || WORDS_OF_PLATFORM.some((kind) => code === `platform.${kind}`);
  expect(Object.keys(OWN_CODES).filter((code) => !written(code))).toEqual([]);
});

test('so do the classes of the platform’s refusals, and every reason why a message is not answered', () => {
  const [, reasons = ''] = /export type RefusalReason =([^;]*);/.exec(source) ?? [];
  const named = [...reasons.matchAll(/'([a-z_]+)'/g)].map(([, reason]) => reason ?? '');
  expect([named.length, WORDS_OF_PLATFORM.length].every((count) => count > 4)).toBe(true);
  const [, steps = ''] = /export type PairingStep =([^;]*);/.exec(source) ?? [];
  named.push(...[...steps.matchAll(/'([a-z_]+)'/g)].map(([, step]) => step ?? ''));
  const codes = [...named, ...WORDS_OF_PLATFORM.map((kind) => `platform.${kind}`)];
  expect(codes.filter((code) => OWN_CODES[code] === undefined)).toEqual([]);
});

test('each is one sentence of meaning and one of remedy', () => {
  for (const [code, { meaning, remedy }] of Object.entries(OWN_CODES)) {
    expect([code, meaning.length > 10, remedy.length > 5, /[.\n]$/.test(meaning + remedy)]).toEqual([
      code,
      true,
      true,
      false,
    ]);
  }
});
