/** Who is compared: our daemon as anyone would run it, and the bare client. Each run has a process and a home of its own. */
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeFolder, remember, removeFolder, stop } from './children.mjs';
import { putOldJournal } from './old-journal.mjs';
import { sharedClockMs } from './usage.mjs';

/** @typedef {(import('./arena.mjs').Place & { readonly webhookPort?: number }) | { readonly port: number }} Place */
/** @typedef {'loong' | 'bare' | 'onebot' | 'onebot-bare' | 'webhook' | 'webhook-bare'} Name */

export const LOONG = fileURLToPath(new URL('../bin/loong.js', import.meta.url));
/** @type {(file: string) => string} */
const beside = (file) => fileURLToPath(new URL(file, import.meta.url));
/** What runs under each name. @type {Record<Name, readonly string[]>} */
const PROGRAMS = {
  loong: [LOONG, 'channels', 'serve', 'qqbot'],
  bare: [beside('bare-client.mjs')],
  onebot: [LOONG, 'channels', 'serve', 'onebot'],
  'onebot-bare': [beside('onebot-bare.mjs')],
  webhook: [LOONG, 'channels', 'serve', 'qqbot'],
  'webhook-bare': [beside('webhook-bare.mjs')],
};
const STOP_PATIENCE_MS = 12_000;

export class Contestant {
  /** Milliseconds on the shared clock. */
  startedAt = sharedClockMs();
  #home;
  #log;
  #child;
  #isStopping = false;

  /**
   * @param {Name} name
   * @param {Place} place
   * @param {number} settled messages that its journal holds from the start
   * @param {readonly string[]} [nodeArgs]
   */
  static async start(name, place, settled, nodeArgs = []) {
    const home = makeFolder();
    if (settled > 0) await putOldJournal(home, settled);
    return new Contestant(name, place, home, nodeArgs);
  }

  /**
   * @param {Name} name
   * @param {Place} place
   * @param {string} home
   * @param {readonly string[]} nodeArgs
   */
  constructor(name, place, home, nodeArgs) {
    this.#home = home;
    this.#log = join(home, 'log');
    const env = {
      PATH: process.env.PATH,
      HOME: this.#home,
      LOONG_HOME: this.#home,
      BENCH_PLACE: JSON.stringify(place),
    };
    const args = PROGRAMS[name];
    if (args[0] === LOONG) writeFileSync(join(this.#home, 'config.toml'), configFor(place), { mode: 0o600 });
    const log = openSync(this.#log, 'w', 0o600);
    this.startedAt = sharedClockMs();
    this.#child = remember(spawn(process.execPath, [...nodeArgs, ...args], { env, stdio: ['ignore', log, log] }));
    closeSync(log);
    /** Rejects when the process ends before it is told to. @type {Promise<never>} */
    this.fault = new Promise((_, reject) => {
      this.#child.once('error', reject);
      this.#child.once('exit', (code, signal) => {
        if (!this.#isStopping)
          reject(new Error(`${name} ended by itself (${signal ?? `exit ${code}`}):\n${this.#logTail()}`));
      });
    });
    this.fault.catch(() => {});
  }

  get pid() {
    const { pid } = this.#child;
    if (pid === undefined) throw new Error('the client could not be started');
    return pid;
  }

  /** Ends the process and removes its home. @returns {Promise<string>} how it ended */
  async end() {
    this.#isStopping = true;
    const how = await stop(this.#child, STOP_PATIENCE_MS);
    removeFolder(this.#home);
    return how;
  }

  #logTail() {
    return readFileSync(this.#log, 'utf8').slice(-2000);
  }
}

/**
 * Only what must be said: everything else, the echo backend included, is the default.
 * @param {Place} place
 */
function configFor(place) {
  if ('port' in place) return `[onebot]\nws_port = ${place.port}\nallowed_peer_ids = ["*"]\n`;
  return `[qqbot]
app_id = "${place.appId}"
client_secret = "${place.clientSecret}"
api_base_url = "${place.apiBaseUrl}"
token_url = "${place.tokenUrl}"
${place.webhookPort === undefined ? 'allowed_peer_ids = ["c2c:*"]' : callbacksAt(place.webhookPort)}
`;
}

/**
 * All groups are heard, and nobody in them is answered without a mention.
 * @param {number} port
 */
function callbacksAt(port) {
  return `allowed_peer_ids = ["group:*"]\ntransport = "webhook"\nwebhook_listen = "127.0.0.1:${port}"`;
}
