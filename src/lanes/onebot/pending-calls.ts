/** Calls that wait for their answer: found again by `echo`, in whatever order the answers come, each within its time. */
import { randomBytes } from 'node:crypto';
import { onAbort } from '../on-abort.js';
import { CallError } from './call-error.js';
import { failureOf } from './failed-answers.js';
import { type Fields, fields } from './wire-fields.js';

/** Twice what delivery has in flight: beyond it the implementation does not keep up. */
const MAX_PENDING = 512;
/** A streamed answer as a whole, in characters of its frames. */
const MAX_STREAMED_CHARS = 64 * 1_048_576;

export interface CallOptions {
  /** For the answer; for each part of one that comes in parts. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Names the call when its answer comes after its time. */
  readonly delivery?: number | undefined;
}

interface Pending {
  readonly action: string;
  readonly timeoutMs: number;
  readonly resolve: (data: unknown) => void;
  readonly reject: (error: CallError) => void;
  readonly signal: AbortSignal | undefined;
  readonly delivery: number | undefined;
  /** On the monotonic clock. */
  deadline: number;
  /** What came of a streamed answer so far. */
  parts: Fields[] | undefined;
  chars: number;
}

/** What became of an answer. */
export type Answered = 'taken' | 'late' | 'unasked';

/** Calls of deliveries whose answers are still welcome though their time is up. */
const MAX_OVERDUE = 1000;

export interface PendingCallsOptions {
  /** Nothing is read at present, so nothing can be late. */
  readonly isPaused: () => boolean;
  /** `failure`: what the answer says, if not that it was done. */
  readonly onLate: (delivery: number, frame: Fields, failure: CallError | undefined) => void;
}

interface Overdue {
  readonly action: string;
  readonly delivery: number;
}

export class PendingCalls {
  readonly #options: PendingCallsOptions;
  readonly #overdue = new Map<string, Overdue>();
  readonly #pending = new Map<string, Pending>();
  /** No other connection, nor this program before it was restarted, has asked with this. */
  readonly #prefix = `loong-${randomBytes(6).toString('base64url')}-`;
  #count = 0;
  #timer: NodeJS.Timeout | undefined;
  #firesAt = Number.POSITIVE_INFINITY;

  constructor(options: PendingCallsOptions) {
    this.#options = options;
  }
  /** Signals that may end calls. One listener stands for all calls of a signal, for every message is a call. */
  readonly #heard = new Map<AbortSignal, { calls: number; readonly leave: () => void }>();

  /**
   * Waits for the answer to what `send` sends under the echo it is given. Resolves with the answer's `data`; parts that came before the
   * last one stand in its `parts`.
   * @throws CallError
   */
  open(action: string, { timeoutMs, signal, delivery }: CallOptions, send: (echo: string) => void): Promise<unknown> {
    if (this.#pending.size >= MAX_PENDING) {
      const full = new CallError('onebot.too_many_calls', `${MAX_PENDING} calls wait for their answers already`, {
        outcome: 'unsent',
        isBusy: true,
      });
      return Promise.reject(full);
    }
    if (signal?.aborted === true) return Promise.reject(stopped(action, 'unsent'));
    const echo = `${this.#prefix}${++this.#count}`;
    try {
      send(echo);
    } catch (error) {
      return Promise.reject(error);
    }
    if (signal !== undefined) this.#hear(signal);
    return new Promise((resolve, reject) => {
      this.#pending.set(echo, {
        action,
        timeoutMs,
        resolve,
        reject,
        signal,
        delivery,
        deadline: this.#waitFor(timeoutMs),
        parts: undefined,
        chars: 0,
      });
    });
  }

  #hear(signal: AbortSignal): void {
    const heard = this.#heard.get(signal);
    if (heard !== undefined) {
      heard.calls++;
      return;
    }
    const leave = onAbort(signal, () => {
      for (const [echo, pending] of [...this.#pending]) {
        if (pending.signal === signal) this.#end(echo, ({ action }) => stopped(action, 'unknown'));
      }
    });
    this.#heard.set(signal, { calls: 1, leave });
  }

  #unhear(signal: AbortSignal): void {
    const heard = this.#heard.get(signal);
    if (heard === undefined || --heard.calls > 0) return;
    this.#heard.delete(signal);
    heard.leave();
  }

  /** `size`: characters of the frame. */
  answer(frame: Fields, size: number): Answered {
    const { echo } = frame;
    const pending = typeof echo === 'string' ? this.#pending.get(echo) : undefined;
    if (pending === undefined || typeof echo !== 'string') {
      if (typeof echo === 'string') this.#late(echo, frame);
      return typeof echo === 'string' && echo.startsWith(this.#prefix) ? 'late' : 'unasked';
    }
    const data = fields(frame.data);
    if (data !== undefined && isPart(frame, data)) return this.#keepPart(echo, pending, data, size);
    const failure = failureOf(pending.action, frame);
    if (failure !== undefined) this.#end(echo, () => failure);
    else {
      this.#forget(echo, pending);
      pending.resolve(pending.parts === undefined ? frame.data : { ...data, parts: pending.parts });
    }
    return 'taken';
  }

  #keepPart(echo: string, pending: Pending, data: Fields, size: number): Answered {
    pending.chars += size;
    if (pending.chars > MAX_STREAMED_CHARS) {
      this.#end(
        echo,
        () =>
          new CallError('onebot.answer_too_large', `the answer to ${pending.action} is larger than 64 MiB`, {
            outcome: 'unknown',
            remedy: 'ask for the address of the file instead, e.g. with get_file',
          }),
      );
      return 'taken';
    }
    pending.parts ??= [];
    pending.parts.push(data);
    pending.deadline = this.#waitFor(pending.timeoutMs);
    return 'taken';
  }

  /** One timer stands for all calls, for every message is one; it fires at the earliest deadline there was. */
  #waitFor(ms: number): number {
    const deadline = performance.now() + ms;
    if (deadline < this.#firesAt) {
      clearTimeout(this.#timer);
      this.#firesAt = deadline;
      this.#timer = setTimeout(() => this.#expireDue(), Math.max(1, Math.ceil(ms)));
    }
    return deadline;
  }

  #expireDue(): void {
    this.#firesAt = Number.POSITIVE_INFINITY;
    const now = performance.now();
    let next = Number.POSITIVE_INFINITY;
    for (const [echo, { deadline }] of [...this.#pending]) {
      if (deadline <= now) this.#expire(echo);
      else next = Math.min(next, deadline);
    }
    if (next < this.#firesAt) this.#waitFor(next - now);
  }

  #expire(echo: string): void {
    const pending = this.#pending.get(echo);
    if (pending === undefined) return;
    if (this.#options.isPaused()) {
      pending.deadline = this.#waitFor(pending.timeoutMs);
      return;
    }
    const { action: overdue, delivery } = pending;
    if (delivery !== undefined) this.#remember(echo, { action: overdue, delivery });
    this.#end(
      echo,
      ({ action, timeoutMs }) =>
        new CallError('onebot.no_answer', `no answer to ${action} within ${Math.round(timeoutMs / 100) / 10} s`, {
          outcome: 'unknown',
          timedOut: true,
          remedy: 'look at the log of the OneBot implementation: it may be busy, or its QQ logged out',
        }),
    );
  }

  #remember(echo: string, overdue: Overdue): void {
    const [oldest] = this.#overdue.keys();
    if (this.#overdue.size >= MAX_OVERDUE && oldest !== undefined) this.#overdue.delete(oldest);
    this.#overdue.set(echo, overdue);
  }

  #late(echo: string, frame: Fields): void {
    const overdue = this.#overdue.get(echo);
    if (overdue === undefined) return;
    this.#overdue.delete(echo);
    this.#options.onLate(overdue.delivery, frame, failureOf(overdue.action, frame));
  }

  /** The connection is over: nobody will answer any more. */
  endAll(why: string): void {
    clearTimeout(this.#timer);
    for (const echo of [...this.#pending.keys()]) {
      this.#end(
        echo,
        ({ action }) =>
          new CallError('onebot.connection_lost', `the connection ended before ${action} was answered: ${why}`, {
            outcome: 'unknown',
          }),
      );
    }
  }

  #end(echo: string, failure: (pending: Pending) => CallError): void {
    const pending = this.#pending.get(echo);
    if (pending === undefined) return;
    this.#forget(echo, pending);
    pending.reject(failure(pending));
  }

  #forget(echo: string, { signal }: Pending): void {
    this.#pending.delete(echo);
    if (signal !== undefined) this.#unhear(signal);
  }
}

/** More will follow. A chunk of an upload that was received is the whole answer to its call, though it calls itself a stream. */
function isPart(frame: Fields, data: Fields): boolean {
  return frame.stream === 'stream-action' && data.type === 'stream' && data.status !== 'chunk_received';
}

function stopped(action: string, outcome: 'unsent' | 'unknown'): CallError {
  return new CallError('onebot.call_stopped', `${action} was stopped before it was answered`, { outcome });
}
