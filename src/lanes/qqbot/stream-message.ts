/**
 * Stream messages of C2C: an answer is seen while it is made, and the message that grew becomes the answer. Source: Bot API v2 "流式消息".
 * A piece brings the whole text so far: what is shown stays as it is, so a piece may be repeated under the next number.
 */
import { DeliveryError } from '../../model/errors.js';
import type { InboundMessage, Segment } from '../../model/message.js';
import type { AnswerView, Delivery, HandedView } from '../lane.js';
import { encodeMessage } from './encode-message.js';
import type { JsonObject } from './exchange.js';
import { fields } from './wire-fields.js';

/** Replies are counted from 1; this number is beside them all. */
const STREAM_SEQ = 60_001;
const STATE = { generating: 1, finished: 10 } as const;
const KIND = 'stream';
/** The platform wants pieces for messages of the last 5 minutes; the rest of the answer takes its time, too. */
const FRESH_MS = 120_000;
/** What may still become something else by what follows: half a mention, half an emoji. */
const HELD_BACK_CHARS = 16;
/** A piece on its way when the answer is whole is waited for at the longest so long. */
const LAST_PIECE_MS = 3000;

/** Sends a piece. Rejects with DeliveryError. */
export type SendPiece = (path: string, body: JsonObject, signal: AbortSignal) => Promise<JsonObject>;

/** A message that grows: enough to go on with it, also for a later process. */
export interface Stream {
  /** What it answers. */
  readonly message: string;
  readonly id: string;
  /** The number of the next piece. */
  readonly index: number;
}

/** Whether the answer to a message may be shown as it comes. */
export function canStream({ conversation, sentAt }: InboundMessage, attempt: number, now: number): boolean {
  // An earlier attempt has shown something already, and each stream is a reply of the few that there are.
  return conversation.kind === 'c2c' && attempt === 1 && now - sentAt < FRESH_MS;
}

/** The stream that an answer is to take the place of, and the answer itself. */
export function streamIn({ segments, passive, plainer }: Delivery): {
  readonly stream: Stream | undefined;
  readonly rest: readonly Segment[];
} {
  if (!segments.some(({ type }) => type === 'native')) return { stream: undefined, rest: segments };
  const streams = segments.map(readStream).filter((stream) => stream !== undefined);
  const rest = segments.filter((segment) => readStream(segment) === undefined);
  const [only, ...others] = streams;
  const isIts = others.length === 0 && plainer === undefined && passive?.token.value === only?.message;
  return { stream: isIts ? only : undefined, rest };
}

/** The piece that shows the whole answer. It leaves the stream open: only once the answer is written down as delivered it is finished. */
export function wholePiece(stream: Stream, answer: Delivery): { readonly path: string; readonly body: JsonObject } {
  const index = stream.index + Math.max(0, (answer.attempts ?? 1) - 1);
  return { path: pathOf(answer), body: pieceOf(answer, { ...stream, index }, STATE.generating) };
}

/** The same piece, as the last one. */
export function lastPiece(stream: Stream, answer: Delivery): { readonly path: string; readonly body: JsonObject } {
  const index = stream.index + (answer.attempts ?? 1);
  return { path: pathOf(answer), body: pieceOf(answer, { ...stream, index }, STATE.finished) };
}

/** Whether the stream may still be continued after this; otherwise the answer goes out as a message of its own. */
export function isForNow(error: unknown): boolean {
  if (!(error instanceof DeliveryError)) return true;
  return ['unavailable', 'rate', 'crowd', 'auth', 'away'].includes(error.failure);
}

/** What of an answer is seen before it is whole. Nothing of it matters: where it fails the answer comes all the same. */
export class StreamView implements AnswerView {
  readonly #message: InboundMessage;
  readonly #options: { readonly everyMs: number; readonly maxChars: number };
  readonly #send: SendPiece;
  readonly #stop = new AbortController();
  #answer: readonly Segment[] = [];
  /** Also of a piece of which nobody knows whether it arrived. */
  #shown = '';
  #id: string | undefined;
  /** The first piece was taken, or nobody knows. */
  #mayBeSeen = false;
  #index = 0;
  #timer: NodeJS.Timeout | undefined;
  #sending: Promise<void> | undefined;
  /** The answer has grown since the last piece. */
  #hasGrown = false;
  #isOver = false;

  /** `maxChars`: no more is shown, for a long answer is cut into parts of which only the first can be the stream. */
  constructor(
    message: InboundMessage,
    send: SendPiece,
    options: { readonly everyMs: number; readonly maxChars: number },
  ) {
    this.#message = message;
    this.#send = send;
    this.#options = options;
  }

  show(answer: readonly Segment[]): void {
    this.#answer = answer;
    this.#hasGrown = true;
    this.#later();
  }

  /** An answer that is whole before the first piece is due needs no stream. */
  #later(): void {
    if (!this.#hasGrown || this.#isOver || this.#sending !== undefined) return;
    this.#timer ??= setTimeout(() => this.#due(), this.#options.everyMs);
  }

  async hand(): Promise<HandedView> {
    await this.#end();
    if (this.#id === undefined) return { isLost: this.#mayBeSeen };
    const data = { message: this.#message.id, id: this.#id, index: this.#index };
    return { segment: { type: 'native', channel: 'qqbot', kind: KIND, data, text: '' }, isLost: false };
  }

  async abandon(): Promise<void> {
    await this.#end();
    await this.#finish();
  }

  async #end(): Promise<void> {
    this.#isOver = true;
    clearTimeout(this.#timer);
    const timer = setTimeout(() => this.#stop.abort(), LAST_PIECE_MS);
    await this.#sending;
    clearTimeout(timer);
  }

  #due(): void {
    this.#timer = undefined;
    this.#hasGrown = false;
    this.#sending = this.#grow().finally(() => {
      this.#sending = undefined;
      this.#later();
    });
  }

  /** Never rejects. */
  async #grow(): Promise<void> {
    try {
      const { text } = contentOf({ target: this.#message.conversation, segments: this.#answer });
      const next = beginningOf(text, this.#options.maxChars);
      if (next.length <= this.#shown.length || next.trim() === '') return;
      if (!next.startsWith(this.#shown)) return this.#giveUp();
      const piece = this.#piece(next, STATE.generating, this.#stop.signal);
      this.#shown = next;
      const { id } = await piece;
      this.#mayBeSeen = true;
      this.#id ??= typeof id === 'string' && id !== '' ? id : undefined;
      if (this.#id === undefined) this.#giveUp();
    } catch (error) {
      if (!(error instanceof DeliveryError && error.certainty === 'not-delivered')) this.#mayBeSeen = true;
      // Without its id nothing can follow the first piece.
      if (this.#id === undefined || !isForNow(error)) this.#giveUp();
    }
  }

  /** What is shown stays, and the answer will be a message of its own. */
  #giveUp(): void {
    this.#isOver = true;
    void this.#finish();
    this.#id = undefined;
  }

  async #finish(): Promise<void> {
    if (this.#id === undefined) return;
    // It is a view: the whole answer goes out all the same, whatever becomes of this.
    await this.#piece(this.#shown, STATE.finished, AbortSignal.timeout(LAST_PIECE_MS)).catch(() => undefined);
  }

  #piece(text: string, state: number, signal: AbortSignal): Promise<JsonObject> {
    const { conversation: target, id: message } = this.#message;
    const { type } = contentOf({ target, segments: this.#answer });
    const body = bodyOf({ type, text }, { message, id: this.#id, index: this.#index++ }, state);
    return this.#send(pathOf({ target }), body, signal);
  }
}

interface Content {
  readonly type: 'markdown' | 'text';
  readonly text: string;
}

function pieceOf(answer: Delivery, stream: Stream, state: number): JsonObject {
  return bodyOf(contentOf({ target: answer.target, segments: streamIn(answer).rest }), stream, state);
}

function bodyOf(
  { type, text }: Content,
  { message, id, index }: { readonly message: string; readonly id: string | undefined; readonly index: number },
  state: number,
): JsonObject {
  return {
    input_mode: 'replace',
    input_state: state,
    index,
    content_type: type,
    content_raw: text,
    msg_id: message,
    event_id: message,
    msg_seq: STREAM_SEQ,
    ...(id === undefined ? {} : { stream_msg_id: id }),
  };
}

/** As in any other message. */
function contentOf(delivery: Pick<Delivery, 'target' | 'segments'>): Content {
  const { body } = encodeMessage(delivery);
  const markdown = fields(body.markdown)?.content;
  return typeof markdown === 'string'
    ? { type: 'markdown', text: markdown }
    : { type: 'text', text: String(body.content) };
}

function beginningOf(text: string, maxChars: number): string {
  const beginning = text.slice(0, Math.max(0, Math.min(maxChars, text.length - HELD_BACK_CHARS)));
  return beginning.replace(/[\uD800-\uDBFF]$/, '');
}

function pathOf({ target }: Pick<Delivery, 'target'>): string {
  return `/v2/users/${encodeURIComponent(target.peer)}/stream_messages`;
}

function readStream(segment: Segment): Stream | undefined {
  if (segment.type !== 'native' || segment.channel !== 'qqbot' || segment.kind !== KIND) return undefined;
  const { message, id, index } = segment.data;
  const isSound = typeof message === 'string' && typeof id === 'string' && typeof index === 'number';
  return isSound ? { message, id, index } : undefined;
}
