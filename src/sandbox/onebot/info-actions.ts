/** Calls that ask: who am I, who is there, what can you do. */
import type { Account } from './account.js';
import type { Actions, Call } from './action.js';
import { Refusal } from './refusal.js';
import { wireId } from './wire-json.js';
import type { Group, Member, Person } from './world.js';

const MAX_MEMBERS = 200;
const NEVER = 0;

export const infoActions: Actions = {
  get_login_info: {
    run: ({ account }) => ({ user_id: wireId(account.selfId), nickname: account.world.nameOf(account.selfId) }),
  },
  get_status: { run: ({ account }) => statusOf(account) },
  get_version_info: { run: ({ account: { facts } }) => versionOf(facts) },
  get_friend_list: { run: ({ account }) => friends(account).map((person) => friendShown(account, person)) },
  get_stranger_info: { run: strangerInfo },
  get_group_list: { run: ({ account }) => [...groupsOf(account)].map((group) => groupShown(account, group)) },
  get_group_info: { run: (call) => groupShown(call.account, groupOf(call)) },
  get_group_member_info: { run: memberInfo },
  get_group_member_list: {
    run: (call) => {
      const group = groupOf(call);
      return [...group.members.values()].map((member) => memberShown(call.account, group, member));
    },
  },
  get_group_honor_info: {
    run: (call) => ({ group_id: wireId(groupOf(call).id), current_talkative: {}, talkative_list: [] }),
  },
  get_group_at_all_remain: {
    run: inGroup({ can_at_all: true, remain_at_all_count_for_group: 20, remain_at_all_count_for_uin: 10 }),
    only: ['napcat', 'go-cqhttp'],
  },
  get_group_shut_list: {
    run: (call) => {
      const { account } = call;
      const muted = [...groupOf(call).members.values()].filter(
        ({ mutedUntil }) => mutedUntil > account.world.seconds(),
      );
      return muted.map(({ id, mutedUntil }) => ({ uin: id, shutUpTime: mutedUntil }));
    },
    only: ['napcat', 'llonebot'],
  },
  get_group_system_msg: { run: systemMessages, only: ['napcat', 'go-cqhttp'] },
  can_send_image: { run: () => ({ yes: true }) },
  can_send_record: { run: () => ({ yes: true }) },
  get_online_clients: {
    run: ({ account }) => (account.facts.flavour === 'go-cqhttp' ? { clients: [] } : []),
    only: ['napcat', 'go-cqhttp'],
  },
  get_cookies: {
    run: () => {
      throw new Refusal('the sandbox has no cookies', 'NO_COOKIES');
    },
  },
  clean_cache: { run: () => null },
  set_restart: { run: () => null },
};

/** The same answer in every group that the account is in. */
export function inGroup(data: unknown) {
  return (call: Call) => {
    groupOf(call);
    return data;
  };
}

/** @throws Refusal where the account is in no such group */
export function groupOf({ account, params }: Call): Group {
  const id = params.id('group_id');
  const group = account.world.groups.get(id);
  if (group?.members.has(account.selfId) !== true) throw new Refusal(`群聊 ${id} 不存在`, 'GROUP_NOT_FOUND');
  return group;
}

/** What a heartbeat carries too. */
export function statusOf({ facts: { flavour }, online, good }: Account) {
  if (flavour !== 'go-cqhttp') return { online, good, ...(flavour === 'napcat' ? { stat: {} } : {}) };
  const stat = { packet_received: 0, packet_sent: 0, packet_lost: 0, message_received: 0, message_sent: 0 };
  return { app_enabled: true, app_good: true, app_initialized: true, good, online, plugins_good: null, stat };
}

const versionOf = ({ appName, appVersion }: Account['facts']) => ({
  app_name: appName,
  app_version: appVersion,
  protocol_version: 'v11',
});

const friends = ({ world }: Account): readonly Person[] => [...world.people.values()].filter(({ friend }) => friend);

function friendShown({ facts: { flavour } }: Account, { id, name, remark }: Person) {
  const base = { user_id: wireId(id), nickname: name, remark };
  if (flavour !== 'napcat') return base;
  const birthday = { birthday_year: 0, birthday_month: 0, birthday_day: 0 };
  return { ...birthday, ...base, sex: 'unknown', age: 0, level: 0, category_id: 0, phone_num: '-', email: '' };
}

function strangerInfo({ account, params }: Call) {
  const id = params.id('user_id');
  const person = account.world.people.get(id);
  if (person === undefined && id !== account.selfId) throw new Refusal(`无法获取用户信息 ${id}`, 'USER_NOT_FOUND');
  const base = { user_id: wireId(id), nickname: account.world.nameOf(id), sex: 'unknown', age: 0 };
  if (account.facts.flavour !== 'napcat') return base;
  const beside = { uid: `u_${id}`, qid: '', qqLevel: 0, long_nick: '', reg_time: NEVER, is_vip: false, vip_level: 0 };
  return { ...base, ...beside, remark: person?.remark ?? '', status: 10, login_days: 0 };
}

const groupsOf = ({ world, selfId }: Account): readonly Group[] =>
  [...world.groups.values()].filter(({ members }) => members.has(selfId));

function groupShown({ facts: { flavour } }: Account, { id, name, members, allMuted }: Group) {
  const base = {
    group_id: wireId(id),
    group_name: name,
    member_count: members.size,
    max_member_count: MAX_MEMBERS,
  };
  return flavour === 'napcat' ? { group_all_shut: allMuted ? -1 : 0, group_remark: '', ...base } : base;
}

function memberInfo(call: Call) {
  const group = groupOf(call);
  const id = call.params.id('user_id');
  const member = group.members.get(id);
  if (member === undefined) throw new Refusal(`群(${group.id})成员${id}不存在`, 'MEMBER_NOT_FOUND');
  return memberShown(call.account, group, member);
}

function memberShown({ world, facts: { flavour }, selfId }: Account, group: Group, member: Member) {
  const own = group.members.get(selfId)?.role;
  const base = {
    group_id: wireId(group.id),
    user_id: wireId(member.id),
    nickname: world.nameOf(member.id),
    card: member.card,
    sex: 'unknown',
    age: 0,
    area: '',
    join_time: member.joined,
    last_sent_time: member.lastSpoke,
    level: '1',
    role: member.role,
    unfriendly: false,
    title: member.title,
    title_expire_time: 0,
    card_changeable: own !== 'member',
  };
  if (flavour !== 'napcat') return { ...base, shut_up_timestamp: member.mutedUntil };
  return { ...base, qq_level: 0, is_robot: false, shut_up_timestamp: member.mutedUntil };
}

function systemMessages({ account }: Call) {
  const shown = account.requests.list().flatMap(({ type, subType, user, group, comment, flag }) =>
    type === 'group' && group !== undefined
      ? [
          {
            request_id: flag,
            invitor_uin: subType === 'invite' ? wireId(user) : 0,
            requester_nick: account.world.nameOf(user),
            group_id: wireId(group),
            message: comment,
            checked: false,
            actor: 0,
            subType,
          },
        ]
      : [],
  );
  const only = (wanted: string) =>
    shown.filter(({ subType }) => subType === wanted).map(({ subType: _, ...rest }) => rest);
  const invited = only('invite');
  return { invited_requests: invited, InvitedRequest: invited, join_requests: only('add') };
}
