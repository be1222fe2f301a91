// Loaded before `loong`, with --expose-gc: at every SIGUSR2 the process collects its garbage and appends what it still holds,
// as one line of JSON, to the file named by MEMORY.
import { appendFileSync } from 'node:fs';

process.on('SIGUSR2', () => {
  globalThis.gc();
  // What finalizers let go of is collected by the second run.
  setImmediate(() => {
    globalThis.gc();
    const { heapUsed, external, rss } = process.memoryUsage();
    appendFileSync(process.env.MEMORY, `${JSON.stringify({ heapUsed, external, rss })}\n`);
  });
});
