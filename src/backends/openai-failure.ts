/** Why a language model's server gave no answer, in words for the operator, and whether to ask again. */
import { BackendError, describeError } from '../model/errors.js';
import { BadStream } from './openai-fetch.js';
import { retryAfterMs } from './retry-after.js';

/** Nobody on QQ waits longer for another try. */
const LONGEST_WAIT_MS = 30_000;
const SHOWN_CHARS = 300;

interface Failure {
  readonly error: BackendError;
  /** How long to wait before the next try, which takes `usualMs` where the server does not say; undefined: there is none. */
  readonly waitMs: (usualMs: number | undefined) => number | undefined;
}

/** `error`: whatever the package, or the reading of its stream, threw. */
export function failureOf(error: unknown, { baseUrl, model }: { baseUrl: string; model: string }): Failure {
  if (error instanceof BackendError) return { error, waitMs: error.code === 'backend.broken_off' ? later : never };
  const { status, code: reasonCode, headers, cause } = factsOf(error);
  const said = shown(error);
  const failed = (code: string, message: string, remedy: string) =>
    new BackendError(code, message, { remedy, cause: error });
  const reason = rootOf(cause ?? error);
  if (reason instanceof BadStream) {
    const remedy = 'check `base_url` of this backend: mostly it ends with /v1';
    return { error: failed('backend.answer_invalid', `${baseUrl}: ${reason.message}`, remedy), waitMs: never };
  }
  if (error instanceof SyntaxError) {
    const remedy = 'look into the log of its server';
    return {
      error: failed('backend.answer_invalid', `${baseUrl} streamed something that is no JSON`, remedy),
      waitMs: never,
    };
  }
  if (status === undefined) {
    const remedy = 'see that the server runs and that `base_url` of this backend is right';
    return {
      error: failed('backend.unavailable', `${baseUrl} gave no whole answer: ${shown(reason)}`, remedy),
      waitMs: later,
    };
  }
  if (status === 401 || status === 403) {
    const remedy = 'check `api_key`, `api_key_env` or `api_key_file` of this backend';
    return { error: failed('backend.key_refused', `${baseUrl} refused the API key: ${said}`, remedy), waitMs: never };
  }
  if (status === 404) {
    const remedy = 'check `base_url` (mostly it ends with /v1) and `model` of this backend';
    return {
      error: failed('backend.not_found', `${baseUrl} has no model \`${model}\`: ${said}`, remedy),
      waitMs: never,
    };
  }
  if (status === 429) {
    const isSpent = reasonCode === 'insufficient_quota';
    const remedy = isSpent ? 'look after the balance with its provider' : 'lower `concurrency` of this backend';
    const error = failed('backend.rate_limited', `${baseUrl} takes no more now: ${said}`, remedy);
    return { error, waitMs: isSpent ? never : (usualMs) => prescribed(headers, usualMs) };
  }
  if (status === 408 || status >= 500) {
    const error = failed('backend.unavailable', `${baseUrl} failed: ${said}`, 'look into the log of its server');
    return { error, waitMs: (usualMs) => prescribed(headers, usualMs) };
  }
  const remedy =
    status < 400 ? 'write where it leads to as `base_url` of this backend' : 'check `model`, and the log of its server';
  return { error: failed('backend.refused', `${baseUrl} refused the message: ${said}`, remedy), waitMs: never };
}

function never(): undefined {
  return undefined;
}

function later(usualMs: number | undefined): number | undefined {
  return usualMs;
}

/** As the server says; none when it says too long. */
function prescribed(headers: Headers | undefined, usualMs: number | undefined): number | undefined {
  if (usualMs === undefined) return undefined;
  const ms = retryAfterMs(headers?.get('retry-after')) ?? usualMs;
  return ms > LONGEST_WAIT_MS ? undefined : ms;
}

interface Facts {
  readonly status?: number | undefined;
  readonly code?: unknown;
  readonly headers?: Headers | undefined;
  readonly cause?: unknown;
}

/** The errors of the package are looked at by their fields: it may not be loaded for their classes alone. */
function factsOf(error: unknown): Facts {
  return error instanceof Error ? (error as Facts) : {};
}

/** What lies at the bottom: `fetch failed` says nothing. */
function rootOf(error: unknown): unknown {
  let root = error;
  for (let depth = 0; depth < 5 && root instanceof Error && root.cause !== undefined; depth++) root = root.cause;
  return root;
}

/** One line, and not all of a long one: servers like to repeat what they were asked. */
function shown(error: unknown): string {
  const line = describeError(error)
    .replace(/[\p{C}\s]+/gu, ' ')
    .trim();
  // Cut between words: of a secret in two halves neither would be known as one.
  return line.length > SHOWN_CHARS ? `${line.slice(0, SHOWN_CHARS).replace(/\S*$/, '')}…` : line;
}
