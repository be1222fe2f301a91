// @ts-check
/** A small disk for the state, so that it can be full: a tmpfs of its own where this machine lets us mount one. */
import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { atExit } from './left-behind.mjs';

const SIZE = '24m';
const BLOCK = Buffer.alloc(64 * 1024);
/** The mount is made by root, or by sudo where it asks for no password. */
const BY = process.getuid?.() === 0 ? [] : ['sudo', '-n'];

export class StateDisk {
  #folder;
  #isMounted;
  #forget = () => {};

  /**
   * @param {string} folder is made
   * @param {boolean} mount false: a plain folder, that cannot be filled
   */
  constructor(folder, mount) {
    this.#folder = folder;
    this.#isMounted = mount;
    mkdirSync(folder, { mode: 0o700 });
    const owner = `mode=0700,uid=${process.getuid?.()},gid=${process.getgid?.()}`;
    if (mount) asRoot('mount', '-t', 'tmpfs', '-o', `size=${SIZE},${owner}`, 'loong-chaos', folder);
    if (mount) this.#forget = atExit(() => this.close());
  }

  /** To the last byte. @returns whether it could be done */
  fill() {
    if (!this.#isMounted) return false;
    const file = openSync(this.#filler(), 'a');
    try {
      for (let size = BLOCK.length; size >= 1; size = Math.floor(size / 2))
        writeWhileRoom(file, BLOCK.subarray(0, size));
    } finally {
      closeSync(file);
    }
    return true;
  }

  free() {
    rmSync(this.#filler(), { force: true });
  }

  #filler() {
    return join(this.#folder, 'filler');
  }

  close() {
    if (this.#isMounted) asRoot('umount', '-l', this.#folder);
    this.#isMounted = false;
    this.#forget();
  }
}

/** @param {number} file @param {Buffer} block */
function writeWhileRoom(file, block) {
  try {
    while (writeSync(file, block) === block.length);
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'ENOSPC') throw error;
  }
}

/** Whether disks can be mounted here: tries it. */
export function canMount() {
  const folder = mkdtempSync(join(tmpdir(), 'loong-chaos-'));
  try {
    new StateDisk(join(folder, 'probe'), true).close();
    return true;
  } catch {
    return false;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @param {string[]} command */
function asRoot(...command) {
  const [program = '', ...args] = [...BY, ...command];
  execFileSync(program, args, { stdio: 'ignore' });
}
