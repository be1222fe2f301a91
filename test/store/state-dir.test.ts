import { chmodSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { controlSocketPath, ensurePrivateDir } from '../../src/store/state-dir.js';
import { tempDir } from '../support/temp-dir.js';

const mode = (path: string) => statSync(path).mode & 0o777;

test('a state directory is made with its parents, for this user alone', () => {
  const path = join(tempDir(), 'a', 'b', 'state');
  ensurePrivateDir(path);
  expect(mode(path)).toBe(0o700);
});

test('one that others may enter is closed to them', () => {
  const path = join(tempDir(), 'state');
  mkdirSync(path);
  chmodSync(path, 0o755);
  ensurePrivateDir(path);
  expect(mode(path)).toBe(0o700);
});

test('a folder that others use too is left as it is, and refused', () => {
  for (const [mode_, name] of [
    [0o1777, 'sticky'],
    [0o755, 'full'],
  ] as const) {
    const path = join(tempDir(), name);
    mkdirSync(path);
    if (name === 'full') writeFileSync(join(path, 'notes.txt'), 'not of loong');
    chmodSync(path, mode_);
    expect(() => ensurePrivateDir(path)).toThrow(expect.objectContaining({ code: 'state_dir.shared' }));
    expect(statSync(path).mode & 0o7777).toBe(mode_);
  }
});

test('one that cannot be is refused with the remedy', () => {
  const file = join(tempDir(), 'file');
  writeFileSync(file, '');
  expect(() => ensurePrivateDir(join(file, 'state'))).toThrow(
    expect.objectContaining({
      code: 'state_dir.unusable',
      retry: 'never',
      remedy: expect.stringContaining('state_dir'),
    }),
  );
});

test('the socket stands in the state directory, unless its path is too long for one', () => {
  const runtimeDir = tempDir();
  expect(controlSocketPath('/var/lib/loong', runtimeDir)).toBe('/var/lib/loong/control.sock');
  const long = `/var/${'x'.repeat(120)}`;
  const short = controlSocketPath(long, runtimeDir);
  expect(short.startsWith(`${runtimeDir}/loong-`)).toBe(true);
  expect(controlSocketPath(long, runtimeDir)).toBe(short);
  expect(controlSocketPath(`${long}2`, runtimeDir)).not.toBe(short);
});

test('a runtime directory that is too long itself, or none, gives way to a private one in the temp folder', () => {
  const long = `/var/${'你'.repeat(40)}`;
  for (const runtimeDir of [undefined, `/run/${'y'.repeat(100)}`]) {
    const path = controlSocketPath(long, runtimeDir);
    expect(Buffer.byteLength(path)).toBeLessThanOrEqual(100);
    expect(mode(join(path, '..'))).toBe(0o700);
  }
});
