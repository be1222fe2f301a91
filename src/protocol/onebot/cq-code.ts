/** Messages as text with codes like `[CQ:at,qq=10001]`, as go-cqhttp sends them: only read, never written. Source: onebot-11, message/string.md. */
import type { WireSegment } from './wire.js';

/** Codes beyond this many stay the text they are. */
const MAX_CODES = 2000;
/** A code longer than this is none: cards are the longest. */
const MAX_CODE_CHARS = 200_000;
const MAX_VALUES = 50;

const OPENING = '[CQ:';
const NAME = /^\w{1,64}$/;
/** Keys may hold more than the standard's own do: `sub-type`, `c.d`. */
const KEY = /^[\w.-]{1,64}$/;

/** Text and codes in the order in which they stand. What only looks like a code stays text. One look at each character. */
export function parseCqCode(text: string): readonly WireSegment[] {
  const segments: WireSegment[] = [];
  let plain = '';
  let read = 0;
  const flush = () => {
    if (plain !== '') segments.push({ type: 'text', data: { text: unescapeCq(plain) } });
    plain = '';
  };
  for (let codes = 0; codes < MAX_CODES; ) {
    const start = text.indexOf(OPENING, read);
    if (start === -1) break;
    const end = endOfCode(text, start);
    const segment = text[end] === ']' ? readCode(text.slice(start + OPENING.length, end)) : undefined;
    if (segment === undefined) {
      plain += text.slice(read, end);
      read = end;
    } else {
      plain += text.slice(read, start);
      flush();
      segments.push(segment);
      read = end + 1;
      codes++;
    }
  }
  plain += text.slice(read);
  flush();
  return segments;
}

/** Its closing bracket, or where it ends being one: at another bracket, for those inside are escaped, or when it is too long. */
function endOfCode(text: string, start: number): number {
  const last = Math.min(text.length, start + MAX_CODE_CHARS);
  for (let at = start + OPENING.length; at < last; at++) {
    const sign = text[at];
    if (sign === ']' || sign === '[') return at;
  }
  return last;
}

/** `at,qq=10001`: a name, then keys with values; undefined for anything else. */
function readCode(code: string): WireSegment | undefined {
  const [type = '', ...pairs] = code.split(',');
  if (!NAME.test(type) || pairs.length > MAX_VALUES) return undefined;
  const data: [string, string][] = [];
  for (const pair of pairs) {
    const equals = pair.indexOf('=');
    const key = pair.slice(0, equals).trim();
    if (equals === -1 || !KEY.test(key)) return undefined;
    data.push([key, unescapeCq(pair.slice(equals + 1))]);
  }
  return { type, data: Object.fromEntries(data) };
}

const ESCAPED: { readonly [code: string]: string } = { '&#91;': '[', '&#93;': ']', '&#44;': ',', '&amp;': '&' };

/** Each escape once, so that what was written as `&amp;#91;` becomes `&#91;` and no bracket. */
function unescapeCq(text: string): string {
  return text.includes('&') ? text.replace(/&(?:#91|#93|#44|amp);/g, (code) => ESCAPED[code] ?? code) : text;
}
