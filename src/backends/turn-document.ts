/** A turn as other programs get it: one JSON object of the shape that schema/turn.v1.json describes, part of the public contract. */
import { type MediaKind, plainText, type Segment } from '../model/message.js';
import { formatTarget, kindName } from '../model/target.js';
import type { HistoryEntry, Turn } from './backend.js';

export interface TurnDocument {
  readonly version: 1;
  readonly id: string;
  readonly channel: string;
  readonly account: string;
  readonly target: string;
  /** As in targets: `private` on OneBot. */
  readonly kind: string;
  readonly sender: { readonly id: string; readonly name?: string; readonly role?: string };
  readonly text: string;
  readonly mentioned: boolean;
  /** The earlier message that this one answers. */
  readonly quote?: { readonly id: string; readonly text?: string };
  readonly attachments: readonly Attachment[];
  /** The oldest first. */
  readonly history: readonly HistoryEntry[];
  readonly system_prompt: string;
  readonly skills: readonly string[];
  readonly tools: { readonly allow: readonly string[]; readonly deny: readonly string[] };
  readonly attempt: number;
}

interface Attachment {
  readonly kind: MediaKind;
  /** Signed, and ends soon. */
  readonly url: string;
  readonly name?: string;
  /** Bytes. */
  readonly size?: number;
  /** What the platform understood of a voice message. */
  readonly transcript?: string;
}

export function turnDocument({ message, context, attempt }: Turn): TurnDocument {
  const { id, conversation, sender, segments, mentionsBot } = message;
  const quote = segments.find((segment) => segment.type === 'quote');
  return {
    version: 1,
    id,
    channel: conversation.channel,
    account: conversation.account,
    target: formatTarget(conversation),
    kind: kindName(conversation.channel, conversation.kind),
    sender: {
      id: sender.id,
      ...(sender.name === undefined ? {} : { name: sender.name }),
      ...(sender.role === undefined ? {} : { role: sender.role }),
    },
    text: plainText(segments),
    mentioned: mentionsBot,
    ...(quote === undefined
      ? {}
      : { quote: { id: quote.message, ...(quote.text === undefined ? {} : { text: quote.text }) } }),
    attachments: segments.flatMap(attachment),
    history: context.history.map(said),
    system_prompt: context.systemPrompt,
    skills: context.skills,
    tools: { allow: context.tools.allow, deny: context.tools.deny },
    attempt,
  };
}

function attachment(segment: Segment): readonly Attachment[] {
  if (segment.type !== 'media') return [];
  const { type: _, ...facts } = segment;
  return [facts];
}

function said({ from, sender, text, at }: HistoryEntry): HistoryEntry {
  return { from, ...(sender === undefined ? {} : { sender }), text, at };
}
