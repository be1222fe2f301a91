/** What an operator does about single messages without a daemon. */
import type { Config } from '../config/config.js';
import { hasSequence } from '../lanes/qqbot/message-sequence.js';
import type { InboundMessage } from '../model/message.js';
import type { Queue, QueueItem } from '../store/store.js';
import { aloneWithStore } from './alone-with-store.js';
import { hearingOf } from './hearing.js';

/**
 * Does `change` to the row `id` and resolves with the row as it is then; undefined when there is no database yet.
 * @throws what `change` throws; LoongError `owner.taken`, `owner.taken_by_daemon`
 */
export function changeQueue(
  { gateway, qqbot, onebot }: Config,
  id: string,
  change: (queue: Queue, isHeard: (message: InboundMessage) => boolean) => Promise<unknown>,
): Promise<QueueItem | undefined> {
  return aloneWithStore(gateway, async ({ outbox, queue, pairings }) => {
    await outbox.recover(({ channel, kind }) => channel === 'qqbot' && hasSequence(kind)); // nobody sends what a dead process left
    await change(queue, hearingOf([...qqbot.accounts, ...onebot.accounts], pairings));
    return queue.find(id, Date.now());
  });
}
