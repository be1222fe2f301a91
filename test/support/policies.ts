/** Who may talk, as short as a test wants to write it. */
import { type AccountPolicy, policyOf } from '../../src/access/admission.js';
import type { AllowedPeers } from '../../src/access/allowed-peers.js';

/** The policy of an account with these `allowed_peer_ids`, and everything else at its default. */
export function policyWith(allowedPeerIds: readonly string[]): AccountPolicy {
  return policyOf({
    allowedPeerIds,
    groupPolicy: 'allowlist',
    groupAllowFrom: [],
    groups: new Map(),
    requireMention: true,
  });
}

export function allowing(allowedPeerIds: readonly string[]): AllowedPeers {
  return policyWith(allowedPeerIds).allowed;
}
