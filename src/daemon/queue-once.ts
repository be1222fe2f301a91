/** What an operator does about single messages without a daemon: this process holds the state directory meanwhile. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../config/config.js';
import { hasSequence } from '../lanes/qqbot/message-sequence.js';
import { openStore } from '../store/sqlite/sqlite-store.js';
import type { Queue, QueueItem } from '../store/store.js';
import { acquireBriefly } from './send-once.js';

/** Another short-lived owner is waited for so long. */
const WAIT_MS = 5000;

/**
 * Does `change` to the row `id` and resolves with the row as it is then; undefined when there is no database yet.
 * @throws what `change` throws; LoongError `owner.taken`, `owner.taken_by_daemon`
 */
export async function changeQueue(
  { gateway }: Config,
  id: string,
  change: (queue: Queue) => Promise<unknown>,
): Promise<QueueItem | undefined> {
  const path = join(gateway.stateDir, 'loong.db');
  if (!existsSync(path)) return undefined;
  const owner = await acquireBriefly(gateway.stateDir, Date.now() + WAIT_MS, 'nothing was changed');
  try {
    const store = openStore(path, gateway.durability, WAIT_MS);
    try {
      await store.outbox.recover(({ channel, kind }) => channel === 'qqbot' && hasSequence(kind)); // nobody sends what a dead process left
      await change(store.queue);
      return store.queue.find(id, Date.now());
    } finally {
      await store.close();
    }
  } finally {
    owner.release();
  }
}
