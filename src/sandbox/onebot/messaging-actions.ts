/** Calls about messages: send, recall, read again, forward, react. */
import type { ForwardNode } from './account.js';
import type { Actions, Call } from './action.js';
import { messageEvent, shownMessage } from './message-event.js';
import type { KnownMessage } from './message-log.js';
import { poke, recalled } from './notices.js';
import type { Place } from './place.js';
import { Refusal } from './refusal.js';
import { sendForward, sendMessage } from './send-message.js';
import { wireId } from './wire-json.js';

const RECALL_SECONDS = 120;
const MAX_HISTORY = 200;

export const messagingActions: Actions = {
  send_private_msg: { run: (call) => sendPrivate(call, call.params.id('user_id')) },
  send_group_msg: { run: (call) => sendMessage(call, groupPlace(call), call.params.raw.message) },
  send_msg: { run: sendAnywhere },
  delete_msg: { run: recall },
  get_msg: { run: getMessage },
  get_forward_msg: { run: getForward },
  send_forward_msg: { run: (call) => sendForward(call, placeOf(call), call.params.raw.messages) },
  send_group_forward_msg: { run: (call) => sendForward(call, groupPlace(call), call.params.raw.messages) },
  send_private_forward_msg: {
    run: (call) => sendForward(call, { kind: 'private', id: call.params.id('user_id') }, call.params.raw.messages),
  },
  forward_group_single_msg: { run: (call) => forwardSingle(call, groupPlace(call)), only: ['napcat', 'llonebot'] },
  forward_friend_single_msg: {
    run: (call) => forwardSingle(call, { kind: 'private', id: call.params.id('user_id') }),
    only: ['napcat', 'llonebot'],
  },
  get_group_msg_history: { run: (call) => history(call, groupPlace(call)) },
  get_friend_msg_history: {
    run: (call) => history(call, { kind: 'private', id: call.params.id('user_id') }),
    only: ['napcat', 'llonebot', 'lagrange'],
  },
  mark_msg_as_read: { run: () => null },
  mark_private_msg_as_read: { run: () => null, only: ['napcat'] },
  mark_group_msg_as_read: { run: () => null, only: ['napcat'] },
  set_msg_emoji_like: { run: likeMessage, only: ['napcat', 'llonebot'] },
  send_like: { run: toUser(null) },
  group_poke: { run: pokeBack, only: ['napcat', 'llonebot', 'lagrange'] },
  friend_poke: { run: pokeBack, only: ['napcat', 'llonebot', 'lagrange'] },
  send_poke: { run: pokeBack, only: ['napcat', 'llonebot'] },
  set_input_status: {
    run: showTyping,
    only: ['napcat', 'llonebot'],
  },
};

/** The same answer whoever it is about. */
function toUser(data: unknown) {
  return (call: Call) => {
    call.params.id('user_id');
    return data;
  };
}

/** Seen by that person for some seconds. */
function showTyping({ account, params }: Call) {
  const scene = account.scene({ kind: 'private', id: params.id('user_id') });
  account.note({ kind: 'onebot.typing', scene, event_type: params.number('event_type', 0) });
  return { result: 0, errMsg: '' };
}

function likeMessage(call: Call) {
  known(call);
  return { result: 0, errMsg: '' };
}

const groupPlace = ({ params }: Call): Place => ({ kind: 'group', id: params.id('group_id') });

/** Without a type, go-cqhttp writes to the user and NapCat to the group. */
function placeOf({ params, account }: Call): Place {
  const type = params.textIfAny('message_type');
  const group = params.idIfAny('group_id');
  const user = params.idIfAny('user_id');
  const toGroup =
    type === undefined
      ? group !== undefined && (user === undefined || account.facts.withoutType === 'group')
      : type === 'group';
  return toGroup ? { kind: 'group', id: params.id('group_id') } : { kind: 'private', id: params.id('user_id') };
}

function sendAnywhere(call: Call) {
  const place = placeOf(call);
  return place.kind === 'private' ? sendPrivate(call, place.id) : sendMessage(call, place, call.params.raw.message);
}

/** A stranger can be reached through a group that both are in. */
function sendPrivate(call: Call, user: string) {
  const group = call.params.idIfAny('group_id');
  const isFriend = call.account.world.people.get(user)?.friend === true;
  return sendMessage(call, { kind: 'private', id: user }, call.params.raw.message, isFriend ? undefined : group);
}

/** @throws Refusal */
function known({ account, params }: Call): KnownMessage {
  const found = account.log.find(params.messageId());
  if (found === undefined) throw new Refusal('消息不存在', 'MSG_NOT_FOUND');
  return found;
}

function recall(call: Call): null {
  const { account } = call;
  const message = known(call);
  const own = message.from === account.selfId;
  const rules = message.place.kind === 'group' && rolesAllow(call, message);
  if (!rules && (!own || account.world.seconds() - message.time > RECALL_SECONDS))
    throw new Refusal('消息撤回失败', 'RECALL_API_ERROR');
  account.log.forget(message.messageId);
  account.tell(recalled(account, message.place, message.from, account.selfId, message.messageId), message.place);
  return null;
}

function rolesAllow({ account }: Call, { place, from }: KnownMessage): boolean {
  const members = account.world.groups.get(place.id)?.members;
  const own = members?.get(account.selfId)?.role;
  return own === 'owner' || (own === 'admin' && (members?.get(from)?.role ?? 'member') === 'member');
}

function getMessage(call: Call) {
  const event = messageEvent(call.account, known(call));
  return call.account.facts.flavour === 'napcat' ? { ...event, emoji_likes_list: [] } : event;
}

function getForward({ account, params }: Call) {
  const id = params.text('id', 'message_id');
  const named = account.log.find(Number(id))?.segments.find(({ type }) => type === 'forward')?.data.id;
  const nodes = account.forwards.get(id) ?? account.forwards.get(String(named));
  if (nodes === undefined) throw new Refusal('消息已过期或者为内层消息，无法获取转发消息', 'MSG_NOT_FOUND');
  if (account.facts.flavour === 'lagrange') return { message: nodes.map((node) => lagrangeNode(node)) };
  if (account.facts.flavour === 'go-cqhttp')
    return {
      messages: nodes.map((node) => ({
        sender: { user_id: wireId(node.from), nickname: node.name },
        time: node.time,
        content: shownMessage(account, node.segments),
        group_id: 0,
      })),
    };
  return {
    messages: nodes.map((node) => ({
      ...messageEvent(account, asMessage(node)),
      sender: { user_id: wireId(node.from), nickname: node.name, card: '' },
    })),
  };
}

const lagrangeNode = ({ from, name, segments }: ForwardNode) => ({
  type: 'node',
  data: { user_id: from, nickname: name, content: segments },
});

const asMessage = ({ from, time, segments }: ForwardNode): KnownMessage => ({
  messageId: 0,
  nativeId: '0',
  seq: 0,
  time,
  place: { kind: 'private', id: from },
  subType: 'friend',
  from,
  segments,
});

function forwardSingle(call: Call, place: Place): null {
  sendMessage(call, place, [...known(call).segments]);
  return null;
}

function history({ account, params }: Call, place: Place) {
  const count = Math.min(params.number('count', account.facts.flavour === 'go-cqhttp' ? 19 : 20), MAX_HISTORY);
  const from = params.number('message_seq', params.number('message_id', 0));
  const messages = account.log.history(place, count, from === 0 ? undefined : from);
  return { messages: messages.map((message) => messageEvent(account, message)) };
}

function pokeBack({ account, params }: Call): null {
  const group = params.idIfAny('group_id');
  const target = params.idIfAny('target_id') ?? params.id('user_id');
  const place: Place = group === undefined ? { kind: 'private', id: target } : { kind: 'group', id: group };
  account.tell(poke(account, account.selfId, target, group), place);
  return null;
}
