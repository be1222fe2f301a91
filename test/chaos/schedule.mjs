// @ts-check
/** What happens in one run, and when: made from a seed alone, as data that can be printed. */
import { oneBotOf, oneBotSteps } from './onebot-schedule.mjs';
import { Chance } from './random.mjs';

/** @typedef {import('./onebot-schedule.mjs').OneBot} OneBot */
/** @typedef {{ from: string, group?: string, channel?: string, dm?: true, text: string, duplicate: number }} Say `channel`: its name */
/** @typedef {{ kind: string } & { [key: string]: unknown }} FaultOrder as `POST /sandbox/v1/faults` takes it */
/**
 * @typedef {{ at: number } & (
 *   | { do: 'say', say: Say }
 *   | { do: 'fault', name: string, order: FaultOrder }
 *   | { do: 'order', name?: string, path: string, body: object }
 *   | { do: 'fill', forMs: number }
 *   | { do: 'kill' }
 * )} Step `at`: ms after the first READY, or after the first line of the implementation; `name`: of the fault that begins with it
 */
/** @typedef {'qqbot' | 'onebot' | 'both'} Lanes */
/**
 * @typedef {{
 *   seed: number, lanes: Lanes, people: string[], groups: string[], channels: string[], oneBot: OneBot | undefined, steps: Step[],
 *   endsWithKill: boolean,
 * }} Schedule
 */

/** Of so many seeds in a row one plays OneBot alone, and one both lanes in one daemon. */
const ROUND = 5;
const ONEBOT_AT = 3;
const BOTH_AT = 0;
/** Guilds and OneBot have a chance of their own, so that a seed's C2C and groups do not depend on them. */
const SALT = { guild: 0x6d1d, oneBot: 0x0b07 };

const SENDS = ['/v2/users/*/messages', '/v2/groups/*/messages', '/v2/*'];
const LOST_HEARTBEATS = { least: 1, most: 4 };

/**
 * Every kind of fault: its weight, and its order.
 * Not among them is what no client can see through: an answer that is accepted but shown nowhere, and a 5xx that burns the pair.
 * A refusal that burns it is among them: only a kill before it is noted makes it one of these, and the verdict tells those apart.
 * @type {{ readonly [name: string]: readonly [weight: number, order: (c: Chance) => FaultOrder] }}
 */
const FAULTS = {
  'reset before acceptance': [3, (c) => send(c, { drop: 'before' })],
  'reset after acceptance': [5, (c) => send(c, { drop: 'after' })],
  '5xx before acceptance': [3, (c) => send(c, { status: c.pick([500, 502, 503, 504]) })],
  '5xx after acceptance': [4, (c) => send(c, { status: c.pick([500, 502, 504]), accept: true })],
  'slow request': [3, (c) => send(c, { delay_ms: c.int(20, 900) })],
  'slow answer': [4, (c) => send(c, { delay_ms: c.int(20, 2500), accept: true })],
  '429 as HTML': [1, (c) => send(c, { status: 429, html: '<html>slow down</html>', ...maybe(c, { retry_after: 1 }) })],
  'refusal that burns the pair': [2, (c) => send(c, { code: 22009, burn: true })],
  11298: [0.5, (c) => send(c, { code: 11298, times: 1 })],
  'token expires': [2, () => ({ kind: 'token.expire' })],
  'token endpoint fails': [1, () => ({ kind: 'token', html: '<html>502</html>', times: 1 })],
  'closed with 4009': [4, () => ({ kind: 'gateway.close', code: 4009, reason: 'Session timed out' })],
  'connection cut': [4, () => ({ kind: 'gateway.cut' })],
  'half-open socket': [2, () => ({ kind: 'gateway.half_open' })],
  'no heartbeat ACKs': [
    1,
    (c) => ({ kind: 'gateway.no_acks', times: c.int(LOST_HEARTBEATS.least, LOST_HEARTBEATS.most) }),
  ],
  'op 7': [3, () => ({ kind: 'gateway.reconnect' })],
  'op 9, resumable': [2, () => ({ kind: 'gateway.invalid_session', resumable: true })],
  'op 9, not resumable': [0.5, () => ({ kind: 'gateway.invalid_session', resumable: false })],
  'session ended (4006, 4900)': [0.7, (c) => ({ kind: 'gateway.close', code: c.pick([4006, 4900]) })],
  'resume refused': [1, () => ({ kind: 'gateway.refuse', on: 'resume', invalid_session: true })],
  'gateway down': [1, (c) => ({ kind: 'gateway.down', times: c.int(1, 2) })],
  'event repeated': [4, (c) => ({ kind: 'event', repeat: c.int(1, 2), times: c.int(1, 8) })],
  'event repeated after resume': [4, (c) => ({ kind: 'event', repeat_after_resume: true, times: c.int(1, 8) })],
  'events out of order': [
    4,
    (c) => ({ kind: 'event', behind: c.int(1, 6), delay_ms: c.int(100, 1000), times: c.int(1, 5) }),
  ],
  'slow event': [
    2,
    (c) => ({ kind: 'event', delay_ms: c.int(10, 1000), times: c.int(1, 8), ...maybe(c, { repeat: 1 }) }),
  ],
};

/** @param {Chance} chance @param {object} order @returns {FaultOrder} */
function send(chance, order) {
  return { kind: 'rest', method: 'POST', path: chance.pick(SENDS), times: chance.int(1, 3), ...order };
}

/** @param {Chance} chance @param {object} order */
const maybe = (chance, order) => (chance.is(0.5) ? order : {});

/** @param {number} seed @returns {Schedule} */
export function scheduleOf(seed) {
  const lanes = lanesOf(seed);
  const chance = new Chance(seed);
  const people = names('person', chance.int(2, 4));
  const groups = names('group', chance.int(1, 2));
  const length = chance.int(1800, 3200);
  const official = [...messages(chance, seed, people, groups, length), ...faults(chance, length)];
  const disturbance = [...kills(chance, length), ...(chance.is(0.45) ? [fill(chance, length)] : [])];
  const endsWithKill = chance.is(0.5);
  const guild = guildSteps(new Chance(seed ^ SALT.guild), seed, people, length);
  const oneBotChance = new Chance(seed ^ SALT.oneBot);
  const oneBot = lanes === 'qqbot' ? undefined : oneBotOf(oneBotChance);
  const steps =
    lanes === 'onebot' && oneBot !== undefined
      ? oneBotAlone(oneBotChance, seed, oneBot)
      : [
          ...official,
          ...guild,
          ...disturbance,
          ...(oneBot === undefined ? [] : oneBotSteps(oneBotChance, seed, oneBot, length)),
        ];
  steps.sort((a, b) => a.at - b.at);
  return { seed, lanes, people, groups, channels: CHANNELS, oneBot, steps, endsWithKill };
}

/** Nobody keeps what is written while the daemon starts, so it is killed less often. @param {Chance} chance @param {number} seed @param {OneBot} bot */
function oneBotAlone(chance, seed, bot) {
  const length = chance.int(3000, 4600);
  return [
    ...oneBotSteps(chance, seed, bot, length),
    ...kills(chance, length, { least: 1500, most: 2600 }),
    ...(chance.is(0.45) ? [fill(chance, length)] : []),
  ];
}

/** @param {number} seed @returns {Lanes} */
export function lanesOf(seed) {
  const place = seed % ROUND;
  return place === ONEBOT_AT ? 'onebot' : place === BOTH_AT ? 'both' : 'qqbot';
}

/** @param {string} what @param {number} count */
const names = (what, count) => Array.from({ length: count }, (_, i) => `${what}_${i + 1}`);

/**
 * A steady stream, with some bursts in it.
 * @param {Chance} chance @param {number} seed @param {readonly string[]} people @param {readonly string[]} groups @param {number} length
 * @returns {Step[]}
 */
function messages(chance, seed, people, groups, length) {
  /** @type {Step[]} */
  const steps = [];
  let number = 0;
  for (let at = 0; at < length; at += chance.int(5, 70)) {
    const burst = chance.is(0.05) ? chance.int(3, 10) : 1;
    for (let i = 0; i < burst; i++) {
      number++;
      const group = chance.is(0.35) ? { group: chance.pick(groups) } : {};
      const duplicate = chance.is(0.12) ? chance.int(1, 2) : 0;
      const say = { from: chance.pick(people), ...group, text: `message ${number} of seed ${seed}`, duplicate };
      steps.push({ at, do: 'say', say });
    }
  }
  return steps;
}

/** Of the guild; a channel takes few messages a second, so it hears few. */
const CHANNELS = ['channel_1', 'channel_2'];
const GUILD_SENDS = ['/channels/*/messages', '/dms/*/messages'];

/**
 * Sends to a guild have no number that would tell a repeat: there a lost answer leaves it open whether the message arrived.
 * @type {readonly ((c: Chance) => object)[]}
 */
const GUILD_FAULTS = [
  () => ({ drop: 'before' }),
  () => ({ drop: 'after' }),
  (c) => ({ status: c.pick([500, 502, 503, 504]) }),
  (c) => ({ status: c.pick([500, 502, 504]), accept: true }),
  (c) => ({ delay_ms: c.int(20, 900) }),
  (c) => ({ delay_ms: c.int(20, 1500), accept: true }),
  () => ({ status: 429, html: '<html>slow down</html>' }),
];

/** @param {Chance} chance @param {number} seed @param {readonly string[]} people @param {number} length @returns {Step[]} */
function guildSteps(chance, seed, people, length) {
  /** @type {Step[]} */
  const steps = [];
  let number = 0;
  for (let at = chance.int(0, 200); at < length; at += chance.int(25, 160)) {
    number++;
    const where = chance.is(0.5) ? { channel: chance.pick(CHANNELS) } : { dm: /** @type {const} */ (true) };
    const duplicate = chance.is(0.12) ? 1 : 0;
    const say = { from: chance.pick(people), ...where, text: `guild message ${number} of seed ${seed}`, duplicate };
    steps.push({ at, do: 'say', say });
  }
  for (let left = chance.int(2, 5); left > 0; left--) {
    const spoilt = chance.pick(GUILD_FAULTS)(chance);
    const order = { kind: 'rest', method: 'POST', path: chance.pick(GUILD_SENDS), times: chance.int(1, 2), ...spoilt };
    steps.push({ at: chance.int(0, Math.floor(length / 2)), do: 'fault', name: 'spoilt send to a guild', order });
  }
  return steps;
}

/** @param {Chance} chance @param {number} length @returns {Step[]} */
function faults(chance, length) {
  return Array.from({ length: chance.int(5, 16) }, () => {
    const name = weighed(chance);
    const order = /** @type {(typeof FAULTS)[string]} */ (FAULTS[name])[1](chance);
    return { at: chance.int(0, length), do: /** @type {const} */ ('fault'), name, order };
  });
}

/** @param {Chance} chance */
function weighed(chance) {
  const all = Object.entries(FAULTS);
  let left = chance.next() * all.reduce((sum, [, [weight]]) => sum + weight, 0);
  const found = all.find(([, [weight]]) => {
    left -= weight;
    return left < 0;
  });
  return found?.[0] ?? 'connection cut';
}

/** Sometimes at once after the last one, mostly when the daemon works again. @param {Chance} chance @param {number} length @param {{ least: number, most: number }} pause @returns {Step[]} */
function kills(chance, length, pause = { least: 500, most: 1600 }) {
  /** @type {Step[]} */
  const steps = [];
  let at = chance.int(50, 1500);
  while (at < length && steps.length < 5) {
    steps.push({ at, do: 'kill' });
    at += chance.is(0.25) ? chance.int(30, 400) : chance.int(pause.least, pause.most);
  }
  return steps;
}

/** @param {Chance} chance @param {number} length @returns {Step} */
function fill(chance, length) {
  return { at: chance.int(100, length), do: 'fill', forMs: chance.int(100, 1500) };
}
