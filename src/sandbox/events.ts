/** The events of the platform as they stand in a frame's `t` and `d`. Source: Bot API v2 "事件" pages; the shapes follow what is seen on the wire. */
import { INTENT_BITS } from '../protocol/qqbot/gateway-codes.js';
import { newEventId } from './ids.js';
import type { Group, Member, User } from './people.js';
import { beijingTime } from './platform-time.js';
import type { Scene } from './transcript.js';

/** What goes into an envelope beside `op` and `s`. */
export interface PlatformEvent {
  readonly t: string;
  readonly id?: string;
  readonly d: unknown;
}

const B = INTENT_BITS;
/** Event → the intent bits of which one must have been asked for. An event that is not listed goes to everyone. */
const EVENT_INTENTS: { readonly [type: string]: number } = {
  ...rows(B.guilds, 'GUILD_CREATE GUILD_UPDATE GUILD_DELETE CHANNEL_CREATE CHANNEL_UPDATE CHANNEL_DELETE'),
  ...rows(B.guild_members, 'GUILD_MEMBER_ADD GUILD_MEMBER_UPDATE GUILD_MEMBER_REMOVE'),
  ...rows(B.guild_messages, 'MESSAGE_CREATE MESSAGE_DELETE'),
  ...rows(B.guild_message_reactions, 'MESSAGE_REACTION_ADD MESSAGE_REACTION_REMOVE'),
  ...rows(B.direct_message, 'DIRECT_MESSAGE_CREATE DIRECT_MESSAGE_DELETE'),
  ...rows(
    B.open_forums_event,
    'OPEN_FORUM_THREAD_CREATE OPEN_FORUM_THREAD_UPDATE OPEN_FORUM_THREAD_DELETE OPEN_FORUM_POST_CREATE OPEN_FORUM_POST_DELETE OPEN_FORUM_REPLY_CREATE OPEN_FORUM_REPLY_DELETE',
  ),
  ...rows(B.audio_or_live_channel_member, 'AUDIO_OR_LIVE_CHANNEL_MEMBER_ENTER AUDIO_OR_LIVE_CHANNEL_MEMBER_EXIT'),
  ...rows(B.group_member_event | B.group_and_c2c, 'GROUP_MEMBER_ADD GROUP_MEMBER_REMOVE GROUP_JOIN_REQUEST'),
  ...rows(
    B.group_and_c2c,
    'C2C_MESSAGE_CREATE GROUP_AT_MESSAGE_CREATE GROUP_MESSAGE_CREATE FRIEND_ADD FRIEND_DEL C2C_MSG_REJECT C2C_MSG_RECEIVE GROUP_ADD_ROBOT GROUP_DEL_ROBOT GROUP_MSG_REJECT GROUP_MSG_RECEIVE',
  ),
  ...rows(B.interaction, 'INTERACTION_CREATE'),
  ...rows(B.message_audit, 'MESSAGE_AUDIT_PASS MESSAGE_AUDIT_REJECT'),
  ...rows(
    B.forums_event,
    'FORUM_THREAD_CREATE FORUM_THREAD_UPDATE FORUM_THREAD_DELETE FORUM_POST_CREATE FORUM_POST_DELETE FORUM_REPLY_CREATE FORUM_REPLY_DELETE FORUM_PUBLISH_AUDIT_RESULT',
  ),
  ...rows(B.audio_action, 'AUDIO_START AUDIO_FINISH AUDIO_ON_MIC AUDIO_OFF_MIC'),
  ...rows(B.public_guild_messages, 'AT_MESSAGE_CREATE PUBLIC_MESSAGE_DELETE'),
};

function rows(bits: number, types: string): { [type: string]: number } {
  return Object.fromEntries(types.split(' ').map((type) => [type, bits]));
}

/** Whether a session that asked for `intents` hears the event. */
export function isHeard(type: string, intents: number): boolean {
  const bits = EVENT_INTENTS[type];
  return bits === undefined || (bits & intents) !== 0;
}

/** A message as the platform numbers it. */
export interface Written {
  readonly id: string;
  readonly refIdx: string;
  readonly text: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** The message it quotes. */
  readonly quote?: { readonly refIdx: string; readonly text: string };
}

export function c2cMessage(from: User, written: Written): PlatformEvent {
  return event('C2C_MESSAGE_CREATE', {
    id: written.id,
    content: written.text,
    timestamp: beijingTime(written.at),
    message_type: messageType(written),
    author: { id: from.openid, user_openid: from.openid, union_openid: '', username: '', bot: false },
    message_scene: messageScene(written),
    attachments: [],
    ...quoted(written),
  });
}

/** The bot as a member of a group. */
export interface BotMember {
  readonly memberOpenid: string;
  readonly name: string;
}

/** `mention` names the bot where it was @-ed. In the AT form its mention is already stripped, and the blanks around it remain. */
export function groupMessage(
  type: 'GROUP_AT_MESSAGE_CREATE' | 'GROUP_MESSAGE_CREATE',
  group: Group,
  from: Member,
  written: Written,
  mention: BotMember | undefined,
): PlatformEvent {
  const inline = mention === undefined ? written.text : `<@${mention.memberOpenid}> ${written.text}`;
  return event(type, {
    id: written.id,
    content: type === 'GROUP_AT_MESSAGE_CREATE' ? ` ${written.text} ` : inline,
    timestamp: beijingTime(written.at),
    message_type: messageType(written),
    group_openid: group.openid,
    group_id: group.openid,
    author: {
      id: from.memberOpenid,
      member_openid: from.memberOpenid,
      member_role: from.role,
      username: from.user.name,
      bot: false,
    },
    mentions: mention === undefined ? [] : [mentionOf(mention)],
    message_scene: messageScene(written),
    attachments: [],
    ...quoted(written),
  });
}

function mentionOf(bot: BotMember) {
  return {
    scope: 'single',
    id: bot.memberOpenid,
    member_openid: bot.memberOpenid,
    nickname: bot.name,
    bot: true,
    is_you: true,
  };
}

/** 103 is a message that quotes another one. */
const messageType = (written: Written): number => (written.quote === undefined ? 0 : 103);

function messageScene(written: Written) {
  const quote = written.quote === undefined ? [] : [`ref_msg_idx=${written.quote.refIdx}`];
  return { source: 'default', ext: [`msg_idx=${written.refIdx}`, ...quote] };
}

function quoted({ quote }: Written) {
  if (quote === undefined) return {};
  return { msg_elements: [{ msg_idx: quote.refIdx, message_type: 0, content: quote.text, attachments: [] }] };
}

const MESSAGE_EVENTS: readonly string[] = ['C2C_MESSAGE_CREATE', 'GROUP_AT_MESSAGE_CREATE', 'GROUP_MESSAGE_CREATE'];

/** The message that a hand-made event brings, when it has an id and says where it was written: it may be answered like any other. */
export function messageIn({ t, d }: PlatformEvent): { readonly id: string; readonly scene: Scene } | undefined {
  if (!MESSAGE_EVENTS.includes(t)) return undefined;
  const { id, group_openid, author } = (d ?? {}) as {
    id?: unknown;
    group_openid?: unknown;
    author?: { user_openid?: unknown };
  };
  const kind = t === 'C2C_MESSAGE_CREATE' ? 'c2c' : 'group';
  const openid = kind === 'c2c' ? author?.user_openid : group_openid;
  return typeof id === 'string' && typeof openid === 'string' ? { id, scene: { kind, openid } } : undefined;
}

/** Life-cycle events carry unix seconds, not RFC 3339. */
export function friendEvent(type: 'FRIEND_ADD' | 'FRIEND_DEL', user: User, at: number): PlatformEvent {
  const added = type === 'FRIEND_ADD' ? { scene: 1001, scene_param: '', short_code: '' } : {};
  return event(type, { timestamp: seconds(at), openid: user.openid, author: { union_openid: '' }, ...added });
}

export function activeSwitchOfUser(user: User, at: number): PlatformEvent {
  const type = user.activeAllowed ? 'C2C_MSG_RECEIVE' : 'C2C_MSG_REJECT';
  return event(type, { timestamp: seconds(at), openid: user.openid });
}

export function activeSwitchOfGroup(group: Group, operator: string, at: number): PlatformEvent {
  return groupEvent(group.activeAllowed ? 'GROUP_MSG_RECEIVE' : 'GROUP_MSG_REJECT', group, operator, at);
}

export function botMoved(group: Group, operator: string, at: number): PlatformEvent {
  return groupEvent(group.botIn ? 'GROUP_ADD_ROBOT' : 'GROUP_DEL_ROBOT', group, operator, at);
}

export function memberMoved(
  type: 'GROUP_MEMBER_ADD' | 'GROUP_MEMBER_REMOVE',
  group: Group,
  member: Member,
  at: number,
): PlatformEvent {
  const who = { member_openid: member.memberOpenid, user_openid: member.user.openid };
  return event(type, { timestamp: seconds(at), group_openid: group.openid, ...who });
}

function groupEvent(type: string, group: Group, operator: string, at: number): PlatformEvent {
  return event(type, { timestamp: seconds(at), group_openid: group.openid, op_member_openid: operator });
}

const event = (t: string, d: object): PlatformEvent => ({ t, id: newEventId(t), d });
const seconds = (ms: number): number => Math.floor(ms / 1000);
