/** An HTTP server as backend: the turn is POSTed to it, what it answers is the answer. */
import { createHmac } from 'node:crypto';
import { Agent, type Dispatcher, request } from 'undici';
import { pause } from '../model/backoff.js';
import { BackendError, describeError } from '../model/errors.js';
import { VERSION } from '../model/version.js';
import type { AnswerPiece, PatientBackend, Turn, TurnLimit } from './backend.js';
import { readAnswer } from './http-answer.js';
import { retryAfterMs } from './retry-after.js';
import { turnDocument } from './turn-document.js';
import { shown } from './written-text.js';

/** Waits before it is tried again while nobody listens there: a server that restarts is soon back. */
const CONNECT_AGAIN_MS = [500, 1000, 2000];
const CONNECT_LIMIT_MS = 10_000;
/** A server that sends us away is asked again so often. */
const MOST_SENT_AWAY = 3;
/** Statuses that have no body: No Content, and Reset Content. */
const SILENCE = [204, 205];
/** Statuses that send us away for a while: nothing was done. */
const SENT_AWAY = [429, 503];

export interface HttpOptions {
  /** In its normal form, without credentials. */
  readonly url: string;
  /** Key of the signatures; undefined: there are none. */
  readonly secret: string | undefined;
  /** The whole turn has so long: no wait begins that would end later. */
  readonly timeoutMs: number;
  readonly maxOutputBytes: number;
  /** The only folder of which an answer may send files (absolute). */
  readonly mediaDir?: string | undefined;
}

type Response = Pick<Dispatcher.ResponseData, 'statusCode' | 'headers' | 'body'>;

export function httpWebhook(options: HttpOptions): PatientBackend {
  const who = `\`${options.url}\``;
  // The turn as a whole has its limit of time.
  const agent = new Agent({ connect: { timeout: CONNECT_LIMIT_MS }, headersTimeout: 0, bodyTimeout: 0 });
  return {
    async *answer(turn: Turn, { signal }: TurnLimit): AsyncIterable<AnswerPiece> {
      const deadline = performance.now() + options.timeoutMs;
      const body = JSON.stringify(turnDocument(turn));
      let response: Response | undefined;
      try {
        response = await ask(agent, who, options, body, deadline, signal);
        if (response === undefined) return;
        const bounded = upTo(options.maxOutputBytes, who, response.body);
        yield* readAnswer(who, { headers: response.headers, body: bounded }, options.mediaDir);
      } catch (error) {
        throw error instanceof BackendError && !signal.aborted ? error : brokenOff(who, error, signal);
      } finally {
        response?.body.destroy(); // what is left of it nobody reads
      }
    },
  };
}

/** A successful response, or undefined for silence. Asked again only while the server has certainly not begun to work on the turn. */
async function ask(
  agent: Agent,
  who: string,
  options: HttpOptions,
  body: string,
  deadline: number,
  signal: AbortSignal,
): Promise<Response | undefined> {
  const connectAgain = [...CONNECT_AGAIN_MS];
  for (let sentAway = 0; ; ) {
    let response: Response;
    try {
      response = await post(agent, options, body, signal);
    } catch (error) {
      const wait = connectAgain.shift();
      if (!neverArrived(error)) throw error;
      if (wait === undefined || performance.now() + wait > deadline) throw unreachable(who, error);
      await pause(wait, signal);
      continue;
    }
    const { statusCode } = response;
    if (statusCode >= 200 && statusCode < 300 && !SILENCE.includes(statusCode)) return response;
    response.body.destroy();
    if (SILENCE.includes(statusCode)) return undefined;
    const wait = SENT_AWAY.includes(statusCode) ? retryAfterMs([response.headers['retry-after']].flat()[0]) : undefined;
    if (wait === undefined || ++sentAway > MOST_SENT_AWAY || performance.now() + wait > deadline) {
      throw unsuccessful(who, statusCode, wait);
    }
    await pause(wait, signal);
  }
}

/** A connection of its own for each turn: one that was kept may just be closing, and then nobody knows whether the turn arrived. */
async function post(agent: Agent, { url, secret }: HttpOptions, body: string, signal: AbortSignal): Promise<Response> {
  const response = await request(url, {
    dispatcher: agent,
    method: 'POST',
    reset: true,
    signal,
    headers: {
      accept: 'text/plain, application/json, text/event-stream',
      'accept-encoding': 'identity',
      'content-type': 'application/json',
      'user-agent': `loong/${VERSION}`,
      ...signatures(secret, body),
    },
    body,
  });
  // Its end is told to whoever reads it; without this a body that nobody reads would end the process.
  response.body.on('error', () => undefined);
  return response;
}

/**
 * Signs the body as it is sent, and once more with the time: who checks the second signature, and that the time is now, takes no turn
 * that somebody recorded.
 */
function signatures(secret: string | undefined, body: string): { readonly [header: string]: string } {
  const timestamp = String(Math.floor(Date.now() / 1000));
  if (secret === undefined) return { 'x-loong-timestamp': timestamp };
  const signed = (text: string) => `sha256=${createHmac('sha256', secret).update(text).digest('hex')}`;
  return {
    'x-loong-timestamp': timestamp,
    'x-loong-signature': signed(body),
    'x-loong-timestamp-signature': signed(`${timestamp}.${body}`),
  };
}

/** True when no connection came about, so that nothing was sent. */
function neverArrived(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.every(neverArrived);
  const { code, syscall } = error as NodeJS.ErrnoException;
  return code === 'UND_ERR_CONNECT_TIMEOUT' || syscall === 'connect' || syscall === 'getaddrinfo';
}

async function* upTo(maxBytes: number, who: string, body: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > maxBytes) throw tooLong(who, maxBytes);
    yield chunk;
  }
}

function unreachable(who: string, error: unknown): BackendError {
  return new BackendError('backend.unreachable', `${who} cannot be reached: ${shown(describeError(error))}`, {
    remedy: 'start that server, or correct `url`; `loong doctor` tries it',
    cause: error,
  });
}

function unsuccessful(who: string, status: number, waitMs: number | undefined): BackendError {
  const wait = waitMs === undefined ? '' : `, and wants to be asked again in ${Math.ceil(waitMs / 1000)} s`;
  const remedy =
    status >= 300 && status < 400
      ? 'redirects are not followed: write the address that it leads to into `url`'
      : status === 401 || status === 403
        ? 'give that server and this backend the same `secret`'
        : 'look at the log of that server';
  return new BackendError('backend.http_status', `${who} answered with status ${status}${wait}`, { remedy });
}

function tooLong(who: string, maxBytes: number): BackendError {
  return new BackendError('backend.output_too_long', `${who} answered with more than ${maxBytes} bytes`, {
    remedy: 'raise `max_output` of this backend, or let it answer with less',
  });
}

function brokenOff(who: string, error: unknown, signal: AbortSignal): BackendError {
  if (signal.aborted) return new BackendError('backend.aborted', `${who} was given up: its time was up`);
  return new BackendError('backend.broken_off', `${who} gave no whole answer: ${shown(describeError(error))}`, {
    remedy:
      'look at the log of that server, and ask `loong doctor`; the turn is not sent again, for it may have been worked on',
    cause: error,
  });
}
