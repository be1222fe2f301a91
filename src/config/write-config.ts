/** Writes a config and the files of its secrets: whole or not at all, for this user alone, and with a backup of what stood there. */

import { randomUUID } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { describeError, LoongError } from '../model/errors.js';

export interface ConfigDraft {
  /** Absolute. */
  readonly path: string;
  readonly text: string;
  /** What stood there when the draft was made, without a byte order mark; undefined: nothing. */
  readonly replaces: string | undefined;
  /** Absolute paths; written before the config that names them. */
  readonly secretFiles: readonly SecretFile[];
}

export interface SecretFile {
  readonly path: string;
  readonly secret: string;
}

/** A place below `secrets` beside the config, where no other secret is: backups and other configs may still name those. */
export function placeSecret(configPath: string, name: string, secret: string): SecretFile {
  const stem = join(dirname(configPath), 'secrets', name.replace(/[^A-Za-z0-9_-]/g, '-').slice(0, 100));
  for (let again = 1; ; again++) {
    const file = { path: again === 1 ? stem : `${stem}-${again}`, secret };
    if (!existsSync(file.path) || isThere(file)) return file;
  }
}

/**
 * Nothing else runs in between, and what a power cut leaves is the old config or the new one.
 * @returns where the former config is now, if there was one
 * @throws LoongError `config.changed_meanwhile`, `config.unwritable`
 */
export function writeConfig({ path, text, replaces, secretFiles }: ConfigDraft, now: Date): string | undefined {
  try {
    const target = behindLinks(path);
    if (textAt(target) !== replaces) {
      throw new LoongError('config.changed_meanwhile', `${path} was changed meanwhile: nothing was written`, {
        remedy: 'run the command again',
      });
    }
    for (const file of secretFiles) {
      if (isThere(file)) continue;
      mkdirSync(dirname(file.path), { recursive: true, mode: 0o700 });
      writeWhole(file.path, `${file.secret}\n`);
    }
    if (text === replaces) return undefined;
    mkdirSync(dirname(target), { recursive: true, mode: 0o700 });
    const backup = replaces === undefined ? undefined : backUp(target, now);
    try {
      writeWhole(target, text);
    } catch (error) {
      if (backup !== undefined) rmSync(backup, { force: true }); // of a config that still stands
      throw error;
    }
    return backup;
  } catch (error) {
    if (error instanceof LoongError) throw error;
    throw new LoongError('config.unwritable', `${path} could not be written: ${describeError(error)}`, {
      cause: error,
      remedy: REMEDIES[(error as NodeJS.ErrnoException).code ?? ''] ?? NO_RIGHT,
    });
  }
}

const NO_RIGHT = 'give this user the right to the folder, or name another file with --config';
const NO_ROOM = 'make room on that disk, and run the command again';
/** By the code of Node. */
const REMEDIES: { readonly [code: string]: string } = {
  ENOSPC: NO_ROOM,
  EDQUOT: NO_ROOM,
  EROFS: 'that disk is mounted read-only: name a file elsewhere with --config',
};

/** What a link points to is replaced, not the link; also where nothing stands there yet. */
function behindLinks(path: string, hops = 0): string {
  if (existsSync(path) || hops > MOST_HOPS) return realpathSync(path);
  if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() !== true) return path;
  return behindLinks(resolve(realpathSync(dirname(path)), readlinkSync(path)), hops + 1);
}

/** As Linux has it: links beyond these lead round in a circle. */
const MOST_HOPS = 40;

function textAt(path: string): string | undefined {
  return existsSync(path) ? new TextDecoder().decode(readFileSync(path)) : undefined;
}

function isThere({ path, secret }: SecretFile): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  return found?.isFile() === true && (found.mode & 0o077) === 0 && readFileSync(path, 'utf8').trim() === secret;
}

/** `config.toml.2026-11-21T15-04-05.bak`, with a number behind where that is taken. */
function backUp(path: string, now: Date): string {
  const stem = `${path}.${now.toISOString().slice(0, 19).replaceAll(':', '-')}`;
  for (let again = 1; ; again++) {
    const backup = again === 1 ? `${stem}.bak` : `${stem}-${again}.bak`;
    try {
      copyFileSync(path, backup, constants.COPYFILE_EXCL);
      chmodSync(backup, 0o600);
      flush(backup);
      return backup;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

function writeWhole(path: string, text: string): void {
  const draft = join(dirname(path), `.${basename(path)}.${randomUUID()}.tmp`);
  try {
    const fd = openSync(draft, 'wx', 0o600);
    try {
      writeFileSync(fd, text);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(draft, path);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
  flush(dirname(path));
}

/** A file or folder onto the disk. */
function flush(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
