/** The ports on which implementations dial in: one server for each address, shared by all accounts that name it. */
import type { IncomingMessage } from 'node:http';
import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { type Listener, listen } from '../../http/listener.js';
import { portFault } from '../../http/port-fault.js';
import { SharedPorts } from '../../http/shared-ports.js';
import { describeError, LoongError } from '../../model/errors.js';
import type { Log } from '../../telemetry/log.js';
import { NowAndThen } from '../now-and-then.js';
import { AccessToken } from './access-token.js';
import { type Caller, type Gate, judgeCaller, type Objection, type Refusal } from './admission-of-peers.js';
import { addressOf, type Endpoint, plainPath } from './endpoint.js';

const MAX_PAYLOAD_BYTES = 64 * 1_048_576;
/** A refused caller that does not hang up is cut off. */
const LAST_WORDS_MS = 1000;

/** What an account does with those who dial in. Nothing here may wait or throw. */
export interface PeerHandler {
  /** Id of the account. */
  readonly account: string;
  /** The QQ that the account belongs to by now, when its endpoint names none. */
  selfId(): string | undefined;
  /** It is told 503 and may come again. */
  isStopping(): boolean;
  /** Asked before the upgrade: why this caller may not come in. */
  refusal(caller: Caller): string | undefined;
  /** Somebody who seemed to mean this account was sent away. */
  refused(objection: Objection): void;
  /** Whether this QQ is connected here. */
  isHere(selfId: string): boolean;
  /** `wire`: what `socket` writes to. `elsewhere`: as `Elsewhere`, for who has yet to say which QQ it is. */
  connected(socket: WebSocket, wire: Duplex, caller: Caller, elsewhere: Elsewhere): void;
}

/** Why this QQ may not come in here: it is another account's, and would be answered twice. undefined when it is nobody else's. */
export type Elsewhere = (selfId: string) => Objection | undefined;

export interface Served {
  /** The port that was really bound. */
  readonly port: number;
  /** Nobody dials in any more; the last account of a port closes it. */
  close(): Promise<void>;
}

export class ReverseWsPorts {
  readonly #ports: SharedPorts<SharedPort>;
  /** Of all ports. */
  readonly #gates = new Set<AccountGate>();

  constructor(log: Log) {
    this.#ports = new SharedPorts((host, port) => SharedPort.open(host, port, log));
  }

  /** Lets callers in until closed. @throws LoongError when the address cannot be bound; trying again later may help. */
  async serve(endpoint: Endpoint, handler: PeerHandler): Promise<Served> {
    const { port, release } = await this.#ports.hold(endpoint.host, endpoint.port);
    const gate: AccountGate = new AccountGate(endpoint, addressOf(endpoint, port.number), handler, (selfId) =>
      this.#elsewhere(selfId, gate),
    );
    this.#gates.add(gate);
    port.gates.push(gate);
    return {
      port: port.number,
      close: () => {
        this.#gates.delete(gate);
        port.remove(gate);
        return release();
      },
    };
  }

  #elsewhere(selfId: string, here: AccountGate): Objection | undefined {
    const owner = [...this.#gates].find((gate) => gate !== here && gate.holds(selfId));
    if (owner === undefined) return undefined;
    return {
      reason: `this QQ belongs to the account at ${owner.address}: with two of one QQ everything would be answered twice`,
      remedy: 'let the OneBot program dial in at one of the two addresses, and remove the other account',
    };
  }
}

class AccountGate implements Gate {
  readonly account: string;
  readonly path: string;
  readonly token: AccessToken | undefined;
  readonly handler: PeerHandler;
  /** Where implementations dial in. */
  readonly address: string;
  readonly elsewhere: Elsewhere;
  readonly #selfId: string | undefined;

  constructor(endpoint: Endpoint, address: string, handler: PeerHandler, elsewhere: Elsewhere) {
    this.address = address;
    this.elsewhere = elsewhere;
    this.account = handler.account;
    this.path = plainPath(endpoint.path);
    this.token = endpoint.token === undefined ? undefined : new AccessToken(endpoint.token);
    this.handler = handler;
    this.#selfId = endpoint.selfId;
  }

  selfId(): string | undefined {
    return this.#selfId ?? this.handler.selfId();
  }

  /** It was made for this QQ, or this QQ is there. */
  holds(selfId: string): boolean {
    return this.#selfId === selfId || this.handler.isHere(selfId);
  }

  isStopping(): boolean {
    return this.handler.isStopping();
  }

  refusal(caller: Caller): Objection | undefined {
    const objection = caller.selfId === undefined ? undefined : this.elsewhere(caller.selfId);
    if (objection !== undefined) return objection;
    const reason = this.handler.refusal(caller);
    return reason === undefined ? undefined : { reason };
  }

  refused(objection: Objection): void {
    this.handler.refused(objection);
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
  readonly #told = new NowAndThen();
  #listener: Listener | undefined;

  private constructor(log: Log) {
    this.#log = log;
  }

  static async open(host: string, port: number, log: Log): Promise<SharedPort> {
    const shared = new SharedPort(log);
    try {
      shared.#listener = await listen(
        { host, port },
        (request) => shared.#page(request),
        (request, socket, head) => shared.#upgrade(request, socket, head),
      );
    } catch (error) {
      const { isTaken, message } = await portFault(host, port, error);
      const remedy = REMEDIES[(error as NodeJS.ErrnoException).code ?? ''];
      throw new LoongError(isTaken ? 'onebot.port_taken' : 'onebot.port_unusable', message, {
        cause: error,
        ...(remedy === undefined ? {} : { remedy }),
      });
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
      this.#server.handleUpgrade(request, socket, head, (ws) =>
        gate.handler.connected(ws, socket, caller, gate.elsewhere),
      );
    } catch (error) {
      this.#log.error({ error: describeError(error), remote }, 'a caller could not be let in');
      socket.destroy();
    }
  }

  #refuse(socket: Duplex, { status, reason, remedy, gate }: Refusal, remote: string): void {
    const body = `${reason}\n`;
    socket.end(
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n` +
        `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );
    setTimeout(() => socket.destroy(), LAST_WORDS_MS).unref();
    gate?.refused(remedy === undefined ? { reason } : { reason, remedy });
    this.#tell({ status, reason, remedy, path: gate?.path, remote });
  }

  /** Reasons are words of ours and paths are configured, so what is remembered is bounded. */
  #tell(told: {
    readonly status: number;
    readonly reason: string;
    readonly remedy: string | undefined;
    readonly path: string | undefined;
    readonly remote: string;
  }): void {
    const unsaid = this.#told.unsaid(`${told.path} ${told.reason}`);
    if (unsaid === undefined) return;
    const more = unsaid === 0 ? {} : { andBefore: unsaid };
    this.#log.warn({ ...told, ...more }, 'an OneBot implementation was not let in');
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
