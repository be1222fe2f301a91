/** One contestant on a sandbox of its own, measured once: start, rest, a trickle, a flood. */
import { setTimeout as pause } from 'node:timers/promises';
import { Arena } from './arena.mjs';
import { Contestant } from './contestants.mjs';
import { percentile } from './statistics.mjs';
import { cpuMicros, machineCpuMs, residentBytes } from './usage.mjs';

/**
 * How much is measured.
 * @typedef {object} Amount
 * @property {number} rounds
 * @property {number} settleMs before memory at rest is read
 * @property {number} trickled messages, `PER_SECOND` of them each second
 * @property {number} warmUp messages of a flood that is not measured
 * @property {number} flooded
 * @property {number} massed messages of a last flood, after which memory is read
 * @property {number} settled messages of long ago in the journal of one more run
 * @property {number} settledOnce so many that they are measured only once
 * @property {number} onebot messages of a flood over OneBot
 * @property {number} webhook events of a flood of callbacks
 * @property {number} versions runs of `loong --version`
 */

/**
 * What was measured; a figure that this system does not tell is undefined.
 * @typedef {object} Figures
 * @property {number} messagesPerSecond
 * @property {number | undefined} cpuMicrosPerMessage
 * @property {number | undefined} cores that the client used during the flood
 * @property {number} sandboxCores
 * @property {number | undefined} otherCores what all other programs of the machine used meanwhile
 * @property {number} p50Ms
 * @property {number} p99Ms
 * @property {number | undefined} idleBytes
 * @property {number | undefined} floodBytes
 * @property {number} startMs
 */

export const PER_SECOND = 50;
/** After the last answer: what the client still has to write down is counted, and an answer too many shows itself. */
const AFTERMATH_MS = 300;

/**
 * @param {import('./contestants.mjs').Name} name
 * @param {Amount} amount
 * @param {number} [settled] messages that its journal holds from the start
 * @returns {Promise<Figures>}
 * @throws Error when a message was not answered exactly once.
 */
export async function measureOnce(name, amount, settled = 0) {
  const arena = await Arena.open();
  const contestant = await Contestant.start(name, arena.place, settled);
  try {
    const massed = settled > 0 ? 0 : amount.massed;
    return await Promise.race([measure(arena, contestant, { ...amount, massed }), contestant.fault]);
  } finally {
    await contestant.end();
    await arena.close();
  }
}

/**
 * @param {Arena} arena
 * @param {Contestant} contestant
 * @param {Amount} amount
 * @returns {Promise<Figures>}
 */
async function measure(arena, contestant, amount) {
  const { pid } = contestant;
  await arena.guard(pid);
  const startMs = (await arena.ready()) - contestant.startedAt;
  await pause(amount.settleMs);
  const idleBytes = residentBytes(pid);

  const latencies = await arena.trickle(amount.trickled, PER_SECOND);
  await arena.flood(amount.warmUp);
  await pause(AFTERMATH_MS);

  const machineBefore = machineCpuMs();
  const before = cpuMicros(pid);
  const { ms, sandboxCores } = await arena.flood(amount.flooded);
  const machineMs = machineCpuMs() - machineBefore;
  await pause(AFTERMATH_MS);
  const after = cpuMicros(pid);
  if (amount.massed > 0) await arena.flood(amount.massed);
  const floodBytes = residentBytes(pid);
  await pause(AFTERMATH_MS);
  await arena.tally();

  const micros = before === undefined || after === undefined ? undefined : after - before;
  const cores = micros === undefined ? undefined : micros / 1000 / ms;
  return {
    messagesPerSecond: (amount.flooded * 1000) / ms,
    cpuMicrosPerMessage: micros === undefined ? undefined : micros / amount.flooded,
    cores,
    sandboxCores,
    otherCores: cores === undefined ? undefined : Math.max(0, machineMs / ms - cores - sandboxCores),
    p50Ms: percentile(latencies, 0.5),
    p99Ms: percentile(latencies, 0.99),
    idleBytes,
    floodBytes,
    startMs,
  };
}
