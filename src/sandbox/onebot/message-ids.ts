/** The int32 that each implementation makes of a message's real id. */
import { createHash, randomInt } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { FlavourFacts } from './flavours.js';
import type { Place } from './place.js';

/** The 19 digits that QQ itself knows a message by. */
export const newNativeId = (): string =>
  `7${String(randomInt(1e9)).padStart(9, '0')}${String(randomInt(1e9)).padStart(9, '0')}`;

export function messageIdOf({ flavour }: FlavourFacts, nativeId: string, place: Place, seq: number): number {
  const chatType = place.kind === 'group' ? 2 : 1;
  switch (flavour) {
    case 'napcat':
      return md5Start(`${nativeId}|${chatType}|${place.kind === 'group' ? place.id : `u_${place.id}`}`) & 0x7fffffff;
    case 'llonebot':
      return (md5Start(`${nativeId}${place.id}`) & 0x7fffffff) | 1;
    case 'lagrange':
      return (randomInt(0x10000) << 16) | (seq & 0xffff) | 0;
    case 'go-cqhttp':
      return crc32(`${place.id}-${nativeId}`) | 0;
  }
}

const md5Start = (text: string): number => createHash('md5').update(text).digest().readInt32BE(0);
