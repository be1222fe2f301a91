/** What happens around a bot: pokes, joins, bans, uploads, requests. The world changes, and the account is told. */
import { SandboxError } from '../sandbox-error.js';
import type { Account, EventFields } from './account.js';
import { messageEvent } from './message-event.js';
import { groupBan, groupUpload, notice, notify, poke, recalled, requestEvent, TOLD_BY } from './notices.js';
import type { CompleteEvent } from './orders.js';
import type { Place } from './place.js';
import { readableText } from './segment.js';
import type { StoredFile } from './world.js';

/** What the application is told, in this order. */
interface Told {
  readonly event: EventFields;
  readonly place?: Place;
}

type Of<K extends CompleteEvent['kind']> = Extract<CompleteEvent, { kind: K }>;
type Makers = { readonly [K in CompleteEvent['kind']]: (account: Account, order: Of<K>) => Told };

/** @throws SandboxError for who is not there, and for what this implementation never tells. @returns the events. */
export function happen(account: Account, order: CompleteEvent): readonly EventFields[] {
  refuseUnheardOf(account, order);
  const make = MAKERS[order.kind] as (account: Account, order: CompleteEvent) => Told;
  const { event, place } = make(account, order);
  account.tell(event, place);
  if (order.kind !== 'upload' || account.facts.flavour !== 'napcat') return [event];
  return [event, tellFileMessage(account, order)];
}

/** What an order is called in `TOLD_BY`. */
const NAMES: { readonly [kind: string]: string } = {
  lucky_king: 'notify.lucky_king',
  honor: 'notify.honor',
  title: 'notify.title',
  group_name: 'notify.group_name',
  input_status: 'notify.input_status',
  profile_like: 'notify.profile_like',
  gray_tip: 'notify.gray_tip',
  card: 'group_card',
  emoji_like: 'group_msg_emoji_like',
};

function refuseUnheardOf({ facts: { flavour } }: Account, { kind, force }: CompleteEvent): void {
  const tellers = TOLD_BY[NAMES[kind] ?? kind];
  if (force || tellers === undefined || tellers.includes(flavour)) return;
  throw new SandboxError('event.never', `${flavour} never tells ${kind}: use another flavour, or "force": true`);
}

const inGroup = (group: string): Place => ({ kind: 'group', id: group });
const withPerson = (user: string): Place => ({ kind: 'private', id: user });

const MAKERS: Makers = {
  poke: (account, { from, target = account.selfId, group }) => ({
    event: poke(account, from, target, group),
    place: group === undefined ? withPerson(from) : inGroup(group),
  }),
  join: (account, { group, user, operator = '0', how }) => {
    if (user !== account.selfId) account.world.person(user);
    account.world.join(account.world.group(group), user);
    const fields = { sub_type: how, group_id: group, user_id: user, operator_id: operator };
    return { event: notice(account, 'group_increase', fields), place: inGroup(group) };
  },
  leave: (account, { group, user, operator, how }) => {
    const { world, selfId, facts } = account;
    const gone = how === 'kick_me' || how === 'disband' ? selfId : user;
    world.member(world.group(group), gone);
    world.group(group).members.delete(gone);
    const by = operator ?? (how === 'leave' && facts.flavour !== 'napcat' ? gone : '0');
    const fields = { sub_type: how, group_id: group, user_id: gone, operator_id: by };
    return { event: notice(account, 'group_decrease', fields), place: inGroup(group) };
  },
  admin: (account, { group, user, set }) => {
    account.world.member(account.world.group(group), user).role = set ? 'admin' : 'member';
    const fields = { sub_type: set ? 'set' : 'unset', group_id: group, user_id: user };
    return { event: notice(account, 'group_admin', fields), place: inGroup(group) };
  },
  ban: (account, { group: id, user, operator, seconds }) => {
    const { world } = account;
    const group = world.group(id);
    const owner = [...group.members.values()].find(({ role }) => role === 'owner')?.id ?? '0';
    if (user === '0') group.allMuted = seconds !== 0;
    else world.member(group, user).mutedUntil = seconds === 0 ? 0 : world.seconds() + seconds;
    return { event: groupBan(account, id, user, operator ?? owner, seconds), place: inGroup(id) };
  },
  recall: (account, { message_id, operator }) => {
    const message = account.log.find(message_id);
    if (message === undefined) throw new SandboxError('message.unknown', `there is no message ${message_id}`, 404);
    account.log.forget(message_id);
    const { place, from } = message;
    return { event: recalled(account, place, from, operator ?? from, message_id), place };
  },
  upload: (account, order) => {
    account.world.member(account.world.group(order.group), order.user);
    const file = storeFile(account, order, order.group);
    return { event: groupUpload(account, order.group, order.user, file), place: inGroup(order.group) };
  },
  friend_add: (account, { user }) => {
    account.world.person(user).friend = true;
    return { event: notice(account, 'friend_add', { user_id: user }), place: withPerson(user) };
  },
  friend_request: (account, { user, comment }) => {
    account.world.person(user);
    const request = account.requests.add({ type: 'friend', user, comment }, account.world.seconds());
    return { event: requestEvent(account, request) };
  },
  group_request: (account, { group, user, comment, how }) => {
    account.world.person(user);
    const request = account.requests.add(
      { type: 'group', subType: how, user, group, comment },
      account.world.seconds(),
    );
    return { event: requestEvent(account, request) };
  },
  lucky_king: (account, { group, user, target }) => ({
    event: notify(account, 'lucky_king', { group_id: group, user_id: user, target_id: target }),
    place: inGroup(group),
  }),
  honor: (account, { group, user, honor }) => ({
    event: notify(account, 'honor', { group_id: group, user_id: user, honor_type: honor }),
    place: inGroup(group),
  }),
  title: (account, { group, user, title }) => {
    account.world.member(account.world.group(group), user).title = title;
    return { event: notify(account, 'title', { group_id: group, user_id: user, title }), place: inGroup(group) };
  },
  card: (account, { group, user, card }) => {
    const member = account.world.member(account.world.group(group), user);
    const fields = { group_id: group, user_id: user, card_new: card, card_old: member.card };
    member.card = card;
    member.shownCard = card;
    return { event: notice(account, 'group_card', fields), place: inGroup(group) };
  },
  group_name: (account, { group, user, name }) => {
    account.world.group(group).name = name;
    return {
      event: notify(account, 'group_name', { group_id: group, user_id: user, name_new: name }),
      place: inGroup(group),
    };
  },
  essence: (account, { group, message_id, operator = '0', add }) => {
    const sender = account.log.find(message_id)?.from ?? '0';
    const fields = {
      sub_type: add ? 'add' : 'delete',
      group_id: group,
      message_id,
      sender_id: sender,
      user_id: sender,
      operator_id: operator,
    };
    return { event: notice(account, 'essence', fields), place: inGroup(group) };
  },
  emoji_like: (account, { group, user, message_id, emoji, add }) => ({
    event: notice(account, 'group_msg_emoji_like', {
      group_id: group,
      user_id: user,
      message_id,
      likes: [{ emoji_id: emoji, count: 1 }],
      is_add: add,
    }),
    place: inGroup(group),
  }),
  reaction: (account, { group, user, message_id, code, add }) => ({
    event: notice(account, 'reaction', {
      sub_type: add ? 'add' : 'remove',
      group_id: group,
      message_id,
      operator_id: user,
      code,
      count: 1,
    }),
    place: inGroup(group),
  }),
  input_status: (account, { user }) => ({
    event: notify(account, 'input_status', {
      user_id: user,
      group_id: 0,
      event_type: 1,
      status_text: '对方正在输入...',
    }),
    place: withPerson(user),
  }),
  profile_like: (account, { user, times }) => ({
    event: notify(account, 'profile_like', { operator_id: user, operator_nick: account.world.nameOf(user), times }),
  }),
  gray_tip: (account, { group, user, content }) => ({
    event: notify(account, 'gray_tip', {
      group_id: group,
      user_id: user,
      message_id: 0,
      busi_id: '1061',
      content: JSON.stringify({ items: [{ type: 'nor', txt: content }] }),
      raw_info: {},
    }),
    place: inGroup(group),
  }),
  offline_file: (account, order) => {
    const { id, name, bytes } = storeFile(account, order, order.user);
    const file = { name, size: bytes, url: account.fileUrl(id) };
    return { event: notice(account, 'offline_file', { user_id: order.user, file }), place: withPerson(order.user) };
  },
  client_status: (account, { device, on }) => ({
    event: notice(account, 'client_status', {
      client: { app_id: 537_000_000, device_name: device, device_kind: device },
      online: on,
    }),
  }),
  bot_offline: (account, { message }) => {
    account.online = false;
    return { event: notice(account, 'bot_offline', { user_id: account.selfId, tag: '下线通知', message }) };
  },
};

function storeFile(
  { world }: Account,
  { user, name, size, content }: Pick<Of<'upload'>, 'user' | 'name' | 'size' | 'content'>,
  place: string,
): StoredFile {
  const bytes = content === undefined ? undefined : Buffer.from(content, 'base64');
  return world.addFile({
    name,
    bytes: bytes?.length ?? size ?? 0,
    place,
    by: user,
    ...(bytes === undefined ? {} : { content: bytes }),
  });
}

/** NapCat tells a file in a group a second time, as a message. */
function tellFileMessage(account: Account, order: Of<'upload'>): EventFields {
  const { world } = account;
  const [file] = [...world.files.values()].slice(-1);
  const place = inGroup(order.group);
  const data = { file: order.name, file_id: file?.id ?? '', file_size: String(file?.bytes ?? 0), url: '' };
  const segments = [{ type: 'file', data }];
  const known = account.log.add({ time: world.seconds(), place, subType: 'normal', from: order.user, segments });
  const event = messageEvent(account, known);
  const lines = account.emit(event);
  account.note({
    kind: 'onebot.message',
    scene: account.scene(place),
    from: { user_id: order.user, name: world.nameOf(order.user) },
    message_id: known.messageId,
    sub_type: known.subType,
    segments,
    text: readableText(segments),
    lines,
  });
  return event;
}
