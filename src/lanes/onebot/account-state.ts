/** What is told of an account: whom it waits for and where, or that it is ready, and what limits it. */
import type { LoongError } from '../../model/errors.js';
import type { LaneSink } from '../lane.js';
import type { AccountHealth } from './account-health.js';
import { addressOf, type Endpoint } from './endpoint.js';
import type { PeerDoor } from './peer-door.js';

export class AccountState {
  readonly #endpoint: Endpoint;
  readonly #door: PeerDoor;
  readonly #health: AccountHealth;
  #sink: LaneSink | undefined;
  #port: number | undefined;
  #blocked: LoongError | undefined;
  /** What was told last. */
  #told: string | undefined;

  constructor(endpoint: Endpoint, door: PeerDoor, health: AccountHealth) {
    this.#endpoint = endpoint;
    this.#door = door;
    this.#health = health;
  }

  begin(sink: LaneSink): void {
    this.#sink = sink;
    this.#told = undefined;
    sink.state('connecting');
  }

  /** `port`: the one that was really bound. */
  opened(port: number): void {
    this.#port = port;
    this.#blocked = undefined;
    this.tell();
  }

  /** Nobody can dial in, for this reason. */
  blocked(error: LoongError): void {
    this.#blocked = error;
  }

  /** Says what has changed since it was told last; nothing before the door is open, nor once it stops. */
  tell(): void {
    if (this.#port === undefined || this.#door.isStopping()) return;
    const { isReady } = this.#connection;
    const limits = [...this.#door.detail, this.#health.detail].filter((part) => part !== undefined);
    const detail = isReady ? limits.join(' · ') : this.waiting;
    const told = `${isReady} ${detail}`;
    if (told === this.#told) return;
    this.#told = told;
    if (isReady) return this.#sink?.state('ready', detail === '' ? undefined : detail);
    // To wait is no error; to have sent somebody away may be one.
    this.#sink?.state('waiting', detail, { trouble: this.#door.refusedCallers.told ?? false, remedy: this.remedy });
  }

  get #connection() {
    const { calls, events } = this.#door.connection;
    return { calls, events, isReady: calls !== undefined && events !== undefined };
  }

  /** Whom it waits for, and where; or why that is in vain. */
  get waiting(): string {
    if (this.#blocked !== undefined) return `nobody can dial in: ${this.#blocked.message}`;
    const { calls, events } = this.#connection;
    const missing = events === undefined ? 'the Event connection' : 'the API connection';
    const who = calls === undefined && events === undefined ? 'a OneBot implementation' : missing;
    const selfId = this.#door.selfId();
    const refused = this.#door.refusedCallers.told;
    const where = addressOf(this.#endpoint, this.#port ?? this.#endpoint.port);
    return (
      `waiting for ${who}${selfId === undefined ? '' : ` of QQ ${selfId}`} to dial in at ${where}` +
      (refused === undefined ? '' : `; ${refused}`)
    );
  }

  /** What ends the wait, where it is known what is in the way. */
  get remedy(): string | undefined {
    if (this.#blocked !== undefined) return this.#blocked.remedy;
    return this.#connection.isReady ? undefined : this.#door.refusedCallers.remedy;
  }
}
