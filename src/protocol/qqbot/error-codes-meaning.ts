/** What an error number of the platform can mean, and the meanings that many numbers share. */

/**
 * `token` fetch a new access token and repeat once · `whitelist`, `credentials` only an operator can help ·
 * `window` this msg_id or event_id allows no (further) reply · `duplicate` (msg_id, msg_seq) was used before ·
 * `active` active messages are not permitted here · `rate` too fast · `crowd` too many messages to this target ·
 * `transient` the platform's own fault, try again · `markdown` would be taken as plain text · `links` would be taken without addresses of
 * pages · `refused` will never be taken.
 */
export type PlatformErrorClass =
  | 'token'
  | 'whitelist'
  | 'credentials'
  | 'window'
  | 'duplicate'
  | 'active'
  | 'rate'
  | 'crowd'
  | 'transient'
  | 'markdown'
  | 'links'
  | 'refused';

export interface PlatformErrorMeaning {
  readonly class: PlatformErrorClass;
  readonly cause: string;
  /** What an operator can do about it. */
  readonly remedy: string;
}

/** Platform code → meaning. */
export type ErrorTable = { readonly [code: number]: PlatformErrorMeaning };

/** One meaning for several numbers. */
export function each(codes: readonly number[], meaning: PlatformErrorMeaning): ErrorTable {
  return Object.fromEntries(codes.map((code) => [code, meaning]));
}

export const CONSOLE = 'the QQ open platform console (q.qq.com)';
const WAIT = 'try again later (a running daemon does so by itself)';

export const TRANSIENT: PlatformErrorMeaning = {
  class: 'transient',
  cause: 'a passing fault of the platform',
  remedy: `${WAIT}; if it stays, report the trace id to the platform’s support`,
};
export const RATE: PlatformErrorMeaning = {
  class: 'rate',
  cause: 'messages are sent too fast',
  remedy: `send less often; ${WAIT}`,
};
export const OUR_REQUEST: PlatformErrorMeaning = {
  class: 'refused',
  cause: 'the platform does not understand the request',
  remedy: 'this is a fault in loong: please report it with the log',
};
export const NOT_GRANTED: PlatformErrorMeaning = {
  class: 'refused',
  cause: 'the bot was not granted this interface',
  remedy: `apply for it in ${CONSOLE}`,
};
export const GONE: PlatformErrorMeaning = {
  class: 'refused',
  cause: 'the bot does not (or no longer) have access to this peer',
  remedy: 'check the id (openids belong to one bot), and that the bot is still a friend of the person or in the group',
};
export const RISK: PlatformErrorMeaning = {
  class: 'refused',
  cause: 'the platform’s risk control blocked the message',
  remedy: `do not repeat it: word it differently, and look for a notice in ${CONSOLE}`,
};
export const MARKDOWN: PlatformErrorMeaning = {
  class: 'markdown',
  cause: 'the markdown is not allowed to this bot, or not well-formed',
  remedy: `send it as plain text, or apply for markdown in ${CONSOLE}`,
};
