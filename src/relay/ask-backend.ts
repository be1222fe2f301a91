/** One message put to a backend: its answer, within the time it has, and when the backend has let go of it. */
import type { Backend, Turn, TurnLimit } from '../backends/backend.js';
import { BackendError } from '../model/errors.js';
import { plainText, type Segment } from '../model/message.js';

/** Longest answer that is gathered; each piece counts as one character more. */
const MAX_ANSWER_CHARS = 100_000;
/** A backend that was broken off is waited for at the longest so long: a command is killed well before. */
const LET_GO_MS = 5000;

/** Two promises, for a backend may work on when nobody waits for its answer any more. */
export interface Asked {
  /** Rejects as soon as its time is up, or it is stopped. */
  readonly answer: Promise<readonly Segment[]>;
  /** Resolves once the backend has ended, or, some time after it was broken off, is left behind. Never rejects. */
  readonly over: Promise<void>;
  readonly stop: (reason: Error) => void;
}

export function askBackend(backend: Backend, turn: Turn, timeoutMs: number): Asked {
  const limit = new Limit();
  let stop = (reason: Error) => limit.end(reason);
  let letGo = () => {};
  const over = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  const answer = new Promise<readonly Segment[]>((resolve, reject) => {
    stop = (reason) => {
      reject(reason);
      limit.end(reason);
      setTimeout(letGo, LET_GO_MS).unref();
    };
    const timer = setTimeout(() => stop(tooSlow(timeoutMs)), timeoutMs);
    const end = () => {
      clearTimeout(timer);
      letGo();
    };
    gather(backend, turn, limit).then(
      (segments) => {
        resolve(segments);
        end();
      },
      (error: unknown) => {
        reject(error);
        end();
      },
    );
  });
  return { answer, over, stop: (reason) => stop(reason) };
}

class Limit implements TurnLimit {
  #controller: AbortController | undefined;
  #ended: Error | undefined;

  get isOver(): boolean {
    return this.#ended !== undefined;
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#ended !== undefined) this.#controller.abort(this.#ended);
    return this.#controller.signal;
  }

  end(reason: Error): void {
    this.#ended ??= reason;
    this.#controller?.abort(reason);
  }
}

async function gather(backend: Backend, turn: Turn, limit: Limit): Promise<readonly Segment[]> {
  const gathered = new Gathered();
  const pieces = backend.answer(turn, limit);
  if (Symbol.asyncIterator in pieces) {
    for await (const piece of pieces) {
      if (limit.isOver) break;
      gathered.add(piece);
    }
  } else for (const piece of pieces) gathered.add(piece);
  return gathered.segments;
}

class Gathered {
  readonly segments: Segment[] = [];
  #size = 0;

  /** @throws BackendError when the answer is longer than anybody would read; so a backend that never ends does not fill the memory. */
  add(segment: Segment): void {
    this.#size += plainText([segment]).length + 1;
    if (this.#size > MAX_ANSWER_CHARS) {
      throw new BackendError('backend.too_long', `the backend answered more than ${MAX_ANSWER_CHARS} characters`, {
        remedy: 'make it answer in fewer words',
      });
    }
    this.segments.push(segment);
  }
}

function tooSlow(timeoutMs: number): BackendError {
  return new BackendError('backend.timeout', `the backend gave no answer within ${timeoutMs} ms`, {
    remedy: 'raise `timeout` of this backend, or make it faster',
  });
}
