// @ts-check
/**
 * `npm run test:chaos`: hundreds of schedules, and what became of them in `RESULTS.md`.
 * `-- --seed N` plays that one again, `--times N` so often: what happens is the same each time, the moment within each process is not ·
 * `--schedules N` (300) · `--from N` the first seed (1) · `--parallel N` (2) · `--minutes N` begins no more after so long (none).
 */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { play } from './play.mjs';
import { scheduleOf } from './schedule.mjs';
import { canMount } from './state-disk.mjs';

/** @typedef {import('./play.mjs').Played} Played */

const RESULTS = fileURLToPath(new URL('RESULTS.md', import.meta.url));
const TELL_EVERY = 10;

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    times: { type: 'string', default: '1' },
    schedules: { type: 'string', default: '300' },
    from: { type: 'string', default: '1' },
    parallel: { type: 'string', default: '2' },
    minutes: { type: 'string', default: 'Infinity' },
  },
});
process.once('SIGINT', () => process.exit(130));
process.once('SIGTERM', () => process.exit(143));
process.once('SIGHUP', () => process.exit(129));

/** Of the runs that failed; made for the first of them. @type {string | undefined} */
let logs;
const mounts = canMount();
if (!mounts) {
  process.stderr.write('note: no disk can be mounted here, so the full state disk did not run\n');
  if (process.env.CI === 'true') process.exit(1);
}
if (values.seed === undefined) await playMany();
else await playOne(Number(values.seed));

/** @param {number} seed */
async function playOne(seed) {
  for (const step of scheduleOf(seed).steps) if (step.do !== 'say') process.stderr.write(`${JSON.stringify(step)}\n`);
  for (let time = 1; time <= Number(values.times); time++) {
    const played = await play(seed, { mounts });
    const { messages, kills, ms, problems, oneBot } = played;
    process.stderr.write(`seed ${seed}: ${messages} messages, ${kills} kills, ${Math.round(ms)} ms\n`);
    if (oneBot !== undefined) process.stderr.write(`OneBot: ${JSON.stringify(oneBot)}\n`);
    tellFailure(played);
    if (problems.length > 0) process.exitCode = 1;
  }
}

async function playMany() {
  const [from, count, parallel] = [Number(values.from), Number(values.schedules), Number(values.parallel)];
  const deadline = performance.now() + Number(values.minutes) * 60_000;
  const began = performance.now();
  /** @type {Played[]} */
  const all = [];
  let next = from;
  await Promise.all(
    Array.from({ length: parallel }, async () => {
      while (next < from + count && performance.now() < deadline) {
        const played = await play(next++, { mounts });
        all.push(played);
        tellFailure(played);
        played.log = '';
        if (all.length % TELL_EVERY === 0) process.stderr.write(`${all.length} of ${count}: ${inShort(all)}\n`);
      }
    }),
  );
  const seconds = (performance.now() - began) / 1000;
  process.stderr.write(`${all.length} schedules in ${Math.round(seconds)} s: ${inShort(all)}\n`);
  writeFileSync(RESULTS, page(all, seconds, from, next - 1, parallel));
  process.exitCode = all.some(({ problems }) => problems.length > 0) ? 1 : 0;
}

/** @param {Played} played */
function tellFailure({ seed, schedule, problems, log }) {
  if (problems.length === 0) return;
  logs ??= mkdtempSync(join(tmpdir(), 'loong-chaos-logs-'));
  const file = join(logs, `seed-${seed}.log`);
  writeFileSync(file, `${JSON.stringify(schedule, undefined, 1)}\n${log}`);
  const told = problems.map((problem) => `  ${problem}\n`).join('');
  process.stderr.write(
    `FAILED: seed ${seed}\n${told}  schedule, log of the daemon and transcript: ${file}\n  again: npm run test:chaos -- --seed ${seed}\n`,
  );
}

/**
 * @param {readonly Played[]} all
 * @param {'messages' | 'kills' | 'exits' | 'lost' | 'doubled' | 'goneWithSession' | 'unknowable' | 'guildUncertain'} figure
 */
function sum(all, figure) {
  return all.reduce((total, played) => total + played[figure], 0);
}

/** @param {readonly Played[]} all @param {Exclude<keyof import('./play.mjs').OneBotFigures, 'longestCutMs'>} figure */
function sumOneBot(all, figure) {
  return all.reduce((total, { oneBot }) => total + (oneBot?.[figure] ?? 0), 0);
}

/** @param {readonly Played[]} all */
function inShort(all) {
  const failed = all.filter(({ problems }) => problems.length > 0).length;
  const messages = sum(all, 'messages') + sumOneBot(all, 'journalled');
  const lost = sum(all, 'lost') + sumOneBot(all, 'lost');
  const doubled = sum(all, 'doubled') + sumOneBot(all, 'doubled');
  return `${messages} messages, ${sum(all, 'kills')} kills, ${lost} lost, ${doubled} doubled, ${failed} schedules failed`;
}

/**
 * @param {readonly Played[]} all @param {number} seconds @param {number} first @param {number} last @param {number} parallel
 */
function page(all, seconds, first, last, parallel) {
  /** @type {Map<string, number>} */
  const faults = new Map();
  for (const played of all)
    for (const [kind, times] of Object.entries(played.faults)) faults.set(kind, (faults.get(kind) ?? 0) + times);
  const failed = all.filter(({ problems }) => problems.length > 0).map(({ seed }) => seed);
  const longest = Math.max(...all.map(({ ms }) => ms));
  const withOneBot = all.filter(({ schedule }) => schedule.lanes !== 'qqbot');
  const longestCut = Math.max(0, ...all.map(({ oneBot }) => oneBot?.longestCutMs ?? 0));
  const rows = [...faults].sort(([, a], [, b]) => b - a).map(([kind, times]) => `| ${kind} | ${times} |`);
  return `# The last chaos run

Written by \`npm run test:chaos\`. An unmodified daemon, killed with SIGKILL while faults are injected; the sandbox's transcript is the judge.

| | |
|---|---|
| date | ${new Date().toISOString().slice(0, 10)} |
| seeds | ${first} to ${last} |
| schedules | ${all.length} (${withOneBot.length} of them with OneBot), ${parallel} at a time, on ${availableParallelism()} cores, Node ${process.versions.node} |
| messages that the platform delivered | ${sum(all, 'messages')} |
| kills (SIGKILL) | ${sum(all, 'kills')} |
| starts that failed on a full disk, and were made again | ${sum(all, 'exits')} |
| **lost** | **${sum(all, 'lost') + sumOneBot(all, 'lost')}** |
| **doubled** | **${sum(all, 'doubled') + sumOneBot(all, 'doubled')}** |
| schedules that failed, for whatever reason | ${failed.length}${failed.length === 0 ? '' : ` (seeds ${failed.join(', ')})`} |
| not answered, because the platform ended their session before the bot had told that it has them | ${sum(all, 'goneWithSession')} |
| not answered, because a refusal burnt the pair and the daemon was killed before it could note the refusal | ${sum(all, 'unknowable')} |
| uncertain in guilds, where no repeat can be told: the answer may have arrived, and is not sent again | ${sum(all, 'guildUncertain')} |
| duration | ${Math.round(seconds)} s; the longest schedule ${Math.round(longest / 1000)} s |

## OneBot

Reverse WebSocket knows no replay: what the daemon had not journalled when its line ended is gone. The journal, read at the end, tells what it had.

| | |
|---|---|
| messages that people wrote | ${sumOneBot(all, 'written')} |
| heard by nobody: no line stood, or it was dead | ${sumOneBot(all, 'unheard')} |
| in a line when it ended, and the last of it; the oldest ${Math.round(longestCut)} ms before the end | ${sumOneBot(all, 'cutOff')} |
| no room for them in the journal: the state disk was full, and the log says so | ${sumOneBot(all, 'noRoom')} |
| journalled | ${sumOneBot(all, 'journalled')} |
| answers delivered | ${sumOneBot(all, 'delivered')} |
| answers that are uncertain, for a reason that happened, and were not sent again | ${sumOneBot(all, 'uncertain')} |
| answers that the implementation refused, or that found no place among the 20 that wait for it | ${sumOneBot(all, 'refused')} |
| given up, because the daemon was killed during each of three turns | ${sumOneBot(all, 'gaveUp')} |

## Faults

| fault | ordered |
|---|---|
${rows.join('\n')}
${mounts ? '' : '\nNo disk could be mounted on this machine: the full state disk did not run.\n'}`;
}
