/** What a message holds, as segments. Nothing gets lost: what has no word of ours is kept as `native`, with words that stand for it. */
import { type MediaKind, plainText, type Segment } from '../../model/message.js';
import { parseCqCode } from '../../protocol/onebot/cq-code.js';
import { oneLine } from '../one-line.js';
import { recordLines } from './chat-record.js';
import { keptData } from './kept-data.js';
import { nativeWords, unsupportedWords } from './native-words.js';
import { type Fields, fields, messageIdIn, numberIn, peerIn, shortened, textIn, wordIn } from './wire-fields.js';

const MAX_SEGMENTS = 1000;
const MAX_NAME_CHARS = 64;
const MAX_QUOTE_CHARS = 4000;
/** Chat records within chat records. */
const MAX_RECORD_DEPTH = 3;
const TYPE = /^[\w.-]{1,64}$/;

const MEDIA: { readonly [type: string]: MediaKind } = { image: 'image', record: 'voice', video: 'video', file: 'file' };
const SHOWN_MEDIA: { readonly [K in MediaKind]: string } = {
  image: '[图片]',
  voice: '[语音]',
  video: '[视频]',
  file: '[文件]',
};

export interface Content {
  readonly segments: readonly Segment[];
  /** Whether the account itself is @-ed; @ of everybody does not count. */
  readonly mentionsSelf: boolean;
}

/** `message`: a list of segments, one segment alone, or text with codes; undefined for anything else. */
export function decodeSegments(message: unknown, selfId: string): Content | undefined {
  const wire = wireSegments(message);
  return wire === undefined ? undefined : read(wire, selfId, 0);
}

function wireSegments(message: unknown): readonly unknown[] | undefined {
  if (typeof message === 'string') return parseCqCode(message);
  if (Array.isArray(message)) return message;
  return fields(message) === undefined ? undefined : [message];
}

function read(wire: readonly unknown[], selfId: string, depth: number): Content {
  const segments: Segment[] = [];
  let text = '';
  let mentionsSelf = false;
  const add = (segment: Segment) => {
    if (text !== '') segments.push({ type: 'text', text });
    text = '';
    segments.push(segment);
  };
  for (const entry of wire.length > MAX_SEGMENTS ? wire.slice(0, MAX_SEGMENTS) : wire) {
    const part = fields(entry);
    const data = fields(part?.data) ?? {};
    const type = part?.type;
    if (type === 'text') text += wordIn(data.text) ?? '';
    else if (type === 'at' && wordIn(data.qq) === selfId) mentionsSelf = true;
    else add(segmentOf(type, data, depth));
  }
  const more = wire.length - MAX_SEGMENTS;
  if (more > 0) text += unsupportedWords(`另有 ${more} 段`);
  if (text !== '') segments.push({ type: 'text', text });
  return { segments: trimmed(segments), mentionsSelf };
}

function segmentOf(type: unknown, data: Fields, depth: number): Segment {
  if (typeof type !== 'string' || !TYPE.test(type))
    return native('unknown', data, unsupportedWords(wordIn(type) ?? ''));
  switch (type) {
    case 'at':
      return mentionOf(data);
    case 'reply':
      return quoteOf(data);
    case 'image':
      return isMarketFace(data) ? native('mface', data) : mediaOf(type, data);
    case 'record':
    case 'video':
    case 'file':
      return mediaOf(type, data);
    case 'markdown':
      return textIn(data.content) === undefined
        ? native(type, data, unsupportedWords(type))
        : { type: 'markdown', markdown: String(data.content) };
    case 'forward':
    case 'node':
      return recordOf(type, data, depth);
    default:
      return native(type, data);
  }
}

function native(kind: string, data: Fields, text = nativeWords(kind, data)): Segment {
  return { type: 'native', channel: 'onebot', kind, data: keptData(withoutRaw(data)), text };
}

/** NapCat's `raw` is the object of QQ itself: long, and of use to nobody. */
function withoutRaw({ raw, ...data }: Fields): Fields {
  return data;
}

function mentionOf(data: Fields): Segment {
  const peer = wordIn(data.qq) === 'all' ? 'all' : peerIn(data.qq);
  const name = oneLine((textIn(data.name) ?? '').replace(/^@/, ''), MAX_NAME_CHARS);
  if (peer === undefined) return native('at', data, `@${name || oneLine(wordIn(data.qq) ?? '?', MAX_NAME_CHARS)}`);
  return { type: 'mention', peer, ...(name === '' || peer === 'all' ? {} : { name }) };
}

/** go-cqhttp also knows quotes made up by hand, which have a text and no id. */
function quoteOf(data: Fields): Segment {
  const message = messageIdIn(data.id);
  if (message === undefined) return native('reply', data);
  const text = shortened((textIn(data.text) ?? '').trim(), MAX_QUOTE_CHARS);
  return { type: 'quote', message, ...(text === '' ? {} : { text }) };
}

/** A sticker of the shop comes as an image that names where it is from. */
function isMarketFace({ key, emoji_id: id, emoji_package_id: set }: Fields): boolean {
  return wordIn(id) !== undefined && (textIn(key) !== undefined || wordIn(set) !== undefined);
}

function mediaOf(type: string, data: Fields): Segment {
  const kind = MEDIA[type] ?? 'file';
  const url = addressIn(data.url) ?? addressIn(data.file);
  if (url === undefined) return native(type, data);
  const name = fileName(data.name) ?? fileName(data.file);
  const size = numberIn(data.file_size ?? data.size);
  return {
    type: 'media',
    kind,
    url,
    ...(name === undefined ? {} : { name }),
    ...(size === undefined || !Number.isSafeInteger(size) || size < 0 ? {} : { size }),
  };
}

const MAX_URL_CHARS = 4096;
const MAX_FILE_NAME_CHARS = 255;

/** Only what can be fetched from anywhere: paths are of the implementation's machine, and must never be taken for ours. */
function addressIn(value: unknown): string | undefined {
  const told = textIn(value)?.trim();
  if (told === undefined || told.length > MAX_URL_CHARS || !/^https?:\/\/[^\p{C}\s]+$/iu.test(told)) return undefined;
  return URL.canParse(told) ? told : undefined;
}

/** A name without a path, on one line; undefined where an address stands in its place. */
export function fileName(value: unknown): string | undefined {
  const told = textIn(value);
  if (told === undefined || told.length > MAX_URL_CHARS || told.includes('://')) return undefined;
  return oneLine(told.replace(/[/\\]/g, '_'), MAX_FILE_NAME_CHARS) || undefined;
}

/** Its id suffices to fetch it; what came along is told in words. */
function recordOf(type: string, data: Fields, depth: number): Segment {
  const { content, ...rest } = data;
  const lines =
    depth < MAX_RECORD_DEPTH
      ? recordLines(type === 'node' ? [data] : content, (message) => recordText(message, depth + 1))
      : '';
  return native(type, type === 'node' ? data : rest, lines === '' ? undefined : `[聊天记录]\n${lines}`);
}

/** Within a record everything is text; nobody is addressed there. */
function recordText(message: unknown, depth: number): string {
  const wire = wireSegments(message);
  if (wire === undefined) return '';
  const { segments } = read(wire, '', depth);
  return segments.map((part) => (part.type === 'media' ? SHOWN_MEDIA[part.kind] : plainText([part]))).join('');
}

/** Blanks stand where the mention of the account was, and behind a quote. */
function trimmed(segments: readonly Segment[]): readonly Segment[] {
  const [only] = segments;
  if (segments.length === 1 && only?.type === 'text') {
    const text = only.text.trim();
    return text === '' ? [] : [{ type: 'text', text }];
  }
  const first = segments.findIndex(({ type }) => type !== 'quote');
  const last = segments.length - 1;
  return segments
    .map((segment, at) => {
      if (segment.type !== 'text') return segment;
      const start = at === first ? segment.text.trimStart() : segment.text;
      return { ...segment, text: at === last ? start.trimEnd() : start };
    })
    .filter((segment) => segment.type !== 'text' || segment.text !== '');
}
