/** Errors of messages to people and groups, their media, and taking them back. Source: Bot API v2 pages "错误码", "富媒体消息", "撤回消息". */
import {
  CONSOLE,
  type ErrorTable,
  each,
  GONE,
  MARKDOWN,
  type PlatformErrorMeaning,
  RATE,
  RISK,
  TRANSIENT,
} from './error-codes-meaning.js';

const WINDOW_OVER: PlatformErrorMeaning = {
  class: 'window',
  cause: 'the time to reply to that message is over',
  remedy: 'answer sooner; from now on only an active message, or a reply to something newer, can reach the peer',
};
const WINDOW_WRONG: PlatformErrorMeaning = {
  class: 'window',
  cause: 'that message or event may not be replied to',
  remedy: 'reply to a message that this bot got in this conversation',
};
const ACTIVE: PlatformErrorMeaning = {
  class: 'active',
  cause: 'active messages are not permitted to this peer',
  remedy:
    'the peer must write first (a reply is then possible for a while), or apply for active messages in the console',
};
export const LINKS: PlatformErrorMeaning = {
  class: 'links',
  cause: 'a link in the text is not allowed',
  remedy: 'register its domain in the console, or leave it out',
};
export const KEYBOARD: PlatformErrorMeaning = {
  class: 'refused',
  cause: 'the keyboard is wrong or was not granted to this bot',
  remedy: 'leave the keyboard out, or make it smaller',
};
export const RULES: PlatformErrorMeaning = {
  class: 'refused',
  cause: 'the content breaks the platform’s rules',
  remedy: 'do not repeat it: word it differently',
};
const TOO_LONG: PlatformErrorMeaning = {
  class: 'refused',
  cause: 'the text is too long',
  remedy: 'split it: lower `text_chunk_limit`',
};
const BAD_MEDIA: PlatformErrorMeaning = {
  class: 'refused',
  cause: 'the file has a format that is not taken here',
  remedy: 'convert it: png or jpg for images, mp4 for video, silk, wav or mp3 for voice',
};
const NO_DOWNLOAD: PlatformErrorMeaning = {
  class: 'refused',
  cause: 'the platform could not download the file from its address',
  remedy: 'make the address reachable from the internet, or send the file itself',
};
const UPLOAD_AGAIN: PlatformErrorMeaning = {
  ...TRANSIENT,
  cause: 'the file could not be uploaded, or its upload has expired',
  remedy: 'send it again: the file is uploaded anew',
};
const RECALL_REFUSED: PlatformErrorMeaning = {
  class: 'refused',
  cause: 'the message cannot be taken back with these arguments',
  remedy: 'name a message that this bot sent, and its conversation',
};

const WINDOW: ErrorTable = {
  ...each([40034005, 40034026], WINDOW_OVER),
  ...each([40034024, 40034025, 40034027], WINDOW_WRONG),
  40034128: {
    class: 'window',
    cause: 'all replies to that message are used up',
    remedy: 'answer in fewer messages, or wait until the peer writes again',
  },
  40054005: {
    class: 'duplicate',
    cause: 'a message with this msg_id and msg_seq was sent before',
    remedy: 'look whether it is already there; if not, look for a second program that uses the same AppID',
  },
};

const ACTIVE_MESSAGES: ErrorTable = {
  ...each([40034102, 40034105, 40034106, 40034108, 40034109, 40034124, 40034127], ACTIVE),
  40054013: {
    class: 'active',
    cause: 'the peer does not want active messages from the bot',
    remedy: 'wait until the peer writes',
  },
  40034122: {
    class: 'refused',
    cause: 'the wake-up messages to this peer are used up',
    remedy: 'wait until the peer writes',
  },
  40034123: {
    class: 'refused',
    cause: 'this peer has not written for too long to be woken up',
    remedy: 'wait until the peer writes',
  },
};

const CONTENT: ErrorTable = {
  ...each([22006, 50059, 40034008, 40034009, 40034010, 40034011, 40034090], MARKDOWN),
  40054010: LINKS,
  40034029: { ...KEYBOARD, cause: 'the keyboard is too large' },
  40034006: RULES,
  ...each([40054007, 40054018], TOO_LONG),
  ...each([1100101, 1100103, 3300006], RISK),
};

const TARGET: ErrorTable = {
  ...each([40034101, 40054003, 40054004, 1100104, 1100301, 1100306], GONE),
  40054002: {
    class: 'refused',
    cause: 'the bot is muted in this group',
    remedy: 'ask an administrator of the group to lift the mute, then send it again',
  },
  40054016: { class: 'refused', cause: 'the bot is offline', remedy: `bring it online in ${CONSOLE}` },
  1100303: {
    class: 'refused',
    cause: 'the channel forbids it',
    remedy: 'ask an administrator of the guild to permit the bot to speak there',
  },
  1100307: {
    class: 'refused',
    cause: 'this application channel has not listed the bot',
    remedy: 'ask an administrator of the guild to permit the bot to speak there',
  },
  12001: {
    class: 'refused',
    cause: 'the openid belongs to another bot',
    remedy: 'openids differ from bot to bot: use the one that this bot saw',
  },
};

const PASSING: ErrorTable = {
  ...each([20028, 1100100, 1100308, 40034100], RATE),
  22009: {
    class: 'crowd',
    cause: 'too many messages go to this person or group',
    remedy: 'send less often to this target, or put several messages into one; others are not held up',
  },
  ...each([1100300, 40054006, 50055001, 50055002, 50055006], TRANSIENT),
};

const MEDIA: ErrorTable = {
  40034004: UPLOAD_AGAIN,
  850018: {
    class: 'refused',
    cause: 'the bot is muted in this group',
    remedy: 'ask an administrator of the group to lift the mute, then send it again',
  },
  ...each([850019, 40034002, 10000], BAD_MEDIA),
  ...each([850026, 40034001, 850027], NO_DOWNLOAD),
  850031: { class: 'refused', cause: 'the file is too large', remedy: 'make it smaller, or send a link to it' },
  40093001: { ...TRANSIENT, cause: 'the uploaded piece is not merged yet' },
  40093002: {
    class: 'refused',
    cause: 'the uploads of today are used up',
    remedy: 'wait until tomorrow, or send a link instead of the file',
  },
};

const RECALL: ErrorTable = {
  ...each([40061001, 40061002], RECALL_REFUSED),
  40062003: {
    ...RECALL_REFUSED,
    cause: 'the bot may not take this message back',
    remedy: 'only its own messages, and as an administrator those of others, can be taken back',
  },
  40064004: {
    ...RECALL_REFUSED,
    cause: 'it is too late to take this message back',
    remedy: 'nothing can be done: the time for it is over',
  },
  50065001: TRANSIENT,
};

export const SENDING_ERRORS: ErrorTable = {
  ...WINDOW,
  ...ACTIVE_MESSAGES,
  ...CONTENT,
  ...TARGET,
  ...PASSING,
  ...MEDIA,
  ...RECALL,
};
