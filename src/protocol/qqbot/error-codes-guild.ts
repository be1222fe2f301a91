/** Errors of guilds, their channels and direct messages, and of the interfaces beside messages. Source: Bot API v2 page "错误码". */
import {
  type ErrorTable,
  each,
  GONE,
  MARKDOWN,
  NOT_GRANTED,
  OUR_REQUEST,
  type PlatformErrorMeaning,
  RATE,
  TRANSIENT,
} from './error-codes-meaning.js';
import { KEYBOARD, LINKS, RULES } from './error-codes-sending.js';

const NO_REPLY: PlatformErrorMeaning = {
  class: 'window',
  cause: 'that message or event may not be replied to',
  remedy: 'reply to a message that mentions the bot, while its window is open',
};
const TEMPLATE: PlatformErrorMeaning = {
  class: 'refused',
  cause: 'the template is missing, or its parameters do not fit',
  remedy: 'compare the message with the template in the QQ open platform console (q.qq.com)',
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
  remedy: 'ask an administrator of the guild to switch them on, or reply to a message',
};
const REFUSED: PlatformErrorMeaning = {
  class: 'refused',
  cause: 'the platform refuses this message',
  remedy: 'change what is sent; if it stays, report the trace id to the platform’s support',
};
const EVERYONE: PlatformErrorMeaning = {
  class: 'refused',
  cause: 'the @everyone of today are used up',
  remedy: 'leave the mention out',
};
const EDIT: PlatformErrorMeaning = {
  class: 'refused',
  cause: 'the message cannot be edited',
  remedy: 'only the bot’s own messages with a keyboard can be edited: send a new one',
};
const NOT_SENT_BY_US: PlatformErrorMeaning = {
  class: 'refused',
  cause: 'the message that it refers to may not be used so',
  remedy: 'reply to a message that mentions the bot and is not its own',
};

const MESSAGES: ErrorTable = {
  ...each([304026, 304028, 304103], NO_REPLY),
  304027: { ...NO_REPLY, cause: 'the time to reply to that message is over' },
  304003: LINKS,
  304004: { ...MARKDOWN, cause: 'cards (ark) were not granted to this bot' },
  304005: { class: 'refused', cause: 'the embed is too long', remedy: 'shorten it' },
  ...each([304011, 304012, 304014], { ...MARKDOWN, cause: 'the template is missing or was not granted to this bot' }),
  ...each([304036, 304037], { ...MARKDOWN, cause: 'markdown templates or keyboards were not granted to this bot' }),
  ...each([50055, 50056, 50057], MARKDOWN),
  ...each([304016, 304061, 304062, 304064, 304080], REFUSED),
  304018: {
    class: 'transient',
    cause: 'the bot is not connected to the gateway',
    remedy: 'run the daemon: guilds take messages of connected bots only',
  },
  ...each([304019, 1100304], EVERYONE),
  304020: { class: 'refused', cause: 'the file is too large', remedy: 'make it smaller, or send a link to it' },
  304022: {
    class: 'refused',
    cause: 'active messages are not allowed at this hour',
    remedy: 'send it at another hour',
  },
  304025: RULES,
  304030: {
    class: 'refused',
    cause: 'the text does not match an approved one',
    remedy: 'compare it with the approved texts in the QQ open platform console (q.qq.com)',
  },
  ...each([304031, 304032, 304033, 304034], NO_SESSION),
  ...each([304035, 304045, 304047, 304049, 304050], QUOTA),
  ...each([304046, 304048], NO_PUSH_HERE),
  ...each([304038, 304039, 304040], KEYBOARD),
  ...each([304044, 304051], OUR_REQUEST),
  ...each([304007, 304008, 304009, 304010, 304017, 304021, 304029, 304082, 304083], TRANSIENT),
  304052: { ...RATE, cause: 'the settings guide is sent too often' },
  50006: { class: 'refused', cause: 'the message is empty', remedy: 'give it a text' },
  ...each([50040, 50041, 50042, 50054], TEMPLATE),
  ...each([50045, 50046, 50047], NOT_SENT_BY_US),
  ...each([50049, 50050, 50051, 50052, 50053], EDIT),
};

const REQUESTS: ErrorTable = {
  ...each([10001, 10003], GONE),
  10004: { ...GONE, cause: 'there is no such guild, or the bot is not in it' },
  ...each([12002, 50035, 50037, 40011000], OUR_REQUEST),
  ...each([305007, 340067, 340069], NOT_GRANTED),
};

const BESIDE_MESSAGES: ErrorTable = {
  ...each([306003, 306005, 306006], TRANSIENT),
  ...each([501002, 501003, 501004, 501006, 501007, 501011, 501012], TRANSIENT),
  620003: { class: 'refused', cause: 'the reaction is already set', remedy: 'nothing: it is as it was to be' },
  620004: { class: 'refused', cause: 'the reaction is not set', remedy: 'nothing: it is as it was to be' },
  620006: { ...RATE, cause: 'reactions are set too fast' },
  620007: TRANSIENT,
  630003: {
    class: 'refused',
    cause: 'the interaction belongs to another bot',
    remedy: 'look for a second program that answers with the events of this AppID',
  },
  ...each([630004, 630005], { ...TRANSIENT, remedy: 'nothing: the button can be pressed again' }),
  630007: { class: 'refused', cause: 'the answer to the interaction is too large', remedy: 'make it smaller' },
};

export const GUILD_ERRORS: ErrorTable = { ...MESSAGES, ...REQUESTS, ...BESIDE_MESSAGES };

/** All numbers of a stretch that have no meaning of their own. */
export interface ErrorFamily {
  readonly from: number;
  readonly to: number;
  readonly meaning: PlatformErrorMeaning;
}

function family(from: number, to: number, what: string): ErrorFamily {
  const remedy =
    'check the arguments, and the rights of the bot there; the page 错误码 of the Bot API names the number';
  return { from, to, meaning: { class: 'refused', cause: `${what} was refused`, remedy } };
}

export const ERROR_FAMILIES: readonly ErrorFamily[] = [
  family(301_000, 301_999, 'a change of channel permissions'),
  family(302_000, 302_999, 'a change of a schedule'),
  family(306_001, 306_011, 'taking a message back'),
  family(501_000, 501_999, 'an announcement or a pinned message'),
  family(502_000, 502_999, 'muting'),
  family(503_000, 503_999, 'a post in a forum'),
  family(504_000, 504_999, 'a question for the message settings'),
  family(610_000, 610_999, 'a demand for an API permission'),
  family(620_000, 620_999, 'a reaction'),
  family(630_001, 630_008, 'the answer to an interaction'),
  family(40_030_000, 40_030_999, 'a menu or panel'),
];
