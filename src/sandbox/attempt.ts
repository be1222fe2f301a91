/** What a send asks for, read leniently, so that a refused one can be shown too. */
import type { Reference } from './reply-windows.js';
import type { Scene } from './transcript.js';

export interface Attempt {
  readonly scene: Scene;
  /** The body, when it is a JSON object. */
  readonly body: JsonObject | undefined;
  /** Of a send to a guild, which carries none: the one that fits what it holds. */
  readonly msgType: number | undefined;
  readonly text: string;
  readonly reference: Reference | undefined;
  /** Sends to a guild have none. */
  readonly seq: number | undefined;
  /** Its `message_reference`; `optional`: a message that is not there does not matter. */
  readonly quote: { readonly id: string; readonly optional: boolean } | undefined;
  /** The `input_type` and the seconds of a typing sign, as far as they can be read. */
  readonly typing?: { readonly input_type: unknown; readonly input_second: unknown } | undefined;
  /** Taken, but nobody will see it: a fault was ordered. */
  readonly hidden?: boolean;
}

export interface JsonObject {
  readonly [key: string]: unknown;
}

/** Types of `msg_type` that the sandbox knows. */
export const MSG_TYPE = { text: 0, markdown: 2, ark: 3, embed: 4, inputNotify: 6 } as const;

export function readAttempt(scene: Scene, raw: string): Attempt {
  const body = jsonObject(raw);
  const msgType = isInGuild(scene) ? typeThatFits(body) : typeIn(body);
  const seq = isInGuild(scene) ? undefined : seqIn(body);
  return {
    scene,
    body,
    msgType,
    text: textOf(body, msgType),
    reference: referenceIn(body, seq),
    seq,
    quote: quoteIn(body),
    ...(msgType === MSG_TYPE.inputNotify ? { typing: typingIn(body) } : {}),
  };
}

export const isInGuild = ({ kind }: Scene): boolean => kind === 'channel' || kind === 'dm';

/** Clients in production leave it out for text: the platform reads a missing number as 0. */
function typeIn(body: Attempt['body']): number | undefined {
  const type = body?.msg_type ?? MSG_TYPE.text;
  return typeof type === 'number' ? type : undefined;
}

function typeThatFits(body: Attempt['body']): number | undefined {
  if (body === undefined) return undefined;
  if (body.markdown !== undefined) return MSG_TYPE.markdown;
  if (body.ark !== undefined) return MSG_TYPE.ark;
  return body.embed === undefined ? MSG_TYPE.text : MSG_TYPE.embed;
}

function seqIn(body: Attempt['body']): number {
  const seq = body?.msg_seq ?? 1;
  return typeof seq === 'number' && Number.isInteger(seq) ? seq : 1;
}

function referenceIn(body: Attempt['body'], seq: number | undefined): Reference | undefined {
  const numbered = seq === undefined ? {} : { seq };
  const msgId = nonEmpty(body?.msg_id);
  if (msgId !== undefined) return { by: 'msg_id', id: msgId, ...numbered };
  const eventId = nonEmpty(body?.event_id);
  return eventId === undefined ? undefined : { by: 'event_id', id: eventId, ...numbered };
}

function quoteIn(body: Attempt['body']): Attempt['quote'] {
  if (!isObject(body?.message_reference)) return undefined;
  const { message_id, ignore_get_message_error } = body.message_reference;
  const id = nonEmpty(message_id);
  return id === undefined ? undefined : { id, optional: ignore_get_message_error === true };
}

function typingIn(body: Attempt['body']): Attempt['typing'] {
  if (!isObject(body?.input_notify)) return undefined;
  const { input_type, input_second } = body.input_notify;
  return { input_type, input_second };
}

function textOf(body: Attempt['body'], msgType: number | undefined): string {
  if (msgType === MSG_TYPE.markdown && isObject(body?.markdown)) return nonEmpty(body.markdown.content) ?? '';
  return nonEmpty(body?.content) ?? '';
}

function jsonObject(raw: string): Attempt['body'] {
  try {
    const value: unknown = JSON.parse(raw);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

export const nonEmpty = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
