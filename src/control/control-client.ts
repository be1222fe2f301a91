/** How other processes of this machine talk to the daemon that owns a state directory. */
import { Agent, type Dispatcher, request } from 'undici';
import { AccessDenied, LoongError, UsageError } from '../model/errors.js';
import { lastOwner } from '../store/owner.js';
import type { DaemonStatus, Problem, Receipt, SendRequest } from './api.js';

const TIMEOUT_MS = 10_000;
const LONGEST_WAIT_MS = 50_000;

export class ControlClient {
  readonly #agent: Dispatcher;

  private constructor(socketPath: string) {
    this.#agent = new Agent({ connect: { socketPath }, headersTimeout: LONGEST_WAIT_MS + TIMEOUT_MS });
  }

  /** A client of the running daemon; undefined when none runs on this state directory. */
  static async find(stateDir: string): Promise<ControlClient | undefined> {
    const socket = lastOwner(stateDir)?.socket;
    if (socket === undefined || socket === '') return undefined;
    const client = new ControlClient(socket);
    try {
      await client.status();
      return client;
    } catch (error) {
      await client.close();
      if (isNobodyThere(error)) return undefined;
      throw error;
    }
  }

  status(): Promise<DaemonStatus> {
    return this.#call<DaemonStatus>('GET', '/v1/status');
  }

  /** Asks the daemon to end. */
  async stop(): Promise<void> {
    await this.#call('POST', '/v1/stop', {});
  }

  /** Resolves once the daemon has stored the message. */
  send(message: SendRequest): Promise<Receipt> {
    return this.#call<Receipt>('POST', '/v1/messages', message);
  }

  /** Waits until the message is settled or parked, at most until `deadline` (unix ms); resolves with what is known then. */
  async settled(id: string, deadline: number): Promise<Receipt> {
    for (;;) {
      const waitMs = Math.min(Math.max(deadline - Date.now(), 0), LONGEST_WAIT_MS);
      const receipt = await this.#call<Receipt>('GET', `/v1/messages/${encodeURIComponent(id)}?wait_ms=${waitMs}`);
      if ((receipt.status !== 'queued' && receipt.status !== 'sending') || Date.now() >= deadline) return receipt;
    }
  }

  async #call<T>(method: 'GET' | 'POST', path: string, body?: object): Promise<T> {
    const response = await request(`http://loong${path}`, {
      method,
      dispatcher: this.#agent,
      headers: body === undefined ? {} : { 'content-type': 'application/json' },
      body: body === undefined ? null : JSON.stringify(body),
    });
    const answer: unknown = await response.body.json();
    if (response.statusCode < 400) return answer as T;
    throw errorOf(answer as Problem);
  }

  async close(): Promise<void> {
    await this.#agent.close();
  }
}

/** The daemon's problem document as the error that it was over there. */
function errorOf({ status, code, title, remedy }: Problem): LoongError {
  if (status === 403) return new AccessDenied(code, title, remedy);
  if (status === 400) return new UsageError(code, title, remedy);
  return new LoongError(code, title, remedy === undefined ? {} : { remedy });
}

function isNobodyThere(error: unknown): boolean {
  const code = (error as { code?: unknown }).code;
  return code === 'ECONNREFUSED' || code === 'ENOENT';
}
