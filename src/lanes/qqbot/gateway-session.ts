/** One connection to the QQ gateway, as a procedure: hello → identify or resume → heartbeats and dispatches → how it ended. */
import WebSocket from 'ws';
import type { ProxyConfig } from '../../config/config.js';
import { webSocketConnection } from '../../http/proxied.js';
import { describeError } from '../../model/errors.js';
import { CLOSE_REACTIONS, OP } from '../../protocol/qqbot/gateway-codes.js';
import { oneLine } from '../one-line.js';
import { type DispatchFrame, type Frame, readDispatch } from './dispatch-frame.js';
import { parseJson } from './parse-json.js';
import { SequenceMark } from './sequence-mark.js';

/** Both short: with the longest back-off they must stay within the 45 s after an outage in which READY is promised. */
const HANDSHAKE_TIMEOUT_MS = 10_000;
/** HELLO follows the handshake, READY or RESUMED the identify; replayed events come in between and count as life. */
const GREETING_TIMEOUT_MS = 10_000;
const DEFAULT_HEARTBEAT_MS = 41_250;
/** Beyond this the socket itself is cut; what is smaller but over the frame limit is kept aside, and its neighbours are read. */
const MAX_PAYLOAD_BYTES = 16 * 1_048_576;
/** What `ws` tells when the connection ended without a close code of the gateway. */
const NO_CODE = new Set([1005, 1006]);
const SESSION_ID = /^[\x21-\x7e]{1,512}$/;
/** What a gateway says of a session whose place another one took. */
const REPLACED = /\breplaced\b|\bkicked\b|another (client|session|connection)/i;
/** Unjournalled frames at which the socket is no longer read, and at which it is again. */
const READ_STOPS_AT = 2000;
const READ_GOES_ON_AT = 500;

/** What a connection begins with. */
export interface Opening {
  readonly token: string;
  readonly intents: number;
  readonly proxy: ProxyConfig;
  readonly resume?: { readonly sessionId: string; readonly seq: number };
}

export interface GatewayHandlers {
  /** READY or RESUMED was read. */
  ready(session: { readonly sessionId: string; readonly botId: string | undefined; readonly resumed: boolean }): void;
  /** Resolves once the event is journalled; calls are made without waiting for one another. */
  dispatch(frame: DispatchFrame): void | Promise<void>;
  /** A frame that is no frame; resolves once it is kept. */
  undecodable(raw: string, reason: string): Promise<void>;
  /** Everything up to `seq` is journalled. */
  journalled(seq: number): void;
  /** The gateway answered a heartbeat. */
  acknowledged(): void;
}

/** How a connection ended, and what that means for the next one. */
export interface SessionEnd {
  readonly next: 'resume' | 'identify' | 'stop';
  readonly why: string;
  readonly remedy?: string | undefined;
  /** The gateway's close code, where there was one. */
  readonly code?: number | undefined;
  readonly refreshToken?: boolean | undefined;
  /** Milliseconds that must pass first. */
  readonly waitMs?: number | undefined;
  /** How long READY or RESUMED held; undefined when it never came. */
  readonly heldMs?: number | undefined;
  /** HELLO came, and the identify or resume was sent. */
  readonly greeted: boolean;
  /** A resume was asked for, by a gateway that talked to us, and brought neither RESUMED nor any event. */
  readonly resumeFailed: boolean;
  /** The intents are refused, or may be. */
  readonly intents?: 'named' | 'possible' | undefined;
  /** It was ready, and another session seems to have taken its place. */
  readonly takenOver: boolean;
}

type Ending = Pick<SessionEnd, 'next' | 'why' | 'remedy' | 'code' | 'refreshToken' | 'waitMs' | 'intents'> & {
  /** Our own doing: it says nothing about the session. */
  readonly ours?: true;
  readonly replaced?: boolean;
};

/** Holds one connection until it ends, by whichever side. Never rejects: the end says what to do next. */
export function holdGatewaySession(
  url: string,
  opening: Opening,
  on: GatewayHandlers,
  signal: AbortSignal,
): Promise<SessionEnd> {
  return new Promise((resolve) => {
    const socket = new WebSocket(url, {
      ...webSocketConnection(url, opening.proxy, HANDSHAKE_TIMEOUT_MS),
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
      maxPayload: MAX_PAYLOAD_BYTES,
      perMessageDeflate: false,
      skipUTF8Validation: true, // a wrong byte is a blot in one text, not the end of the connection
    });
    // What is journalled after the end belongs to no session any more: it will be replayed, and found to be known.
    const mark = new SequenceMark(opening.resume?.seq, (seq) => {
      if (!ended) on.journalled(seq);
    });
    let greeted = false;
    let replaying = false;
    let readyAt: number | undefined;
    let awaitingAck = false;
    let paused = false;
    let ended = false;
    let heartbeat: NodeJS.Timeout | undefined;
    let deadline: NodeJS.Timeout | undefined;
    expectWithin(HANDSHAKE_TIMEOUT_MS, 'no answer to the connection attempt');

    socket.on('open', () => expectWithin(GREETING_TIMEOUT_MS, 'the gateway said no HELLO'));
    socket.on('message', (data, isBinary) => read(isBinary ? undefined : data.toString()));
    socket.on('error', (error) => end({ next: 'resume', why: oneLine(describeError(error)) }));
    socket.on('close', (code, reason) => end(closing(code, reason.toString())));
    const onAbort = () => end({ next: 'resume', why: 'stopped', ours: true });
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();

    function read(text: string | undefined): void {
      if (ended) return;
      if (text === undefined) return unreadable('', 'expected text, got a binary frame');
      let frame: Frame;
      try {
        const value = parseJson(text);
        if (typeof value !== 'object' || value === null) return unreadable(text, 'expected a JSON object');
        frame = value as Frame;
      } catch {
        return unreadable(text, 'expected JSON');
      }
      switch (frame.op) {
        case OP.dispatch:
          return dispatched(frame, text);
        case OP.heartbeatAck:
          awaitingAck = false;
          return on.acknowledged();
        case OP.heartbeat:
          return send({ op: OP.heartbeat, d: mark.journalled ?? null });
        case OP.hello:
          return greeted ? unreadable(text, 'expected one HELLO') : hello(frame);
        case OP.reconnect:
          return end({ next: 'resume', why: 'the gateway asked to reconnect (op 7)' });
        case OP.invalidSession:
          return end(
            frame.d === true
              ? { next: 'resume', why: 'session refused, but resumable (op 9 true)', waitMs: 1000 }
              : {
                  next: 'identify',
                  why: 'session refused (op 9 false)',
                  waitMs: 3000,
                  refreshToken: true,
                  intents: 'possible',
                },
          );
        default:
          return unreadable(text, 'expected an op of the gateway protocol');
      }
    }

    function hello(frame: Frame): void {
      const { token, intents, resume } = opening;
      greeted = true;
      startHeartbeat(intervalOf(frame.d));
      send(
        resume === undefined
          ? { op: OP.identify, d: { token: `QQBot ${token}`, intents, shard: [0, 1], properties: {} } }
          : { op: OP.resume, d: { token: `QQBot ${token}`, session_id: resume.sessionId, seq: resume.seq } },
      );
      expectLife();
    }

    /** Until READY or RESUMED the gateway must show life now and then. */
    function expectLife(): void {
      expectWithin(GREETING_TIMEOUT_MS, 'the gateway fell silent before READY');
    }

    function expectWithin(ms: number, why: string): void {
      clearTimeout(deadline);
      // While we do not read, its silence is ours.
      deadline = setTimeout(() => (paused ? expectWithin(ms, why) : end({ next: 'resume', why })), ms);
    }

    function startHeartbeat(intervalMs: number): void {
      const beat = () => {
        heartbeat = setTimeout(beat, intervalMs);
        if (readyAt === undefined && !replaying) return;
        // While we do not read, the ACK cannot be seen; the gateway wants its heartbeats all the same.
        if (paused || !awaitingAck) return sendBeat();
        // The ACK may already lie in the socket when this process was busy: read once more before believing in silence.
        setImmediate(() =>
          awaitingAck && !paused ? end({ next: 'resume', why: 'the last heartbeat was not acknowledged' }) : sendBeat(),
        );
      };
      // The first beat comes early, at a random moment, so that many clients do not beat in step.
      heartbeat = setTimeout(beat, intervalMs * Math.random());
    }

    function sendBeat(): void {
      if (ended) return;
      awaitingAck = !paused;
      send({ op: OP.heartbeat, d: mark.journalled ?? null });
    }

    function dispatched(frame: Frame, text: string): void {
      const seq = seqOf(frame.s);
      const event = frame.t;
      if (event === 'READY' || event === 'RESUMED') return becameReady(frame, seq, text);
      if (readyAt === undefined) {
        replaying = true;
        expectLife();
      }
      const dispatch = readDispatch(frame, text);
      if ('expected' in dispatch) return unreadable(text, dispatch.expected, seq);
      track(seq, text, () => on.dispatch(dispatch));
    }

    function becameReady(frame: Frame, seq: number | undefined, text: string): void {
      if (readyAt !== undefined) return unreadable(text, 'expected READY or RESUMED once', seq);
      const d = (typeof frame.d === 'object' && frame.d !== null ? frame.d : {}) as {
        session_id?: unknown;
        user?: { id?: unknown } | null;
      };
      const resumed = frame.t === 'RESUMED';
      const sessionId = resumed ? opening.resume?.sessionId : d.session_id;
      if (typeof sessionId !== 'string' || !SESSION_ID.test(sessionId)) {
        return end({ next: 'identify', why: 'expected READY with a session_id' });
      }
      readyAt = Date.now();
      clearTimeout(deadline);
      if (!resumed) mark.restart();
      on.ready({ sessionId, botId: typeof d.user?.id === 'string' ? d.user.id : undefined, resumed });
      track(seq, text, () => undefined);
    }

    function unreadable(text: string, reason: string, seq?: number): void {
      track(seq, text, () => on.undecodable(text, reason));
    }

    /** Journals a frame and moves the mark; reads slower while the journal cannot keep up. */
    function track(seq: number | undefined, text: string, journal: () => void | Promise<void>): void {
      mark.pass(seq, text.length, journal).catch((error: unknown) => {
        end({ next: 'resume', why: `not journalled: ${oneLine(describeError(error))}`, ours: true });
      });
      if (!paused && mark.pending > READ_STOPS_AT) {
        paused = true;
        socket.pause();
        mark.whenPendingAtMost(READ_GOES_ON_AT, () => {
          paused = false;
          awaitingAck = false;
          socket.resume();
        });
      }
    }

    function send(frame: object): void {
      if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(frame));
    }

    function end({ ours, replaced, ...how }: Ending): void {
      if (ended) return;
      ended = true;
      clearTimeout(deadline);
      clearTimeout(heartbeat);
      signal.removeEventListener('abort', onAbort);
      socket.terminate();
      const progressed = mark.journalled !== opening.resume?.seq;
      resolve({
        ...how,
        heldMs: readyAt === undefined ? undefined : Date.now() - readyAt,
        greeted,
        resumeFailed: opening.resume !== undefined && greeted && readyAt === undefined && !progressed && ours !== true,
        takenOver: replaced === true && readyAt !== undefined,
      });
    }
  });
}

function closing(code: number, reason: string): Ending {
  const reaction = CLOSE_REACTIONS[code];
  const told = reason === '' ? '' : `: ${oneLine(reason, 120)}`;
  if (NO_CODE.has(code)) return { next: 'resume', why: 'the connection broke' };
  const replaced = reaction?.replaced === true || REPLACED.test(reason);
  if (reaction === undefined) return { next: 'resume', why: `connection closed (${code}${told})`, code, replaced };
  const { next, meaning, remedy, refreshToken, waitMs, intents } = reaction;
  return { next, why: `closed with ${code}: ${meaning}`, remedy, code, refreshToken, waitMs, intents, replaced };
}

/** HELLO's interval in ms; the usual one when it is missing or absurd. */
function intervalOf(d: unknown): number {
  const ms = (d as { heartbeat_interval?: unknown } | null)?.heartbeat_interval;
  return typeof ms === 'number' && ms >= 20 && ms <= 600_000 ? ms : DEFAULT_HEARTBEAT_MS;
}

function seqOf(s: unknown): number | undefined {
  return typeof s === 'number' && Number.isSafeInteger(s) && s >= 0 ? s : undefined;
}
