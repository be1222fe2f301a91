/** The ports on which implementations dial in: one server for each address, shared by all accounts that name it. */
import type { IncomingMessage } from 'node:http';
import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { type Listener, listen } from '../../http/listener.js';
import { describeError, LoongError } from '../../model/errors.js';
import type { Log } from '../../telemetry/log.js';
import { AccessToken } from './access-token.js';
import { type Caller, type Gate, judgeCaller, type Refusal } from './admission-of-peers.js';
import { type Endpoint, plainPath } from './endpoint.js';

const MAX_PAYLOAD_BYTES = 64 * 1_048_576;
/** Implementations that are refused call again every 3 to 5 s: the same refusal is told so often, with how many there were. */
const TELL_REFUSAL_EVERY_MS = 60_000;
/** A refused caller that does not hang up is cut off. */
const LAST_WORDS_MS = 1000;

/** What an account does with those who dial in. Nothing here may wait or throw. */
export interface PeerHandler {
  /** The QQ that the account belongs to by now, when its endpoint names none. */
  selfId(): string | undefined;
  /** It is told 503 and may come again. */
  isStopping(): boolean;
  /** Asked before the upgrade: why this caller may not come in. */
  refusal(caller: Caller): string | undefined;
  /** Somebody who seemed to mean this account was sent away. */
  refused(reason: string): void;
  connected(socket: WebSocket, caller: Caller): void;
}

export interface Served {
  /** The port that was really bound. */
  readonly port: number;
  /** Nobody dials in any more; the last account of a port closes it. */
  close(): Promise<void>;
}

/** One address, and how many accounts hold it or are about to. */
interface Held {
  readonly opening: Promise<SharedPort>;
  holders: number;
}

export class ReverseWsPorts {
  readonly #log: Log;
  readonly #held = new Map<string, Held>();
  /** What has to be over before the same address can be bound again. */
  readonly #closing = new Map<string, Promise<void>>();

  constructor(log: Log) {
    this.#log = log;
  }

  /** Lets callers in until closed. @throws LoongError when the address cannot be bound; trying again later may help. */
  async serve(endpoint: Endpoint, handler: PeerHandler): Promise<Served> {
    const key = `${endpoint.host} ${endpoint.port}`;
    const held = this.#held.get(key) ?? this.#bind(key, endpoint);
    held.holders++;
    const port = await held.opening;
    const gate = new AccountGate(endpoint, handler);
    port.gates.push(gate);
    let closed = false;
    return {
      port: port.number,
      close: async () => {
        if (closed) return;
        closed = true;
        port.remove(gate);
        if (--held.holders > 0) return;
        this.#held.delete(key);
        const closing = port.close().finally(() => this.#closing.delete(key));
        this.#closing.set(key, closing);
        return closing;
      },
    };
  }

  #bind(key: string, endpoint: Endpoint): Held {
    const free = this.#closing.get(key) ?? Promise.resolve();
    const held = { opening: free.then(() => SharedPort.open(endpoint, this.#log)), holders: 0 };
    this.#held.set(key, held);
    held.opening.catch(() => this.#held.delete(key));
    return held;
  }
}

class AccountGate implements Gate {
  readonly path: string;
  readonly token: AccessToken | undefined;
  readonly handler: PeerHandler;
  readonly #selfId: string | undefined;

  constructor(endpoint: Endpoint, handler: PeerHandler) {
    this.path = plainPath(endpoint.path);
    this.token = endpoint.token === undefined ? undefined : new AccessToken(endpoint.token);
    this.handler = handler;
    this.#selfId = endpoint.selfId;
  }

  selfId(): string | undefined {
    return this.#selfId ?? this.handler.selfId();
  }

  isStopping(): boolean {
    return this.handler.isStopping();
  }

  refusal(caller: Caller): string | undefined {
    return this.handler.refusal(caller);
  }

  refused(reason: string): void {
    this.handler.refused(reason);
  }
}

class SharedPort {
  readonly gates: AccountGate[] = [];
  readonly #log: Log;
  readonly #server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: MAX_PAYLOAD_BYTES,
    perMessageDeflate: false,
  });
  /** Every socket that left the HTTP server: it would wait for them when it closes. */
  readonly #sockets = new Set<Duplex>();
  readonly #told = new Map<string, { at: number; unsaid: number }>();
  #listener: Listener | undefined;

  private constructor(log: Log) {
    this.#log = log;
  }

  static async open({ host, port }: Endpoint, log: Log): Promise<SharedPort> {
    const shared = new SharedPort(log);
    try {
      shared.#listener = await listen(
        { host, port },
        (request) => shared.#page(request),
        (request, socket, head) => shared.#upgrade(request, socket, head),
      );
    } catch (error) {
      throw unusable(host, port, error);
    }
    return shared;
  }

  get number(): number {
    return this.#listener?.port ?? 0;
  }

  remove(gate: AccountGate): void {
    const at = this.gates.indexOf(gate);
    if (at >= 0) this.gates.splice(at, 1);
  }

  async close(): Promise<void> {
    const closed = this.#listener?.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  /** For who looks with a browser. */
  #page(request: Request): Response {
    const path = plainPath(new URL(request.url).pathname);
    return this.gates.some((gate) => gate.path === path)
      ? new Response('an OneBot v11 implementation dials in here, by WebSocket\n', {
          status: 426,
          headers: { upgrade: 'websocket', connection: 'upgrade' },
        })
      : new Response('nothing is here\n', { status: 404 });
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    socket.on('error', () => undefined);
    const { remoteAddress, remotePort } = request.socket;
    const remote = `${remoteAddress}:${remotePort}`;
    try {
      const verdict = judgeCaller({ url: request.url ?? '', headers: request.headers, remote }, this.gates);
      if ('status' in verdict) return this.#refuse(socket, verdict, remote);
      const { gate, caller } = verdict;
      this.#server.handleUpgrade(request, socket, head, (ws) => gate.handler.connected(ws, caller));
    } catch (error) {
      this.#log.error({ error: describeError(error), remote }, 'a caller could not be let in');
      socket.destroy();
    }
  }

  #refuse(socket: Duplex, { status, reason, gate }: Refusal, remote: string): void {
    const body = `${reason}\n`;
    socket.end(
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n` +
        `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );
    setTimeout(() => socket.destroy(), LAST_WORDS_MS).unref();
    gate?.refused(reason);
    this.#tell(status, reason, gate?.path, remote);
  }

  /** Reasons are words of ours and paths are configured, so what is remembered is bounded. */
  #tell(status: number, reason: string, path: string | undefined, remote: string): void {
    const key = `${path} ${reason}`;
    const now = performance.now();
    const told = this.#told.get(key);
    if (told !== undefined && now - told.at < TELL_REFUSAL_EVERY_MS) {
      told.unsaid++;
      return;
    }
    this.#told.set(key, { at: now, unsaid: 0 });
    const more = told === undefined || told.unsaid === 0 ? {} : { andBefore: told.unsaid };
    this.#log.warn({ status, reason, path, remote, ...more }, 'an OneBot implementation was not let in');
  }
}

/** What the operator can do when an address cannot be bound, by the code of Node. */
const REMEDIES: { readonly [code: string]: string } = {
  EADDRINUSE:
    'stop the program that has it, or choose another `ws_port` (NapCat itself listens on 3001 unless told otherwise); loong tries again by itself',
  EADDRNOTAVAIL: 'set `ws_host` to an address of this machine, e.g. "127.0.0.1"',
  ENOTFOUND: 'set `ws_host` to an address of this machine, e.g. "127.0.0.1"',
  EACCES: 'choose a `ws_port` above 1023',
};

function unusable(host: string, port: number, error: unknown): LoongError {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  const remedy = REMEDIES[code];
  const isTaken = code === 'EADDRINUSE';
  return new LoongError(
    isTaken ? 'onebot.port_taken' : 'onebot.port_unusable',
    isTaken
      ? `port ${port} of ${host} is taken by another program`
      : `cannot listen on port ${port} of ${host}: ${describeError(error)}`,
    { cause: error, ...(remedy === undefined ? {} : { remedy }) },
  );
}
