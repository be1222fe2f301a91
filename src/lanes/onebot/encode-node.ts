/** One message of a chat record that is put together by hand, or one that is named by its id. */
import { fateOf } from '../../protocol/onebot/implementations.js';
import type { WireSegment } from '../../protocol/onebot/wire.js';
import { oneLine } from '../one-line.js';
import { malformed, refusal, unsupported } from './refusals.js';
import { namesPath } from './remote-file.js';
import type { Sending } from './sending.js';
import { type Fields, fields, messageIdIn, numberIn, peerIn, wordIn } from './wire-fields.js';

/** NapCat cuts off what is deeper. */
const MAX_DEPTH = 3;
const MAX_CONTENT = 200;
const MAX_NAME_CHARS = 64;
/** What is said about a record as a whole. */
const DESCRIPTIONS = ['source', 'news', 'summary', 'prompt'];

type Place = Pick<Sending, 'dialect'>;

/** @throws DeliveryError */
export function encodeNode(data: Fields, place: Place, depth = 1): WireSegment {
  if (data.content === undefined) {
    const id = messageIdIn(data.id);
    if (id === undefined) throw malformed('node', '`data.id`, or `data.content`');
    return { type: 'node', data: { id: id.split('.', 1)[0] } };
  }
  const user = peerIn(data.user_id) ?? peerIn(data.uin);
  const name = oneLine(wordIn(data.nickname) ?? wordIn(data.name) ?? '', MAX_NAME_CHARS);
  if (user === undefined) throw malformed('node', '`data.user_id`: a QQ number');
  if (name === '') throw malformed('node', '`data.nickname`');
  const time = numberIn(data.time);
  const descriptions = DESCRIPTIONS.filter((key) => data[key] !== undefined).map((key) => [key, data[key]]);
  return {
    type: 'node',
    data: {
      // Both names of both are in use.
      user_id: user,
      uin: user,
      nickname: name,
      name,
      content: contentOf(data.content, place, depth),
      ...(time === undefined ? {} : { time }),
      ...Object.fromEntries(descriptions),
    },
  };
}

/** Text becomes a segment: as text it would be read for codes. */
function contentOf(content: unknown, place: Place, depth: number): readonly WireSegment[] {
  if (typeof content === 'string') return [{ type: 'text', data: { text: content } }];
  const list = Array.isArray(content) ? content : [content];
  if (list.length === 0 || list.length > MAX_CONTENT) {
    throw malformed('node', `\`data.content\`: 1 to ${MAX_CONTENT} segments, or text`);
  }
  return list.map((entry) => partOf(entry, place, depth));
}

function partOf(entry: unknown, place: Place, depth: number): WireSegment {
  const part = fields(entry);
  const type = part?.type;
  const data = fields(part?.data);
  if (typeof type !== 'string' || data === undefined) throw malformed('node', 'segments with `type` and `data`');
  if (type === 'node') {
    if (depth < MAX_DEPTH) return encodeNode(data, place, depth + 1);
    throw refusal(
      'message.record_too_deep',
      `chat records stand at most ${MAX_DEPTH} deep within one another`,
      'make it flatter',
    );
  }
  const fate = fateOf(place.dialect, type);
  if (fate !== 'sent' && fate !== 'random') throw unsupported(place.dialect, type, fate);
  if (namesPath(data)) {
    throw refusal(
      'media.address_unsupported',
      'a chat record takes files only by their address',
      'give an http(s) address or `base64://…`',
    );
  }
  return { type, data };
}
