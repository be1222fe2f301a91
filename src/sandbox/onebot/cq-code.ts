/** Messages as text with `[CQ:type,key=value]` codes: read and written in one pass. */
import type { Segment } from './segment.js';

const CODE = /\[CQ:(\w+)((?:,\w+=[^,\]]*)*)\]/g;

export function readCqText(text: string): readonly Segment[] {
  const segments: Segment[] = [];
  let end = 0;
  for (const found of text.matchAll(CODE)) {
    if (found.index > end) segments.push(textSegment(text.slice(end, found.index)));
    segments.push({ type: found[1] ?? '', data: readValues(found[2] ?? '') });
    end = found.index + found[0].length;
  }
  if (end < text.length) segments.push(textSegment(text.slice(end)));
  return segments;
}

export function writeCqText(segments: readonly Segment[]): string {
  return segments
    .map(({ type, data }) =>
      type === 'text' ? escapeText(String(data.text ?? '')) : `[CQ:${type}${writeValues(data)}]`,
    )
    .join('');
}

const textSegment = (escaped: string): Segment => ({ type: 'text', data: { text: unescapeText(escaped) } });

function readValues(text: string): Segment['data'] {
  const pairs = text.split(',').slice(1);
  return Object.fromEntries(
    pairs.map((pair) => {
      const equals = pair.indexOf('=');
      return [pair.slice(0, equals), unescapeText(pair.slice(equals + 1))];
    }),
  );
}

function writeValues(data: Segment['data']): string {
  return Object.entries(data)
    .filter(([, value]) => value !== undefined && value !== null && value !== '')
    .map(([key, value]) => `,${key}=${escapeValue(typeof value === 'object' ? JSON.stringify(value) : String(value))}`)
    .join('');
}

const escapeText = (text: string) => text.replaceAll('&', '&amp;').replaceAll('[', '&#91;').replaceAll(']', '&#93;');
const escapeValue = (text: string) => escapeText(text).replaceAll(',', '&#44;');
const unescapeText = (text: string) =>
  text.replaceAll('&#91;', '[').replaceAll('&#93;', ']').replaceAll('&#44;', ',').replaceAll('&amp;', '&');
