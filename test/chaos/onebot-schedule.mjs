// @ts-check
/** What happens around the OneBot lane in one run: who writes what to a pretended implementation, and what goes wrong with it. */

/** @typedef {import('./random.mjs').Chance} Chance */
/** @typedef {import('./schedule.mjs').Step} Step */
/**
 * @typedef {{
 *   selfId: string, flavour: string, role: string, reconnectMs: number, isNamed: boolean, waits: string,
 *   people: string[], outsider: string, groups: string[],
 * }} OneBot `isNamed`: the config says which QQ it is; `waits`: its `reconnect`; `outsider`: a friend who is not allowed
 */

const HEARTBEAT_MS = 400;
const FLAVOURS = ['napcat', 'llonebot', 'lagrange', 'go-cqhttp'];
/** These have a line for calls and one for events. */
const SPLITTING = new Set(['lagrange', 'go-cqhttp']);
/** How what cannot go out waits: briefly, hardly at all, or parked at once until somebody is connected. */
const WAITS = [
  '{ retry_delay = 100, max_delay = 1000 }',
  '{ max_retries = 1, retry_delay = 100, max_delay = 400 }',
  '{ enabled = false }',
];
const SENDS = ['send_msg', undefined];
/** Large ones are slow to make, and not worth it; two end the line, two kinds of them are events that look like messages. */
const MALFORMED = [
  ...['null', 'string', 'array', 'bad_json', 'deep', 'bad_utf8', 'binary', 'reserved_opcode', 'unmasked'],
  ...['no_message', 'no_data', 'empty_message', 'no_self_id', 'unknown_event', 'answer_to_nobody', 'proto_echo'],
];
const ECHOES = ['number', 'string', 'object', 'null', 'missing', 'proto', 'other'];
/** Sent before the implementation did anything, so the same call may be made again. */
export const BUSY = 202;

/**
 * Every kind of trouble: its weight, and the orders of it, each so many ms after the first. An answer that never comes is given up after
 * half a minute; the line that is dropped behind it makes that short.
 * @type {{ readonly [name: string]: readonly [weight: number, orders: (c: Chance, bot: OneBot) => Order[]] }}
 * @typedef {{ after?: number, path: string, body: object }} Order
 */
const TROUBLE = {
  'OneBot line cut': [4, () => [fault({ kind: 'drop' })]],
  'OneBot line closed': [3, (c) => [fault({ kind: 'drop', code: c.pick([1000, 4000]), reason: 'ordered' })]],
  'OneBot line half-open': [
    2,
    (c) => [fault({ kind: 'half_open' }), { ...fault({ kind: 'recover' }), after: c.int(300, 3500) }],
  ],
  'OneBot line half-open, and another': [1, () => [fault({ kind: 'half_open', redial: true })]],
  'OneBot answer slow': [4, (c) => [fault({ ...spoilt(c), kind: 'slow', delay_ms: c.int(20, 1800) })]],
  'OneBot answers out of order': [3, (c) => [fault({ kind: 'reorder', count: c.int(2, 6) })]],
  'OneBot answer swallowed': [2, (c) => unanswered(c, { kind: 'swallow' })],
  'OneBot call lost': [2, (c) => unanswered(c, { kind: 'lose' })],
  'OneBot answer with another echo': [2, (c) => unanswered(c, { kind: 'echo', as: c.pick(ECHOES) })],
  'OneBot call refused': [1, (c) => [fault({ ...spoilt(c), kind: 'refuse', retcode: c.pick([100, 1200, 1400]) })]],
  'OneBot implementation busy': [
    2,
    (c) => [fault({ ...spoilt(c), kind: 'refuse', retcode: BUSY, message: 'too much to do' })],
  ],
  'OneBot frame malformed': [4, (c) => [fault({ kind: 'malformed', what: c.pick(MALFORMED) })]],
  'OneBot heartbeats missing': [1, (c) => [fault({ kind: 'no_heartbeats', times: c.int(2, 8) })]],
  'OneBot account logged out': [
    3,
    (c, bot) => [turn(bot, { online: false }), { ...turn(bot, { online: true }), after: c.int(200, 1800) }],
  ],
  'OneBot implementation gone': [
    3,
    (c, bot) => [turn(bot, { connected: false }), { ...turn(bot, { connected: true }), after: c.int(100, 1500) }],
  ],
  'OneBot implementation restarted': [2, (_, bot) => [turn(bot, { restart: true })]],
};

/** @param {object} body @returns {Order} */
const fault = (body) => ({ path: '/onebot/faults', body });
/** @param {OneBot} bot @param {object} body @returns {Order} */
const turn = ({ selfId }, body) => ({ path: `/onebot/implementations/${selfId}`, body });

/** @param {Chance} chance */
function spoilt(chance) {
  const action = chance.pick(SENDS);
  return { times: chance.int(1, 3), ...(action === undefined ? {} : { action }) };
}

/** @param {Chance} chance @param {object} order @returns {Order[]} */
function unanswered(chance, order) {
  return [fault({ ...spoilt(chance), ...order }), { ...fault({ kind: 'drop' }), after: chance.int(200, 1500) }];
}

/** @param {Chance} chance @returns {OneBot} */
export function oneBotOf(chance) {
  const flavour = chance.pick(FLAVOURS);
  return {
    selfId: '10001',
    flavour,
    role: SPLITTING.has(flavour) && chance.is(0.5) ? 'split' : 'universal',
    reconnectMs: chance.int(30, 250),
    isNamed: chance.is(0.5),
    waits: chance.pick(WAITS),
    people: Array.from({ length: chance.int(2, 4) }, (_, i) => `5000${i + 1}`),
    outsider: '50009',
    groups: Array.from({ length: chance.int(1, 2) }, (_, i) => `7000${i + 1}`),
  };
}

/** The order by which it is logged in, and dials. @param {OneBot} bot @param {string} url */
export function loginOf({ selfId, flavour, role, reconnectMs }, url) {
  return { url, self_id: selfId, flavour, role, heartbeat_ms: HEARTBEAT_MS, reconnect_ms: reconnectMs };
}

/** @param {Chance} chance @param {number} seed @param {OneBot} bot @param {number} length @returns {Step[]} */
export function oneBotSteps(chance, seed, bot, length) {
  return [
    ...messages(chance, seed, bot, length),
    ...floods(chance, seed, bot, length),
    ...trouble(chance, bot, length),
  ];
}

/** Some are not for the bot: nobody @-s it in the group, or who writes is not allowed. @param {Chance} chance @param {number} seed @param {OneBot} bot @param {number} length @returns {Step[]} */
function messages(chance, seed, bot, length) {
  /** @type {Step[]} */
  const steps = [];
  let number = 0;
  for (let at = 0; at < length; at += chance.int(5, 60)) {
    const burst = chance.is(0.05) ? chance.int(3, 12) : 1;
    for (let i = 0; i < burst; i++) {
      number++;
      const from = chance.is(0.04) ? bot.outsider : chance.pick(bot.people);
      const isGroup = from !== bot.outsider && chance.is(0.4);
      const where = isGroup ? { group: chance.pick(bot.groups), mention: !chance.is(0.1) } : {};
      const duplicate = chance.is(0.1) ? chance.int(1, 2) : 0;
      const body = { from, ...where, text: `onebot ${number} of seed ${seed}`, duplicate };
      steps.push({ at, do: 'order', path: '/onebot/messages', body });
    }
  }
  return steps;
}

/** Small enough to leave in one go, so that nothing comes in between. @param {Chance} chance @param {number} seed @param {OneBot} bot @param {number} length @returns {Step[]} */
function floods(chance, seed, bot, length) {
  return Array.from({ length: chance.int(0, 2) }, (_, i) => {
    const where = chance.is(0.4) ? { group: chance.pick(bot.groups), mention: true } : {};
    const text = `flood ${i + 1} of seed ${seed}, $N`;
    const body = { kind: 'flood', count: chance.int(10, 120), from: chance.pick(bot.people), ...where, text };
    const step = { do: /** @type {const} */ ('order'), name: 'OneBot flood', path: '/onebot/faults', body };
    return { at: chance.int(0, length), ...step };
  });
}

/** @param {Chance} chance @param {OneBot} bot @param {number} length @returns {Step[]} */
function trouble(chance, bot, length) {
  return Array.from({ length: chance.int(4, 12) }, () => {
    const at = chance.int(0, length);
    const [name, [, orders]] = weighed(chance);
    return orders(chance, bot).map(({ after = 0, ...order }) => ({
      at: at + after,
      do: /** @type {const} */ ('order'),
      ...(after === 0 ? { name } : {}),
      ...order,
    }));
  }).flat();
}

/** @param {Chance} chance */
function weighed(chance) {
  const all = Object.entries(TROUBLE);
  let left = chance.next() * all.reduce((sum, [, [weight]]) => sum + weight, 0);
  const found = all.find(([, [weight]]) => {
    left -= weight;
    return left < 0;
  });
  return found ?? /** @type {(typeof all)[number]} */ (all[0]);
}

/** What lets all come to rest: everybody is there again, and what will never be answered is given up. @param {OneBot} bot @returns {Order[]} */
export function peaceOrders(bot) {
  return [fault({ kind: 'recover' }), turn(bot, { online: true, connected: true }), fault({ kind: 'drop' })];
}
