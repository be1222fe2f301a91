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
const GONE: PlatformErrorMeaning = {
  class: 'refused',
  cause: 'the bot does not (or no longer) have access to this peer',
  remedy: 'check the id (openids belong to one bot), and that the bot is still a friend of the person or in the group',
};
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

const TEMPLATE: PlatformErrorMeaning = {
  class: 'refused',
  cause: 'the template is missing or was not granted to this bot',
};
const MARKDOWN: PlatformErrorMeaning = {
  class: 'refused',
  cause: 'the markdown is not allowed to this bot, or not well-formed',
  remedy: 'send it as plain text',
};
const KEYBOARD: PlatformErrorMeaning = {
  class: 'refused',
  cause: 'the keyboard is wrong or was not granted to this bot',
};
const QUOTA: PlatformErrorMeaning = {
  class: 'refused',
  cause: 'the active messages of today are used up',
  remedy: 'wait until tomorrow, or reply to a message',
};
const NO_SESSION: PlatformErrorMeaning = {
  class: 'refused',
  cause: 'this direct-message session is closed, or was never opened',
  remedy: 'the peer must write first',
};
const NO_PUSH_HERE: PlatformErrorMeaning = {
  class: 'refused',
  cause: 'active messages are switched off in this channel or guild',
};
const RISK: PlatformErrorMeaning = { class: 'refused', cause: 'the platform’s risk control blocked the message' };
const NO_REPLY: PlatformErrorMeaning = { class: 'refused', cause: 'that message may not be replied to' };
const REFUSED: PlatformErrorMeaning = { class: 'refused', cause: 'the platform refuses this message' };

/** With HTTP 202: the message was taken and is reviewed first; MESSAGE_AUDIT_PASS or MESSAGE_AUDIT_REJECT tells what came of it. */
export const TAKEN_FOR_REVIEW: ReadonlySet<number> = new Set([304023, 304024]);

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
  304010: TRANSIENT,
  304017: TRANSIENT,
  304021: TRANSIENT,
  304029: TRANSIENT,
  304052: RATE,
  306003: TRANSIENT,
  306005: TRANSIENT,
  306006: TRANSIENT,
  620006: RATE,
  620007: TRANSIENT,
  50065001: TRANSIENT,
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
  22006: MARKDOWN,
  50055: MARKDOWN,
  50056: MARKDOWN,
  50057: MARKDOWN,
  50059: MARKDOWN,
  304036: MARKDOWN,
  40034008: MARKDOWN,
  40034009: MARKDOWN,
  40034010: MARKDOWN,
  40034011: MARKDOWN,
  40034090: MARKDOWN,
  304004: { class: 'refused', cause: 'cards (ark) were not granted to this bot' },
  304005: { class: 'refused', cause: 'the embed is too long', remedy: 'shorten it' },
  304011: TEMPLATE,
  304012: TEMPLATE,
  304014: TEMPLATE,
  50040: TEMPLATE,
  50041: TEMPLATE,
  50042: TEMPLATE,
  50054: TEMPLATE,
  304016: REFUSED,
  304061: REFUSED,
  304062: REFUSED,
  304064: REFUSED,
  304080: REFUSED,
  304018: {
    class: 'transient',
    cause: 'the bot is not connected to the gateway',
    remedy: 'run the daemon: guilds take messages of connected bots only',
  },
  304019: { class: 'refused', cause: 'the @everyone of today are used up', remedy: 'leave the mention out' },
  1100304: { class: 'refused', cause: 'the @everyone of today are used up', remedy: 'leave the mention out' },
  304020: { class: 'refused', cause: 'the file is too large' },
  304022: {
    class: 'refused',
    cause: 'active messages are not allowed at this hour',
    remedy: 'send it at another hour',
  },
  304030: { class: 'refused', cause: 'the text does not match an approved one' },
  304031: NO_SESSION,
  304032: NO_SESSION,
  304033: NO_SESSION,
  304034: NO_SESSION,
  304035: QUOTA,
  304045: QUOTA,
  304047: QUOTA,
  304049: QUOTA,
  304050: QUOTA,
  304046: NO_PUSH_HERE,
  304048: NO_PUSH_HERE,
  304037: KEYBOARD,
  304038: KEYBOARD,
  304039: KEYBOARD,
  304040: KEYBOARD,
  40034029: KEYBOARD,
  305007: NOT_GRANTED,
  340067: NOT_GRANTED,
  340069: NOT_GRANTED,
  1100101: RISK,
  1100103: RISK,
  3300006: RISK,
  1100104: GONE,
  1100301: GONE,
  1100306: GONE,
  1100303: { class: 'refused', cause: 'the channel forbids it' },
  1100307: { class: 'refused', cause: 'the channel forbids it' },
  10001: GONE,
  10003: GONE,
  10004: GONE,
  12001: {
    class: 'refused',
    cause: 'the openid belongs to another bot',
    remedy: 'openids differ from bot to bot: use the one that this bot saw',
  },
  12002: OUR_REQUEST,
  50035: OUR_REQUEST,
  50037: OUR_REQUEST,
  40011000: OUR_REQUEST,
  50045: NO_REPLY,
  50046: NO_REPLY,
  50047: NO_REPLY,
  40034122: { class: 'refused', cause: 'the wake-up messages to this peer are used up' },
  40034123: { class: 'refused', cause: 'this peer has not written for too long to be woken up' },
};
