/** Whom each account is at its platform. */
import type { Identities, Rebound } from '../store.js';
import type { Database } from './database.js';
import type { Expiry } from './expiry.js';
import type { SqlitePairings } from './pairings.js';
import { forgetEverything } from './rebinding.js';
import type { ReplyWindows } from './reply-windows.js';
import type { TargetLine } from './target-line.js';

const OF = 'SELECT identity FROM identities WHERE account = ?';
const BIND = 'INSERT INTO identities (account, identity) VALUES (?, ?)';

export class SqliteIdentities implements Identities {
  readonly #db;
  readonly #windows;
  readonly #line;
  readonly #expiry;
  readonly #pairings;
  readonly #of;
  readonly #bind;

  constructor(db: Database, windows: ReplyWindows, line: TargetLine, expiry: Expiry, pairings: SqlitePairings) {
    this.#db = db;
    this.#windows = windows;
    this.#line = line;
    this.#expiry = expiry;
    this.#pairings = pairings;
    this.#of = db.prepare<[string], { identity: string }>(OF);
    this.#bind = db.prepare<[string, string], never>(BIND);
  }

  of(account: string): string | undefined {
    return this.#of.get(account)?.identity;
  }

  async bind(account: string, identity: string): Promise<void> {
    await this.#db.write(() => this.#bind.run(account, identity));
  }

  rebind(account: string): Promise<Rebound> {
    return this.#db.write(() => {
      this.#windows.forgetFresh();
      this.#line.forgetAll();
      this.#expiry.forget();
      const done = forgetEverything(this.#db, account, Date.now());
      this.#pairings.lookAgain();
      return done;
    });
  }
}
