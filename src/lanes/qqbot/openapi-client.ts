/** Calls to the Bot API: one attempt each, its failure put into words that delivery understands. */
import { isIP } from 'node:net';
import type { Dispatcher } from 'undici';
import { ProxyError } from '../../http/proxy-tunnel.js';
import { DeliveryError, type DeliveryFailure, describeError } from '../../model/errors.js';
import {
  meaningOfCode,
  type PlatformErrorClass,
  type PlatformErrorMeaning,
  STATUS_ERRORS,
  TAKEN_FOR_REVIEW,
  whitelistRemedy,
} from '../../protocol/qqbot/error-codes.js';
import { oneLine } from '../one-line.js';
import type { AccessToken } from './access-token.js';
import { type Answer, BrokenExchange, exchange, type JsonObject } from './exchange.js';

/** For a whole exchange. Sending: at least 5 s by the documentation, 30 s by the official clients. A question is soon asked again. */
const TIMEOUT_MS = { POST: 30_000, GET: 10_000 };

export interface OpenApiOptions {
  readonly apiBaseUrl: string;
  readonly appId: string;
  readonly token: AccessToken;
  readonly dispatcher: Dispatcher;
}

export class OpenApiClient {
  readonly #options: OpenApiOptions;
  readonly #origin: string;
  /** What stands in front of every path. */
  readonly #base: string;

  constructor(options: OpenApiOptions) {
    this.#options = options;
    const { origin, pathname } = new URL(options.apiBaseUrl);
    this.#origin = origin;
    this.#base = pathname.replace(/\/$/, '');
  }

  /**
   * One call. A refusal that the token explains is repeated once with a new token: the platform took nothing the first time.
   * Resolves with the JSON object of a 2xx answer (empty for an empty body).
   * @throws DeliveryError
   */
  async call(
    method: 'GET' | 'POST',
    path: string,
    body: JsonObject | undefined,
    signal: AbortSignal,
  ): Promise<JsonObject> {
    const token = this.#options.token.held ?? (await this.#options.token.get(signal));
    const answer = await this.#attempt(method, path, body, token, signal);
    if (!isForWantOfAToken(answer)) return resultOf(answer, token);
    this.#options.token.drop(token);
    const renewed = await this.#options.token.get(signal);
    return resultOf(await this.#attempt(method, path, body, renewed, signal), renewed);
  }

  /** Rejects with a DeliveryError. */
  #attempt(
    method: 'GET' | 'POST',
    path: string,
    body: JsonObject | undefined,
    token: string,
    signal: AbortSignal,
  ): Promise<Answer> {
    if (signal.aborted) return Promise.reject(stoppedBefore());
    const { appId, dispatcher } = this.#options;
    const headers: Record<string, string> = { authorization: `QQBot ${token}`, 'x-union-appid': appId };
    if (body !== undefined) headers['content-type'] = 'application/json; charset=utf-8';
    const question = {
      method,
      origin: this.#origin,
      path: `${this.#base}${path}`,
      headers,
      body: body === undefined ? null : JSON.stringify(body),
      timeoutMs: TIMEOUT_MS[method],
    };
    return exchange(dispatcher, question, signal).catch((error: unknown) => {
      throw brokenCall(error);
    });
  }
}

function stoppedBefore(): DeliveryError {
  return new DeliveryError('platform.stopped', 'stopped before the request was made', {
    failure: 'unavailable',
    certainty: 'not-delivered',
  });
}

/** Any 401 may be; but a refused address or app stays refused, and asking again only costs. */
function isForWantOfAToken({ status, json }: Answer): boolean {
  const meaning = meaningOf(json).meaning;
  return meaning === undefined ? status === 401 : meaning.class === 'token';
}

/** The call ended without a whole answer. It was certainly not delivered only when no connection came about, or when a refusal's status was already read. */
function brokenCall(broken: unknown): DeliveryError {
  const { cause: error, status } = broken instanceof BrokenExchange ? broken : { cause: broken, status: undefined };
  const refused = status !== undefined && status >= 300 && status < 500;
  const unsent = refused || neverSent(error);
  const why = oneLine(describeError(error));
  return new DeliveryError('platform.unreachable', `the QQ platform cannot be reached: ${why}`, {
    failure: 'unavailable',
    certainty: unsent ? 'not-delivered' : 'unknown',
    remedy: (error instanceof ProxyError ? error.remedy : undefined) ?? 'check the network, DNS and `api_base_url`',
    cause: error,
  });
}

/** Errors of a connection that was never made: not a byte of the request can have left. */
const CONNECT_ERRORS = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EADDRNOTAVAIL',
  'UND_ERR_CONNECT_TIMEOUT',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'CERT_HAS_EXPIRED',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'CERT_NOT_YET_VALID',
]);

function neverSent(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.every(neverSent);
  if (error instanceof ProxyError) return true;
  const { code } = error as { code?: unknown };
  return typeof code === 'string' && CONNECT_ERRORS.has(code);
}

/** @throws DeliveryError unless the answer is a success. */
function resultOf(answer: Answer, token: string): JsonObject {
  const { status, json } = answer;
  if (status < 200 || status >= 300) throw platformError(answer, token);
  if (json === undefined) throw notOfThePlatform(status);
  // 201 and 202 carry a code with what is accepted; under 200 a code is an error that came with the wrong status.
  const { number = 0 } = meaningOf(json);
  if (status === 200 && typeof json.id !== 'string' && number !== 0 && !TAKEN_FOR_REVIEW.has(number)) {
    throw platformError(answer, token);
  }
  return json;
}

/** Success, but in the words of somebody else: the page of a proxy in between. */
function notOfThePlatform(status: number): DeliveryError {
  return new DeliveryError('platform.unreadable', `HTTP ${status}: expected a JSON object, got something else`, {
    failure: 'unavailable',
    certainty: 'unknown',
    remedy: 'check `api_base_url`, and whether a proxy stands in between',
  });
}

function platformError(answer: Answer, token: string): DeliveryError {
  const { status, json } = answer;
  const { number, meaning } = meaningOf(json);
  const kind = meaning?.class ?? classOfStatus(status);
  // The older number beside the newer one is what people know, and look for.
  const older = typeof json?.code === 'number' && json.code !== number ? `code ${json.code}, ` : '';
  const shown = number === undefined ? `HTTP ${status}` : `${number} (${older}HTTP ${status})`;
  const told = typeof json?.message === 'string' ? oneLine(json.message.replaceAll(token, '***')) : '';
  const address = kind === 'whitelist' ? addressIn(told) : undefined;
  const cause = `${meaning?.cause ?? (told || 'no explanation given')}${address === undefined ? '' : ` (${address})`}`;
  return new DeliveryError(`platform.${kind}`, `${shown}: ${cause}`, {
    failure: FAILURE_OF[kind],
    certainty: status >= 500 && kind === 'transient' ? 'unknown' : 'not-delivered',
    platformCode: number,
    traceId: traceOf(answer),
    retryAfterMs: retryAfterOf(answer),
    remedy: address === undefined ? meaning?.remedy : whitelistRemedy(address),
  });
}

/** The caller's address as the platform saw it, where its text holds one. */
function addressIn(text: string): string | undefined {
  return text.match(/[0-9a-f.:]{3,45}/gi)?.find((part) => isIP(part) !== 0);
}

const FAILURE_OF: { readonly [C in PlatformErrorClass]: DeliveryFailure } = {
  token: 'unavailable',
  whitelist: 'auth',
  credentials: 'auth',
  window: 'window',
  duplicate: 'duplicate',
  active: 'active',
  rate: 'rate',
  crowd: 'crowd',
  transient: 'unavailable',
  markdown: 'markdown',
  links: 'links',
  refused: 'refused',
};

/** `err_code` is the newer numbering and wins; both stand in one table. */
function meaningOf(json: JsonObject | undefined): {
  number: number | undefined;
  meaning: PlatformErrorMeaning | undefined;
} {
  const numbers = [json?.err_code, json?.code].filter((n) => typeof n === 'number');
  const known = numbers.find((n) => meaningOfCode(n) !== undefined);
  return { number: known ?? numbers[0], meaning: known === undefined ? undefined : meaningOfCode(known) };
}

/** Of an answer without a code that we know. A redirection is not the platform's, and not followed. */
function classOfStatus(status: number): PlatformErrorClass {
  const known = STATUS_ERRORS[status]?.class;
  if (known !== undefined) return known;
  return status === 200 || (status >= 400 && status < 500) ? 'refused' : 'transient';
}

function traceOf({ headers, json }: Answer): string | undefined {
  const header = headers['x-tps-trace-id'];
  const trace = typeof header === 'string' ? header : json?.trace_id;
  return typeof trace === 'string' ? oneLine(trace) : undefined;
}

/** `Retry-After` in milliseconds: a number of seconds, or a date by the clock of the one who answered. At most an hour. */
function retryAfterOf({ headers }: Answer): number | undefined {
  const told = headers['retry-after'];
  if (told === undefined) return undefined;
  const theirNow = Date.parse(headers.date ?? '') || Date.now();
  const ms = /^\d+$/.test(told) ? Number(told) * 1000 : Date.parse(told) - theirNow;
  return ms > 0 ? Math.min(ms, 3_600_000) : undefined;
}
