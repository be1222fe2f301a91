/** CPU time and memory of another process, as the kernel counts them. Linux only: elsewhere they are "not measured". */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';

const KIB = 1024;

/**
 * CPU time of the whole process since its start, in microseconds; undefined where it cannot be told. Taken from the scheduler
 * in nanoseconds, summed over the threads that live; where it keeps no such count, from `utime` and `stime` in clock ticks.
 * @param {number} pid
 * @returns {number | undefined}
 */
export function cpuMicros(pid) {
  return schedulerMicros(pid) ?? tickMicros(pid);
}

/**
 * @param {number} pid
 * @returns {number | undefined}
 */
function schedulerMicros(pid) {
  try {
    const threads = readdirSync(`/proc/${pid}/task`);
    const nanos = threads.map((thread) =>
      Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]),
    );
    const sum = nanos.reduce((a, b) => a + b, 0);
    return sum > 0 ? sum / 1000 : undefined;
  } catch {
    return undefined;
  }
}

/** @type {number | undefined} */
let ticksPerSecond;

/**
 * @param {number} pid
 * @returns {number | undefined}
 */
function tickMicros(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in brackets may hold blanks; `utime` and `stime` are fields 14 and 15, the first after the bracket is field 3.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    ticksPerSecond ??= Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
    const micros = ((Number(fields[11]) + Number(fields[12])) * 1e6) / ticksPerSecond;
    return Number.isFinite(micros) ? micros : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Resident memory in bytes; undefined where it cannot be told.
 * @param {number} pid
 * @returns {number | undefined}
 */
export function residentBytes(pid) {
  try {
    const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return kib === undefined ? undefined : Number(kib) * KIB;
  } catch {
    return undefined;
  }
}

/**
 * CPU time of the whole machine since it started, in milliseconds over all cores.
 * @returns {number}
 */
export function machineCpuMs() {
  return cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0);
}

/**
 * A clock that all processes of this machine share, in milliseconds.
 * @returns {number}
 */
export const sharedClockMs = () => Number(process.hrtime.bigint()) / 1e6;
