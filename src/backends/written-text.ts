/** What a backend wrote, as text for people: UTF-8, no colours, no control characters, no blank lines around it. */
import { stripVTControlCharacters } from 'node:util';
import { BackendError } from '../model/errors.js';
import type { Segment } from '../model/message.js';

const MOST_CHARS = 1_000_000;
/** With one of these a colour begins, and other commands to a terminal; it ends with a letter. */
const ESCAPES = ['\u001b', '\u009b'];
const MOST_ESCAPE_CHARS = 40;

/** `who` wrote it, in words that a sentence begins with. @throws BackendError */
export function asUtf8(who: string, bytes: Uint8Array): string {
  try {
    return withoutZero(who, new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw notText(who);
  }
}

/** The same piece by piece; a character that comes in two pieces is whole. @throws BackendError */
export async function* utf8Pieces(who: string, chunks: AsyncIterable<Uint8Array>): AsyncIterable<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const decoded = (chunk?: Uint8Array) => {
    try {
      return chunk === undefined ? decoder.decode() : decoder.decode(chunk, { stream: true });
    } catch {
      throw notText(who);
    }
  };
  for await (const chunk of chunks) yield withoutZero(who, decoded(chunk));
  decoded();
}

/** One segment, or none where nothing was said. */
export function writtenText(text: string): readonly Segment[] {
  const written = withoutBlankStart(visible(text)).trimEnd();
  return written === '' ? [] : [{ type: 'text', text: written }];
}

/** @throws BackendError for what is far longer than any answer that is taken: to clean it would hold up everybody */
export function visible(text: string): string {
  if (text.length > MOST_CHARS) {
    throw new BackendError('backend.too_long', `the backend answered ${text.length} characters`, {
      remedy: 'make it answer in fewer words',
    });
  }
  return stripVTControlCharacters(text)
    .replace(/\r\n?/g, '\n')
    .replace(/(?![\t\n])\p{Cc}/gu, '');
}

/** The same of a text that comes piece by piece, wherever it is cut; what is left unfinished at its end is nothing to see. */
export class VisiblePieces {
  #held = '';

  add(piece: string): string {
    const text = this.#held + piece;
    const end = unfinishedFrom(text);
    this.#held = text.slice(end);
    return visible(text.slice(0, end));
  }
}

/** Where the beginning of a line end of two characters stands, or of a colour; else the end of the text. */
function unfinishedFrom(text: string): number {
  if (text.endsWith('\r')) return text.length - 1;
  const at = Math.max(...ESCAPES.map((begin) => text.lastIndexOf(begin)));
  const isUnfinished = at >= 0 && text.length - at <= MOST_ESCAPE_CHARS && !/[A-Za-z]/.test(text.slice(at));
  return isUnfinished ? at : text.length;
}

export function withoutBlankStart(text: string): string {
  return text.replace(/^(?:[^\S\n]*\n)+/, '');
}

/** Foreign text as it may stand in an error: one short line that hides nothing. */
export function shown(text: string): string {
  const line = stripVTControlCharacters(text.slice(0, 400))
    .replace(/[\p{C}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .trim();
  return line.length <= 100 ? line : `${[...line].slice(0, 100).join('')}…`;
}

function withoutZero(who: string, text: string): string {
  if (text.includes('\0')) throw notText(who);
  return text;
}

function notText(who: string): BackendError {
  return new BackendError('backend.not_text', `${who} answered with something that is not UTF-8 text`, {
    remedy: 'let it answer with text in UTF-8, and nothing else',
  });
}
