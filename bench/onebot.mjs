/** The OneBot lane against the bare server: one round of either, and the table of all rounds. */
import { fork } from 'node:child_process';
import { createServer } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { remember, stop } from './children.mjs';
import { Contestant } from './contestants.mjs';
import { markdownTable } from './report.mjs';
import { median } from './statistics.mjs';
import { cpuMicros, residentBytes } from './usage.mjs';

/** @typedef {{ readonly warmUp: number, readonly flooded: number }} Amount */
/** @typedef {{ readonly perSecond: number, readonly cpu: number | undefined, readonly once: number | undefined, readonly twice: number | undefined }} Figures `once`, `twice`: resident bytes after the flood, and after a second one */
/** @typedef {import('./onebot-peer.mjs').Report} Report */

const PROGRAM = fileURLToPath(new URL('onebot-peer.mjs', import.meta.url));
const AFTERMATH_MS = 300;
const CPU_BAR = 3.3;
/** What is called flat: a second flood leaves no more than this part behind. */
const FLAT_BAR = 1.1;

/**
 * @param {'onebot' | 'onebot-bare'} name
 * @param {Amount} amount
 * @returns {Promise<Figures>}
 * @throws Error when a message was not answered exactly once.
 */
export async function measureOnebot(name, { warmUp, flooded }) {
  const port = await freePort();
  const contestant = await Contestant.start(name, { port }, 0);
  const peer = remember(
    fork(PROGRAM, [`ws://127.0.0.1:${port}/onebot/v11/ws`], {
      execArgv: [],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    }),
  );
  /** @type {(report: Report) => void} */
  let onReport = () => {};
  peer.on('message', (report) => onReport(/** @type {Report} */ (report)));
  /** @returns {Promise<Report>} */
  const next = () =>
    new Promise((resolve, reject) => {
      onReport = (report) => (report.tells === 'failed' ? reject(new Error(report.why)) : resolve(report));
    });
  /** @param {number} count */
  const flood = async (count) => {
    const done = next();
    peer.send({ do: 'flood', count });
    const report = await done;
    return report.tells === 'done' ? report.ms : Number.NaN;
  };
  const measure = async () => {
    await next();
    await pause(AFTERMATH_MS);
    await flood(warmUp);
    await pause(AFTERMATH_MS);
    const before = cpuMicros(contestant.pid);
    const ms = await flood(flooded);
    await pause(AFTERMATH_MS);
    const after = cpuMicros(contestant.pid);
    const once = residentBytes(contestant.pid);
    await flood(flooded);
    await pause(AFTERMATH_MS);
    return {
      perSecond: (flooded * 1000) / ms,
      cpu: before === undefined || after === undefined ? undefined : (after - before) / flooded,
      once,
      twice: residentBytes(contestant.pid),
    };
  };
  try {
    return await Promise.race([measure(), contestant.fault]);
  } finally {
    await stop(peer, 2000);
    await contestant.end();
  }
}

/** @returns {Promise<number>} */
function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

/**
 * @param {readonly Figures[]} loong
 * @param {readonly Figures[]} bare
 */
export function onebotTable(loong, bare) {
  /** @type {(figures: readonly Figures[], key: keyof Figures) => number} */
  const middle = (figures, key) => median(figures.map((one) => one[key] ?? Number.NaN));
  /** @type {(isMet: boolean) => string} */
  const mark = (isMet) => (isMet ? '✓ met' : '✗ missed');
  const cpu = middle(loong, 'cpu') / middle(bare, 'cpu');
  const growth = median(loong.map(({ once = Number.NaN, twice = Number.NaN }) => twice / once));
  const mebibytes = (/** @type {number} */ bytes) => `${(bytes / 1_048_576).toFixed(1)} MiB`;
  return markdownTable(
    ['OneBot', 'loong', 'bare server', 'ratio', 'bar', ''],
    [
      ['messages a second', middle(loong, 'perSecond').toFixed(0), middle(bare, 'perSecond').toFixed(0), '', '', ''],
      [
        'CPU per message',
        `${middle(loong, 'cpu').toFixed(0)} µs`,
        `${middle(bare, 'cpu').toFixed(0)} µs`,
        cpu.toFixed(2),
        `≤ ${CPU_BAR}`,
        mark(cpu <= CPU_BAR),
      ],
      [
        'memory after a second flood, against the first',
        mebibytes(middle(loong, 'twice')),
        mebibytes(middle(bare, 'twice')),
        growth.toFixed(2),
        `≤ ${FLAT_BAR}`,
        mark(growth <= FLAT_BAR),
      ],
    ],
  );
}
