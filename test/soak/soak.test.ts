/**
 * Memory and database do not grow with time. Short in `npm test`; with SOAK_MINUTES (as `npm run test:soak` sets it) for so long, and the
 * figures are written to RESULTS.md beside this file.
 */
import { writeFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.js';
import { SoakedDaemon, slopePer10k, type Weight } from './soaked-daemon.js';

const MB = 1_048_576;
const MINUTES = Number(process.env.SOAK_MINUTES ?? 0);
/** Every bounded memory of the daemon is full after so many. */
const WARM_UP = 8000;
const ROUND = MINUTES > 0 ? 2000 : 800;
const ROUNDS = 10;
/** With a retention of one day, each round's rows are gone two rounds later. */
const HOURS_PER_ROUND = 13;

let sandbox: Sandbox;
let daemon: SoakedDaemon;

beforeEach(async () => {
  sandbox = await startSandbox({
    sessionLimit: { total: 1000, remaining: 1000, resetAfterMs: 86_400_000, maxConcurrency: 100 },
  });
  daemon = new SoakedDaemon(sandbox);
});

afterEach(async () => {
  await daemon.home.remove();
  await sandbox.close();
});

test('messages without end: nothing is lost or doubled, and neither memory nor database grows', {
  timeout: (MINUTES + 3) * 60_000,
}, async () => {
  await daemon.start();
  await daemon.flood(WARM_UP);
  const weights: Weight[] = [];
  const began = Date.now();
  while (weights.length < ROUNDS || Date.now() - began < MINUTES * 60_000) {
    daemon.putForward(HOURS_PER_ROUND);
    await daemon.reconnect();
    await daemon.flood(ROUND);
    weights.push(await daemon.weigh());
  }
  const said = weights.at(-1)?.messages ?? 0;
  if (MINUTES > 0) writeResults(weights, Date.now() - began);
  expect(daemon.answers).toEqual({ different: said, all: said });
  expect(slopePer10k(weights), JSON.stringify(weights)).toBeLessThan(MB);
  const [early, late] = [weights[3]?.database ?? 0, weights.at(-1)?.database ?? 0];
  expect(late).toBeLessThan(early * 1.25);
});

function writeResults(weights: readonly Weight[], ms: number): void {
  const mb = (bytes: number) => (bytes / MB).toFixed(1);
  const picked = weights.filter((_, n) => n % Math.ceil(weights.length / 12) === 0 || n === weights.length - 1);
  const said = weights.at(-1)?.messages ?? 0;
  const hours = weights.length * HOURS_PER_ROUND;
  const text = `# Soak

Written by \`npm run test:soak\` on ${new Date().toISOString().slice(0, 10)}, Node ${process.version}.

${said} messages in ${Math.round(ms / 60_000)} min, ${hours} h by the daemon's clock; every one answered exactly once: ${daemon.answers.all === said && daemon.answers.different === said ? 'yes' : 'NO'}.
Each round has resets, repeated events, lost answers, notices and unreadable frames in it; settled rows are kept for a day.

Slope of \`heapUsed\` after forced garbage collection, last 80 %: **${(slopePer10k(weights) / MB).toFixed(3)} MB per 10,000 messages**.

| messages | heapUsed MB | RSS MB | database MB |
|---:|---:|---:|---:|
${picked.map((w) => `| ${w.messages} | ${mb(w.heapUsed)} | ${mb(w.rss)} | ${mb(w.database)} |`).join('\n')}
`;
  writeFileSync(new URL('RESULTS.md', import.meta.url), text);
}
