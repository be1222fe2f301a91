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

/** Waits (ms) before the second and the third try, where the server does not say how long. */
const WAITS_MS = [1000, 3000];
/** Longer than any turn: its deadline is the relay's signal. */
const NO_DEADLINE_MS = 2_147_483_647;

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
  let isEmpty = true;
  let ending: string | undefined;
  for await (const chunk of chunks) {
    const [choice] = Array.isArray(chunk?.choices) ? chunk.choices : [];
    const piece: unknown = choice?.delta?.content;
    const text = typeof piece === 'string' ? filter.add(piece) : '';
    ending = choice?.finish_reason ?? ending;
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
  const rest = filter.end();
  if (rest !== '') yield rest;
  if (isEmpty && rest.trim() === '' && ending !== 'stop') {
    throw new BackendError('backend.no_words', `the model said nothing: it ended with \`${ending.slice(0, 40)}\``, {
      remedy: 'length: let it think less, or give it more room; content_filter: its provider refuses the subject',
    });
  }
}

function aborted(): BackendError {
  return new BackendError('backend.aborted', 'the answer was broken off');
}
