/** What the QQ Bot API's error numbers mean and how to react. Source: Bot API v2 "错误码" pages; `err_code` and `code` share one table. */
import { AUTH_ERRORS } from './error-codes-auth.js';
import { ERROR_FAMILIES, GUILD_ERRORS } from './error-codes-guild.js';
import {
  type ErrorTable,
  each,
  GONE,
  OUR_REQUEST,
  type PlatformErrorMeaning,
  RATE,
  TRANSIENT,
} from './error-codes-meaning.js';
import { SENDING_ERRORS } from './error-codes-sending.js';

export { TOKEN_ENDPOINT_ERRORS, whitelistRemedy } from './error-codes-auth.js';
export type { PlatformErrorClass, PlatformErrorMeaning } from './error-codes-meaning.js';

/** With HTTP 202: the message was taken and is reviewed first; MESSAGE_AUDIT_PASS or MESSAGE_AUDIT_REJECT tells what came of it. */
export const TAKEN_FOR_REVIEW: ReadonlySet<number> = new Set([304023, 304024]);

/** Platform code → meaning; `meaningOfCode` knows the families, too. */
export const PLATFORM_ERRORS: ErrorTable = { ...AUTH_ERRORS, ...SENDING_ERRORS, ...GUILD_ERRORS };

/** What a number means; undefined for one that nobody has told of. */
export function meaningOfCode(code: number): PlatformErrorMeaning | undefined {
  return PLATFORM_ERRORS[code] ?? ERROR_FAMILIES.find(({ from, to }) => code >= from && code <= to)?.meaning;
}

/** HTTP status → meaning, for an answer without a code of its own. */
export const STATUS_ERRORS: ErrorTable = {
  400: { ...OUR_REQUEST, remedy: 'the code in the answer tells more' },
  401: {
    class: 'token',
    cause: 'the access token is not (or no longer) valid',
    remedy: 'loong fetches a new one; the code in the answer tells more',
  },
  404: { ...GONE, cause: 'there is nothing at this address, or no such peer' },
  405: OUR_REQUEST,
  413: { class: 'refused', cause: 'the message is too large', remedy: 'send less at once' },
  ...each([408, 425], TRANSIENT),
  429: RATE,
  ...each([500, 502, 503], TRANSIENT),
  504: { ...TRANSIENT, cause: 'the platform gave itself no answer in time' },
};
