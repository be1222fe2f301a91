/**
 * Process groups on record in a folder, a file for each: what a killed daemon left running is ended by the next one. Only Linux
 * tells whether a number still stands for the same process; elsewhere nothing is recorded.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export class GroupRecords {
  readonly #folder: string;

  /** Makes the folder. @throws the error of Node when it cannot */
  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  }

  /** `pid` leads a group that was just started. Outlives this process, not a power cut, and needs not: no process does. */
  add(pid: number): void {
    const identity = identityOf(pid);
    if (identity === undefined) return;
    try {
      writeFileSync(join(this.#folder, String(pid)), identity, { mode: 0o600 });
    } catch {
      return; // a full disk costs the record, not the answer
    }
  }

  /** Nothing of the group is left. */
  remove(pid: number): void {
    try {
      rmSync(join(this.#folder, String(pid)), { force: true });
    } catch {
      return; // a number that stands for nothing, or for another process, is told apart at the next start
    }
  }

  /**
   * For whoever owns the folder now, before anything is added: SIGKILL for the groups on record whose leader is still the process
   * that it was. What outlived its leader is left alone: the number may have come to stand for another group.
   * @returns how many groups were ended
   */
  endLeftOver(): number {
    let ended = 0;
    for (const name of readdirSync(this.#folder)) {
      const pid = Number(name);
      if (
        Number.isSafeInteger(pid) &&
        pid > 1 &&
        identityOf(pid) === this.#recorded(name) &&
        signalGroup(pid, 'SIGKILL')
      )
        ended++;
      this.remove(pid);
    }
    return ended;
  }

  #recorded(name: string): string {
    try {
      return readFileSync(join(this.#folder, name), 'utf8');
    } catch {
      return ''; // nobody's
    }
  }
}

/** Boot and start time of a process that leads a group; undefined where there is none, or nobody can tell. Source: proc_pid_stat(5). */
function identityOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may hold anything; after it come the fields from the third on.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [group, startTime] = [fields[2], fields[19]];
    if (group !== String(pid) || startTime === undefined) return undefined;
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()} ${startTime}\n`;
  } catch {
    return undefined;
  }
}

/** @returns whether anything of the group was there. */
export function signalGroup(pid: number, signal: 'SIGTERM' | 'SIGKILL' | 0): boolean {
  try {
    process.kill(-pid, signal);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // EPERM: what is left took another user's rights (macOS says so of the dead, too), and is out of reach.
    if (code === 'ESRCH' || code === 'EPERM') return false;
    throw error;
  }
}
