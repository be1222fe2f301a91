/** Whether a message may be answered. Pure: the same message and policy always give the same verdict. */
import type { AccountBasics, GroupRule } from '../config/config.js';
import type { InboundMessage } from '../model/message.js';
import { type ChannelId, kindName, shortPeer, type TargetKind } from '../model/target.js';
import { type AllowedPeers, allowedPeers } from './allowed-peers.js';

export interface AccountPolicy {
  readonly allowed: AllowedPeers;
  readonly groupPolicy: AccountBasics['groupPolicy'];
  /** Senders for whom groups were opened, and ids of groups that are admitted. */
  readonly groupAllowFrom: readonly string[];
  readonly groups: ReadonlyMap<string, GroupRule>;
  /** In groups and channels only messages that mean the bot are answered, unless the group has a rule of its own. */
  readonly requireMention: boolean;
}

/** Why a message is not answered. These words are stored, counted and shown. */
export type RefusalReason =
  | 'from_bot'
  | 'sender_not_allowed'
  | 'group_not_allowed'
  | 'group_disabled'
  | 'group_sender_not_allowed'
  | 'not_mentioned'
  /** Found beside admission: somebody answers every answer. */
  | 'too_many_turns';

export type Verdict = { readonly do: 'answer' } | { readonly do: 'ignore'; readonly because: RefusalReason };

const ANSWER: Verdict = { do: 'answer' };

export function policyOf(
  account: Omit<AccountPolicy, 'allowed'> & Pick<AccountBasics, 'allowedPeerIds'>,
): AccountPolicy {
  const { groupPolicy, groupAllowFrom, groups, requireMention } = account;
  return { allowed: allowedPeers(account), groupPolicy, groupAllowFrom, groups, requireMention };
}

/** False when no message at all can be admitted. */
export function admitsAnything({ allowed, groupPolicy, groupAllowFrom }: AccountPolicy): boolean {
  if (allowed.reachesPeople) return true;
  if (groupPolicy !== 'allowlist') return groupPolicy === 'open';
  return !allowed.isEmpty || groupAllowFrom.length > 0;
}

export function admit(message: InboundMessage, policy: AccountPolicy): Verdict {
  const { kind, peer } = message.conversation;
  const { allowed } = policy;
  if (message.sender.isBot) return ignore('from_bot');
  if (kind === 'c2c') return allowed.has('c2c', message.sender.id) ? ANSWER : ignore('sender_not_allowed');
  // A guild's direct message is judged by its author, whom `*` (every c2c peer) does not mean.
  if (kind === 'dm') {
    const isAllowed = allowed.names('c2c', message.sender.id) || allowed.has('dm', message.sender.id);
    return isAllowed ? ANSWER : ignore('sender_not_allowed');
  }
  const [own, others] = [policy.groups.get(peer), policy.groups.get('*')];
  if (policy.groupPolicy === 'disabled' || own?.enabled === false) return ignore('group_disabled');
  if (!isGroupAdmitted(kind, peer, policy)) return ignore('group_not_allowed');
  const senders = (own ?? others)?.allowFrom ?? sendersAmong(policy, kind, peer);
  if (senders.length > 0 && !namesSender(senders, message.sender.id)) return ignore('group_sender_not_allowed');
  if ((own?.requireMention ?? others?.requireMention ?? policy.requireMention) && !message.mentionsBot)
    return ignore('not_mentioned');
  return ANSWER;
}

function isGroupAdmitted(
  kind: TargetKind,
  peer: string,
  { allowed, groupPolicy, groupAllowFrom, groups }: AccountPolicy,
): boolean {
  if (allowed.has(kind, peer) || groupAllowFrom.some((entry) => isGroupEntry(entry, kind, peer))) return true;
  return groupPolicy === 'open' && (groups.has(peer) || groups.get('*')?.enabled !== false);
}

type GroupKeys = Pick<AccountPolicy, 'groupAllowFrom' | 'groups'>;

/**
 * How `group_allow_from` is read: as groups what says so, or has a table; as senders the rest, of which an entry admits the group
 * that has it as its own id.
 */
export function readingOf({ groupAllowFrom, groups }: GroupKeys): { groups: string[]; senders: string[] } {
  const isGroup = (entry: string) => /^(group|channel|dm):/.test(entry) || groups.has(entry);
  return { groups: groupAllowFrom.filter(isGroup), senders: groupAllowFrom.filter((entry) => !isGroup(entry)) };
}

/** Each value with what it was taken for, in words. */
export function describeReading({
  channel,
  groupAllowFrom,
  groups,
}: GroupKeys & Pick<AccountBasics, 'channel'>): readonly string[] {
  const of = (entry: string): string => {
    if (/^(group|channel|dm):/.test(entry)) return 'a group that is admitted';
    if (groups.has(entry)) return groups.get(entry)?.enabled === false ? 'a group that is switched off' : 'a group';
    if (entry === '*' || entry === 'c2c:*') return 'every sender';
    return entry.startsWith('c2c:') ? 'a sender' : 'a sender; a group with this very id would be admitted';
  };
  return groupAllowFrom.map((entry) => `${shownEntry(channel, entry)}: ${of(entry)}`);
}

/** As people write it, and as a log may show it. */
function shownEntry(channel: ChannelId, entry: string): string {
  const [peer = '', kind] = entry.split(':').reverse();
  return kind === undefined ? shortPeer(peer) : `${kindName(channel, kind as TargetKind)}:${shortPeer(peer)}`;
}

/** Senders are named for groups, and no group is: were groups meant, each would be heard only from the others' ids. */
export function mayMeanGroups({
  allowedPeerIds,
  groupPolicy,
  ...keys
}: GroupKeys & Pick<AccountBasics, 'allowedPeerIds' | 'groupPolicy'>): boolean {
  const named = [...keys.groups].some(([, { enabled }]) => enabled) || readingOf(keys).groups.length > 0;
  const isOpen = groupPolicy !== 'allowlist' || allowedPeerIds.some((entry) => /^(group|channel):/.test(entry));
  return !named && !isOpen && readingOf(keys).senders.some((entry) => !entry.includes(':') && entry !== '*');
}

function sendersAmong(keys: GroupKeys, kind: TargetKind, peer: string): readonly string[] {
  return readingOf(keys).senders.filter((entry) => !isGroupEntry(entry, kind, peer));
}

function isGroupEntry(entry: string, kind: TargetKind, peer: string): boolean {
  return entry === peer || entry === `${kind}:${peer}`;
}

function namesSender(entries: readonly string[], sender: string): boolean {
  return entries.some((entry) => entry === sender || entry === `c2c:${sender}` || entry === '*' || entry === 'c2c:*');
}

function ignore(because: RefusalReason): Verdict {
  return { do: 'ignore', because };
}
