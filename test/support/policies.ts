/** Who may talk, as short as a test wants to write it. */
import { type AccountPolicy, policyOf } from '../../src/access/admission.js';
import type { AllowedPeers } from '../../src/access/allowed-peers.js';
import type { InboundMessage } from '../../src/model/message.js';
import { pairingOffer } from '../../src/relay/pairing-offer.js';
import type { PairingOffer } from '../../src/store/store.js';

/** The policy of an account with these `allowed_peer_ids`, silent to all others, and everything else at its default. */
export function policyWith(allowedPeerIds: readonly string[], more: Partial<Keys> = {}): AccountPolicy {
  return policyOf({
    allowedPeerIds,
    dmPolicy: 'allowlist',
    groupPolicy: 'allowlist',
    groupAllowFrom: [],
    groups: new Map(),
    requireMention: true,
    ...more,
  });
}

type Keys = Parameters<typeof policyOf>[0];

/** What an unknown sender is told: `code CODE`. */
export function offerFor(message: InboundMessage): PairingOffer {
  const parts = {
    maxPending: 3,
    message: 'code {code}',
    cutting: { limit: 2000, mode: 'length' },
    places: () => 4,
  } as const;
  return pairingOffer({ ...parts, channel: message.conversation.channel }, message);
}

export function allowing(allowedPeerIds: readonly string[]): AllowedPeers {
  return policyWith(allowedPeerIds).allowed;
}
