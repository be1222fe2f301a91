/** The words with which somebody who may talk lets a conversation start afresh, and what is said to that. */
import type { InboundMessage, Segment } from '../model/message.js';

const WORDS: ReadonlySet<string> = new Set(['/new', '/reset']);
/** A longer text is no such word, whatever blanks are around it. */
const MOST_CHARS = 64;

/** Said at once; nobody else is asked. */
export const STARTED_AFRESH: readonly Segment[] = [
  {
    type: 'text',
    text: '好的，我们重新开始，之前的对话不再作为上下文。\nStarting afresh: earlier messages are no longer part of this conversation.',
  },
];

/** Whether the message is exactly such a word; @-ing somebody before or after it, or quoting, changes nothing. */
export function startsAfresh({ segments }: InboundMessage): boolean {
  let said = '';
  for (const segment of segments) {
    if (segment.type === 'text') said += segment.text;
    else if (segment.type !== 'mention' && segment.type !== 'quote') return false;
    if (said.length > MOST_CHARS) return false;
  }
  return WORDS.has(said.trim());
}
