/** One HTTP question and its whole answer: bounded in time and length, and JSON only where it is JSON. */
import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import { onAbort } from '../on-abort.js';

export type JsonObject = { readonly [key: string]: unknown };

/** Longest answer that is read. */
const MAX_ANSWER_BYTES = 1_048_576;

export interface Question {
  readonly method: 'GET' | 'POST';
  readonly origin: string;
  /** With its query. */
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body?: string | null;
  /** For the whole exchange, in ms. */
  readonly timeoutMs: number;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** The body as a JSON object, an empty one for no body at all; undefined when it is anything else (HTML of a proxy). */
  readonly json: JsonObject | undefined;
}

/** The exchange ended without a whole answer. */
export class BrokenExchange extends Error {
  /** The status of the answer, where that much was read. */
  readonly status: number | undefined;

  constructor(cause: unknown, status: number | undefined) {
    super('no whole answer', { cause });
    this.status = status;
  }
}

/** @throws BrokenExchange when the answer does not come whole within its limits, or when `signal` aborts. */
export function exchange(dispatcher: Dispatcher, question: Question, signal?: AbortSignal): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { method, origin, path, headers, body = null } = question;
    const reading = new Reading(question.timeoutMs, signal, resolve, reject);
    try {
      dispatcher.dispatch({ method, origin, path, headers, body }, reading);
    } catch (error) {
      reading.fail(error);
    }
  });
}

class Reading implements Dispatcher.DispatchHandler {
  readonly #resolve: (answer: Answer) => void;
  readonly #reject: (error: BrokenExchange) => void;
  readonly #timer: NodeJS.Timeout;
  readonly #leave: () => void;
  readonly #chunks: Buffer[] = [];
  #size = 0;
  #status: number | undefined;
  #headers: IncomingHttpHeaders = {};
  #controller: Dispatcher.DispatchController | undefined;
  #failure: Error | undefined;

  constructor(
    timeoutMs: number,
    signal: AbortSignal | undefined,
    resolve: (answer: Answer) => void,
    reject: (error: BrokenExchange) => void,
  ) {
    this.#resolve = resolve;
    this.#reject = reject;
    this.#timer = setTimeout(() => this.fail(new Error(`no whole answer within ${timeoutMs / 1000} s`)), timeoutMs);
    this.#leave = onAbort(signal, (reason) => this.fail(reason));
  }

  /** Ends the exchange, and the connection with it. */
  fail(reason: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = reason instanceof Error ? reason : new Error(String(reason));
    this.#over();
    this.#reject(new BrokenExchange(this.#failure, this.#status));
    this.#controller?.abort(this.#failure);
  }

  #over(): void {
    clearTimeout(this.#timer);
    this.#leave();
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#failure !== undefined) controller.abort(this.#failure);
    else this.#controller = controller;
  }

  onResponseStart(_: unknown, status: number, headers: IncomingHttpHeaders): void {
    if (status < 200) return; // an interim answer
    this.#status = status;
    this.#headers = headers;
  }

  onResponseData(_: unknown, chunk: Buffer): void {
    this.#size += chunk.length;
    if (this.#size > MAX_ANSWER_BYTES) this.fail(new Error(`the answer is longer than ${MAX_ANSWER_BYTES} bytes`));
    else this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    if (this.#failure !== undefined) return;
    this.#over();
    const [only] = this.#chunks;
    const body = this.#chunks.length === 1 && only !== undefined ? only : Buffer.concat(this.#chunks);
    this.#resolve({
      status: this.#status as number,
      headers: this.#headers,
      json: asJsonObject(body.toString('utf8')),
    });
  }

  onResponseError(_: unknown, error: Error): void {
    this.fail(error);
  }
}

function asJsonObject(text: string): JsonObject | undefined {
  if (text.trim() === '') return {};
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined;
  } catch {
    return undefined; // the caller tells by the HTTP status what it was
  }
}
