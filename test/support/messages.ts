/** Messages in and out, as short as a test wants to write them. */
import type { TurnContext } from '../../src/backends/backend.js';
import type { InboundMessage } from '../../src/model/message.js';
import type { AccountId, MessageId, PeerId, Target, TargetKind } from '../../src/model/target.js';
import type { Arrival, DeliveryPlace, NewOutgoing } from '../../src/store/store.js';

export const ACCOUNT = 'qqbot:main';
export const HOUR = 3_600_000;

/** What a backend is told where nothing is configured and nothing was said before. */
export const NO_CONTEXT: TurnContext = { systemPrompt: '', skills: [], tools: { allow: [], deny: [] }, history: [] };

export function target(peer: string, kind: TargetKind = 'c2c', account = 'main'): Target {
  return { channel: 'qqbot', account: account as AccountId, kind, peer: peer as PeerId };
}

export function inbound(id: string, peer = 'alice', more: Partial<InboundMessage> = {}): InboundMessage {
  return {
    id: id as MessageId,
    conversation: target(peer),
    sender: { id: peer as PeerId, isBot: false },
    segments: [{ type: 'text', text: `text of ${id}` }],
    mentionsBot: true,
    sentAt: Date.now(),
    ...more,
  };
}

/** An admitted message with a reply window of `count` places for an hour. */
export function arrival(id: string, peer = 'alice', count = 4): Arrival {
  return { message: inbound(id, peer), right: { closesAt: Date.now() + HOUR, count } };
}

export function outgoing(peer: string, text = 'hello', more: Partial<NewOutgoing> = {}): NewOutgoing {
  return {
    target: target(peer),
    segments: [{ type: 'text', text }],
    origin: 'api',
    expiresAt: Date.now() + HOUR,
    ...more,
  };
}

/** Whoever delivers an answer that has a pair is there. */
export const READY: DeliveryPlace = { mayBegin: () => true, needsPair: true };
