/** Attachments as media segments. Source: Bot API v2 "消息事件", object Attachment; its addresses are signed and soon over. */
import type { MediaKind, Segment } from '../../model/message.js';
import { oneLine } from '../one-line.js';
import { type Fields, objectsIn, shortened, textIn } from './wire-fields.js';

const MAX_ATTACHMENTS = 50;
const MAX_URL_CHARS = 4096;
const MAX_FILE_NAME_CHARS = 255;
const MAX_TRANSCRIPT_CHARS = 10_000;

type Media = Extract<Segment, { type: 'media' }>;

const NONE = { media: [], unread: [] } as const;

/** What could be read, and a name for everything that could not. */
export function readAttachments(attachments: unknown): {
  readonly media: readonly Media[];
  readonly unread: readonly string[];
} {
  if (!Array.isArray(attachments)) return NONE;
  const media: Media[] = [];
  const unread: string[] = [];
  for (const attachment of objectsIn(attachments, MAX_ATTACHMENTS)) {
    const read = mediaOf(attachment);
    if (read === undefined) unread.push(oneLine(textIn(attachment.content_type) ?? '附件', 60) || '附件');
    else media.push(read);
  }
  const others = attachments.length - media.length - unread.length;
  return { media, unread: others > 0 ? [...unread, `另有 ${others} 个附件`] : unread };
}

function mediaOf(attachment: Fields): Media | undefined {
  const kind = kindOf(textIn(attachment.content_type) ?? '');
  // The raw voice is SILK or AMR, which nobody else plays.
  const url = (kind === 'voice' ? addressOf(attachment.voice_wav_url) : undefined) ?? addressOf(attachment.url);
  if (url === undefined) return undefined;
  const name = oneLine((textIn(attachment.filename) ?? '').replace(/[/\\]/g, '_'), MAX_FILE_NAME_CHARS);
  const { size } = attachment;
  const transcript = kind === 'voice' ? (textIn(attachment.asr_refer_text)?.trim() ?? '') : '';
  return {
    type: 'media',
    kind,
    url,
    ...(name === '' ? {} : { name }),
    ...(typeof size === 'number' && Number.isSafeInteger(size) && size >= 0 ? { size } : {}),
    ...(transcript === '' ? {} : { transcript: shortened(transcript, MAX_TRANSCRIPT_CHARS) }),
  };
}

function kindOf(contentType: string): MediaKind {
  if (contentType === 'voice' || contentType.startsWith('audio/')) return 'voice';
  if (contentType.startsWith('image/')) return 'image';
  return contentType.startsWith('video/') ? 'video' : 'file';
}

/** An http(s) address; one without a scheme is meant to have `https`. */
function addressOf(url: unknown): string | undefined {
  const told = textIn(url)?.trim();
  if (told === undefined || told.length > MAX_URL_CHARS || /[\p{C}\s]/u.test(told)) return undefined;
  const whole = /^[a-z][a-z0-9+.-]*:\/\//i.test(told) ? told : `https://${told.replace(/^\/+/, '')}`;
  if (!URL.canParse(whole)) return undefined;
  const { protocol, username, password } = new URL(whole);
  return (protocol === 'https:' || protocol === 'http:') && username === '' && password === '' ? whole : undefined;
}

const SHOWN_KINDS: { readonly [K in MediaKind]: string } = {
  image: '图片',
  voice: '语音',
  video: '视频',
  file: '文件',
};

/** Media where only text can stand, as within a quote: `[图片]`, `[语音: 你好]`, `[文件: a.pdf]`. */
export function mediaInText({ kind, name, transcript }: Media): string {
  const more = kind === 'file' ? name : transcript;
  return more === undefined ? `[${SHOWN_KINDS[kind]}]` : `[${SHOWN_KINDS[kind]}: ${more}]`;
}
