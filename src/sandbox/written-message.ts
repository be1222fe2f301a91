/** A message as its writer meant it, before it takes the form of any event: text, faces, mentions, attachments, a quote, a card. */
import { randomBytes } from 'node:crypto';
import type { SaidAttachment } from './say.js';

export interface Written {
  readonly id: string;
  /** Messages in a guild have none. */
  readonly refIdx?: string;
  readonly text: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly author: Author;
  /** The bot, where it is @-ed. */
  readonly botMention?: Mentioned;
  readonly mentions: readonly Mentioned[];
  readonly everyone: boolean;
  readonly faces: readonly Face[];
  readonly attachments: readonly WireAttachment[];
  readonly quote?: QuotedMessage;
  readonly ark?: { readonly prompt: string };
  readonly records?: readonly string[];
}

/** `id` is the writer's in this place: the user's openid, the member's openid, or the user's id in guilds. */
export interface Author {
  readonly id: string;
  readonly name: string;
  readonly bot: boolean;
}

/** `id` as of an author. */
export type Mentioned = Author;

export interface Face {
  readonly id: string;
  readonly text: string;
}

export interface QuotedMessage {
  readonly id: string;
  readonly refIdx?: string;
  readonly text: string;
  readonly attachments: readonly WireAttachment[];
}

export type WireAttachment = SaidAttachment & { readonly url: string; readonly filename: string };

/** Numbers of `message_type`. Source: Bot API v2 "消息事件". */
const TYPE = { text: 0, ark: 3, chatRecord: 102, quote: 103 } as const;

export function messageType({ ark, records, quote }: Written): number {
  if (ark !== undefined) return TYPE.ark;
  if (records !== undefined) return TYPE.chatRecord;
  return quote === undefined ? TYPE.text : TYPE.quote;
}

/** What stands in `content` of C2C and of groups, but for mentions. */
export function textWithFaces({ text, faces, records = [] }: Written): string {
  const record = records.map((line, index) => `=== 消息 ${index + 1} ===\n${line}`).join('\n');
  const whole = [text, record].filter((part) => part !== '').join('\n');
  return whole + faces.map(inlineFace).join('');
}

function inlineFace({ id, text }: Face): string {
  const ext = Buffer.from(JSON.stringify({ text })).toString('base64');
  return `<faceType=1,faceId="${id}",ext="${ext}">`;
}

const ENDINGS: { readonly [contentType: string]: string } = {
  'image/jpeg': 'jpg',
  'image/png': 'png',
  'image/gif': 'gif',
  'video/mp4': 'mp4',
  voice: 'amr',
};
/** Like the platform's address, but with an end that no resolver knows: nobody is called by mistake. */
const MEDIA = 'https://multimedia.nt.qq.com.invalid/download';

/** Fills in what the tester left out. */
export function wireAttachment(said: SaidAttachment): WireAttachment {
  const file = randomBytes(8).toString('hex');
  const isSeen = said.content_type.startsWith('image/') || said.content_type.startsWith('video/');
  return {
    url: `${MEDIA}?appid=1406&fileid=${file}&rkey=sandbox`,
    filename: `${file}.${ENDINGS[said.content_type] ?? 'bin'}`,
    size: 120_034,
    ...(isSeen ? { width: 800, height: 600 } : {}),
    ...(said.content_type === 'voice' ? { voice_wav_url: `${MEDIA}?appid=1406&fileid=${file}_wav&rkey=sandbox` } : {}),
    ...said,
  };
}
