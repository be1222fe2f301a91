/** Which sessions hear which event. Source: Bot API v2 "事件订阅与通知", table of intents. */
import { INTENT_BITS } from '../protocol/qqbot/gateway-codes.js';

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
