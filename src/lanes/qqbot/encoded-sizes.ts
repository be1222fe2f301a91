/**
 * How long what is written gets at most on its way out, in whichever form it goes: escaped (guilds), beside markdown, or plainer
 * after a refusal. Follows encode-message.ts, markdown-to-text.ts (never longer) and broken-links.ts (a space after some dots).
 */
import { plainText } from '../../model/message.js';
import type { TargetKind } from '../../model/target.js';
import type { EncodedSizes } from '../lane.js';
import { ESCAPES, MARKDOWN_SIGNS, mentionMarkup } from './encode-message.js';

const DOT = '.'.charCodeAt(0);

/** `kind`: undefined where nobody knows it; then the largest. `hasMarkdown`: whether any segment of the message is markdown. */
export function encodedSizes(kind: TargetKind | undefined, hasMarkdown: boolean): EncodedSizes {
  const isEscaped = kind !== 'c2c' && kind !== 'group';
  const ofMarkdown = new Uint8Array(128).fill(1);
  if (isEscaped) for (const [sign, written] of Object.entries(ESCAPES)) ofMarkdown[sign.charCodeAt(0)] = written.length;
  const ofText = ofMarkdown.slice();
  if (hasMarkdown)
    for (const sign of MARKDOWN_SIGNS) ofText[sign.charCodeAt(0)] = Math.max(2, ofText[sign.charCodeAt(0)] ?? 1);
  const text = weigher(ofText);
  return {
    text,
    markdown: weigher(ofMarkdown),
    mention: (mention) => {
      const markup = mentionMarkup(mention, kind ?? 'channel');
      const name = sum(plainText([mention]), text);
      return kind === undefined ? Math.max(markup?.length ?? 0, name) : (markup?.length ?? name);
    },
  };
}

function weigher(weights: Uint8Array): EncodedSizes['text'] {
  return (text, at) => {
    const code = text.charCodeAt(at);
    return code === DOT && mayBeginLabel(text.charCodeAt(at + 1)) ? 2 : (weights[code] ?? 1);
  };
}

/** Letters, digits and everything beyond ASCII: more than broken-links.ts asks for. NaN at the end of the text is none. */
function mayBeginLabel(code: number): boolean {
  return code > 0x7f || (code >= 0x30 && code <= 0x39) || ((code | 0x20) >= 0x61 && (code | 0x20) <= 0x7a);
}

function sum(text: string, weigh: EncodedSizes['text']): number {
  let size = 0;
  for (let at = 0; at < text.length; at++) size += weigh(text, at);
  return size;
}
