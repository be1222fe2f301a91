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
  const to = isGroup ? { group_id: wireId(peer) } : { user_id: wireId(peer) };
  if (message.length > 0 && message.every(({ type }) => type === 'node')) {
    return {
      action: isGroup ? 'send_group_forward_msg' : 'send_private_forward_msg',
      params: { ...to, messages: message },
    };
  }
  const group = isGroup ? undefined : temporary.groupOf(peer);
  if (group !== undefined) {
    const through = { group_id: wireId(group) };
    return { action: 'send_private_msg', params: { ...to, ...through, message, auto_escape: false } };
  }
  return {
    action: 'send_msg',
    params: { message_type: isGroup ? 'group' : 'private', ...to, message, auto_escape: false },
  };
}
