/**
 * The sandbox in a process of its own, driven over IPC. Messages are written and answers are timed in here, so that no driver
 * stands between the sandbox and the client. Every answer is checked as it comes: accepted, to a message of ours, with its
 * text, once; the first that is not fails the job that runs, and every later one.
 */
import { startSandbox } from '../dist/sandbox/sandbox.js';
import { CONVERSATIONS, FLOOD_WINDOW } from './arena.mjs';
import { sharedClockMs } from './usage.mjs';

/** @typedef {import('./arena.mjs').Order} Order */
/** @typedef {import('./arena.mjs').Report} Report */
/** @typedef {import('./arena.mjs').Flooded} Flooded */
/** @typedef {import('../dist/sandbox/transcript.js').Entry} Entry */
/** @typedef {{ readonly text: string, readonly writtenAt: number, answeredAt: number | undefined }} Asked */

const JOB_LIMIT_MS = 60_000;

// The platform's own rules leave room for this: each message is answered once, within its window.
const sandbox = await startSandbox();
const { platform } = sandbox;
const peers = Array.from(
  { length: CONVERSATIONS },
  (_, i) => platform.people.addUser(`User ${i}`, `openid_bench_${i}`).openid,
);

/** @type {Map<string, Asked>} */
const asked = new Map();
let written = 0;
let answered = 0;
let read = 0;
/** @type {string | undefined} */
let problem;
let isMeasuring = false;
/** Called after each answer, and when a problem was found. */
let onProgress = () => {};

platform.transcript.watch(() => {
  const entries = platform.transcript.since(read);
  read = platform.transcript.last;
  for (const entry of entries) look(entry);
});

/** @param {Entry} entry */
function look(entry) {
  if (entry.kind === 'gateway' && entry.step === 'ready') report({ tells: 'ready', at: sharedClockMs() });
  else if (entry.kind === 'gateway' && isMeasuring) complain(`the connection did not hold: ${JSON.stringify(entry)}`);
  if (entry.kind !== 'bot.send') return;
  const message = entry.msg_id === undefined ? undefined : asked.get(entry.msg_id);
  if (!entry.accepted) complain(`an answer was refused: ${JSON.stringify(entry)}`);
  else if (message === undefined) complain(`an answer to nothing that was asked: ${JSON.stringify(entry)}`);
  else if (message.answeredAt !== undefined) complain(`answered twice: ${message.text}`);
  else if (message.text !== entry.text) complain(`asked ${message.text}, answered ${entry.text}`);
  else {
    message.answeredAt = performance.now();
    answered++;
    onProgress();
  }
}

/** @param {string} what */
function complain(what) {
  problem ??= what;
  onProgress();
}

/** @returns {Asked} */
function write() {
  written++;
  const text = `message ${written} of the bench`;
  const from = /** @type {string} */ (peers[written % CONVERSATIONS]);
  const writtenAt = performance.now();
  const { id } = platform.say({ from, text });
  /** @type {Asked} */
  const message = { text, writtenAt, answeredAt: undefined };
  asked.set(id, message);
  return message;
}

/**
 * Resolves once every message is answered.
 * @throws Error on the first problem, or when it takes too long.
 * @param {() => void} goOn called after each answer
 * @returns {Promise<void>}
 */
function allAnswered(goOn) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => end(() => reject(new Error(`${answered} of ${written} were answered within ${JOB_LIMIT_MS / 1000} s`))),
      JOB_LIMIT_MS,
    );
    /** @param {() => void} settle */
    const end = (settle) => {
      clearTimeout(timer);
      onProgress = () => {};
      settle();
    };
    onProgress = () => {
      if (problem !== undefined) return end(() => reject(new Error(problem)));
      goOn();
      if (answered === written) end(resolve);
    };
    onProgress();
  });
}

/**
 * Writes `count` messages as fast as they are answered, at most `FLOOD_WINDOW` unanswered.
 * @param {number} count
 * @returns {Promise<Flooded>}
 */
async function flood(count) {
  const end = written + count;
  let isDue = false;
  const fill = () => {
    isDue = false;
    while (written < end && written - answered < FLOOD_WINDOW) write();
  };
  const cpu = process.cpuUsage();
  const from = performance.now();
  fill();
  await allAnswered(() => {
    if (isDue || written === end) return;
    isDue = true;
    setImmediate(fill);
  });
  const ms = performance.now() - from;
  const { user, system } = process.cpuUsage(cpu);
  return { ms, sandboxCores: (user + system) / 1000 / ms };
}

/**
 * Writes `count` messages in even steps; resolves with each one's milliseconds from written to accepted.
 * @param {number} count
 * @param {number} perSecond
 * @returns {Promise<number[]>}
 */
async function trickle(count, perSecond) {
  const from = performance.now();
  /** @type {Asked[]} */
  const messages = [];
  for (let i = 0; i < count; i++) {
    const wait = from + (i * 1000) / perSecond - performance.now();
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    messages.push(write());
  }
  await allAnswered(() => {});
  return messages.map(({ writtenAt, answeredAt }) => (answeredAt ?? Number.NaN) - writtenAt);
}

/** Everything is answered, once, and nothing came beside it. */
function tally() {
  const { sends, sends_accepted: accepted } = platform.transcript.counters();
  if (problem !== undefined) throw new Error(problem);
  if (sends !== written || accepted !== written || answered !== written)
    throw new Error(
      `${written} were asked, ${answered} answered; the platform saw ${sends} sends and took ${accepted}`,
    );
  isMeasuring = false;
  return written;
}

/** @type {number | undefined} */
let guarded;

/**
 * @param {Order} order
 * @returns {Promise<unknown>}
 */
async function carryOut(order) {
  switch (order.do) {
    case 'guard':
      guarded = order.pid;
      return undefined;
    case 'flood':
      isMeasuring = true;
      return flood(order.count);
    case 'trickle':
      isMeasuring = true;
      return trickle(order.count, order.perSecond);
    case 'tally':
      return tally();
  }
}

/** @param {Report} what */
function report(what) {
  process.send?.(what);
}

process.on('message', (message) => {
  carryOut(/** @type {Order} */ (message)).then(
    (result) => report({ tells: 'done', result }),
    (error) => report({ tells: 'failed', why: error instanceof Error ? error.message : String(error) }),
  );
});
// The bench is gone without a word: nobody else would end the client.
process.on('disconnect', () => {
  try {
    if (guarded !== undefined) process.kill(guarded, 'SIGKILL');
  } catch {
    // It ended first.
  }
  process.exit(0);
});

const { apiBaseUrl, tokenUrl, appId, clientSecret } = sandbox;
report({ tells: 'open', place: { apiBaseUrl, tokenUrl, appId, clientSecret } });
