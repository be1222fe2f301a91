/** The words in which lanes, relay and backends speak of messages. Wire shapes never pass these walls. */
import type { ChannelId, MessageId, PeerId, Target } from './target.js';

export type MediaKind = 'image' | 'voice' | 'video' | 'file';

/** One piece of content. A medium that goes out may also be a file of this machine: `file:///…` or an absolute path. */
export type Segment =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'markdown'; readonly markdown: string }
  /** Somebody addressed by name: another member, or everybody. */
  | { readonly type: 'mention'; readonly peer: PeerId | 'all'; readonly name?: string }
  /** An earlier message that this one answers; its text, and who wrote it, where the platform sent that along. */
  | { readonly type: 'quote'; readonly message: string; readonly text?: string; readonly by?: PeerId | 'bot' }
  /** `url` is signed and ends soon; `transcript` is what the platform understood of a voice message. `size` in bytes. */
  | {
      readonly type: 'media';
      readonly kind: MediaKind;
      readonly url: string;
      readonly name?: string;
      readonly size?: number;
      readonly transcript?: string;
    }
  /** What only one channel knows, as its wire has it: a die, a card, a chat record. `text` stands for it where only text can stand. */
  | {
      readonly type: 'native';
      readonly channel: ChannelId;
      readonly kind: string;
      readonly data: { readonly [key: string]: unknown };
      readonly text: string;
    };

/** What is left out of a message that the platform refused as it was: the look of markdown, or addresses that can be clicked. */
export interface Plainer {
  readonly markdown?: boolean;
  readonly links?: boolean;
}

/** The right to answer passively: what the platform wants to see beside the answer. That of a message is its own id. */
export interface ReplyToken {
  readonly kind: 'msg_id' | 'event_id';
  readonly value: string;
}

export interface InboundMessage {
  readonly id: MessageId;
  readonly conversation: Target;
  readonly sender: { readonly id: PeerId; readonly name?: string; readonly role?: string; readonly isBot: boolean };
  readonly segments: readonly Segment[];
  /** Whether the bot itself was addressed; always true in a c2c conversation. */
  readonly mentionsBot: boolean;
  /** Unix milliseconds by the platform's clock; the time of receipt where the platform gave none. */
  readonly sentAt: number;
  /** The group through which a stranger writes, who can be answered through it only. */
  readonly viaGroup?: PeerId;
}

/** Something that happened and is no message: a join, a recall, a permission change. */
export interface Notice {
  /** The platform's own name for it, e.g. `FRIEND_ADD`. */
  readonly name: string;
  readonly data: unknown;
  /** The platform's own number of the event: what comes again under the same one is no second event. */
  readonly eventId?: string;
  /** The conversation whose rights it changes. */
  readonly about?: Target;
  /** Allows messages that answer it. */
  readonly replyToken?: ReplyToken;
  /** Whether active messages are taken there from now on. */
  readonly takesActive?: boolean;
  /** A message that was taken back; where numbers of messages are used again, without what tells them apart. */
  readonly recalls?: { readonly conversation: Target; readonly messageId: string };
  /** What came of the review of a message that was sent. */
  readonly review?: { readonly auditId: string; readonly passed: boolean; readonly messageId?: string };
}

/** `pairing`: what loong itself says to somebody who asks to be let in. */
export type MessageOrigin = 'backend' | 'cli' | 'api' | 'pairing';

/** A signed request that brought one event. One that comes again byte for byte brings nothing new. */
export interface Push {
  /** Unix seconds, by the platform's clock. */
  readonly signedAt: number;
  /** Of all that was signed. */
  readonly digest: Buffer;
}

/** What was written: text and names of those addressed; quotes and media have no text of their own. */
export function plainText(segments: readonly Segment[]): string {
  let text = '';
  for (const segment of segments) text += writtenText(segment);
  return text;
}

export const MEDIA_NAMES: { readonly [K in MediaKind]: string } = {
  image: '图片',
  voice: '语音',
  video: '视频',
  file: '文件',
};

/** What stands for a medium where only text can stand: `[图片 cat.png]`; undefined for anything else. */
export function mediaLabel(segment: Segment): string | undefined {
  if (segment.type !== 'media') return undefined;
  return `[${MEDIA_NAMES[segment.kind]}${segment.name === undefined ? '' : ` ${segment.name}`}]`;
}

function writtenText(segment: Segment): string {
  switch (segment.type) {
    case 'text':
      return segment.text;
    case 'markdown':
      return segment.markdown;
    case 'mention':
      return `@${segment.peer === 'all' ? '全体成员' : (segment.name ?? segment.peer)}`;
    case 'native':
      return segment.text;
    case 'quote':
    case 'media':
      return '';
  }
}

/** Both as one segment, where they are of one kind of writing; else undefined. */
export function joined(first: Segment, next: Segment): Segment | undefined {
  if (first.type === 'text' && next.type === 'text') return { type: 'text', text: first.text + next.text };
  if (first.type === 'markdown' && next.type === 'markdown') {
    return { type: 'markdown', markdown: first.markdown + next.markdown };
  }
  return undefined;
}
