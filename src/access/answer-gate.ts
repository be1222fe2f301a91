/** What waits is judged once more when it goes out, for who may talk can have changed since it was queued. */
import { AccessDenied } from '../model/errors.js';
import type { InboundMessage, MessageOrigin } from '../model/message.js';
import { kindName, type Target } from '../model/target.js';
import { type AccountPolicy, isGroupHeard, isHeard } from './admission.js';
import { assertPeerAllowed } from './allowed-peers.js';

/** A message that goes out; `inReplyTo` where it answers one that came in. */
export interface Leaving {
  readonly target: Target;
  readonly origin: MessageOrigin;
  readonly inReplyTo?: number;
}

/** The message of this number that came in; undefined when it is gone. */
export type Answered = (id: number) => InboundMessage | undefined;

/**
 * The answer to an admitted message of a group or guild needs no listing, for its sender may have been let in otherwise; nor does what
 * tells somebody unknown how to be let in. But neither goes where nobody is heard any more. In a guild's direct message only its author
 * says whether he may have an answer.
 * @throws AccessDenied
 */
export function assertMayLeave(
  { target, origin, inReplyTo }: Leaving,
  policy: AccountPolicy,
  answered: Answered,
): void {
  const { kind, peer } = target;
  if (inReplyTo === undefined) return assertPeerAllowed(target, policy.allowed);
  if (kind === 'group' || kind === 'channel') {
    if (!isGroupHeard(kind, peer, policy)) throw unheard(target);
  } else if (policy.dmPolicy === 'disabled' || (origin === 'pairing' && !policy.offersPairing)) throw unheard(target);
  else if (origin === 'pairing') return;
  else if (kind === 'c2c') assertPeerAllowed(target, policy.allowed);
  else {
    const message = answered(inReplyTo);
    if (message === undefined || !isHeard(message, policy)) throw unheard(target);
  }
}

function unheard({ channel, kind, peer }: Target): AccessDenied {
  return new AccessDenied(
    'access.peer_not_allowed',
    `nobody is answered any more in ${channel} \`${kindName(channel, kind)}:${peer}\``,
    'the config changed after the message came in; `loong why` with the target says which key decides',
  );
}
