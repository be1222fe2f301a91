/** A message in as many parts as the platform needs: what fits into one stays as it is, long text is cut. */
import { plainText, type Segment } from '../model/message.js';
import { chunkText } from './text-chunks.js';

/** The parts grow to so many characters when there are more of them than places to reply. */
const GROWN_LIMIT = 5000;

export interface Cutting {
  /** Characters (code points) of one part. */
  readonly limit: number;
  readonly mode: 'length' | 'newline';
}

/**
 * The parts of a message, in order, at least one. A quote belongs to the first; code fences are whole in each.
 * `places`: how many replies are there for it; with fewer than parts they grow to 5,000 characters. What still does not
 * fit is the business of delivery.
 */
export function partsOf(
  segments: readonly Segment[],
  cutting: Cutting | undefined,
  places = Number.POSITIVE_INFINITY,
): readonly [readonly Segment[], ...(readonly Segment[])[]] {
  if (cutting === undefined || plainText(segments).length <= cutting.limit) return [segments];
  const content = joined(segments.filter((segment) => segment.type !== 'quote'));
  const usual = cut(content, cutting);
  const isGrown = usual.length > places && cutting.limit < GROWN_LIMIT;
  const [first = [], ...rest] = isGrown ? cut(content, { ...cutting, limit: GROWN_LIMIT }) : usual;
  return [[...segments.filter((segment) => segment.type === 'quote'), ...first], ...rest];
}

/** Text that came in pieces is one text. */
function joined(segments: readonly Segment[]): readonly Segment[] {
  const whole: Segment[] = [];
  for (const segment of segments) {
    const last = whole.at(-1);
    if (segment.type === 'text' && last?.type === 'text') {
      whole[whole.length - 1] = { type: 'text', text: last.text + segment.text };
    } else if (segment.type === 'markdown' && last?.type === 'markdown') {
      whole[whole.length - 1] = { type: 'markdown', markdown: last.markdown + segment.markdown };
    } else whole.push(segment);
  }
  return whole;
}

/** Fills one part after the other. */
function cut(segments: readonly Segment[], { limit, mode }: Cutting): readonly (readonly Segment[])[] {
  const parts: Segment[][] = [[]];
  let used = 0;
  const add = (segment: Segment, size: number) => {
    parts.at(-1)?.push(segment);
    used += size;
  };
  const begin = () => {
    if (parts.at(-1)?.length !== 0) parts.push([]);
    used = 0;
  };
  for (const segment of segments) {
    const size = characters(plainText([segment]));
    if (used + size <= limit) {
      add(segment, size);
      continue;
    }
    // What is left of a part is used when it is worth it; then all pieces are so small.
    if (used > limit / 2) begin();
    for (const [i, piece] of pieces(segment, limit - used, mode).entries()) {
      if (i > 0) begin();
      add(piece, characters(plainText([piece])));
    }
  }
  return parts.filter((part) => part.some((segment) => segment.type === 'media') || plainText(part).trim() !== '');
}

function pieces(segment: Segment, limit: number, mode: Cutting['mode']): readonly Segment[] {
  if (segment.type === 'text') return chunkText(segment.text, { limit, mode }).map((text) => ({ type: 'text', text }));
  if (segment.type !== 'markdown') return [segment];
  return chunkText(segment.markdown, { limit, mode }).map((markdown) => ({ type: 'markdown', markdown }));
}

function characters(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}
