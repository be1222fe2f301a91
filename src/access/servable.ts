/** Accounts that nobody could ever talk with: they are not run, and whoever looks at the config is told so in the same words. */
import type { Account } from '../config/config.js';
import type { ConfigProblem } from '../model/errors.js';
import { admitsAnything, policyOf } from './admission.js';

/** What is the matter with this one, and what helps; undefined for an account that may run. */
export function unservable(account: Account): Required<ConfigProblem> | undefined {
  if (admitsAnything(policyOf(account))) return undefined;
  const { channel, id, allowedPeerIds } = account;
  const isClosed = account.dmPolicy === 'disabled';
  const list = isClosed
    ? 'dm_policy is "disabled"'
    : allowedPeerIds.length === 0
      ? 'allowed_peer_ids is empty'
      : 'allowed_peer_ids names no person';
  const [someone, group] = channel === 'qqbot' ? ['openid_alice', 'GROUP_OPENID'] : ['20002', 'NUMBER'];
  return {
    path: `${channel}.${isClosed ? 'dm_policy' : 'allowed_peer_ids'}`,
    message: `account \`${id}\` could never admit a message: ${list}, and no group is admitted`,
    remedy: `${
      isClosed
        ? 'set dm_policy = "pairing" or "allowlist"'
        : `add the id of at least one peer, e.g. allowed_peer_ids = ["${someone}"], set dm_policy = "pairing" so that people can ask`
    }, or add a group as [${channel}.groups.${group}]`,
  };
}
