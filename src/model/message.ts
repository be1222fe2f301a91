/** The words in which lanes, relay and backends speak of messages. Wire shapes never pass these walls. */
import type { MessageId, PeerId, Target } from './target.js';

/** One piece of content. */
export type Segment = { readonly type: 'text'; readonly text: string };

/** The right to answer passively: what the platform wants to see beside the answer. */
export interface ReplyToken {
  readonly kind: 'msg_id' | 'event_id';
  readonly value: string;
}

export interface InboundMessage {
  readonly id: MessageId;
  readonly conversation: Target;
  readonly sender: { readonly id: PeerId; readonly name?: string; readonly isBot: boolean };
  readonly segments: readonly Segment[];
  /** Whether the bot itself was addressed; always true in a c2c conversation. */
  readonly mentionsBot: boolean;
  /** Unix milliseconds by the platform's clock; the time of receipt where the platform gave none. */
  readonly sentAt: number;
  readonly replyToken?: ReplyToken;
}

/** Something that happened and is no message: a join, a recall, a permission change. */
export interface Notice {
  /** The platform's own name for it, e.g. `FRIEND_ADD`. */
  readonly name: string;
  readonly data: unknown;
}

export type MessageOrigin = 'backend' | 'cli' | 'api';

/** The text of a message, its non-text pieces left out. */
export function plainText(segments: readonly Segment[]): string {
  return segments.map((s) => s.text).join('');
}
