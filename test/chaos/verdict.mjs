// @ts-check
/** What the sandbox's transcript says about a run: every message that the platform delivered was answered once, with its text, in order. */
import { placeIn } from './journal.mjs';

/** @typedef {import('../../src/sandbox/transcript.js').Entry} Entry */
/** @typedef {import('../../src/sandbox/transcript.js').BotSend} BotSend */
/** @typedef {{ session: string, s: number }} Frame one event on its way into one session */
/** @typedef {{ text: string, place: string, frames: Frame[], late: number }} Heard */
/**
 * @typedef {{
 *   messages: number, lost: number, doubled: number, goneWithSession: number, unknowable: number, guildUncertain: number,
 *   problems: string[], isComplete: boolean,
 * }} Verdict not answered, and not the bot's fault: `goneWithSession`, given into a session that ended before the bot told that it has
 * them; `unknowable`, killed before it could note a refusal that burnt the pair, so that the repeat looked like one of a message that arrived;
 * `guildUncertain`, in a guild, where no repeat can be told, and the journal says that it may have arrived;
 * `isComplete`: nothing that is sure to be answered is unanswered
 */

const ALREADY_USED = 40054005;
/** Between the clocks of two processes on one machine. */
const CLOCK_SKEW_MS = 5;

/**
 * @param {readonly Entry[]} transcript
 * @param {readonly number[]} kills when the daemon was killed, in milliseconds since 1970
 * @param {Pick<import('./journal.mjs').Journal, 'outbox'>} journal
 * @returns {Verdict}
 */
export function judge(transcript, kills, journal = { outbox: [] }) {
  const messages = heardMessages(transcript);
  const { acknowledged, order } = sessions(transcript);
  /** Whether nobody but the bot can have lost it. @param {Frame} frame */
  const isSure = ({ session, s }) => s <= (acknowledged.get(session) ?? Number.POSITIVE_INFINITY);

  /** @type {Map<Heard, number>} */
  const answers = new Map();
  /** @type {Map<string, { at: Frame, text: string }>} */
  const newest = new Map();
  /** @type {string[]} */
  const problems = [];
  for (const entry of transcript) {
    if (entry.kind !== 'bot.send' || !entry.accepted) continue;
    const place = placeOf(entry.scene);
    const message = messages.find(({ text, place: its }) => text === entry.text && its === place);
    if (message === undefined) {
      problems.push(`sent without being asked: ${JSON.stringify(entry.text)} to ${place} (entry ${entry.n})`);
      continue;
    }
    const count = (answers.get(message) ?? 0) + 1;
    answers.set(message, count);
    const [at] = message.frames;
    if (count > 1 || at === undefined || !isSure(at)) continue;
    // Given up as uncertain while a fault held it back on the platform: the daemon cannot know that it comes after all.
    if (entry.fault !== undefined && isUncertainInGuild(message, journal)) continue;
    const before = newest.get(place);
    if (before !== undefined && isAfter(before.at, at, order))
      problems.push(`out of order in ${place}: "${message.text}" was answered after "${before.text}"`);
    else newest.set(place, { at, text: message.text });
  }

  let lost = 0;
  let doubled = 0;
  let goneWithSession = 0;
  let unknowable = 0;
  let guildUncertain = 0;
  let waiting = 0;
  for (const message of messages) {
    const count = answers.get(message) ?? 0;
    waiting += message.late;
    if (count > 1) {
      doubled++;
      problems.push(`answered ${count} times: "${message.text}" in ${message.place}`);
    }
    if (count > 0 || message.frames.length === 0) continue;
    if (!message.frames.some(isSure)) goneWithSession++;
    else if (wasBurntUnseen(message, transcript, kills)) unknowable++;
    else if (isOpenInGuild(message, transcript, kills, journal)) guildUncertain++;
    else {
      lost++;
      problems.push(
        `never answered: "${message.text}" in ${message.place}, frame ${JSON.stringify(message.frames[0])}`,
      );
    }
  }
  const heard = messages.filter(({ frames }) => frames.length > 0).length;
  return {
    messages: heard,
    lost,
    doubled,
    goneWithSession,
    unknowable,
    guildUncertain,
    problems,
    isComplete: lost === 0 && waiting <= 0,
  };
}

/** @param {Heard} message @param {readonly Entry[]} transcript @param {readonly number[]} kills */
function wasBurntUnseen({ text, place }, transcript, kills) {
  const sends = transcript.filter(
    (entry) => entry.kind === 'bot.send' && entry.text === text && placeOf(entry.scene) === place,
  );
  return sends.some((burnt, i) => {
    const { burnt: isBurnt, msg_id, msg_seq } = /** @type {BotSend} */ (burnt);
    if (isBurnt !== true) return false;
    const repeat = sends.slice(i + 1).find((entry) => {
      const send = /** @type {BotSend} */ (entry);
      return send.msg_id === msg_id && send.msg_seq === msg_seq && send.code === ALREADY_USED;
    });
    return repeat !== undefined && kills.some((at) => at >= burnt.at - CLOCK_SKEW_MS && at <= repeat.at);
  });
}

/**
 * Whether its answer may have arrived, as the journal says, and something happened that explains it.
 * @param {Heard} message @param {readonly Entry[]} transcript @param {readonly number[]} kills
 * @param {Pick<import('./journal.mjs').Journal, 'outbox'>} journal
 */
function isOpenInGuild(message, transcript, kills, journal) {
  if (!isUncertainInGuild(message, journal)) return false;
  const { text } = message;
  const since = transcript.find((entry) => entry.kind === 'user.message' && entry.text === text)?.at ?? 0;
  const wasKilled = kills.some((at) => at >= since - CLOCK_SKEW_MS);
  return (
    wasKilled ||
    transcript.some((entry) => entry.kind === 'bot.send' && entry.text === text && entry.fault !== undefined)
  );
}

/** @param {Heard} message @param {Pick<import('./journal.mjs').Journal, 'outbox'>} journal */
function isUncertainInGuild({ text, place }, { outbox }) {
  if (!/^(channel|dm):/.test(place)) return false;
  return outbox.some((row) => row.status === 'uncertain' && row.text === text && placeIn(row.target) === place);
}

/** Everything a person wrote, with the frames that brought it. @param {readonly Entry[]} transcript @returns {Heard[]} */
function heardMessages(transcript) {
  /** @type {Map<string, Heard>} */
  const byId = new Map();
  for (const entry of transcript) {
    if (entry.kind !== 'user.message') continue;
    const late = entry.fault !== undefined && entry.s === undefined ? 1 : 0;
    byId.set(entry.id, { text: entry.text, place: placeOf(entry.scene), frames: framesOf(entry), late });
  }
  for (const entry of transcript) {
    const message = entry.kind === 'event' && entry.message !== undefined ? byId.get(entry.message) : undefined;
    if (entry.kind !== 'event' || message === undefined) continue;
    message.frames.push(...framesOf(entry));
    message.late = 0;
  }
  return [...byId.values()];
}

/** @param {{ session_id?: string, s?: number }} entry @returns {Frame[]} */
function framesOf({ session_id: session, s }) {
  return session === undefined || s === undefined ? [] : [{ session, s }];
}

/**
 * How far the bot had told to have come in each session that ended, and the order in which sessions began.
 * @param {readonly Entry[]} transcript
 */
function sessions(transcript) {
  /** @type {Map<string, number>} */
  const acknowledged = new Map();
  /** @type {Map<string, number>} */
  const order = new Map();
  for (const entry of transcript) {
    if (entry.kind !== 'gateway' || entry.session_id === undefined) continue;
    if (entry.step === 'ready') order.set(entry.session_id, order.size);
    if (entry.step === 'ended') acknowledged.set(entry.session_id, entry.acknowledged ?? 0);
  }
  return { acknowledged, order };
}

/** @param {Frame} a @param {Frame} b @param {ReadonlyMap<string, number>} order */
function isAfter(a, b, order) {
  const [session, other] = [order.get(a.session) ?? 0, order.get(b.session) ?? 0];
  return session === other ? a.s > b.s : session > other;
}

/** @param {{ kind: string, openid: string }} scene */
const placeOf = ({ kind, openid }) => `${kind}:${openid}`;
