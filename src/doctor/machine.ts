/** What this machine has to offer: a state directory that can be written, room on its disk, a database that is whole, and no strange owner. */
import { existsSync } from 'node:fs';
import { access, constants, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { describeError } from '../model/errors.js';
import { databaseFault } from '../store/database-check.js';
import type { Finding } from './finding.js';

const LITTLE_SPACE_BYTES = 500 * 1_048_576;
const NO_SPACE_BYTES = 50 * 1_048_576;

export async function checkStateDir(stateDir: string): Promise<readonly Finding[]> {
  if (!existsSync(stateDir)) {
    return [{ name: 'state dir', level: 'ok', detail: `${stateDir} does not exist yet; the first start makes it` }];
  }
  try {
    await access(stateDir, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    const remedy = 'give this user the right to it, or name another one as gateway.state_dir';
    return [
      { name: 'state dir', level: 'fail', detail: `${stateDir} cannot be used: ${describeError(error)}`, remedy },
    ];
  }
  return [
    { name: 'state dir', level: 'ok', detail: stateDir },
    await checkSpace(stateDir),
    checkDatabase(join(stateDir, 'loong.db')),
  ];
}

async function checkSpace(stateDir: string): Promise<Finding> {
  const { bavail, bsize } = await statfs(stateDir);
  const free = bavail * bsize;
  const detail = `${(free / 1_073_741_824).toFixed(1)} GiB free`;
  if (free >= LITTLE_SPACE_BYTES) return { name: 'free space', level: 'ok', detail };
  const remedy = 'make room: without it nothing can be journalled, and so nothing is accepted';
  return { name: 'free space', level: free < NO_SPACE_BYTES ? 'fail' : 'warn', detail, remedy };
}

function checkDatabase(path: string): Finding {
  if (!existsSync(path))
    return { name: 'database', level: 'ok', detail: 'does not exist yet; the first start makes it' };
  const fault = databaseFault(path);
  if (fault === undefined) return { name: 'database', level: 'ok', detail: 'quick_check found nothing' };
  const remedy = `stop the daemon and restore ${path} from a backup, or move it away (what was queued in it is lost)`;
  return { name: 'database', level: 'fail', detail: fault, remedy };
}
