/** The one validator of peers: inbound, replies, command line and API all ask it. What is not listed is not allowed, in either direction. */
import type { AccountBasics } from '../config/config.js';
import { AccessDenied } from '../model/errors.js';
import type { Target, TargetKind } from '../model/target.js';

/** The peers that one account may talk with. An empty set allows nobody. */
export interface AllowedPeers {
  has(kind: TargetKind, peer: string): boolean;
  /** Whether an entry means exactly this peer: no `kind:*` counts. */
  names(kind: TargetKind, peer: string): boolean;
  /** True when an entry may allow somebody outside of groups and channels; who paired does not count. */
  readonly reachesPeople: boolean;
  /** True when an entry may allow a group or channel. */
  readonly reachesGroups: boolean;
}

/**
 * Reads the entries of `allowed_peer_ids`: an exact id of any kind, `kind:id`, `kind:*`, or `*` which means every c2c peer and nothing else;
 * and the keys of `groups`, of which each admits its group unless it is switched off, and `*` every other one. Both were checked when
 * the config was read. `paired`: people who were approved, as they are at any time.
 */
export function allowedPeers(
  { allowedPeerIds, groups }: Pick<AccountBasics, 'allowedPeerIds' | 'groups'>,
  paired: ReadonlySet<string> = NOBODY,
): AllowedPeers {
  const exact = new Set<string>();
  for (const entry of allowedPeerIds) exact.add(entry === '*' ? 'c2c:*' : entry);
  for (const [id, { enabled }] of groups) {
    if (enabled) for (const kind of GROUP_KINDS) exact.add(`${kind}:${id}`);
  }
  const isOff = (kind: TargetKind, peer: string) => isGroup(kind) && groups.get(peer)?.enabled === false;
  // `groups."*"` switched off takes back that every group is allowed, not what is listed by its id.
  const areOthersOff = (kind: TargetKind) => isGroup(kind) && groups.get('*')?.enabled === false;
  const names = (kind: TargetKind, peer: string) =>
    ((exact.has(peer) || exact.has(`${kind}:${peer}`)) && !isOff(kind, peer)) || (kind === 'c2c' && paired.has(peer));
  return {
    has: (kind, peer) => names(kind, peer) || (exact.has(`${kind}:*`) && !areOthersOff(kind) && !isOff(kind, peer)),
    names,
    reachesPeople: [...exact].some((entry) => !/^(group|channel):/.test(entry)),
    reachesGroups: [...exact].some((entry) => !/^(c2c|dm):/.test(entry)),
  };
}

const NOBODY: ReadonlySet<string> = new Set();

const GROUP_KINDS = ['group', 'channel'] as const;

function isGroup(kind: TargetKind): boolean {
  return kind === 'group' || kind === 'channel';
}

/** @throws AccessDenied in the words of the public contract. */
export function assertPeerAllowed(target: Target, allowed: AllowedPeers): void {
  if (allowed.has(target.kind, target.peer)) return;
  throw new AccessDenied(
    'access.peer_not_allowed',
    `${target.channel} target \`${target.peer}\` is not allowed by configured allowed_peer_ids`,
    `check the id for a typo, or add "${target.peer}" to allowed_peer_ids of account ${target.account}`,
  );
}
