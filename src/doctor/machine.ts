/** What this machine gives: a state directory of our own, room on its disk, databases that are whole, and a log file that opens. */
import { existsSync } from 'node:fs';
import { access, constants, open, readdir, stat, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describeError, LoongError } from '../model/errors.js';
import { databaseFault } from '../store/database-check.js';
import { privateDirFault } from '../store/state-dir.js';
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
  const refused = privateDirFault(stateDir);
  if (refused !== undefined) return [failure('state dir', refused)];
  const { bavail, bsize } = await statfs(stateDir);
  return [
    { name: 'state dir', level: 'ok', detail: stateDir },
    spaceFinding(bavail * bsize),
    await checkDatabase('database', stateDir, 'loong.db'),
    ...(existsSync(join(stateDir, 'owner.db')) ? [await checkDatabase('owner database', stateDir, 'owner.db')] : []),
  ];
}

/** Opened as the daemon opens it, but never made: it must not come to belong to whoever asks the doctor. */
export async function checkLogFile(path: string): Promise<Finding> {
  const name = 'log file';
  try {
    if (existsSync(path)) {
      // A pipe without a reader is refused instead of waited for.
      await (await open(path, constants.O_WRONLY | constants.O_APPEND | constants.O_NONBLOCK)).close();
      return { name, level: 'ok', detail: path };
    }
    const fault = await faultOf(dirname(path));
    if (fault === undefined)
      return { name, level: 'ok', detail: `${path} does not exist yet; the first start makes it` };
    throw new LoongError('log.unusable', fault);
  } catch (error) {
    const remedy = 'name as log.file one in a folder that exists and where this user may write';
    return { name, level: 'fail', detail: `${path} cannot be opened: ${describeError(error)}`, remedy };
  }
}

function failure(name: string, { message, remedy }: LoongError): Finding {
  return { name, level: 'fail', detail: message, ...(remedy === undefined ? {} : { remedy }) };
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

async function checkDatabase(name: string, stateDir: string, file: string): Promise<Finding> {
  const path = join(stateDir, file);
  if (!existsSync(path)) return { name, level: 'ok', detail: 'does not exist yet; the first start makes it' };
  // SQLite keeps files beside it, `-wal` and `-shm`: one that root made by a command of its own locks the daemon out.
  for (const found of (await readdir(stateDir)).filter((entry) => entry.startsWith(file))) {
    try {
      await access(join(stateDir, found), constants.R_OK | constants.W_OK);
    } catch (error) {
      const remedy = `give it to the user that the daemon runs as: \`chown -R USER ${stateDir}\``;
      return { name, level: 'fail', detail: describeError(error), remedy };
    }
  }
  const fault = databaseFault(path);
  return fault === undefined ? { name, level: 'ok', detail: 'quick_check found nothing' } : failure(name, fault);
}
