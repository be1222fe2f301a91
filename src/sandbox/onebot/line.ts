/** One WebSocket that an implementation dials and dials again: it knows no frames, only when it stands. */
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'ws';
import type { FlavourFacts, Role } from './flavours.js';

export interface LinePlan {
  readonly number: number;
  readonly role: Role;
  readonly url: string;
  readonly headers: { readonly [name: string]: string };
  readonly reconnectMs: number;
  readonly facts: Pick<FlavourFacts, 'handshakeMs' | 'maxFrameBytes' | 'noticesClose' | 'readsEventLine'>;
}

export interface LineEars {
  readonly opened: (line: Line) => void;
  /** An HTTP answer that was no upgrade has its status as `code`. */
  readonly refused: (line: Line, reason: string, code: number | undefined) => void;
  readonly closed: (line: Line, code: number, reason: string) => void;
  readonly frame: (line: Line, text: string, isBinary: boolean) => void;
}

export class Line {
  readonly plan: LinePlan;
  readonly #ears: LineEars;
  readonly #stop = new AbortController();
  /** Lines that were left behind without a word: they stay until the end. */
  readonly #abandoned = new Set<WebSocket>();
  #current: WebSocket | undefined;
  #socket: Socket | undefined;
  #abandon: () => void = () => {};
  #missed: () => void = () => {};
  #mute = false;
  #unsent = 0;
  #allSent: () => void = () => {};
  #running: Promise<void> | undefined;

  constructor(plan: LinePlan, ears: LineEars) {
    this.plan = plan;
    this.#ears = ears;
  }

  get isOpen(): boolean {
    return this.#current?.readyState === WebSocket.OPEN;
  }

  get carriesEvents(): boolean {
    return this.plan.role !== 'api';
  }

  start(): void {
    this.#running ??= this.#run(this.#stop.signal);
  }

  /** Resolves when nothing of it is left. */
  async end(): Promise<void> {
    this.#stop.abort();
    for (const left of this.#abandoned) left.terminate();
    if (this.#current?.isPaused === true) this.#current.terminate();
    else this.#current?.close(1000);
    const slow = setTimeout(() => this.#current?.terminate(), 500);
    await this.#running;
    clearTimeout(slow);
  }

  /** @returns false when the line does not stand; one that is mute takes everything and passes nothing on. */
  send(frame: string | Buffer): boolean {
    const socket = this.#current;
    if (socket?.readyState !== WebSocket.OPEN) {
      this.#missed();
      return false;
    }
    if (this.#mute) return true;
    this.#unsent += 1;
    socket.send(frame, (error) => {
      this.#unsent -= 1;
      if (error != null) socket.terminate();
      if (this.#unsent === 0) this.#allSent();
    });
    return true;
  }

  /** Waits until what was sent has left this process. */
  drained(): Promise<void> {
    if (this.#unsent === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#allSent = resolve;
    });
  }

  /** Bytes as they are, also such as are no frame. */
  write(bytes: Buffer): void {
    this.#socket?.write(bytes);
  }

  /** Without a code the TCP connection is cut. */
  drop(code: number | undefined, reason: string): void {
    if (code === undefined) this.#current?.terminate();
    else this.#current?.close(code, reason);
  }

  /** Neither reads, answers nor sends any more, and does not close; with `redial` it forgets the line and makes another. */
  halfOpen(redial: boolean): void {
    this.#current?.pause();
    if (redial) this.#abandon();
    else this.#mute = true;
  }

  /** Ends what `halfOpen` began. */
  recover(): void {
    this.#mute = false;
    this.#current?.resume();
  }

  async #run(stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      const stood = await this.#live();
      if (stop.aborted) return;
      if (stood && this.#noticesLate()) await this.#nextEvent(stop);
      await delay(this.plan.reconnectMs, undefined, { signal: stop }).catch(() => {});
    }
  }

  /** Dials, and resolves when the line is no more: whether it ever stood. */
  #live(): Promise<boolean> {
    const { url, headers, facts, role } = this.plan;
    const socket = new WebSocket(url, {
      headers,
      handshakeTimeout: facts.handshakeMs,
      maxPayload: facts.maxFrameBytes,
      perMessageDeflate: false,
    });
    this.#current = socket;
    this.#mute = false;
    let stood = false;
    let trouble = 'the connection failed';
    return new Promise((resolve) => {
      this.#abandon = () => {
        this.#abandoned.add(socket);
        resolve(true);
      };
      socket.on('upgrade', (response) => {
        this.#socket = response.socket;
      });
      socket.on('open', () => {
        stood = true;
        if (role === 'event' && !facts.readsEventLine) socket.pause();
        this.#ears.opened(this);
      });
      socket.on('message', (data, isBinary) => this.#ears.frame(this, String(data), isBinary));
      socket.on('error', (error) => {
        trouble = error.message;
      });
      socket.on('close', (code, reason) => {
        const left = this.#abandoned.delete(socket);
        if (stood && !left) this.#ears.closed(this, code, reason.toString());
        else if (!left) this.#ears.refused(this, trouble, statusIn(trouble));
        resolve(stood);
      });
    });
  }

  #noticesLate(): boolean {
    return this.plan.facts.noticesClose === 'at the next event' && this.plan.role !== 'api';
  }

  #nextEvent(stop: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      this.#missed = resolve;
      stop.addEventListener('abort', () => resolve(), { once: true });
    });
  }
}

/** `ws` tells the status in the words of its error. */
function statusIn(message: string): number | undefined {
  const found = /Unexpected server response: (\d{3})/.exec(message);
  return found === null ? undefined : Number(found[1]);
}
