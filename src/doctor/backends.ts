/** What answers: whether the program of a backend can be found, the way its process would look for it. */
import { access, constants, stat } from 'node:fs/promises';
import { delimiter, resolve } from 'node:path';
import type { BackendConfig } from '../config/config.js';
import type { Finding } from './finding.js';

/** Where a process without PATH is looked for. */
const USUAL_PATH = '/usr/local/bin:/usr/bin:/bin';

export async function checkBackend(backend: BackendConfig): Promise<Finding> {
  const name = `backend ${backend.name}`;
  if (backend.type === 'echo') return { name, level: 'ok', detail: 'says everything back' };
  const [program] = backend.command;
  const found = await findProgram(program, backend.env.PATH);
  if (found !== undefined) return { name, level: 'ok', detail: found };
  const among = program.includes('/') ? '' : ` in PATH (${backend.env.PATH ?? 'not in its env'})`;
  return {
    name,
    level: 'fail',
    detail: `there is no program \`${program}\`${among}`,
    remedy: `correct backends.${backend.name}.command, or let its env have a PATH with that program`,
  };
}

async function findProgram(program: string, path: string | undefined): Promise<string | undefined> {
  const folders = program.includes('/') ? [''] : (path ?? USUAL_PATH).split(delimiter);
  for (const folder of folders) {
    const candidate = resolve(folder, program);
    if (await isProgram(candidate)) return candidate;
  }
  return undefined;
}

async function isProgram(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}
