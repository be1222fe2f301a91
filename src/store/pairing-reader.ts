/** Who was let in and who asks to be, read without writing: by the daemon itself, or from outside. */
import type { Reads } from './queue-reader.js';
import type { ApprovedPeer, PendingPairing } from './store.js';

const PENDING = `SELECT account, peer, name, code, asked_at, expires_at FROM pairings
  WHERE code IS NOT NULL AND expires_at > ? ORDER BY asked_at, peer`;
const APPROVED = `SELECT account, peer, name, approved_at FROM pairings WHERE approved_at IS NOT NULL ORDER BY approved_at, peer`;
const EXISTS = `SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'pairings'`;

export interface PairingList {
  readonly pending: readonly PendingPairing[];
  readonly approved: readonly ApprovedPeer[];
}

export const NO_PAIRINGS: PairingList = { pending: [], approved: [] };

interface PendingRow {
  readonly account: string;
  readonly peer: string;
  readonly name: string | null;
  readonly code: string;
  readonly asked_at: number;
  readonly expires_at: number;
}

interface ApprovedRow {
  readonly account: string;
  readonly peer: string;
  readonly name: string | null;
  readonly approved_at: number;
}

/** Everything, of all accounts; nothing in a database of an older loong. `now` in unix ms. */
export function listPairings(read: Reads, now: number): PairingList {
  if (read(EXISTS).length === 0) return NO_PAIRINGS;
  return { pending: pendingPairings(read, now), approved: approvedPeers(read) };
}

export function pendingPairings(read: Reads, now: number): readonly PendingPairing[] {
  return read<PendingRow>(PENDING, now).map(pendingPairing);
}

export function approvedPeers(read: Reads): readonly ApprovedPeer[] {
  return read<ApprovedRow>(APPROVED).map(approvedPeer);
}

export function pendingPairing({ account, peer, name, code, ...row }: PendingRow): PendingPairing {
  return { account, peer, ...named(name), code, askedAt: row.asked_at, expiresAt: row.expires_at };
}

export function approvedPeer({ account, peer, name, approved_at: approvedAt }: ApprovedRow): ApprovedPeer {
  return { account, peer, ...named(name), approvedAt };
}

function named(name: string | null): { readonly name?: string } {
  return name === null ? {} : { name };
}
