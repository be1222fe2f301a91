/** One turn of a backend, asked without a daemon: does it answer, and what? */
import type { Backend, Turn } from '../backends/backend.js';
import type { BackendConfig } from '../config/config.js';
import { oneLine } from '../lanes/one-line.js';
import type { InboundMessage, Segment } from '../model/message.js';
import { plainText } from '../model/message.js';
import type { MessageId, PeerId } from '../model/target.js';
import { normaliseAccountId } from '../model/target.js';
import type { Secrets } from '../telemetry/log.js';
import { openBackend } from './open-backend.js';

/** Characters of the answer that are told. */
const SHOWN = 200;

/**
 * @returns what it answered, as one short line; empty: it was silent
 * @throws BackendError, or ConfigError when its secret was not found
 */
export async function tryBackend(
  config: BackendConfig,
  text: string,
  secrets: Secrets,
  signal: AbortSignal,
): Promise<string> {
  const message = messageOf(text);
  const segments: Segment[] = [];
  for await (const segment of answerOf(openBackend(config, undefined, secrets), message, config, signal))
    segments.push(segment);
  return oneLine(secrets.strikeOut(plainText(segments)), SHOWN);
}

async function* answerOf(
  backend: Backend,
  message: InboundMessage,
  { timeoutMs }: BackendConfig,
  signal: AbortSignal,
): AsyncIterable<Segment> {
  if ('atOnce' in backend) return yield* backend.atOnce(message);
  const turn: Turn = {
    message,
    context: { systemPrompt: '', skills: [], tools: { allow: [], deny: [] }, history: [] },
    attempt: 1,
  };
  const limit = { signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]) };
  for await (const piece of backend.answer(turn, limit)) if (piece.type !== 'end') yield piece;
}

function messageOf(text: string): InboundMessage {
  const peer = 'loong-init' as PeerId;
  return {
    id: 'loong-init' as MessageId,
    conversation: { channel: 'qqbot', account: normaliseAccountId('default'), kind: 'c2c', peer },
    sender: { id: peer, isBot: false },
    segments: [{ type: 'text', text }],
    mentionsBot: true,
    sentAt: Date.now(),
  };
}
