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

export function admit(message: InboundMessage, policy: AccountPolicy): Verdict {
  const { kind, peer } = message.conversation;
  if (message.sender.isBot) return ignore('from_bot');
  if (kind === 'c2c' || kind === 'dm') {
    return policy.allowed.has('c2c', message.sender.id) ? { do: 'answer' } : ignore('sender_not_allowed');
  }
  if (!policy.allowed.has(kind, peer)) return ignore('group_not_allowed');
  if (policy.requireMention && !message.mentionsBot) return ignore('not_mentioned');
  return { do: 'answer' };
}

function ignore(because: RefusalReason): Verdict {
  return { do: 'ignore', because };
}
