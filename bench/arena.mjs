/** The bench's end of a sandbox process: gives it one order at a time and waits for what became of it. */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { remember, stop } from './children.mjs';

/** @typedef {{ apiBaseUrl: string, tokenUrl: string, appId: string, clientSecret: string }} Place where a client finds the sandbox */
/** @typedef {{ ms: number, sandboxCores: number }} Flooded how long it took, and how many cores the sandbox used meanwhile */
/** @typedef {{ do: 'guard', pid: number } | { do: 'flood', count: number } | { do: 'trickle', count: number, perSecond: number } | { do: 'tally' }} Order */
/** @typedef {{ tells: 'open', place: Place } | { tells: 'ready', at: number } | { tells: 'done', result: unknown } | { tells: 'failed', why: string }} Report */

/** Users who write to the bot, in turn. */
export const CONVERSATIONS = 200;
/** Messages that may be unanswered at a time during a flood. */
export const FLOOD_WINDOW = 1000;
const PROGRAM = fileURLToPath(new URL('sandbox-process.mjs', import.meta.url));
const REPORT_LIMIT_MS = 90_000;

export class Arena {
  #child;
  /** @type {Report[]} */
  #reports = [];
  #wake = () => {};
  /** @type {Place | undefined} */
  #place;

  constructor() {
    this.#child = remember(fork(PROGRAM, [], { execArgv: [], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] }));
    this.#child.on('message', (message) => {
      this.#reports.push(/** @type {Report} */ (message));
      this.#wake();
    });
    this.#child.once('exit', () => {
      this.#reports.push({ tells: 'failed', why: 'the sandbox process ended' });
      this.#wake();
    });
  }

  /** @returns {Promise<Arena>} once the sandbox listens */
  static async open() {
    const arena = new Arena();
    arena.#place = (await arena.#next('open')).place;
    return arena;
  }

  get place() {
    if (this.#place === undefined) throw new Error('the sandbox does not listen yet');
    return this.#place;
  }

  /**
   * When the next READY went out, on the shared clock in ms.
   * @returns {Promise<number>}
   */
  async ready() {
    return (await this.#next('ready')).at;
  }

  /**
   * Has the client killed should the bench itself be killed.
   * @param {number} pid
   */
  async guard(pid) {
    await this.#order({ do: 'guard', pid });
  }

  /**
   * @param {number} count
   * @returns {Promise<Flooded>}
   */
  async flood(count) {
    return /** @type {Flooded} */ (await this.#order({ do: 'flood', count }));
  }

  /**
   * @param {number} count
   * @param {number} perSecond
   * @returns {Promise<number[]>} milliseconds
   */
  async trickle(count, perSecond) {
    return /** @type {number[]} */ (await this.#order({ do: 'trickle', count, perSecond }));
  }

  /**
   * How many messages were asked, each answered exactly once.
   * @throws Error when that is not so.
   * @returns {Promise<number>}
   */
  async tally() {
    return /** @type {number} */ (await this.#order({ do: 'tally' }));
  }

  async close() {
    await stop(this.#child, 2000);
  }

  /** @param {Order} order */
  async #order(order) {
    this.#child.send(order);
    return (await this.#next('done')).result;
  }

  /**
   * The first report of this kind; others stay where they are.
   * @template {Report['tells']} T
   * @param {T} tells
   * @returns {Promise<Extract<Report, { tells: T }>>}
   */
  async #next(tells) {
    const deadline = Date.now() + REPORT_LIMIT_MS;
    for (;;) {
      const failed = this.#reports.find((report) => report.tells === 'failed');
      if (failed?.tells === 'failed') throw new Error(failed.why);
      const at = this.#reports.findIndex((report) => report.tells === tells);
      if (at >= 0) return /** @type {Extract<Report, { tells: T }>} */ (this.#reports.splice(at, 1)[0]);
      const left = deadline - Date.now();
      if (left <= 0) throw new Error(`the sandbox process did not say ${tells} within ${REPORT_LIMIT_MS / 1000} s`);
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake = () => {
          clearTimeout(timer);
          resolve(undefined);
        };
      });
    }
  }
}
