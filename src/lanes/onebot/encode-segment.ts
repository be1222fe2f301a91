/** One segment of ours → one of the wire. */
import { type MediaKind, plainText, type Segment } from '../../model/message.js';
import { fateOf } from '../../protocol/onebot/implementations.js';
import type { WireSegment } from '../../protocol/onebot/wire.js';
import { encodeNative } from './encode-native.js';
import { nameOfFile } from './file-source.js';
import { refusal, unsupported } from './refusals.js';
import type { Sending } from './sending.js';

const MEDIA: { readonly [K in MediaKind]: string } = { image: 'image', voice: 'record', video: 'video', file: 'file' };

/** A QQ number. Bridges, of which nothing is known, have ids of their own. */
const QQ = /^[1-9]\d{3,19}$/;

/** What a message says; a quote only says what it answers. */
export type Content = Exclude<Segment, { readonly type: 'quote' }>;

/** @throws DeliveryError */
export async function encodeSegment(segment: Content, sending: Sending): Promise<WireSegment> {
  switch (segment.type) {
    case 'text':
      return { type: 'text', data: { text: segment.text } };
    case 'markdown':
      return { type: 'markdown', data: { content: segment.markdown } };
    case 'mention': {
      const { peer } = segment;
      // A person is not @-ed in a talk of two: NapCat would leave it out.
      const isAddressed = sending.kind === 'group' && (peer === 'all' || sending.dialect === 'other' || QQ.test(peer));
      return isAddressed ? { type: 'at', data: { qq: peer } } : { type: 'text', data: { text: plainText([segment]) } };
    }
    case 'media':
      return encodeMedia(segment, sending);
    case 'native':
      if (segment.channel === 'onebot') return encodeNative(segment.kind, segment.data, sending);
      throw refusal(
        'message.native_unsupported',
        `the message holds a \`${segment.kind}\` of ${segment.channel}, which cannot be sent here`,
        'send it as text',
      );
  }
}

async function encodeMedia(
  { kind, url, name }: Extract<Segment, { readonly type: 'media' }>,
  { dialect, files }: Sending,
): Promise<WireSegment> {
  const type = MEDIA[kind];
  const fate = fateOf(dialect, type);
  if (fate !== 'sent' && fate !== 'random') throw unsupported(dialect, type, fate);
  const file = await files.wireFile(url);
  if (kind !== 'file') return { type, data: { file } };
  return { type, data: { file, name: name ?? nameOfFile(url) ?? 'file' } };
}
