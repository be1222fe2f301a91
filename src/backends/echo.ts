/** Says everything back. For first steps and tests. */
import { type InboundMessage, plainText, type Segment } from '../model/message.js';
import type { InstantBackend } from './backend.js';

const NAMES = { image: '图片', voice: '语音', video: '视频', file: '文件' } as const;

export const echo: InstantBackend = {
  atOnce({ segments }: InboundMessage): readonly Segment[] {
    const words = plainText(segments);
    const lines = words.trim() === '' ? [] : [words];
    for (const segment of segments) {
      if (segment.type !== 'media') continue;
      lines.push(`[${NAMES[segment.kind]}${segment.name === undefined ? '' : ` ${segment.name}`}]`);
    }
    return lines.length === 0 ? [] : [{ type: 'text', text: lines.join('\n') }];
  },
};
