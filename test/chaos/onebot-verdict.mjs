// @ts-check
/**
 * What transcript and journal say of the OneBot lane. Reverse WebSocket knows no replay: what was written while nobody was connected, or
 * into a line that ended before the daemon had journalled it, is lost by the protocol. So of each line only the last that it carried may
 * be missing, and only where its end came without a word. What is journalled is answered once, or it says why not.
 */
import { codeOf, placeIn } from './journal.mjs';
import { BUSY } from './onebot-schedule.mjs';

/** @typedef {import('../../src/sandbox/transcript.js').Entry} Entry */
/** @typedef {import('./journal.mjs').Journal} Journal */
/** @typedef {import('./journal.mjs').InboxRow} InboxRow */
/** @typedef {import('./journal.mjs').OutboxRow} OutboxRow */
/** @typedef {Extract<Entry, { kind: 'onebot.message' }>} Message */
/** @typedef {Extract<Entry, { kind: 'onebot.send' }>} Send */
/** @typedef {Extract<Entry, { kind: 'onebot.call' }>} Call */
/**
 * @typedef {{ at: number, said: Said[], brokenAt?: number, end?: { at: number, isAbrupt: boolean } }} Line one connection that carried
 * events, from its opening to its end as the implementation saw it; `brokenAt`: it wrote a frame behind which nothing is read
 */
/** @typedef {{ text: string, place: string, at: number, isWanted: boolean, line: Line | undefined, isOpen: boolean }} Said `line`: none when nobody could hear it; `isOpen`: or perhaps somebody could */
/**
 * @typedef {{
 *   kills: readonly number[], fills: readonly { from: number, to: number }[], log: string, selfId: string, people: readonly string[],
 * }} Circumstances times in milliseconds since 1970; `fills`: when the disk was full; `people`: who is allowed
 */
/**
 * @typedef {{
 *   written: number, unheard: number, cutOff: number, noRoom: number, journalled: number, delivered: number, uncertain: number,
 *   refused: number, gaveUp: number, lost: number, doubled: number, longestCutMs: number, problems: string[],
 * }} OneBotVerdict `unheard`: nobody was connected; `cutOff`: in the line when it ended; `noRoom`: the full disk took them;
 * `refused`: answers that the implementation certainly did not take, or that found no place among those that wait for it; `longestCutMs`: how long before its end the oldest of `cutOff` was written
 */

const CLOCK_SKEW_MS = 5;
/** What is written shortly before the disk is full, or shortly after, may still be in a commit that fails. */
const FULL_SLACK_MS = 300;
/** What is read takes this long to be journalled at the most, on a machine that is busy with other things. */
const JOURNAL_LIMIT_MS = 3000;
/** Ends that come without a word. */
const ABRUPT = new Set([1005, 1006]);
/** Frames against the protocol: they end the line. */
const BREAKING = new Set(['bad_utf8', 'reserved_opcode', 'unmasked']);
const NOT_JOURNALLED = /an event could not be journalled/g;
/** While nobody is connected so many answers are kept for each target; further ones fail, and say so. */
const PARKED_FULL = 'delivery.parked_full';
const PARKED_AT_MOST = 1000;
/** A message whose turn so many ends of the daemon broke is given up. */
const GIVES_UP_AFTER = 3;

/** @param {readonly Entry[]} transcript @param {Journal} journal @param {Circumstances} circumstances @returns {OneBotVerdict} */
export function judgeOneBot(transcript, journal, circumstances) {
  const { said, lines } = heard(transcript, circumstances);
  const inbox = journal.inbox.filter(({ conversation }) => conversation.startsWith('onebot:'));
  const outbox = journal.outbox.filter(({ target }) => target.startsWith('onebot:'));
  const intake = judgeIntake(lines, inbox, circumstances);
  const rows = judgeRows(said, inbox, outbox, circumstances);
  const answers = judgeAnswers(transcript, said, outbox, circumstances);
  return {
    written: said.size,
    unheard: [...said.values()].filter(({ line }) => line === undefined).length,
    journalled: inbox.length,
    ...intake,
    ...answers,
    gaveUp: rows.gaveUp,
    lost: intake.lost + rows.lost,
    problems: [...intake.problems, ...rows.problems, ...answers.problems],
  };
}

/** @param {{ place: string, text: string }} one */
const keyOf = ({ place, text }) => `${place} ${text}`;

/** @param {readonly { readonly type: string, readonly data: { readonly [key: string]: unknown } }[]} segments */
function textOf(segments) {
  return segments
    .map(({ type, data }) => (type === 'text' ? String(data.text ?? '') : ''))
    .join('')
    .trim();
}

/** Who wrote what on which line. @param {readonly Entry[]} transcript @param {Circumstances} circumstances */
function heard(transcript, { selfId, people }) {
  /** @type {Map<string, Said>} */
  const said = new Map();
  /** @type {Line[]} */
  const lines = [];
  /** @type {Line | undefined} */
  let line;
  /** It takes everything and passes nothing on. @type {'no' | 'perhaps' | 'yes'} */
  let mute = 'no';
  /** The last flood, until it is known whether anybody heard it. @type {Said[]} */
  let flood = [];
  /** @param {Omit<Said, 'line' | 'isOpen'>} one @param {boolean} isOut */
  const note = (one, isOut) => {
    const written = { ...one, line: isOut && mute === 'no' ? line : undefined, isOpen: isOut && mute === 'perhaps' };
    said.set(keyOf(written), written);
    written.line?.said.push(written);
    return written;
  };
  for (const entry of transcript) {
    if (entry.kind === 'onebot.line' && entry.role.toLowerCase() !== 'api') {
      // What was ordered while nobody was connected holds for the line that was just being dialled, if any.
      if (line === undefined && entry.step === 'refused') mute = 'no';
      if (entry.step === 'refused') continue;
      if (line !== undefined)
        line.end = { at: entry.at, isAbrupt: entry.step === 'closed' && ABRUPT.has(entry.code ?? 1006) };
      line = entry.step === 'opened' ? { at: entry.at, said: [] } : undefined;
      if (line !== undefined) lines.push(line);
      else mute = 'no';
    }
    if (entry.kind === 'onebot.fault') {
      const order = JSON.parse(entry.what);
      if (order.kind === 'half_open' && order.redial !== true) mute = line === undefined ? 'perhaps' : 'yes';
      if (order.kind === 'recover') mute = 'no';
      if (order.kind === 'malformed' && BREAKING.has(order.what) && line !== undefined) line.brokenAt ??= entry.at;
      if (order.kind === 'flood')
        flood = floodTexts(order).map((text) => {
          const isWanted = people.includes(String(order.from)) && (order.group === undefined || order.mention === true);
          return note({ text, place: placeOf(order), at: entry.at, isWanted }, true);
        });
    }
    if (entry.kind === 'onebot.event' && entry.type.startsWith('flood') && entry.lines === 0)
      for (const one of flood) {
        if (one.line !== undefined) one.line.said = one.line.said.filter((other) => other !== one);
        one.line = undefined;
        one.isOpen = false;
      }
    if (entry.kind === 'onebot.message') {
      const { scene, segments, at } = entry;
      const isMeant =
        scene.kind === 'private' || segments.some(({ type, data }) => type === 'at' && data.qq === selfId);
      const isWanted = isMeant && people.includes(entry.from.user_id);
      note({ text: textOf(segments), place: `${scene.kind}:${scene.id}`, at, isWanted }, entry.lines > 0);
    }
  }
  return { said, lines };
}

/** @param {{ from: unknown, group?: unknown }} order */
const placeOf = ({ from, group }) => (group === undefined ? `private:${from}` : `group:${group}`);

/** @param {{ count: number, text: string }} order */
function floodTexts({ count, text }) {
  return Array.from({ length: count }, (_, i) => text.replaceAll('$N', String(i + 1)));
}

/**
 * From the lines into the journal: each line's messages in their order, and none missing but the last of one that broke.
 * @param {readonly Line[]} lines @param {readonly InboxRow[]} inbox @param {Circumstances} circumstances
 */
function judgeIntake(lines, inbox, { kills, fills, log }) {
  const journalled = new Map(inbox.map((row) => [keyOf({ place: placeIn(row.conversation), text: row.text }), row.id]));
  /** @type {string[]} */
  const problems = [];
  let lost = 0;
  let cutOff = 0;
  let noRoom = 0;
  let longestCutMs = 0;
  for (const { at: openedAt, said, brokenAt, end } of lines) {
    // With the daemon each of its lines dies, whether the implementation sees it or not.
    const kill = kills.find((at) => at >= openedAt - CLOCK_SKEW_MS && at <= (end?.at ?? 0));
    const diedAt = kill ?? (end?.isAbrupt === true ? end.at : Number.POSITIVE_INFINITY);
    const ids = said.map((one) => journalled.get(keyOf(one)));
    const last = ids.findLastIndex((id) => id !== undefined);
    let before = 0;
    said.forEach((one, i) => {
      const id = ids[i];
      if (id !== undefined) {
        if (id < before) problems.push(`journalled out of order: "${one.text}" in ${one.place}`);
        before = id;
        return;
      }
      const isUnread = brokenAt !== undefined && one.at >= brokenAt;
      const cutMs = isUnread ? 0 : Math.max(0, diedAt - one.at);
      if (i > last && end !== undefined && cutMs <= JOURNAL_LIMIT_MS) {
        cutOff++;
        longestCutMs = Math.max(longestCutMs, cutMs);
        return;
      }
      if (fills.some(({ from, to }) => one.at >= from - FULL_SLACK_MS && one.at <= to + FULL_SLACK_MS)) {
        noRoom++;
        return;
      }
      lost++;
      const why =
        i < last
          ? 'a later message of the same line was journalled'
          : end === undefined
            ? 'its line still stands'
            : `its line ended ${end.at - one.at} ms later, ${end.isAbrupt ? 'without' : 'with'} a word`;
      problems.push(`never journalled: "${one.text}" in ${one.place}; ${why}`);
    });
  }
  const told = log.match(NOT_JOURNALLED)?.length ?? 0;
  if (told < noRoom) problems.push(`${noRoom} messages found no room in the journal, and the log tells of ${told}`);
  return { problems, lost, cutOff, noRoom, longestCutMs };
}

/**
 * Every row of the journal has come to its end, and to the right one.
 * @param {ReadonlyMap<string, Said>} said @param {readonly InboxRow[]} inbox @param {readonly OutboxRow[]} outbox @param {Circumstances} circumstances
 */
function judgeRows(said, inbox, outbox, { kills }) {
  /** @type {string[]} */
  const problems = [];
  let lost = 0;
  let gaveUp = 0;
  /** @type {Set<string>} */
  const known = new Set();
  for (const row of inbox) {
    const place = placeIn(row.conversation);
    const key = keyOf({ place, text: row.text });
    const told = `in-${row.id} "${row.text}" in ${place}`;
    const answers = outbox.filter(({ inReplyTo }) => inReplyTo === row.id);
    const asked = said.get(key);
    if (known.has(key) && asked !== undefined) problems.push(`journalled twice: ${told}`);
    known.add(key);
    if (asked === undefined || !asked.isWanted) {
      if (row.status !== 'refused' || answers.length > 0) problems.push(`to be refused, but ${row.status}: ${told}`);
      continue;
    }
    if (asked.line === undefined && !asked.isOpen) problems.push(`journalled, though it was on no line: ${told}`);
    if (row.status === 'failed' && codeOf(row) === 'turn.gave_up' && kills.length >= GIVES_UP_AFTER) gaveUp++;
    else if (row.status !== 'answered' || answers.length !== 1 || answers[0]?.text !== row.text) {
      lost++;
      problems.push(
        `journalled and not answered: ${told} is ${row.status} ${row.error ?? ''}, with ${answers.length} answers`,
      );
    }
  }
  return { problems, lost, gaveUp };
}

/**
 * What arrived was asked for, once and in order; what each answer's row says of it is true.
 * @param {readonly Entry[]} transcript @param {ReadonlyMap<string, Said>} said @param {readonly OutboxRow[]} outbox @param {Circumstances} circumstances
 */
function judgeAnswers(transcript, said, outbox, circumstances) {
  /** @type {string[]} */
  const problems = [];
  const rows = new Map(outbox.map((row) => [keyOf({ place: placeIn(row.target), text: row.text }), row]));
  /** @type {Map<string, Send[]>} */
  const arrived = new Map();
  /** @type {Map<string, Call[]>} */
  const calls = new Map();
  /** @type {Map<string, number>} */
  const newest = new Map();
  for (const entry of transcript) {
    const sent = entry.kind === 'onebot.call' ? sendIn(entry) : undefined;
    if (sent !== undefined && entry.kind === 'onebot.call') {
      const key = keyOf(sent);
      const earlier = calls.get(key) ?? [];
      const open = earlier.find(
        ({ status, retcode, answered }) => !(answered && status === 'failed' && retcode === BUSY),
      );
      if (open !== undefined)
        problems.push(`sent again, though it may have arrived: ${key} (entries ${open.n}, ${entry.n})`);
      calls.set(key, [...earlier, entry]);
      if (!rows.has(key)) problems.push(`sent without a row: ${key} (entry ${entry.n})`);
    }
    if (entry.kind !== 'onebot.send' || !entry.accepted) continue;
    const place = `${entry.scene.kind}:${entry.scene.id}`;
    const key = keyOf({ place, text: textOf(entry.segments) });
    arrived.set(key, [...(arrived.get(key) ?? []), entry]);
    const row = rows.get(key);
    if (row === undefined || said.get(key)?.isWanted !== true) {
      problems.push(`sent without being asked: ${key} (entry ${entry.n})`);
      continue;
    }
    if (row.id < (newest.get(place) ?? 0)) problems.push(`out of order in ${place}: ${key} (entry ${entry.n})`);
    newest.set(place, Math.max(row.id, newest.get(place) ?? 0));
  }
  let doubled = 0;
  for (const [key, sends] of arrived) {
    if (sends.length < 2) continue;
    doubled++;
    problems.push(`answered ${sends.length} times: ${key}`);
  }
  /** @param {OutboxRow} row */
  const toTarget = ({ target }) => outbox.filter((other) => other.target === target).length;
  const count = { delivered: 0, uncertain: 0, refused: 0 };
  for (const [key, row] of rows) {
    const sends = arrived.get(key) ?? [];
    const told = `out-${row.id} ${key} (${row.error ?? ''})`;
    const wasRefused = (calls.get(key) ?? []).some(({ status, answered }) => answered && status === 'failed');
    if (row.status === 'delivered') {
      count.delivered++;
      const isTrue = sends.some(({ message_id: id }) => String(id) === row.messageId);
      if (!isTrue) problems.push(`delivered, it says, but nothing arrived: ${told}`);
    } else if (row.status === 'failed') {
      count.refused++;
      const isFull = codeOf(row) === PARKED_FULL && toTarget(row) > PARKED_AT_MOST && !calls.has(key);
      if (!(wasRefused || isFull) || sends.length > 0)
        problems.push(`failed, it says, and ${sends.length} arrived: ${told}`);
    } else if (row.status === 'uncertain') {
      count.uncertain++;
      if (!isDoubtful(row, said.get(key)?.at ?? 0, wasRefused, transcript, circumstances))
        problems.push(`uncertain without a reason: ${told}`);
    } else problems.push(`still ${row.status}: ${told}`);
  }
  return { problems, doubled, ...count };
}

/** What a call says and where, if it sends a message. @param {Call} call */
function sendIn({ params }) {
  if (typeof params !== 'object' || params === null || !('message' in params)) return undefined;
  const { message, group_id: group, user_id: user, message_type: type } = /** @type {any} */ (params);
  if (!Array.isArray(message)) return undefined;
  return { place: type === 'group' ? `group:${group}` : `private:${user}`, text: textOf(message) };
}

/** Faults after which nobody can know whether a call was heard. */
const SILENCING = new Set(['swallow', 'lose', 'echo', 'half_open']);

/**
 * Whether something happened that explains why nobody knows.
 * @param {OutboxRow} row @param {number} since @param {boolean} wasRefused @param {readonly Entry[]} transcript @param {Circumstances} circumstances
 */
function isDoubtful(row, since, wasRefused, transcript, { kills }) {
  const code = codeOf(row);
  const isSilenced = () => transcript.some((entry) => entry.kind === 'onebot.fault' && SILENCING.has(entry.fault));
  if (code === 'delivery.cut_short') return kills.some((at) => at >= since - CLOCK_SKEW_MS);
  if (code === 'onebot.no_answer') return isSilenced();
  if (code === 'onebot.connection_lost') {
    const isClosed = (/** @type {Entry} */ entry) =>
      entry.kind === 'onebot.line' && entry.step === 'closed' && entry.at >= since;
    return transcript.some(isClosed) || isSilenced();
  }
  // QQ itself did not answer the implementation, which said so.
  return /^-?\d+$/.test(code) && wasRefused;
}
