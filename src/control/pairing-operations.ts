/** Who was let in and who asks to be, as programs see it, and what an operator decides about them. */
import { UsageError } from '../model/errors.js';
import { type ChannelId, channelNamed, laneId, normaliseAccountId } from '../model/target.js';
import type { PairingAccount, PairingDesk } from '../relay/pairing-desk.js';
import type { Approval, ApprovedPeer, Pairings, PendingPairing, Revocation } from '../store/store.js';
import type {
  AccountStatus,
  ApprovalDocument,
  ApprovedDocument,
  PairingChoice,
  PairingDocument,
  PairingOperations,
  PendingDocument,
  RevocationDocument,
} from './api.js';

/** `accounts`: all that are configured, whether they are served or not. */
export function pairingOperations(
  desk: PairingDesk,
  pairings: Pairings,
  accounts: readonly PairingAccount[],
): PairingOperations {
  return {
    pairings: () => pairingDocument({ pending: pairings.pending(), approved: pairings.approved() }),
    async approve({ notify = false, pairing, ...choice }) {
      return approvalDocument(await desk.approve(lanesOf(accounts, choice), pairing, notify));
    },
    async deny({ pairing, ...choice }) {
      return { denied: pendingDocument(await desk.deny(lanesOf(accounts, choice), pairing)) };
    },
    async revoke({ pairing, ...choice }) {
      return revocationDocument(await desk.revoke(lanesOf(accounts, choice), pairing));
    },
  };
}

/** Lane ids of what was named. @throws UsageError for an unknown channel or account */
export function lanesOf(
  accounts: readonly Pick<PairingAccount, 'channel' | 'id'>[],
  { channel: name, account: given }: Omit<PairingChoice, 'pairing'>,
): readonly string[] {
  const channel = channelNamed(name);
  if (channel === undefined) throw new UsageError('channel.unknown', `unknown channel \`${name}\``);
  const all = accounts.filter((account) => account.channel === channel).map(({ id }) => id);
  const wanted = given === undefined ? undefined : normaliseAccountId(given);
  if (wanted !== undefined && !all.includes(wanted)) {
    throw new UsageError(
      'account.unknown',
      `requested account \`${wanted}\` is not configured`,
      `configured accounts: ${all.join(', ')}`,
    );
  }
  return all.filter((id) => wanted === undefined || id === wanted).map((account) => laneId({ channel, account }));
}

/** What the state of an account says of it. */
export function pairingFacts(
  accounts: readonly (PairingAccount & { readonly dmPolicy: string })[],
  { pending, approved }: { readonly pending: readonly PendingPairing[]; readonly approved: readonly ApprovedPeer[] },
): (status: AccountStatus) => AccountStatus {
  return (status) => {
    const account = accounts.find(({ channel, id }) => channel === status.channel && id === status.account);
    const lane = `${status.channel}:${status.account}`;
    return {
      ...status,
      ...(account === undefined ? {} : { dm_policy: account.dmPolicy }),
      pairings: {
        pending: pending.filter((one) => one.account === lane).length,
        approved: approved.filter((one) => one.account === lane).length,
      },
    };
  };
}

export function pairingDocument({
  pending,
  approved,
}: {
  readonly pending: readonly PendingPairing[];
  readonly approved: readonly ApprovedPeer[];
}): PairingDocument {
  return { pending: pending.map(pendingDocument), approved: approved.map(approvedDocument) };
}

export function approvalDocument({ approved, waiting, notice }: Approval): ApprovalDocument {
  return {
    approved: approvedDocument(approved),
    answers: waiting === undefined ? null : `in-${waiting.id}`,
    notice: notice === undefined ? null : `out-${notice}`,
  };
}

export function revocationDocument({ revoked, stopped }: Revocation): RevocationDocument {
  return { revoked: approvedDocument(revoked), stopped: stopped.map((id) => `out-${id}`) };
}

export function pendingDocument({ code, askedAt, expiresAt, ...who }: PendingPairing): PendingDocument {
  return { ...whoDocument(who), code, asked_at: askedAt, expires_at: expiresAt };
}

function approvedDocument({ approvedAt, ...who }: ApprovedPeer): ApprovedDocument {
  return { ...whoDocument(who), approved_at: approvedAt };
}

function whoDocument({ account: lane, peer, name }: Pick<ApprovedPeer, 'account' | 'peer' | 'name'>) {
  const [channel = '', account = ''] = lane.split(':');
  return { channel: channel as ChannelId, account, user_id: peer, ...(name === undefined ? {} : { name }) };
}
