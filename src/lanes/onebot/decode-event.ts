/** Events of OneBot v11 → our words. Everything arrives as `unknown`; what does not fit is reported, never guessed. Never throws. */
import type { InboundMessage, Notice } from '../../model/message.js';
import type { AccountId, MessageId, PeerId, Target } from '../../model/target.js';
import { isOfficialRobot } from '../../protocol/onebot/official-robots.js';
import { oneLine } from '../one-line.js';
import { decodeNotice, noticeName, requestName } from './decode-notice.js';
import { type Content, decodeSegments } from './decode-segments.js';
import { type Fields, fields, messageIdIn, numberIn, peerIn, somebodyIn, textIn, wordIn } from './wire-fields.js';

export type Decoded =
  | { readonly kind: 'message'; readonly message: InboundMessage }
  /** The account itself wrote it, here or on another device. */
  | { readonly kind: 'own' }
  | { readonly kind: 'notice'; readonly notice: Notice }
  | { readonly kind: 'meta'; readonly meta: 'lifecycle'; readonly subType: string | undefined }
  /** `intervalMs` until the next; `online`: undefined where it does not tell. */
  | {
      readonly kind: 'meta';
      readonly meta: 'heartbeat';
      readonly intervalMs: number | undefined;
      readonly online: boolean | undefined;
      readonly good: boolean | undefined;
    }
  | { readonly kind: 'undecodable'; readonly reason: string };

const MAX_NAME_CHARS = 64;
const DAY_MS = 86_400_000;
/** A later time is meant in milliseconds: NapCat falls back to them. */
const LATEST_SECONDS = 1e11;
const ROLES: ReadonlySet<unknown> = new Set(['owner', 'admin', 'member']);

/** `receivedAt` (unix ms) stands in for a missing or absurd time of sending. */
export function decodeEvent(frame: Fields, account: AccountId, receivedAt: number): Decoded {
  switch (frame.post_type) {
    case 'message':
      return decodeMessage(frame, account, receivedAt);
    case 'message_sent':
      return { kind: 'own' };
    case 'notice':
      return named(noticeName(frame), 'notice_type', frame, account);
    case 'request':
      return named(requestName(frame), 'request_type', frame, account);
    case 'meta_event':
      return decodeMeta(frame);
    default:
      return undecodable(`a known post_type, got ${oneLine(wordIn(frame.post_type) ?? 'none', 40)}`);
  }
}

function named(name: string | undefined, field: string, frame: Fields, account: AccountId): Decoded {
  return name === undefined ? undecodable(field) : { kind: 'notice', notice: decodeNotice(name, frame, account) };
}

function undecodable(expected: string): Decoded {
  return { kind: 'undecodable', reason: `expected ${expected}` };
}

function decodeMessage(frame: Fields, account: AccountId, receivedAt: number): Decoded {
  const self = peerIn(frame.self_id);
  if (self === undefined) return undecodable('self_id');
  const user = somebodyIn(frame.user_id);
  if (user === undefined) return undecodable('user_id');
  if (user === self) return { kind: 'own' };
  const messageId = messageIdIn(frame.message_id);
  if (messageId === undefined) return undecodable('message_id');
  const conversation = conversationOf(frame, account, user);
  if (conversation === undefined) return undecodable('message_type private, or group with a group_id');
  const content = decodeSegments(frame.message, self);
  if (content === undefined) return undecodable('message as a list or text');
  const unheard = unheardName(frame, content);
  if (unheard !== undefined) return named(unheard, 'message', frame, account);
  const isPrivate = conversation.kind === 'c2c';
  const viaGroup = isPrivate && frame.sub_type === 'group' ? groupOf(frame) : undefined;
  return {
    kind: 'message',
    message: {
      id: `${messageId}${markOf(frame)}` as MessageId,
      conversation,
      sender: senderOf(frame, user),
      segments: content.segments,
      mentionsBot: isPrivate || content.mentionsSelf,
      sentAt: timeOf(frame.time, receivedAt),
      ...(viaGroup === undefined ? {} : { viaGroup }),
    },
  };
}

/** The type decides: a private message may name the group through which it came. */
function conversationOf(frame: Fields, account: AccountId, user: PeerId): Target | undefined {
  if (frame.message_type === 'private') return { channel: 'onebot', account, kind: 'c2c', peer: user };
  const group = frame.message_type === 'group' ? somebodyIn(frame.group_id) : undefined;
  return group === undefined ? undefined : { channel: 'onebot', account, kind: 'group', peer: group };
}

/** Nobody waits for an answer to these: a line of the system in a group, and a message of which the implementation understood nothing. */
function unheardName({ message_type: type, sub_type: sub }: Fields, { segments, mentionsSelf }: Content) {
  if (type === 'group' && sub === 'notice') return 'message.notice';
  return segments.length === 0 && !mentionsSelf ? 'message.empty' : undefined;
}

/** The implementations put it in different places. */
function groupOf({ group_id: group, sender }: Fields): PeerId | undefined {
  return somebodyIn(group) ?? somebodyIn(fields(sender)?.group_id);
}

/** Numbers of messages are short, and used again: what QQ itself counts tells two apart, else when they were sent. */
function markOf({ real_seq: seq, time }: Fields): string {
  const mark = messageIdIn(seq) ?? secondsIn(time);
  return mark === undefined ? '' : `.${mark}`;
}

function secondsIn(time: unknown): number | undefined {
  const told = numberIn(time);
  if (told === undefined || told <= 0) return undefined;
  return Math.floor(told > LATEST_SECONDS ? told / 1000 : told);
}

/** A time more than a day ahead of ours is a fault of somebody's clock. */
function timeOf(time: unknown, receivedAt: number): number {
  const at = (secondsIn(time) ?? 0) * 1000;
  return at > 0 && at < receivedAt + DAY_MS ? at : receivedAt;
}

function senderOf(frame: Fields, id: PeerId): InboundMessage['sender'] {
  const { card, nickname, role } = fields(frame.sender) ?? NOTHING;
  const name = nameIn(fields(frame.anonymous)?.name) || nameIn(card) || nameIn(nickname);
  return {
    id,
    isBot: isOfficialRobot(id),
    ...(name === '' ? {} : { name }),
    ...(ROLES.has(role) ? { role: role as string } : {}),
  };
}

const NOTHING: Fields = {};

function nameIn(told: unknown): string {
  const text = textIn(told);
  return text === undefined ? '' : oneLine(text, MAX_NAME_CHARS);
}

function decodeMeta(frame: Fields): Decoded {
  switch (frame.meta_event_type) {
    case 'lifecycle':
      return { kind: 'meta', meta: 'lifecycle', subType: textIn(frame.sub_type)?.slice(0, 64) };
    case 'heartbeat': {
      const status = fields(frame.status) ?? {};
      const { online, good } = status;
      return {
        kind: 'meta',
        meta: 'heartbeat',
        intervalMs: numberIn(frame.interval),
        online: typeof online === 'boolean' ? online : undefined,
        good: typeof good === 'boolean' ? good : undefined,
      };
    }
    default:
      return undecodable('a known meta_event_type');
  }
}
