/** Who may talk with any of the configured accounts, as things are. */
import { isHeard, policyOf } from '../access/admission.js';
import type { Account } from '../config/config.js';
import type { InboundMessage } from '../model/message.js';
import { laneId } from '../model/target.js';
import type { Pairings } from '../store/store.js';
import { accountTarget } from './open-lane.js';

/** Whether a message is of somebody who may talk, mention aside. Of an account that is configured no more nobody is. */
export function hearingOf(
  accounts: readonly Account[],
  pairings: Pick<Pairings, 'approvedOf'>,
): (message: InboundMessage) => boolean {
  const policies = new Map(
    accounts.map((account) => {
      const lane = laneId(accountTarget(account));
      return [lane, policyOf(account, pairings.approvedOf(lane))];
    }),
  );
  return (message) => {
    const policy = policies.get(laneId(message.conversation));
    return policy !== undefined && isHeard(message, policy);
  };
}
