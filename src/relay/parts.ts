/** A message in as many parts as the platform needs: what fits into one stays as it is, long text is cut. */
import type { EncodedSizes } from '../lanes/lane.js';
import { joined, plainText, type Segment } from '../model/message.js';
import type { TargetKind } from '../model/target.js';
import { chunkText } from './text-chunks.js';
import { sizeOf, weighAlike } from './text-size.js';

/** The parts grow to so many characters when there are more of them than places to reply. */
const GROWN_LIMIT = 5000;
/** No character becomes more than so many on its way out. */
const WIDEST = 6;

export interface Cutting {
  /** Characters (code points) of one part, as the platform gets to see it. */
  readonly limit: number;
  readonly mode: 'length' | 'newline';
  /** How long things become on their way out; without it they stay as they are. `kind`: undefined where nobody knows it. */
  readonly sizes?: (kind: TargetKind | undefined, hasMarkdown: boolean) => EncodedSizes;
}

const UNCHANGED: EncodedSizes = {
  text: weighAlike,
  markdown: weighAlike,
  mention: (mention) => sizeOf(plainText([mention])),
};

/**
 * The parts of a message, in order, at least one. A quote belongs to the first; code fences are whole in each.
 * `places`: how many replies are there for it; with fewer than parts they grow to 5,000 characters. What still does not
 * fit is the business of delivery. `kind`: of the target; without it everything counts as where it becomes longest.
 */
export function partsOf(
  segments: readonly Segment[],
  cutting: Cutting | undefined,
  places = Number.POSITIVE_INFINITY,
  kind?: TargetKind,
): readonly [readonly Segment[], ...(readonly Segment[])[]] {
  if (cutting === undefined || isShort(segments, cutting.limit)) return [segments];
  const hasMarkdown = segments.some(({ type }) => type === 'markdown');
  const sizes = cutting.sizes?.(kind, hasMarkdown) ?? UNCHANGED;
  if (segments.reduce((sum, segment) => sum + encodedSize(segment, sizes), 0) <= cutting.limit) return [segments];
  const content = inOne(segments.filter((segment) => segment.type !== 'quote'));
  const usual = cut(content, cutting, sizes);
  const isGrown = usual.length > places && cutting.limit < GROWN_LIMIT;
  const [first = [], ...rest] = isGrown ? cut(content, { ...cutting, limit: GROWN_LIMIT }, sizes) : usual;
  return [[...segments.filter((segment) => segment.type === 'quote'), ...first], ...rest];
}

/** Whatever its signs become, it fits: mostly so, and much cheaper than to weigh them. */
function isShort(segments: readonly Segment[], limit: number): boolean {
  let size = 0;
  for (const segment of segments) {
    if (segment.type !== 'text') return false;
    size += segment.text.length * WIDEST;
  }
  return size <= limit;
}

/** Text that came in pieces is one text. */
function inOne(segments: readonly Segment[]): readonly Segment[] {
  const whole: Segment[] = [];
  for (const segment of segments) {
    const last = whole.at(-1);
    const longer = last === undefined ? undefined : joined(last, segment);
    if (longer === undefined) whole.push(segment);
    else whole[whole.length - 1] = longer;
  }
  return whole;
}

/** Fills one part after the other. */
function cut(
  segments: readonly Segment[],
  { limit, mode }: Cutting,
  sizes: EncodedSizes,
): readonly (readonly Segment[])[] {
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
    const size = encodedSize(segment, sizes);
    if (used + size <= limit) {
      add(segment, size);
      continue;
    }
    // What is left of a part is used when it is worth it; then all pieces are so small.
    if (used > limit / 2) begin();
    for (const [i, piece] of pieces(segment, { limit: limit - used, mode }, sizes).entries()) {
      if (i > 0) begin();
      add(piece, encodedSize(piece, sizes));
    }
  }
  return parts.filter(
    (part) =>
      part.some((segment) => segment.type === 'media' || segment.type === 'native') || plainText(part).trim() !== '',
  );
}

function pieces(
  segment: Segment,
  at: { limit: number; mode: Cutting['mode'] },
  sizes: EncodedSizes,
): readonly Segment[] {
  if (segment.type === 'text')
    return chunkText(segment.text, { ...at, weigh: sizes.text }).map((text) => ({ type: 'text', text }));
  if (segment.type !== 'markdown') return [segment];
  const chunks = chunkText(segment.markdown, { ...at, weigh: sizes.markdown });
  return chunks.map((markdown) => ({ type: 'markdown', markdown }));
}

function encodedSize(segment: Segment, sizes: EncodedSizes): number {
  switch (segment.type) {
    case 'text':
      return sizeOf(segment.text, sizes.text);
    case 'markdown':
      return sizeOf(segment.markdown, sizes.markdown);
    case 'mention':
      return sizes.mention(segment);
    case 'quote':
    case 'media':
    case 'native':
      return 0;
  }
}
