/**
 * What stands within the text of a message: mentions and faces. Sources: Bot API v2 "消息事件" (`<@openid>`, `<faceType=…>`) and, for guilds,
 * "消息内嵌格式" (`<@!id>`, `<emoji:id>`, `&amp; &lt; &gt;` for what was typed).
 */
import type { Segment } from '../../model/message.js';
import type { PeerId } from '../../model/target.js';
import { oneLine } from '../one-line.js';
import type { Mentions } from './mentions.js';
import { fields, isOpenid, textIn } from './wire-fields.js';

/** C2C and groups write openids and faces, guilds numbers, and escape what people typed. */
export type InlineForm = 'openid' | 'guild';

/** No class of them can match the `<` of the next one, so that reading is linear whatever is sent. */
const INLINE: { readonly [F in InlineForm]: RegExp } = {
  openid:
    /<@!?(?<id>[\w.!=+*~-]{1,128})>|<faceType=\d{1,6},faceId="[^"<>]*",ext="(?<ext>[^"<>]*)">|(?<all>@everyone|@全体成员)/g,
  guild: /<@!?(?<id>[\w.!=+*~-]{1,128})>|<emoji:(?<emoji>\d{1,20})>|(?<all>@everyone)/g,
};
/** What an openid usually looks like: such a mention is one even when `mentions` does not list it. */
const USUAL_OPENID = /^[0-9A-F]{32}$/;
const MAX_INLINE = 500;
const MAX_EXT_CHARS = 4096;
const MAX_FACE_CHARS = 32;
const NAMELESS_FACE = '[表情]';

/** Text and mentions in their order, the bot's own mention left out, without blanks at either end. */
export function readInline(content: string, form: InlineForm, mentions: Mentions): readonly Segment[] {
  if (!mentions.everyone && !/[<@&]/.test(content)) return plain(content);
  const segments: Segment[] = [];
  const literal = form === 'guild' ? unescaped : (text: string) => text;
  let text = '';
  let read = 0;
  let found = 0;
  let owesEveryone = mentions.everyone;
  const mention = (segment: Segment) => {
    if (text !== '') segments.push({ type: 'text', text });
    text = '';
    segments.push(segment);
  };
  for (const match of content.matchAll(INLINE[form])) {
    if (++found > MAX_INLINE) break; // the rest stays as it was written
    text += literal(content.slice(read, match.index));
    read = match.index + match[0].length;
    const { id, ext, emoji, all } = match.groups ?? {};
    if (ext !== undefined) text += faceText(ext);
    else if (emoji !== undefined) text += `[表情:${emoji}]`;
    else if (all !== undefined && owesEveryone) {
      owesEveryone = false;
      mention({ type: 'mention', peer: 'all' });
    } else if (id !== undefined && mentions.own.has(id)) continue;
    else if (id !== undefined && isMention(id, form, mentions)) mention(mentionOf(id, mentions));
    else text += literal(match[0]);
  }
  text += literal(content.slice(read));
  if (text !== '') segments.push({ type: 'text', text });
  if (owesEveryone) segments.unshift({ type: 'mention', peer: 'all' });
  return trimmed(segments);
}

/** Nothing stands in it but what was typed: nearly every message. */
function plain(content: string): readonly Segment[] {
  const text = content.trim();
  return text === '' ? [] : [{ type: 'text', text }];
}

/** Whatever is listed; in a guild also what is not, for there nobody can type a `<`. */
function isMention(id: string, form: InlineForm, { names }: Mentions): id is PeerId {
  return isOpenid(id) && (form === 'guild' || names.has(id) || USUAL_OPENID.test(id));
}

function mentionOf(peer: PeerId, { names }: Mentions): Segment {
  const name = names.get(peer) ?? '';
  return { type: 'mention', peer, ...(name === '' ? {} : { name }) };
}

/** `ext` is base64 of `{"text":"微笑"}`. */
function faceText(ext: string): string {
  if (ext.length > MAX_EXT_CHARS) return NAMELESS_FACE;
  try {
    const told = textIn(fields(JSON.parse(Buffer.from(ext, 'base64').toString('utf8')))?.text) ?? '';
    const name = oneLine(told.replace(/[[\]<>]/g, '').replace(/^\//, ''), MAX_FACE_CHARS);
    return name === '' ? NAMELESS_FACE : `[${name}]`;
  } catch {
    return NAMELESS_FACE;
  }
}

const ESCAPED: { readonly [name: string]: string } = { amp: '&', lt: '<', gt: '>' };

function unescaped(text: string): string {
  return text.replace(/&(amp|lt|gt);/g, (whole, name: string) => ESCAPED[name] ?? whole);
}

function trimmed(segments: readonly Segment[]): readonly Segment[] {
  return segments
    .map((segment, at) => {
      if (segment.type !== 'text') return segment;
      const start = at === 0 ? segment.text.trimStart() : segment.text;
      return { ...segment, text: at === segments.length - 1 ? start.trimEnd() : start };
    })
    .filter((segment) => segment.type !== 'text' || segment.text !== '');
}
