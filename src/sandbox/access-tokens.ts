/** Access tokens: one at a time, its remaining life on repeated calls, and an overlap of 60 s with its successor. */
import { newAccessToken } from './ids.js';

interface AccessToken {
  readonly value: string;
  readonly expiresAt: number;
}

export interface TokenGrant {
  readonly value: string;
  /** Seconds left, 1–7200. */
  readonly expiresIn: number;
}

const LIFE_SECONDS = 7200;
const OVERLAP_SECONDS = 60;
const KEPT_TOKENS = 100;

export class AccessTokens {
  readonly #now: () => number;
  #tokens: AccessToken[] = [];

  constructor(now: () => number) {
    this.#now = now;
  }

  /**
   * The current token, or a new one in its last 60 s.
   * @param lifeSeconds forces a new token that lives this long
   */
  grant(lifeSeconds?: number): TokenGrant {
    const now = this.#now();
    const current = this.#tokens.at(-1);
    if (lifeSeconds === undefined && current !== undefined && current.expiresAt - now > OVERLAP_SECONDS * 1000) {
      return { value: current.value, expiresIn: Math.floor((current.expiresAt - now) / 1000) };
    }
    const expiresIn = lifeSeconds ?? LIFE_SECONDS;
    const token = { value: newAccessToken(), expiresAt: now + expiresIn * 1000 };
    this.#tokens = [...this.#tokens.filter((old) => old.expiresAt > now), token].slice(-KEPT_TOKENS);
    return { value: token.value, expiresIn };
  }

  isValid(value: string): boolean {
    return this.#tokens.some((token) => token.value === value && token.expiresAt > this.#now());
  }

  /** Ends every token at once. */
  expireAll(): void {
    this.#tokens = [];
  }
}
