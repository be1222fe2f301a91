/** The door of one account: whom it belongs to, who may come in, who has to leave for whom, and who is there. */
import type { WebSocket } from 'ws';
import { describeError } from '../../model/errors.js';
import type { Counters } from '../../telemetry/counters.js';
import type { Log } from '../../telemetry/log.js';
import { oneLine } from '../one-line.js';
import type { Caller } from './admission-of-peers.js';
import { PeerConnection } from './peer-connection.js';
import { PeerSocket } from './peer-socket.js';
import type { PeerHandler } from './reverse-ws-ports.js';
import { Takeovers, type TakeoverTimes } from './takeovers.js';
import { type Fields, fields, somebodyIn } from './wire-fields.js';

/** Who dialled in without a name has so long to tell it. */
const NAMELESS_MS = 30_000;

export interface DoorOptions {
  readonly selfId: string | undefined;
  readonly pingEveryMs: number | undefined;
  /** For tests. */
  readonly slackMs?: number | undefined;
  readonly takeovers?: TakeoverTimes | undefined;
  readonly callMs: number;
  readonly log: Log;
  readonly counters: Counters;
  readonly onEvent: (frame: Fields, raw: string, from: PeerSocket) => void;
  readonly onUnreadable: (raw: string, reason: string) => void;
  /** Somebody came, went or was sent away. */
  readonly onChange: () => void;
}

export class PeerDoor implements PeerHandler {
  readonly connection = new PeerConnection();
  readonly #options: DoorOptions;
  readonly #takeovers: Takeovers;
  /** Those of whom nobody knows yet which QQ they are. */
  readonly #nameless = new Map<PeerSocket, NodeJS.Timeout>();
  #bound: string | undefined;
  #lastRefusal: string | undefined;
  #stopping = false;
  #claimsOver: NodeJS.Timeout | undefined;

  constructor(options: DoorOptions) {
    this.#options = options;
    this.#takeovers = new Takeovers(options.takeovers);
  }

  selfId(): string | undefined {
    return this.#options.selfId ?? this.#bound;
  }

  isStopping(): boolean {
    return this.#stopping;
  }

  refused(reason: string): void {
    this.#options.counters.count('onebot.refused');
    if (this.#lastRefusal === reason) return;
    this.#lastRefusal = reason;
    this.#options.onChange();
  }

  refusal({ role }: Caller): string | undefined {
    const incumbents = this.connection.displacedBy(role);
    if (incumbents.length === 0 || !this.#takeovers.areRefused(incumbents)) return undefined;
    this.#lookAgainLater();
    return 'another connection of this QQ is alive and keeps its place; stop one of the two';
  }

  connected(socket: WebSocket, caller: Caller): void {
    const { pingEveryMs, slackMs, log, counters, onUnreadable } = this.#options;
    const peer = new PeerSocket(
      socket,
      caller,
      {
        event: (frame, raw, from) => this.#event(frame, raw, from),
        unreadable: onUnreadable,
        ended: (from, why) => this.#ended(from, why),
      },
      { pingEveryMs, slackMs, log, counters },
    );
    if (caller.selfId !== undefined) return this.#seat(peer, caller.selfId);
    const timer = setTimeout(() => peer.close(1008, 'nobody said which QQ this is'), NAMELESS_MS);
    this.#nameless.set(peer, timer);
    if (caller.role !== 'event') void this.#askName(peer);
  }

  /** Never rejects: its first event may tell it just as well. */
  async #askName(peer: PeerSocket): Promise<void> {
    try {
      const login = await peer.call('get_login_info', {}, { timeoutMs: this.#options.callMs });
      this.#named(peer, fields(login)?.user_id);
    } catch (error) {
      this.#options.log.debug({ error: describeError(error) }, 'who dialled in did not tell which QQ it is');
    }
  }

  /** `id` as the wire has it; what is no QQ number names nobody. */
  #named(peer: PeerSocket, id: unknown): void {
    if (!this.#nameless.has(peer)) return;
    const selfId = somebodyIn(id);
    if (selfId === undefined) return;
    clearTimeout(this.#nameless.get(peer));
    this.#nameless.delete(peer);
    const owner = this.selfId();
    if (owner !== undefined && owner !== selfId) return peer.close(1008, 'this is not the QQ of the account here');
    const refusal = this.refusal(peer.caller);
    if (refusal !== undefined) return peer.close(1008, 'another connection of this QQ keeps its place');
    this.#seat(peer, selfId);
  }

  #seat(peer: PeerSocket, selfId: string): void {
    const { log, counters, onChange } = this.#options;
    peer.selfId = selfId;
    if (this.selfId() === undefined) {
      this.#bound = selfId;
      log.info({ selfId }, 'this account belongs to the first QQ that dialled in');
    }
    const { role, remote, agent } = peer.caller;
    for (const old of this.connection.seat(peer)) {
      counters.count('onebot.takeovers');
      log.info({ by: remote, of: old.caller.remote }, 'a newer connection of this QQ takes the place of the old one');
      this.#takeovers.happened(peer);
      this.#lookAgainLater();
      // It is the same QQ, and nobody repeats what was on its way.
      old.close(1008, 'a newer connection of this QQ took its place', { heard: true });
    }
    this.#lastRefusal = undefined;
    log.info({ selfId, role, remote, agent: oneLine(agent, 80) }, 'an OneBot implementation dialled in');
    onChange();
  }

  #event(frame: Fields, raw: string, from: PeerSocket): void {
    this.#named(from, frame.self_id);
    if (from.selfId !== undefined) return this.#options.onEvent(frame, raw, from);
    this.#options.onUnreadable(raw, 'expected the implementation to tell first which QQ it is');
  }

  #ended(peer: PeerSocket, why: string): void {
    clearTimeout(this.#nameless.get(peer));
    this.#nameless.delete(peer);
    this.connection.leave(peer);
    const { role, remote } = peer.caller;
    this.#options.log.info({ role, remote, why }, 'a connection of the OneBot implementation ended');
    this.#options.onChange();
  }

  #lookAgainLater(): void {
    clearTimeout(this.#claimsOver);
    this.#claimsOver = setTimeout(() => this.#options.onChange(), this.#takeovers.overAfterMs + 1).unref();
  }

  /** Why the last one who called was sent away, until somebody comes in. */
  get lastRefusal(): string | undefined {
    return this.#lastRefusal;
  }

  /** What somebody who looks at the account should know while it is connected. */
  get detail(): readonly string[] {
    const bound = this.#options.selfId === undefined ? this.#bound : undefined;
    return [
      ...(bound === undefined ? [] : [`bound to QQ ${bound}, the first that dialled in; set self_id to choose`]),
      ...(this.#takeovers.isGoingOn ? ['two programs dial in as this QQ again and again: stop one of them'] : []),
    ];
  }

  /** Who is here stays, nobody else comes in. */
  stop(): void {
    this.#stopping = true;
  }

  /** Everybody has to leave. */
  close(): void {
    this.stop();
    clearTimeout(this.#claimsOver);
    for (const peer of [...this.connection.sockets, ...this.#nameless.keys()]) peer.close(1001, 'loong is stopping');
  }
}
