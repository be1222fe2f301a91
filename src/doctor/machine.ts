/** What this machine gives: a state directory that can be written, room on its disk, and a database that is whole. */
import { existsSync } from 'node:fs';
import { access, constants, stat, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describeError } from '../model/errors.js';
import { databaseFault } from '../store/database-check.js';
import type { Finding } from './finding.js';

const LITTLE_SPACE_BYTES = 500 * 1_048_576;
const NO_SPACE_BYTES = 50 * 1_048_576;

export async function checkStateDir(stateDir: string): Promise<readonly Finding[]> {
  const exists = existsSync(stateDir);
  const fault = await faultOf(exists ? stateDir : nearestExisting(stateDir));
  if (fault !== undefined) {
    const remedy = 'give this user the right to it, or name another one as gateway.state_dir';
    return [{ name: 'state dir', level: 'fail', detail: `${stateDir} cannot be used: ${fault}`, remedy }];
  }
  if (!exists) {
    return [{ name: 'state dir', level: 'ok', detail: `${stateDir} does not exist yet; the first start makes it` }];
  }
  const { bavail, bsize } = await statfs(stateDir);
  return [
    { name: 'state dir', level: 'ok', detail: stateDir },
    spaceFinding(bavail * bsize),
    checkDatabase(join(stateDir, 'loong.db')),
  ];
}

/** Why nothing can be made in this folder; undefined when it can. */
async function faultOf(folder: string): Promise<string | undefined> {
  try {
    if (!(await stat(folder)).isDirectory()) return `${folder} is no directory`;
    await access(folder, constants.R_OK | constants.W_OK | constants.X_OK);
    return undefined;
  } catch (error) {
    return describeError(error);
  }
}

function nearestExisting(path: string): string {
  const above = dirname(path);
  return existsSync(above) || above === path ? above : nearestExisting(above);
}

export function spaceFinding(freeBytes: number): Finding {
  const detail = `${(freeBytes / 1_073_741_824).toFixed(1)} GiB free`;
  if (freeBytes >= LITTLE_SPACE_BYTES) return { name: 'free space', level: 'ok', detail };
  const remedy = 'make room: without it nothing can be journalled, and so nothing is accepted';
  return { name: 'free space', level: freeBytes < NO_SPACE_BYTES ? 'fail' : 'warn', detail, remedy };
}

function checkDatabase(path: string): Finding {
  if (!existsSync(path))
    return { name: 'database', level: 'ok', detail: 'does not exist yet; the first start makes it' };
  const fault = databaseFault(path);
  if (fault === undefined) return { name: 'database', level: 'ok', detail: 'quick_check found nothing' };
  const remedy = `stop the daemon and restore ${path} from a backup, or move it away (what was queued in it is lost)`;
  return { name: 'database', level: 'fail', detail: fault, remedy };
}
