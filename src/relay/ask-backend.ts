/** One message put to a backend: its answer, within the time it has, and when the backend has let go of it. */
import type { Backend, InstantBackend, PatientBackend, Turn } from '../backends/backend.js';
import { BackendError } from '../model/errors.js';
import { type InboundMessage, joined, plainText, type Segment } from '../model/message.js';

/** Longest answer that is gathered; each segment counts as one character more. */
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

/** `onPiece`: told of the answer so far. */
export function askBackend(
  backend: Backend,
  turn: Turn,
  timeoutMs: number,
  onPiece?: (answer: readonly Segment[]) => void,
): Asked {
  return 'atOnce' in backend ? answered(backend, turn) : asked(backend, turn, timeoutMs, onPiece);
}

/** @throws BackendError */
export function askAtOnce(backend: InstantBackend, message: InboundMessage): readonly Segment[] {
  const gathered = new Gathered();
  for (const segment of backend.atOnce(message)) gathered.add(segment);
  return gathered.segments;
}

function answered(backend: InstantBackend, { message }: Turn): Asked {
  const answer = new Promise<readonly Segment[]>((resolve) => resolve(askAtOnce(backend, message)));
  return { answer, over: Promise.resolve(), stop: () => undefined };
}

function asked(
  backend: PatientBackend,
  turn: Turn,
  timeoutMs: number,
  onPiece: ((answer: readonly Segment[]) => void) | undefined,
): Asked {
  const limit = new AbortController();
  let stop = (reason: Error) => limit.abort(reason);
  let letGo = () => {};
  const over = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  const answer = new Promise<readonly Segment[]>((resolve, reject) => {
    stop = (reason) => {
      reject(reason);
      limit.abort(reason);
      setTimeout(letGo, LET_GO_MS).unref();
    };
    const timer = setTimeout(() => stop(tooSlow(timeoutMs)), timeoutMs);
    const end = () => {
      clearTimeout(timer);
      letGo();
    };
    gather(backend, turn, limit.signal, onPiece).then(
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

async function gather(
  backend: PatientBackend,
  turn: Turn,
  signal: AbortSignal,
  onPiece: ((answer: readonly Segment[]) => void) | undefined,
): Promise<readonly Segment[]> {
  const gathered = new Gathered();
  for await (const piece of backend.answer(turn, { signal })) {
    if (signal.aborted) break;
    gathered.add(piece);
    onPiece?.(gathered.segments);
  }
  return gathered.segments;
}

class Gathered {
  readonly segments: Segment[] = [];
  #size = 0;

  /** @throws BackendError when the answer is longer than anybody would read; so a backend that never ends does not fill the memory. */
  add(segment: Segment): void {
    const last = this.segments.at(-1);
    const longer = last === undefined ? undefined : joined(last, segment);
    const { length } = plainText([segment]);
    // Pieces of nothing come to an end, too.
    this.#size += longer === undefined ? length + 1 : Math.max(length, 1);
    if (this.#size > MAX_ANSWER_CHARS) {
      throw new BackendError('backend.too_long', `the backend answered more than ${MAX_ANSWER_CHARS} characters`, {
        remedy: 'make it answer in fewer words',
      });
    }
    // What comes word by word is one text.
    if (longer === undefined) this.segments.push(segment);
    else this.segments[this.segments.length - 1] = longer;
  }
}

function tooSlow(timeoutMs: number): BackendError {
  return new BackendError('backend.timeout', `the backend gave no answer within ${timeoutMs} ms`, {
    remedy: 'raise `timeout` of this backend, or make it faster',
  });
}
