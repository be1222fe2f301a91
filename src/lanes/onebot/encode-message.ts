/**
 * Our words → the segments of one message. What an implementation would leave out, fake or stumble over is put otherwise, with a warning,
 * or refused. It is always a list of segments: text goes out as it is, and a `[CQ:` in it stays text.
 */
import { plainText, type Segment } from '../../model/message.js';
import { type Dialect, fateOf, implementationLabel, standsAlone } from '../../protocol/onebot/implementations.js';
import type { WireSegment } from '../../protocol/onebot/wire.js';
import { type Content, encodeSegment } from './encode-segment.js';
import type { FileSource } from './file-source.js';
import { refusal } from './refusals.js';
import type { Sending } from './sending.js';

export interface EncodedMessage {
  readonly segments: readonly WireSegment[];
  /** What is seen differs from what was meant. */
  readonly warning?: string;
}

type Quote = Extract<Segment, { readonly type: 'quote' }>;

/**
 * As `encodeMessage` for text alone, which is the same for every implementation; undefined for anything else.
 * @throws DeliveryError for an empty message
 */
export function encodePlain(segments: readonly Segment[]): EncodedMessage | undefined {
  let text = '';
  for (const segment of segments) {
    if (segment.type !== 'text') return undefined;
    text += segment.text;
  }
  if (text.trim() === '') throw emptyMessage();
  return { segments: [textSegment(text)] };
}

const emptyMessage = () => refusal('message.empty', 'the message is empty', 'write something');

/** @throws DeliveryError for what cannot be sent: with a remedy, and before anything left. */
export async function encodeMessage(
  segments: readonly Segment[],
  kind: 'c2c' | 'group',
  dialect: Dialect,
  files: FileSource,
): Promise<EncodedMessage> {
  const warnings = new Set<string>();
  const sending: Sending = { kind, dialect, files, warn: (warning) => warnings.add(warning) };
  const quotes = segments.filter((segment) => segment.type === 'quote');
  const content = withMarkdown(
    segments.filter((segment) => segment.type !== 'quote'),
    sending,
  );
  const encoded: WireSegment[] = [];
  for (const segment of content) encoded.push(await encodeSegment(segment, sending));
  const arranged = withQuote(quotes, arrange(joinedText(encoded)), sending);
  const [...told] = warnings;
  return { segments: arranged, ...(told.length === 0 ? {} : { warning: told.join('; ') }) };
}

/** Markdown is a message of its own: what is written beside it becomes part of it, or it becomes text where nobody knows it. */
function withMarkdown(segments: readonly Content[], { dialect, kind, warn }: Sending): readonly Content[] {
  if (!segments.some(({ type }) => type === 'markdown')) return segments;
  if (fateOf(dialect, 'markdown') !== 'sent') {
    warn(`${implementationLabel(dialect)} knows no markdown: it is sent as text`);
    return segments.map((part) => (part.type === 'markdown' ? { type: 'text', text: part.markdown } : part));
  }
  if (segments.some(({ type }) => type === 'media' || type === 'native')) return segments;
  if (kind === 'group' && segments.some(({ type }) => type === 'mention')) {
    warn('nobody is notified by a name in markdown');
  }
  const markdown = segments.map((part) => (part.type === 'markdown' ? part.markdown : literal(plainText([part]))));
  return [{ type: 'markdown', markdown: markdown.join('') }];
}

/** Text that has to look like itself within markdown. */
function literal(text: string): string {
  return text.replace(/[\\`*_[\]~#|>!]/g, '\\$&');
}

function joinedText(segments: readonly WireSegment[]): readonly WireSegment[] {
  const joined: WireSegment[] = [];
  for (const segment of segments) {
    const last = joined.at(-1);
    if (segment.type !== 'text' || last?.type !== 'text') joined.push(segment);
    else joined.splice(-1, 1, textSegment(`${last.data.text}${segment.data.text}`));
  }
  return joined;
}

const textSegment = (text: string): WireSegment => ({ type: 'text', data: { text } });

const isBlank = ({ type, data }: WireSegment) => type === 'text' && String(data.text).trim() === '';

/** @throws DeliveryError for an empty message, and when something that must be alone is not. */
function arrange(segments: readonly WireSegment[]): readonly WireSegment[] {
  const content = segments.filter((segment) => !isBlank(segment));
  if (content.length === 0) throw emptyMessage();
  const alone = content.find(({ type }) => standsAlone(type));
  if (alone !== undefined && content.length > 1) {
    throw refusal(
      'message.segments_mixed',
      `QQ takes a \`${alone.type}\` only as a message of its own`,
      'send it and the rest as messages of their own',
    );
  }
  const nodes = content.filter(({ type }) => type === 'node');
  if (nodes.length > 0 && nodes.length < content.length) {
    throw refusal(
      'message.segments_mixed',
      'a message with a `node` may hold nothing else',
      'put the rest into nodes, or send it as a message of its own',
    );
  }
  return alone === undefined && nodes.length === 0 ? segments : content;
}

/** A quote stands first; beside what must be alone it cannot stand at all. */
function withQuote(
  quotes: readonly Quote[],
  content: readonly WireSegment[],
  { dialect, warn }: Sending,
): readonly WireSegment[] {
  const [quote, ...more] = quotes;
  if (quote === undefined) return content;
  if (more.length > 0) throw refusal('message.quotes', 'a message can quote only one other message', 'quote one');
  const alone = content.find(({ type }) => standsAlone(type) || type === 'node');
  if (alone !== undefined) {
    warn(`it is sent without the quote, for QQ takes a \`${alone.type}\` only as a message of its own`);
    return content;
  }
  return [{ type: 'reply', data: { id: wireMessageId(quote.message, dialect) } }, ...content];
}

/** Behind the dot stands what tells two messages of one number apart. An id that nobody knows would be left out without a word. */
function wireMessageId(id: string, dialect: Dialect): string {
  const [wire = ''] = id.split('.', 1);
  if (dialect === 'other' ? wire !== '' : /^-?\d{1,20}$/.test(wire)) return wire;
  throw refusal(
    'message.quote_malformed',
    'the quoted message has an id that no message of OneBot has',
    'copy the id from the event of the message',
  );
}
