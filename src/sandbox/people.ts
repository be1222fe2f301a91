/** The users and groups that exist on the sandbox's QQ, and what each of them allows the bot. */
import { newOpenid } from './ids.js';
import { SandboxError } from './sandbox-error.js';

export interface User {
  readonly openid: string;
  readonly name: string;
  /** Another bot: its messages say so. */
  readonly bot: boolean;
  friend: boolean;
  activeAllowed: boolean;
}

export interface Member {
  readonly user: User;
  /** The member's id inside this group; a bot must not take it for the user's openid. */
  readonly memberOpenid: string;
  readonly role: 'owner' | 'admin' | 'member';
}

export interface Group {
  readonly openid: string;
  readonly name: string;
  readonly members: Map<string, Member>;
  /** The bot's own member id in here. */
  readonly botMemberOpenid: string;
  botIn: boolean;
  activeAllowed: boolean;
  /** The group's setting "receive all messages"; off: the bot hears only what mentions it. */
  receiveAll: boolean;
  /** With "receive all messages": the bot also hears what it sent itself. */
  echoOwn: boolean;
}

/** `[A-Za-z0-9._!=+*~-]`, 1–128 characters. */
export const PEER_ID = /^[A-Za-z0-9._!=+*~-]{1,128}$/;
const MAX_USERS = 500;
const MAX_GROUPS = 100;

export class People {
  readonly users = new Map<string, User>();
  readonly groups = new Map<string, Group>();

  /** Starts with Alice, Bob and a group of both; each is open to the bot. */
  constructor() {
    this.addUser('Alice', 'openid_alice');
    this.addUser('Bob', 'openid_bob');
    this.addGroup('Demo', 'group_demo', ['openid_alice', 'openid_bob']);
  }

  addUser(name: string, openid: string = newOpenid(), bot = false): User {
    if (this.users.has(openid)) throw new SandboxError('user.exists', `user ${openid} exists already`);
    if (this.users.size >= MAX_USERS)
      throw new SandboxError('users.limit', `the sandbox holds ${MAX_USERS} users at most`);
    const user: User = { openid, name, bot, friend: true, activeAllowed: true };
    this.users.set(openid, user);
    return user;
  }

  addGroup(name: string, openid: string = newOpenid(), memberOpenids: readonly string[] = []): Group {
    if (this.groups.has(openid)) throw new SandboxError('group.exists', `group ${openid} exists already`);
    if (this.groups.size >= MAX_GROUPS)
      throw new SandboxError('groups.limit', `the sandbox holds ${MAX_GROUPS} groups at most`);
    const users = memberOpenids.map((id) => this.user(id));
    const group: Group = {
      openid,
      name,
      members: new Map(),
      botMemberOpenid: newOpenid(),
      botIn: true,
      activeAllowed: true,
      receiveAll: false,
      echoOwn: false,
    };
    for (const user of users) this.join(group, user);
    this.groups.set(openid, group);
    return group;
  }

  /** The first to join owns the group. */
  join(group: Group, user: User): Member {
    const there = group.members.get(user.openid);
    if (there !== undefined) return there;
    const memberOpenid = user.openid.startsWith('openid_') ? user.openid.replace('openid_', 'member_') : newOpenid();
    const member: Member = { user, memberOpenid, role: group.members.size === 0 ? 'owner' : 'member' };
    group.members.set(user.openid, member);
    return member;
  }

  /** @throws SandboxError `user.unknown` */
  user(openid: string): User {
    const user = this.users.get(openid);
    if (user === undefined) throw new SandboxError('user.unknown', `there is no user ${openid}`, 404);
    return user;
  }

  /** @throws SandboxError `group.unknown` */
  group(openid: string): Group {
    const group = this.groups.get(openid);
    if (group === undefined) throw new SandboxError('group.unknown', `there is no group ${openid}`, 404);
    return group;
  }

  /** @throws SandboxError `member.unknown` */
  member(group: Group, openid: string): Member {
    const member = group.members.get(openid);
    if (member === undefined)
      throw new SandboxError('member.unknown', `${openid} is not in group ${group.openid}`, 404);
    return member;
  }

  listUsers() {
    return [...this.users.values()].map(shownUser);
  }

  listGroups() {
    return [...this.groups.values()].map(shownGroup);
  }
}

/** A user as the JSON API shows it. */
export function shownUser({ openid, name, bot, friend, activeAllowed }: User) {
  return { openid, name, bot, friend, active_allowed: activeAllowed };
}

/** A group as the JSON API shows it. */
export function shownGroup(group: Group) {
  const members = [...group.members.values()].map(({ user, memberOpenid, role }) => ({
    openid: user.openid,
    member_openid: memberOpenid,
    name: user.name,
    role,
  }));
  const { openid, name, botIn, activeAllowed, receiveAll, echoOwn, botMemberOpenid } = group;
  return {
    group_openid: openid,
    name,
    bot_member_openid: botMemberOpenid,
    bot_in_group: botIn,
    active_allowed: activeAllowed,
    receive_all: receiveAll,
    echo_own: echoOwn,
    members,
  };
}
