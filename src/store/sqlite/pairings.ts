/** Who was let in, and who asks to be: each request with its code and the message that asked. */
import { LoongError, UsageError } from '../../model/errors.js';
import type { InboundMessage } from '../../model/message.js';
import { formatTarget, laneId, storedTarget } from '../../model/target.js';
import { approvedPeer, approvedPeers, pendingPairing, pendingPairings } from '../pairing-reader.js';
import type { Reads } from '../queue-reader.js';
import type {
  Approval,
  ApprovedPeer,
  Approving,
  DecidedBy,
  InboxId,
  PairingOffer,
  PairingStep,
  Pairings,
  PendingPairing,
  ReadyAnswer,
  Revocation,
} from '../store.js';
import { AccessWithdrawal } from './access-withdrawal.js';
import type { Database } from './database.js';
import { type Entries, NOBODY_DELIVERS } from './entries.js';
import type { SqliteEventLog } from './event-log.js';
import { MESSAGE, type MessageRow, storedMessage } from './inbox-row.js';
import { CODE_LASTS_MS, codeIn, newCode } from './pairing-code.js';
import type { Parking } from './parking.js';
import type { TargetLine } from './target-line.js';

const FORGET_OLD = 'DELETE FROM pairings WHERE account = ? AND code IS NOT NULL AND expires_at <= ?';
const OPEN_OF = 'SELECT peer FROM pairings WHERE account = ? AND code IS NOT NULL';
const HAS_CODE = 'SELECT 1 FROM pairings WHERE code = ?';
const ASK = `INSERT OR REPLACE INTO pairings (account, peer, name, conversation, asked_with, code, asked_at, expires_at)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?)`;
const PENDING = 'SELECT * FROM pairings WHERE code IS NOT NULL AND expires_at > ?';
const APPROVED = 'SELECT * FROM pairings WHERE approved_at IS NOT NULL AND peer = ?';
const APPROVE = `UPDATE pairings SET code = NULL, expires_at = NULL, approved_at = ? WHERE account = ? AND peer = ?`;
const REMOVE = 'DELETE FROM pairings WHERE account = ? AND peer = ?';
/** The message that asked: nobody answered it, for its sender was unknown. */
const TAKE_UP = `UPDATE inbox SET status = 'waiting', refusal = NULL, settled_at = NULL
  WHERE id = ? AND conversation = ? AND status = 'refused' RETURNING ${MESSAGE}`;

interface Row {
  readonly account: string;
  readonly peer: string;
  readonly name: string | null;
  readonly conversation: string;
  readonly asked_with: InboxId;
  readonly asked_at: number;
}

type PendingRow = Row & { readonly code: string; readonly expires_at: number };
type ApprovedRow = Row & { readonly approved_at: number };

/** What becomes of a request, and what is left to do once its message has a number. */
export interface Asked {
  readonly step: PairingStep;
  readonly answer?: ReadyAnswer;
  readonly keep?: (id: InboxId) => void;
}

export class SqlitePairings implements Pairings {
  readonly #db;
  readonly #entries;
  readonly #events;
  readonly #withdrawal;
  readonly #read: Reads;
  /** By account; kept so that a message costs no look. */
  readonly #approved = new Map<string, Set<string>>();
  readonly #forgetOld;
  readonly #openOf;
  readonly #hasCode;
  readonly #ask;
  readonly #pending;
  readonly #approvedAs;
  readonly #approve;
  readonly #remove;
  readonly #takeUp;

  constructor(db: Database, line: TargetLine, parking: Parking, entries: Entries, events: SqliteEventLog) {
    this.#db = db;
    this.#entries = entries;
    this.#events = events;
    this.#withdrawal = new AccessWithdrawal(db, line, parking);
    this.#read = <R>(sql: string, ...values: readonly (number | string)[]) =>
      db.prepare<(number | string)[], R>(sql).all(...values);
    this.#forgetOld = db.prepare<[string, number], never>(FORGET_OLD);
    this.#openOf = db.prepare<[string], { peer: string }>(OPEN_OF);
    this.#hasCode = db.prepare<[string], unknown>(HAS_CODE);
    this.#ask = db.prepare<[string, string, string | null, string, InboxId, string, number, number], never>(ASK);
    this.#pending = db.prepare<[number], PendingRow>(PENDING);
    this.#approvedAs = db.prepare<[string], ApprovedRow>(APPROVED);
    this.#approve = db.prepare<[number, string, string], never>(APPROVE);
    this.#remove = db.prepare<[string, string], never>(REMOVE);
    this.#takeUp = db.prepare<[InboxId, string], MessageRow>(TAKE_UP);
    this.lookAgain();
    db.whenUndone(() => this.lookAgain());
  }

  /** What is kept of the journal is read anew. */
  lookAgain(): void {
    for (const peers of this.#approved.values()) peers.clear();
    for (const { account, peer } of this.approved()) this.#peersOf(account).add(peer);
  }

  #peersOf(account: string): Set<string> {
    const known = this.#approved.get(account);
    if (known !== undefined) return known;
    const peers = new Set<string>();
    this.#approved.set(account, peers);
    return peers;
  }

  /**
   * Inside a transaction: somebody unknown wrote. `keep` is to be called with the number of the message. Undefined where they were
   * approved while it was on its way into the journal: nothing is asked then, and it is answered like any other.
   */
  ask(message: InboundMessage, { maxPending, say }: PairingOffer, now: number): Asked | undefined {
    const { conversation, sender } = message;
    const account = laneId(conversation);
    if (this.#approved.get(account)?.has(sender.id) === true) return undefined;
    this.#forgetOld.run(account, now);
    const open = this.#openOf.all(account);
    if (open.some(({ peer }) => peer === sender.id)) return { step: 'pairing_pending' };
    if (open.length >= maxPending) return { step: 'pairing_full' };
    const code = this.#freshCode();
    return {
      step: 'pairing_offered',
      answer: { messages: [say(code)], place: NOBODY_DELIVERS },
      keep: (id) => {
        const place = formatTarget(conversation);
        this.#ask.run(account, sender.id, sender.name ?? null, place, id, code, now, now + CODE_LASTS_MS);
        this.#events.note(account, { name: 'pairing.requested', data: { peer: sender.id } }, now);
      },
    };
  }

  #freshCode(): string {
    let code = newCode();
    while (this.#hasCode.get(code) !== undefined) code = newCode();
    return code;
  }

  pending(): readonly PendingPairing[] {
    return pendingPairings(this.#read, Date.now());
  }

  approved(): readonly ApprovedPeer[] {
    return approvedPeers(this.#read);
  }

  approvedOf(account: string): ReadonlySet<string> {
    return this.#peersOf(account);
  }

  async approve(
    accounts: readonly string[],
    given: string,
    by: DecidedBy,
    { notice, isHeard = () => true }: Approving = {},
  ): Promise<Approval> {
    const done = await this.#db.write((): Approval | LoongError => {
      const now = Date.now();
      const row = this.#requestOf(accounts, given, now);
      if (row instanceof LoongError) return row;
      const { account, peer, conversation, asked_with: id } = row;
      this.#approve.run(now, account, peer);
      this.#peersOf(account).add(peer);
      this.#events.note(account, { name: 'pairing.approved', data: { peer, by } }, now);
      const approved = approvedPeer({ ...row, approved_at: now });
      if (!isHeard(account)) return { approved };
      const taken = this.#takeUp.get(id, conversation);
      const said = notice?.(storedTarget(conversation));
      const told =
        said === undefined
          ? undefined
          : this.#entries.enter(said, { inReplyTo: id, place: NOBODY_DELIVERS, pair: undefined }).id;
      return {
        approved,
        ...(taken === undefined ? {} : { waiting: { id, message: storedMessage(taken) } }),
        ...(told === undefined ? {} : { notice: told }),
      };
    });
    return unlessRefused(done);
  }

  async deny(accounts: readonly string[], given: string, by: DecidedBy): Promise<PendingPairing> {
    const done = await this.#db.write((): PendingPairing | LoongError => {
      const now = Date.now();
      const row = this.#requestOf(accounts, given, now);
      if (row instanceof LoongError) return row;
      this.#remove.run(row.account, row.peer);
      this.#events.note(row.account, { name: 'pairing.denied', data: { peer: row.peer, by } }, now);
      return pendingPairing(row);
    });
    return unlessRefused(done);
  }

  async revoke(
    accounts: readonly string[],
    peer: string,
    by: DecidedBy,
    isListed: (account: string, peer: string) => boolean,
  ): Promise<Revocation> {
    const done = await this.#db.write((): Revocation | LoongError => {
      const now = Date.now();
      const row = onlyOne(
        this.#approvedAs.all(peer).filter(({ account }) => accounts.includes(account)),
        () => notApproved(),
      );
      if (row instanceof LoongError) return row;
      const { account, approved_at } = row;
      this.#remove.run(account, peer);
      this.#peersOf(account).delete(peer);
      this.#events.note(account, { name: 'pairing.revoked', data: { peer, by } }, now);
      const stopped = isListed(account, peer) ? [] : this.#withdrawal.stop(account, peer, now);
      return { revoked: approvedPeer({ ...row, approved_at }), stopped };
    });
    return unlessRefused(done);
  }

  /** Inside a transaction: by user id, else by code. */
  #requestOf(accounts: readonly string[], given: string, now: number): PendingRow | LoongError {
    const open = this.#pending.all(now).filter(({ account }) => accounts.includes(account));
    const byPeer = open.filter(({ peer }) => peer === given);
    return onlyOne(byPeer.length > 0 ? byPeer : open.filter(({ code }) => code === codeIn(given)), unknownRequest);
  }
}

function onlyOne<T extends Row>(rows: readonly T[], none: () => LoongError): T | LoongError {
  const [row, other] = rows;
  if (row === undefined) return none();
  if (other === undefined) return row;
  return new UsageError(
    'pairing.ambiguous',
    `several accounts know this user: ${rows.map(({ account }) => account).join(', ')}`,
    'name the account, with --account',
  );
}

/** The same whatever was given, so that it tells nothing of the codes there are. */
function unknownRequest(): LoongError {
  return new LoongError('pairing.unknown', 'nobody who waits for approval has this code or id', {
    remedy: '`loong pairing list` shows who waits; a code is good for 60 minutes, then the person writes once more',
  });
}

function notApproved(): LoongError {
  return new LoongError('pairing.unknown', 'nobody with this id was approved', {
    remedy: '`loong pairing list --approved` shows who was; who stands in allowed_peer_ids is taken out there',
  });
}

/** What was refused came back as a value, so that its neighbours in the commit need not run again. */
function unlessRefused<T>(done: T | LoongError): T {
  if (done instanceof LoongError) throw done;
  return done;
}
