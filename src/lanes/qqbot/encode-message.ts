/**
 * Our words → the Bot API's bodies. Sources: Bot API v2 pages "发送消息" (C2C and group), "发送子频道消息" and "消息内嵌格式".
 * What a person or a model wrote addresses nobody: only a mention segment does. In text and in markdown alike the `<` of `<@…>` and
 * `<qqbot-…>` becomes `＜`, and outside C2C the `@` of `@everyone` becomes `＠` (full-width signs: everybody sees what was changed, and no
 * clean-up of invisible characters undoes it). The content of guilds is escaped as its page asks: `&amp; &lt; &gt;`.
 */
import { DeliveryError } from '../../model/errors.js';
import { plainText, type Segment } from '../../model/message.js';
import { isPeerId, type TargetKind } from '../../model/target.js';
import type { Delivery } from '../lane.js';
import type { JsonObject } from './exchange.js';
import { madePlainer } from './plainer-form.js';

const MSG_TYPE = { text: 0, markdown: 2 } as const;

/** Of the content of guilds. */
export const ESCAPES = { '&': '&amp;', '<': '&lt;', '>': '&gt;' } as const;

/** What has to be escaped to look like itself within markdown. */
export const MARKDOWN_SIGNS = '\\`*_[]~#|>!';
const MARKDOWN_SIGN = new RegExp(`[${MARKDOWN_SIGNS.replace(/[\\\]]/g, '\\$&')}]`, 'g');

const PATHS: { readonly [K in TargetKind]: (peer: string) => string } = {
  c2c: (peer) => `/v2/users/${peer}/messages`,
  group: (peer) => `/v2/groups/${peer}/messages`,
  channel: (peer) => `/channels/${peer}/messages`,
  dm: (peer) => `/dms/${peer}/messages`,
};

export interface EncodedMessage {
  readonly path: string;
  readonly body: JsonObject;
}

/** Nothing but dots is read as "this folder" or "the one above" in a path, also when it is percent-encoded. */
export function isAddressable(peer: string): boolean {
  return !/^\.*$/.test(peer);
}

/**
 * One markdown segment makes the whole message markdown; the text beside it stands there literally. Guild bodies have neither a
 * `msg_type` nor a `msg_seq`.
 * @throws DeliveryError for a peer that no path can name, for media, and for a second quote.
 */
export function encodeMessage({ target, segments: written, passive, plainer = {} }: Delivery): EncodedMessage {
  if (!isAddressable(target.peer))
    throw refused('platform.peer_malformed', 'the conversation id consists of dots alone');
  const { kind } = target;
  const guild = kind === 'channel' || kind === 'dm';
  const segments = madePlainer(written, plainer);
  const quotes = segments.filter((segment) => segment.type === 'quote');
  if (quotes.length > 1) throw refused('message.quotes', 'a message can quote only one other message');
  const [quote] = quotes;
  const markdown = segments.some((segment) => segment.type === 'markdown');
  const content = encodeWriting(segments, kind, markdown);
  return {
    path: PATHS[kind](encodeURIComponent(target.peer)),
    body: {
      ...(markdown ? { markdown: { content } } : { content }),
      ...(guild ? {} : { msg_type: markdown ? MSG_TYPE.markdown : MSG_TYPE.text }),
      ...(quote === undefined
        ? {}
        : { message_reference: { message_id: quote.message, ignore_get_message_error: true } }),
      ...(passive === undefined
        ? {}
        : { [passive.token.kind]: passive.token.value, ...(guild ? {} : { msg_seq: passive.seq }) }),
    },
  };
}

/** What somebody wrote is made harmless as a whole, so that no two segments make a markup together. */
function encodeWriting(segments: readonly Segment[], kind: TargetKind, markdown: boolean): string {
  let encoded = '';
  let literal = '';
  for (const segment of segments) {
    const markup = mentionMarkup(segment, kind);
    if (markup === undefined) {
      literal += literalOf(segment, markdown);
    } else {
      encoded += harmless(literal, kind, markdown) + markup;
      literal = '';
    }
  }
  return encoded + harmless(literal, kind, markdown);
}

/** Members can be addressed in groups and channels, everyone in channels alone; who writes to one person names people in plain words. */
export function mentionMarkup(segment: Segment, kind: TargetKind): string | undefined {
  if (segment.type !== 'mention' || (kind !== 'group' && kind !== 'channel')) return undefined;
  if (segment.peer === 'all') return kind === 'channel' ? '<qqbot-at-everyone />' : undefined;
  return isPeerId(segment.peer) ? `<qqbot-at-user id="${segment.peer}" />` : undefined;
}

function literalOf(segment: Segment, markdown: boolean): string {
  switch (segment.type) {
    case 'markdown':
      return segment.markdown;
    case 'text':
    case 'mention':
      return markdown ? asMarkdown(plainText([segment])) : plainText([segment]);
    case 'quote':
      return '';
    case 'native':
      throw refused(
        'message.native_unsupported',
        `the message holds a \`${segment.kind}\` of ${segment.channel}, which cannot be sent here`,
        'send it as text',
      );
    case 'media':
      throw refused(
        'message.media_unsupported',
        `the message holds media (${segment.kind}), which cannot be sent`,
        'media sending is not part of this version: send its address as text',
      );
  }
}

function harmless(literal: string, kind: TargetKind, markdown: boolean): string {
  const guild = kind === 'channel' || kind === 'dm';
  const text = guild && !markdown ? escaped(literal) : withoutMarkup(literal);
  return kind === 'c2c' ? text : text.replace(/@(?=\p{Cf}*everyone)/giu, '＠');
}

function escaped(text: string): string {
  return text.replace(/[&<>]/g, (sign) => ESCAPES[sign as keyof typeof ESCAPES]);
}

function withoutMarkup(text: string): string {
  return text.replace(/<(?=[\s\p{Cf}/]*(?:@|qqbot))/giu, '＜');
}

/** Text that has to look like itself within markdown. */
function asMarkdown(text: string): string {
  return text.replace(MARKDOWN_SIGN, '\\$&');
}

function refused(code: string, message: string, remedy?: string): DeliveryError {
  return new DeliveryError(code, message, { failure: 'refused', certainty: 'not-delivered', remedy });
}
