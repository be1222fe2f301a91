/** The contract between the relay and whatever answers. */
import type { InboundMessage, Segment } from '../model/message.js';

/** What was said earlier in a conversation. */
export interface HistoryEntry {
  readonly from: 'user' | 'bot';
  /** Name of who said it, or a short form of the id, in groups; else absent. */
  readonly sender?: string;
  readonly text: string;
  /** Unix ms. */
  readonly at: number;
}

/** What a backend is told beside the message: as the account and the group are configured, and what was said before. */
export interface TurnContext {
  readonly systemPrompt: string;
  readonly skills: readonly string[];
  readonly tools: { readonly allow: readonly string[]; readonly deny: readonly string[] };
  /** The oldest first. */
  readonly history: readonly HistoryEntry[];
}

/** One inbound message put to a backend. */
export interface Turn {
  readonly message: InboundMessage;
  readonly context: TurnContext;
  /** 1 for the first try; more when a crash broke an earlier one. */
  readonly attempt: number;
}

/** What comes after it is another message. */
export interface MessageEnd {
  readonly type: 'end';
}

/** A backend that says nothing of ends answers with one message. */
export type AnswerPiece = Segment | MessageEnd;

export interface TurnLimit {
  readonly signal: AbortSignal;
}

/** Answers when it is done. */
export interface PatientBackend {
  /** Answers one turn, piece by piece; yields nothing to stay silent. Throws BackendError. May take as long as it likes until the signal aborts. */
  answer(turn: Turn, limit: TurnLimit): AsyncIterable<AnswerPiece>;
}

/** Knows its answer at once: nothing can break off a turn of it, and the answer is journalled with its message. */
export interface InstantBackend {
  /** Nothing, to stay silent. Throws BackendError. */
  atOnce(message: InboundMessage): readonly Segment[];
}

export type Backend = PatientBackend | InstantBackend;
