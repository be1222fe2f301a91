/** Calls that rule a group: who may speak, who leads, who stays, and what it is called. */
import type { Actions, Call } from './action.js';
import { groupOf, inGroup } from './info-actions.js';
import { groupBan, notice, notify } from './notices.js';
import { Refusal } from './refusal.js';
import type { Group, Member } from './world.js';

/** 30 days less a second. */
const LONGEST_BAN = 2_591_999;

export const groupActions: Actions = {
  set_group_kick: { run: kick },
  set_group_ban: { run: ban },
  set_group_whole_ban: { run: banAll },
  set_group_admin: { run: setAdmin },
  set_group_card: { run: setCard },
  set_group_name: { run: setName },
  set_group_special_title: { run: setTitle },
  set_group_leave: { run: leave },
  set_group_remark: { run: inGroup(null), only: ['napcat', 'llonebot'] },
  set_group_portrait: {
    run: inGroup({ result: 0, errMsg: 'success' }),
    only: ['napcat', 'go-cqhttp'],
  },
  set_group_sign: { run: inGroup(null), only: ['napcat', 'llonebot'] },
  send_group_sign: { run: inGroup(null), only: ['napcat', 'llonebot', 'go-cqhttp'] },
  set_essence_msg: { run: setEssence, only: ['napcat', 'llonebot', 'go-cqhttp'] },
  _send_group_notice: {
    run: announce,
    only: ['napcat', 'go-cqhttp'],
  },
};

/** @throws Refusal unless the account leads the group */
function lead(call: Call, needs: 'admin' | 'owner' = 'admin'): Group {
  const group = groupOf(call);
  const role = group.members.get(call.account.selfId)?.role;
  if (role === 'owner' || (needs === 'admin' && role === 'admin')) return group;
  throw new Refusal(needs === 'owner' ? 'ERR_NOT_GROUP_OWNER' : 'ERR_NOT_GROUP_ADMIN', 'NOT_MANAGEABLE');
}

/** @throws Refusal */
function memberOf({ params }: Call, group: Group): Member {
  const id = params.id('user_id');
  const member = group.members.get(id);
  if (member === undefined) throw new Refusal(`群(${group.id})成员${id}不存在`, 'MEMBER_NOT_FOUND');
  return member;
}

const RANK = { member: 0, admin: 1, owner: 2 } as const;

function kick(call: Call): null {
  const group = lead(call);
  const member = memberOf(call, group);
  const { account } = call;
  const own = group.members.get(account.selfId)?.role ?? 'member';
  if (RANK[member.role] >= RANK[own]) throw new Refusal('cannot kick owner/admin', 'NOT_MANAGEABLE');
  group.members.delete(member.id);
  account.tell(
    notice(account, 'group_decrease', {
      sub_type: 'kick',
      group_id: group.id,
      user_id: member.id,
      operator_id: account.selfId,
    }),
    { kind: 'group', id: group.id },
  );
  return null;
}

function ban(call: Call): null {
  const group = lead(call);
  const member = memberOf(call, group);
  const { account } = call;
  const own = group.members.get(account.selfId)?.role ?? 'member';
  if (RANK[member.role] >= RANK[own]) throw new Refusal('cannot ban owner/admin', 'NOT_MANAGEABLE');
  const seconds = call.params.number('duration', account.facts.banSeconds);
  if (seconds < 0 || seconds > LONGEST_BAN) throw new Refusal('禁言时间超出范围', 'BAD_DURATION');
  member.mutedUntil = seconds === 0 ? 0 : account.world.seconds() + seconds;
  account.tell(groupBan(account, group.id, member.id, account.selfId, seconds), { kind: 'group', id: group.id });
  return null;
}

function banAll(call: Call): null {
  const group = lead(call);
  const { account } = call;
  group.allMuted = call.params.flag('enable', true);
  const seconds = group.allMuted ? -1 : 0;
  account.tell(groupBan(account, group.id, '0', account.selfId, seconds), { kind: 'group', id: group.id });
  return null;
}

function setAdmin(call: Call): null {
  const group = lead(call, 'owner');
  const member = memberOf(call, group);
  const { account } = call;
  const enable = call.params.flag('enable', account.facts.adminEnable);
  if (member.role === 'owner') throw new Refusal('cannot change owner', 'NOT_MANAGEABLE');
  member.role = enable ? 'admin' : 'member';
  account.tell(
    notice(account, 'group_admin', { sub_type: enable ? 'set' : 'unset', group_id: group.id, user_id: member.id }),
    { kind: 'group', id: group.id },
  );
  return null;
}

/** The notice comes only when that member speaks. */
function setCard(call: Call): null {
  const group = groupOf(call);
  const member = memberOf(call, group);
  if (member.id !== call.account.selfId) lead(call);
  member.card = call.params.textIfAny('card') ?? '';
  return null;
}

function setName(call: Call): null {
  const group = lead(call);
  const { account } = call;
  group.name = call.params.text('group_name');
  const fields = { group_id: group.id, user_id: account.selfId, name_new: group.name };
  if (account.facts.flavour === 'napcat')
    account.tell(notify(account, 'group_name', fields), { kind: 'group', id: group.id });
  return null;
}

function setTitle(call: Call): null {
  const group = lead(call, 'owner');
  const member = memberOf(call, group);
  const { account } = call;
  member.title = call.params.textIfAny('special_title') ?? '';
  const fields = { group_id: group.id, user_id: member.id, title: member.title };
  if (account.facts.flavour === 'napcat' || account.facts.flavour === 'go-cqhttp')
    account.tell(notify(account, 'title', fields), { kind: 'group', id: group.id });
  return null;
}

function leave(call: Call): null {
  const group = groupOf(call);
  const { account } = call;
  group.members.delete(account.selfId);
  account.tell(
    notice(account, 'group_decrease', {
      sub_type: 'leave',
      group_id: group.id,
      user_id: account.selfId,
      operator_id: account.facts.flavour === 'napcat' ? '0' : account.selfId,
    }),
    { kind: 'group', id: group.id },
  );
  return null;
}

function announce(call: Call): null {
  lead(call);
  call.params.text('content');
  return null;
}

function setEssence({ account, params }: Call) {
  const message = account.log.find(params.messageId());
  if (message === undefined) throw new Refusal('消息不存在', 'MSG_NOT_FOUND');
  return account.facts.flavour === 'napcat' ? { errCode: 0, errMsg: '' } : null;
}
