/** Whether a message may be answered. Pure: the same message and policy always give the same verdict. */
import { type AccountBasics, type GroupRule, meansEverybody } from '../config/config.js';
import type { InboundMessage } from '../model/message.js';
import { type ChannelId, isPeerIdOf, kindName, shortPeer, type TargetKind } from '../model/target.js';
import { type AllowedPeers, allowedPeers } from './allowed-peers.js';

export interface AccountPolicy {
  readonly allowed: AllowedPeers;
  readonly dmPolicy: AccountBasics['dmPolicy'];
  /** Unknown people are asked to pair. */
  readonly offersPairing: boolean;
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
  | 'dm_disabled'
  | 'sender_not_allowed'
  | 'group_not_allowed'
  | 'group_disabled'
  | 'group_sender_not_allowed'
  | 'not_mentioned'
  /** Found beside admission: somebody answers every answer. */
  | 'too_many_turns';

export type Verdict =
  | { readonly do: 'answer' }
  /** Not answered yet: the sender is told how to be let in. */
  | { readonly do: 'offer-pairing' }
  | { readonly do: 'ignore'; readonly because: RefusalReason };

const ANSWER: Verdict = { do: 'answer' };
const OFFER_PAIRING: Verdict = { do: 'offer-pairing' };

/** `paired`: as for `allowedPeers`. */
export function policyOf(
  account: Omit<AccountPolicy, 'allowed' | 'offersPairing'> & Pick<AccountBasics, 'allowedPeerIds'>,
  paired?: ReadonlySet<string>,
): AccountPolicy {
  const { dmPolicy, groupPolicy, groupAllowFrom, groups, requireMention } = account;
  // Who would be asked is everybody then, and everybody is allowed.
  const offersPairing = dmPolicy === 'pairing' && !meansEverybody(account.allowedPeerIds);
  const allowed = allowedPeers(account, paired);
  return { allowed, dmPolicy, offersPairing, groupPolicy, groupAllowFrom, groups, requireMention };
}

/** False when no message at all can be admitted, now or once somebody was approved. */
export function admitsAnything(policy: AccountPolicy): boolean {
  const { allowed, dmPolicy, offersPairing, groupPolicy, groupAllowFrom } = policy;
  if (dmPolicy !== 'disabled' && (offersPairing || allowed.reachesPeople)) return true;
  if (groupPolicy !== 'allowlist') return groupPolicy === 'open';
  return allowed.reachesGroups || groupAllowFrom.length > 0;
}

/** What decides about a message. */
type Asking = Pick<InboundMessage, 'conversation' | 'sender' | 'mentionsBot'>;

export function admit(message: Asking, policy: AccountPolicy): Verdict {
  const { kind, peer } = message.conversation;
  if (message.sender.isBot) return ignore('from_bot');
  if (kind === 'c2c' || kind === 'dm') return admitPrivately(message, policy);
  const [own, others] = [policy.groups.get(peer), policy.groups.get('*')];
  if (policy.groupPolicy === 'disabled' || own?.enabled === false) return ignore('group_disabled');
  if (!isGroupAdmitted(kind, peer, policy)) return ignore('group_not_allowed');
  const senders = (own ?? others)?.allowFrom ?? sendersAmong(policy, kind, peer);
  if (senders.length > 0 && !namesSender(senders, message.sender.id)) return ignore('group_sender_not_allowed');
  if ((own?.requireMention ?? others?.requireMention ?? policy.requireMention) && !message.mentionsBot)
    return ignore('not_mentioned');
  return ANSWER;
}

/** Whether what somebody says there is heard: answered when it means the bot, else told to whoever answers next. */
export function isHeard(said: Omit<Asking, 'mentionsBot'>, policy: AccountPolicy): boolean {
  return admit({ ...said, mentionsBot: true }, policy).do === 'answer';
}

function admitPrivately({ conversation, sender }: Asking, policy: AccountPolicy): Verdict {
  const { allowed, dmPolicy, offersPairing } = policy;
  if (dmPolicy === 'disabled') return ignore('dm_disabled');
  // A guild's direct message is judged by its author, whom `*` (every c2c peer) does not mean.
  const isListed =
    conversation.kind === 'c2c'
      ? allowed.has('c2c', sender.id)
      : allowed.names('c2c', sender.id) || allowed.has('dm', sender.id);
  if (isListed || dmPolicy === 'open') return ANSWER;
  const mayPair = offersPairing && sender.id !== '*' && isPeerIdOf(conversation.channel, sender.id);
  return mayPair ? OFFER_PAIRING : ignore('sender_not_allowed');
}

/** Whether anybody at all is answered in a group or channel. */
export function isGroupHeard(kind: TargetKind, peer: string, policy: AccountPolicy): boolean {
  if (policy.groupPolicy === 'disabled' || policy.groups.get(peer)?.enabled === false) return false;
  return isGroupAdmitted(kind, peer, policy);
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
