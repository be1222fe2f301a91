/** `POST /users/@me/dms`: the bot asks for the session in which it may write to a member of a guild alone. */
import { isObject } from './attempt.js';
import type { Platform } from './platform.js';
import { accept, type PlatformAnswer, refuse } from './refusals.js';

const MALFORMED = 40011000;
const NO_GUILD = 10004;
const NO_MEMBER = 304034;

export function openSession({ guilds }: Platform, body: string): PlatformAnswer {
  const { recipient_id, source_guild_id } = fields(body);
  if (typeof recipient_id !== 'string' || typeof source_guild_id !== 'string') return refuse(MALFORMED);
  const guild = guilds.guilds.get(source_guild_id);
  if (guild?.botIn !== true) return refuse(NO_GUILD);
  const session = [...guild.members.values()].find(({ id }) => id === recipient_id)?.session;
  if (session === undefined) return refuse(NO_MEMBER);
  const { guildId, channelId, createdAt } = session;
  return accept({ guild_id: guildId, channel_id: channelId, create_time: String(Math.floor(createdAt / 1000)) });
}

function fields(body: string): { readonly recipient_id?: unknown; readonly source_guild_id?: unknown } {
  try {
    const value: unknown = JSON.parse(body);
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}
