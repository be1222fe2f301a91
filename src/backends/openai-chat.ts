/** A language model behind an OpenAI-compatible URL as backend: one streamed chat completion per turn. Only the config counts, never the environment. */
import { setTimeout as pause } from 'node:timers/promises';
import type { OpenAI } from 'openai';
import { BackendError } from '../model/errors.js';
import type { Segment } from '../model/message.js';
import type { PatientBackend, Turn, TurnLimit } from './backend.js';
import { chatOf } from './chat-messages.js';
import { failureOf } from './openai-failure.js';
import { openaiFetch } from './openai-fetch.js';
import { Spoken } from './spoken.js';
import { shown, VisiblePieces } from './written-text.js';

/** Waits (ms) before the second and the third try, where the server does not say how long. */
const WAITS_MS = [1000, 3000];
/** Longer than any turn: its deadline is the relay's signal. */
const NO_DEADLINE_MS = 2_147_483_647;
/** A server that has said how the answer ended has so long to end its stream. */
const END_GRACE_MS = 1000;
/** Endings of an answer that would have gone on: it is marked as such. */
const CUT_OFF: readonly string[] = ['length', 'content_filter'];

export interface OpenaiOptions {
  /** Without a slash at its end. */
  readonly baseUrl: string;
  readonly model: string;
  /** Undefined: the server wants none. */
  readonly apiKey: string | undefined;
}

/** `wait`: for tests that have no time. */
export function openaiChat(
  options: OpenaiOptions,
  wait: (ms: number, signal: AbortSignal) => Promise<void> = (ms, signal) => pause(ms, undefined, { signal }),
): PatientBackend {
  let client: OpenAI | undefined;
  return {
    async *answer(turn: Turn, { signal }: TurnLimit): AsyncIterable<Segment> {
      client ??= await clientOf(options);
      const messages = chatOf(turn);
      for (let tries = 1; ; tries++) {
        let hasBegun = false;
        try {
          for await (const text of spoken(client, options.model, messages, signal)) {
            hasBegun = true;
            yield { type: 'markdown', markdown: text };
          }
          return;
        } catch (error) {
          if (signal.aborted) throw aborted();
          const failure = failureOf(error, options);
          // What was said cannot be said again: the rest of another answer would not fit to it.
          const waitMs = hasBegun ? undefined : failure.waitMs(WAITS_MS[tries - 1]);
          if (waitMs === undefined) throw failure.error;
          await wait(waitMs, signal);
        }
      }
    },
  };
}

/** The package is loaded only where a backend needs it: it is large. */
async function clientOf({ baseUrl, apiKey }: OpenaiOptions): Promise<OpenAI> {
  const { OpenAI } = await import('openai');
  // What is left out here is looked for in the environment.
  return new OpenAI({
    baseURL: baseUrl,
    apiKey: apiKey ?? 'none',
    adminAPIKey: null,
    organization: null,
    project: null,
    webhookSecret: null,
    maxRetries: 0,
    timeout: NO_DEADLINE_MS,
    logLevel: 'off',
    fetch: openaiFetch(apiKey),
  });
}

/** What the model says, without what it thinks. */
async function* spoken(
  client: OpenAI,
  model: string,
  messages: OpenAI.ChatCompletionMessageParam[],
  signal: AbortSignal,
): AsyncIterable<string> {
  const chunks = await client.chat.completions.create({ model, messages, stream: true }, { signal });
  const filter = new Spoken();
  const cleaned = new VisiblePieces();
  let isEmpty = true;
  let ending: string | undefined;
  for await (const chunk of untilSilent(chunks, () => ending !== undefined)) {
    const [choice] = Array.isArray(chunk?.choices) ? chunk.choices : [];
    const text = cleaned.add(filter.add(wordsOf(choice?.delta)));
    const reason: unknown = choice?.finish_reason;
    if (typeof reason === 'string' && reason !== '') ending = reason; // some say "" until the end
    if (text === '') continue;
    isEmpty = isEmpty && text.trim() === '';
    yield text;
  }
  if (signal.aborted) throw aborted(); // the package ends a stream that was broken off as if it were whole
  if (ending === undefined) {
    throw new BackendError('backend.broken_off', 'the model’s answer ended in the middle', {
      remedy: 'look into the log of its server; what stands between may have a time limit',
    });
  }
  const rest = cleaned.add(filter.end());
  if (rest !== '') yield rest;
  if (isEmpty && rest.trim() === '') {
    if (ending !== 'stop') throw noWords(ending);
  } else if (CUT_OFF.includes(ending)) {
    yield '…';
  }
}

/** The chunks; once the answer `isWhole`, it does not matter how the stream ends, and one that does not end is left. */
async function* untilSilent<T>(
  chunks: AsyncIterable<T> & { readonly controller: AbortController },
  isWhole: () => boolean,
): AsyncIterable<T> {
  let timer: NodeJS.Timeout | undefined;
  try {
    for await (const chunk of chunks) {
      yield chunk;
      if (isWhole()) timer ??= setTimeout(() => chunks.controller.abort(), END_GRACE_MS);
    }
  } catch (error) {
    if (!isWhole()) throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** What it says, and what it says instead of an answer: some servers write both in parts. */
function wordsOf(delta: unknown): string {
  const { content, refusal } = (delta ?? {}) as { readonly content?: unknown; readonly refusal?: unknown };
  return wordsIn(content) + wordsIn(refusal);
}

function wordsIn(content: unknown): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  const texts = content.map((part: unknown) => (part as { readonly text?: unknown } | null)?.text);
  return texts.filter((text) => typeof text === 'string').join('');
}

function noWords(ending: string): BackendError {
  return new BackendError('backend.no_words', `the model said nothing: it ended with \`${shown(ending)}\``, {
    remedy: 'length: let it think less, or give it more room; content_filter: its provider refuses the subject',
  });
}

function aborted(): BackendError {
  return new BackendError('backend.aborted', 'the answer was broken off');
}
