/** The events of the platform as they stand in a frame's `t` and `d`, and those of users and groups. Source: Bot API v2 "事件" pages; the shapes follow what is seen on the wire. */
import { newEventId } from './ids.js';
import type { Group, Member, User } from './people.js';

/** What goes into an envelope beside `op` and `s`. */
export interface PlatformEvent {
  readonly t: string;
  readonly id?: string;
  readonly d: unknown;
}

export const event = (t: string, d: object): PlatformEvent => ({ t, id: newEventId(t), d });

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

const seconds = (ms: number): number => Math.floor(ms / 1000);
