/** Segments as a caller gives them, in the words of OneBot, as loong speaks of them. */
import { UsageError } from '../model/errors.js';
import type { MediaKind, Segment } from '../model/message.js';
import { type ChannelId, isPeerId } from '../model/target.js';
import type { SendRequest, WireSegment } from './api.js';

const MEDIA: { readonly [type: string]: MediaKind } = { image: 'image', record: 'voice', video: 'video', file: 'file' };

/** What a caller wants to have sent. @throws UsageError for what cannot be sent on this channel, or lacks what its type needs. */
export function segmentsOf({ text, markdown, segments }: SendRequest, channel: ChannelId): readonly Segment[] {
  if (segments !== undefined) return segments.map((segment) => segmentOf(segment, channel));
  return [markdown === undefined ? { type: 'text', text: text ?? '' } : { type: 'markdown', markdown }];
}

function segmentOf({ type, data }: WireSegment, channel: ChannelId): Segment {
  if (channel !== 'onebot') {
    throw new UsageError(
      'message.segments_unsupported',
      `segments are for targets of onebot, not of ${channel}`,
      'send text or markdown',
    );
  }
  const kind = Object.hasOwn(MEDIA, type) ? MEDIA[type] : undefined;
  if (kind !== undefined) {
    const name = data.name === undefined ? undefined : told(type, data, 'name');
    const url = told(type, data, data.file === undefined ? 'url' : 'file');
    return { type: 'media', kind, url, ...(name === undefined ? {} : { name }) };
  }
  switch (type) {
    case 'text':
      return { type: 'text', text: told(type, data, 'text') };
    case 'markdown':
      return { type: 'markdown', markdown: told(type, data, 'content') };
    case 'reply':
      return { type: 'quote', message: told(type, data, 'id') };
    case 'at': {
      const peer = told(type, data, 'qq');
      if (peer === 'all' || isPeerId(peer)) return { type: 'mention', peer };
      throw new UsageError('message.segment_invalid', 'the segment `at` needs `qq`: a QQ number, or "all"');
    }
    default:
      return { type: 'native', channel, kind: type, data, text: `[${type}]` };
  }
}

/** A text, or a number as text. */
function told(type: string, data: WireSegment['data'], key: string): string {
  const value = data[key];
  if (typeof value === 'string' && value !== '') return value;
  if (typeof value === 'number' && Number.isSafeInteger(value)) return String(value);
  throw new UsageError('message.segment_invalid', `the segment \`${type}\` needs \`data.${key}\` as text`);
}
