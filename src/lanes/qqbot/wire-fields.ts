/** Looking into what the wire sent, of which nothing is certain. */
import { isPeerId, type PeerId } from '../../model/target.js';
import { isAddressable } from './encode-message.js';

export interface Fields {
  readonly [key: string]: unknown;
}

/** An object that is no list; undefined for anything else. */
export function fields(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
}

const NO_FIELDS: readonly Fields[] = [];

/** The objects among the first `max` entries of a list; none for anything else. */
export function objectsIn(value: unknown, max: number): readonly Fields[] {
  if (!Array.isArray(value)) return NO_FIELDS;
  return value.slice(0, max).flatMap((entry: unknown): readonly Fields[] => {
    const object = fields(entry);
    return object === undefined ? [] : [object];
  });
}

/** A text that is not empty. */
export function textIn(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

export function isOpenid(value: unknown): value is PeerId {
  return typeof value === 'string' && isPeerId(value) && isAddressable(value);
}

/** Opaque, but sent back and stored: letters, digits and signs, no blanks. */
const MESSAGE_ID = /^[\x21-\x7e]{1,512}$/;

export function isMessageId(value: unknown): value is string {
  return typeof value === 'string' && MESSAGE_ID.test(value);
}

/** At most `max` characters; what is cut off leaves `…`. */
export function shortened(text: string, max: number): string {
  if (text.length <= max) return text;
  return `${text.slice(0, max).replace(/[\ud800-\udbff]$/, '')}…`;
}
