/** The directory that holds everything a daemon must remember, and where its control socket goes. */
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeError, LoongError } from '../model/errors.js';

/** Node cuts longer socket paths short without a word. */
const LONGEST_SOCKET_PATH = 100;

/** What loong itself puts into its state directory. */
const OURS = /^(loong\.db|owner\.db)(-\w+)?$|^control\.sock$|^commands$/;

/**
 * Makes a directory (and its parents) that only this user may enter. One that exists and is open to others is closed only
 * when nothing but loong lives in it: somebody else's folder is left as it is.
 * @throws LoongError
 */
export function ensurePrivateDir(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    const openness = opennessOf(path);
    if (openness === 'ours to close') chmodSync(path, 0o700);
    if (openness !== 'shared') return;
  } catch (error) {
    throw unusable(path, error);
  }
  throw shared(path);
}

/** Why `ensurePrivateDir` would refuse a directory that exists; changes nothing. */
export function privateDirFault(path: string): LoongError | undefined {
  try {
    return opennessOf(path) === 'shared' ? shared(path) : undefined;
  } catch (error) {
    return unusable(path, error);
  }
}

function opennessOf(path: string): 'closed' | 'ours to close' | 'shared' {
  const { mode, uid } = statSync(path);
  if ((mode & 0o077) === 0) return 'closed';
  const isOurs = uid === process.getuid?.() && (mode & 0o1000) === 0;
  return isOurs && readdirSync(path).every((name) => OURS.test(name)) ? 'ours to close' : 'shared';
}

function unusable(path: string, cause: unknown): LoongError {
  return new LoongError('state_dir.unusable', `the directory ${path} cannot be used: ${describeError(cause)}`, {
    retry: 'never',
    cause,
    remedy: 'give this user the right to it, or name another one as gateway.state_dir',
  });
}

function shared(path: string): LoongError {
  return new LoongError(
    'state_dir.shared',
    `the directory ${path} can be entered by others, and not only loong uses it`,
    {
      retry: 'never',
      remedy: `name a directory of loong's own as gateway.state_dir, or run \`chmod 700 ${path}\` if it is one`,
    },
  );
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
