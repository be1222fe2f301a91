/** How other processes of this machine talk to the daemon that owns a state directory. */
import { Agent, type Dispatcher, request } from 'undici';
import { AccessDenied, describeError, LoongError, UsageError } from '../model/errors.js';
import { lastOwner } from '../store/owner.js';
import type { QueueItem } from '../store/store.js';
import type {
  ApprovalDocument,
  DaemonStatus,
  PairingChoice,
  PendingDocument,
  Problem,
  Receipt,
  RevocationDocument,
  SendRequest,
} from './api.js';

/** A daemon that lives answers at once. */
const ANSWER_LIMIT_MS = 5000;
/** How long one question for the outcome of a message waits, so that the last known status is never much older. */
const LOOK_MS = 250;
/** An answer that is on its way at the deadline is still taken. */
const GRACE_MS = 1000;
/** An action that uploads a file takes its time; the daemon has limits of its own. */
const ACTION_LIMIT_MS = 600_000;
/** Of Node. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

type Method = 'GET' | 'POST' | 'DELETE';

/** How a question ended without an answer: `refused` nothing was asked, `broken` the connection ended, `late` the time was up. */
type Silence = 'refused' | 'broken' | 'late';

/** The daemon gave no answer (exit 69). */
export class NoAnswer extends LoongError {
  readonly silence: Silence;

  constructor(silence: Silence, cause: unknown) {
    super('daemon.not_answering', silence === 'late' ? 'no answer in time' : describeError(cause), {
      cause,
      remedy: 'see whether it runs with `loong gateway status`',
    });
    this.silence = silence;
  }
}

/** What is known of a message at the end of a wait; `silence` when the daemon was there no more. */
export interface Outcome {
  readonly receipt: Receipt;
  readonly silence?: Silence;
}

export class ControlClient {
  readonly #agent: Dispatcher;

  private constructor(socketPath: string) {
    this.#agent = new Agent({ connect: { socketPath } });
  }

  /**
   * A client of the running daemon; undefined when none runs on this state directory. Looks for it until `deadline` (unix ms), and for 5 s at most.
   * @throws LoongError `daemon.not_answering` when something stands there that does not answer
   */
  static async find(stateDir: string, deadline = Number.POSITIVE_INFINITY): Promise<ControlClient | undefined> {
    const owner = lastOwner(stateDir);
    if (owner === undefined || owner.socket === '') return undefined;
    const client = new ControlClient(owner.socket);
    try {
      await client.#call('GET', '/v1/status', deadline);
      return client;
    } catch (error) {
      await client.close();
      if (error instanceof NoAnswer && error.silence === 'refused') return undefined;
      throw new LoongError(
        'daemon.not_answering',
        `the daemon on ${stateDir} (pid ${owner.pid}) does not answer: ${describeError(error)}`,
        {
          cause: error,
          remedy: `use the account that it runs as, and look at its log; if it hangs, \`kill -9 ${owner.pid}\` and start it again: nothing that was accepted is lost`,
        },
      );
    }
  }

  status(): Promise<DaemonStatus> {
    return this.#call<DaemonStatus>('GET', '/v1/status');
  }

  /** Asks the daemon to end. */
  async stop(): Promise<void> {
    await this.#call('POST', '/v1/stop', undefined, {});
  }

  /** Tries a message of the queue again. @throws as `Queue.retry` */
  retry(id: string, mayDouble: boolean): Promise<QueueItem> {
    return this.#call<QueueItem>('POST', queuePath(id), undefined, { may_double: mayDouble });
  }

  /** Gives up a message of the queue. @throws as `Queue.drop` */
  drop(id: string): Promise<QueueItem> {
    return this.#call<QueueItem>('DELETE', queuePath(id));
  }

  /** @throws as `PairingOperations.approve` */
  approve(choice: PairingChoice & { readonly notify?: boolean | undefined }): Promise<ApprovalDocument> {
    return this.#call<ApprovalDocument>('POST', '/v1/pairings', undefined, choice);
  }

  /** @throws as `PairingOperations.deny` */
  deny(choice: PairingChoice): Promise<{ readonly denied: PendingDocument }> {
    return this.#call('DELETE', pairingPath('pairing', choice));
  }

  /** @throws as `PairingOperations.revoke` */
  revoke(choice: PairingChoice): Promise<RevocationDocument> {
    return this.#call<RevocationDocument>('DELETE', pairingPath('approved', choice));
  }

  /** Calls an action of OneBot and resolves with its `data`. @throws as `DaemonOperations.onebot` */
  async onebot(
    account: string,
    action: string,
    params: { readonly [key: string]: unknown },
    timeoutMs = ACTION_LIMIT_MS,
  ): Promise<unknown> {
    const path = `/v1/onebot/${encodeURIComponent(account)}/actions/${encodeURIComponent(action)}`;
    const { data } = await this.#callUntil<{ data: unknown }>('POST', path, Date.now() + timeoutMs, params);
    return data;
  }

  /**
   * Resolves once the daemon has stored the message; with the receipt of the earlier one where `key` was given before.
   * @throws NoAnswer when that is not known at `deadline` (unix ms); unless it was `refused`, the message may be stored
   */
  send(message: SendRequest, deadline: number, key?: string): Promise<Receipt> {
    const headers = key === undefined ? {} : { 'idempotency-key': key };
    return this.#callUntil<Receipt>('POST', '/v1/messages', deadline + GRACE_MS, message, headers);
  }

  /** Waits until a stored message is settled or parked, at most until `deadline` (unix ms); resolves with what is known then. */
  async settled(stored: Receipt, deadline: number): Promise<Outcome> {
    let receipt = stored;
    const path = `/v1/messages/${encodeURIComponent(stored.id)}`;
    try {
      for (let first = true; ; first = false) {
        const left = Math.max(deadline - Date.now(), 0);
        const waitMs = first ? 0 : Math.min(left, LOOK_MS);
        receipt = await this.#callUntil<Receipt>('GET', `${path}?wait_ms=${waitMs}`, deadline + GRACE_MS);
        if ((receipt.status !== 'queued' && receipt.status !== 'sending') || Date.now() >= deadline) return { receipt };
      }
    } catch (error) {
      if (error instanceof NoAnswer) return { receipt, silence: error.silence };
      throw error;
    }
  }

  /** A question that is answered at once. */
  #call<T>(method: Method, path: string, deadline = Number.POSITIVE_INFINITY, body?: object): Promise<T> {
    return this.#callUntil(method, path, Math.min(deadline + GRACE_MS, Date.now() + ANSWER_LIMIT_MS), body);
  }

  async #callUntil<T>(
    method: Method,
    path: string,
    until: number,
    body?: object,
    headers: { readonly [name: string]: string } = {},
  ): Promise<T> {
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), Math.min(Math.max(until - Date.now(), 1), LONGEST_TIMER_MS));
    try {
      const response = await request(`http://loong${path}`, {
        method,
        dispatcher: this.#agent,
        signal: late.signal,
        headersTimeout: 0, // the signal tells when it is enough
        bodyTimeout: 0,
        headers: body === undefined ? headers : { ...headers, 'content-type': 'application/json' },
        body: body === undefined ? null : JSON.stringify(body),
      });
      const text = await response.body.text();
      const answer: unknown = JSON.parse(text);
      if (response.statusCode < 400) return answer as T;
      throw errorOf(answer as Problem);
    } catch (error) {
      if (error instanceof LoongError) throw error;
      throw new NoAnswer(late.signal.aborted ? 'late' : isNobodyThere(error) ? 'refused' : 'broken', error);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Waits for no answer any more. */
  async close(): Promise<void> {
    await this.#agent.destroy();
  }
}

function queuePath(id: string): string {
  return `/v1/queue/${encodeURIComponent(id)}`;
}

function pairingPath(what: 'pairing' | 'approved', { channel, account, pairing }: PairingChoice): string {
  const query = new URLSearchParams({ channel, [what]: pairing, ...(account === undefined ? {} : { account }) });
  return `/v1/pairings?${query}`;
}

/** The daemon's problem document as the error that it was over there. */
function errorOf({ status, code, title, remedy }: Problem): LoongError {
  if (status === 403) return new AccessDenied(code, title, remedy);
  if (status === 400 || code === 'idempotency.conflict') return new UsageError(code, title, remedy);
  return new LoongError(code, title, remedy === undefined ? {} : { remedy });
}

function isNobodyThere(error: unknown): boolean {
  const code = (error as { code?: unknown }).code;
  return code === 'ECONNREFUSED' || code === 'ENOENT';
}
