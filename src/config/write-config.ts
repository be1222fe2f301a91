/** Writes a config and the files of its secrets: whole or not at all, for this user alone, and with a backup of what stood there. */

import { randomUUID } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describeError, LoongError } from '../model/errors.js';

export interface ConfigDraft {
  /** Absolute. */
  readonly path: string;
  readonly text: string;
  /** What stood there when the draft was made; undefined: nothing. */
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
    // What a link points to is replaced, not the link.
    const target = existsSync(path) ? realpathSync(path) : path;
    if ((existsSync(target) ? readFileSync(target, 'utf8') : undefined) !== replaces) {
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
    writeWhole(target, text);
    return backup;
  } catch (error) {
    if (error instanceof LoongError) throw error;
    throw new LoongError('config.unwritable', `${path} could not be written: ${describeError(error)}`, {
      cause: error,
      remedy: 'give this user the right to the folder, or name another file with --config',
    });
  }
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
  const folder = openSync(dirname(path), 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
