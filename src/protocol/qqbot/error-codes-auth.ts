/** Errors of identity: token, credentials, whitelist, permissions. Source: fact pages "接口调用与鉴权" and "错误码". */
import {
  CONSOLE,
  type ErrorTable,
  each,
  NOT_GRANTED,
  OUR_REQUEST,
  type PlatformErrorMeaning,
  RATE,
  TRANSIENT,
} from './error-codes-meaning.js';

/** `address`: as the platform sees us, in words or digits. */
export function whitelistRemedy(address = 'the egress IP of this machine'): string {
  return `add ${address} under 开发设置 → IP白名单 in the QQ open platform console (q.qq.com)`;
}

const WHITELIST: PlatformErrorMeaning = {
  class: 'whitelist',
  cause: 'this machine’s address is not in the IP whitelist of the bot',
  remedy: whitelistRemedy(),
};
const CREDENTIALS: PlatformErrorMeaning = {
  class: 'credentials',
  cause: 'the app id or the client secret is wrong',
  remedy:
    'compare app id and secret with 开发设置 in the QQ open platform console; an old secret ends when a new one is made',
};
const TOKEN: PlatformErrorMeaning = {
  class: 'token',
  cause: 'the access token is not (or no longer) valid',
  remedy: 'loong fetches a new one; if it stays, look for a second program that uses the same AppID',
};

export const AUTH_ERRORS: ErrorTable = {
  ...each([11241, 11242, 11243, 11244], TOKEN),
  ...each([11251, 11261, 11275, 100007, 100016], CREDENTIALS),
  11265: { class: 'credentials', cause: 'the bot was banned', remedy: `appeal in ${CONSOLE}` },
  ...each([11252, 11263, 11281], TRANSIENT),
  ...each([11253, 11264, 11274], NOT_GRANTED),
  11254: { ...NOT_GRANTED, cause: 'this interface was taken from the bot' },
  11282: { ...NOT_GRANTED, cause: 'only an administrator of the guild may do this' },
  ...each([11262, 11273], OUR_REQUEST),
  ...each([11298, 40023002], WHITELIST),
  100001: { ...RATE, cause: 'access tokens are asked for too often' },
};

/** Where the token endpoint means something else by a number than the other interfaces do. */
export const TOKEN_ENDPOINT_ERRORS: ErrorTable = {
  10004: { ...CREDENTIALS, cause: 'there is no bot with this app id' },
};
