/** The door of one account: whom it belongs to, who may come in, who has to leave for whom, and who is there. */
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { describeError } from '../../model/errors.js';
import type { Counters } from '../../telemetry/counters.js';
import type { Log } from '../../telemetry/log.js';
import { oneLine } from '../one-line.js';
import { RefusedCallers } from '../refused-callers.js';
import { type Caller, type Objection, ownerRemedy } from './admission-of-peers.js';
import { PeerConnection } from './peer-connection.js';
import { PeerSocket, type PeerSocketHandlers } from './peer-socket.js';
import type { Elsewhere, PeerHandler } from './reverse-ws-ports.js';
import { Takeovers, type TakeoverTimes } from './takeovers.js';
import { type Fields, fields, somebodyIn } from './wire-fields.js';

/** Who dialled in without a name has so long to tell it. */
const NAMELESS_MS = 30_000;

/** Whose the account is, remembered beyond the process. */
export interface Binding {
  /** The QQ that dialled in first, or was configured before; undefined while it is nobody's. */
  readonly selfId: string | undefined;
  /** Resolves once it is durable that the account is this QQ's. */
  bind(selfId: string): Promise<void>;
}

export interface DoorOptions {
  readonly account: string;
  /** As the config says. */
  readonly selfId: string | undefined;
  readonly binding: Binding;
  readonly pingEveryMs: number | undefined;
  /** For tests. */
  readonly slackMs?: number | undefined;
  readonly takeovers?: TakeoverTimes | undefined;
  readonly callMs: number;
  readonly log: Log;
  readonly counters: Counters;
  readonly onEvent: (frame: Fields, raw: string, from: PeerSocket) => void;
  readonly onUnreadable: (raw: string, reason: string) => void;
  /** As `PeerSocketHandlers.late`. */
  readonly onLate: PeerSocketHandlers['late'];
  /** Somebody came, went or was sent away. */
  readonly onChange: () => void;
}

export class PeerDoor implements PeerHandler {
  readonly connection = new PeerConnection();
  readonly #options: DoorOptions;
  readonly #takeovers: Takeovers;
  /** Those of whom nobody knows yet which QQ they are. */
  readonly #nameless = new Map<PeerSocket, { readonly timer: NodeJS.Timeout; readonly elsewhere: Elsewhere }>();
  /** Those who were sent away, until somebody comes in. */
  readonly refusedCallers = new RefusedCallers();
  #bound: string | undefined;
  /** It is being written down that the account is this QQ's: until then nobody takes a seat, and what they tell is kept. */
  #isBinding = false;
  readonly #unseated = new Map<PeerSocket, (() => void)[]>();
  #stopping = false;
  #claimsOver: NodeJS.Timeout | undefined;

  constructor(options: DoorOptions) {
    this.#options = options;
    this.#bound = options.binding.selfId;
    this.#takeovers = new Takeovers(options.takeovers);
  }

  get account(): string {
    return this.#options.account;
  }

  selfId(): string | undefined {
    return this.#options.selfId ?? this.#bound;
  }

  isStopping(): boolean {
    return this.#stopping;
  }

  isHere(selfId: string): boolean {
    const all = [...this.connection.sockets, ...this.#unseated.keys()];
    return all.some((socket) => socket.selfId === selfId && socket.isOpen);
  }

  refused({ reason, remedy }: Objection): void {
    this.#options.counters.count('onebot.refused');
    this.refusedCallers.note(reason, remedy);
    this.#options.onChange();
  }

  refusal({ role }: Caller): string | undefined {
    const incumbents = this.connection.displacedBy(role);
    if (incumbents.length === 0 || !this.#takeovers.areRefused(incumbents)) return undefined;
    this.#lookAgainLater();
    return 'another connection of this QQ is alive and keeps its place; stop one of the two';
  }

  connected(socket: WebSocket, wire: Duplex, caller: Caller, elsewhere: Elsewhere): void {
    const { pingEveryMs, slackMs, log, counters, onUnreadable, onLate } = this.#options;
    const peer = new PeerSocket(
      socket,
      wire,
      caller,
      {
        event: (frame, raw, from) => this.#event(frame, raw, from),
        unreadable: onUnreadable,
        late: onLate,
        ended: (from, why) => this.#ended(from, why),
      },
      { pingEveryMs, slackMs, log, counters },
    );
    if (caller.selfId !== undefined) return this.#welcome(peer, caller.selfId);
    const timer = setTimeout(() => peer.close(1008, 'nobody said which QQ this is'), NAMELESS_MS);
    this.#nameless.set(peer, { timer, elsewhere });
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
    const nameless = this.#nameless.get(peer);
    if (nameless === undefined) return;
    const selfId = somebodyIn(id);
    if (selfId === undefined) return;
    clearTimeout(nameless.timer);
    this.#nameless.delete(peer);
    const owner = this.selfId();
    if (owner !== undefined && owner !== selfId) {
      const reason = 'this is not the QQ of the account here';
      return this.#sendAway(peer, selfId, { reason, remedy: ownerRemedy(this) }, reason);
    }
    const objection = nameless.elsewhere(selfId);
    if (objection !== undefined)
      return this.#sendAway(peer, selfId, objection, 'this QQ belongs to another account of loong');
    const refusal = this.refusal(peer.caller);
    if (refusal !== undefined) return peer.close(1008, 'another connection of this QQ keeps its place');
    this.#welcome(peer, selfId);
  }

  /** `told`: to the other side. */
  #sendAway(peer: PeerSocket, selfId: string, objection: Objection, told: string): void {
    const { remote } = peer.caller;
    this.#options.log.warn({ selfId, ...objection, remote }, 'an OneBot implementation was not let in');
    this.refused(objection);
    peer.close(1008, told);
  }

  /** The first QQ of an account waits until that is written down: what is queued must never go out as another one. */
  #welcome(peer: PeerSocket, selfId: string): void {
    peer.selfId = selfId;
    if (this.selfId() === undefined) void this.#bind(selfId);
    if (!this.#isBinding) return this.#seat(peer, selfId);
    peer.pause();
    this.#unseated.set(peer, []);
  }

  /** Never rejects: where it cannot be written down everybody has to come again. */
  async #bind(selfId: string): Promise<void> {
    const { binding, log } = this.#options;
    this.#bound = selfId;
    this.#isBinding = true;
    const failure = await binding.bind(selfId).then(() => undefined, describeError);
    const waiting = [...this.#unseated];
    this.#unseated.clear();
    this.#isBinding = false;
    if (failure !== undefined) {
      this.#bound = undefined;
      log.error({ error: failure }, 'whose this account is could not be stored; nobody comes in before that');
      for (const [peer] of waiting) peer.close(1001, 'loong cannot store whose this account is');
      return;
    }
    log.info({ selfId }, 'this account belongs to the first QQ that dialled in');
    for (const [peer, told] of waiting) {
      peer.resume();
      if (peer.isOpen) this.#seat(peer, selfId);
      for (const tell of told) tell();
    }
  }

  #seat(peer: PeerSocket, selfId: string): void {
    const { log, counters, onChange } = this.#options;
    const { role, remote, agent } = peer.caller;
    for (const old of this.connection.seat(peer)) {
      counters.count('onebot.takeovers');
      log.info({ by: remote, of: old.caller.remote }, 'a newer connection of this QQ takes the place of the old one');
      this.#takeovers.happened(peer);
      this.#lookAgainLater();
      // It is the same QQ, and nobody repeats what was on its way.
      old.close(1008, 'a newer connection of this QQ took its place', { heard: true });
    }
    this.refusedCallers.forget();
    log.info({ selfId, role, remote, agent: oneLine(agent, 80) }, 'an OneBot implementation dialled in');
    onChange();
  }

  #event(frame: Fields, raw: string, from: PeerSocket): void {
    this.#named(from, frame.self_id);
    const told = this.#unseated.get(from);
    if (told !== undefined) return void told.push(() => this.#options.onEvent(frame, raw, from));
    if (from.selfId !== undefined) return this.#options.onEvent(frame, raw, from);
    this.#options.onUnreadable(raw, 'expected the implementation to tell first which QQ it is');
  }

  #ended(peer: PeerSocket, why: string): void {
    clearTimeout(this.#nameless.get(peer)?.timer);
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

  /** What somebody who looks at the account should know while it is connected. */
  get detail(): readonly string[] {
    const bound = this.#options.selfId === undefined ? this.#bound : undefined;
    return [
      ...(bound === undefined
        ? []
        : [`bound to QQ ${bound}; \`loong account rebind onebot ${this.account}\` frees it`]),
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
    const everybody = [...this.connection.sockets, ...this.#unseated.keys(), ...this.#nameless.keys()];
    this.#unseated.clear();
    for (const peer of everybody) peer.close(1001, 'loong is stopping');
  }
}
