/** The directory that holds everything a daemon must remember, and where its control socket goes. */
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeError, LoongError } from '../model/errors.js';

/** Node cuts longer socket paths short without a word. */
const LONGEST_SOCKET_PATH = 100;

/** Makes a directory (and its parents) that only this user may enter. @throws LoongError */
export function ensurePrivateDir(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    chmodSync(path, 0o700);
  } catch (error) {
    throw new LoongError('state_dir.unusable', `the directory ${path} cannot be used: ${describeError(error)}`, {
      retry: 'never',
      cause: error,
      remedy: 'give this user the right to it, or name another one as gateway.state_dir',
    });
  }
}

/**
 * Where the control socket of this state directory goes: into it, or, when that path is too long for a socket, under a hash
 * into a private directory (`runtimeDir`, usually $XDG_RUNTIME_DIR, else one of the user's own in the temp folder).
 */
export function controlSocketPath(stateDir: string, runtimeDir: string | undefined): string {
  const path = join(stateDir, 'control.sock');
  if (fitsSocket(path)) return path;
  const name = `loong-${createHash('sha256').update(stateDir).digest('hex').slice(0, 16)}.sock`;
  if (runtimeDir !== undefined && fitsSocket(join(runtimeDir, name))) return join(runtimeDir, name);
  const folder = join(tmpdir(), `loong-${process.getuid?.() ?? 'user'}`);
  ensurePrivateDir(folder);
  return join(folder, name);
}

function fitsSocket(path: string): boolean {
  return Buffer.byteLength(path) <= LONGEST_SOCKET_PATH;
}
