/** Calls about who is a friend, and the answers to who wants to be one or to join. */
import type { Actions, Call } from './action.js';
import { notice } from './notices.js';
import { Refusal } from './refusal.js';

export const requestActions: Actions = {
  set_friend_add_request: { run: answerFriend },
  set_group_add_request: { run: answerGroup },
  delete_friend: { run: deleteFriend, only: ['napcat', 'llonebot', 'go-cqhttp'] },
  set_friend_remark: { run: setRemark, only: ['napcat', 'llonebot'] },
};

function answerFriend({ account, params }: Call): null {
  const request = account.requests.take(params.text('flag'), 'friend');
  if (request === undefined) throw new Refusal('No such request', 'FLAG_NOT_FOUND');
  if (!params.flag('approve', true)) return null;
  const person = account.world.people.get(request.user);
  if (person === undefined) return null;
  person.friend = true;
  person.remark = params.textIfAny('remark') ?? person.remark;
  account.tell(notice(account, 'friend_add', { user_id: person.id }), { kind: 'private', id: person.id });
  return null;
}

/** go-cqhttp must be told which kind of request it was; NapCat does not look. */
function answerGroup({ account, params }: Call): null {
  const subType = params.textIfAny('sub_type', 'type');
  if (account.facts.flavour === 'go-cqhttp' && subType !== 'add' && subType !== 'invite')
    throw new Refusal('sub_type 不能为空', 'BAD_PARAM', 'parameter');
  const request = account.requests.take(params.text('flag'), 'group');
  if (request?.group === undefined) throw new Refusal('No such request', 'FLAG_NOT_FOUND');
  if (!params.flag('approve', true)) return null;
  const { world } = account;
  const joining = request.subType === 'invite' ? account.selfId : request.user;
  const group =
    world.groups.get(request.group) ?? world.addGroup(request.group, request.group, [request.user], 'member');
  world.join(group, joining, request.subType === 'invite' ? group.botRole : 'member');
  account.tell(
    notice(account, 'group_increase', {
      sub_type: request.subType === 'invite' ? 'invite' : 'approve',
      group_id: group.id,
      user_id: joining,
      operator_id: request.subType === 'invite' ? request.user : account.selfId,
    }),
    { kind: 'group', id: group.id },
  );
  return null;
}

/** NapCat says "ok" to who is no friend, and tells the truth in `data`. */
function deleteFriend({ account, params }: Call) {
  const id = account.facts.flavour === 'napcat' ? params.id('user_id', 'friend_id') : params.id('user_id');
  const person = account.world.people.get(id);
  if (person?.friend !== true) {
    if (account.facts.flavour === 'napcat') return { valid: false, message: '不是好友' };
    throw new Refusal('好友不存在', 'FRIEND_NOT_FOUND');
  }
  person.friend = false;
  return account.facts.flavour === 'napcat' ? { result: 0, errMsg: 'success' } : null;
}

function setRemark({ account, params }: Call): null {
  const person = account.world.people.get(params.id('user_id'));
  if (person?.friend !== true) throw new Refusal('好友不存在', 'FRIEND_NOT_FOUND');
  person.remark = params.text('remark');
  return null;
}
