// @ts-check
/** The sandbox in a process of its own, driven through its JSON API alone; it ends with whoever started it, and so does the daemon. */
import { startSandbox } from '../../dist/sandbox/sandbox.js';

// Dead lines are noticed within a second, and a new session needs no wait: only the pace differs from the platform's own.
const sandbox = await startSandbox({
  heartbeatIntervalMs: 200,
  sessionLimit: { total: 100_000, remaining: 100_000, resetAfterMs: 86_400_000, maxConcurrency: 1000 },
});
const { url, apiBaseUrl, tokenUrl, appId, clientSecret } = sandbox;
/** @type {unknown} */
let daemon;
process.on('message', (pid) => {
  daemon = pid;
});
process.on('disconnect', () => {
  try {
    if (typeof daemon === 'number') process.kill(daemon, 'SIGKILL');
  } catch {
    // It ended first.
  }
  process.exit(0);
});
process.send?.({ url, apiBaseUrl, tokenUrl, appId, clientSecret });
