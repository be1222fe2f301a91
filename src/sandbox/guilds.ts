/** The guild on the sandbox's QQ: its text channels, its members, and the direct messages that each of them may write to the bot. */
import type { People, User } from './people.js';
import { SandboxError } from './sandbox-error.js';

export interface GuildMember {
  readonly user: User;
  /** The user's id in guilds: decimal digits, and never an openid. */
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly joinedAt: number;
  readonly session: DirectSession;
}

/** Where a member and the bot write to each other alone: the platform gives it a guild id and a channel id of its own. */
export interface DirectSession {
  readonly guildId: string;
  readonly channelId: string;
  /** The guild they know each other from. */
  readonly origin: Guild;
  readonly userId: string;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
}

export interface Channel {
  readonly id: string;
  readonly name: string;
  readonly guild: Guild;
}

export interface Guild {
  readonly id: string;
  readonly name: string;
  /** By the user's openid. */
  readonly members: Map<string, GuildMember>;
  readonly channels: Channel[];
  botIn: boolean;
}

/** The digit that tells what an id is of, so that a person can read it. */
const KIND = { guild: 1, channel: 2, user: 3, session: 4, sessionChannel: 5 } as const;
const MAX_CHANNELS = 100;

export class Guilds {
  readonly guilds = new Map<string, Guild>();
  readonly #now: () => number;
  /** The user's openid → the id in guilds, which stays through leaving and joining. */
  readonly #userIds = new Map<string, string>();
  readonly #numbers = { guild: 0, channel: 0, user: 0, session: 0, sessionChannel: 0 };
  readonly #perChannel = new Map<string, number>();

  /** Starts with one guild of one channel, Alice and Bob in it. */
  constructor(people: People, now: () => number) {
    this.#now = now;
    const guild: Guild = { id: this.#newId('guild'), name: 'Demo', members: new Map(), channels: [], botIn: true };
    this.guilds.set(guild.id, guild);
    this.addChannel(guild, 'general');
    for (const openid of ['openid_alice', 'openid_bob']) this.join(guild, people.user(openid));
  }

  addChannel(guild: Guild, name: string): Channel {
    if (guild.channels.length >= MAX_CHANNELS)
      throw new SandboxError('channels.limit', `a guild holds ${MAX_CHANNELS} channels at most`);
    const channel: Channel = { id: this.#newId('channel'), name, guild };
    guild.channels.push(channel);
    return channel;
  }

  join(guild: Guild, user: User): GuildMember {
    const there = guild.members.get(user.openid);
    if (there !== undefined) return there;
    const id = this.#userIds.get(user.openid) ?? this.#newId('user');
    this.#userIds.set(user.openid, id);
    const at = this.#now();
    const session: DirectSession = {
      guildId: this.#newId('session'),
      channelId: this.#newId('sessionChannel'),
      origin: guild,
      userId: id,
      createdAt: at,
    };
    const member: GuildMember = { user, id, joinedAt: at, session };
    guild.members.set(user.openid, member);
    return member;
  }

  /** @throws SandboxError `guild.unknown` */
  guild(id: string): Guild {
    const guild = this.guilds.get(id);
    if (guild === undefined) throw new SandboxError('guild.unknown', `there is no guild ${id}`, 404);
    return guild;
  }

  /** @throws SandboxError `channel.unknown` */
  channel(id: string): Channel {
    const channel = this.findChannel(id);
    if (channel === undefined) throw new SandboxError('channel.unknown', `there is no channel ${id}`, 404);
    return channel;
  }

  /** @throws SandboxError `member.unknown` */
  member(guild: Guild, openid: string): GuildMember {
    const member = guild.members.get(openid);
    if (member === undefined) throw new SandboxError('member.unknown', `${openid} is not in guild ${guild.id}`, 404);
    return member;
  }

  findChannel(id: string): Channel | undefined {
    return [...this.guilds.values()].flatMap(({ channels }) => channels).find((channel) => channel.id === id);
  }

  /** The session with this guild id of its own. */
  findSession(guildId: string): DirectSession | undefined {
    return [...this.guilds.values()]
      .flatMap(({ members }) => [...members.values()])
      .find(({ session }) => session.guildId === guildId)?.session;
  }

  /** How many messages the channel has seen, this one included: `seq_in_channel`. */
  nextInChannel(channelId: string): number {
    const next = (this.#perChannel.get(channelId) ?? 0) + 1;
    this.#perChannel.set(channelId, next);
    return next;
  }

  list() {
    return [...this.guilds.values()].map(shownGuild);
  }

  #newId(kind: keyof typeof KIND): string {
    this.#numbers[kind] += 1;
    return `1870000000000${KIND[kind]}${String(this.#numbers[kind]).padStart(6, '0')}`;
  }
}

/** A channel as the JSON API shows it. */
export function shownChannel({ id, name, guild }: Channel) {
  return { channel_id: id, guild_id: guild.id, name };
}

function shownGuild({ id, name, members, channels, botIn }: Guild) {
  return {
    guild_id: id,
    name,
    bot_in_guild: botIn,
    channels: channels.map(shownChannel),
    members: [...members.values()].map((member) => ({
      openid: member.user.openid,
      user_id: member.id,
      name: member.user.name,
      dm_guild_id: member.session.guildId,
    })),
  };
}
