/** Looking into what the wire sent, of which nothing is certain: values may be numbers, texts or nothing where another was promised. */
import { isPeerId, type PeerId } from '../../model/target.js';
import type { Fields } from '../../protocol/onebot/wire.js';

export type { Fields } from '../../protocol/onebot/wire.js';

/** An object that is no list; undefined for anything else. */
export function fields(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
}

/** A text that is not empty. */
export function textIn(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** A text that is not empty, or what was meant as one. */
export function wordIn(value: unknown): string | undefined {
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return textIn(value);
}

/** A finite number, also as its digits. */
export function numberIn(value: unknown): number | undefined {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined;
}

/** A person or group: whole numbers, or, from bridges, ids of their own. */
export function peerIn(value: unknown): PeerId | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? (String(value) as PeerId) : undefined;
  return typeof value === 'string' && isPeerId(value) ? value : undefined;
}

/** A person or group, where 0 means nobody. */
export function somebodyIn(value: unknown): PeerId | undefined {
  const peer = peerIn(value);
  return peer === '0' ? undefined : peer;
}

const MESSAGE_ID = /^[\x21-\x7e]{1,128}$/;

/** The number of a message, which may be negative. */
export function messageIdIn(value: unknown): string | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? String(value) : undefined;
  return typeof value === 'string' && MESSAGE_ID.test(value) ? value : undefined;
}

/** At most `max` characters; what is cut off leaves `…`. */
export function shortened(text: string, max: number): string {
  if (text.length <= max) return text;
  return `${text.slice(0, max).replace(/[\ud800-\udbff]$/, '')}…`;
}
