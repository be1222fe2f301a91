/** What a message holds, as segments: the quote, the text, cards and chat records as text, then media. What we cannot read leaves a trace. */
import { plainText, type Segment } from '../../model/message.js';
import type { PeerId } from '../../model/target.js';
import { mediaInText, readAttachments } from './attachments.js';
import { type InlineForm, readInline } from './inline-text.js';
import type { Mentions } from './mentions.js';
import { type Fields, fields, isMessageId, isOpenid, objectsIn, shortened, textIn } from './wire-fields.js';

/** Numbers of `message_type`. Source: Bot API v2 "消息事件". */
const TYPE = { text: 0, parallel: 101, chatRecord: 102, quote: 103 } as const;
const MAX_EXT_ENTRIES = 50;
const MAX_ELEMENTS = 100;
const MAX_ELEMENT_DEPTH = 3;
const MAX_QUOTE_CHARS = 4000;
const MAX_CARD_CHARS = 1000;
const MAX_RECORD_CHARS = 20_000;
const MAX_EMBEDS = 10;

/** `content` is that of `d`, known to be text. */
export function decodeContent(d: Fields, content: string, form: InlineForm, mentions: Mentions): readonly Segment[] {
  const elements = objectsIn(d.msg_elements, MAX_ELEMENTS);
  const quoted = quotedElement(d, elements);
  const { media, unread } = readAttachments(d.attachments);
  const text = readInline(content, form, mentions);
  const lines = [
    ...(text.length === 0 && holdsRecords(d) ? recordLines(elements, form, mentions) : []),
    ...cardLines(d),
    ...unread.map(unsupported),
  ];
  const segments = [
    ...quoteOf(d, quoted, form, mentions),
    ...text,
    ...(lines.length === 0
      ? []
      : [{ type: 'text', text: `${text.length === 0 ? '' : '\n'}${lines.join('\n')}` } as const]),
    ...media,
  ];
  return segments.length === 0 ? traceOf(d) : segments;
}

const unsupported = (what: string): string => `[不支持的内容: ${what}]`;

/** A message of a kind that we do not know is no empty message. */
function traceOf({ message_type: type }: Fields): readonly Segment[] {
  if (typeof type !== 'number' || type === TYPE.text) return [];
  return [{ type: 'text', text: unsupported(`message_type ${type}`) }];
}

/** C2C and groups name the quoted message in `message_scene.ext` and send it along; guilds only name it. */
function quoteOf(d: Fields, quoted: Fields | undefined, form: InlineForm, mentions: Mentions): readonly Segment[] {
  const message = quotedReference(d) ?? quoted?.msg_idx;
  const text = quoted === undefined ? '' : shortened(elementText(quoted, form, mentions, 1), MAX_QUOTE_CHARS);
  if (isMessageId(message)) {
    const by = quoted === undefined ? undefined : authorOf(quoted);
    return [{ type: 'quote', message, ...(text === '' ? {} : { text }), ...(by === undefined ? {} : { by }) }];
  }
  // Nothing to point at: what was quoted is still worth reading.
  return text === '' ? [] : [{ type: 'native', channel: 'qqbot', kind: 'quote', data: {}, text: `[引用: ${text}]\n` }];
}

/** Whoever wrote an element, by the id that they have there. */
function authorOf(element: Fields): PeerId | undefined {
  const author = fields(element.author);
  return [author?.member_openid, author?.user_openid, author?.id].find(isOpenid);
}

function quotedReference(d: Fields): string | undefined {
  const inGuild = fields(d.message_reference)?.message_id;
  if (isMessageId(inGuild)) return inGuild;
  const ext = fields(d.message_scene)?.ext;
  if (!Array.isArray(ext)) return undefined;
  const prefix = 'ref_msg_idx='; // the value itself ends in `=`
  const entry = ext.slice(0, MAX_EXT_ENTRIES).find((line) => typeof line === 'string' && line.startsWith(prefix));
  const reference = typeof entry === 'string' ? entry.slice(prefix.length) : undefined;
  return isMessageId(reference) ? reference : undefined;
}

/** The first element of a quote is what it quotes. */
function quotedElement(d: Fields, elements: readonly Fields[]): Fields | undefined {
  const reference = quotedReference(d);
  if (reference === undefined) return d.message_type === TYPE.quote ? elements[0] : undefined;
  return elements.find(({ msg_idx }) => msg_idx === reference) ?? elements[0];
}

function holdsRecords({ message_type: type }: Fields): boolean {
  return type === TYPE.chatRecord || type === TYPE.parallel;
}

/** Records usually come as text already, with these same lines between them. */
function recordLines(elements: readonly Fields[], form: InlineForm, mentions: Mentions): readonly string[] {
  if (elements.length === 0) return [];
  const records = elements.map((element, n) => `=== 消息 ${n + 1} ===\n${elementText(element, form, mentions, 1)}`);
  return [shortened(records.join('\n'), MAX_RECORD_CHARS)];
}

/** An element has the parts of a message; here they all become text. */
function elementText(element: Fields, form: InlineForm, mentions: Mentions, depth: number): string {
  const content = typeof element.content === 'string' ? shortened(element.content, MAX_RECORD_CHARS) : '';
  const { media, unread } = readAttachments(element.attachments);
  const inner =
    content === '' && depth < MAX_ELEMENT_DEPTH
      ? objectsIn(element.msg_elements, MAX_ELEMENTS).map((child) => elementText(child, form, mentions, depth + 1))
      : [];
  const parts = [
    plainText(readInline(content, form, { ...mentions, own: NOBODY, everyone: false })),
    ...inner,
    ...cardLines(element),
    ...media.map(mediaInText),
    ...unread.map(unsupported),
  ];
  return parts.filter((part) => part !== '').join('\n');
}

const NOBODY: ReadonlySet<string> = new Set();

/** Cards show one line of themselves where they are not drawn: `prompt`. */
function cardLines(d: Fields): readonly string[] {
  const cards = [fields(d.ark_data), fields(d.ark)].flatMap((card) =>
    card === undefined ? [] : [cardLine(card, 'ark')],
  );
  const embeds = objectsIn(d.embeds, MAX_EMBEDS).map((embed) => cardLine(embed, 'embed'));
  return [...cards, ...embeds];
}

function cardLine({ prompt, title }: Fields, kind: string): string {
  const told = (textIn(prompt) ?? textIn(title) ?? '').trim();
  return told === '' ? unsupported(kind) : shortened(told, MAX_CARD_CHARS);
}
