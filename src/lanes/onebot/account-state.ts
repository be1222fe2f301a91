/** What is told of an account: whom it waits for and where, or that it is ready, and what limits it. */
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
    this.tell();
  }

  /** Says what has changed since it was told last; nothing before the door is open, nor once it stops. */
  tell(): void {
    if (this.#port === undefined || this.#door.isStopping()) return;
    const { calls, events } = this.#door.connection;
    const isReady = calls !== undefined && events !== undefined;
    const limits = [...this.#door.detail, this.#health.detail].filter((part) => part !== undefined);
    const detail = isReady ? limits.join(' · ') : this.waiting;
    const told = `${isReady} ${detail}`;
    if (told === this.#told) return;
    this.#told = told;
    this.#sink?.state(isReady ? 'ready' : 'waiting', detail === '' ? undefined : detail);
  }

  /** Whom it waits for, and where. */
  get waiting(): string {
    const { calls, events } = this.#door.connection;
    const missing = events === undefined ? 'the Event connection' : 'the API connection';
    const who = calls === undefined && events === undefined ? 'a OneBot implementation' : missing;
    const selfId = this.#door.selfId();
    const refusal = this.#door.lastRefusal;
    const where = addressOf(this.#endpoint, this.#port ?? this.#endpoint.port);
    return (
      `waiting for ${who}${selfId === undefined ? '' : ` of QQ ${selfId}`} to dial in at ${where}` +
      (refusal === undefined ? '' : `; the last one was not let in: ${refusal}`)
    );
  }
}
