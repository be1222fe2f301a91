/** A turn put to a backend, and what it answered. */
import type { AnswerPiece, PatientBackend, Turn, TurnLimit } from '../../src/backends/backend.js';
import type { InboundMessage, Segment } from '../../src/model/message.js';
import { inbound, NO_CONTEXT } from './messages.js';

export function turnOf(message: Partial<InboundMessage> = {}, attempt = 1): Turn {
  return { message: inbound('m1', 'alice', message), context: NO_CONTEXT, attempt };
}

export async function piecesOf(
  backend: PatientBackend,
  turn: Turn,
  limit: TurnLimit = new AbortController(),
): Promise<readonly AnswerPiece[]> {
  const pieces: AnswerPiece[] = [];
  for await (const piece of backend.answer(turn, limit)) pieces.push(piece);
  return pieces;
}

export function segmentsOf(pieces: readonly AnswerPiece[]): readonly Segment[] {
  return pieces.filter((piece) => piece.type !== 'end');
}
