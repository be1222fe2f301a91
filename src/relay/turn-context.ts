/** What a backend is told beside a message: as the account and its group are configured. */
import type { TurnContext } from '../backends/backend.js';
import type { AccountBasics, GroupRule } from '../config/config.js';
import type { InboundMessage } from '../model/message.js';

type ContextKeys = Pick<AccountBasics, 'systemPrompt' | 'groups'>;

export function contextOf({ systemPrompt, groups }: ContextKeys, { conversation }: InboundMessage): TurnContext {
  const { kind, peer } = conversation;
  const rule: Partial<GroupRule> =
    kind === 'group' || kind === 'channel' ? (groups.get(peer) ?? groups.get('*') ?? {}) : {};
  return {
    systemPrompt: rule.systemPrompt ?? systemPrompt,
    skills: rule.skills ?? [],
    tools: rule.tools ?? { allow: [], deny: [] },
    history: [],
  };
}
