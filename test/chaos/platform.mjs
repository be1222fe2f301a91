// @ts-check
/** The sandbox as the run drives it: a process of its own, spoken to over its JSON API, its transcript followed as it grows. */
import { fork } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** @typedef {import('../../src/sandbox/transcript.js').Entry} Entry */
/** @typedef {{ url: string, apiBaseUrl: string, tokenUrl: string, appId: string, clientSecret: string }} Place */

const PROGRAM = fileURLToPath(new URL('sandbox-process.mjs', import.meta.url));
const POLL_MS = 2000;
const POLL_REST_MS = 50;

export class PlatformProcess {
  #child;
  /** @type {Place} */
  place;
  /** All of it, so far. @type {Entry[]} */
  transcript = [];
  #following = false;
  /** @type {Set<() => void>} */
  #watchers = new Set();

  /** @param {import('node:child_process').ChildProcess} child @param {Place} place */
  constructor(child, place) {
    this.#child = child;
    this.place = place;
    this.#following = true;
    void this.#follow();
  }

  /** @returns {Promise<PlatformProcess>} */
  static open() {
    const child = fork(PROGRAM, [], { execArgv: [], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    return new Promise((resolve, reject) => {
      child.once('exit', (code) => reject(new Error(`the sandbox process ended with ${code}`)));
      child.once('message', (place) => resolve(new PlatformProcess(child, /** @type {Place} */ (place))));
    });
  }

  /**
   * @param {string} path @param {object} body
   * @returns {Promise<any>}
   */
  async order(path, body) {
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
    const answer = await fetch(`${this.place.url}/sandbox/v1${path}`, init);
    if (!answer.ok) throw new Error(`POST ${path} ${JSON.stringify(body)}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  }

  /** The daemon's process, to be ended with the sandbox when nobody else is left to do it. @param {number} pid */
  guard(pid) {
    if (this.#child.connected) this.#child.send(pid);
  }

  async liftFaults() {
    for (const path of ['/faults', '/onebot/faults'])
      await fetch(`${this.place.url}/sandbox/v1${path}`, { method: 'DELETE' });
  }

  /** @returns {Promise<any>} */
  async state() {
    return (await fetch(`${this.place.url}/sandbox/v1/state`)).json();
  }

  /** Whether a session is on a line, and every line of the implementation stands: of each where there is one. @param {import('./schedule.mjs').Lanes} lanes */
  async isConnected(lanes) {
    const { connected, onebot } = await this.state();
    const implementations = /** @type {{ lines: { open: boolean }[] }[]} */ (onebot.implementations);
    const isDialledIn = implementations.every(({ lines }) => lines.length > 0 && lines.every(({ open }) => open));
    return (lanes === 'onebot' || connected) && isDialledIn;
  }

  /**
   * Resolves when the transcript grew, or after `ms`.
   * @param {number} ms
   * @returns {Promise<void>}
   */
  grown(ms) {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#watchers.delete(done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.#watchers.add(done);
    });
  }

  async #follow() {
    while (this.#following) {
      try {
        const after = this.transcript.at(-1)?.n ?? 0;
        const answer = await fetch(
          `${this.place.url}/sandbox/v1/transcript?after=${after}&limit=10000&wait_ms=${POLL_MS}`,
        );
        const { entries } = /** @type {{ entries: Entry[] }} */ (await answer.json());
        this.transcript.push(...entries);
        if (entries.length > 0) for (const wake of [...this.#watchers]) wake();
      } catch {
        await sleep(POLL_REST_MS); // a sandbox that is gone for good fails whoever orders something next
      }
    }
  }

  /** @returns {Promise<void>} */
  close() {
    this.#following = false;
    return new Promise((resolve) => {
      if (this.#child.exitCode !== null || this.#child.signalCode !== null) return resolve();
      this.#child.once('exit', () => resolve());
      this.#child.kill('SIGKILL');
    });
  }
}
