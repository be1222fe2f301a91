/** A forwarded chat record that came along whole, as lines that can be read. */
import { oneLine } from '../one-line.js';
import { fields, shortened, wordIn } from './wire-fields.js';

const MAX_MESSAGES = 100;
const MAX_CHARS = 20_000;
const MAX_NAME_CHARS = 64;

/**
 * `content`: message events of NapCat, or nodes. `read` gives the text of one message of it.
 * Empty for a record of which only the id came.
 */
export function recordLines(content: unknown, read: (message: unknown) => string): string {
  if (!Array.isArray(content) || content.length === 0) return '';
  const lines: string[] = [];
  let room = MAX_CHARS;
  for (const entry of content.slice(0, MAX_MESSAGES)) {
    if (room <= 0) break;
    const line = shortened(recordLine(entry, read), room);
    lines.push(line);
    room -= line.length + 1;
  }
  const more = content.length - lines.length;
  return [...lines, ...(more > 0 ? [`… (共 ${content.length} 条)`] : [])].join('\n');
}

function recordLine(entry: unknown, read: (message: unknown) => string): string {
  const message = fields(entry);
  const data = fields(message?.data) ?? message ?? {};
  const sender = fields(data.sender);
  const name = [sender?.card, sender?.nickname, data.nickname, data.name, data.user_id, data.uin]
    .map((value) => oneLine(wordIn(value) ?? '', MAX_NAME_CHARS))
    .find((value) => value !== '');
  return `${name ?? '?'}: ${read(data.message ?? data.content)}`;
}
