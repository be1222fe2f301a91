/** No check of the doctor is without a test that breaks the real thing and mends it: names in the source against names of such tests. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const SRC = fileURLToPath(new URL('../../src', import.meta.url));

function textOf(folder: string, files: readonly string[]): string {
  return files.map((file) => readFileSync(join(folder, file), 'utf8')).join('\n');
}

const source = textOf(SRC, [
  ...readdirSync(join(SRC, 'doctor')).map((file) => `doctor/${file}`),
  'cli/doctor.ts',
  'lanes/qqbot/probe.ts',
]);

/** `name: 'token'`, `failed('token', …`, `` `${name} port` ``, `` name: `config warning ${i + 1}` `` and the like; what a name is put together from is left out. */
const NAMED =
  /(?:\bname[:=]?\s*=?|NAME =|failed\(|failure\(|checkDatabase\()\s*['`]([a-z][a-z _]*)|`\$\{name\} ([a-z][a-z _]*)`/g;
const named = new Set([...source.matchAll(NAMED)].map(([, plain, about]) => (plain ?? about ?? '').trim()));

const tests = textOf(
  HERE,
  readdirSync(HERE).filter((file) => /^flips-of-.*\.test\.ts$/.test(file)),
);

/** Without the account or the backend that it is about. */
const flipped = new Set(
  [...tests.matchAll(/flip\(\s*'([^']+)'|^ {2}\['([a-z ]+)', '[\w.]+'\],$/gm)].map(([, written, listed]) =>
    (written ?? listed ?? '').replace(/^(qqbot|onebot):\w+ /, '').replace(/^backend mine ?/, ''),
  ),
);

test('every check that the doctor can print is flipped', () => {
  // The config has a check for each problem and each warning, the backends one for each; the channels have their names from the config.
  expect(named).toContain('config warning');
  for (const name of ['config', 'config warning', 'backend']) named.delete(name);
  expect(named.size).toBeGreaterThan(25);
  expect([...named].filter((name) => !flipped.has(name))).toEqual([]);
  for (const check of ['config log.level', 'config warning 1', '', 'qqbot', 'onebot'])
    expect([...flipped]).toContain(check);
});

test('and nothing is flipped that it does not print', () => {
  const others = ['config log.level', 'config warning 1', '', 'qqbot', 'onebot'];
  expect([...flipped].filter((name) => !named.has(name) && !others.includes(name))).toEqual([]);
});
