/** Whether a message may be answered. Pure: the same message and policy always give the same verdict. */
import type { InboundMessage } from '../model/message.js';
import type { AllowedPeers } from './allowed-peers.js';

export interface AccountPolicy {
  readonly allowed: AllowedPeers;
  /** In groups and channels only messages that mean the bot are answered. */
  readonly requireMention: boolean;
}

/** Why a message is not answered. These words are stored, counted and shown. */
export type RefusalReason = 'from_bot' | 'sender_not_allowed' | 'group_not_allowed' | 'not_mentioned';

export type Verdict = { readonly do: 'answer' } | { readonly do: 'ignore'; readonly because: RefusalReason };

const ANSWER: Verdict = { do: 'answer' };

export function admit(message: InboundMessage, policy: AccountPolicy): Verdict {
  const { kind, peer } = message.conversation;
  if (message.sender.isBot) return ignore('from_bot');
  if (kind === 'c2c') return policy.allowed.has('c2c', message.sender.id) ? ANSWER : ignore('sender_not_allowed');
  // A guild's direct message is judged by its author, whom `*` (every c2c peer) does not mean.
  if (kind === 'dm') {
    const { allowed } = policy;
    const isAllowed = allowed.names('c2c', message.sender.id) || allowed.has('dm', message.sender.id);
    return isAllowed ? ANSWER : ignore('sender_not_allowed');
  }
  if (!policy.allowed.has(kind, peer)) return ignore('group_not_allowed');
  if (policy.requireMention && !message.mentionsBot) return ignore('not_mentioned');
  return ANSWER;
}

function ignore(because: RefusalReason): Verdict {
  return { do: 'ignore', because };
}
