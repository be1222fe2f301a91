/** A message of the bot on its way: may it speak here, what goes through, and what the transcript keeps of it. */
import { randomBytes } from 'node:crypto';
import type { ForwardNode } from './account.js';
import type { Call } from './action.js';
import { cutSegments, inlineMedia } from './media.js';
import { messageEvent } from './message-event.js';
import type { KnownMessage } from './message-log.js';
import type { Place } from './place.js';
import { readMessage } from './read-message.js';
import { Refusal } from './refusal.js';
import { type Rendered, renderMessage } from './render-message.js';
import { readableText, type Segment } from './segment.js';

const NESTED_LEVELS = 3;

/** @param tempGroup through which a stranger is written to. @throws Refusal */
export function sendMessage(call: Call, place: Place, value: unknown, tempGroup?: string) {
  const { account, params } = call;
  let segments: readonly Segment[] = [];
  try {
    segments = readMessage(value, params.flag('auto_escape', false));
    checkPlace(call, place, tempGroup);
    const nodes = segments.filter(({ type }) => type === 'node');
    if (nodes.length > 0) return sendNodes(call, place, segments, nodes);
    const rendered = renderMessage(account, place, segments);
    return { message_id: deliver(call, place, segments, rendered, tempGroup).messageId };
  } catch (error) {
    if (error instanceof Refusal) noteSend(call, place, segments, { seen: [], dropped: [] }, undefined, error.message);
    throw error;
  }
}

/** @param value the `messages` of a call. @throws Refusal */
export function sendForward(call: Call, place: Place, value: unknown) {
  try {
    const segments = readMessage(value, false);
    checkPlace(call, place);
    return sendNodes(
      call,
      place,
      segments,
      segments.filter(({ type }) => type === 'node'),
    );
  } catch (error) {
    if (error instanceof Refusal) noteSend(call, place, [], { seen: [], dropped: [] }, undefined, error.message);
    throw error;
  }
}

function checkPlace({ account }: Call, place: Place, tempGroup?: string): void {
  const { world } = account;
  if (!account.online)
    throw new Refusal('Timeout: NTEvent serviceAndMethod:NodeIKernelMsgService/sendMsg', 'SEND_MSG_API_ERROR');
  if (place.kind === 'private') {
    const inTemp = world.groups.get(tempGroup ?? '')?.members.has(place.id) === true;
    if (world.people.get(place.id)?.friend === true || inTemp) return;
    throw new Refusal(`无法获取用户信息 ${place.id}`, 'USER_NOT_FOUND');
  }
  const group = world.groups.get(place.id);
  const self = group?.members.get(account.selfId);
  if (group === undefined || self === undefined) throw new Refusal(`群聊 ${place.id} 不存在`, 'GROUP_NOT_FOUND');
  if (self.mutedUntil > world.seconds() || (group.allMuted && self.role === 'member'))
    throw new Refusal('发送失败，你已被禁言', 'SEND_MSG_API_ERROR');
}

function sendNodes(call: Call, place: Place, segments: readonly Segment[], nodes: readonly Segment[]) {
  if (nodes.length < segments.length || nodes.length === 0)
    throw new Refusal(
      '转发消息不能和普通消息混在一起发送,转发需要保证message只有type为node的元素',
      'BAD_PARAM',
      'parameter',
    );
  const { account } = call;
  const resId = randomBytes(32).toString('base64url');
  account.keepForward(
    resId,
    nodes.flatMap((node) => readNode(call, node, NESTED_LEVELS)),
  );
  const forward: Segment = { type: 'forward', data: { id: resId } };
  const { messageId } = deliver(call, place, segments, { seen: [forward], dropped: [] });
  return { message_id: messageId, res_id: resId, forward_id: resId };
}

/** A node that names a message, or one that is written by hand. */
function readNode({ account }: Call, { data }: Segment, levels: number): readonly ForwardNode[] {
  if (data.content === undefined) {
    const known = account.log.find(Number(data.id));
    if (known === undefined) return [];
    const { from, time, segments } = known;
    return [{ from, name: account.world.nameOf(from), time, segments }];
  }
  const from = String(data.user_id ?? data.uin ?? account.selfId);
  const name = String(data.nickname ?? data.name ?? account.world.nameOf(from));
  const content = readMessage(data.content, false).filter(({ type }) => type !== 'node' || levels > 1);
  return [{ from, name, time: Number(data.time ?? account.world.seconds()), segments: content }];
}

function deliver(
  call: Call,
  place: Place,
  segments: readonly Segment[],
  rendered: Rendered,
  tempGroup?: string,
): KnownMessage {
  const { account } = call;
  const known = account.log.add({
    time: account.world.seconds(),
    place,
    subType: place.kind === 'group' ? 'normal' : tempGroup === undefined ? 'friend' : 'group',
    from: account.selfId,
    segments: cutSegments(rendered.seen),
    ...(tempGroup === undefined ? {} : { tempGroup }),
  });
  noteSend(call, place, segments, rendered, known, undefined);
  if (account.reportSelf) account.emit(messageEvent(account, known));
  return known;
}

function noteSend(
  { account, action }: Call,
  place: Place,
  segments: readonly Segment[],
  { seen, dropped }: Rendered,
  known: KnownMessage | undefined,
  reason: string | undefined,
): void {
  const quote = segments.find(({ type }) => type === 'reply')?.data.id;
  const quoted = quote === undefined ? undefined : account.log.find(Number(quote));
  account.note({
    kind: 'onebot.send',
    scene: account.scene(place),
    action,
    accepted: known !== undefined,
    segments: cutSegments(segments),
    seen: known?.segments ?? seen,
    text: readableText(known?.segments ?? segments),
    dropped,
    media: inlineMedia(segments),
    ...(known === undefined ? {} : { message_id: known.messageId }),
    ...(quote === undefined
      ? {}
      : { quote: { id: String(quote), ...(quoted === undefined ? {} : { text: readableText(quoted.segments) }) } }),
    ...(reason === undefined ? {} : { reason }),
  });
}
