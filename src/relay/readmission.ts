/** Messages that wait from before a restart: whoever may not be answered any more is not. */
import { type AccountPolicy, admit } from '../access/admission.js';
import type { Inbox, RowError } from '../store/store.js';

const AT_ONCE = 500;

const NOT_ADMITTED: RowError = {
  code: 'access.revoked',
  message: 'who wrote it may not talk with the bot any more: the config changed before the message was answered',
};

/** Resolves with how many were settled as failed. */
export async function dismissUnadmitted(inbox: Inbox, account: string, policy: AccountPolicy): Promise<number> {
  let dismissed = 0;
  let after = 0;
  for (let more = true; more; ) {
    const entries = inbox.waiting(account, after, AT_ONCE);
    const gone = entries.filter(({ message }) => admit(message, policy).do !== 'answer');
    await Promise.all(gone.map(({ id }) => inbox.fail(id, NOT_ADMITTED)));
    dismissed += gone.length;
    after = entries.at(-1)?.id ?? after;
    more = entries.length === AT_ONCE;
  }
  return dismissed;
}
