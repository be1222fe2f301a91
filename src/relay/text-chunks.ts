/**
 * A long text in pieces that the platform takes: cut where a reader would pause, never inside a character, code
 * fences whole in every piece.
 *
 * Each piece is `reopened fence line + slice of the text + closing fence`, the outer two only where a cut falls into
 * a fence. The slices are in order and adjoin, so what remains without the inserted fences is the text, blanks and
 * line ends included. One thing can be left out: blanks that would make a piece of their own, which the platform
 * refuses as empty. That happens to a run of blanks that does not fit into one piece together with the grapheme after
 * it (and with the blanks at the end of the text, where that grapheme is its last), and at the end of the text to blanks
 * that do not fit into the last piece, when they are more than half a limit or nothing visible can go along with them.
 */
import { type Fence, findFences, type NoCut } from './code-fences.js';
import { advance, next, retreat, type Weigh, weighAlike } from './text-size.js';

export interface ChunkOptions {
  /** Most characters of a piece, inserted fences included, at least 1; a single character that weighs more is a piece. */
  readonly limit: number;
  /**
   * `length`: cuts at the end of a paragraph, else a line, else a sentence, else at a blank, as late as possible, but
   * only where the piece reaches half of the limit. `newline`: at the last line end in the piece, wherever it is,
   * and as `length` where there is none.
   */
  readonly mode: 'length' | 'newline';
  /** What a character counts; without it 1, so 👍 is one. */
  readonly weigh?: Weigh;
}

/**
 * The pieces of `text`, none over the limit, none of blanks only; no piece at all for a text of blanks only.
 * A grapheme is cut (between code points) only when it is longer than a piece.
 * A fence whose own lines would take more than half of the limit is cut like plain text.
 * @throws RangeError when the limit is below 1
 */
export function chunkText(text: string, options: ChunkOptions): readonly string[] {
  const { limit, mode, weigh } = options;
  if (!(limit >= 1)) throw new RangeError(`a piece of text needs a limit of at least 1, not ${limit}`);
  if (!/\S/.test(text)) return [];
  if ((weigh === undefined && text.length <= limit) || advance(text, 0, limit, weigh) === text.length) return [text];
  return new Cutter(text, Math.floor(limit), mode, weigh ?? weighAlike).pieces();
}

class Cutter {
  readonly #text: string;
  readonly #limit: number;
  readonly #mode: ChunkOptions['mode'];
  readonly #weigh: Weigh;
  readonly #fences: readonly Fence[];
  readonly #noCuts: readonly NoCut[];
  /** Position after the last visible character. */
  readonly #visibleEnd: number;
  /** Where the last piece is to end: after the blanks at the end, or before them when they are too many. */
  readonly #end: number;
  #segmenter: Intl.Segmenter | undefined;
  /** Where the segmenter begins to read: at the piece before, which tells whether a cut grapheme goes on. */
  #context = 0;

  constructor(text: string, limit: number, mode: ChunkOptions['mode'], weigh: Weigh) {
    this.#text = text;
    this.#limit = limit;
    this.#mode = mode;
    this.#weigh = weigh;
    ({ fences: this.#fences, noCuts: this.#noCuts } = findFences(text, limit, weigh));
    this.#visibleEnd = text.trimEnd().length;
    this.#end = advance(text, this.#visibleEnd, limit / 2, weigh) === text.length ? text.length : this.#visibleEnd;
  }

  pieces(): string[] {
    const pieces: string[] = [];
    let start = 0;
    while (start < this.#visibleEnd) {
      const reopened = this.#fenceAround(start);
      const { from, to } = this.#pieceFrom(start, this.#limit - (reopened?.openingSize ?? 0));
      const closed = to < this.#visibleEnd ? this.#fenceAround(to) : undefined;
      const lineEnd = closed !== undefined && !this.#endsLine(to) ? closed.lineEnd : '';
      pieces.push((reopened?.opening ?? '') + this.#text.slice(from, to) + lineEnd + (closed?.closing ?? ''));
      start = to;
      this.#context = from;
    }
    return pieces;
  }

  /** The fence into whose body a cut at `at` falls. */
  #fenceAround(at: number): Fence | undefined {
    const fence = lastFrom(this.#fences, at);
    return fence !== undefined && fence.bodyFrom < at && at < fence.bodyTo ? fence : undefined;
  }

  /** The slice of the next piece: no larger than `room`, with something visible in it. */
  #pieceFrom(from: number, room: number): { readonly from: number; readonly to: number } {
    const full = Math.max(advance(this.#text, from, room, this.#weigh), next(this.#text, from));
    if (full >= this.#end) return { from, to: full };

    const visible = this.#text.slice(from, full).search(/\S/) + from;
    if (visible < from) return this.#pieceFrom(this.#nextVisible(full), room);
    const latest = this.#latestCut(from, full);
    // The blanks at the end need something visible before them in the last piece.
    const last = this.#end > this.#visibleEnd ? Math.min(latest, this.#visibleEnd - 1) : latest;
    const half = advance(this.#text, from, Math.ceil(room / 2), this.#weigh);

    const soft = this.#softCut(last, Math.max(half, visible + 1), visible + 1);
    if (soft !== undefined) return { from, to: soft };
    const hard = this.#hardCut(from, last);
    if (hard > visible) return { from, to: hard };
    const plain = this.#graphemeStart(last);
    if (plain > visible) return { from, to: plain };

    // The first visible grapheme does not fit: without the blanks before it, or else cut.
    const grapheme = this.#graphemeStart(visible);
    if (grapheme > from) return this.#pieceFrom(grapheme, room);
    const cut = full >= this.#visibleEnd ? full : latest;
    return cut > visible ? { from, to: cut } : this.#pieceFrom(visible, room);
  }

  #nextVisible(at: number): number {
    let next = at;
    while (/\s/.test(this.#text.charAt(next))) next += 1;
    return next;
  }

  /**
   * The last position up to `full` that leaves room to close the fence it falls into, and is not on its opening line.
   * Earlier positions leave room, too: a fence that ends before has a closing line of its own behind them.
   */
  #latestCut(from: number, full: number): number {
    const fence = lastFrom(this.#fences, full - 1);
    if (fence === undefined || full >= fence.to) return full;
    const inBody = retreat(this.#text, full, fence.closingSize, this.#weigh);
    const latest = inBody > fence.bodyFrom ? inBody : fence.from;
    return latest > from ? latest : full;
  }

  /** The best pause in `earliest..last`; in newline mode the last line end in `lineEarliest..last` before all. */
  #softCut(last: number, earliest: number, lineEarliest: number): number | undefined {
    if (this.#mode === 'newline') {
      for (let at = last; at >= lineEarliest; at -= 1) if (this.#endsLine(at) && !this.#tearsFence(at)) return at;
    }
    let line: number | undefined;
    let sentence: number | undefined;
    let blank: number | undefined;
    for (let at = last; at >= earliest; at -= 1) {
      if (this.#endsLine(at)) {
        if (this.#tearsFence(at)) continue;
        if (this.#endsParagraph(at)) return at;
        line ??= at;
      } else if (line === undefined && sentence === undefined && this.#pausesAfter(at)) {
        if (this.#tearsFence(at) || this.#joinsBackward(at)) continue;
        if (this.#endsSentence(at)) sentence = at;
        else if (isBlank(this.#text.charCodeAt(at - 1))) blank ??= at;
      }
    }
    return line ?? sentence ?? blank;
  }

  #endsLine(at: number): boolean {
    const before = this.#text.charCodeAt(at - 1);
    return before === LF || (before === CR && this.#text.charCodeAt(at) !== LF);
  }

  /** For a line end: whether the line before it is blank. */
  #endsParagraph(at: number): boolean {
    let before = at - 1;
    if (this.#text.charCodeAt(before) === LF && this.#text.charCodeAt(before - 1) === CR) before -= 1;
    while (isBlank(this.#text.charCodeAt(before - 1))) before -= 1;
    return isLineEnd(this.#text.charCodeAt(before - 1));
  }

  /** Whether a blank or a mark ends at `at`, and no more blanks, marks or closing brackets follow. */
  #pausesAfter(at: number): boolean {
    const before = this.#text.charCodeAt(at - 1);
    if (!isBlank(before) && !MARKS_AND_BRACKETS.has(before)) return false;
    const after = this.#text.charCodeAt(at);
    if (isBlank(after) || isLineEnd(after)) return false;
    return isBlank(before) || !MARKS_AND_BRACKETS.has(after);
  }

  /** Whether `at` follows a sentence with its closing brackets and blanks. `3.5` and `a?b=c` end no sentence. */
  #endsSentence(at: number): boolean {
    let end = at;
    while (isBlank(this.#text.charCodeAt(end - 1))) end -= 1;
    let mark = end - 1;
    while (mark > end - 4 && BRACKETS.includes(this.#text.charAt(mark))) mark -= 1;
    const character = this.#text.charAt(mark);
    if (character === '') return false;
    if (WIDE_MARKS.includes(character)) return true;
    return ASCII_MARKS.includes(character) && (end < at || this.#text.charCodeAt(at) > LAST_BEFORE_CJK);
  }

  /** Whether the character at `at` could belong to the grapheme before it; a few that do not are taken for it, too. */
  #joinsBackward(at: number): boolean {
    const code = this.#text.codePointAt(at) ?? 0;
    return code >= FIRST_COMBINING && JOINS_BACKWARD.test(String.fromCodePoint(code));
  }

  /** Whether a cut at `at` would tear a fence line, or make one of what stands in the middle of a line. */
  #tearsFence(at: number): boolean {
    const near = lastFrom(this.#noCuts, at);
    return (near !== undefined && at <= near.to) || this.#makesFence(at);
  }

  #makesFence(at: number): boolean {
    if (this.#endsLine(at)) return false;
    let fence = at;
    while (fence < at + 3 && this.#text.charCodeAt(fence) === SPACE) fence += 1;
    return this.#text.startsWith('```', fence) || this.#text.startsWith('~~~', fence);
  }

  /** The last position up to `last` that cuts neither a grapheme nor a fence line; `from` when there is none. */
  #hardCut(from: number, last: number): number {
    let at = last;
    while (at > from) {
      const grapheme = this.#graphemeStart(at);
      const near = lastFrom(this.#noCuts, grapheme);
      if (near !== undefined && grapheme <= near.to) {
        at = near.from - 1;
      } else if (this.#makesFence(grapheme)) {
        at = grapheme;
        while (at > from && FENCE_OR_SPACE.includes(this.#text.charAt(at - 1))) at -= 1;
        if (!this.#endsLine(at)) at -= 1;
      } else return grapheme;
    }
    return from;
  }

  /**
   * Where the grapheme begins that holds the character at `at`: `at` itself when a grapheme ends there. No rule of
   * UAX #29 looks further ahead than that character, and pieces begin where graphemes do, so the text from the piece
   * before up to here decides alone.
   */
  #graphemeStart(at: number): number {
    if (isPlain(this.#text.charCodeAt(at - 1)) && isPlain(this.#text.charCodeAt(at))) return at;
    this.#segmenter ??= new Intl.Segmenter('und', { granularity: 'grapheme' });
    const grapheme = this.#segmenter.segment(this.#text.slice(this.#context, at + 2)).containing(at - this.#context);
    return this.#context + (grapheme?.index ?? at - this.#context);
  }
}

/** The last of the ordered items that begins at or before `at`. */
function lastFrom<Item extends { readonly from: number }>(items: readonly Item[], at: number): Item | undefined {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((items[middle]?.from ?? at) <= at) low = middle + 1;
    else high = middle;
  }
  return items[low - 1];
}

function isBlank(code: number): boolean {
  return code === SPACE || code === 0x09 || code === 0x3000;
}

function isLineEnd(code: number): boolean {
  return code === LF || code === CR;
}

/** Letters, ideographs and punctuation that never join a neighbour of their kind: spares the segmenter most calls. */
function isPlain(code: number): boolean {
  return (code >= 0x20 && code <= 0x7e) || (code >= 0x4e00 && code <= 0x9fff) || (code >= 0xff01 && code <= 0xff60);
}

const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const FENCE_OR_SPACE = '`~ ';

const WIDE_MARKS = '。！？…';
const ASCII_MARKS = '.!?';
const BRACKETS = '”’」』）】》)]"\'';
const MARKS_AND_BRACKETS: ReadonlySet<number> = new Set(
  Array.from(WIDE_MARKS + ASCII_MARKS + BRACKETS, (character) => character.charCodeAt(0)),
);
const LAST_BEFORE_CJK = 0x2e7f;

const FIRST_COMBINING = 0x300;
/** A superset of UAX #29's Extend, ZWJ and SpacingMark, in properties that JavaScript knows. */
const JOINS_BACKWARD = /[\p{M}\p{Cf}\p{Grapheme_Extend}\p{Emoji_Modifier}\u0e33\u0eb3]/u;
