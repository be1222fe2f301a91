/** Cards of QQ, which are JSON of their makers, as one line that a person or a model can read. */
import { oneLine } from '../one-line.js';
import { fields, numberIn, shortened, textIn } from './wire-fields.js';

const MAX_CARD_CHARS = 200_000;
const MAX_WORDS = 300;
const MAX_URL_CHARS = 1000;

/** What a card is, by how its `app` begins. */
const APPS: readonly (readonly [string, string])[] = [
  ['com.tencent.map', '位置'],
  ['com.tencent.miniapp', '小程序'],
  ['com.tencent.contact', '名片'],
  ['com.tencent.troopsharecard', '名片'],
  ['com.tencent.music', '音乐'],
  ['com.tencent.tuwen', '链接'],
  ['com.tencent.structmsg', '链接'],
  ['com.tencent.multimsg', '聊天记录'],
];
/** Where cards keep the address that they open. */
const ADDRESS_KEYS = ['qqdocurl', 'jumpUrl', 'jump_url', 'url'];

/** `[小程序: 哔哩哔哩 https://…]`. `data`: the card as text or, from some, as an object. */
export function cardWords(data: unknown, otherwise: string): string {
  const card = cardIn(data);
  const app = textIn(card?.app) ?? '';
  const kind = APPS.find(([start]) => app.startsWith(start))?.[1] ?? otherwise;
  const meta = Object.values(fields(card?.meta) ?? {})
    .slice(0, 10)
    .map(fields)
    .find((part) => part !== undefined);
  const place = kind === '位置' ? placeWords(meta?.name, meta?.address, meta?.lat, meta?.lng) : '';
  const told = textIn(card?.prompt) ?? textIn(meta?.title) ?? textIn(meta?.desc) ?? textIn(card?.desc) ?? '';
  const address = ADDRESS_KEYS.map((key) => textIn(meta?.[key])).find((url) => url !== undefined) ?? '';
  const words = place === '' ? oneLine(told, MAX_WORDS) : place;
  return bracketed(kind, [words, address.length <= MAX_URL_CHARS ? oneLine(address, MAX_URL_CHARS) : ''].join(' '));
}

/** `Beijing Capital of China (39.9042, 116.4074)` */
export function placeWords(title: unknown, content: unknown, lat: unknown, lon: unknown): string {
  const [north, east] = [numberIn(lat), numberIn(lon)];
  const where = north === undefined || east === undefined ? '' : `(${north}, ${east})`;
  const words = [textIn(title), textIn(content)].map((text) => oneLine(text ?? '', MAX_WORDS));
  return [...words, where].filter((part) => part !== '').join(' ');
}

/** `[kind]`, with more where there is more to tell. */
export function bracketed(kind: string, more: string): string {
  const told = more.trim();
  return told === '' ? `[${kind}]` : `[${kind}: ${told}]`;
}

/** The line that XML cards show where they are not drawn. */
export function xmlWords(data: unknown): string {
  const brief = /\bbrief="([^"<>]{1,300})"/.exec(shortened(textIn(data) ?? '', MAX_CARD_CHARS))?.[1] ?? '';
  return bracketed('XML 卡片', oneLine(brief.replaceAll('&quot;', '"').replaceAll('&amp;', '&'), MAX_WORDS));
}

function cardIn(data: unknown) {
  if (typeof data !== 'string') return fields(data);
  if (data.length > MAX_CARD_CHARS) return undefined;
  try {
    return fields(JSON.parse(data));
  } catch {
    return undefined;
  }
}
