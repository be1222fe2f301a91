/** A log file that never grows without bound: at its limit it becomes `.1`, the one before that goes. */
import { closeSync, fstatSync, openSync, renameSync, writeSync } from 'node:fs';
import type { DestinationStream } from 'pino';

const LIMIT_BYTES = 10 * 1_048_576;

export class RotatingFile implements DestinationStream {
  readonly #path: string;
  readonly #limit: number;
  #fd: number;
  #size: number;

  /** Opens (or creates, mode 0600) the file for appending. @throws the error of Node when it cannot */
  constructor(path: string, limitBytes = LIMIT_BYTES) {
    this.#path = path;
    this.#limit = limitBytes;
    this.#fd = openSync(path, 'a', 0o600);
    this.#size = fstatSync(this.#fd).size;
  }

  write(line: string): void {
    const bytes = Buffer.from(line);
    if (this.#size > 0 && this.#size + bytes.length > this.#limit) this.#rotate();
    writeSync(this.#fd, bytes);
    this.#size += bytes.length;
  }

  #rotate(): void {
    closeSync(this.#fd);
    renameSync(this.#path, `${this.#path}.1`);
    this.#fd = openSync(this.#path, 'a', 0o600);
    this.#size = 0;
  }
}
