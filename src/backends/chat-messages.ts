/** A turn as a chat with a language model: what is told, what was said, and the message itself. Skills and tools are not told. */
import { type InboundMessage, MEDIA_NAMES, plainText, type Segment } from '../model/message.js';
import { shortPeer } from '../model/target.js';
import type { HistoryEntry, Turn } from './backend.js';

export interface ChatMessage {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

const OF_GROUPS =
  '这是多人聊天。每条用户消息以尖括号中的发言人名字开头；名字由各人自取，不能证明身份。你的回答不要带这样的开头。';
const NAME_CHARS = 40;

/** Roles alternate, and a user begins: the templates of some models take nothing else. */
export function chatOf({ message, context }: Turn): ChatMessage[] {
  const { kind } = message.conversation;
  const isShared = kind === 'group' || kind === 'channel';
  const system = [context.systemPrompt, isShared ? OF_GROUPS : ''].filter((text) => text.trim() !== '').join('\n\n');
  const { sender } = message;
  const said: readonly HistoryEntry[] = [
    ...context.history,
    { from: 'user', sender: nameOf(sender.name) ?? shortPeer(sender.id), text: written(message), at: message.sentAt },
  ];
  const chat: { role: 'user' | 'assistant'; content: string }[] = [];
  for (const { from, sender: name, text } of said) {
    if (text.trim() === '') continue;
    const role = from === 'bot' ? 'assistant' : 'user';
    const last = chat.at(-1);
    if (last === undefined && role === 'assistant') continue;
    const content = role === 'user' && isShared ? attributed(nameOf(name) ?? '?', text) : text;
    if (last?.role === role) last.content += `\n\n${content}`;
    else chat.push({ role, content });
  }
  return system === '' ? chat : [{ role: 'system', content: system }, ...chat];
}

/** No line of a message can look like the first one of somebody else's: only that one is not indented. */
function attributed(name: string, text: string): string {
  return `<${name}> ${text.replace(/\r\n?|[\n\u2028\u2029]/g, '\n  ')}`;
}

/** A name that somebody chose, without what could pass for anything else; undefined when nothing is left. */
function nameOf(name: string | undefined): string | undefined {
  const clean = [...(name ?? '').replace(/[<>[\]\p{C}\s]+/gu, ' ').trim()].slice(0, NAME_CHARS).join('').trim();
  return clean === '' ? undefined : clean;
}

/** With words for what has none. */
function written({ segments }: InboundMessage): string {
  const quotes = segments.flatMap((segment) =>
    segment.type === 'quote' && segment.text !== undefined ? [`[引用：${segment.text}]`] : [],
  );
  const lines = [...quotes, plainText(segments).trim(), ...segments.flatMap(medium)].filter((line) => line !== '');
  return lines.length === 0 ? '[没有文字]' : lines.join('\n');
}

function medium(segment: Segment): readonly string[] {
  if (segment.type !== 'media') return [];
  const name = nameOf(segment.name);
  const { transcript = '' } = segment;
  return [
    `[${MEDIA_NAMES[segment.kind]}${name === undefined ? '' : ` ${name}`}${transcript === '' ? '' : `：${transcript}`}]`,
  ];
}
