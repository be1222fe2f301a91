/** One send by the bot, judged as the platform does: is the body right, is the peer there, may it be said now. */
import { type Attempt, isInGuild, MSG_TYPE } from './attempt.js';
import { bodyFault } from './body-faults.js';
import { messageObject } from './guild-events.js';
import { findPlace, type GuildPlace } from './guild-place.js';
import { newGuildMessageId, newMessageId, newReferenceIndex } from './ids.js';
import { groupMessage } from './message-events.js';
import type { Platform } from './platform.js';
import { beijingTime } from './platform-time.js';
import { accept, type PlatformAnswer, refuse } from './refusals.js';
import type { BotSend, Scene } from './transcript.js';
import type { Author } from './written-message.js';

/** By what the peer is; of a guild the code says which part of it is not there. */
const ABSENT: { readonly [kind in Scene['kind']]: number } = {
  c2c: 40054004,
  group: 40034101,
  channel: 10003,
  dm: 304032,
};
const ACTIVE_FORBIDDEN = { c2c: 40034102, group: 40034105 } as const;
const NOT_CONNECTED = 304018;
const BAD_QUOTE = { guild: 304026, other: 40034024 } as const;
const AUDITED = { code: 304023, message: 'push message is waiting for audit now' } as const;

/** Decides, and if it is accepted, does it: the reply is used up, the message exists. */
export function sendMessage(platform: Platform, attempt: Attempt): PlatformAnswer {
  const bad = bodyFault(attempt, platform.settings);
  if (bad !== undefined) return bad;
  const code = absent(platform, attempt.scene) ?? badQuote(platform, attempt) ?? notNow(platform, attempt);
  if (code !== undefined) return refuse(code);
  if (attempt.reference !== undefined)
    platform.windows.take(attempt.reference, !isTypingSign(attempt) || platform.settings.typingCostsReply);
  const place = placeOf(platform, attempt.scene);
  if (place === undefined) return sent(platform, attempt);
  if (attempt.reference === undefined) platform.quotas.take(attempt.scene);
  return platform.settings.audit ? held(platform, attempt) : sentToGuild(platform, attempt, place);
}

/** How the attempt stands in the transcript. `answer` is what the platform decided; undefined when a fault came first. */
export function sendRecord(
  platform: Platform,
  attempt: Attempt,
  answer: PlatformAnswer | undefined,
  spoiled?: { fault: string; answer?: PlatformAnswer; burnt?: boolean },
): BotSend {
  const { scene, msgType, text, reference, seq, quote, hidden } = attempt;
  const accepted = answer?.sent !== undefined;
  const told = answer ?? spoiled?.answer;
  const quoted = quote === undefined ? undefined : platform.messages.find(quote.id);
  return {
    kind: 'bot.send',
    scene,
    mode: reference === undefined ? 'active' : 'passive',
    msg_type: msgType ?? null,
    text,
    ...(quote === undefined ? {} : { quote: { id: quote.id, ...(quoted === undefined ? {} : { text: quoted.text }) } }),
    ...(reference === undefined ? {} : { [reference.by]: reference.id }),
    ...(seq === undefined ? {} : { msg_seq: seq }),
    ...(isTypingSign(attempt) ? { typing: attempt.typing ?? null } : {}),
    accepted,
    ...(accepted && hidden === true ? { hidden } : {}),
    status: told?.status ?? 0,
    ...answer?.sent,
    ...(accepted || told?.code === undefined ? {} : { code: told.code }),
    ...(accepted || told?.message === undefined ? {} : { reason: told.message }),
    ...(spoiled === undefined ? {} : { fault: spoiled.fault }),
    ...(spoiled?.burnt === true ? { burnt: true } : {}),
  };
}

function isTypingSign({ msgType }: Attempt): boolean {
  return msgType === MSG_TYPE.inputNotify;
}

/** The code for a peer that the bot cannot write to at all. */
function absent(platform: Platform, scene: Scene): number | undefined {
  if (isInGuild(scene)) {
    if (placeOf(platform, scene) === undefined) return ABSENT[scene.kind];
    return platform.isBotThere ? undefined : NOT_CONNECTED;
  }
  const isThere =
    scene.kind === 'c2c'
      ? platform.people.users.get(scene.openid)?.friend === true
      : platform.people.groups.get(scene.openid)?.botIn === true;
  return isThere ? undefined : ABSENT[scene.kind];
}

/** A quote of what is not there is refused, unless the send says that it does not matter. */
function badQuote({ messages }: Platform, { scene, quote }: Attempt): number | undefined {
  if (quote === undefined || quote.optional || messages.find(quote.id) !== undefined) return undefined;
  return isInGuild(scene) ? BAD_QUOTE.guild : BAD_QUOTE.other;
}

/** The code for a reply whose window is closed, or an active message that is not allowed. */
function notNow(platform: Platform, { scene, reference }: Attempt): number | undefined {
  if (reference !== undefined) return platform.windows.check(scene, reference);
  switch (scene.kind) {
    case 'c2c':
      return platform.people.users.get(scene.openid)?.activeAllowed === true ? undefined : ACTIVE_FORBIDDEN.c2c;
    case 'group':
      return platform.people.groups.get(scene.openid)?.activeAllowed === true ? undefined : ACTIVE_FORBIDDEN.group;
    default: {
      const siblings = platform.guilds.findChannel(scene.openid)?.guild.channels ?? [];
      return platform.quotas.check(
        scene,
        siblings.map(({ id }) => id),
      );
    }
  }
}

/** Where in the guild a send goes, if the bot is in there. */
function placeOf({ guilds }: Platform, scene: Scene): GuildPlace | undefined {
  const found = findPlace(guilds, scene);
  return found?.guild.botIn === true ? found.place : undefined;
}

function sent(platform: Platform, attempt: Attempt): PlatformAnswer {
  const id = newMessageId();
  const refIdx = newReferenceIndex();
  const group = platform.people.groups.get(attempt.scene.kind === 'group' ? attempt.scene.openid : '');
  const author: Author = { id: group?.botMemberOpenid ?? platform.bot.id, name: platform.bot.username, bot: true };
  const message = { id, refIdx, text: attempt.text, attachments: [], author };
  const isShown = attempt.hidden !== true && !isTypingSign(attempt);
  if (isShown) platform.messages.keep({ ...message, scene: attempt.scene, toBot: false });
  const at = platform.setup.now();
  if (isShown && group?.receiveAll === true && group.echoOwn) {
    const written = { ...message, at, mentions: [], everyone: false, faces: [] };
    platform.give(groupMessage('GROUP_MESSAGE_CREATE', group, 'member', written), [attempt.scene]);
  }
  const answer = accept({ id, timestamp: beijingTime(at), ext_info: { ref_idx: refIdx } });
  return { ...answer, sent: { id, ref_idx: refIdx } };
}

function sentToGuild(platform: Platform, { scene, text, hidden }: Attempt, place: GuildPlace): PlatformAnswer {
  const id = newGuildMessageId();
  const author: Author = { id: platform.bot.id, name: platform.bot.username, bot: true };
  if (hidden !== true) platform.messages.keep({ id, text, attachments: [], author, scene, toBot: false });
  const message = { id, at: platform.setup.now(), author };
  const answer = accept(messageObject(place, message, text, platform.guilds.nextInChannel(place.channelId)));
  return { ...answer, sent: { id } };
}

/** Taken, but not out yet: HTTP 202 with what looks like an error. */
function held(platform: Platform, { scene, text }: Attempt): PlatformAnswer {
  const { id } = platform.audits.hold(scene, text, platform.setup.now());
  const answer = accept({ ...AUDITED, data: { message_audit: { audit_id: id } } });
  return { ...answer, status: 202, sent: { audit_id: id } };
}
