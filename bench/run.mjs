/**
 * `npm run bench`: the daemon against a bare client, both on the sandbox, in one run. Prints a table, and writes it to
 * bench/RESULTS.md. With `--quick`: a short run that writes nothing.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { CONVERSATIONS, FLOOD_WINDOW } from './arena.mjs';
import { endChildrenWithUs } from './children.mjs';
import { LOONG } from './contestants.mjs';
import { measureOnebot, onebotTable } from './onebot.mjs';
import { ageTable, resultTable, roundLine, roundsTable, SANDBOX_LIMIT } from './report.mjs';
import { measureOnce, PER_SECOND } from './round.mjs';
import { median } from './statistics.mjs';
import { measureWebhook, webhookTable } from './webhook.mjs';

/** @typedef {import('./report.mjs').Rounds} Rounds */
/** @typedef {import('./report.mjs').Versions} Versions */
/** @typedef {import('./round.mjs').Amount} Amount */

/** @type {{ readonly [length in 'full' | 'quick']: Amount }} */
const AMOUNTS = {
  full: {
    rounds: 5,
    settleMs: 3000,
    trickled: 200,
    warmUp: 2000,
    flooded: 6000,
    massed: 20_000,
    settled: 100_000,
    settledOnce: 1_000_000,
    onebot: 20_000,
    webhook: 10_000,
    versions: 20,
  },
  quick: {
    rounds: 1,
    settleMs: 500,
    trickled: 50,
    warmUp: 300,
    flooded: 1500,
    massed: 0,
    settled: 10_000,
    settledOnce: 0,
    onebot: 2000,
    webhook: 1000,
    versions: 5,
  },
};
/** The whole bench; a full run takes about five minutes. */
const LIMIT_MS = 580_000;
const COMMAND_LIMIT_MS = 10_000;
const RESULTS = fileURLToPath(new URL('RESULTS.md', import.meta.url));
const BUILT = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
const PACKAGE = fileURLToPath(new URL('../package.json', import.meta.url));

/** @param {string} line */
const tell = (line) => process.stderr.write(`${line}\n`);

endChildrenWithUs();
setTimeout(() => {
  tell(`bench: not done within ${LIMIT_MS / 1000} s; given up, nothing was written`);
  process.exit(1);
}, LIMIT_MS).unref();

try {
  await bench();
} catch (error) {
  tell(`bench: FAILED, nothing was written: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}

async function bench() {
  const { quick } = parseArgs({ options: { quick: { type: 'boolean', default: false } } }).values;
  if (!existsSync(BUILT)) throw new Error('there is no dist/: run `npm run build` first, or `npm run bench`');
  const amount = AMOUNTS[quick ? 'quick' : 'full'];
  const surroundings = readSurroundings();
  tell(surroundings);

  const versions = compareVersions(amount.versions);
  const rounds = await runRounds(amount);
  const old = [{ messages: amount.settled, figures: rounds.old }];
  if (amount.settledOnce > 0) {
    tell(`once with ${amount.settledOnce} settled messages`);
    old.push({ messages: amount.settledOnce, figures: [await measureOnce('loong', amount, amount.settledOnce)] });
  }

  const onebot = await runOnebot(amount);
  const webhook = await runWebhook(amount);
  const table = `${resultTable(rounds, versions)}\n\n${ageTable(rounds.loong, old)}\n\n${onebotTable(onebot.loong, onebot.bare)}\n\n${webhookTable(webhook.loong, webhook.bare)}`;
  console.log(`\n${table}\n`);
  if (quick) {
    tell('a quick run: bench/RESULTS.md was left as it is');
    return;
  }
  writeFileSync(RESULTS, document(surroundings, table, roundsTable(rounds), amount));
  tell('written to bench/RESULTS.md');
}

function readSurroundings() {
  const [{ model } = { model: 'unknown CPU' }, ...others] = cpus();
  const { version } = JSON.parse(readFileSync(PACKAGE, 'utf8'));
  const load = (loadavg()[0] ?? 0).toFixed(2);
  const at = `${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC`;
  return `${at} · loong ${version} · Node ${process.version} · ${process.platform} ${process.arch} · ${model.trim()}, ${others.length + 1} cores · load ${load} at the start`;
}

/**
 * The medians of interleaved runs, by the wall clock.
 * @param {number} runs
 * @returns {Versions}
 */
function compareVersions(runs) {
  tell(`\`loong --version\` against \`node -e 0\`, ${runs} runs each`);
  /** @type {number[]} */
  const loong = [];
  /** @type {number[]} */
  const node = [];
  try {
    // The first of each only fills the caches of the system.
    for (let i = 0; i <= runs; i++) {
      const [ours, theirs] = [timed([LOONG, '--version']), timed(['-e', '0'])];
      if (i === 0) continue;
      loong.push(ours);
      node.push(theirs);
    }
    return { loongMs: median(loong), nodeMs: median(node) };
  } catch (error) {
    process.exitCode = 1;
    return { failed: `failed: ${error instanceof Error ? error.message : error}` };
  }
}

/**
 * @param {readonly string[]} args of node
 * @returns {number} milliseconds from start to end
 */
function timed(args) {
  const from = performance.now();
  const { status, error } = spawnSync(process.execPath, args, {
    env: { PATH: process.env.PATH },
    stdio: 'ignore',
    timeout: COMMAND_LIMIT_MS,
  });
  const took = performance.now() - from;
  if (status !== 0) throw new Error(`${args.at(-1)} ended with ${error?.message ?? `exit ${status}`}`);
  return took;
}

/**
 * All in each round, each time in the other order.
 * @param {Amount} amount
 * @returns {Promise<Rounds>}
 */
async function runRounds(amount) {
  /** @type {{ loong: import('./round.mjs').Figures[], bare: import('./round.mjs').Figures[], old: import('./round.mjs').Figures[] }} */
  const rounds = { loong: [], bare: [], old: [] };
  for (let round = 1; round <= amount.rounds; round++) {
    const names = /** @type {const} */ (['loong', 'bare', 'old']);
    for (const name of round % 2 === 1 ? names : [...names].reverse()) {
      const figures =
        name === 'old' ? await measureOnce('loong', amount, amount.settled) : await measureOnce(name, amount);
      rounds[name].push(figures);
      tell(`round ${round}/${amount.rounds} ${name}: ${roundLine(figures)}`);
    }
  }
  return rounds;
}

/**
 * @param {Amount} amount
 */
async function runOnebot({ rounds, warmUp, onebot: flooded }) {
  /** @type {{ loong: import('./onebot.mjs').Figures[], bare: import('./onebot.mjs').Figures[] }} */
  const figures = { loong: [], bare: [] };
  for (let round = 1; round <= rounds; round++) {
    const names = /** @type {const} */ (['loong', 'bare']);
    for (const name of round % 2 === 1 ? names : [...names].reverse()) {
      const one = await measureOnebot(name === 'loong' ? 'onebot' : 'onebot-bare', { warmUp, flooded });
      figures[name].push(one);
      tell(
        `onebot ${round}/${rounds} ${name}: messages a second ${one.perSecond.toFixed(0)} · CPU per message ${one.cpu?.toFixed(0)} µs`,
      );
    }
  }
  return figures;
}

/**
 * @param {Amount} amount
 */
async function runWebhook({ rounds, warmUp, webhook: flooded }) {
  /** @type {{ loong: import('./webhook.mjs').Figures[], bare: import('./webhook.mjs').Figures[] }} */
  const figures = { loong: [], bare: [] };
  for (let round = 1; round <= rounds; round++) {
    const names = /** @type {const} */ (['loong', 'bare']);
    for (const name of round % 2 === 1 ? names : [...names].reverse()) {
      const one = await measureWebhook(name === 'loong' ? 'webhook' : 'webhook-bare', { warmUp, flooded });
      figures[name].push(one);
      tell(
        `webhook ${round}/${rounds} ${name}: signed events a second ${one.perSecond.toFixed(0)} · CPU per event ${one.cpu?.toFixed(0)} µs`,
      );
    }
  }
  return figures;
}

/**
 * @param {string} surroundings
 * @param {string} table
 * @param {string} eachRound
 * @param {Amount} amount
 */
function document(surroundings, table, eachRound, { rounds, settleMs, trickled, flooded, massed, onebot, webhook }) {
  return `# Results of \`npm run bench\`

${surroundings}

${table}

## How to read it

One run on one machine; only the ratios mean anything elsewhere. Each figure is the median of ${rounds} rounds. In each round either
client gets a sandbox of its own (a process of its own, on 127.0.0.1) and a home of its own. Every message was answered exactly
once, with its own text: otherwise there would be no results.

- **loong**: the daemon as it ships (\`loong channels serve qqbot\`), journal on, echo backend, every setting at its default.
- **bare client**: \`ws\`, \`JSON.parse\` and one \`undici\` POST for each message, with as many connections. It guarantees nothing.
- **messages a second**: ${flooded} messages of ${CONVERSATIONS} conversations, written as fast as they are answered, at most ${FLOOD_WINDOW}
  unanswered. Where the sandbox used more than ${SANDBOX_LIMIT} of a core, the row says "limited by sandbox": that client could do more
  than is shown. Where neither is limited, the ratio goes towards the inverse of the one of CPU per message.
- **CPU per message**: all threads of the client during that flood. Where neither process came near a core, they waited for
  the disk, or for other programs of the machine.
- **latency**: from the event being written to its answer being accepted, in the sandbox process, ${trickled} messages at ${PER_SECOND} a second.
  "Added" is what loong takes longer than the bare client.
- **memory**: resident, ${settleMs / 1000} s after READY, and at the last answer of one more flood of ${massed} messages.
- **settled messages**: what came, was answered and delivered long ago, in the journal from the start.
- **OneBot**: a pretended implementation dials in and writes ${onebot} private messages, at most ${FLOOD_WINDOW} unanswered; then as many again.
  **bare server**: a \`ws\` server, \`JSON.parse\` and one frame back for each message. It guarantees nothing.
- **webhook**: ${webhook} events, signed beforehand, each another message of a group that is heard and not addressed to the bot, posted
  over 64 connections and acknowledged one by one. **bare server**: \`node:http\`, \`crypto.verify\` and \`JSON.parse\`; it keeps nothing.
  loong acknowledges what is committed, and knows a copy.
- **start to READY**: from the start of the process until the sandbox sends READY; for loong with a new journal.
- **ratio**: loong to the bare client; in the last row, to \`node -e 0\`. The bars are those the project sets itself.

## Each round

${eachRound}
`;
}
