/** What a backend may answer instead of plain text: `{"messages": [{"text": …} | {"image": …} | …]}`, the shape of schema/answer.v1.json. */
import { BackendError } from '../model/errors.js';
import type { Segment } from '../model/message.js';
import { AnswerMedia } from './answer-media.js';
import type { AnswerPiece } from './backend.js';
import { shown, visible } from './written-text.js';

/** Nobody reads more. */
const MAX_MESSAGES = 20;
const KINDS = ['text', 'markdown', 'image', 'voice', 'video', 'file'] as const;
type Kind = (typeof KINDS)[number];

interface AnswerMessage {
  readonly kind: Kind;
  /** The text, or where the medium is. */
  readonly value: string;
  /** Of a file, as it is shown. */
  readonly name?: string;
}

/**
 * The messages of an answer document in order, each after the end of the one before; none for a blank document.
 * `who` wrote it, in words that a sentence begins with; only from below `mediaDir` (absolute) it may send files.
 * @throws BackendError for a document of another shape, and for a medium that may not be sent: then nothing of the answer is sent
 */
export async function answerPieces(
  who: string,
  document: string,
  mediaDir: string | undefined,
): Promise<readonly AnswerPiece[]> {
  if (document.trim() === '') return [];
  const media = new AnswerMedia(who, mediaDir);
  const pieces: AnswerPiece[] = [];
  for (const message of decodeAnswer(who, document)) {
    if (pieces.length > 0) pieces.push({ type: 'end' });
    pieces.push(await segmentOf(message, media));
  }
  return pieces;
}

async function segmentOf({ kind, value, name }: AnswerMessage, media: AnswerMedia): Promise<Segment> {
  if (kind === 'text') return { type: 'text', text: inWholeCharacters(visible(value)) };
  if (kind === 'markdown') return { type: 'markdown', markdown: inWholeCharacters(visible(value)) };
  return { type: 'media', kind, url: await media.address(value), ...(name === undefined ? {} : { name }) };
}

/** JSON can hold halves of characters, which nobody takes. */
function inWholeCharacters(text: string): string {
  return text.replace(/\p{Surrogate}/gu, '\ufffd');
}

function decodeAnswer(who: string, document: string): readonly AnswerMessage[] {
  let answer: unknown;
  try {
    answer = JSON.parse(document);
  } catch {
    throw noAnswer(who, 'it is not JSON');
  }
  if (!isObject(answer)) throw noAnswer(who, 'it is no object');
  const stray = Object.keys(answer).find((key) => key !== 'messages');
  if (stray !== undefined) throw noAnswer(who, `it has the unknown key \`${shown(stray)}\``);
  const { messages } = answer;
  if (!Array.isArray(messages)) throw noAnswer(who, '`messages` is no list');
  if (messages.length > MAX_MESSAGES) {
    throw noAnswer(who, `it has ${messages.length} messages, and at most ${MAX_MESSAGES} are taken`);
  }
  return messages.map((message: unknown, i) => decodeMessage(who, message, `messages[${i}]`));
}

function decodeMessage(who: string, message: unknown, path: string): AnswerMessage {
  if (!isObject(message)) throw noAnswer(who, `${path} is no object`);
  const keys = Object.keys(message);
  const [kind, second] = KINDS.filter((candidate) => Object.hasOwn(message, candidate));
  if (kind === undefined) throw noAnswer(who, `${path} has none of ${KINDS.map((known) => `\`${known}\``).join(', ')}`);
  if (second !== undefined)
    throw noAnswer(who, `${path} has both \`${kind}\` and \`${second}\`, which are two messages`);
  const stray = keys.find((key) => key !== kind && !(kind === 'file' && key === 'name'));
  if (stray !== undefined) throw noAnswer(who, `${path} has the unknown key \`${shown(stray)}\``);
  const value = message[kind];
  if (typeof value !== 'string') throw noAnswer(who, `${path}.${kind} is no text`);
  const { name } = message;
  if (name === undefined) return { kind, value };
  if (typeof name !== 'string' || !/^[^/\\\p{C}\p{Zl}\p{Zp}]{1,255}$/u.test(name)) {
    throw noAnswer(who, `${path}.name is no name of a file`);
  }
  return { kind, value, name };
}

function isObject(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function noAnswer(who: string, why: string): BackendError {
  return new BackendError('backend.answer_invalid', `the JSON of ${who} is no answer: ${why}`, {
    remedy: 'let it answer like {"messages": [{"text": "…"}]}; `loong config schema answer` prints the whole shape',
  });
}
