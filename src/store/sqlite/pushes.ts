/** Which pushes were taken, so that a copy of one is known. The time of signing goes before the digest: new rows stand side by side, and so do old ones. */
import type { Push } from '../../model/message.js';
import type { Database } from './database.js';

/** Twice as long as a push may be old when it comes. */
export const PUSHES_KEPT_S = 48 * 3600;
const TAKE = 'INSERT INTO pushes (signed_at, digest, account) VALUES (?, ?, ?) ON CONFLICT DO NOTHING';

export class Pushes {
  readonly #take;

  constructor(db: Database) {
    this.#take = db.prepare<[number, Buffer, string], never>(TAKE);
  }

  /** Inside a transaction: writes it down; false where it was taken before. `account`: lane id. */
  take(account: string, { signedAt, digest }: Push): boolean {
    return this.#take.run(signedAt, digest, account).changes > 0;
  }
}
