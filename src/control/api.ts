/** The shapes that the daemon and those who talk to it agree on. */
import type { ChannelId } from '../model/target.js';
import type { OutgoingStatus, QueueItem, QueueRow, RowError } from '../store/store.js';

/** Contract §12: the states of one account. */
export type AccountState = 'starting' | 'connecting' | 'ready' | 'resuming' | 'waiting' | 'stopped' | 'failed';

export interface AccountStatus {
  readonly channel: string;
  readonly account: string;
  readonly state: AccountState;
  /** Unix ms. */
  readonly since: number;
  readonly detail?: string;
  readonly remedy?: string;
  /** Unix ms: the last message, notice or other event. */
  readonly last_inbound_at?: number;
  /** Unix ms: the last heartbeat that the platform acknowledged. */
  readonly last_ack_at?: number;
  /** What went wrong last; it stays when the account has recovered. `at`: unix ms. */
  readonly last_error?: { readonly message: string; readonly at: number; readonly remedy?: string };
  /** Unix ms: when it is tried again, while it is `waiting` or `failed`. */
  readonly next_try_at?: number;
  readonly dm_policy?: string;
  /** How many people ask to be let in, and how many were. */
  readonly pairings?: { readonly pending: number; readonly approved: number };
}

export interface DaemonStatus {
  readonly pid: number;
  readonly version: string;
  /** Unix ms. */
  readonly started_at: number;
  readonly accounts: readonly AccountStatus[];
  readonly counters: { readonly [name: string]: number };
}

/** One piece of a message in the words of OneBot: `{"type": "image", "data": {"file": "https://…"}}`. */
export interface WireSegment {
  readonly type: string;
  readonly data: { readonly [key: string]: unknown };
}

/** Body of `POST /v1/messages`: exactly one of `text`, `markdown` and `segments`. */
export interface SendRequest {
  /** Long or short form. */
  readonly target: string;
  readonly text?: string | undefined;
  readonly markdown?: string | undefined;
  /** As OneBot writes them; OneBot targets alone take them. */
  readonly segments?: readonly WireSegment[] | undefined;
  /** The platform's id of a message of this conversation whose reply window is preferred. */
  readonly reply_to?: string | undefined;
}

/** What became of an outgoing message, all its parts together. */
export interface Receipt {
  readonly id: string;
  readonly target: string;
  /** `failed` if a part failed; else `uncertain`, `sending`, `queued`, `parked`; `delivered` when all parts are. */
  readonly status: OutgoingStatus;
  /** `active` if any part went out so; absent before the first attempt, and on OneBot. */
  readonly mode?: 'passive' | 'active';
  /** The platform's ids of the parts that it took, in order. */
  readonly message_ids: readonly string[];
  readonly parts: number;
  /** How many of them arrived for certain. */
  readonly parts_delivered: number;
  /** Of all parts. */
  readonly attempts: number;
  /** What is seen otherwise than it was meant, of parts that were delivered. */
  readonly warnings?: readonly string[];
  /** Of the first part that has one. */
  readonly error?: RowError;
}

interface PairedDocument {
  readonly channel: ChannelId;
  readonly account: string;
  readonly user_id: string;
  /** As the platform gave it. */
  readonly name?: string;
}

export interface PendingDocument extends PairedDocument {
  readonly code: string;
  /** Unix ms. */
  readonly asked_at: number;
  readonly expires_at: number;
}

export interface ApprovedDocument extends PairedDocument {
  /** Unix ms. */
  readonly approved_at: number;
}

/** Of `GET /v1/pairings`. */
export interface PairingDocument {
  readonly pending: readonly PendingDocument[];
  readonly approved: readonly ApprovedDocument[];
}

/** Whom an operator means: of a channel, and of one account where it is named. */
export interface PairingChoice {
  readonly channel: string;
  readonly account?: string | undefined;
  /** Code or user id; to revoke, the user id. */
  readonly pairing: string;
}

export interface ApprovalDocument {
  readonly approved: ApprovedDocument;
  /** The message with which they asked, which is answered now: `in-7`. */
  readonly answers: string | null;
  /** The message that tells them: `out-7`. */
  readonly notice: string | null;
}

export interface RevocationDocument {
  readonly revoked: ApprovedDocument;
  /** Messages that waited for them, and are not sent any more. */
  readonly stopped: readonly string[];
}

/** What is decided about those who ask to be let in. All @throws LoongError `pairing.unknown`, UsageError. */
export interface PairingOperations {
  pairings(): PairingDocument;
  approve(choice: PairingChoice & { readonly notify?: boolean | undefined }): Promise<ApprovalDocument>;
  deny(choice: PairingChoice): Promise<{ readonly denied: PendingDocument }>;
  revoke(choice: PairingChoice): Promise<RevocationDocument>;
}

/** An RFC 9457 problem document. */
export interface Problem {
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly remedy?: string;
}

/** What the control server asks of the daemon. */
export interface DaemonOperations extends PairingOperations {
  status(): DaemonStatus;
  /**
   * `key`: of several requests with the same one only the first is stored, and all get its receipt.
   * @throws UsageError (`idempotency.conflict` when the key came with something else before), AccessDenied; LoongError `message.unknown`
   */
  submit(request: SendRequest, key?: string): Promise<Receipt>;
  /** Resolves once the message is settled or parked, or `waitMs` have passed; undefined when there is no such message. */
  message(id: string, waitMs: number): Promise<Receipt | undefined>;
  queue(): readonly QueueRow[];
  queueItem(id: string): QueueItem | undefined;
  /** Resolves with the row as it is then. @throws as `Queue.retry` */
  retry(id: string, mayDouble: boolean): Promise<QueueItem>;
  /** Resolves with the row as it is then. @throws as `Queue.drop` */
  drop(id: string): Promise<QueueItem>;
  /**
   * Calls an action of the implementation that an account of OneBot is connected with, and resolves with its `data`.
   * @throws UsageError for an unknown account, LoongError `onebot.…` when it is not connected, refuses, or does not answer in time
   */
  onebot(account: string, action: string, params: { readonly [key: string]: unknown }): Promise<unknown>;
  /** Asks the daemon to end; it finishes running turns and sends first. */
  requestStop(): void;
}
