/** Where a guild message stands, in the ids that every guild event carries. */
import type { Channel, DirectSession, Guild, Guilds } from './guilds.js';
import type { Scene } from './transcript.js';

/** A channel, or the session of a direct message. */
export interface GuildPlace {
  readonly channelId: string;
  readonly guildId: string;
  /** Of a direct message: the guild it comes from. */
  readonly sourceGuildId?: string;
}

export const channelPlace = ({ id, guild }: Channel): GuildPlace => ({ channelId: id, guildId: guild.id });

export const directPlace = ({ channelId, guildId, origin }: DirectSession): GuildPlace => ({
  channelId,
  guildId,
  sourceGuildId: origin.id,
});

/** The place of a conversation, and the guild it belongs to; undefined where it is in no guild, or not there. */
export function findPlace(guilds: Guilds, { kind, openid }: Scene): { place: GuildPlace; guild: Guild } | undefined {
  const channel = kind === 'channel' ? guilds.findChannel(openid) : undefined;
  if (channel !== undefined) return { place: channelPlace(channel), guild: channel.guild };
  const session = kind === 'dm' ? guilds.findSession(openid) : undefined;
  return session === undefined ? undefined : { place: directPlace(session), guild: session.origin };
}
