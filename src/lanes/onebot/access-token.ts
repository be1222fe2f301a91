/** The token that a caller shows, in any of the three ways in use, against the one that an account asks for. */
import { createHash, timingSafeEqual } from 'node:crypto';

/** LLOneBot, NapCat, Lagrange say `Bearer`, go-cqhttp and Gensokyo `Token`; no space follows where there is none to show. */
const AUTHORIZATION = /^(?:bearer|token)(?:\s+(.*))?$/i;

/** Every token that was shown; NapCat sends `Bearer ` although it has none, which shows nothing. */
export function shownTokens(authorization: string | undefined, query: URLSearchParams): readonly string[] {
  const inHeader = AUTHORIZATION.exec(authorization?.trim() ?? '')?.[1];
  const inQuery = query.getAll('access_token').flatMap((token) =>
    // Written into an address by hand, `+` means itself more often than a blank.
    token.includes(' ') ? [token, token.replaceAll(' ', '+')] : [token],
  );
  return [inHeader?.trim() ?? '', ...inQuery].filter((token) => token !== '');
}

export class AccessToken {
  readonly #digest: Buffer;

  constructor(token: string) {
    this.#digest = digest(token);
  }

  /** In a time that tells nothing of where they differ. */
  isAmong(shown: readonly string[]): boolean {
    return shown.map((token) => timingSafeEqual(digest(token), this.#digest)).includes(true);
  }
}

function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
