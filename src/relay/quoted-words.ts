/** Words that a message brings along from another one: a backend gets them only where it would have heard whoever said them. */
import type { InboundMessage, Segment } from '../model/message.js';
import type { PeerId } from '../model/target.js';

/** Whether what somebody says there is heard: answered, or told to whoever answers next. */
export type Hears = (said: Pick<InboundMessage, 'conversation' | 'sender'>) => boolean;

/** Of whom the platform did not say who it was, as much is known as of anybody. */
const ANYBODY = '' as PeerId;

/** The message itself where nothing has to be left out. */
export function withHeardQuotes<M extends Pick<InboundMessage, 'conversation' | 'segments'>>(
  message: M,
  hears: Hears,
): M {
  const { conversation, segments } = message;
  // In private whatever is quoted was said to the bot, or by it.
  if (conversation.kind === 'c2c' || conversation.kind === 'dm') return message;
  const isUnheard = (segment: Segment): boolean => {
    const by = quotedBy(segment);
    return by !== undefined && by !== 'bot' && !hears({ conversation, sender: { id: by, isBot: false } });
  };
  return segments.some(isUnheard)
    ? { ...message, segments: segments.flatMap((segment) => (isUnheard(segment) ? bareQuote(segment) : [segment])) }
    : message;
}

/** Who said the words that a segment quotes; undefined where it quotes none. */
function quotedBy(segment: Segment): PeerId | 'bot' | undefined {
  if (segment.type === 'quote') return segment.text === undefined ? undefined : (segment.by ?? ANYBODY);
  return segment.type === 'native' && segment.kind === 'quote' ? ANYBODY : undefined;
}

function bareQuote(segment: Segment): readonly Segment[] {
  return segment.type === 'quote' ? [{ type: 'quote', message: segment.message }] : [];
}
