/** A config and its secrets reach the disk whole or not at all, for one user, and nothing that stood there is lost. */
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { placeSecret, writeConfig } from '../../src/config/write-config.js';
import { LoongError } from '../../src/model/errors.js';
import { canMount, StateDisk } from '../chaos/state-disk.mjs';
import { tempDir } from '../support/temp-dir.js';

const NOW = new Date('2026-11-21T15:04:05Z');

function mode(path: string): number {
  return statSync(path).mode & 0o777;
}

test('writes into folders that it makes, for this user alone', () => {
  const path = join(tempDir(), 'a', 'b', 'config.toml');
  const secret = placeSecret(path, 'bot', 's3cret');
  expect(writeConfig({ path, text: 'x', replaces: undefined, secretFiles: [secret] }, NOW)).toBe(undefined);
  expect([readFileSync(path, 'utf8'), readFileSync(secret.path, 'utf8')]).toEqual(['x', 's3cret\n']);
  expect([path, secret.path, join(path, '..'), join(secret.path, '..')].map(mode)).toEqual([
    0o600, 0o600, 0o700, 0o700,
  ]);
});

test('every former config stays, also within one second', () => {
  const folder = tempDir();
  const path = join(folder, 'config.toml');
  writeFileSync(path, '0', { mode: 0o644 });
  for (const [before, after] of [
    ['0', '1'],
    ['1', '2'],
    ['2', '3'],
  ] as const)
    writeConfig({ path, text: after, replaces: before, secretFiles: [] }, NOW);
  const backups = ['', '-2', '-3'].map((number) => `config.toml.2026-11-21T15-04-05${number}.bak`);
  expect(backups.map((name) => readFileSync(join(folder, name), 'utf8'))).toEqual(['0', '1', '2']);
  expect(readdirSync(folder).length).toBe(4);
  expect([path, ...backups.map((name) => join(folder, name))].map(mode)).toEqual([0o600, 0o600, 0o600, 0o600]);
});

test('what changed meanwhile is not overwritten', () => {
  const path = join(tempDir(), 'config.toml');
  const draft = { path, text: 'mine', secretFiles: [] };
  writeFileSync(path, 'theirs');
  for (const replaces of [undefined, 'older'])
    expect(() => writeConfig({ ...draft, replaces }, NOW)).toThrow(
      expect.objectContaining({ code: 'config.changed_meanwhile' }),
    );
  expect(readFileSync(path, 'utf8')).toBe('theirs');
});

test('a failure in the middle leaves the old config as it was, and no draft', () => {
  const folder = tempDir();
  const path = join(folder, 'config.toml');
  writeFileSync(path, 'old');
  writeFileSync(join(folder, 'secrets'), 'a file where the folder should be');
  const secretFiles = [{ path: join(folder, 'secrets', 'bot'), secret: 's3cret' }];
  const fault = (() => {
    try {
      return writeConfig({ path, text: 'new', replaces: 'old', secretFiles }, NOW);
    } catch (error) {
      return error;
    }
  })();
  expect(fault).toBeInstanceOf(LoongError);
  expect(fault).toMatchObject({ code: 'config.unwritable', remedy: expect.stringContaining('--config') });
  expect(readdirSync(folder).sort()).toEqual(['config.toml', 'secrets']);
  expect(readFileSync(path, 'utf8')).toBe('old');
});

test('whoever holds the old file open or linked sees the old one whole: it is replaced, not rewritten', () => {
  const folder = tempDir();
  const path = join(folder, 'config.toml');
  writeFileSync(path, 'old');
  linkSync(path, join(folder, 'link'));
  writeConfig({ path, text: 'new', replaces: 'old', secretFiles: [] }, NOW);
  expect([readFileSync(join(folder, 'link'), 'utf8'), readFileSync(path, 'utf8')]).toEqual(['old', 'new']);
});

test('what a link points to is written, also where nothing stands there yet; links in a circle are told', () => {
  const folder = tempDir();
  mkdirSync(join(folder, 'far'));
  symlinkSync('far/next', join(folder, 'config.toml'));
  symlinkSync('real.toml', join(folder, 'far', 'next'));
  const draft = { path: join(folder, 'config.toml'), secretFiles: [] };
  writeConfig({ ...draft, text: 'one', replaces: undefined }, NOW);
  writeConfig({ ...draft, text: 'two', replaces: 'one' }, NOW);
  expect(readFileSync(join(folder, 'far', 'real.toml'), 'utf8')).toBe('two');
  expect(readlinkSync(draft.path)).toBe('far/next');
  symlinkSync('round', join(folder, 'round'));
  expect(() => writeConfig({ ...draft, path: join(folder, 'round'), text: 'x', replaces: undefined }, NOW)).toThrow(
    expect.objectContaining({ code: 'config.unwritable' }),
  );
  expect(readlinkSync(join(folder, 'round'))).toBe('round');
});

test('a byte order mark is no change', () => {
  const path = join(tempDir(), 'config.toml');
  writeFileSync(path, '\uFEFFold');
  expect(writeConfig({ path, text: 'new', replaces: 'old', secretFiles: [] }, NOW)).toBeDefined();
  expect(readFileSync(path, 'utf8')).toBe('new');
});

test('a config that could not be written leaves no backup', () => {
  const folder = tempDir();
  const name = 'c'.repeat(225); // with what a backup has behind it, it is not too long; with what a draft has, it is
  writeFileSync(join(folder, name), 'old');
  expect(() => writeConfig({ path: join(folder, name), text: 'new', replaces: 'old', secretFiles: [] }, NOW)).toThrow(
    expect.objectContaining({ code: 'config.unwritable', message: expect.stringContaining('ENAMETOOLONG') }),
  );
  expect(readdirSync(folder)).toEqual([name]);
  expect(readFileSync(join(folder, name), 'utf8')).toBe('old');
});

test.runIf(canMount())('a full disk is called one', () => {
  const folder = join(tempDir(), 'disk');
  const disk = new StateDisk(folder, true);
  onTestFinished(() => disk.close());
  writeFileSync(join(folder, 'config.toml'), 'old');
  disk.fill();
  const text = 'x'.repeat(500_000);
  expect(() => writeConfig({ path: join(folder, 'config.toml'), text, replaces: 'old', secretFiles: [] }, NOW)).toThrow(
    expect.objectContaining({ code: 'config.unwritable', remedy: expect.stringContaining('make room') }),
  );
  expect(readFileSync(join(folder, 'config.toml'), 'utf8')).toBe('old');
});

test('a secret finds a place where no other secret is, and its own again', () => {
  const path = join(tempDir(), 'config.toml');
  const first = placeSecret(path, '../../etc/bot', 'one');
  expect(first.path).toBe(join(path, '..', 'secrets', '------etc-bot'));
  writeConfig({ path, text: 'x', replaces: undefined, secretFiles: [first] }, NOW);
  expect(placeSecret(path, '../../etc/bot', 'one').path).toBe(first.path);
  expect(placeSecret(path, '../../etc/bot', 'two').path).toBe(`${first.path}-2`);
  chmodSync(first.path, 0o644); // others may have read it: the same secret goes where they cannot
  expect(placeSecret(path, '../../etc/bot', 'one').path).toBe(`${first.path}-2`);
  mkdirSync(`${first.path}-2`);
  expect(placeSecret(path, '../../etc/bot', 'one').path).toBe(`${first.path}-3`);
  expect(existsSync(`${first.path}-3`)).toBe(false);
});
