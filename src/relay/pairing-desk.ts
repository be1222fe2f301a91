/** Where an operator lets people in, and out again: every decision is written to the log, and takes effect at once. */
import { allowedPeers } from '../access/allowed-peers.js';
import type { AccountBasics } from '../config/config.js';
import { laneId, type Target } from '../model/target.js';
import type {
  Approval,
  ApprovedPeer,
  DecidedBy,
  OutboxId,
  Pairings,
  PendingPairing,
  Revocation,
  WaitingMessage,
} from '../store/store.js';
import { type Log, shownPeer } from '../telemetry/log.js';
import { welcome } from './pairing-offer.js';
import type { Cutting } from './parts.js';

export type PairingAccount = Pick<AccountBasics, 'channel' | 'id' | 'allowedPeerIds' | 'groups' | 'dmPolicy'>;

export interface DeskParts {
  readonly pairings: Pairings;
  /** How long text is cut for an account, by lane id. */
  readonly cutting: (account: string) => Cutting;
  readonly accounts: readonly PairingAccount[];
  readonly by: DecidedBy;
  readonly log: Log;
  /** The message that asked waits for its answer now. */
  readonly answer?: (account: string, entry: WaitingMessage) => void;
  /** Messages were stored or stopped. */
  readonly changed?: (account: string, messages: readonly OutboxId[]) => void;
}

export class PairingDesk {
  readonly #parts: DeskParts;

  constructor(parts: DeskParts) {
    this.#parts = parts;
  }

  /** `accounts` are lane ids, among which `given` (user id or code) is looked for. @throws as `Pairings.approve` */
  async approve(accounts: readonly string[], given: string, notify: boolean): Promise<Approval> {
    const { pairings, by, cutting, answer, changed } = this.#parts;
    const notice = (to: Target) => welcome(to, cutting(laneId(to)));
    const isHeard = (lane: string) => this.#account(lane)?.dmPolicy !== 'disabled';
    const done = await pairings.approve(accounts, given, by, { isHeard, ...(notify ? { notice } : {}) });
    this.#tell('pairing approved', done.approved);
    changed?.(done.approved.account, done.notice === undefined ? [] : [done.notice]);
    if (done.waiting !== undefined) answer?.(done.approved.account, done.waiting);
    return done;
  }

  /** @throws as `Pairings.deny` */
  async deny(accounts: readonly string[], given: string): Promise<PendingPairing> {
    const done = await this.#parts.pairings.deny(accounts, given, this.#parts.by);
    this.#tell('pairing denied', done);
    return done;
  }

  /** @throws as `Pairings.revoke` */
  async revoke(accounts: readonly string[], peer: string): Promise<Revocation> {
    const { pairings, by, changed } = this.#parts;
    const done = await pairings.revoke(accounts, peer, by, (lane, id) => this.isListed(lane, id));
    this.#tell('pairing revoked', done.revoked, { stopped: done.stopped.length });
    changed?.(done.revoked.account, done.stopped);
    return done;
  }

  /** Whether the config alone allows this person. */
  isListed(lane: string, peer: string): boolean {
    const account = this.#account(lane);
    return account !== undefined && allowedPeers(account).has('c2c', peer);
  }

  #account(lane: string): PairingAccount | undefined {
    return this.#parts.accounts.find(({ channel, id }) => laneId({ channel, account: id }) === lane);
  }

  #tell(what: string, { account, peer }: ApprovedPeer | PendingPairing, more: object = {}): void {
    const { log, by } = this.#parts;
    log.info({ lane: account, peer: shownPeer(log, peer), by, ...more }, what);
  }
}
