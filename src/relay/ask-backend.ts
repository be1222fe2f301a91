/** One message put to a backend: its answer, within the time it has, and when the backend has let go of it. */
import type { AnswerPiece, Backend, InstantBackend, PatientBackend, Turn } from '../backends/backend.js';
import { BackendError } from '../model/errors.js';
import { type InboundMessage, joined, plainText, type Segment } from '../model/message.js';

/** Longest answer that is gathered; each segment counts as one character more. */
const MAX_ANSWER_CHARS = 100_000;
/** A backend that was broken off is waited for at the longest so long: a command is killed well before. */
const LET_GO_MS = 5000;

/** Two promises, for a backend may work on when nobody waits for its answer any more. */
export interface Asked {
  /** Rejects as soon as its time is up, or it is stopped. */
  readonly answer: Promise<readonly AnswerPiece[]>;
  /** Resolves once the backend has ended, or, some time after it was broken off, is left behind. Never rejects. */
  readonly over: Promise<void>;
  readonly stop: (reason: Error) => void;
}

/** `onPiece`: told of the first message of the answer, as far as it came. */
export function askBackend(
  backend: Backend,
  turn: Turn,
  timeoutMs: number,
  onPiece?: (message: readonly Segment[]) => void,
): Asked {
  return 'atOnce' in backend ? answered(backend, turn) : asked(backend, turn, timeoutMs, onPiece);
}

/** @throws BackendError */
export function askAtOnce(backend: InstantBackend, message: InboundMessage): readonly AnswerPiece[] {
  const gathered = new Gathered();
  for (const segment of backend.atOnce(message)) gathered.add(segment);
  return gathered.pieces;
}

function answered(backend: InstantBackend, { message }: Turn): Asked {
  const answer = new Promise<readonly AnswerPiece[]>((resolve) => resolve(askAtOnce(backend, message)));
  return { answer, over: Promise.resolve(), stop: () => undefined };
}

function asked(
  backend: PatientBackend,
  turn: Turn,
  timeoutMs: number,
  onPiece: ((message: readonly Segment[]) => void) | undefined,
): Asked {
  const limit = new AbortController();
  let stop = (reason: Error) => limit.abort(reason);
  let letGo = () => {};
  const over = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  const answer = new Promise<readonly AnswerPiece[]>((resolve, reject) => {
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
      (pieces) => {
        resolve(pieces);
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
  onPiece: ((message: readonly Segment[]) => void) | undefined,
): Promise<readonly AnswerPiece[]> {
  const gathered = new Gathered();
  for await (const piece of backend.answer(turn, { signal })) {
    if (signal.aborted) break;
    gathered.add(piece);
    onPiece?.(gathered.firstMessage);
  }
  return gathered.pieces;
}

class Gathered {
  readonly pieces: AnswerPiece[] = [];
  #size = 0;

  get firstMessage(): readonly Segment[] {
    const segments: Segment[] = [];
    for (const piece of this.pieces) {
      if (piece.type === 'end') break;
      segments.push(piece);
    }
    return segments;
  }

  /** @throws BackendError when the answer is longer than anybody would read; so a backend that never ends does not fill the memory. */
  add(piece: AnswerPiece): void {
    if (this.pieces.length === 0 && piece.type === 'text' && piece.text.length < MAX_ANSWER_CHARS) {
      this.#size = piece.text.length + 1;
      this.pieces.push(piece);
      return;
    }
    const last = this.pieces.at(-1);
    const longer = last === undefined || last.type === 'end' || piece.type === 'end' ? undefined : joined(last, piece);
    const { length } = piece.type === 'end' ? '' : plainText([piece]);
    // Pieces of nothing come to an end, too.
    this.#size += longer === undefined ? length + 1 : Math.max(length, 1);
    if (this.#size > MAX_ANSWER_CHARS) {
      throw new BackendError('backend.too_long', `the backend answered more than ${MAX_ANSWER_CHARS} characters`, {
        remedy: 'make it answer in fewer words',
      });
    }
    // What comes word by word is one text.
    if (longer === undefined) this.pieces.push(piece);
    else this.pieces[this.pieces.length - 1] = longer;
  }
}

function tooSlow(timeoutMs: number): BackendError {
  return new BackendError('backend.timeout', `the backend gave no answer within ${timeoutMs} ms`, {
    remedy: 'raise `timeout` of this backend, or make it faster',
  });
}
