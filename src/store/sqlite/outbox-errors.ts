/** Why messages end without the platform's word: the store's own reasons. */
import type { RowError } from '../store.js';

export const EXPIRED: RowError = {
  code: 'delivery.expired',
  message: 'nobody could be reached before the message grew too old (park_ttl)',
};
export const PART_FAILED: RowError = {
  code: 'delivery.part_failed',
  message: 'an earlier part of this message was not delivered, so this one was not sent',
  remedy: 'mend what kept the earlier part back, then send only the rest: `loong queue retry` does',
};
export const CUT_SHORT: RowError = {
  code: 'delivery.cut_short',
  message: 'loong ended while this message was being sent; it may have arrived',
  remedy: 'ask the peer before you send it again',
};
export const REFUSES_ACTIVE: RowError = {
  code: 'delivery.active_refused',
  message: 'the peer takes no message before it writes itself; this one waits for that',
  remedy: 'ask the peer to write to the bot, or to allow messages from it in QQ',
};
export const TOO_MANY_PARKED: RowError = {
  code: 'delivery.parked_full',
  message: 'too many messages wait for this peer to write already (20)',
  remedy: 'ask the peer to write to the bot; `loong queue` shows what waits',
};
export const TOO_MANY_AWAY: RowError = {
  code: 'delivery.parked_full',
  message: 'too many messages to this peer wait for the connection already (1000)',
  remedy: 'start the OneBot implementation, and see that its QQ is logged in; `loong queue` shows what waits',
};
export const REVOKED: RowError = {
  code: 'access.revoked',
  message: 'the pairing of this peer was revoked before the message was sent',
};
export const REVOKED_TOO_LATE: RowError = {
  code: 'access.revoked',
  message: 'the pairing of this peer was revoked after an attempt that may have arrived',
};
export const REVOKED_UNANSWERED: RowError = {
  code: 'access.revoked',
  message: 'the pairing of this peer was revoked before the message was answered',
};
export const REJECTED: RowError = {
  code: 'delivery.review_rejected',
  message: 'QQ reviewed the message and did not let it through',
  remedy: 'write it in other words; what is against the rules stands in the QQ open platform console',
};
export const REBOUND: RowError = {
  code: 'account.rebound',
  message: 'the account became somebody else (`loong account rebind`) before this message was sent',
  remedy: 'send it anew, to the id that the peer has with the account as it is now',
};
export const REBOUND_TOO_LATE: RowError = {
  code: 'account.rebound',
  message: 'the account became somebody else (`loong account rebind`) after an attempt that may have arrived',
  remedy: 'ask the peer before you send it anew',
};
export const REBOUND_UNANSWERED: RowError = {
  code: 'account.rebound',
  message: 'the account became somebody else (`loong account rebind`) before this message was answered',
  remedy: 'the peer may write again, to the account as it is now',
};

/** Of a message that was delivered, but is seen otherwise than it was meant. */
export const ALTERED = 'delivery.altered';
