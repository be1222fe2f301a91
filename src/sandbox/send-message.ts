/** One send by the bot, judged as the platform does: is the body right, is the peer there, may it be said now. */
import { newMessageId, newReferenceIndex } from './ids.js';
import type { Platform } from './platform.js';
import { beijingTime } from './platform-time.js';
import { accept, type PlatformAnswer, refuse } from './refusals.js';
import type { Reference } from './reply-windows.js';
import type { BotSend, Scene } from './transcript.js';

/** What the body asks for, as far as it could be read. */
export interface Attempt {
  readonly scene: Scene;
  /** The body, when it is a JSON object. */
  readonly body: { readonly [key: string]: unknown } | undefined;
  readonly msgType: number | undefined;
  readonly text: string;
  readonly reference: Reference | undefined;
  readonly seq: number;
}

/** Types of `msg_type` that the sandbox knows. */
const TEXT = 0;
const MARKDOWN = 2;
const INPUT_NOTIFY = 6;

const CODES = {
  malformed: 40011000,
  empty: 50006,
  markdownMissing: 40034011,
  markdownEmpty: 40034008,
  notFriend: 40054004,
  notInGroup: 40034101,
  tooLong: 40054007,
  activeForbidden: { c2c: 40034102, group: 40034105 },
} as const;

/** Reads leniently, so that a refused send can be shown too. */
export function readAttempt(scene: Scene, raw: string): Attempt {
  const body = jsonObject(raw);
  const seq = body?.msg_seq ?? 1;
  const number = typeof seq === 'number' && Number.isInteger(seq) ? seq : 1;
  const msgId = nonEmpty(body?.msg_id);
  const eventId = nonEmpty(body?.event_id);
  const reference: Reference | undefined =
    msgId !== undefined
      ? { by: 'msg_id', id: msgId, seq: number }
      : eventId === undefined
        ? undefined
        : { by: 'event_id', id: eventId, seq: number };
  // Clients in production leave it out for text: the platform reads a missing number as 0.
  const type = body?.msg_type ?? TEXT;
  const msgType = typeof type === 'number' ? type : undefined;
  return { scene, body, msgType, text: textOf(body, msgType), reference, seq: number };
}

/** Decides, and if it is accepted, does it: the reply is used up, the message exists. */
export function sendMessage(platform: Platform, attempt: Attempt): PlatformAnswer {
  const bad = bodyFault(attempt, platform.maxTextLength);
  if (bad !== undefined) return bad;
  const code = absent(platform, attempt.scene) ?? notNow(platform, attempt);
  if (code !== undefined) return refuse(code);
  if (attempt.reference !== undefined) platform.windows.take(attempt.reference, attempt.msgType !== INPUT_NOTIFY);
  const id = newMessageId();
  const refIdx = newReferenceIndex();
  platform.remember(id, refIdx, attempt.text);
  return accept({ id, timestamp: beijingTime(platform.setup.now()), ext_info: { ref_idx: refIdx } });
}

/** How the attempt stands in the transcript. `answer` is what the platform decided; undefined when a fault came first. */
export function sendRecord(
  attempt: Attempt,
  answer: PlatformAnswer | undefined,
  spoiled?: { fault: string; answer?: PlatformAnswer },
): BotSend {
  const accepted = answer?.status === 200;
  const told = answer ?? spoiled?.answer;
  const made = accepted ? (JSON.parse(answer.body) as { id: string; ext_info: { ref_idx: string } }) : undefined;
  return {
    kind: 'bot.send',
    scene: attempt.scene,
    mode: attempt.reference === undefined ? 'active' : 'passive',
    msg_type: attempt.msgType ?? null,
    text: attempt.text,
    ...(attempt.reference === undefined ? {} : { [attempt.reference.by]: attempt.reference.id }),
    msg_seq: attempt.seq,
    accepted,
    status: told?.status ?? 0,
    ...(made === undefined ? {} : { id: made.id, ref_idx: made.ext_info.ref_idx }),
    ...(accepted || told?.code === undefined ? {} : { code: told.code }),
    ...(accepted || told?.message === undefined ? {} : { reason: told.message }),
    ...(spoiled === undefined ? {} : { fault: spoiled.fault }),
  };
}

function bodyFault({ scene, body, msgType, text }: Attempt, maxTextLength: number): PlatformAnswer | undefined {
  const malformed = (why: string) => refuse(CODES.malformed, `request data is malformed: ${why}`);
  if (body === undefined) return malformed('the body is no JSON object');
  if (msgType === undefined) return malformed('msg_type is no number');
  for (const key of ['content', 'msg_id', 'event_id'] as const) {
    if (typeof (body[key] ?? '') !== 'string') return malformed(`${key} is no string`);
  }
  if (!Number.isInteger(body.msg_seq ?? 1)) return malformed('msg_seq is no integer');
  if (nonEmpty(body.msg_id) !== undefined && nonEmpty(body.event_id) !== undefined)
    return malformed('msg_id and event_id exclude each other');
  if ([...text].length > maxTextLength) return refuse(CODES.tooLong);
  switch (msgType) {
    case TEXT:
      return text === '' ? refuse(CODES.empty) : undefined;
    case MARKDOWN:
      return markdownFault(body.markdown);
    case INPUT_NOTIFY:
      return scene.kind === 'c2c' && isObject(body.input_notify)
        ? undefined
        : malformed('input_notify is for C2C and needs its object');
    default:
      return malformed(`msg_type ${msgType} is not known to this sandbox`);
  }
}

function markdownFault(markdown: unknown): PlatformAnswer | undefined {
  if (!isObject(markdown)) return refuse(CODES.markdownMissing);
  const isTemplate = markdown.custom_template_id !== undefined || markdown.template_id !== undefined;
  return isTemplate || nonEmpty(markdown.content) !== undefined ? undefined : refuse(CODES.markdownEmpty);
}

/** The code for a peer that the bot cannot write to at all. */
function absent(platform: Platform, scene: Scene): number | undefined {
  if (scene.kind === 'c2c')
    return platform.people.users.get(scene.openid)?.friend === true ? undefined : CODES.notFriend;
  return platform.people.groups.get(scene.openid)?.botIn === true ? undefined : CODES.notInGroup;
}

/** The code for a reply whose window is closed, or an active message that is not allowed. */
function notNow(platform: Platform, { scene, reference }: Attempt): number | undefined {
  if (reference !== undefined) return platform.windows.check(scene, reference);
  const peer =
    scene.kind === 'c2c' ? platform.people.users.get(scene.openid) : platform.people.groups.get(scene.openid);
  return peer?.activeAllowed === true ? undefined : CODES.activeForbidden[scene.kind];
}

function textOf(body: Attempt['body'], msgType: number | undefined): string {
  if (msgType === MARKDOWN && isObject(body?.markdown)) return nonEmpty(body.markdown.content) ?? '';
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

const nonEmpty = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;

function isObject(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
