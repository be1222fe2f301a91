/** Calls to the Bot API: one attempt each, its failure put into words that delivery understands. */
import { type Dispatcher, request } from 'undici';
import { DeliveryError, type DeliveryFailure, describeError } from '../../model/errors.js';
import {
  PLATFORM_ERRORS,
  type PlatformErrorClass,
  type PlatformErrorMeaning,
} from '../../protocol/qqbot/error-codes.js';
import type { AccessToken } from './access-token.js';
import { type JsonObject, readBody } from './response-body.js';

/** The documentation asks for at least 5 s; media apart, 30 s is what the official clients wait. */
const TIMEOUT_MS = 30_000;
const MAX_ANSWER_BYTES = 1_048_576;

export interface OpenApiOptions {
  readonly apiBaseUrl: string;
  readonly appId: string;
  readonly token: AccessToken;
  readonly dispatcher: Dispatcher;
}

interface Answer {
  readonly status: number;
  readonly json: JsonObject | undefined;
  readonly traceId: string | undefined;
  readonly retryAfterMs: number | undefined;
}

export class OpenApiClient {
  readonly #options: OpenApiOptions;

  constructor(options: OpenApiOptions) {
    this.#options = options;
  }

  /**
   * One call. A 401 that the token explains is repeated once with a new token: the platform took nothing the first time.
   * Resolves with the JSON object of a 2xx answer (empty for an empty body).
   * @throws DeliveryError
   */
  async call(
    method: 'GET' | 'POST',
    path: string,
    body: JsonObject | undefined,
    signal: AbortSignal,
  ): Promise<JsonObject> {
    const token = await this.#options.token.get();
    const answer = await this.#attempt(method, path, body, token, signal);
    if (answer.status !== 401 || meaningOf(answer.json).meaning?.class === 'whitelist') return resultOf(answer);
    this.#options.token.drop(token);
    return resultOf(await this.#attempt(method, path, body, await this.#options.token.get(), signal));
  }

  async #attempt(
    method: 'GET' | 'POST',
    path: string,
    body: JsonObject | undefined,
    token: string,
    signal: AbortSignal,
  ): Promise<Answer> {
    const { apiBaseUrl, appId, dispatcher } = this.#options;
    let response: Dispatcher.ResponseData | undefined;
    try {
      response = await request(`${apiBaseUrl}${path}`, {
        method,
        headers: {
          authorization: `QQBot ${token}`,
          'x-union-appid': appId,
          ...(body === undefined ? {} : { 'content-type': 'application/json; charset=utf-8' }),
        },
        body: body === undefined ? null : JSON.stringify(body),
        dispatcher,
        signal,
        headersTimeout: TIMEOUT_MS,
        bodyTimeout: TIMEOUT_MS,
      });
      const json = await readBody(response, MAX_ANSWER_BYTES);
      return {
        status: response.statusCode,
        json,
        traceId: traceOf(response, json),
        retryAfterMs: retryAfterOf(response),
      };
    } catch (error) {
      throw brokenCall(error, response?.statusCode);
    }
  }
}

/** The call ended without a whole answer. It was certainly not delivered only when no connection came about, or when a refusal's status was already read. */
function brokenCall(error: unknown, status: number | undefined): DeliveryError {
  const refused = status !== undefined && status >= 400 && status < 500;
  const unsent = refused || neverSent(error);
  return new DeliveryError('platform.unreachable', `the QQ platform cannot be reached: ${describeError(error)}`, {
    failure: 'unavailable',
    certainty: unsent ? 'not-delivered' : 'unknown',
    remedy: 'check the network, DNS and `api_base_url`',
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
]);

function neverSent(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.every(neverSent);
  const code = (error as { code?: unknown }).code;
  return typeof code === 'string' && CONNECT_ERRORS.has(code);
}

/** @throws DeliveryError unless the answer is a success. */
function resultOf(answer: Answer): JsonObject {
  if (answer.status >= 200 && answer.status < 300) return answer.json ?? {};
  throw platformError(answer);
}

function platformError({ status, json, traceId, retryAfterMs }: Answer): DeliveryError {
  const { number, meaning } = meaningOf(json);
  const kind = meaning?.class ?? classOfStatus(status);
  const shown = number === undefined ? `HTTP ${status}` : `${number} (HTTP ${status})`;
  const cause = meaning?.cause ?? (typeof json?.message === 'string' ? tidy(json.message) : 'no explanation given');
  return new DeliveryError(`platform.${kind}`, `${shown}: ${cause}`, {
    failure: FAILURE_OF[kind],
    certainty: status >= 500 ? 'unknown' : 'not-delivered',
    platformCode: number,
    traceId,
    retryAfterMs,
    remedy: meaning?.remedy,
  });
}

const FAILURE_OF: { readonly [C in PlatformErrorClass]: DeliveryFailure } = {
  token: 'unavailable',
  whitelist: 'auth',
  credentials: 'auth',
  window: 'window',
  duplicate: 'duplicate',
  active: 'active',
  rate: 'rate',
  transient: 'unavailable',
  refused: 'refused',
};

/** `err_code` is the newer numbering and wins; both stand in one table. */
function meaningOf(json: JsonObject | undefined): {
  number: number | undefined;
  meaning: PlatformErrorMeaning | undefined;
} {
  const numbers = [json?.err_code, json?.code].filter((n) => typeof n === 'number');
  const known = numbers.find((n) => PLATFORM_ERRORS[n] !== undefined);
  return { number: known ?? numbers[0], meaning: known === undefined ? undefined : PLATFORM_ERRORS[known] };
}

function classOfStatus(status: number): PlatformErrorClass {
  if (status === 401) return 'token';
  if (status === 429) return 'rate';
  return status >= 500 ? 'transient' : 'refused';
}

function traceOf(response: Dispatcher.ResponseData, json: JsonObject | undefined): string | undefined {
  const header = response.headers['x-tps-trace-id'];
  const trace = typeof header === 'string' ? header : json?.trace_id;
  return typeof trace === 'string' ? tidy(trace) : undefined;
}

/** `Retry-After` in milliseconds, when it is a number of seconds within an hour. */
function retryAfterOf(response: Dispatcher.ResponseData): number | undefined {
  const seconds = Number(response.headers['retry-after']);
  return Number.isFinite(seconds) && seconds > 0 ? Math.min(seconds, 3600) * 1000 : undefined;
}

/** Text of the platform as we may repeat it: one short line without control characters. */
function tidy(text: string): string {
  return text.replace(/\p{C}+/gu, ' ').slice(0, 200);
}
