/** Who was let in and who asks to be, read from the database, with a daemon or without. */
import { join } from 'node:path';
import { listPairings, NO_PAIRINGS, type PairingList } from '../store/pairing-reader.js';
import { readQueue } from '../store/queue-reader.js';

/** @throws LoongError `store.unreadable` */
export function pairingsIn(stateDir: string): PairingList {
  return readQueue(join(stateDir, 'loong.db'), NO_PAIRINGS, (read) => listPairings(read, Date.now()));
}
