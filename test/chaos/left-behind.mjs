// @ts-check
/** What must not outlive us (processes, mounts, folders): undone when this process exits, unless its owner did it before. */

/** @type {Set<() => void>} */
const undoing = new Set();

process.on('exit', () => {
  for (const undo of [...undoing].reverse()) attempt(undo);
});

/**
 * @param {() => void} undo works without waiting
 * @returns {() => void} to be called instead of it, once it is done
 */
export function atExit(undo) {
  undoing.add(undo);
  return () => undoing.delete(undo);
}

/** One that fails keeps no other from being done. @param {() => void} undo */
function attempt(undo) {
  try {
    undo();
  } catch (error) {
    process.stderr.write(`left behind: ${error}\n`);
  }
}
