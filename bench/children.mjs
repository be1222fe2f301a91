/** Every process and folder that the bench makes, and their certain end: whatever ends the bench ends them. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** @typedef {import('node:child_process').ChildProcess} ChildProcess */

/** @type {Set<ChildProcess>} */
const running = new Set();
/** @type {Set<string>} */
const folders = new Set();

/** To be called once, before the first child: ties their end to ours. */
export function endChildrenWithUs() {
  process.on('exit', () => {
    for (const child of running) child.kill('SIGKILL');
    for (const folder of folders) removeFolder(folder);
  });
  process.once('SIGINT', () => process.exit(130));
  process.once('SIGTERM', () => process.exit(143));
}

/**
 * @template {ChildProcess} C
 * @param {C} child
 * @returns {C}
 */
export function remember(child) {
  running.add(child);
  child.once('error', () => running.delete(child));
  child.once('exit', () => running.delete(child));
  return child;
}

/**
 * Asks for the end with SIGTERM; after `patienceMs`, SIGKILL. Resolves with how it ended.
 * @param {ChildProcess} child
 * @param {number} patienceMs
 * @returns {Promise<string>} `exit 0`, or the signal's name
 */
export function stop(child, patienceMs) {
  return new Promise((resolve) => {
    const told = () => resolve(child.signalCode ?? `exit ${child.exitCode}`);
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return told();
    const timer = setTimeout(() => child.kill('SIGKILL'), patienceMs);
    child.once('exit', () => {
      clearTimeout(timer);
      told();
    });
    child.kill('SIGTERM');
  });
}

/** @returns {string} a new folder under the system's temp folder */
export function makeFolder() {
  const folder = mkdtempSync(join(tmpdir(), 'loong-bench-'));
  folders.add(folder);
  return folder;
}

/** @param {string} folder */
export function removeFolder(folder) {
  rmSync(folder, { recursive: true, force: true });
  folders.delete(folder);
}
