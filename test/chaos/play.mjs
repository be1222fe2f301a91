// @ts-check
/** Plays one schedule with a sandbox, a daemon and a disk of its own, waits until all is quiet, and judges. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { DaemonProcess } from './daemon.mjs';
import { readJournal } from './journal.mjs';
import { atExit } from './left-behind.mjs';
import { loginOf, peaceOrders } from './onebot-schedule.mjs';
import { judgeOneBot } from './onebot-verdict.mjs';
import { PlatformProcess } from './platform.mjs';
import { scheduleOf } from './schedule.mjs';
import { StateDisk } from './state-disk.mjs';
import { judge } from './verdict.mjs';

/** @typedef {import('./schedule.mjs').Schedule} Schedule */
/** @typedef {import('./schedule.mjs').Step} Step */
/** @typedef {Omit<import('./verdict.mjs').Verdict, 'problems' | 'isComplete'>} Official */
/** @typedef {Omit<import('./onebot-verdict.mjs').OneBotVerdict, 'problems'>} OneBotFigures */
/**
 * @typedef {Official & {
 *   seed: number, schedule: Schedule, oneBot: OneBotFigures | undefined, kills: number, exits: number,
 *   faults: { [kind: string]: number }, ms: number, problems: string[], log: string,
 * }} Played `lost` and `doubled` of the official lane; OneBot has its own
 */
/** @typedef {Map<string, string>} Places ids of guild and channels, by their names */
/** @typedef {{ from: number, to: number }} Fill when the disk was full, in milliseconds since 1970 */

const GUILD = 'guild';
const COMMANDS = {
  qqbot: ['channels', 'serve', 'qqbot'],
  onebot: ['channels', 'serve', 'onebot'],
  both: ['gateway', 'run'],
};
const ONEBOT_PATH = '/onebot/v11/ws';
/** Below the ports that systems give out by themselves, so that nobody has it while the daemon is dead. */
const PORTS = { first: 12_000, count: 18_000 };

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
    const places = await populate(platform, schedule);
    const port = schedule.oneBot === undefined ? undefined : await freePort(seed);
    writeFileSync(join(home, 'config.toml'), configOf(platform, schedule, places, port), { mode: 0o600 });
    daemon = new DaemonProcess(root, COMMANDS[schedule.lanes], home, (pid) => platform.guard(pid));
    if (schedule.oneBot !== undefined)
      await platform.order('/onebot/implementations', loginOf(schedule.oneBot, `ws://127.0.0.1:${port}${ONEBOT_PATH}`));
    if (!(await until(platform, READY_LIMIT_MS, () => isReady(platform, schedule))))
      throw new Error(`the daemon never became ready:\n${daemon.log}`);
    const fills = await perform(schedule.steps, { platform, daemon, disk, faults, places });
    disk.free();
    await platform.liftFaults();
    if (schedule.oneBot !== undefined)
      for (const { path, body } of peaceOrders(schedule.oneBot)) await platform.order(path, body);
    if (schedule.endsWithKill) daemon.kill();
    const unsettled = await quiet(platform, daemon, schedule);
    const journal = readJournal(join(home, 'state', 'loong.db'));
    const { isComplete, problems, ...verdict } = judge(platform.transcript, daemon.kills, journal);
    const { kills, log } = daemon;
    const { problems: oneBotProblems, ...oneBot } =
      schedule.oneBot === undefined
        ? { problems: [] }
        : judgeOneBot(platform.transcript, journal, { ...schedule.oneBot, kills, fills, log });
    return {
      ...{ seed, schedule, ...verdict, kills: kills.length, exits: daemon.exits, faults },
      oneBot: 'written' in oneBot ? oneBot : undefined,
      problems: [...problems, ...oneBotProblems, ...unsettled],
      ms: performance.now() - began,
      log: `${log}\n--- journal\n${JSON.stringify(journal, undefined, 1)}\n--- transcript\n${platform.transcript.map((entry) => JSON.stringify(entry)).join('\n')}\n`,
    };
  } catch (error) {
    const nothing = { messages: 0, lost: 0, doubled: 0, goneWithSession: 0, unknowable: 0, guildUncertain: 0 };
    const ms = performance.now() - began;
    const more = { oneBot: undefined, kills: 0, exits: 0 };
    return {
      ...{ seed, schedule, ...nothing, ...more, faults, ms },
      problems: [String(error)],
      log: daemon?.log ?? '',
    };
  } finally {
    await daemon?.close();
    await platform.close();
    disk.close();
    removeHome();
    forgetHome();
  }
}

/** @param {PlatformProcess} platform @param {Schedule} schedule */
function isReady({ transcript }, { lanes, oneBot }) {
  const isOnline = transcript.some((entry) => entry.kind === 'gateway' && entry.step === 'ready');
  const opened = transcript.filter((entry) => entry.kind === 'onebot.line' && entry.step === 'opened').length;
  const lines = oneBot === undefined ? 0 : oneBot.role === 'split' ? 2 : 1;
  return (lanes === 'onebot' || isOnline) && opened >= lines;
}

/** @param {PlatformProcess} platform @param {Schedule} schedule @returns {Promise<Places>} */
async function populate(platform, { people, groups, channels, oneBot }) {
  for (const openid of people) await platform.order('/users', { name: openid, openid });
  for (const openid of groups) await platform.order('/groups', { name: openid, openid, members: people });
  const [guild] = (await platform.state()).guilds;
  /** @type {Places} */
  const places = new Map([[GUILD, guild.guild_id]]);
  for (const openid of people) await platform.order('/switches', { guild: guild.guild_id, join: openid });
  for (const name of channels)
    places.set(name, (await platform.order('/channels', { guild: guild.guild_id, name })).channel_id);
  const [{ members }] = (await platform.state()).guilds;
  for (const { openid, user_id } of members) places.set(openid, user_id);
  if (oneBot === undefined) return places;
  for (const id of [...oneBot.people, oneBot.outsider])
    await platform.order('/onebot/users', { user_id: id, name: `person ${id}` });
  for (const id of oneBot.groups)
    await platform.order('/onebot/groups', { group_id: id, name: `group ${id}`, members: oneBot.people });
  return places;
}

/** @param {PlatformProcess} platform @param {Schedule} schedule @param {Places} places @param {number | undefined} port */
function configOf({ place }, { lanes, people, groups, channels, oneBot }, places, port) {
  const inGuild = people.map((openid) => places.get(openid));
  const inChannels = channels.map((name) => `channel:${places.get(name)}`);
  const allowed = [...people, ...groups.map((id) => `group:${id}`), ...inGuild, ...inChannels];
  const official = `[qqbot]
app_id = ${JSON.stringify(place.appId)}
client_secret = ${JSON.stringify(place.clientSecret)}
api_base_url = ${JSON.stringify(place.apiBaseUrl)}
token_url = ${JSON.stringify(place.tokenUrl)}
allowed_peer_ids = ${JSON.stringify(allowed)}
dm_policy = "allowlist"
`;
  if (oneBot === undefined) return official;
  const onebot = `[onebot.accounts.home]
ws_host = "127.0.0.1"
ws_port = ${port}
ws_path = "${ONEBOT_PATH}"
${oneBot.isNamed ? `self_id = "${oneBot.selfId}"\n` : ''}allowed_peer_ids = ${JSON.stringify([...oneBot.people, ...oneBot.groups.map((id) => `group:${id}`)])}
dm_policy = "allowlist"
heartbeat = { interval = 1000, timeout = 2000 }
reconnect = ${oneBot.waits}
`;
  return lanes === 'both' ? `${official}\n${onebot}` : onebot;
}

/** @param {number} seed @returns {Promise<number>} */
async function freePort(seed) {
  for (let i = 0; ; i++) {
    const port = PORTS.first + ((seed * 37 + i * 101 + process.pid) % PORTS.count);
    const server = createServer();
    const isFree = await new Promise((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
    });
    if (isFree) return port;
  }
}

/**
 * Each step at its time. What the sandbox is told is not waited for, so that a late answer delays nobody.
 * @param {readonly Step[]} steps
 * @param {{ platform: PlatformProcess, daemon: DaemonProcess, disk: StateDisk, faults: { [kind: string]: number }, places: Places }} stage
 * @returns {Promise<readonly Fill[]>}
 */
async function perform(steps, { platform, daemon, disk, faults, places }) {
  const began = performance.now();
  /** @type {Promise<unknown>[]} */
  const told = [];
  /** @type {Fill[]} */
  const fills = [];
  /** @param {string} kind */
  const count = (kind) => {
    faults[kind] = (faults[kind] ?? 0) + 1;
  };
  for (const step of steps) {
    const wait = began + step.at - performance.now();
    if (wait > 0) await sleep(wait);
    if (step.do === 'say') told.push(platform.order('/messages', sayOf(step.say, places)));
    if (step.do === 'order') {
      if (step.name !== undefined) count(step.name);
      told.push(platform.order(step.path, step.body));
    }
    if (step.do === 'kill') daemon.kill();
    if (step.do === 'fault') {
      count(step.name);
      told.push(platform.order('/faults', step.order));
    }
    if (step.do === 'fill') {
      const from = Date.now();
      if (!disk.fill()) continue;
      count('full state disk');
      const free = () => {
        disk.free();
        fills.push({ from, to: Date.now() });
      };
      told.push(sleep(step.forMs).then(free));
    }
  }
  await Promise.all(told);
  return fills;
}

/** @param {import('./schedule.mjs').Say} say @param {Places} places */
function sayOf({ channel, dm, ...say }, places) {
  if (dm === true) return { ...say, dm: places.get(GUILD) };
  return channel === undefined ? say : { ...say, channel: places.get(channel) };
}

/**
 * Resolves when every message is answered and nothing waits any more, or when nothing can come of what waits.
 * @param {PlatformProcess} platform @param {DaemonProcess} daemon @param {Schedule} schedule
 * @returns {Promise<readonly string[]>} what is not settled, or not well
 */
async function quiet(platform, daemon, { lanes }) {
  const deadline = performance.now() + QUIET_LIMIT_MS;
  let seen = 0;
  let stillSince = performance.now();
  for (;;) {
    const happened = platform.transcript.length;
    if (happened !== seen) stillSince = performance.now();
    seen = happened;
    const isStill = performance.now() - stillSince > STILL_MS;
    const isOver = performance.now() > deadline;
    // How much OneBot answers nobody can tell from the transcript alone.
    const isComplete = lanes === 'qqbot' && judge(platform.transcript, daemon.kills).isComplete;
    if (isComplete || isStill || isOver) {
      const unsettled = await daemon.unsettled();
      const rests =
        unsettled?.length === 0 && (await platform.isConnected(lanes)) && platform.transcript.length === seen;
      if (rests) return [];
      if (isOver) return [`not quiet within ${QUIET_LIMIT_MS / 1000} s`, ...(unsettled ?? [])];
      const isForGood = unsettled?.some((row) => !/ (queued|sending|waiting) /.test(row));
      if (isStill && isForGood && unsettled !== undefined && (await platform.isConnected(lanes))) return unsettled;
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
