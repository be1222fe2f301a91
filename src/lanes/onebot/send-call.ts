/** The action that sends a message, with every parameter said: what is left out means other things to each implementation. */
import type { Target } from '../../model/target.js';
import type { WireSegment } from '../../protocol/onebot/wire.js';
import { wireId } from './decimal-id.js';

/** People who wrote through a group without being friends. */
const MAX_TEMPORARY = 1000;

/** Through which group somebody is reached who is no friend: the way they last wrote. */
export class TemporarySessions {
  readonly #groups = new Map<string, string>();

  /** Somebody wrote, through this group or, as a friend, through none. */
  note(person: string, group: string | undefined): void {
    if (this.#groups.size > 0) this.#groups.delete(person);
    if (group === undefined) return;
    this.#groups.set(person, group);
    const [oldest] = this.#groups.keys();
    if (this.#groups.size > MAX_TEMPORARY && oldest !== undefined) this.#groups.delete(oldest);
  }

  groupOf(person: string): string | undefined {
    return this.#groups.get(person);
  }
}

export function sendCall(
  { kind, peer }: Pick<Target, 'kind' | 'peer'>,
  message: readonly WireSegment[],
  temporary: TemporarySessions,
): { readonly action: string; readonly params: object } {
  const isGroup = kind === 'group';
  const to = wireId(peer);
  if (message[0]?.type === 'node' && message.every(({ type }) => type === 'node')) {
    return isGroup
      ? { action: 'send_group_forward_msg', params: { group_id: to, messages: message } }
      : { action: 'send_private_forward_msg', params: { user_id: to, messages: message } };
  }
  if (isGroup) {
    return { action: 'send_msg', params: { message_type: 'group', group_id: to, message, auto_escape: false } };
  }
  const group = temporary.groupOf(peer);
  if (group !== undefined) {
    const params = { user_id: to, group_id: wireId(group), message, auto_escape: false };
    return { action: 'send_private_msg', params };
  }
  return { action: 'send_msg', params: { message_type: 'private', user_id: to, message, auto_escape: false } };
}
