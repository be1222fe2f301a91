/** Says everything back. For first steps and tests. */
import { plainText, type Segment } from '../model/message.js';
import type { Backend, Turn } from './backend.js';

const NAMES = { image: '图片', voice: '语音', video: '视频', file: '文件' } as const;

export const echo: Backend = {
  *answer({ message }: Turn): Iterable<Segment> {
    const media = message.segments.flatMap((s) =>
      s.type === 'media' ? [`[${NAMES[s.kind]}${s.name === undefined ? '' : ` ${s.name}`}]`] : [],
    );
    const text = [plainText(message.segments), ...media].filter((part) => part.trim() !== '').join('\n');
    if (text !== '') yield { type: 'text', text };
  },
};
