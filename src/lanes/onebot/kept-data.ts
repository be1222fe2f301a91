/** Objects of the wire as they may be kept: stored, logged and handed to programs, so neither endlessly deep nor endlessly long. */
import type { Fields } from './wire-fields.js';

const MAX_DEPTH = 12;
/** Values in one object, those within it counted too. */
const MAX_VALUES = 5000;
const MAX_TEXT_CHARS = 65_536;

/** The same object where it is small enough, which nearly every one is; else a copy that leaves out what is too much. */
export function keptData(data: Fields): Fields {
  const room = { values: MAX_VALUES };
  return isSmall(data, 0, room) ? data : (cut(data, 0, { values: MAX_VALUES }) as Fields);
}

interface Room {
  values: number;
}

function isSmall(value: unknown, depth: number, room: Room): boolean {
  if (typeof value === 'string') return value.length <= MAX_TEXT_CHARS;
  if (typeof value !== 'object' || value === null) return true;
  const inner = Object.values(value);
  room.values -= inner.length;
  return depth < MAX_DEPTH && room.values >= 0 && inner.every((part) => isSmall(part, depth + 1, room));
}

function cut(value: unknown, depth: number, room: Room): unknown {
  if (typeof value === 'string') return value.length <= MAX_TEXT_CHARS ? value : `${value.slice(0, MAX_TEXT_CHARS)}…`;
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= MAX_DEPTH) return '…';
  const kept: [string, unknown][] = [];
  for (const [key, part] of Object.entries(value)) {
    if (--room.values < 0) break;
    kept.push([key.slice(0, 256), cut(part, depth + 1, room)]);
  }
  return Array.isArray(value) ? kept.map(([, part]) => part) : Object.fromEntries(kept);
}
