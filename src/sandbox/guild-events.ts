/** What happens in guilds, as events. Source: Bot API v2 "频道" pages (Message, Guild, Channel, Member, audit and reaction objects). */
import { event, type PlatformEvent } from './events.js';
import type { GuildPlace } from './guild-place.js';
import type { Channel, Guild, GuildMember } from './guilds.js';
import { beijingTime } from './platform-time.js';
import type { Author, Face, Mentioned, Written } from './written-message.js';

/** @param seq of the channel @param member of the writer, where it is a person */
export function guildMessage(
  type: 'AT_MESSAGE_CREATE' | 'MESSAGE_CREATE' | 'DIRECT_MESSAGE_CREATE',
  place: GuildPlace,
  written: Written,
  seq: number,
  member: GuildMember,
): PlatformEvent {
  const { botMention, mentions, everyone, attachments, quote } = written;
  const mentioned = [...(botMention === undefined ? [] : [botMention]), ...mentions];
  return event(type, {
    ...messageObject(place, written, guildContent(written), seq),
    mention_everyone: everyone,
    ...(mentioned.length === 0 ? {} : { mentions: mentioned.map(userObject) }),
    member: { nick: member.user.name, roles: ['1'], joined_at: beijingTime(member.joinedAt) },
    ...(attachments.length === 0 ? {} : { attachments }),
    ...(quote === undefined ? {} : { message_reference: { message_id: quote.id } }),
  });
}

/** What the bot's own send is answered with, and what every message event begins with. */
export function messageObject(
  { channelId, guildId, sourceGuildId }: GuildPlace,
  { id, at, author }: Pick<Written, 'id' | 'at' | 'author'>,
  content: string,
  seq: number,
) {
  return {
    id,
    channel_id: channelId,
    guild_id: guildId,
    content,
    timestamp: beijingTime(at),
    author: userObject(author),
    seq,
    seq_in_channel: String(seq),
    ...(sourceGuildId === undefined ? {} : { direct_message: true, src_guild_id: sourceGuildId }),
  };
}

/** A recall; a direct message's, one that @-ed the bot, or any other, which only private-domain bots hear. */
export function messageDeleted(
  place: GuildPlace,
  id: string,
  { author, toBot }: { readonly author: Author; readonly toBot: boolean },
): PlatformEvent {
  const type = toBot ? 'PUBLIC_MESSAGE_DELETE' : 'MESSAGE_DELETE';
  return event(place.sourceGuildId === undefined ? type : 'DIRECT_MESSAGE_DELETE', {
    message: {
      id,
      channel_id: place.channelId,
      guild_id: place.guildId,
      author: { id: author.id, username: author.name, bot: author.bot },
      ...(place.sourceGuildId === undefined ? {} : { direct_message: true, src_guild_id: place.sourceGuildId }),
    },
    op_user: { id: author.id },
  });
}

/** `type` 1 is a face of QQ, 2 an emoji by its decimal code point. */
export interface Emoji {
  readonly id: string;
  readonly type: 1 | 2;
}

export function reaction(
  type: 'MESSAGE_REACTION_ADD' | 'MESSAGE_REACTION_REMOVE',
  place: GuildPlace,
  userId: string,
  messageId: string,
  emoji: Emoji,
): PlatformEvent {
  const { channelId, guildId } = place;
  const target = { id: messageId, type: 0 };
  return event(type, { user_id: userId, guild_id: guildId, channel_id: channelId, target, emoji });
}

/** The bot came into a guild, or was taken out of it by somebody. */
export function botMovedInGuild(guild: Guild, operator: string, at: number): PlatformEvent {
  return event(guild.botIn ? 'GUILD_CREATE' : 'GUILD_DELETE', {
    id: guild.id,
    name: guild.name,
    icon: '',
    owner_id: [...guild.members.values()][0]?.id ?? '',
    member_count: guild.members.size + 1,
    max_members: 1500,
    description: '',
    joined_at: beijingTime(at),
    op_user_id: operator,
  });
}

export function channelMade(channel: Channel, operator: string): PlatformEvent {
  const { id, name, guild } = channel;
  const text = { type: 0, sub_type: 0 };
  return event('CHANNEL_CREATE', { id, guild_id: guild.id, name, ...text, owner_id: operator, op_user_id: operator });
}

export function guildMemberMoved(
  type: 'GUILD_MEMBER_ADD' | 'GUILD_MEMBER_REMOVE',
  guild: Guild,
  { id, user, joinedAt }: GuildMember,
): PlatformEvent {
  return event(type, {
    guild_id: guild.id,
    user: userObject({ id, name: user.name, bot: user.bot }),
    nick: user.name,
    roles: ['1'],
    joined_at: beijingTime(joinedAt),
    op_user_id: id,
  });
}

/** @param messageId of the message that it became; none: it was rejected */
export function auditSettled(
  { guildId, channelId }: GuildPlace,
  audit: { readonly id: string; readonly createdAt: number },
  at: number,
  seq: number,
  messageId: string | undefined,
): PlatformEvent {
  return event(messageId === undefined ? 'MESSAGE_AUDIT_REJECT' : 'MESSAGE_AUDIT_PASS', {
    audit_id: audit.id,
    ...(messageId === undefined ? {} : { message_id: messageId }),
    guild_id: guildId,
    channel_id: channelId,
    audit_time: beijingTime(at),
    create_time: beijingTime(audit.createdAt),
    seq_in_channel: String(seq),
  });
}

/** Mentions, the bot's own too, stay inline; what the writer typed is escaped. */
function guildContent({ text, faces, botMention, mentions, everyone }: Written): string {
  const typed = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  return [
    ...(botMention === undefined ? [] : [inlineMention(botMention)]),
    ...(everyone ? ['@everyone'] : []),
    ...mentions.map(inlineMention),
    typed + faces.map(({ id }: Face) => `<emoji:${id}>`).join(''),
  ].join(' ');
}

const inlineMention = ({ id }: Mentioned): string => `<@!${id}>`;

function userObject({ id, name, bot }: Author) {
  return { id, username: name, avatar: '', bot, union_openid: '', union_user_account: '' };
}
