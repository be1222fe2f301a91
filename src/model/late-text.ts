/** Messages that could not be delivered in time, said together: what a QQ user reads when they come at last. */
import { plainText, type Segment } from './message.js';

/** Longest merged message, in characters as they are counted here; the platform takes about 5000. */
const LIMIT = 4500;
/** A guild writes `&`, `<` and `>` with so many characters at most. */
const ESCAPED_WIDTH = 5;
const MINUTE_MS = 60_000;

export interface LateMessage {
  readonly segments: readonly Segment[];
  /** When it was written, unix ms. */
  readonly at: number;
}

/** How many of these, from the first, fit into one message; the first always does. Only plain text is put together. */
export function howManyFit(messages: readonly LateMessage[]): number {
  let size = 0;
  for (const [i, { segments }] of messages.entries()) {
    size += widthOf(plainText(segments)) + 1;
    if (i > 0 && (size > LIMIT || !isText(segments))) return i;
    if (!isText(segments)) return 1;
  }
  return messages.length;
}

/** One message that carries all of these, with a line in front that tells how old the first is; one alone that is hardly late stays as it is. */
export function lateText(messages: readonly LateMessage[], now: number): readonly Segment[] {
  const [first, ...others] = messages;
  if (first === undefined) return [];
  const isFresh = others.length === 0 && now - first.at < MINUTE_MS;
  if (isFresh || !isText(first.segments)) return first.segments;
  const said = messages.map(({ segments }) => plainText(segments)).join('\n');
  const note =
    others.length === 0
      ? `（迟到的消息，写于${age(now - first.at)}）`
      : `（迟到的 ${messages.length} 条消息，最早写于${age(now - first.at)}）`;
  return [{ type: 'text', text: widthOf(said) > LIMIT ? said : `${note}\n${said}` }];
}

function isText(segments: readonly Segment[]): boolean {
  return segments.every(({ type }) => type === 'text');
}

function widthOf(text: string): number {
  return text.length + (ESCAPED_WIDTH - 1) * (text.match(/[&<>]/g)?.length ?? 0);
}

function age(ms: number): string {
  const minutes = Math.floor(ms / MINUTE_MS);
  if (minutes < 1) return '刚才';
  if (minutes < 60) return ` ${minutes} 分钟前`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? ` ${hours} 小时前` : ` ${Math.floor(hours / 24)} 天前`;
}
