/** The app access token: fetched once for all who wait, renewed before it ends, never stored. */
import { type Dispatcher, request } from 'undici';
import { DeliveryError, describeError, type LoongError } from '../../model/errors.js';
import { PLATFORM_ERRORS } from '../../protocol/qqbot/error-codes.js';
import { type JsonObject, readBody } from './response-body.js';

const TIMEOUT_MS = 15_000;
/** A token answer is a few hundred bytes. */
const MAX_ANSWER_BYTES = 65_536;
/** Renewed this long before its end, or after two thirds of a short life. */
const MARGIN_MS = 300_000;

export interface AccessTokenOptions {
  readonly tokenUrl: string;
  readonly appId: string;
  readonly clientSecret: string;
  readonly dispatcher: Dispatcher;
  /** Told of every token value when it comes and when it is replaced, so that logs can strike it out. */
  readonly onToken?: (token: string, replaced: string | undefined) => void;
}

interface Held {
  readonly token: string;
  readonly renewAt: number;
}

export class AccessToken {
  readonly #options: AccessTokenOptions;
  #held: Held | undefined;
  #fetching: Promise<string> | undefined;

  constructor(options: AccessTokenOptions) {
    this.#options = options;
  }

  /**
   * A token that is good for a while yet.
   * @throws DeliveryError, certainly not delivered; its `failure` is `auth` when only an operator can help.
   */
  get(): Promise<string> {
    if (this.#held !== undefined && Date.now() < this.#held.renewAt) return Promise.resolve(this.#held.token);
    this.#fetching ??= this.#fetch().finally(() => {
      this.#fetching = undefined;
    });
    return this.#fetching;
  }

  /** Drops `token` if it is still the held one: the platform refused it. */
  drop(token: string): void {
    if (this.#held?.token === token) this.#held = undefined;
  }

  async #fetch(): Promise<string> {
    const { tokenUrl, appId, clientSecret, dispatcher, onToken } = this.#options;
    const asked = Date.now();
    let answer: { status: number; json: JsonObject | undefined };
    try {
      const response = await request(tokenUrl, {
        method: 'POST',
        headers: { 'content-type': 'application/json; charset=utf-8' },
        body: JSON.stringify({ appId, clientSecret }),
        dispatcher,
        headersTimeout: TIMEOUT_MS,
        bodyTimeout: TIMEOUT_MS,
      });
      answer = { status: response.statusCode, json: await readBody(response, MAX_ANSWER_BYTES) };
    } catch (error) {
      throw new DeliveryError(
        'platform.token_unreachable',
        `the token endpoint cannot be reached: ${describeError(error)}`,
        {
          failure: 'unavailable',
          certainty: 'not-delivered',
          remedy: 'check the network, DNS and `token_url`',
          cause: error,
        },
      );
    }
    const token = answer.json?.access_token;
    if (typeof token !== 'string' || token === '') throw refusal(answer.status, answer.json);
    const lifeMs = lifeOf(answer.json?.expires_in);
    const previous = this.#held?.token;
    this.#held = { token, renewAt: asked + lifeMs - Math.min(MARGIN_MS, lifeMs / 3) };
    onToken?.(token, previous);
    return token;
  }
}

/** `expires_in` is documented as a number and sent as a string; an unreadable one is treated as short. */
function lifeOf(expiresIn: unknown): number {
  const seconds = Number(expiresIn);
  return (Number.isFinite(seconds) && seconds > 0 ? seconds : 60) * 1000;
}

/** An answer without a token. Errors may come under HTTP 200, so only the body tells. */
function refusal(status: number, json: JsonObject | undefined): LoongError {
  const code = typeof json?.code === 'number' ? json.code : undefined;
  const meaning = code === undefined ? undefined : PLATFORM_ERRORS[code];
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
      ? `HTTP ${status} without an access_token`
      : `code ${code}${meaning ? `, ${meaning.cause}` : ''}`;
  return new DeliveryError('platform.token_refused', `no access token: ${told}`, {
    failure: meaning?.class === 'rate' ? 'rate' : 'unavailable',
    certainty: 'not-delivered',
    platformCode: code,
    retryAfterMs: meaning?.class === 'rate' ? 60_000 : undefined,
    remedy: 'loong tries again by itself; if this stays, check `token_url`',
  });
}
