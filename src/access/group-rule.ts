/** Which rule of `groups` holds in a conversation, and who answers there by it. */
import type { AccountBasics, GroupRule } from '../config/config.js';
import type { Target } from '../model/target.js';

const NO_RULE: Partial<GroupRule> = {};

/** That of its own id, else that of every other group; people have none. */
export function ruleOf({ groups }: Pick<AccountBasics, 'groups'>, { kind, peer }: Target): Partial<GroupRule> {
  if (groups.size === 0 || (kind !== 'group' && kind !== 'channel')) return NO_RULE;
  return groups.get(peer) ?? groups.get('*') ?? NO_RULE;
}

/** Name of the entry of `backends` that answers there. */
export function backendNameOf(account: Pick<AccountBasics, 'groups' | 'backend'>, conversation: Target): string {
  return ruleOf(account, conversation).backend ?? account.backend;
}

/** All that answer somewhere in the account. */
export function backendNamesOf({ backend, groups }: Pick<AccountBasics, 'groups' | 'backend'>): ReadonlySet<string> {
  return new Set([backend, ...[...groups.values()].flatMap((rule) => rule.backend ?? [])]);
}
