/** Notices and requests as events: the keys of each, and which implementations ever tell it. */
import type { Account, EventFields } from './account.js';
import type { Flavour } from './flavours.js';
import type { PendingRequest } from './requests.js';
import { wireId } from './wire-json.js';
import type { StoredFile } from './world.js';

/** Told by these alone; what is not listed is told by all. */
export const TOLD_BY: { readonly [type: string]: readonly Flavour[] } = {
  'notify.lucky_king': ['go-cqhttp', 'llonebot', 'lagrange'],
  'notify.honor': ['go-cqhttp', 'llonebot', 'lagrange'],
  'notify.title': ['go-cqhttp', 'napcat'],
  'notify.group_name': ['napcat'],
  'notify.input_status': ['napcat'],
  'notify.profile_like': ['napcat'],
  'notify.gray_tip': ['napcat'],
  group_card: ['napcat', 'go-cqhttp'],
  essence: ['napcat', 'go-cqhttp'],
  group_msg_emoji_like: ['napcat', 'llonebot'],
  reaction: ['lagrange'],
  offline_file: ['go-cqhttp'],
  client_status: ['go-cqhttp'],
  bot_offline: ['napcat', 'lagrange'],
};

/** Ids in `fields` are given as strings under the keys that are numbers on the wire. */
export function notice(account: Account, type: string, fields: { readonly [key: string]: unknown }): EventFields {
  return {
    time: account.world.seconds(),
    self_id: wireId(account.selfId),
    post_type: 'notice',
    notice_type: type,
    ...wireIds(fields),
  };
}

export const notify = (account: Account, subType: string, fields: { readonly [key: string]: unknown }): EventFields =>
  notice(account, 'notify', { sub_type: subType, ...fields });

const ID_KEYS = new Set(['user_id', 'group_id', 'operator_id', 'target_id', 'sender_id', 'peer_id', 'invitor_id']);

const wireIds = (fields: { readonly [key: string]: unknown }) =>
  Object.fromEntries(
    Object.entries(fields).map(([key, value]) => [
      key,
      ID_KEYS.has(key) && typeof value === 'string' ? wireId(value) : value,
    ]),
  );

/** A poke: without a group the `user_id` is the other side on NapCat, whoever poked. */
export function poke(account: Account, from: string, target: string, group: string | undefined): EventFields {
  const { flavour } = account.facts;
  const rawInfo = flavour === 'napcat' ? { raw_info: [{ type: 'nor', txt: '戳了戳' }] } : {};
  if (group !== undefined)
    return notify(account, 'poke', { group_id: group, user_id: from, target_id: target, ...rawInfo });
  const peer = from === account.selfId ? target : from;
  const user = flavour === 'napcat' ? peer : from;
  return notify(account, 'poke', { user_id: user, sender_id: from, target_id: target, ...rawInfo });
}

export function groupUpload(account: Account, group: string, by: string, file: StoredFile): EventFields {
  const { flavour } = account.facts;
  const url = flavour === 'go-cqhttp' || flavour === 'lagrange' ? { url: account.fileUrl(file.id) } : {};
  return notice(account, 'group_upload', {
    group_id: group,
    user_id: by,
    file: { id: file.id, name: file.name, size: file.bytes, busid: 102, ...url },
  });
}

export function groupBan(
  account: Account,
  group: string,
  user: string,
  operator: string,
  seconds: number,
): EventFields {
  return notice(account, 'group_ban', {
    sub_type: seconds === 0 ? 'lift_ban' : 'ban',
    group_id: group,
    operator_id: operator,
    user_id: user,
    duration: seconds,
  });
}

export function requestEvent(account: Account, request: PendingRequest): EventFields {
  const { type, subType, user, group, comment, flag } = request;
  return {
    time: account.world.seconds(),
    self_id: wireId(account.selfId),
    post_type: 'request',
    request_type: type,
    ...(subType === undefined ? {} : { sub_type: subType }),
    ...(group === undefined ? {} : { group_id: wireId(group) }),
    user_id: wireId(user),
    comment,
    flag,
  };
}

export function recalled(
  account: Account,
  { kind, id }: { readonly kind: 'private' | 'group'; readonly id: string },
  author: string,
  operator: string,
  messageId: number,
): EventFields {
  if (kind === 'private') return notice(account, 'friend_recall', { user_id: author, message_id: messageId });
  return notice(account, 'group_recall', {
    group_id: id,
    user_id: author,
    operator_id: operator,
    message_id: messageId,
  });
}
