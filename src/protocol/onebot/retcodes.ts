/** What the numbers and the few telling texts of failed answers mean, and what helps. Sources: onebot-11, api/ and communication/; the code of each implementation. */

export type RetcodeClass = 'ok' | 'refused' | 'permission' | 'unknown-action' | 'auth' | 'busy' | 'failed';

export interface RetcodeMeaning {
  readonly class: RetcodeClass;
  readonly cause: string;
  readonly remedy?: string;
}

const UNKNOWN_ACTION: RetcodeMeaning = {
  class: 'unknown-action',
  cause: 'the implementation does not know this action',
  remedy: 'check its name; update the implementation, or do without it there',
};
const BAD_PARAMETERS: RetcodeMeaning = {
  class: 'refused',
  cause: 'the implementation did not take the parameters',
  remedy: 'check the names and types of the parameters in its documentation',
};
const THREW: RetcodeMeaning = {
  class: 'failed',
  cause: 'the implementation could not carry it out',
  remedy: 'its own log says more',
};

export const RETCODES: { readonly [retcode: string]: RetcodeMeaning } = {
  '0': { class: 'ok', cause: 'done' },
  '1': { class: 'ok', cause: 'taken, and done later' },
  '-1': THREW,
  '100': {
    class: 'refused',
    cause: 'a parameter is missing or wrong, or go-cqhttp could not carry it out',
    remedy: 'the text of the answer names the cause; check the ids',
  },
  '102': {
    class: 'refused',
    cause: 'QQ answered with nothing that could be used',
    remedy: 'check the ids: the account may not know this person or group',
  },
  '103': {
    class: 'permission',
    cause: 'QQ refused it',
    remedy: 'the account may lack the rights for it: make it administrator or owner of the group',
  },
  '104': {
    class: 'auth',
    cause: 'the login of the account at QQ is no longer good',
    remedy: 'log the account in again, in the implementation',
  },
  '200': THREW,
  '201': { class: 'busy', cause: 'the implementation could not start the work', remedy: 'restart the implementation' },
  '202': { class: 'busy', cause: 'the implementation has too much to do', remedy: 'send less at a time' },
  '400': BAD_PARAMETERS,
  '401': {
    class: 'auth',
    cause: 'the implementation wants a token',
    remedy: 'give it the same access token as this account',
  },
  '403': {
    class: 'auth',
    cause: 'the implementation refused the token',
    remedy: 'give it the same access token as this account',
  },
  '404': UNKNOWN_ACTION,
  '1200': THREW,
  '1400': BAD_PARAMETERS,
  '1401': {
    class: 'auth',
    cause: 'the implementation wants a token',
    remedy: 'give it the same access token as this account',
  },
  '1403': {
    class: 'auth',
    cause: 'the implementation refused the token',
    remedy: 'give it the same access token as this account',
  },
  '1404': UNKNOWN_ACTION,
};

export function retcodeMeaning(retcode: number): RetcodeMeaning | undefined {
  const key = String(retcode);
  return Object.hasOwn(RETCODES, key) ? RETCODES[key] : undefined;
}

/** Texts that say more than the number beside them. */
const TEXTS: readonly (readonly [RegExp, RetcodeMeaning])[] = [
  [/不支持的 ?api/i, UNKNOWN_ACTION],
  [
    /消息不存在|MSG_NOT_FOUND/,
    {
      class: 'refused',
      cause: 'the implementation does not know this message, or it was recalled',
      remedy: 'NapCat remembers the last 5000 messages since its start: use the id of a newer one',
    },
  ],
  [
    /消息体无法解析|EMPTY_MSG_ERROR/,
    {
      class: 'refused',
      cause: 'the implementation found nothing in the message that it can send',
      remedy: 'send it as text',
    },
  ],
  [
    /未知的消息类型/,
    {
      class: 'refused',
      cause: 'the implementation does not know a segment of the message',
      remedy: 'leave that segment out, or send it as text',
    },
  ],
  [
    /cannot ban (?:owner|admin)/i,
    {
      class: 'permission',
      cause: 'the owner and administrators of a group cannot be muted',
      remedy: 'the owner can take the administration away first',
    },
  ],
  [
    /ERR_NOT_GROUP_ADMIN|NOT_MANAGEABLE/,
    {
      class: 'permission',
      cause: 'the account is no administrator of the group',
      remedy: 'make it administrator, or owner where only the owner may',
    },
  ],
  [
    /real fileUUID not found/i,
    {
      class: 'refused',
      cause: 'the implementation no longer knows this file',
      remedy: 'its file ids end with its process: list the files again, or use the file of a newer message',
    },
  ],
  [
    /No such request|FLAG_NOT_FOUND/i,
    {
      class: 'refused',
      cause: 'there is no such request, or it was answered already',
      remedy: 'use the flag of the newest event as it is: it is a text, not a number',
    },
  ],
  [
    /Get Uid Error|无法获取用户信息|USER_NOT_FOUND|FRIEND_NOT_FOUND|好友不存在/i,
    {
      class: 'refused',
      cause: 'QQ knows nobody of this number whom the account could address',
      remedy: 'check the number; the account must be a friend, or share a group',
    },
  ],
  [
    // NapCat: 群(30003)成员20009不存在; it says the same where it is in no such group.
    /成员.{0,24}不存在|MEMBER_NOT_FOUND/,
    {
      class: 'refused',
      cause: 'nobody of this number is in the group, or the account itself is not in it',
      remedy: 'check both numbers: `loong onebot call get_group_list`, then `get_group_member_list` of that group',
    },
  ],
  [
    /GROUP_NOT_FOUND|群聊?.{0,24}不存在/,
    {
      class: 'refused',
      cause: 'there is no such group, or the account is not in it',
      remedy: 'check the number with `loong onebot call get_group_list`; let the account join',
    },
  ],
  [
    /禁言/,
    {
      class: 'permission',
      cause: 'the account is muted in this group',
      remedy: 'an administrator of the group can lift it',
    },
  ],
  [
    /Timeout: NTEvent|SEND_MSG_API_ERROR/,
    {
      class: 'failed',
      cause: 'QQ itself gave the implementation no good answer; a message may have arrived all the same',
      remedy: 'look whether the account is still logged in, in the implementation',
    },
  ],
];

/** What the text of a failed answer means, where it is known. */
export function textMeaning(text: string): RetcodeMeaning | undefined {
  return TEXTS.find(([pattern]) => pattern.test(text))?.[1];
}
