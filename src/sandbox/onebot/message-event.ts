/** A message as an event, in the keys and types of each implementation; `get_msg` and histories show it the same way. */
import type { Account, EventFields } from './account.js';
import { writeCqText } from './cq-code.js';
import type { KnownMessage } from './message-log.js';
import type { Segment } from './segment.js';
import { wireId } from './wire-json.js';

/** What stands in for the group of a temporary talk that nobody can name. */
const UNKNOWN_TEMP_GROUP = '284840486';

export function messageEvent(account: Account, message: KnownMessage): EventFields {
  const common = {
    self_id: wireId(account.selfId),
    user_id: wireId(message.from),
    time: message.time,
    message_id: message.messageId,
  };
  switch (account.facts.flavour) {
    case 'napcat':
      return napcatEvent(account, message, common);
    case 'llonebot':
      return llonebotEvent(account, message, common);
    case 'lagrange':
      return lagrangeEvent(account, message, common);
    case 'go-cqhttp':
      return goCqhttpEvent(account, message, common);
  }
}

/** `message` in the account's own format. */
export const shownMessage = (account: Account, segments: readonly Segment[]): string | readonly Segment[] =>
  account.format === 'string' ? writeCqText(segments) : segments.map(received);

/** Receivers are told the values of `data` as strings, but for the few that are numbers in fact. */
function received({ type, data }: Segment): Segment {
  return { type, data: type === 'at' || type === 'reply' ? mapValues(data, String) : data };
}

function mapValues(data: Segment['data'], change: (value: unknown) => unknown): Segment['data'] {
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, change(value)]));
}

type Common = { readonly [key: string]: unknown };

/** The order of the keys is that of the program. */
function napcatEvent(account: Account, message: KnownMessage, common: Common): EventFields {
  const own = message.from === account.selfId;
  return {
    ...common,
    message_seq: message.messageId,
    real_id: message.messageId,
    real_seq: String(message.seq),
    message_type: message.place.kind,
    sender: napcatSender(account, message),
    raw_message: writeCqText(message.segments).trim(),
    font: account.facts.font,
    sub_type: message.subType,
    message: shownMessage(account, message.segments),
    message_format: account.format,
    post_type: own ? 'message_sent' : 'message',
    ...(own ? { message_sent_type: 'self' } : {}),
    ...groupKeys(account, message),
    ...(message.place.kind === 'private' || own ? { target_id: wireId(message.place.id) } : {}),
    ...(message.tempGroup === undefined ? {} : { temp_source: 0 }),
    ...(account.debug ? { raw: debugRaw(message) } : {}),
  };
}

function napcatSender(account: Account, { from, place }: KnownMessage) {
  const member = memberIn(account, place.kind === 'group' ? place.id : undefined, from);
  const names = { user_id: wireId(from), nickname: account.world.nameOf(from), card: member?.card ?? '' };
  return member === undefined ? names : { ...names, role: member.role };
}

function groupKeys(account: Account, { place, subType, tempGroup }: KnownMessage) {
  const group = place.kind === 'group' ? place.id : subType === 'group' ? (tempGroup ?? UNKNOWN_TEMP_GROUP) : undefined;
  if (group === undefined) return {};
  const name = place.kind === 'group' ? { group_name: account.world.groups.get(group)?.name ?? '' } : {};
  return { group_id: wireId(group), ...name };
}

const debugRaw = (message: KnownMessage) => ({
  msgId: message.nativeId,
  msgSeq: String(message.seq),
  elements: message.segments.map((segment) => ({ elementType: 1, textElement: segment, padding: '0'.repeat(2000) })),
});

function llonebotEvent(account: Account, message: KnownMessage, common: Common): EventFields {
  const own = message.from === account.selfId;
  const member = memberIn(account, message.place.kind === 'group' ? message.place.id : undefined, message.from);
  return {
    ...common,
    message_seq: message.seq,
    message_type: message.place.kind,
    sender: {
      user_id: wireId(message.from),
      nickname: account.world.nameOf(message.from),
      card: member?.card ?? '',
      ...(member === undefined ? {} : { role: member.role, title: member.title }),
    },
    raw_message: writeCqText(message.segments),
    font: account.facts.font,
    sub_type: message.subType,
    message: shownMessage(account, message.segments),
    message_format: account.format,
    post_type: own ? 'message_sent' : 'message',
    ...groupKeys(account, message),
    ...(own || message.place.kind === 'private' ? { target_id: wireId(message.place.id) } : {}),
  };
}

function lagrangeEvent(account: Account, message: KnownMessage, common: Common): EventFields {
  const grouped = message.place.kind === 'group';
  return {
    message_type: message.place.kind,
    sub_type: message.subType,
    message_id: message.messageId,
    ...(grouped ? { group_id: wireId(message.place.id) } : {}),
    user_id: common.user_id,
    ...(grouped ? { anonymous: null } : {}),
    message: shownMessage(account, message.segments),
    raw_message: writeCqText(message.segments),
    font: account.facts.font,
    sender: fullSender(account, message),
    time: common.time,
    self_id: common.self_id,
    post_type: message.from === account.selfId ? 'message_sent' : 'message',
  };
}

function goCqhttpEvent(account: Account, message: KnownMessage, common: Common): EventFields {
  const grouped = message.place.kind === 'group';
  const anonymous = message.subType === 'anonymous' ? { id: 1_000_032, name: '大力鬼王', flag: '1000032|flag' } : null;
  return {
    post_type: message.from === account.selfId ? 'message_sent' : 'message',
    message_type: message.place.kind,
    time: common.time,
    self_id: common.self_id,
    sub_type: message.subType,
    ...(grouped ? { anonymous, group_id: wireId(message.place.id) } : { target_id: wireId(account.selfId) }),
    ...(message.tempGroup === undefined ? {} : { temp_source: 0 }),
    message_seq: message.seq,
    raw_message: writeCqText(message.segments),
    font: account.facts.font,
    sender: fullSender(account, message),
    message_id: message.messageId,
    user_id: common.user_id,
    message: shownMessage(account, message.segments),
  };
}

function fullSender(account: Account, { from, place, tempGroup }: KnownMessage) {
  const base = { user_id: wireId(from), nickname: account.world.nameOf(from), sex: 'unknown', age: 0 };
  const member = memberIn(account, place.kind === 'group' ? place.id : undefined, from);
  if (member === undefined) return tempGroup === undefined ? base : { ...base, group_id: wireId(tempGroup) };
  return { ...base, card: member.card, area: '', level: '1', role: member.role, title: member.title };
}

const memberIn = (account: Account, group: string | undefined, id: string) =>
  group === undefined ? undefined : account.world.groups.get(group)?.members.get(id);
