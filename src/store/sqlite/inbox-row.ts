/** Messages as inbox rows hold them: what the row says in columns of its own is not in the body. */
import type { InboundMessage } from '../../model/message.js';
import { type MessageId, storedTarget } from '../../model/target.js';

/** The columns that a message is read from. */
export const MESSAGE = 'conversation, message_id, body';

export interface MessageRow {
  readonly conversation: string;
  readonly message_id: string;
  readonly body: string;
}

export function bodyOf({ sender, segments, mentionsBot, sentAt, viaGroup }: InboundMessage): string {
  const body: Omit<InboundMessage, 'id' | 'conversation' | 'viaGroup'> = { sender, segments, mentionsBot, sentAt };
  return JSON.stringify(viaGroup === undefined ? body : { ...body, viaGroup });
}

export function storedMessage({ conversation, message_id: id, body }: MessageRow): InboundMessage {
  return { ...JSON.parse(body), id: id as MessageId, conversation: storedTarget(conversation) };
}
