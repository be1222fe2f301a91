/** The bot's own messages of the last while, by the names under which people quote them. After a restart those that the journal has numbers of. */
import { Recent } from '../../model/recent.js';

/** Also how many rows of the journal are read at the start. */
export const KEPT = 5000;

export class OwnMessages {
  readonly #names = new Recent(KEPT);

  /** Message id, or `REFIDX_…`; anything else is no name. */
  remember(name: unknown): void {
    if (typeof name === 'string' && name !== '' && name.length <= 512) this.#names.add(name);
  }

  has(name: string): boolean {
    return this.#names.has(name);
  }
}
