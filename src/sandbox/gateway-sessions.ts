/** Gateway sessions: who is owed which events. Each numbers its frames, and keeps them for a Resume. */
import { INTENT_BITS, OP } from '../protocol/qqbot/gateway-codes.js';
import { isHeard } from './event-intents.js';
import type { PlatformEvent } from './events.js';
import type { ImmediateOrder } from './faults.js';
import { newSessionId } from './ids.js';

/** The sending end of one WebSocket connection. */
export interface Link {
  readonly number: number;
  send(frame: string): void;
  close(code: number, reason: string): void;
  /** Lets an ordered fault happen to this connection. */
  strike(order: ImmediateOrder): void;
}

interface Kept {
  readonly s: number;
  readonly frame: string;
}

export interface Session {
  readonly id: string;
  readonly shard: readonly [number, number];
  readonly intents: number;
  /** The number of its newest frame. */
  seq: number;
  link: Link | undefined;
  readonly kept: Kept[];
  keptChars: number;
  /** The highest number that was dropped from `kept` for want of room; 0 when none was. */
  lostUpTo: number;
  /** The highest number that the bot has told it has: in a heartbeat, or in a resume. */
  acknowledged: number;
}

/** To how many sessions a frame went, and under which number in the first of them. */
export interface Given {
  readonly sessions: number;
  readonly session_id?: string;
  readonly s?: number;
}

/** Marks the place of the next sequence number in a raw frame. */
const SEQ_MARK = '$S';
const KEPT_FRAMES = 10_000;
const KEPT_CHARS = 64 * 1024 * 1024;
const KEPT_SESSIONS = 16;

/** Every intent bit there is. */
export const KNOWN_INTENTS = Object.values(INTENT_BITS).reduce((mask, bit) => mask | bit, 0);

/** The line of a program that is not here: it takes everything and says nothing. */
const FOREIGN: Link = { number: 0, send() {}, close() {}, strike() {} };

export class GatewaySessions {
  readonly #sessions = new Map<string, Session>();
  readonly #onEnded: (session: Session) => void;
  /** All open connections, identified or not. */
  readonly links = new Set<Link>();

  /** @param onEnded told of every session that can be resumed no more */
  constructor(onEnded: (session: Session) => void = () => {}) {
    this.#onEnded = onEnded;
  }

  /** A new session of this shard; the older one ends, and its connection with it. */
  start(shard: readonly [number, number], intents: number, link: Link): Session {
    for (const old of [...this.#sessions.values()]) {
      if (old.shard[0] !== shard[0] || old.shard[1] !== shard[1]) continue;
      this.forget(old.id);
      old.link?.close(4006, 'replaced by a newer session');
    }
    const counts = { seq: 0, keptChars: 0, lostUpTo: 0, acknowledged: 0 };
    const session: Session = { id: newSessionId(), shard, intents, link, kept: [], ...counts };
    this.#sessions.set(session.id, session);
    for (const oldest of this.#sessions.keys()) {
      if (this.#sessions.size <= KEPT_SESSIONS) break;
      this.forget(oldest);
    }
    return session;
  }

  /** Whether any session is on a line at this moment. */
  get isConnected(): boolean {
    return [...this.#sessions.values()].some(({ link }) => link !== undefined);
  }

  /** Another program with the same app id comes, and takes the place of every session there is. @returns how many. */
  takeOver(): number {
    const sessions = [...this.#sessions.values()];
    for (const { shard, intents } of sessions) this.start(shard, intents, FOREIGN);
    return sessions.length;
  }

  find(id: string): Session | undefined {
    return this.#sessions.get(id);
  }

  /** The frames above `seq`, in order; undefined when some of them are no longer kept. */
  missed(session: Session, seq: number): readonly string[] | undefined {
    return seq < session.lostUpTo ? undefined : session.kept.filter((kept) => kept.s > seq).map((kept) => kept.frame);
  }

  /** A frame of the connection itself (READY, RESUMED): numbered, but never replayed. */
  sendOwn(session: Session, t: string, d: unknown): void {
    session.seq += 1;
    session.link?.send(JSON.stringify({ op: OP.dispatch, s: session.seq, t, d }));
  }

  /** Gives the event to each session that asked for its intent. Groups and users belong to shard 0. */
  dispatch(event: PlatformEvent): Given {
    return this.#give(
      (session) => session.shard[0] === 0 && isHeard(event.t, session.intents),
      (s) =>
        JSON.stringify({
          op: OP.dispatch,
          s,
          t: event.t,
          ...(event.id === undefined ? {} : { id: event.id }),
          d: event.d,
        }),
    );
  }

  /** Sends a frame as it is. With `$S` in it, it is numbered and kept for replay like an event. @returns to how many. */
  sendRaw(frame: string): number {
    if (frame.includes(SEQ_MARK))
      return this.#give(
        () => true,
        (s) => frame.replaceAll(SEQ_MARK, String(s)),
      ).sessions;
    for (const link of this.links) link.send(frame);
    return this.links.size;
  }

  /** Ends a session: it cannot be resumed. */
  forget(id: string): void {
    const session = this.#sessions.get(id);
    if (session === undefined) return;
    this.#sessions.delete(id);
    this.#onEnded(session);
  }

  /** Forgets every session: none can be resumed. Open connections stay. */
  forgetAll(): void {
    for (const id of [...this.#sessions.keys()]) this.forget(id);
  }

  list(): readonly {
    session_id: string;
    shard: readonly number[];
    intents: number;
    seq: number;
    connected: boolean;
    kept: number;
  }[] {
    return [...this.#sessions.values()].map(({ id, shard, intents, seq, link, kept }) => ({
      session_id: id,
      shard,
      intents,
      seq,
      connected: link !== undefined,
      kept: kept.length,
    }));
  }

  #give(hears: (session: Session) => boolean, frameAt: (s: number) => string): Given {
    let given: Given = { sessions: 0 };
    for (const session of this.#sessions.values()) {
      if (!hears(session)) continue;
      session.seq += 1;
      const frame = frameAt(session.seq);
      keep(session, { s: session.seq, frame });
      session.link?.send(frame);
      given = { session_id: session.id, s: session.seq, ...given, sessions: given.sessions + 1 };
    }
    return given;
  }
}

function keep(session: Session, kept: Kept): void {
  session.kept.push(kept);
  session.keptChars += kept.frame.length;
  while (session.kept.length > KEPT_FRAMES || session.keptChars > KEPT_CHARS) {
    const lost = session.kept.shift();
    if (lost === undefined) return;
    session.keptChars -= lost.frame.length;
    session.lostUpTo = lost.s;
  }
}
