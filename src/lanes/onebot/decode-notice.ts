/** Events that are no messages → notices, under names that a person understands: `group_increase`, `poke`, `request.friend`. */
import type { Notice } from '../../model/message.js';
import type { AccountId, Target, TargetKind } from '../../model/target.js';
import { keptData } from './kept-data.js';
import { type Fields, fields, messageIdIn, peerIn, somebodyIn, textIn, wordIn } from './wire-fields.js';

/** What the standard and its kin send. Others are named as the wire names them. */
const NAME = /^[\w.-]{1,64}$/;
const MAX_FLAG_CHARS = 400;
const RECALLS: ReadonlySet<string> = new Set(['group_recall', 'friend_recall']);

/** The name of a notice: `notify` only says that there is something, its `sub_type` says what. undefined: it has none. */
export function noticeName({ notice_type: type, sub_type: sub }: Fields): string | undefined {
  return type === 'notify' ? (nameIn(sub) ?? 'notify') : nameIn(type);
}

/** `request.friend`, `request.group.add`, `request.group.invite` */
export function requestName({ request_type: type, sub_type: sub }: Fields): string | undefined {
  const name = nameIn(type);
  if (name === undefined) return undefined;
  const kind = name === 'group' ? nameIn(sub) : undefined;
  return ['request', name, ...(kind === undefined ? [] : [kind])].join('.');
}

/** `name`: found before. */
export function decodeNotice(name: string, frame: Fields, account: AccountId): Notice {
  const { raw: _raw, ...data } = frame;
  const about = conversationOf(frame, account);
  const eventId = repeatOf(name, frame);
  const recalled = RECALLS.has(name) ? messageIdIn(frame.message_id) : undefined;
  return {
    name,
    data: keptData(data),
    ...(about === undefined ? {} : { about }),
    ...(eventId === undefined ? {} : { eventId }),
    ...(about === undefined || recalled === undefined ? {} : { recalls: { conversation: about, messageId: recalled } }),
  };
}

function nameIn(value: unknown): string | undefined {
  return typeof value === 'string' && NAME.test(value) ? value : undefined;
}

/** The group, else the person on the other side: where the account itself is named, the one beside it. */
function conversationOf(frame: Fields, account: AccountId): Target | undefined {
  const target = (kind: TargetKind, peer: Target['peer']): Target => ({ channel: 'onebot', account, kind, peer });
  const group = somebodyIn(frame.group_id);
  if (group !== undefined) return target('group', group);
  const self = peerIn(frame.self_id);
  const person = [frame.user_id, frame.sender_id, frame.target_id, frame.operator_id, frame.peer_id]
    .map(somebodyIn)
    .find((peer) => peer !== undefined && peer !== self);
  return person === undefined ? undefined : target('c2c', person);
}

/** What comes again under the same words is no second event: requests are told again until they are answered. */
function repeatOf(name: string, frame: Fields): string | undefined {
  const who = `${wordIn(frame.group_id) ?? ''}:${wordIn(frame.user_id) ?? ''}`;
  const mark = name.startsWith('request.') ? wordIn(frame.flag) : uploadedFile(name, frame);
  if (mark === undefined || mark.length > MAX_FLAG_CHARS || who.length > MAX_FLAG_CHARS) return undefined;
  return `${name}:${who}:${mark}`;
}

function uploadedFile(name: string, { file }: Fields): string | undefined {
  return name === 'group_upload' ? textIn(fields(file)?.id) : undefined;
}
