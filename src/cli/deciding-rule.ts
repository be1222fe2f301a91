/** Which rule of an account decides about a message or a target, in words, with the key of the config that would change it. */
import { type RefusalReason, readingOf } from '../access/admission.js';
import { ruleOf } from '../access/group-rule.js';
import type { Account } from '../config/config.js';
import { keyPath } from '../config/findings.js';
import { kindName, type Target } from '../model/target.js';
import type { PairingStep } from '../store/store.js';

export interface DecidingRule {
  /** In words. */
  readonly rule: string;
  /** Where it stands; absent where no key changes it. */
  readonly key?: string;
  /** What to do to have it otherwise. */
  readonly change?: string;
}

/**
 * A key of this account, where the file has it: changed in its own table a list that it inherits would be lost. What nobody set is set
 * for this account alone.
 */
export function keyOf({ table, inherited }: Pick<Account, 'table' | 'inherited'>, ...path: readonly string[]): string {
  const [key = ''] = path;
  return keyPath([...(inherited.includes(key) ? table.slice(0, 1) : table), ...path]);
}

/** Why a message of this sender in this conversation is not answered. `waits`: they asked to pair, and nobody has decided yet. */
export function refusingRule(
  reason: RefusalReason | PairingStep,
  account: Account,
  conversation: Target,
  sender: string,
  waits: boolean,
): DecidingRule {
  const { kind, peer } = conversation;
  const group = (...path: readonly string[]) => keyOf(account, 'groups', peer, ...path);
  switch (reason) {
    case 'from_bot':
      return { rule: 'messages of bots are never answered' };
    case 'too_many_turns':
      return {
        rule: 'its sender answered every answer, faster than a person does; after a minute it is answered again',
      };
    case 'dm_disabled':
      return { rule: 'nobody is answered in private', key: keyOf(account, 'dm_policy'), change: 'set it to "pairing"' };
    case 'pairing_offered':
    case 'pairing_pending': {
      const list = `add "${sender}" to \`${keyOf(account, 'allowed_peer_ids')}\``;
      const command = `\`loong pairing approve ${account.channel} ${sender} --account ${account.id}\``;
      return {
        rule: waits ? 'the sender is unknown, and waits for approval' : 'who is unknown is told a code once, no more',
        key: keyOf(account, 'dm_policy'),
        change: waits ? `${command}, or ${list}` : `${list}; or they write, and you approve (\`loong pairing list\`)`,
      };
    }
    case 'pairing_full':
      return {
        rule: 'the sender is unknown, and too many others waited for approval',
        key: keyPath(['pairing', 'max_pending']),
        change: `raise it, or approve or deny who waits (\`loong pairing list\`): then they may ask; or add "${sender}" to \`${keyOf(account, 'allowed_peer_ids')}\``,
      };
    case 'sender_not_allowed':
      return {
        rule: 'the sender is not in `allowed_peer_ids`',
        key: keyOf(account, 'allowed_peer_ids'),
        change: `add "${sender}" to it`,
      };
    case 'group_not_allowed':
      return {
        rule: `this ${kind} is admitted by nothing`,
        key: group(),
        change: `add the table [${group()}], or "${kind}:${peer}" to \`${keyOf(account, 'allowed_peer_ids')}\``,
      };
    case 'group_disabled':
      if (account.groups.get(peer)?.enabled === false)
        return { rule: `this ${kind} is switched off`, key: group('enabled'), change: 'set it to true' };
      return account.groupPolicy === 'disabled'
        ? { rule: 'no group is heard', key: keyOf(account, 'group_policy'), change: 'set it to "allowlist"' }
        : { rule: `this ${kind}, or every one, was switched off, and is not any more` };
    case 'group_sender_not_allowed': {
      const table = tableWith(account, peer, 'allowFrom');
      return table === undefined
        ? {
            rule: 'only senders in `group_allow_from` may use the bot in groups',
            key: keyOf(account, 'group_allow_from'),
            change: `add "${sender}" to it, or to allow_from of the group`,
          }
        : {
            rule: 'only senders in `allow_from` of the group may use the bot there',
            key: keyOf(account, 'groups', table, 'allow_from'),
            change: `add "${sender}" to it`,
          };
    }
    case 'not_mentioned':
      return {
        rule: 'it does not mention the bot, as everything there must',
        key: mentionKey(account, peer),
        change: 'set it to false, or @ the bot',
      };
  }
}

/** What says whether a message has to mention the bot. */
export function mentionKey(account: Account, peer: string): string {
  const table = [peer, '*'].find((id) => account.groups.get(id)?.requireMention !== undefined);
  return table === undefined
    ? keyOf(account, 'default_require_mention')
    : keyOf(account, 'groups', table, 'require_mention');
}

/** What admits messages of this sender in this conversation, mention aside; absent where nothing does. */
export function admittingRule(
  account: Account,
  { kind, peer }: Target,
  sender: string,
  paired: ReadonlySet<string>,
): DecidingRule | undefined {
  const { channel, allowedPeerIds, groupAllowFrom, groups, groupPolicy } = account;
  const isGroup = kind === 'group' || kind === 'channel';
  if (isGroup && groups.get(peer)?.enabled === true) {
    return { rule: `the ${kind} has a table of its own`, key: keyOf(account, 'groups', peer) };
  }
  const id = isGroup ? peer : sender;
  // A guild's direct message is judged by its author, as if in private, whom `*` does not mean.
  const entries = [id, `${kind}:${id}`, `${kind}:*`, ...(kind === 'c2c' ? ['*'] : kind === 'dm' ? [`c2c:${id}`] : [])];
  const entry = entries.find((one) => allowedPeerIds.includes(one));
  if (entry !== undefined) {
    const shown = entry.startsWith('c2c:') ? entry.replace('c2c', kindName(channel, 'c2c')) : entry;
    return { rule: `"${shown}" is in \`allowed_peer_ids\``, key: keyOf(account, 'allowed_peer_ids') };
  }
  if (!isGroup && paired.has(sender)) {
    return { rule: 'their pairing was approved; `loong pairing revoke` takes that back' };
  }
  if (!isGroup) {
    const isOpen = account.dmPolicy === 'open';
    return isOpen ? { rule: 'everybody is answered in private', key: keyOf(account, 'dm_policy') } : undefined;
  }
  if (groups.get('*')?.enabled === true) return { rule: 'every group is admitted', key: keyOf(account, 'groups', '*') };
  if (groupAllowFrom.some((one) => one === peer || one === `${kind}:${peer}`)) {
    return { rule: 'its id is in `group_allow_from`', key: keyOf(account, 'group_allow_from') };
  }
  return groupPolicy === 'open' ? { rule: 'every group is heard', key: keyOf(account, 'group_policy') } : undefined;
}

/** Who may use the bot in a group; undefined: everybody there. */
export function sendersIn(account: Account, conversation: Target): readonly string[] | undefined {
  const own = ruleOf(account, conversation).allowFrom;
  const senders = own ?? readingOf(account).senders.filter((entry) => entry !== conversation.peer);
  return senders.length === 0 ? undefined : senders;
}

/** What names the backend that answers there. */
export function backendKey(account: Account, conversation: Target): string {
  const isOwn = ruleOf(account, conversation).backend !== undefined;
  if (!isOwn) return keyOf(account, 'backend');
  const { peer } = conversation;
  return keyOf(account, 'groups', account.groups.has(peer) ? peer : '*', 'backend');
}

/** The table that holds for a group, where it has this key. */
function tableWith({ groups }: Account, peer: string, name: 'allowFrom'): string | undefined {
  const table = groups.has(peer) ? peer : '*';
  return groups.get(table)?.[name] === undefined ? undefined : table;
}
