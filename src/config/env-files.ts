/** Variables from files as `.env.qq` and `.env`, beneath those of the environment. */
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { UsageError } from '../model/errors.js';
import { readUpTo, whyUnreadable } from './bounded-file.js';
import { filePath } from './paths.js';

const MAX_FILE_BYTES = 64 * 1024;

export interface Variables {
  readonly env: NodeJS.ProcessEnv;
  /** The files that were there, absolute. */
  readonly files: readonly string[];
}

/**
 * A variable of the environment counts more than one of a file, and one of `.env.qq` more than one of `.env`; what is blank is not set.
 * @param named instead of `.env.qq`
 * @throws UsageError `usage.env_file` when `named`, or one that is there, cannot be read
 */
export async function withEnvFiles(
  folder: string,
  named: string | undefined,
  env: NodeJS.ProcessEnv,
): Promise<Variables> {
  const first = named === undefined ? join(folder, '.env.qq') : filePath(named, folder, env);
  const sources: NodeJS.ProcessEnv[] = [env];
  const files: string[] = [];
  for (const path of [first, join(folder, '.env')]) {
    const text = await textOf(path, path === first && named !== undefined);
    if (text === undefined) continue;
    files.push(path);
    sources.push(parseEnv(text) as NodeJS.ProcessEnv);
  }
  const merged: NodeJS.ProcessEnv = {};
  for (const source of sources.reverse())
    for (const [name, value] of Object.entries(source))
      if (value !== undefined && value.trim() !== '') merged[name] = value;
  return { env: merged, files };
}

async function textOf(path: string, isNamed: boolean): Promise<string | undefined> {
  try {
    const bytes = await readUpTo(path, MAX_FILE_BYTES);
    if (bytes !== undefined) return bytes.toString('utf8').replace(/^\uFEFF/, '');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' && !isNamed) return undefined;
    throw new UsageError('usage.env_file', `${path} ${whyUnreadable(error)}`, 'name a file with lines NAME=value');
  }
  throw new UsageError('usage.env_file', `${path} is larger than 64 KiB`, 'name a file with lines NAME=value');
}
