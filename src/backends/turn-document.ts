/** A turn as other programs get it: one JSON object, its shape part of the public contract. */
import { plainText } from '../model/message.js';
import { formatTarget } from '../model/target.js';
import type { Turn } from './backend.js';

export interface TurnDocument {
  readonly version: 1;
  readonly id: string;
  readonly channel: string;
  readonly account: string;
  readonly target: string;
  readonly kind: string;
  readonly sender: { readonly id: string; readonly name?: string };
  readonly text: string;
  readonly mentioned: boolean;
  readonly attempt: number;
}

export function turnDocument({ message, attempt }: Turn): TurnDocument {
  const { id, conversation, sender, segments, mentionsBot } = message;
  return {
    version: 1,
    id,
    channel: conversation.channel,
    account: conversation.account,
    target: formatTarget(conversation),
    kind: conversation.kind,
    sender: { id: sender.id, ...(sender.name === undefined ? {} : { name: sender.name }) },
    text: plainText(segments),
    mentioned: mentionsBot,
    attempt,
  };
}
