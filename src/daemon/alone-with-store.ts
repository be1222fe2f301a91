/** What is done to the database without a daemon: this process holds the state directory meanwhile. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { GatewayConfig } from '../config/config.js';
import { openStore } from '../store/sqlite/sqlite-store.js';
import type { Store } from '../store/store.js';
import { acquireBriefly } from './send-once.js';

/** Another short-lived owner is waited for so long. */
const WAIT_MS = 5000;

/**
 * Resolves with what `use` makes of the store; undefined when there is no database yet.
 * @throws what `use` throws; LoongError `owner.taken`, `owner.taken_by_daemon`
 */
export async function aloneWithStore<T>(
  { stateDir, durability }: GatewayConfig,
  use: (store: Store) => Promise<T>,
): Promise<T | undefined> {
  const path = join(stateDir, 'loong.db');
  if (!existsSync(path)) return undefined;
  const owner = await acquireBriefly(stateDir, Date.now() + WAIT_MS, 'nothing was changed');
  try {
    const store = openStore(path, durability, WAIT_MS);
    try {
      return await use(store);
    } finally {
      await store.close();
    }
  } finally {
    owner.release();
  }
}
