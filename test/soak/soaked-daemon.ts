/** A daemon under a stream of messages with trouble mixed in, whose clock is put forward, and whose memory and database are weighed. */
import { readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Sandbox } from '../../src/sandbox/sandbox.js';
import { configFor, LoongHome, type LoongProcess } from '../support/loong-process.js';
import { waitUntil } from '../support/wait-until.js';

const preload = (name: string) => [
  '--import',
  fileURLToPath(new URL(`../journeys/preload/${name}.mjs`, import.meta.url)),
];
/** Milliseconds of the daemon's clock in one: what waits to be tried again keeps nobody waiting here. */
export const SPEED = 20;
/** Conversations that the messages come from. */
const PEOPLE = 200;

/** After forced garbage collection, in bytes. */
export interface Weight {
  /** Messages so far. */
  readonly messages: number;
  readonly heapUsed: number;
  readonly rss: number;
  readonly database: number;
}

export class SoakedDaemon {
  readonly home = new LoongHome();
  readonly #sandbox: Sandbox;
  readonly #clock = join(this.home.folder, 'clock.json');
  readonly #memory = join(this.home.folder, 'memory.jsonl');
  #daemon: LoongProcess | undefined;
  /** By how much the daemon's clock was ahead at `#since`, in ms. */
  #ahead = 0;
  #since = Date.now();
  #reports = 0;
  #said = 0;
  /** Texts that the platform took, and how often. */
  readonly #answers = new Map<string, number>();
  #read = 0;

  constructor(sandbox: Sandbox) {
    this.#sandbox = sandbox;
    for (let n = 0; n < PEOPLE; n++) sandbox.platform.people.addUser(`Person ${n}`, `openid_${n}`);
  }

  /** Settled messages are forgotten after a day. */
  async start(): Promise<void> {
    this.#putForward(0);
    writeFileSync(this.#memory, '');
    this.home.writeConfig(configFor(this.#sandbox, 'allowed_peer_ids = ["c2c:*"]', '[gateway]\nretention_days = 1'));
    this.#daemon = this.home.start(
      ['channels', 'serve', 'qqbot'],
      ['--expose-gc', ...preload('simulated-clock'), ...preload('memory-report')],
      { CLOCK: this.#clock, MEMORY: this.#memory },
    );
    await this.#daemon.logs('connected to the QQ gateway');
  }

  /** So many messages with resets, repeats, lost answers, notices and unreadable frames in between; all answered when it resolves. */
  async flood(messages: number): Promise<void> {
    const { platform } = this.#sandbox;
    platform.fault({ kind: 'rest', method: 'POST', path: '/v2/users/*', status: 500, times: 3, skip: 10 });
    platform.fault({ kind: 'rest', method: 'POST', path: '/v2/users/*', drop: 'after', times: 3, skip: 40 });
    for (let n = 0; n < messages; n++) {
      const from = `openid_${this.#said % PEOPLE}`;
      platform.say({ from, text: `${this.#said++}`, duplicate: n % 10 === 0 ? 1 : 0 });
      if (n % 100 === 50) platform.set({ user: 'openid_alice', friend: false });
      if (n % 100 === 51) platform.set({ user: 'openid_alice', friend: true });
      if (n % 200 === 80) platform.sendRaw('{"op":0,"s":$S,"t":"C2C_MESSAGE_CREATE","d":{}}');
      if (n === messages / 2) platform.fault({ kind: 'gateway.cut' });
      if (n % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      if (n % 500 === 0) this.#readAnswers();
    }
    await waitUntil(`${this.#said} answers`, () => this.#readAnswers() >= this.#said, 60_000).catch(
      (error: unknown) => {
        throw new Error(`${this.#answers.size} of ${this.#said} were answered:\n${this.#daemon?.stderr.slice(-2000)}`, {
          cause: error,
        });
      },
    );
  }

  /** Answers that the platform took, one per message when nothing was lost or doubled. */
  get answers(): { readonly different: number; readonly all: number } {
    const all = [...this.#answers.values()].reduce((sum, times) => sum + times, 0);
    return { different: this.#answers.size, all };
  }

  #readAnswers(): number {
    for (const entry of this.#sandbox.platform.transcript.since(this.#read)) {
      this.#read = entry.n;
      if (entry.kind !== 'bot.send' || !entry.accepted) continue;
      this.#answers.set(entry.text ?? '', (this.#answers.get(entry.text ?? '') ?? 0) + 1);
    }
    return this.#answers.size;
  }

  /** The daemon's clock jumps, as after a long sleep of the machine: old rows become older, and what is due hourly is due. */
  putForward(hours: number): void {
    this.#putForward(hours * 3_600_000);
  }

  /** Cuts the connection; resolves once there is another. */
  async reconnect(): Promise<void> {
    const connections = (this.#daemon?.stderr ?? '').split('connected to the QQ gateway').length;
    this.#sandbox.platform.fault({ kind: 'gateway.cut' });
    await this.#daemon?.logs('connected to the QQ gateway', connections);
  }

  #putForward(ms: number): void {
    const real = Date.now();
    this.#ahead += ms + (real - this.#since) * (SPEED - 1);
    this.#since = real;
    writeFileSync(`${this.#clock}.new`, JSON.stringify({ real, simulated: real + this.#ahead, factor: SPEED }));
    renameSync(`${this.#clock}.new`, this.#clock);
  }

  async weigh(): Promise<Weight> {
    this.#reports++;
    this.#daemon?.child.kill('SIGUSR2');
    const report = await waitUntil(
      'a report',
      () => readFileSync(this.#memory, 'utf8').split('\n')[this.#reports - 1] || undefined,
    );
    const { heapUsed, rss } = JSON.parse(report) as { heapUsed: number; rss: number };
    return { messages: this.#said, heapUsed, rss, database: this.#databaseBytes() };
  }

  #databaseBytes(): number {
    const sizes = ['loong.db', 'loong.db-wal'].map((name) => {
      const found = statSync(join(this.home.folder, 'state', name), { throwIfNoEntry: false });
      return found?.size ?? 0;
    });
    return sizes.reduce((sum, size) => sum + size, 0);
  }
}

/** Bytes by which `heapUsed` grows in 10,000 messages: the least squares through the last 80 %. */
export function slopePer10k(weights: readonly Weight[]): number {
  const last = weights.slice(Math.ceil(weights.length / 5));
  const mean = (of: (weight: Weight) => number) => last.reduce((sum, weight) => sum + of(weight), 0) / last.length;
  const x = mean(({ messages }) => messages);
  const y = mean(({ heapUsed }) => heapUsed);
  const above = mean(({ messages, heapUsed }) => (messages - x) * (heapUsed - y));
  return (above / mean(({ messages }) => (messages - x) ** 2)) * 10_000;
}
