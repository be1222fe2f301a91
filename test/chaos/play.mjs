// @ts-check
/** Plays one schedule with a sandbox, a daemon and a disk of its own, waits until all is quiet, and judges. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { DaemonProcess } from './daemon.mjs';
import { atExit } from './left-behind.mjs';
import { PlatformProcess } from './platform.mjs';
import { scheduleOf } from './schedule.mjs';
import { StateDisk } from './state-disk.mjs';
import { judge } from './verdict.mjs';

/** @typedef {import('./schedule.mjs').Schedule} Schedule */
/** @typedef {import('./schedule.mjs').Step} Step */
/**
 * @typedef {{
 *   seed: number, schedule: Schedule, messages: number, kills: number, exits: number, lost: number, doubled: number,
 *   goneWithSession: number, unknowable: number, faults: { [kind: string]: number }, ms: number, problems: string[], log: string,
 * }} Played
 */

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const READY_LIMIT_MS = 20_000;
/** Back-offs that ran up to their caps fit into it. */
const QUIET_LIMIT_MS = 75_000;
/** Nothing happened for so long, and nothing waits: nothing will. */
const STILL_MS = 1500;
const LOOK_MS = 250;

/**
 * @param {number} seed
 * @param {{ root?: string, mounts?: boolean }} options `root`: where the product stands; `mounts`: whether the state gets a disk that can be full
 * @returns {Promise<Played>} what went wrong with the run itself is one of its problems
 */
export async function play(seed, { root = ROOT, mounts = false } = {}) {
  const schedule = scheduleOf(seed);
  const began = performance.now();
  const home = mkdtempSync(join(tmpdir(), 'loong-chaos-'));
  const removeHome = () => rmSync(home, { recursive: true, force: true });
  const forgetHome = atExit(removeHome);
  const disk = new StateDisk(join(home, 'state'), mounts);
  const platform = await PlatformProcess.open();
  /** @type {{ [kind: string]: number }} */
  const faults = {};
  /** @type {DaemonProcess | undefined} */
  let daemon;
  try {
    await populate(platform, schedule);
    writeConfig(home, platform, schedule);
    daemon = new DaemonProcess(root, home, (pid) => platform.guard(pid));
    const isReady = await until(platform, READY_LIMIT_MS, () =>
      platform.transcript.some((entry) => entry.kind === 'gateway' && entry.step === 'ready'),
    );
    if (!isReady) throw new Error(`the daemon never became ready:\n${daemon.log}`);
    await perform(schedule.steps, { platform, daemon, disk, faults });
    disk.free();
    await platform.liftFaults();
    if (schedule.endsWithKill) daemon.kill();
    const unsettled = await quiet(platform, daemon);
    const { isComplete, problems, ...verdict } = judge(platform.transcript, daemon.kills);
    return {
      ...{ seed, schedule, ...verdict, kills: daemon.kills.length, exits: daemon.exits, faults },
      problems: [...problems, ...unsettled],
      ms: performance.now() - began,
      log: `${daemon.log}\n--- transcript\n${platform.transcript.map((entry) => JSON.stringify(entry)).join('\n')}\n`,
    };
  } catch (error) {
    const nothing = { messages: 0, kills: 0, exits: 0, lost: 0, doubled: 0, goneWithSession: 0, unknowable: 0 };
    const ms = performance.now() - began;
    return { ...{ seed, schedule, ...nothing, faults, ms }, problems: [String(error)], log: daemon?.log ?? '' };
  } finally {
    await daemon?.close();
    await platform.close();
    disk.close();
    removeHome();
    forgetHome();
  }
}

/** @param {PlatformProcess} platform @param {Schedule} schedule */
async function populate(platform, { people, groups }) {
  for (const openid of people) await platform.order('/users', { name: openid, openid });
  for (const openid of groups) await platform.order('/groups', { name: openid, openid, members: people });
}

/** @param {string} home @param {PlatformProcess} platform @param {Schedule} schedule */
function writeConfig(home, { place }, { people, groups }) {
  const allowed = [...people, ...groups.map((id) => `group:${id}`)];
  const text = `[qqbot]
app_id = ${JSON.stringify(place.appId)}
client_secret = ${JSON.stringify(place.clientSecret)}
api_base_url = ${JSON.stringify(place.apiBaseUrl)}
token_url = ${JSON.stringify(place.tokenUrl)}
allowed_peer_ids = ${JSON.stringify(allowed)}
`;
  writeFileSync(join(home, 'config.toml'), text, { mode: 0o600 });
}

/**
 * Each step at its time. What the sandbox is told is not waited for, so that a late answer delays nobody.
 * @param {readonly Step[]} steps
 * @param {{ platform: PlatformProcess, daemon: DaemonProcess, disk: StateDisk, faults: { [kind: string]: number } }} stage
 */
async function perform(steps, { platform, daemon, disk, faults }) {
  const began = performance.now();
  /** @type {Promise<unknown>[]} */
  const told = [];
  /** @param {string} kind */
  const count = (kind) => {
    faults[kind] = (faults[kind] ?? 0) + 1;
  };
  for (const step of steps) {
    const wait = began + step.at - performance.now();
    if (wait > 0) await sleep(wait);
    if (step.do === 'say') told.push(platform.order('/messages', step.say));
    if (step.do === 'kill') daemon.kill();
    if (step.do === 'fault') {
      count(step.name);
      told.push(platform.order('/faults', step.order));
    }
    if (step.do === 'fill' && disk.fill()) {
      count('full state disk');
      told.push(sleep(step.forMs).then(() => disk.free()));
    }
  }
  await Promise.all(told);
}

/**
 * Resolves when every message is answered and nothing waits any more, or when nothing can come of what waits.
 * @param {PlatformProcess} platform @param {DaemonProcess} daemon
 * @returns {Promise<readonly string[]>} what is not settled, or not well
 */
async function quiet(platform, daemon) {
  const deadline = performance.now() + QUIET_LIMIT_MS;
  let seen = 0;
  let stillSince = performance.now();
  for (;;) {
    const happened = platform.transcript.length;
    if (happened !== seen) stillSince = performance.now();
    seen = happened;
    const isStill = performance.now() - stillSince > STILL_MS;
    const isOver = performance.now() > deadline;
    if (judge(platform.transcript, daemon.kills).isComplete || isStill || isOver) {
      const unsettled = await daemon.unsettled();
      const rests = unsettled?.length === 0 && (await platform.isConnected()) && platform.transcript.length === seen;
      if (rests) return [];
      if (isOver) return [`not quiet within ${QUIET_LIMIT_MS / 1000} s`, ...(unsettled ?? [])];
      const isForGood = unsettled?.some((row) => !/ (queued|sending|waiting) /.test(row));
      if (isStill && isForGood && unsettled !== undefined && (await platform.isConnected())) return unsettled;
    }
    await platform.grown(LOOK_MS);
  }
}

/** @param {PlatformProcess} platform @param {number} limitMs @param {() => boolean} isSo */
async function until(platform, limitMs, isSo) {
  const deadline = performance.now() + limitMs;
  while (!isSo() && performance.now() < deadline) await platform.grown(LOOK_MS);
  return isSo();
}
