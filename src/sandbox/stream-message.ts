/** One piece of a stream message, which only C2C has: the first makes it, the later ones let it grow, and one says that it is whole. */
import { type Attempt, type JsonObject, nonEmpty } from './attempt.js';
import { newMessageId, newReferenceIndex } from './ids.js';
import type { Platform } from './platform.js';
import { beijingTime } from './platform-time.js';
import { accept, type PlatformAnswer, refuse } from './refusals.js';
import type { Reference } from './reply-windows.js';
import type { Stream } from './streams.js';
import type { BotStream } from './transcript.js';

const MALFORMED = 40011000;
const EMPTY = 50006;
const TOO_LONG = 40054007;
const MARKDOWN_FORBIDDEN = 40034090;
const NOT_A_FRIEND = 40054004;
/** It does not continue what is there. */
const BAD_CONTINUATION = 40007;

const GENERATING = 1;
const FINISHED = 10;

interface Piece {
  readonly mode: 'append' | 'replace';
  readonly state: typeof GENERATING | typeof FINISHED;
  readonly index: number;
  readonly text: string;
  /** Undefined in the first one. */
  readonly stream: string | undefined;
  readonly reference: Reference;
}

/** Decides, and if it is accepted, does it. */
export function streamMessage(platform: Platform, { scene, body }: Attempt): PlatformAnswer {
  const piece = body === undefined ? 'the body is no JSON object' : readPiece(body);
  if (typeof piece === 'string') return refuse(MALFORMED, `request data is malformed: ${piece}`);
  if ([...piece.text].length > platform.settings.maxTextLength) return refuse(TOO_LONG);
  if (body?.content_type === 'markdown' && !platform.settings.markdownAllowed) return refuse(MARKDOWN_FORBIDDEN);
  if (platform.people.users.get(scene.openid)?.friend !== true) return refuse(NOT_A_FRIEND);
  return piece.stream === undefined
    ? begun(platform, scene.openid, piece)
    : continued(platform, scene.openid, piece, piece.stream);
}

function readPiece(body: JsonObject): Piece | string {
  const { input_mode: mode = 'append', input_state: state, index, content_type: type, content_raw: text } = body;
  const { msg_seq: seq = 1 } = body;
  if (mode !== 'append' && mode !== 'replace') return 'input_mode is neither append nor replace';
  if (state !== GENERATING && state !== FINISHED) return 'input_state is neither 1 nor 10';
  if (!isCount(index)) return 'index is no whole number from 0';
  if (type !== 'markdown' && type !== 'text') return 'content_type is neither markdown nor text';
  if (typeof text !== 'string') return 'content_raw is no string';
  if (!isCount(seq)) return 'msg_seq is no whole number';
  const [message, event] = [nonEmpty(body.msg_id), nonEmpty(body.event_id)];
  const id = message ?? event;
  if (id === undefined) return 'it needs msg_id or event_id';
  // Clients in production send both, and alike.
  if (message !== undefined && event !== undefined && message !== event) return 'msg_id and event_id differ';
  const reference: Reference = { by: message === undefined ? 'event_id' : 'msg_id', id, seq };
  return { mode, state, index, text, stream: nonEmpty(body.stream_msg_id), reference };
}

const isCount = (value: unknown): value is number => typeof value === 'number' && Number.isInteger(value) && value >= 0;

/** A stream is one reply: it takes its pair, and a place. */
function begun(platform: Platform, openid: string, { state, index, text, reference }: Piece): PlatformAnswer {
  if (index !== 0) return refuse(BAD_CONTINUATION);
  if (text === '') return refuse(EMPTY);
  const code = platform.windows.check({ kind: 'c2c', openid }, reference);
  if (code !== undefined) return refuse(code);
  platform.windows.take(reference, true);
  const [id, refIdx] = [newMessageId(), newReferenceIndex()];
  const stream = { openid, reference, refIdx, shown: text, index, isFinished: state === FINISHED };
  platform.streams.keep(id, stream);
  return told(platform, id, stream);
}

/** Numbers rise, also over pieces that were refused or got lost; what is shown stays as it is. */
function continued(platform: Platform, openid: string, piece: Piece, id: string): PlatformAnswer {
  const stream = platform.streams.find(id);
  const { reference, index, text, mode } = piece;
  const isIts =
    stream?.openid === openid &&
    stream.reference.by === reference.by &&
    stream.reference.id === reference.id &&
    stream.reference.seq === reference.seq;
  if (stream === undefined || !isIts || stream.isFinished || index <= stream.index) return refuse(BAD_CONTINUATION);
  if (mode === 'replace' && !text.startsWith(stream.shown)) return refuse(BAD_CONTINUATION);
  const whole = mode === 'replace' ? text : stream.shown + text;
  if ([...whole].length > platform.settings.maxTextLength) return refuse(TOO_LONG);
  stream.shown = whole;
  stream.index = index;
  stream.isFinished = piece.state === FINISHED;
  return told(platform, id, stream);
}

/** Every piece is seen at once, so the message can be quoted from the first on. */
function told(platform: Platform, id: string, { openid, refIdx, shown, isFinished }: Stream): PlatformAnswer {
  const author = { id: platform.bot.id, name: platform.bot.username, bot: true };
  const scene = { kind: 'c2c', openid } as const;
  platform.messages.keep({ id, refIdx, text: shown, attachments: [], author, scene, toBot: false });
  const answer = accept({
    id,
    timestamp: beijingTime(platform.setup.now()),
    ext_info: { ref_idx: refIdx },
    remain_msg_len: 0,
  });
  return { ...answer, sent: { id, ref_idx: refIdx }, stream: { text: shown, is_finished: isFinished } };
}

/** How a piece stands in the transcript. `answer` is what the platform decided; undefined when a fault came first. */
export function streamRecord(
  { scene, body, reference, seq }: Attempt,
  answer: PlatformAnswer | undefined,
  spoiled?: { fault: string; answer?: PlatformAnswer },
): BotStream {
  const told = answer ?? spoiled?.answer;
  const taken = answer?.stream;
  return {
    kind: 'bot.stream',
    scene,
    text: taken?.text ?? nonEmpty(body?.content_raw) ?? '',
    ...(reference === undefined ? {} : { [reference.by]: reference.id }),
    msg_seq: seq ?? 1,
    index: isCount(body?.index) ? body.index : null,
    accepted: taken !== undefined,
    finished: taken?.is_finished ?? false,
    status: told?.status ?? 0,
    ...answer?.sent,
    ...(taken !== undefined || told?.code === undefined ? {} : { code: told.code }),
    ...(taken !== undefined || told?.message === undefined ? {} : { reason: told.message }),
    ...(spoiled === undefined ? {} : { fault: spoiled.fault }),
  };
}
