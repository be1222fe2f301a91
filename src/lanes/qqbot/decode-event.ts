/** QQ's events → our words. Everything arrives as `unknown`; what does not fit is reported, never guessed. */
import type { InboundMessage, Notice } from '../../model/message.js';
import { type AccountId, isPeerId, type MessageId, type PeerId, type Target } from '../../model/target.js';
import { isAddressable } from './encode-message.js';
import { oneLine } from './one-line.js';

export type Decoded =
  | { readonly kind: 'message'; readonly message: InboundMessage }
  | { readonly kind: 'notice'; readonly notice: Notice }
  | { readonly kind: 'undecodable'; readonly reason: string };

/** Opaque, but sent back and stored: letters, digits and signs, no blanks. */
const MESSAGE_ID = /^[\x21-\x7e]{1,512}$/;
const MAX_NAME_CHARS = 64;

/** `receivedAt` (unix ms) stands in for a missing or absurd time of sending. */
export function decodeEvent(event: string, data: unknown, account: AccountId, receivedAt: number): Decoded {
  switch (event) {
    case 'C2C_MESSAGE_CREATE':
      return decodeMessage(data, account, receivedAt, (_d, author) => ({
        conversation: ['c2c', author.user_openid],
        sender: author.user_openid,
        mentionsBot: true,
      }));
    case 'GROUP_AT_MESSAGE_CREATE':
      return decodeMessage(data, account, receivedAt, (d, author) => ({
        conversation: ['group', d.group_openid],
        sender: author.member_openid,
        mentionsBot: true,
      }));
    case 'GROUP_MESSAGE_CREATE': // the same message may come as both, so both must say the same
      return decodeMessage(data, account, receivedAt, (d, author) => ({
        conversation: ['group', d.group_openid],
        sender: author.member_openid,
        mentionsBot: ownMention(d.mentions) !== undefined,
      }));
    default:
      return { kind: 'notice', notice: { name: event, data } };
  }
}

interface Fields {
  readonly [key: string]: unknown;
}

interface Addressing {
  readonly conversation: readonly ['c2c' | 'group', unknown];
  readonly sender: unknown;
  readonly mentionsBot: boolean;
}

function decodeMessage(
  data: unknown,
  account: AccountId,
  receivedAt: number,
  addressing: (d: Fields, author: Fields) => Addressing,
): Decoded {
  const d = fields(data);
  const author = fields(d?.author);
  if (d === undefined || author === undefined) return missing('d.author');
  const { id, content } = d;
  if (typeof id !== 'string' || !MESSAGE_ID.test(id)) return missing('d.id');
  if (content !== undefined && typeof content !== 'string') return missing('d.content as text');
  const { conversation, sender, mentionsBot } = addressing(d, author);
  const [kind, peer] = conversation;
  if (!isOpenid(peer)) return missing(kind === 'c2c' ? 'd.author.user_openid' : 'd.group_openid');
  if (!isOpenid(sender)) return missing('d.author.member_openid'); // of a c2c message the sender is the peer
  const target: Target = { channel: 'qqbot', account, kind, peer };
  const text = withoutOwnMention(content ?? '', d.mentions).trim();
  const name = typeof author.username === 'string' ? oneLine(author.username, MAX_NAME_CHARS) : '';
  return {
    kind: 'message',
    message: {
      id: id as MessageId,
      conversation: target,
      sender: {
        id: sender,
        isBot: author.bot === true,
        ...(name === '' ? {} : { name }),
      },
      segments: text === '' ? [] : [{ type: 'text', text }],
      mentionsBot,
      sentAt: timeOf(d.timestamp, receivedAt),
      replyToken: { kind: 'msg_id', value: id },
    },
  };
}

function missing(what: string): Decoded {
  return { kind: 'undecodable', reason: `expected ${what}` };
}

function fields(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
}

function isOpenid(value: unknown): value is PeerId {
  return typeof value === 'string' && isPeerId(value) && isAddressable(value);
}

/** Entries of `mentions` are all optional; only `is_you` says that this bot is meant. */
function ownMention(mentions: unknown): Fields | undefined {
  return Array.isArray(mentions) ? mentions.map(fields).find((mention) => mention?.is_you === true) : undefined;
}

/** The AT form comes with the bot's mention stripped, the other one with `<@member_openid>` in the text. */
function withoutOwnMention(text: string, mentions: unknown): string {
  const id = ownMention(mentions)?.member_openid;
  return isOpenid(id) ? text.replaceAll(`<@${id}>`, '').replaceAll(`<@!${id}>`, '') : text;
}

/** RFC 3339 text. A time more than a day ahead of ours is a fault of somebody's clock. */
function timeOf(timestamp: unknown, receivedAt: number): number {
  const at = typeof timestamp === 'string' ? Date.parse(timestamp) : Number.NaN;
  return Number.isFinite(at) && at > 0 && at < receivedAt + 86_400_000 ? at : receivedAt;
}
