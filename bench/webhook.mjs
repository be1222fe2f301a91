/** Callbacks: the daemon against a bare server that verifies them. One round of either, and the table of all rounds. */
import { fork } from 'node:child_process';
import { connect, createServer } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Arena } from './arena.mjs';
import { remember, stop } from './children.mjs';
import { Contestant } from './contestants.mjs';
import { markdownTable } from './report.mjs';
import { median } from './statistics.mjs';
import { cpuMicros } from './usage.mjs';

/** @typedef {{ readonly warmUp: number, readonly flooded: number }} Amount */
/** @typedef {{ readonly perSecond: number, readonly cpu: number | undefined }} Figures */
/** @typedef {import('./webhook-peer.mjs').Order} Order */
/** @typedef {import('./webhook-peer.mjs').Report} Report */

const PROGRAM = fileURLToPath(new URL('webhook-peer.mjs', import.meta.url));
const AFTERMATH_MS = 300;
const LISTENS_WITHIN_MS = 10_000;
const BAR = 0.6;

/**
 * @param {'webhook' | 'webhook-bare'} name
 * @param {Amount} amount
 * @returns {Promise<Figures>}
 * @throws Error when an event was not acknowledged.
 */
export async function measureWebhook(name, { warmUp, flooded }) {
  const arena = await Arena.open();
  const place = { ...arena.place, webhookPort: await freePort() };
  const contestant = await Contestant.start(name, place, 0);
  const peer = remember(
    fork(PROGRAM, [JSON.stringify(place)], { execArgv: [], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] }),
  );
  /**
   * @param {Order} order
   * @returns {Promise<Report>}
   */
  const ask = (order) =>
    new Promise((resolve, reject) => {
      peer.once('message', (message) => {
        const report = /** @type {Report} */ (message);
        if (report.tells === 'failed') reject(new Error(report.why));
        else resolve(report);
      });
      peer.send(order);
    });
  /** @param {number} count */
  const flood = async (count) => {
    await ask({ do: 'sign', count });
    await pause(AFTERMATH_MS);
    const before = cpuMicros(contestant.pid);
    const done = await ask({ do: 'flood' });
    await pause(AFTERMATH_MS);
    const after = cpuMicros(contestant.pid);
    return {
      perSecond: done.tells === 'done' ? (count * 1000) / done.ms : Number.NaN,
      cpu: before === undefined || after === undefined ? undefined : (after - before) / count,
    };
  };
  const measure = async () => {
    await listening(place.webhookPort);
    await flood(warmUp);
    return flood(flooded);
  };
  try {
    return await Promise.race([measure(), contestant.fault]);
  } finally {
    await stop(peer, 2000);
    await contestant.end();
    await arena.close();
  }
}

/** @param {number} port */
async function listening(port) {
  const deadline = Date.now() + LISTENS_WITHIN_MS;
  while (Date.now() < deadline) {
    const isOpen = await new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.destroy();
        resolve(true);
      });
      socket.once('error', () => resolve(false));
    });
    if (isOpen) return;
    await pause(50);
  }
  throw new Error(`nobody listened on port ${port} within ${LISTENS_WITHIN_MS / 1000} s`);
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
export function webhookTable(loong, bare) {
  /** @type {(figures: readonly Figures[], key: keyof Figures) => number} */
  const middle = (figures, key) => median(figures.map((one) => one[key] ?? Number.NaN));
  /** @type {(key: keyof Figures) => number} */
  const ratio = (key) => middle(loong, key) / middle(bare, key);
  return markdownTable(
    ['webhook', 'loong', 'bare server', 'ratio', 'bar', ''],
    [
      [
        'signed events a second',
        middle(loong, 'perSecond').toFixed(0),
        middle(bare, 'perSecond').toFixed(0),
        ratio('perSecond').toFixed(2),
        `≥ ${BAR}`,
        ratio('perSecond') >= BAR ? '✓ met' : '✗ missed',
      ],
      [
        'CPU per event',
        `${middle(loong, 'cpu').toFixed(0)} µs`,
        `${middle(bare, 'cpu').toFixed(0)} µs`,
        ratio('cpu').toFixed(2),
        '',
        '',
      ],
    ],
  );
}
