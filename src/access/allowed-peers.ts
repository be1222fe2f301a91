/** The one validator of peers: inbound, replies, command line and API all ask it. What is not listed is not allowed, in either direction. */
import { AccessDenied } from '../model/errors.js';
import type { Target, TargetKind } from '../model/target.js';

/** The peers that one account may talk with. An empty set allows nobody. */
export interface AllowedPeers {
  has(kind: TargetKind, peer: string): boolean;
  /** Whether an entry means exactly this peer: no `kind:*` counts. */
  names(kind: TargetKind, peer: string): boolean;
  /** True when nobody is allowed. */
  readonly isEmpty: boolean;
}

/**
 * Reads the entries of `allowed_peer_ids`: an exact id of any kind, `kind:id`, `kind:*`, or `*` which means every c2c peer and nothing else.
 * Entries were checked when the config was read.
 */
export function allowedPeers(entries: readonly string[]): AllowedPeers {
  const exact = new Set<string>();
  for (const entry of entries) exact.add(entry === '*' ? 'c2c:*' : entry);
  const names = (kind: TargetKind, peer: string) => exact.has(peer) || exact.has(`${kind}:${peer}`);
  return {
    has: (kind, peer) => names(kind, peer) || exact.has(`${kind}:*`),
    names,
    isEmpty: exact.size === 0,
  };
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
