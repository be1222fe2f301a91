/** A log file that never grows without bound: at its limit it becomes `.1`, the one before that goes. */
import { closeSync, fstatSync, ftruncateSync, openSync, renameSync, writeSync } from 'node:fs';
import type { DestinationStream } from 'pino';

const LIMIT_BYTES = 10 * 1_048_576;

export class RotatingFile implements DestinationStream {
  readonly #path: string;
  readonly #limit: number;
  #fd: number;
  #size: number;
  /** Lines that could not be written since the last one that could. */
  #lost = 0;
  /** The last one of them was written in part. */
  #torn = false;

  /** Opens (or creates, mode 0600) the file for appending. @throws the error of Node when it cannot */
  constructor(path: string, limitBytes = LIMIT_BYTES) {
    this.#path = path;
    this.#limit = limitBytes;
    this.#fd = openSync(path, 'a', 0o600);
    this.#size = fstatSync(this.#fd).size;
  }

  /** Never throws: a full disk costs lines of the log (how many, the next line that fits tells), and not the daemon. */
  write(line: string): void {
    try {
      if (this.#lost > 0) this.#append(Buffer.from(`${this.#torn ? '\n' : ''}${lostLine(this.#lost)}`));
      this.#lost = 0;
      this.#torn = false;
      this.#append(Buffer.from(line));
    } catch {
      this.#lost += 1;
    }
  }

  #append(bytes: Buffer): void {
    if (this.#size > 0 && this.#size + bytes.length > this.#limit) this.#rotate();
    let written = 0;
    while (written < bytes.length) {
      const count = writeSync(this.#fd, bytes, written);
      written += count;
      this.#size += count;
      this.#torn = written < bytes.length;
    }
  }

  /** Where the folder permits no renaming the file is emptied instead: it must not grow on. */
  #rotate(): void {
    this.#size = fstatSync(this.#fd).size; // something else may have emptied it
    if (this.#size === 0) return;
    try {
      renameSync(this.#path, `${this.#path}.1`);
    } catch {
      ftruncateSync(this.#fd);
      this.#size = 0;
      return;
    }
    const old = this.#fd;
    this.#fd = openSync(this.#path, 'a', 0o600);
    this.#size = 0;
    closeSync(old);
  }
}

function lostLine(count: number): string {
  const line = { level: 'warn', time: new Date().toISOString(), lost: count, msg: 'log lines could not be written' };
  return `${JSON.stringify(line)}\n`;
}
