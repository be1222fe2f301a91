/** The doctor refuses what the daemon would refuse: each fault is met twice, by the daemon's own part and by the doctor's check. */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { expect, test } from 'vitest';
import type { BackendConfig } from '../../src/config/config.js';
import { checkBackend } from '../../src/doctor/backends.js';
import type { Finding } from '../../src/doctor/finding.js';
import { checkLogFile, checkStateDir } from '../../src/doctor/machine.js';
import { openStore } from '../../src/store/sqlite/sqlite-store.js';
import { ensurePrivateDir } from '../../src/store/state-dir.js';
import { RotatingFile } from '../../src/telemetry/rotating-file.js';
import { tempDir } from '../support/temp-dir.js';

async function stateFinding(stateDir: string, name: string): Promise<Finding | undefined> {
  return (await checkStateDir(stateDir)).find((finding) => finding.name === name);
}

test('a state directory that others may enter and use', async () => {
  const stateDir = join(tempDir(), 'state');
  mkdirSync(stateDir);
  chmodSync(stateDir, 0o755);
  expect(await stateFinding(stateDir, 'state dir')).toMatchObject({ level: 'ok' });
  expect(statSync(stateDir).mode & 0o777).toBe(0o755); // whoever asks changes nothing
  writeFileSync(join(stateDir, 'notes.txt'), 'not of loong');
  expect(() => ensurePrivateDir(stateDir)).toThrow('can be entered by others');
  expect(await stateFinding(stateDir, 'state dir')).toMatchObject({
    level: 'fail',
    detail: expect.stringContaining('can be entered by others'),
    remedy: expect.stringContaining(`chmod 700 ${stateDir}`),
  });
});

test('a database of a newer loong', async () => {
  const stateDir = tempDir();
  const path = join(stateDir, 'loong.db');
  await openStore(path, 'process').close();
  const db = new Sqlite(path);
  db.pragma('user_version = 999');
  db.close();
  expect(() => openStore(path, 'process')).toThrow('written by a newer loong');
  expect(await stateFinding(stateDir, 'database')).toMatchObject({
    level: 'fail',
    detail: expect.stringContaining('written by a newer loong'),
    remedy: expect.stringContaining('run that version'),
  });
});

test('a damaged owner database', async () => {
  const stateDir = tempDir();
  writeFileSync(join(stateDir, 'owner.db'), 'this was a database once'.repeat(500));
  expect(await stateFinding(stateDir, 'owner database')).toMatchObject({ level: 'fail' });
});

test('a log file that cannot be opened', async () => {
  const folder = tempDir();
  const file = join(folder, 'loong.log');
  for (const path of [join(folder, 'missing', 'loong.log'), folder]) {
    expect(() => new RotatingFile(path)).toThrow();
    expect(await checkLogFile(path)).toMatchObject({
      name: 'log file',
      level: 'fail',
      detail: expect.stringContaining(path),
      remedy: expect.stringContaining('log.file'),
    });
  }
  expect(await checkLogFile(file)).toMatchObject({
    level: 'ok',
    detail: expect.stringContaining('does not exist yet'),
  });
  expect(existsSync(file)).toBe(false);
  new RotatingFile(file).write('a line\n');
  expect(await checkLogFile(file)).toEqual({ name: 'log file', level: 'ok', detail: file });
  expect(statSync(file).size).toBe(7);
});

/** A script with this first line, in a folder that may serve as PATH. */
function script(firstLine: string): { readonly folder: string; readonly path: string } {
  const folder = tempDir();
  const path = join(folder, 'answerer');
  writeFileSync(path, `${firstLine}\necho fine\n`);
  chmodSync(path, 0o755);
  return { folder, path };
}

/** The verdict of the doctor, which must be that of a real start. */
async function verdict(program: string, env: { readonly [name: string]: string }): Promise<Finding> {
  const backend: BackendConfig = {
    name: 'mine',
    type: 'exec',
    command: [program],
    input: 'text',
    output: 'text',
    env,
    timeoutMs: 1000,
    concurrency: 1,
    maxOutputBytes: 1000,
    mediaDir: undefined,
  };
  const [finding] = await checkBackend(backend, false);
  if (finding === undefined) throw new Error('nothing was found');
  const { error, status } = spawnSync(program, [], { env, input: '' });
  const starts = error === undefined && status !== 127;
  expect(finding.level, `${program}: ${finding.detail}; really: ${error?.message ?? `exit code ${status}`}`).toBe(
    starts ? 'ok' : 'fail',
  );
  if (!starts) expect(finding.remedy).toContain(finding.remedy?.includes('Unix') ? 'first line' : 'backends.mine');
  return finding;
}

test('without PATH a program is looked for where the system looks, and nowhere else', async () => {
  expect((await verdict('sh', {})).detail).toMatch(/^(\/usr)?\/bin\/sh$/);
  // node stands in /usr/local/bin, in a folder of a version manager, or in /usr/bin: the verdict is that of the start.
  await verdict('node', {});
  const { folder, path } = script('#!/bin/sh');
  expect(await verdict('answerer', {})).toMatchObject({ detail: expect.stringContaining('/bin:/usr/bin') });
  expect((await verdict('answerer', { PATH: `/nowhere:${folder}` })).detail).toBe(path);
  expect((await verdict(path, {})).detail).toBe(path);
});

test.each([
  ['an interpreter', '#!/bin/sh', true],
  ['one with an argument', '#! /bin/sh -e', true],
  ['one that env finds', '#!/usr/bin/env sh', true],
  ['none, so the shell is taken', 'echo first', true],
  ['an interpreter that is missing', '#!/nowhere/python3', false],
  ['one that env does not find', '#!/usr/bin/env loong-no-such-program', false],
  ['the line end of Windows', '#!/bin/sh\r', false],
])('a script with %s', async (_what, firstLine, starts) => {
  const { folder, path } = script(firstLine);
  expect((await verdict(path, {})).level === 'ok').toBe(starts);
  expect((await verdict(basename(path), { PATH: `${folder}:/bin:/usr/bin` })).level === 'ok').toBe(starts);
});

test('a script whose interpreter is a script with none', async () => {
  const inner = script('#!/nowhere/interpreter');
  const outer = script(`#!${inner.path}`);
  expect((await verdict(outer.path, {})).detail).toContain('/nowhere/interpreter');
});
