/** The words with which somebody who may talk turns to loong itself, and what is said to them. Neither is part of the conversation. */
import type { InboundMessage, Segment } from '../model/message.js';

/** `fresh`: the conversation starts afresh; `stop`: the answer that is being made is not wanted any more. */
export type OwnWord = 'fresh' | 'stop';

const WORDS: ReadonlyMap<string, OwnWord> = new Map([
  ['/new', 'fresh'],
  ['/reset', 'fresh'],
  ['/stop', 'stop'],
]);
/** A longer text is no such word, whatever blanks are around it. */
const MOST_CHARS = 64;

export const STARTED_AFRESH: readonly Segment[] = [
  {
    type: 'text',
    text: '好的，我们重新开始，之前的对话不再作为上下文。\nStarting afresh: earlier messages are no longer part of this conversation.',
  },
];
export const STOPPED: readonly Segment[] = [{ type: 'text', text: '已停止。(Stopped.)' }];
export const NOTHING_TO_STOP: readonly Segment[] = [
  { type: 'text', text: '现在没有正在进行的回答。(Nothing to stop.)' },
];

/** Such a word and nothing else. The bot’s own mention is no part of it; who @-s somebody else may mean another bot. */
export function ownWord({ segments }: InboundMessage): OwnWord | undefined {
  let said = '';
  for (const segment of segments) {
    if (segment.type === 'text') said += segment.text;
    else if (segment.type !== 'quote') return undefined;
    if (said.length > MOST_CHARS) return undefined;
  }
  return WORDS.get(said.trim());
}
