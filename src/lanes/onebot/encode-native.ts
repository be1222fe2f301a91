/** Segments that only OneBot knows, checked for what they need and for what becomes of them at the implementation. */
import { fateOf, implementationLabel } from '../../protocol/onebot/implementations.js';
import type { WireSegment } from '../../protocol/onebot/wire.js';
import { encodeNode } from './encode-node.js';
import { malformed, refusal, unsupported } from './refusals.js';
import { namesPath, remoteFile } from './remote-file.js';
import type { Sending } from './sending.js';
import { type Fields, fields, numberIn, textIn, wordIn } from './wire-fields.js';

type Place = Pick<Sending, 'dialect' | 'warn'>;
type Encode = (data: Fields, place: Place, type: string) => WireSegment;

const ENCODERS: { readonly [type: string]: Encode } = {
  face: (data, _place, type) => ({ type, data: { ...withoutRaw(data), id: needed(data, 'id', type) } }),
  mface: stickerOf,
  marketface: stickerOf,
  dice: (data, place, type) => drawn(data, place, type, 6),
  rps: (data, place, type) => drawn(data, place, type, 3),
  location: locationOf,
  json: cardOf,
  miniapp: cardOf,
  xml: (data, _place, type) => ({ type, data: { data: needed(data, 'data', type) } }),
  forward: (data, _place, type) => ({ type, data: { id: needed(data, 'id', type) } }),
  node: (data, place) => encodeNode(data, place),
  contact: contactOf,
  music: musicOf,
  share: (data, _place, type) => ({
    type,
    data: { ...data, url: needed(data, 'url', type), title: needed(data, 'title', type) },
  }),
  image: givenFile,
  record: givenFile,
  video: givenFile,
  file: givenFile,
};

/** These have words of their own in a message, where they are checked. */
const NOT_NATIVE: ReadonlySet<string> = new Set(['text', 'at', 'reply', 'markdown']);

/** @throws DeliveryError */
export function encodeNative(type: string, data: Fields, place: Place): WireSegment {
  if (NOT_NATIVE.has(type)) throw malformed(type, 'to be written as what it is');
  const fate = fateOf(place.dialect, type);
  const isPutOtherwise = type === 'location' || type === 'miniapp';
  if (!isPutOtherwise && fate !== 'sent' && fate !== 'random') throw unsupported(place.dialect, type, fate);
  const encode = Object.hasOwn(ENCODERS, type) ? ENCODERS[type] : undefined;
  if (encode !== undefined) return encode(data, place, type);
  if (namesPath(data)) {
    throw refusal(
      'media.address_unsupported',
      `a segment of type \`${type}\` takes files only by their address`,
      'give an http(s) address or `base64://…`',
    );
  }
  return { type, data };
}

function needed(data: Fields, key: string, type: string): string {
  const value = wordIn(data[key]);
  if (value === undefined || value.trim() === '') throw malformed(type, `\`data.${key}\``);
  return value;
}

function withoutRaw({ raw, ...data }: Fields): Fields {
  return data;
}

/** A sticker of the shop. The number of its set is a number on the wire. */
function stickerOf(data: Fields, _place: Place, type: string): WireSegment {
  const set = needed(data, 'emoji_package_id', type);
  const number = Number(set);
  return {
    type,
    data: {
      emoji_package_id: Number.isSafeInteger(number) ? number : set,
      emoji_id: needed(data, 'emoji_id', type),
      key: needed(data, 'key', type),
      summary: textIn(data.summary) ?? '[商城表情]',
    },
  };
}

/** Dice and rock-paper-scissors: with the result that was given, where that is heeded. */
function drawn({ result }: Fields, { dialect, warn }: Place, type: string, most: number): WireSegment {
  if (result === undefined || result === null || result === '') return { type, data: {} };
  const number = numberIn(result);
  if (number === undefined || !Number.isInteger(number) || number < 1 || number > most) {
    throw malformed(type, `a \`data.result\` from 1 to ${most}, or none`);
  }
  if (fateOf(dialect, type) === 'sent') return { type, data: { result: number } };
  warn(`the result of \`${type}\` is random: ${implementationLabel(dialect)} does not heed the one that was given`);
  return { type, data: {} };
}

/** Where it would go out as a placeholder or not at all, it becomes text with a link to a map. */
function locationOf(data: Fields, { dialect, warn }: Place, type: string): WireSegment {
  const lat = coordinate(data, 'lat', 90, type);
  const lon = coordinate(data, 'lon', 180, type);
  const title = (textIn(data.title) ?? '').trim();
  const content = (textIn(data.content) ?? '').trim();
  if (fateOf(dialect, type) === 'sent') {
    return { type, data: { lat: String(lat), lon: String(lon), title, content } };
  }
  warn(`${implementationLabel(dialect)} sends no locations: it is sent as text with a link to a map`);
  const link = new URL('https://uri.amap.com/marker');
  link.searchParams.set('position', `${lon},${lat}`);
  if (title !== '') link.searchParams.set('name', title);
  const lines = [`[位置]${title === '' ? '' : ` ${title}`}`, content, link.href.replace('%2C', ',')];
  return { type: 'text', data: { text: lines.filter((line) => line !== '').join('\n') } };
}

function coordinate(data: Fields, key: string, most: number, type: string): number {
  const value = numberIn(data[key]);
  if (value !== undefined && Math.abs(value) <= most) return value;
  throw malformed(type, `\`data.${key}\`, a number from ${-most} to ${most}`);
}

/** A mini app is a card like others: NapCat leaves out segments of the name `miniapp`. */
function cardOf(data: Fields, _place: Place, type: string): WireSegment {
  const { data: card, config } = data;
  const text = fields(card) === undefined ? needed(data, 'data', type) : JSON.stringify(card);
  if (!isJsonObject(text)) throw malformed(type, '`data.data`: a JSON object, as text');
  return { type: 'json', data: { data: text, ...(fields(config) === undefined ? {} : { config }) } };
}

function isJsonObject(text: string): boolean {
  try {
    return fields(JSON.parse(text)) !== undefined;
  } catch {
    return false;
  }
}

function contactOf(data: Fields, _place: Place, type: string): WireSegment {
  const whose = needed(data, 'type', type);
  if (whose !== 'qq' && whose !== 'group') throw malformed(type, '`data.type`: "qq" or "group"');
  return { type, data: { type: whose, id: needed(data, 'id', type) } };
}

const MUSIC_SERVICES: ReadonlySet<string> = new Set(['qq', '163', 'kugou', 'migu', 'kuwo', 'xm']);

function musicOf(data: Fields, { dialect }: Place, type: string): WireSegment {
  const service = needed(data, 'type', type);
  if (service === 'custom') {
    const picture = dialect === 'napcat' ? { image: needed(data, 'image', type) } : {};
    return { type, data: { ...data, url: needed(data, 'url', type), title: needed(data, 'title', type), ...picture } };
  }
  if (!MUSIC_SERVICES.has(service))
    throw malformed(type, '`data.type`: "qq", "163", "kugou", "migu", "kuwo" or "custom"');
  return { type, data: { type: service, id: needed(data, 'id', type) } };
}

/** What came in without an address is known to the implementation by a name of its own. */
function givenFile(data: Fields, _place: Place, type: string): WireSegment {
  const file = remoteFile(needed(data, 'file', type));
  if (file === undefined) {
    throw refusal(
      'media.address_unsupported',
      `the \`file\` of a \`${type}\` names a path`,
      'give an http(s) address or `base64://…`, or send it as a file of this machine',
    );
  }
  const name = textIn(data.name);
  return { type, data: { file, ...(type === 'file' && name !== undefined ? { name } : {}) } };
}
