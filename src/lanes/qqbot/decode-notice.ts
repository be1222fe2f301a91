/** QQ's events that are no messages → what they mean for what may be sent. Sources: Bot API v2 "事件" pages; "主动消息" for the rights. */
import type { Notice } from '../../model/message.js';
import type { AccountId, Target, TargetKind } from '../../model/target.js';
import type { DispatchFrame } from './dispatch-frame.js';
import { type Fields, fields, isMessageId, isOpenid } from './wire-fields.js';

/** What the platform still takes there, and whether the event may be answered. */
interface Meaning {
  readonly kind: TargetKind;
  readonly takesActive?: boolean;
  readonly isAnswerable?: boolean;
}

const MEANINGS: { readonly [event: string]: Meaning } = {
  FRIEND_ADD: { kind: 'c2c', takesActive: true, isAnswerable: true },
  FRIEND_DEL: { kind: 'c2c', takesActive: false },
  C2C_MSG_REJECT: { kind: 'c2c', takesActive: false },
  C2C_MSG_RECEIVE: { kind: 'c2c', takesActive: true, isAnswerable: true },
  GROUP_ADD_ROBOT: { kind: 'group', takesActive: true, isAnswerable: true },
  GROUP_DEL_ROBOT: { kind: 'group', takesActive: false },
  GROUP_MSG_REJECT: { kind: 'group', takesActive: false },
  GROUP_MSG_RECEIVE: { kind: 'group', takesActive: true, isAnswerable: true },
};

/** Of C2C and groups QQ tells no recalls. Source: Bot API v2 "消息撤回事件". */
const RECALLS: { readonly [event: string]: { readonly kind: TargetKind; readonly peer: string } } = {
  MESSAGE_DELETE: { kind: 'channel', peer: 'channel_id' },
  PUBLIC_MESSAGE_DELETE: { kind: 'channel', peer: 'channel_id' },
  DIRECT_MESSAGE_DELETE: { kind: 'dm', peer: 'guild_id' },
};

const MAX_ID_CHARS = 512;

export function decodeNotice({ event, id, data }: DispatchFrame, account: AccountId): Notice {
  const d = fields(data);
  const eventId = isShort(id) ? id : undefined;
  const known = Object.hasOwn(MEANINGS, event) ? MEANINGS[event] : undefined;
  const meaning = event === 'INTERACTION_CREATE' ? interactionIn(d) : known;
  const about = d === undefined || meaning === undefined ? undefined : conversationOf(d, meaning.kind, account);
  const review = d === undefined ? undefined : reviewOf(event, d);
  const recalls = d === undefined ? undefined : recallOf(event, d, account);
  return {
    name: event,
    data,
    ...(eventId === undefined ? {} : { eventId }),
    ...(about === undefined ? {} : { about }),
    ...(about === undefined || meaning?.takesActive === undefined ? {} : { takesActive: meaning.takesActive }),
    ...(about !== undefined && meaning?.isAnswerable === true && eventId !== undefined
      ? { replyToken: { kind: 'event_id', value: eventId } as const }
      : {}),
    ...(review === undefined ? {} : { review }),
    ...(recalls === undefined ? {} : { recalls }),
  };
}

function recallOf(event: string, { message }: Fields, account: AccountId): Notice['recalls'] {
  const scene = Object.hasOwn(RECALLS, event) ? RECALLS[event] : undefined;
  const recalled = fields(message);
  if (scene === undefined || recalled === undefined) return undefined;
  const peer = recalled[scene.peer];
  if (!isOpenid(peer) || !isMessageId(recalled.id)) return undefined;
  return { conversation: { channel: 'qqbot', account, kind: scene.kind, peer }, messageId: recalled.id };
}

/** Interactions in guilds cannot be answered by their event. */
function interactionIn(d: Fields | undefined): Meaning | undefined {
  if (d?.group_openid !== undefined) return { kind: 'group', isAnswerable: true };
  return d?.user_openid === undefined ? undefined : { kind: 'c2c', isAnswerable: true };
}

function conversationOf(d: Fields, kind: TargetKind, account: AccountId): Target | undefined {
  const peer = kind === 'group' ? d.group_openid : (d.user_openid ?? d.openid);
  return isOpenid(peer) ? { channel: 'qqbot', account, kind, peer } : undefined;
}

function reviewOf(event: string, { audit_id: auditId, message_id: messageId }: Fields): Notice['review'] {
  const passed = event === 'MESSAGE_AUDIT_PASS';
  if ((!passed && event !== 'MESSAGE_AUDIT_REJECT') || !isShort(auditId)) return undefined;
  return { auditId, passed, ...(passed && isShort(messageId) ? { messageId } : {}) };
}

function isShort(id: unknown): id is string {
  return typeof id === 'string' && id !== '' && id.length <= MAX_ID_CHARS;
}
