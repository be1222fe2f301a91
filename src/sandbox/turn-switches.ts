/** Turns switches of users, groups and guilds. Each change that QQ tells a bot about goes out as its event. */
import {
  activeSwitchOfGroup,
  activeSwitchOfUser,
  botMoved,
  friendEvent,
  memberMoved,
  type PlatformEvent,
} from './events.js';
import { botMovedInGuild, guildMemberMoved } from './guild-events.js';
import type { Guild, Guilds } from './guilds.js';
import type { Group, People, User } from './people.js';
import type { GroupSwitches, GuildSwitches, UserSwitches } from './switches.js';
import type { Scene } from './transcript.js';

interface Parts {
  readonly people: People;
  readonly guilds: Guilds;
  readonly setup: { readonly now: () => number };
  /** Sends an event that may be answered in these places. */
  give(event: PlatformEvent, scenes: readonly Scene[]): void;
}

/** @throws SandboxError for an unknown user, group, guild or member. @returns the events that went out. */
export function turnSwitches(
  parts: Parts,
  wanted: UserSwitches | GroupSwitches | GuildSwitches,
): readonly PlatformEvent[] {
  if ('user' in wanted) return turnUser(parts, parts.people.user(wanted.user), wanted);
  if ('group' in wanted) return turnGroup(parts, parts.people.group(wanted.group), wanted);
  return turnGuild(parts, parts.guilds.guild(wanted.guild), wanted);
}

function turnUser(parts: Parts, user: User, want: UserSwitches): readonly PlatformEvent[] {
  const now = parts.setup.now();
  const events: PlatformEvent[] = [];
  if (want.friend !== undefined && want.friend !== user.friend) {
    user.friend = want.friend;
    events.push(friendEvent(user.friend ? 'FRIEND_ADD' : 'FRIEND_DEL', user, now));
  }
  if (want.active_allowed !== undefined && want.active_allowed !== user.activeAllowed) {
    user.activeAllowed = want.active_allowed;
    events.push(activeSwitchOfUser(user, now));
  }
  return given(parts, events, [{ kind: 'c2c', openid: user.openid }]);
}

function turnGroup(parts: Parts, group: Group, want: GroupSwitches): readonly PlatformEvent[] {
  const { people } = parts;
  const now = parts.setup.now();
  const events: PlatformEvent[] = [];
  if (want.join !== undefined && !group.members.has(want.join)) {
    const member = people.join(group, people.user(want.join));
    if (group.botIn) events.push(memberMoved('GROUP_MEMBER_ADD', group, member, now));
  }
  if (want.leave !== undefined) {
    const member = people.member(group, want.leave);
    group.members.delete(want.leave);
    if (group.botIn) events.push(memberMoved('GROUP_MEMBER_REMOVE', group, member, now));
  }
  const operator = [...group.members.values()][0]?.memberOpenid ?? '';
  if (want.bot_in_group !== undefined && want.bot_in_group !== group.botIn) {
    group.botIn = want.bot_in_group;
    events.push(botMoved(group, operator, now));
  }
  if (want.active_allowed !== undefined && want.active_allowed !== group.activeAllowed) {
    group.activeAllowed = want.active_allowed;
    events.push(activeSwitchOfGroup(group, operator, now));
  }
  group.receiveAll = want.receive_all ?? group.receiveAll;
  group.echoOwn = want.echo_own ?? group.echoOwn;
  return given(parts, events, [{ kind: 'group', openid: group.openid }]);
}

function turnGuild(parts: Parts, guild: Guild, want: GuildSwitches): readonly PlatformEvent[] {
  const { guilds, people } = parts;
  const events: PlatformEvent[] = [];
  if (want.join !== undefined && !guild.members.has(want.join)) {
    const member = guilds.join(guild, people.user(want.join));
    if (guild.botIn) events.push(guildMemberMoved('GUILD_MEMBER_ADD', guild, member));
  }
  if (want.leave !== undefined) {
    const member = guilds.member(guild, want.leave);
    guild.members.delete(want.leave);
    if (guild.botIn) events.push(guildMemberMoved('GUILD_MEMBER_REMOVE', guild, member));
  }
  if (want.bot_in_guild !== undefined && want.bot_in_guild !== guild.botIn) {
    guild.botIn = want.bot_in_guild;
    const operator = [...guild.members.values()][0]?.id ?? '';
    events.push(botMovedInGuild(guild, operator, parts.setup.now()));
  }
  return given(
    parts,
    events,
    guild.channels.map(({ id }) => ({ kind: 'channel', openid: id })),
  );
}

function given(parts: Parts, events: readonly PlatformEvent[], scenes: readonly Scene[]): readonly PlatformEvent[] {
  for (const event of events) parts.give(event, scenes);
  return events;
}
