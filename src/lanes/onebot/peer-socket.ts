/** One WebSocket of an implementation that dialled in: its frames become events and answers, our calls become frames. */
import type { Duplex } from 'node:stream';
import { WebSocket } from 'ws';
import { describeError } from '../../model/errors.js';
import type { ActionRequest } from '../../protocol/onebot/wire.js';
import type { Counters } from '../../telemetry/counters.js';
import type { Log } from '../../telemetry/log.js';
import { oneLine } from '../one-line.js';
import type { Caller, Role } from './admission-of-peers.js';
import { CallError } from './call-error.js';
import { Liveness } from './liveness.js';
import { type CallOptions, PendingCalls } from './pending-calls.js';
import { type Fields, fields } from './wire-fields.js';
import { parseWireJson } from './wire-json.js';

/** NapCat closes the connection at a frame of 50 MiB. */
const MAX_FRAME_CHARS = 48 * 1_048_576;
/** Frames that the implementation has not read yet. */
const MAX_UNREAD_BYTES = 64 * 1_048_576;
/** Who was told to go and does not is cut off. */
const CLOSING_MS = 1000;
/** What `ws` tells when nobody said why it ended. */
const NO_CODES: ReadonlySet<number> = new Set([1005, 1006]);

export interface PeerSocketHandlers {
  /** A frame with a `post_type`. */
  event(frame: Fields, raw: string, from: PeerSocket): void;
  /** A frame that is neither an event nor an answer. */
  unreadable(raw: string, reason: string): void;
  /** The answer to a delivery whose time was up; `failure`: what it says, if not that it was done. */
  late(delivery: number, frame: Fields, failure: CallError | undefined): void;
  /** Told once. */
  ended(socket: PeerSocket, why: string): void;
}

export interface PeerSocketOptions {
  readonly pingEveryMs: number | undefined;
  readonly slackMs?: number | undefined;
  readonly log: Log;
  readonly counters: Counters;
}

export class PeerSocket {
  readonly caller: Caller;
  readonly liveness: Liveness;
  /** Whose it is, once that is known. */
  selfId: string | undefined;
  readonly #socket: WebSocket;
  /** What `#socket` writes to. */
  readonly #wire: Duplex;
  /** What is written in this turn of the event loop leaves together, at its end. */
  #holdsBack = false;
  readonly #on: PeerSocketHandlers;
  readonly #options: PeerSocketOptions;
  readonly #calls = new PendingCalls({
    isPaused: () => this.liveness.paused,
    onLate: (delivery, frame, failure) => this.#on.late(delivery, frame, failure),
  });
  /** Why we ended it. */
  #why: string | undefined;
  #ended = false;
  #deaf = false;

  constructor(socket: WebSocket, wire: Duplex, caller: Caller, on: PeerSocketHandlers, options: PeerSocketOptions) {
    this.#socket = socket;
    this.#wire = wire;
    this.caller = caller;
    this.selfId = caller.selfId;
    this.#on = on;
    this.#options = options;
    this.liveness = new Liveness({
      pingEveryMs: options.pingEveryMs,
      // go-cqhttp and Lagrange never read what comes to them on an Event connection.
      answersPings: caller.role !== 'event',
      slackMs: options.slackMs,
      ping: () => {
        if (this.isOpen) socket.ping();
      },
      onDead: (why) => {
        this.#why ??= why;
        socket.terminate();
      },
    });
    socket.on('message', (data, isBinary) => this.#read(data, isBinary));
    socket.on('ping', () => this.liveness.sign());
    socket.on('pong', () => this.liveness.sign());
    // A frame against the protocol: `ws` closes the connection by itself.
    socket.on('error', (error) => {
      this.#why ??= oneLine(describeError(error));
    });
    socket.on('close', (code, reason) => this.#end(this.#why ?? closing(code, reason.toString())));
  }

  get role(): Role {
    return this.caller.role;
  }

  get isOpen(): boolean {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  #read(data: WebSocket.RawData, isBinary: boolean): void {
    if (this.#deaf) return;
    const { counters, log } = this.#options;
    this.liveness.frame();
    if (isBinary) return counters.count('onebot.frames_binary');
    const raw = data.toString();
    try {
      this.#understand(raw);
    } catch (error) {
      counters.count('onebot.frames_failed');
      log.error({ error: describeError(error) }, 'a frame could not be worked on');
    }
  }

  #understand(raw: string): void {
    let frame: Fields | undefined;
    try {
      frame = fields(parseWireJson(raw));
    } catch {
      return this.#on.unreadable(raw, 'expected JSON');
    }
    if (frame === undefined) return this.#on.unreadable(raw, 'expected a JSON object');
    if (frame.post_type !== undefined) return this.#on.event(frame, raw, this);
    if (frame.echo === undefined && frame.status === undefined && frame.retcode === undefined) {
      return this.#on.unreadable(raw, 'expected an event or an answer');
    }
    const answered = this.#calls.answer(frame, raw.length);
    // Too late, or to nobody: LLOneBot answers some calls without their echo.
    if (answered !== 'taken') this.#options.counters.count(`onebot.answers_${answered}`);
  }

  /**
   * Asks the implementation to do something, and resolves with the `data` of its answer.
   * @throws CallError
   */
  call(action: string, params: object, options: CallOptions): Promise<unknown> {
    const obstacle = this.#obstacle();
    if (obstacle !== undefined) return Promise.reject(obstacle);
    return this.#calls.open(action, options, (echo) => {
      const request: ActionRequest = { action, params: params as Fields, echo };
      const frame = JSON.stringify(request);
      if (frame.length > MAX_FRAME_CHARS) {
        throw new CallError('onebot.frame_too_large', `${action} with all its files is larger than 48 MiB`, {
          outcome: 'refused',
          remedy: 'send fewer or smaller files in one message, or give their addresses instead',
        });
      }
      this.#holdBack();
      this.#socket.send(frame);
    });
  }

  #obstacle(): CallError | undefined {
    if (!this.isOpen) {
      return new CallError('onebot.connection_lost', 'the connection has ended', { outcome: 'unsent' });
    }
    if (this.#socket.bufferedAmount <= MAX_UNREAD_BYTES) return undefined;
    return new CallError('onebot.peer_slow', 'the implementation does not read what it is sent', {
      outcome: 'unsent',
      isBusy: true,
      remedy: 'look at its log; restart it if it hangs',
    });
  }

  #holdBack(): void {
    if (this.#holdsBack) return;
    this.#holdsBack = true;
    this.#wire.cork();
    process.nextTick(() => {
      this.#holdsBack = false;
      this.#wire.uncork();
    });
  }

  pause(): void {
    this.liveness.paused = true;
    this.#socket.pause();
  }

  resume(): void {
    this.liveness.paused = false;
    this.#socket.resume();
  }

  /** Ends it from our side, and its pending calls at once. `heard`: events that are already on their way are still read. */
  close(code: 1001 | 1008, why: string, { heard }: { readonly heard: boolean } = { heard: false }): void {
    if (this.#ended) return;
    const socket = this.#socket;
    this.#deaf = !heard;
    this.resume();
    socket.close(code, why);
    const timer = setTimeout(() => socket.terminate(), CLOSING_MS);
    socket.once('close', () => clearTimeout(timer));
    this.#end(why);
  }

  #end(why: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.liveness.end();
    this.#calls.endAll(why);
    this.#on.ended(this, why);
  }
}

function closing(code: number, reason: string): string {
  if (NO_CODES.has(code)) return 'the connection broke';
  return `closed with ${code}${reason === '' ? '' : `: ${oneLine(reason, 120)}`}`;
}
