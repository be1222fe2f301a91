// @ts-check
/** The daemon, unmodified, as a supervisor would keep it: whatever ends it, it is started again at once. */
import { execFile, spawn } from 'node:child_process';
import { join } from 'node:path';
import { atExit } from './left-behind.mjs';

const LOG_CHARS = 400_000;
/** A daemon that ended by itself is not started again in a hot loop. */
const REST_MS = 50;

export class DaemonProcess {
  #bin;
  #command;
  #home;
  #onStart;
  /** @type {import('node:child_process').ChildProcess | undefined} */
  #child;
  #wanted = true;
  log = '';
  /** When it was killed, in milliseconds since 1970. @type {number[]} */
  kills = [];
  /** How often it ended by itself. */
  exits = 0;

  /**
   * @param {string} root the checkout, or a copy of what it is made of
   * @param {readonly string[]} command what it is started with
   * @param {string} home folder of its config and state
   * @param {(pid: number) => void} onStart
   */
  constructor(root, command, home, onStart) {
    this.#onStart = onStart;
    this.#command = command;
    this.#bin = join(root, 'bin', 'loong.js');
    this.#home = home;
    this.#start();
  }

  #env() {
    return { PATH: process.env.PATH, HOME: this.#home, LOONG_HOME: this.#home };
  }

  #start() {
    const child = spawn(process.execPath, [this.#bin, ...this.#command], {
      env: this.#env(),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    const forget = atExit(() => child.kill('SIGKILL'));
    if (child.pid !== undefined) this.#onStart(child.pid);
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk) => {
        this.log = (this.log + String(chunk)).slice(-LOG_CHARS);
      });
    child.once('exit', (code, signal) => {
      forget();
      this.log += `--- the daemon ended: ${signal ?? `exit ${code}`}\n`;
      if (!this.#wanted) return;
      if (signal === 'SIGKILL') return this.#start();
      this.exits++;
      setTimeout(() => {
        if (this.#wanted) this.#start();
      }, REST_MS);
    });
  }

  /** SIGKILL; it comes back by itself. */
  kill() {
    if (this.#child?.kill('SIGKILL')) this.kills.push(Date.now());
  }

  /**
   * What `loong queue` says is not settled, or did not end well; undefined when it cannot tell now. Where no repeat can be told an end may
   * stay uncertain, and OneBot may refuse: whether there was a reason is judged by the journal.
   * @returns {Promise<readonly string[] | undefined>}
   */
  unsettled() {
    return new Promise((resolve) => {
      execFile(process.execPath, [this.#bin, 'queue', '--json'], { env: this.#env() }, (error, stdout) => {
        if (error !== null) return resolve(undefined);
        const { rows } = /** @type {{ rows: QueueRow[] }} */ (JSON.parse(stdout));
        resolve(
          rows
            .filter((row) => row.status !== 'answered' && row.status !== 'delivered' && !mayEndSo(row))
            .map(({ id, status, error }) => `${id} ${status} ${JSON.stringify(error ?? {})}`),
        );
      });
    });
  }

  /** @returns {Promise<void>} */
  close() {
    this.#wanted = false;
    return new Promise((resolve) => {
      const child = this.#child;
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) return resolve();
      child.once('exit', () => resolve());
      child.kill('SIGKILL');
    });
  }
}

/** @typedef {{ id: string, conversation: string, status: string, error?: object }} QueueRow */

/** @param {QueueRow} row */
function mayEndSo({ conversation, status }) {
  if (/^onebot:/.test(conversation)) return status === 'uncertain' || status === 'failed';
  return /^qqbot:[^:]+:(channel|dm):/.test(conversation) && status === 'uncertain';
}
