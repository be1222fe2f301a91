/** What the QQ Bot API's error numbers mean and how to react. Source: Bot API v2 "错误码" pages; `err_code` and `code` share one table. */

/**
 * `token` fetch a new access token and repeat once · `whitelist`, `credentials` only an operator can help ·
 * `window` this msg_id or event_id allows no (further) reply · `duplicate` (msg_id, msg_seq) was used before ·
 * `active` active messages are not permitted here · `rate` too fast · `transient` the platform's own fault, try again ·
 * `refused` will never be taken.
 */
export type PlatformErrorClass =
  | 'token'
  | 'whitelist'
  | 'credentials'
  | 'window'
  | 'duplicate'
  | 'active'
  | 'rate'
  | 'transient'
  | 'refused';

export interface PlatformErrorMeaning {
  readonly class: PlatformErrorClass;
  readonly cause: string;
  readonly remedy?: string;
}

const WHITELIST: PlatformErrorMeaning = {
  class: 'whitelist',
  cause: 'this machine’s address is not in the IP whitelist of the bot',
  remedy: 'add the egress IP of this machine under 开发设置 → IP白名单 in the QQ open platform console (q.qq.com)',
};
const ACTIVE: PlatformErrorMeaning = {
  class: 'active',
  cause: 'active messages are not permitted to this peer',
  remedy:
    'the peer must write first (a reply is then possible for a while), or apply for active messages in the console',
};
const CREDENTIALS: PlatformErrorMeaning = {
  class: 'credentials',
  cause: 'the app id or the client secret is wrong',
  remedy:
    'compare app id and secret with 开发设置 in the QQ open platform console; an old secret ends when a new one is made',
};
const TOKEN: PlatformErrorMeaning = { class: 'token', cause: 'the access token is not (or no longer) valid' };
const WINDOW_OVER: PlatformErrorMeaning = { class: 'window', cause: 'the time to reply to that message is over' };
const WINDOW_WRONG: PlatformErrorMeaning = { class: 'window', cause: 'that message or event may not be replied to' };
const TRANSIENT: PlatformErrorMeaning = { class: 'transient', cause: 'a passing fault of the platform' };
const RATE: PlatformErrorMeaning = { class: 'rate', cause: 'messages are sent too fast' };
const GONE: PlatformErrorMeaning = { class: 'refused', cause: 'the bot no longer has access to this peer' };
const NOT_GRANTED: PlatformErrorMeaning = {
  class: 'refused',
  cause: 'the bot was not granted this interface',
  remedy: 'apply for it in the QQ open platform console (q.qq.com)',
};
const OUR_REQUEST: PlatformErrorMeaning = {
  class: 'refused',
  cause: 'the platform does not understand the request',
  remedy: 'this is a fault in loong: please report it with the log',
};

/** Where the token endpoint means something else by a number than the other interfaces do. */
export const TOKEN_ENDPOINT_ERRORS: { readonly [code: number]: PlatformErrorMeaning } = {
  10004: { ...CREDENTIALS, cause: 'there is no bot with this app id' },
};

/** Platform code → meaning. */
export const PLATFORM_ERRORS: { readonly [code: number]: PlatformErrorMeaning } = {
  11241: TOKEN,
  11242: TOKEN,
  11243: TOKEN,
  11244: TOKEN,
  11251: CREDENTIALS,
  11252: TRANSIENT,
  11253: NOT_GRANTED,
  11254: NOT_GRANTED,
  11261: CREDENTIALS,
  11262: OUR_REQUEST,
  11263: TRANSIENT,
  11264: NOT_GRANTED,
  11265: {
    class: 'credentials',
    cause: 'the bot was banned',
    remedy: 'appeal in the QQ open platform console (q.qq.com)',
  },
  11273: OUR_REQUEST,
  11274: NOT_GRANTED,
  11275: CREDENTIALS,
  11281: TRANSIENT,
  11282: NOT_GRANTED,
  11298: WHITELIST,
  40023002: WHITELIST,
  100001: RATE,
  100007: CREDENTIALS,
  100016: CREDENTIALS,
  20028: RATE,
  22009: RATE,
  1100100: RATE,
  1100308: RATE,
  40034100: RATE,
  40034005: WINDOW_OVER,
  40034024: WINDOW_WRONG,
  40034025: WINDOW_WRONG,
  40034026: WINDOW_OVER,
  40034027: WINDOW_WRONG,
  40034128: { class: 'window', cause: 'all replies to that message are used up' },
  304026: WINDOW_WRONG,
  304027: WINDOW_OVER,
  304028: WINDOW_WRONG,
  304103: WINDOW_WRONG,
  40054005: { class: 'duplicate', cause: 'a message with this msg_id and msg_seq was sent before' },
  40034102: ACTIVE,
  40034105: ACTIVE,
  40034106: ACTIVE,
  40034108: ACTIVE,
  40034109: ACTIVE,
  40034124: ACTIVE,
  40034127: ACTIVE,
  40054013: {
    class: 'active',
    cause: 'the peer does not want active messages from the bot',
    remedy: 'wait until the peer writes',
  },
  304007: TRANSIENT,
  304008: TRANSIENT,
  304009: TRANSIENT,
  40054006: TRANSIENT,
  50055001: TRANSIENT,
  50055002: TRANSIENT,
  50055006: TRANSIENT,
  1100300: TRANSIENT,
  304003: {
    class: 'refused',
    cause: 'a link in the text is not allowed',
    remedy: 'register its domain in the console, or leave it out',
  },
  40054010: {
    class: 'refused',
    cause: 'a link in the text is not allowed',
    remedy: 'register its domain in the console, or leave it out',
  },
  304025: { class: 'refused', cause: 'the content breaks the platform’s rules' },
  40034006: { class: 'refused', cause: 'the content breaks the platform’s rules' },
  40054002: { class: 'refused', cause: 'the bot is muted in this group' },
  40034101: GONE,
  40054003: GONE,
  40054004: GONE,
  40054007: { class: 'refused', cause: 'the text is too long', remedy: 'split it' },
  40054016: {
    class: 'refused',
    cause: 'the bot is offline',
    remedy: 'bring it online in the QQ open platform console (q.qq.com)',
  },
  40054018: { class: 'refused', cause: 'the text is too long', remedy: 'split it' },
  50006: { class: 'refused', cause: 'the message is empty' },
};
