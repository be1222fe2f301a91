// Loaded before an unmodified process: its clock and its timers run as fast as the file named by CLOCK says, and every
// process that reads the same file has the same time. `{"real": ms, "simulated": ms, "factor": n}`: at `real` it was `simulated`,
// and since then `factor` ms pass in one. The file may be replaced at any time; running timers keep to the new speed.
import { readFileSync } from 'node:fs';

const realNow = Date.now.bind(Date);
const realPerformance = performance.now.bind(performance);
const { setTimeout: realSetTimeout, clearTimeout: realClearTimeout, Date: RealDate } = globalThis;
/** Timers of the platform that were started before are nobody's business; ours wake up this often to look at the speed. */
const LOOK_MS = 5;

let written = '';
let clock = { real: realNow(), simulated: realNow(), factor: 1 };
const running = new Set();

function look() {
  const text = readFileSync(process.env.CLOCK, 'utf8');
  if (text === written || text === '') return;
  written = text;
  clock = JSON.parse(text);
  for (const timer of running) timer.arm();
}
look();
setInterval(look, LOOK_MS).unref();

const origin = realNow() - realPerformance();
const exact = () => clock.simulated + (origin + realPerformance() - clock.real) * clock.factor;
const simulatedNow = () => Math.floor(exact());
const bornAt = exact();

globalThis.Date = class SimulatedDate extends RealDate {
  constructor(...args) {
    if (args.length === 0) super(simulatedNow());
    else super(...args);
  }
  static now() {
    return simulatedNow();
  }
};
performance.now = () => exact() - bornAt;

class SimulatedTimer {
  #work;
  #ms;
  #again;
  #due;
  #real;
  #isRef = true;

  constructor(work, ms, again) {
    this.#work = work;
    this.#ms = Math.max(1, Number(ms) || 1);
    this.#again = again;
    this.refresh();
  }
  refresh() {
    this.#due = exact() + this.#ms;
    running.add(this);
    this.arm();
    return this;
  }
  arm() {
    realClearTimeout(this.#real);
    const left = Math.max(0, this.#due - exact()) / clock.factor;
    this.#real = realSetTimeout(() => this.#fire(), left);
    if (!this.#isRef) this.#real.unref();
  }
  #fire() {
    if (exact() < this.#due - 1) return this.arm();
    running.delete(this);
    if (this.#again) this.refresh();
    this.#work();
  }
  close() {
    running.delete(this);
    realClearTimeout(this.#real);
    return this;
  }
  ref() {
    this.#isRef = true;
    this.#real.ref();
    return this;
  }
  unref() {
    this.#isRef = false;
    this.#real.unref();
    return this;
  }
  hasRef() {
    return this.#isRef;
  }
  [Symbol.dispose]() {
    this.close();
  }
}

globalThis.setTimeout = (work, ms, ...args) => new SimulatedTimer(() => work(...args), ms, false);
globalThis.setInterval = (work, ms, ...args) => new SimulatedTimer(() => work(...args), ms, true);
globalThis.clearTimeout = globalThis.clearInterval = (timer) =>
  timer instanceof SimulatedTimer ? timer.close() : realClearTimeout(timer);
