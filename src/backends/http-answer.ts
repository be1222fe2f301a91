/** The answer of an HTTP backend: plain text, an answer document, or a stream of deltas. */
import type { IncomingHttpHeaders } from 'node:http';
import { BackendError } from '../model/errors.js';
import { answerPieces } from './answer-document.js';
import type { AnswerPiece } from './backend.js';
import { eventData } from './event-stream.js';
import { asUtf8, shown, utf8Pieces, VisiblePieces, withoutBlankStart, writtenText } from './written-text.js';

const TYPES = 'text/plain, application/json ({"messages": […]}) or text/event-stream';
/** Ends a stream of deltas. */
const DONE = '[DONE]';

export interface HttpAnswer {
  readonly headers: IncomingHttpHeaders;
  /** As it came over the wire, bounded by whoever reads it. */
  readonly body: AsyncIterable<Uint8Array>;
}

/** `who` answered, in words that a sentence begins with; only from below `mediaDir` it may send files. @throws BackendError */
export async function* readAnswer(
  who: string,
  { headers, body }: HttpAnswer,
  mediaDir: string | undefined,
): AsyncIterable<AnswerPiece> {
  const encoding = headers['content-encoding'] ?? 'identity';
  if (String(encoding).toLowerCase() !== 'identity') {
    // Unpacked, a small answer may be larger than the memory.
    throw badAnswer(who, `it is compressed (${shown(String(encoding))})`, 'let it heed `Accept-Encoding: identity`');
  }
  const [type = ''] = (headers['content-type'] ?? '').split(';');
  const written = type.trim().toLowerCase();
  if (written === 'text/event-stream') return yield* deltas(who, body, isFramed(headers));
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  const content = Buffer.concat(chunks);
  if (content.length === 0) return;
  if (written === 'application/json') yield* await answerPieces(who, asUtf8(who, content), mediaDir);
  else if (written === 'text/plain') yield* writtenText(asUtf8(who, content));
  else {
    const what = written === '' ? 'it has no Content-Type' : `its Content-Type is \`${shown(written)}\``;
    throw badAnswer(who, what, `let it answer with ${TYPES}`);
  }
}

/** Whether a body that was cut off is told from one that ended: one that lasts as long as its connection is not. */
function isFramed(headers: IncomingHttpHeaders): boolean {
  return headers['transfer-encoding'] !== undefined || headers['content-length'] !== undefined;
}

async function* deltas(who: string, body: AsyncIterable<Uint8Array>, framed: boolean): AsyncIterable<AnswerPiece> {
  const cleaned = new VisiblePieces();
  let hasBegun = false;
  /** Blanks that belong to the answer once something follows them. */
  let held = '';
  for await (const data of eventData(utf8Pieces(who, body))) {
    if (data.trim() === DONE) return;
    const delta = cleaned.add(deltaOf(who, data));
    const said = delta.trimEnd();
    if (said === '') {
      held += delta;
      continue;
    }
    const text = hasBegun ? held + said : withoutBlankStart(held + said);
    held = delta.slice(said.length);
    hasBegun = true;
    yield { type: 'text', text };
  }
  if (!framed) {
    throw new BackendError('backend.broken_off', `the stream of ${who} ended without \`data: ${DONE}\``, {
      remedy: `let it end each answer with \`data: ${DONE}\``,
    });
  }
}

function deltaOf(who: string, data: string): string {
  let event: unknown;
  try {
    event = JSON.parse(data);
  } catch {
    throw noDelta(who);
  }
  const delta = typeof event === 'object' && event !== null && 'delta' in event ? event.delta : undefined;
  if (typeof delta !== 'string') throw noDelta(who);
  return delta;
}

function noDelta(who: string): BackendError {
  return badAnswer(
    who,
    'an event of its stream has no `delta`',
    `let each event be like \`data: {"delta": "…"}\`, and the last \`data: ${DONE}\``,
  );
}

function badAnswer(who: string, why: string, remedy: string): BackendError {
  return new BackendError('backend.answer_invalid', `the answer of ${who} cannot be read: ${why}`, { remedy });
}
