/** QQ's events → our words. Everything arrives as `unknown`; what does not fit is reported, never guessed. */
import type { InboundMessage } from '../../model/message.js';
import type { AccountId, MessageId, Target, TargetKind } from '../../model/target.js';
import { oneLine } from '../one-line.js';
import { decodeContent } from './decode-content.js';
import { isYou, MAX_NAME_CHARS, type Mentions, onlyBotIn, readMentions } from './mentions.js';
import { type Fields, fields, isMessageId, isOpenid, textIn } from './wire-fields.js';

export type Decoded =
  /** `botId`: the bot's own id in guilds, where this message gave it away. */
  | { readonly kind: 'message'; readonly message: InboundMessage; readonly botId?: string }
  | { readonly kind: 'notice' }
  | { readonly kind: 'undecodable'; readonly reason: string };

/** Where an event's message stands, and how to read it. A guild's direct message stands in a session of its own, which its `guild_id` names. */
interface Scene {
  readonly kind: TargetKind;
  readonly peer: (d: Fields, author: Fields) => unknown;
  readonly peerField: string;
  readonly sender: (author: Fields) => unknown;
  readonly senderField: string;
  /** Whether the event itself says that the bot is meant. */
  readonly toBot: boolean;
}

const C2C: Scene = {
  kind: 'c2c',
  peer: (_d, author) => author.user_openid,
  peerField: 'd.author.user_openid',
  sender: (author) => author.user_openid,
  senderField: 'd.author.user_openid',
  toBot: true,
};
const GROUP: Scene = {
  kind: 'group',
  peer: (d) => d.group_openid,
  peerField: 'd.group_openid',
  sender: (author) => author.member_openid,
  senderField: 'd.author.member_openid',
  toBot: true,
};
const CHANNEL: Scene = {
  kind: 'channel',
  peer: (d) => d.channel_id,
  peerField: 'd.channel_id',
  sender: (author) => author.id,
  senderField: 'd.author.id',
  toBot: true,
};
const DIRECT: Scene = { ...CHANNEL, kind: 'dm', peer: (d) => d.guild_id, peerField: 'd.guild_id' };

/** Event → scene. The same group or channel message may come in both forms, so both must say the same. Source: Bot API v2 "消息事件". */
const SCENES: { readonly [event: string]: Scene } = {
  C2C_MESSAGE_CREATE: C2C,
  GROUP_AT_MESSAGE_CREATE: GROUP,
  GROUP_MESSAGE_CREATE: { ...GROUP, toBot: false },
  AT_MESSAGE_CREATE: CHANNEL,
  MESSAGE_CREATE: { ...CHANNEL, toBot: false },
  DIRECT_MESSAGE_CREATE: DIRECT,
};

/**
 * `receivedAt` (unix ms) stands in for a missing or absurd time of sending. `botId` is the bot's own id in guilds, where it is known:
 * there a text still holds the bot's mention.
 */
export function decodeEvent(
  event: string,
  data: unknown,
  account: AccountId,
  receivedAt: number,
  botId?: string,
): Decoded {
  const scene = Object.hasOwn(SCENES, event) ? SCENES[event] : undefined;
  if (scene === undefined) return { kind: 'notice' };
  return decodeMessage(scene, data, account, receivedAt, botId);
}

function decodeMessage(
  scene: Scene,
  data: unknown,
  account: AccountId,
  receivedAt: number,
  knownBotId: string | undefined,
): Decoded {
  const d = fields(data);
  const author = fields(d?.author);
  if (d === undefined || author === undefined) return missing('d.author');
  const { id, content } = d;
  if (!isMessageId(id)) return missing('d.id');
  // `null` is what a message of attachments alone may have.
  const isText = typeof content === 'string';
  if (!isText && content !== undefined && content !== null) return missing('d.content as text');
  const peer = scene.peer(d, author);
  const sender = scene.sender(author);
  if (!isOpenid(peer)) return missing(scene.peerField);
  if (!isOpenid(sender)) return missing(scene.senderField);
  const inGuild = scene.kind === 'channel' || scene.kind === 'dm';
  const learnt =
    scene.kind === 'channel' && scene.toBot && knownBotId === undefined ? onlyBotIn(d.mentions) : undefined;
  const mentions = inGuild ? mentionsInGuild(d, knownBotId ?? learnt) : readMentions(d.mentions, false, isYou);
  const conversation: Target = { channel: 'qqbot', account, kind: scene.kind, peer };
  const name = oneLine(
    (inGuild ? textIn(fields(d.member)?.nick) : undefined) ?? textIn(author.username) ?? '',
    MAX_NAME_CHARS,
  );
  const role = roleOf(author);
  return {
    kind: 'message',
    message: {
      id: id as MessageId,
      conversation,
      sender: {
        id: sender,
        isBot: author.bot === true,
        ...(name === '' ? {} : { name }),
        ...(role === undefined ? {} : { role }),
      },
      segments: decodeContent(d, isText ? content : '', inGuild ? 'guild' : 'openid', mentions),
      mentionsBot: scene.toBot || mentions.own.size > 0 || (!inGuild && isMeant(d.mentions)),
      sentAt: timeOf(d.timestamp, receivedAt),
    },
    ...(learnt === undefined ? {} : { botId: learnt }),
  };
}

function missing(what: string): Decoded {
  return { kind: 'undecodable', reason: `expected ${what}` };
}

/** `is_you` counts also in an entry without a usable id. */
function isMeant(mentions: unknown): boolean {
  return Array.isArray(mentions) && mentions.some((mention) => fields(mention)?.is_you === true);
}

/** A mention in a guild's text is real, listed or not: what people type is escaped there. */
function mentionsInGuild(d: Fields, botId: string | undefined): Mentions {
  const mentions = readMentions(
    d.mentions,
    d.mention_everyone === true,
    ({ id }) => botId !== undefined && id === botId,
  );
  const inText =
    typeof d.content === 'string' && (d.content.includes(`<@!${botId}>`) || d.content.includes(`<@${botId}>`));
  return botId !== undefined && inText ? { ...mentions, own: new Set([...mentions.own, botId]) } : mentions;
}

/** Groups tell it. The role numbers of guilds are each guild's own. */
function roleOf({ member_role: role }: Fields): string | undefined {
  return role === 'member' || role === 'admin' || role === 'owner' ? role : undefined;
}

/** RFC 3339 text. A time more than a day ahead of ours is a fault of somebody's clock. */
function timeOf(timestamp: unknown, receivedAt: number): number {
  const at = typeof timestamp === 'string' ? Date.parse(timestamp) : Number.NaN;
  return Number.isFinite(at) && at > 0 && at < receivedAt + 86_400_000 ? at : receivedAt;
}
