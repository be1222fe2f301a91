/** The log file: bounded, private, and never the reason why a daemon ends. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openLog, Secrets } from '../../src/telemetry/log.js';
import { RotatingFile } from '../../src/telemetry/rotating-file.js';
import { tempDir } from '../support/temp-dir.js';

/** Linux answers every write to this one with "no space left". */
const FULL = '/dev/full';

function line(n: number): string {
  return `line ${String(n).padStart(3, '0')}\n`;
}

test('it is appended to, and belongs to this user alone', () => {
  const path = join(tempDir(), 'loong.log');
  new RotatingFile(path).write(line(1));
  new RotatingFile(path).write(line(2));
  expect(readFileSync(path, 'utf8')).toBe(line(1) + line(2));
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test('at its limit it becomes .1, and the one before that goes: two files of that size and no more', () => {
  const path = join(tempDir(), 'loong.log');
  const file = new RotatingFile(path, 30); // three lines of nine bytes
  for (let n = 1; n <= 8; n++) file.write(line(n));
  expect(readFileSync(`${path}.1`, 'utf8')).toBe(line(4) + line(5) + line(6));
  expect(readFileSync(path, 'utf8')).toBe(line(7) + line(8));
  expect(existsSync(`${path}.2`)).toBe(false);
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test('what stands in it at the start counts, in bytes and not in characters', () => {
  const path = join(tempDir(), 'loong.log');
  writeFileSync(path, '龙龙龙\n'); // 10 bytes
  const file = new RotatingFile(path, 12);
  file.write('ab\n');
  expect(readFileSync(`${path}.1`, 'utf8')).toBe('龙龙龙\n');
  expect(readFileSync(path, 'utf8')).toBe('ab\n');
});

test('one line longer than the limit is written whole', () => {
  const path = join(tempDir(), 'loong.log');
  const file = new RotatingFile(path, 10);
  file.write(`${'x'.repeat(50)}\n`);
  file.write(line(1));
  expect(readFileSync(`${path}.1`, 'utf8')).toBe(`${'x'.repeat(50)}\n`);
  expect(readFileSync(path, 'utf8')).toBe(line(1));
});

test('a file that something else emptied is not rotated before it is full again', () => {
  const path = join(tempDir(), 'loong.log');
  const file = new RotatingFile(path, 30);
  for (let n = 1; n <= 3; n++) file.write(line(n));
  truncateSync(path);
  file.write(line(4));
  expect(existsSync(`${path}.1`)).toBe(false);
  expect(readFileSync(path, 'utf8')).toBe(line(4));
});

test('where it cannot be renamed it is emptied: it never grows on', () => {
  const path = join(tempDir(), 'loong.log');
  mkdirSync(`${path}.1/occupied`, { recursive: true });
  const file = new RotatingFile(path, 30);
  for (let n = 1; n <= 5; n++) file.write(line(n));
  expect(readFileSync(path, 'utf8')).toBe(line(4) + line(5));
});

test.skipIf(!existsSync(FULL))('a full disk costs lines and not the daemon', () => {
  const file = new RotatingFile(FULL);
  for (let n = 1; n <= 3; n++) file.write(line(n));
});

test('lines that did not fit are told of by the next one that does, and none of them is glued to it', () => {
  const path = join(tempDir(), 'loong.log');
  const source = `import { truncateSync, readFileSync } from 'node:fs';
import { RotatingFile } from ${JSON.stringify(new URL('../../dist/telemetry/rotating-file.js', import.meta.url).href)};
const file = new RotatingFile(${JSON.stringify(path)});
file.write('x'.repeat(700) + '\\n');
for (let n = 1; n <= 4; n++) file.write('y'.repeat(200) + '\\n');
truncateSync(${JSON.stringify(path)}, 720);
file.write('there is room again\\n');`;
  // No file of this process may grow beyond 1 KiB: a full disk as far as it can tell.
  const limited = ['-c', 'ulimit -f 1; exec "$0" --input-type=module -e "$1"', process.execPath, source];
  const ended = spawnSync('bash', limited, { encoding: 'utf8' });
  expect([ended.status, ended.stderr]).toEqual([0, '']);
  const [, torn, told, last] = readFileSync(path, 'utf8').split('\n');
  expect(torn).toMatch(/^y+$/);
  expect(JSON.parse(told ?? '')).toMatchObject({ level: 'warn', lost: 3, msg: 'log lines could not be written' });
  expect(last).toBe('there is room again');
});

test('a secret never reaches the file, in whatever form it stands in the line', async () => {
  const path = join(tempDir(), 'loong.log');
  const secrets = new Secrets();
  secrets.learn('se"cret/龙');
  const log = await openLog({ level: 'error', format: 'json', file: path }, secrets);
  const written = ['se"cret/龙', encodeURIComponent('se"cret/龙')];
  const stderr = process.stderr.write;
  process.stderr.write = () => true;
  try {
    log.error({ url: `https://example.com/?s=${written[1]}`, body: written[0] }, `it is ${written[0]}`);
  } finally {
    process.stderr.write = stderr;
  }
  const text = readFileSync(path, 'utf8');
  expect(JSON.parse(text)).toMatchObject({ url: 'https://example.com/?s=***', body: '***', msg: 'it is ***' });
  expect(text).not.toContain('cret');
});
