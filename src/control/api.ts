/** The shapes that the daemon and those who talk to it agree on. */
import type { OutgoingStatus, RowError } from '../store/store.js';

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
}

export interface DaemonStatus {
  readonly pid: number;
  readonly version: string;
  /** Unix ms. */
  readonly startedAt: number;
  readonly accounts: readonly AccountStatus[];
  readonly counters: { readonly [name: string]: number };
}

/** Body of `POST /v1/messages`. */
export interface SendRequest {
  /** Long or short form. */
  readonly target: string;
  readonly text: string;
}

/** What became of an outgoing message. */
export interface Receipt {
  readonly id: string;
  readonly target: string;
  readonly status: OutgoingStatus;
  readonly mode?: 'passive' | 'active';
  readonly message_ids: readonly string[];
  readonly parts: number;
  readonly attempts: number;
  readonly error?: RowError;
}

/** An RFC 9457 problem document. */
export interface Problem {
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly remedy?: string;
}

/** What the control server asks of the daemon. */
export interface DaemonOperations {
  status(): DaemonStatus;
  /** @throws UsageError, AccessDenied */
  submit(request: SendRequest): Promise<Receipt>;
  /** Resolves once the message is settled or parked, or `waitMs` have passed; undefined when there is no such message. */
  message(id: string, waitMs: number): Promise<Receipt | undefined>;
  /** Asks the daemon to end; it finishes running turns and sends first. */
  requestStop(): void;
}
