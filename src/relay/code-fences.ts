/** Code fences in Markdown: where they are, and what closes and reopens one that is cut. */
import { sizeOf, type Weigh } from './text-size.js';

/** A code fence that can be closed and reopened within the limit. Positions are UTF-16 offsets into the text. */
export interface Fence {
  /** First position of the opening line. */
  readonly from: number;
  /** First position after the opening line. */
  readonly bodyFrom: number;
  /** First position of the closing line, or the end of the text. */
  readonly bodyTo: number;
  /** First position after the closing line, or the end of the text. */
  readonly to: number;
  /** The opening line with its line end: goes before a piece that begins in the body. */
  readonly opening: string;
  readonly openingSize: number;
  readonly lineEnd: string;
  /** The fence characters alone: go after a piece that ends in the body. Never longer than the closing line. */
  readonly closing: string;
  /** Of the line end and the closing together. */
  readonly closingSize: number;
}

/** Positions, both ends included, at which a cut would tear a line that is, or looks like, a fence. */
export interface NoCut {
  readonly from: number;
  readonly to: number;
}

/** All fences that fit the limit, by CommonMark 0.31 §4.5, and all lines that look like one. In order. */
export function findFences(
  text: string,
  limit: number,
  weigh: Weigh,
): { readonly fences: readonly Fence[]; readonly noCuts: readonly NoCut[] } {
  const fences: Fence[] = [];
  const noCuts: NoCut[] = [];
  if (!text.includes('```') && !text.includes('~~~')) return { fences, noCuts };

  let open: (Omit<Fence, 'bodyTo' | 'to'> & { readonly fits: boolean }) | undefined;
  const close = (bodyTo: number, to: number): void => {
    if (open?.fits) fences.push({ ...open, bodyTo, to });
  };
  for (const match of text.matchAll(/(?:^|(?<=[\n\r])) {0,3}(`{3,}|~{3,})([^\n\r]*)(\r\n|\r|\n|$)/g)) {
    const [line, closing = '', info = '', lineEnd = ''] = match;
    const from = match.index;
    const to = from + line.length;
    if (open === undefined && !(closing.startsWith('`') && info.includes('`'))) {
      const openingSize = sizeOf(line, weigh);
      const closingSize = sizeOf(lineEnd + closing, weigh);
      const fits = openingSize + closingSize <= limit / 2;
      open = { from, bodyFrom: to, opening: line, openingSize, lineEnd, closing, closingSize, fits };
      if (fits) noCuts.push({ from: from + 1, to });
    } else if (open !== undefined && closing.startsWith(open.closing) && /^[ \t]*$/.test(info)) {
      if (open.fits) noCuts.push({ from, to: to - 1 });
      close(from, to);
      open = undefined;
    } else if (line.length <= limit / 2 && sizeOf(line, weigh) <= limit / 2) {
      noCuts.push({ from: from + 1, to: to - 1 });
    }
  }
  close(text.length, text.length);
  return { fences, noCuts };
}
