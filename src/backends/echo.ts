/** Says everything back. For first steps and tests. */
import { type InboundMessage, mediaLabel, plainText, type Segment } from '../model/message.js';
import type { InstantBackend } from './backend.js';

export const echo: InstantBackend = {
  atOnce({ segments }: InboundMessage): readonly Segment[] {
    const words = plainText(segments);
    const lines = words.trim() === '' ? [] : [words];
    for (const segment of segments) {
      const label = mediaLabel(segment);
      if (label !== undefined) lines.push(label);
    }
    return lines.length === 0 ? [] : [{ type: 'text', text: lines.join('\n') }];
  },
};
