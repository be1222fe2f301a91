/** Whether the QQ behind a connected implementation is of use: logged in, and taking messages. */

/** NapCat may be a zombie: its heartbeats are fine, and no send is ever answered. */
const TIMEOUTS_THAT_COUNT = 3;

export class AccountHealth {
  #offline: string | undefined;
  #timeouts = 0;

  /** The connection is new, and so is everything that is known. */
  begin(): void {
    this.#offline = undefined;
    this.#timeouts = 0;
  }

  /** `online` of a heartbeat or of `get_status`; null and nothing tell nothing. */
  status(online: unknown): void {
    if (online === true) this.#offline = undefined;
    if (online === false)
      this.#offline ??= 'its QQ is logged out (online: false): log it in again in the implementation';
  }

  /** The implementation told it in so many words. */
  wentOffline(why: string): void {
    this.#offline = `its QQ went offline${why === '' ? '' : ` (${why})`}: log it in again in the implementation`;
  }

  /** Somebody wrote to it. */
  heard(): void {
    this.#offline = undefined;
  }

  /** Some of the last sends were not answered. */
  get isDoubted(): boolean {
    return this.#timeouts > 0;
  }

  sendAnswered(): void {
    this.#timeouts = 0;
  }

  sendTimedOut(): void {
    this.#timeouts++;
  }

  get isOffline(): boolean {
    return this.#offline !== undefined;
  }

  /** What limits the account; undefined when all is well. */
  get detail(): string | undefined {
    if (this.#offline !== undefined) return this.#offline;
    if (this.#timeouts < TIMEOUTS_THAT_COUNT) return undefined;
    return `the last ${this.#timeouts} sends were not answered: restart the implementation if it stays so`;
  }
}
