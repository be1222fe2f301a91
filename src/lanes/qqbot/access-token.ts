/** The app access token: fetched once for all who wait, renewed before it ends, never stored. */
import type { Dispatcher } from 'undici';
import { ProxyError } from '../../http/proxy-tunnel.js';
import { DeliveryError, describeError } from '../../model/errors.js';
import { meaningOfCode, TOKEN_ENDPOINT_ERRORS } from '../../protocol/qqbot/error-codes.js';
import { waitUnlessStopped } from '../on-abort.js';
import { oneLine } from '../one-line.js';
import { type Answer, BrokenExchange, exchange, type JsonObject } from './exchange.js';

/** Short, so that an outage of the endpoint is left within the promised 45 s of its end. */
const TIMEOUT_MS = 10_000;
/** Renewed this long before its end, or after two thirds of a short life. */
const MARGIN_MS = 300_000;
/** After a renewal failed while the old token still lives. */
const RENEW_AGAIN_MS = 15_000;
/** What the platform is known to give; a longer life is not believed, a shorter one than the least not either. */
const MAX_LIFE_S = 7200;
const MIN_LIFE_S = 1;
const LIFE_UNTOLD_S = 60;
/** A refusal is not asked for again at once by everyone who wants to send: 100001 forbids it, a bad secret makes it useless. */
const REST_AFTER_RATE_MS = 60_000;
const REST_AFTER_REFUSAL_MS = 10_000;
/** An endpoint in trouble is asked once a second, however many want to send. */
const REST_AFTER_TROUBLE_MS = 1000;
/** It goes into an HTTP header. */
const TOKEN = /^[\x21-\x7e]{1,4096}$/;

export interface AccessTokenOptions {
  readonly tokenUrl: string;
  readonly appId: string;
  readonly clientSecret: string;
  readonly dispatcher: Dispatcher;
  /** Told of every new token value, and of the one it replaces, so that logs can strike it out. */
  readonly onToken?: (token: string, replaced: string | undefined) => void;
}

interface Held {
  readonly token: string;
  readonly renewAt: number;
  readonly endsAt: number;
}

export class AccessToken {
  readonly #options: AccessTokenOptions;
  #held: Held | undefined;
  #fetching: Promise<string> | undefined;
  #refused: { readonly error: DeliveryError; readonly until: number } | undefined;
  /** The last one that was told of, held or dropped. */
  #told: string | undefined;

  constructor(options: AccessTokenOptions) {
    this.#options = options;
  }

  /** The one that is held, if it is good for a while yet. */
  get held(): string | undefined {
    return this.#held !== undefined && Date.now() < this.#held.renewAt ? this.#held.token : undefined;
  }

  /**
   * A token that is good for a while yet. `signal` ends this wait, not the request that others wait for too.
   * @throws DeliveryError, certainly not delivered; its `failure` is `auth` when only an operator can help.
   */
  get(signal?: AbortSignal): Promise<string> {
    const { held } = this;
    if (held !== undefined) return Promise.resolve(held);
    this.#fetching ??= this.#renew().finally(() => {
      this.#fetching = undefined;
    });
    return signal === undefined ? this.#fetching : waitUnlessStopped(this.#fetching, signal, stopped);
  }

  /** Drops `token` if it is still the held one: the platform refused it. */
  drop(token: string): void {
    if (this.#held?.token === token) this.#held = undefined;
  }

  /** Renewal comes early, so that its failure costs nothing while the old token lives. */
  async #renew(): Promise<string> {
    try {
      return await this.#fetch();
    } catch (error) {
      const held = this.#held;
      if (held === undefined || Date.now() >= held.endsAt) throw error;
      this.#held = { ...held, renewAt: Math.min(held.endsAt, Date.now() + RENEW_AGAIN_MS) };
      return held.token;
    }
  }

  async #fetch(): Promise<string> {
    const left = (this.#refused?.until ?? 0) - Date.now();
    // A clock that was set back makes no rest longer than the longest there is.
    if (this.#refused !== undefined && left > 0 && left <= REST_AFTER_RATE_MS) throw this.#refused.error;
    const asked = Date.now();
    const { status, json } = await this.#ask();
    const token = json?.access_token;
    if (typeof token !== 'string' || !TOKEN.test(token)) throw this.#rest(refusal(status, json));
    this.#refused = undefined;
    const lifeMs = lifeOf(json?.expires_in);
    this.#held = { token, renewAt: asked + lifeMs - Math.min(MARGIN_MS, lifeMs / 3), endsAt: asked + lifeMs };
    // While a token lives the endpoint gives the same one again.
    if (token !== this.#told) this.#options.onToken?.(token, this.#told);
    this.#told = token;
    return token;
  }

  async #ask(): Promise<Answer> {
    const { tokenUrl, appId, clientSecret, dispatcher } = this.#options;
    const { origin, pathname, search } = new URL(tokenUrl);
    try {
      return await exchange(dispatcher, {
        method: 'POST',
        origin,
        path: `${pathname}${search}`,
        headers: { 'content-type': 'application/json; charset=utf-8' },
        body: JSON.stringify({ appId, clientSecret }),
        timeoutMs: TIMEOUT_MS,
      });
    } catch (broken) {
      const error = broken instanceof BrokenExchange ? broken.cause : broken;
      throw this.#rest(
        new DeliveryError(
          'platform.token_unreachable',
          `the token endpoint cannot be reached: ${oneLine(describeError(error))}`,
          {
            failure: 'unavailable',
            certainty: 'not-delivered',
            remedy:
              (error instanceof ProxyError ? error.remedy : undefined) ?? 'check the network, DNS and `token_url`',
            cause: error,
          },
        ),
      );
    }
  }

  /** Whoever asks within the rest that this failure calls for gets the same answer. */
  #rest(error: DeliveryError): DeliveryError {
    this.#refused = { error, until: Date.now() + restAfter(error) };
    return error;
  }
}

function stopped(): DeliveryError {
  return new DeliveryError('platform.stopped', 'stopped while waiting for an access token', {
    failure: 'unavailable',
    certainty: 'not-delivered',
  });
}

/** `expires_in` is documented as a number and sent as a string; an unreadable one is treated as short. */
function lifeOf(expiresIn: unknown): number {
  const seconds = Number(expiresIn);
  return (seconds > 0 ? Math.min(Math.max(seconds, MIN_LIFE_S), MAX_LIFE_S) : LIFE_UNTOLD_S) * 1000;
}

function restAfter({ failure, retryAfterMs }: DeliveryError): number {
  return failure === 'auth' ? REST_AFTER_REFUSAL_MS : (retryAfterMs ?? REST_AFTER_TROUBLE_MS);
}

/** An answer without a token. Errors may come under HTTP 200, so only the body tells. */
function refusal(status: number, json: JsonObject | undefined): DeliveryError {
  const code = typeof json?.code === 'number' ? json.code : undefined;
  const meaning = code === undefined ? undefined : (TOKEN_ENDPOINT_ERRORS[code] ?? meaningOfCode(code));
  if (meaning?.class === 'credentials' || meaning?.class === 'whitelist') {
    return new DeliveryError('platform.credentials_refused', `no access token: ${meaning.cause} (code ${code})`, {
      failure: 'auth',
      certainty: 'not-delivered',
      platformCode: code,
      remedy: meaning.remedy,
    });
  }
  const told =
    code === undefined
      ? `HTTP ${status} without a usable access_token`
      : `code ${code}${meaning ? `, ${meaning.cause}` : ''}`;
  const rate = meaning?.class === 'rate' || status === 429;
  return new DeliveryError('platform.token_refused', `no access token: ${told}`, {
    failure: rate ? 'rate' : 'unavailable',
    certainty: 'not-delivered',
    platformCode: code,
    retryAfterMs: rate ? REST_AFTER_RATE_MS : undefined,
    remedy: 'loong tries again by itself; if this stays, check `token_url`',
  });
}
