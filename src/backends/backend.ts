/** The contract between the relay and whatever answers. */
import type { InboundMessage, Segment } from '../model/message.js';

/** One inbound message put to a backend. */
export interface Turn {
  readonly message: InboundMessage;
  /** 1 for the first try; more when a crash broke an earlier one. */
  readonly attempt: number;
}

/** Ends a turn. The signal is made when it is asked for: who answers at once needs none. */
export interface TurnLimit {
  readonly signal: AbortSignal;
}

export interface Backend {
  /** Answers one turn, piece by piece; yields nothing to stay silent. Throws BackendError. May take as long as it likes until the signal aborts. */
  answer(turn: Turn, limit: TurnLimit): AsyncIterable<Segment> | Iterable<Segment>;
}
