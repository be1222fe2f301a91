/** `/stop`: the answer that is being made is not wanted any more. */
import { type InboundMessage, plainText } from '../model/message.js';

export const STOPPED = '已停止。(Stopped.)';
export const NOTHING_TO_STOP = '现在没有正在进行的回答。(Nothing to stop.)';

/** Nothing but that word, whoever is addressed or quoted with it. */
export function asksToStop({ segments }: InboundMessage): boolean {
  if (segments.some(({ type }) => type === 'media' || type === 'native')) return false;
  return plainText(segments).trim() === '/stop';
}
