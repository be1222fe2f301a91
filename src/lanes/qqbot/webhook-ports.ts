/**
 * Where the platform's callbacks come in: one server for each address, shared by all accounts that name it, told apart by path and by
 * the `X-Bot-Appid` of a request. `node:http` alone, for every event takes this way. A caller learns a status and nothing else.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { bind, type Listener } from '../../http/listener.js';
import { portFault } from '../../http/port-fault.js';
import { SharedPorts } from '../../http/shared-ports.js';
import { describeError, LoongError } from '../../model/errors.js';
import { hostInUrl } from '../../model/host.js';
import type { Log } from '../../telemetry/log.js';
import { NowAndThen } from '../now-and-then.js';
import { oneLine } from '../one-line.js';
import type { Callback, Refusal, Reply } from './webhook-receiver.js';

const MAX_BODY_BYTES = 1_048_576;
/** A request has so long to come in whole. */
const REQUEST_MS = 20_000;
/** Requests in work at a time; one beyond them is told to come again. */
const MOST_OF_ACCOUNT = 256;
const MOST_OF_PORT = 1024;
/** Bytes of the bodies of all of them. */
const MOST_BYTES_OF_PORT = 64 * 1_048_576;
const MOST_CONNECTIONS = 2048;
const MAX_HEADER_BYTES = 16_384;
/** A refused caller that goes on sending is cut off. */
const LAST_WORDS_MS = 1000;

export interface WebhookPlace {
  readonly host: string;
  readonly port: number;
  readonly path: string;
}

/** What an account does with its callbacks. */
export interface CallbackHandler {
  /** Id of the account, for the log. */
  readonly account: string;
  readonly appId: string;
  /** Never rejects. */
  receive(callback: Callback): Promise<Reply>;
  /** One that was sent to this account was refused; told of it each time. Nothing here may throw. */
  refused(refusal: Refusal): void;
}

export interface Taking {
  /** The port that was really bound. */
  readonly port: number;
  /** Nothing more is taken; resolves when what was taken is answered. The last account of a port closes it. */
  close(): Promise<void>;
}

export interface WebhookLimits {
  readonly requestMs: number;
  readonly mostOfAccount: number;
  readonly mostOfPort: number;
}

const LIMITS: WebhookLimits = { requestMs: REQUEST_MS, mostOfAccount: MOST_OF_ACCOUNT, mostOfPort: MOST_OF_PORT };

/** What the operator can do when an address cannot be bound, by the code of Node. */
const REMEDIES: { readonly [code: string]: string } = {
  EADDRINUSE: 'stop the program that has it, or choose another port in `webhook_listen`; loong tries again by itself',
  EADDRNOTAVAIL: 'set `webhook_listen` to an address of this machine, e.g. "127.0.0.1:8080"',
  ENOTFOUND: 'set `webhook_listen` to an address of this machine, e.g. "127.0.0.1:8080"',
  EACCES: 'choose a port above 1023 in `webhook_listen`, and let a reverse proxy listen on 443',
};

export class WebhookPorts {
  readonly #ports: SharedPorts<WebhookPort>;

  /** `limits`: for tests. */
  constructor(log: Log, limits: Partial<WebhookLimits> = {}) {
    this.#ports = new SharedPorts((host, port) => WebhookPort.open(host, port, log, { ...LIMITS, ...limits }));
  }

  /** Takes callbacks until closed. @throws LoongError when the address cannot be bound; trying again later may help. */
  async take({ host, port: number, path }: WebhookPlace, handler: CallbackHandler): Promise<Taking> {
    const { port, release } = await this.#ports.hold(host, number);
    const gate: Gate = { path: plainPath(path), handler, inWork: new Set() };
    port.gates.push(gate);
    return {
      port: port.number,
      close: async () => {
        port.remove(gate);
        await Promise.allSettled(gate.inWork);
        await release();
      },
    };
  }
}

/** `http://127.0.0.1:8080/qq-official-webhook`: what a reverse proxy passes callbacks on to. */
export function addressOf({ host, path }: WebhookPlace, port: number): string {
  return `http://${hostInUrl(host)}:${port}${path}`;
}

interface Gate {
  readonly path: string;
  readonly handler: CallbackHandler;
  /** Of requests that were read to their end. */
  readonly inWork: Set<Promise<void>>;
}

class WebhookPort {
  readonly gates: Gate[] = [];
  readonly #log: Log;
  readonly #limits: WebhookLimits;
  readonly #told = new NowAndThen();
  /** Requests in work, by account and in all, and the bytes of their bodies so far. */
  readonly #busy = new Map<Gate, number>();
  #inWork = 0;
  #bytes = 0;
  /** Those that are not read to their end, the oldest first: how each is given up, and whom it is for. */
  readonly #reading = new Map<(refusal: Refusal) => void, Gate>();
  #listener: Listener | undefined;

  private constructor(log: Log, limits: WebhookLimits) {
    this.#log = log;
    this.#limits = limits;
  }

  static async open(host: string, port: number, log: Log, limits: WebhookLimits): Promise<WebhookPort> {
    const opened = new WebhookPort(log, limits);
    const server = createServer({
      requestTimeout: limits.requestMs,
      headersTimeout: limits.requestMs,
      connectionsCheckingInterval: Math.min(1000, limits.requestMs),
      maxHeaderSize: MAX_HEADER_BYTES,
      requireHostHeader: false, // the path alone counts
    });
    server.maxConnections = MOST_CONNECTIONS;
    const take = (request: IncomingMessage, response: ServerResponse) =>
      void opened.#take(request, response).catch((error: unknown) => opened.#broken(request, response, error));
    server.on('request', take);
    server.on('checkExpectation', take); // nobody has to meet one, and Node's own answer would be told to nobody
    server.on('clientError', (error: NodeJS.ErrnoException, socket) => opened.#unreadable(error, socket));
    try {
      opened.#listener = await bind(server, { host, port });
    } catch (error) {
      const { isTaken, message } = await portFault(host, port, error);
      const remedy = REMEDIES[(error as NodeJS.ErrnoException).code ?? ''];
      throw new LoongError(isTaken ? 'webhook.port_taken' : 'webhook.port_unusable', message, {
        cause: error,
        ...(remedy === undefined ? {} : { remedy }),
      });
    }
    return opened;
  }

  get number(): number {
    return this.#listener?.port ?? 0;
  }

  remove(gate: Gate): void {
    const at = this.gates.indexOf(gate);
    if (at >= 0) this.gates.splice(at, 1);
  }

  async close(): Promise<void> {
    await this.#listener?.close();
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const gate = this.#gateFor(request);
    if ('status' in gate) return this.#refuse(request, response, gate, undefined);
    if (Number(request.headers['content-length'] ?? 0) > MAX_BODY_BYTES) {
      return this.#refuse(request, response, TOO_LARGE, gate);
    }
    if (!this.#hasPlace(gate)) return this.#refuse(request, response, TOO_MANY, gate);
    this.#busy.set(gate, (this.#busy.get(gate) ?? 0) + 1);
    this.#inWork++;
    const read = { bytes: 0 };
    try {
      const body = await this.#read(request, gate, read);
      if (body === undefined) return; // the caller is gone, or its time was up
      if ('status' in body) return this.#refuse(request, response, body, gate);
      if (!this.gates.includes(gate)) return this.#refuse(request, response, STOPPING, undefined);
      const answered = this.#answer(request, response, body, gate);
      gate.inWork.add(answered);
      await answered.finally(() => gate.inWork.delete(answered));
    } finally {
      this.#bytes -= read.bytes;
      this.#inWork--;
      const left = (this.#busy.get(gate) ?? 1) - 1;
      if (left > 0) this.#busy.set(gate, left);
      else this.#busy.delete(gate);
    }
  }

  /** Whoever is slowest to say what they want makes place for the next: those who mean it say it at once. */
  #hasPlace(gate: Gate): boolean {
    const { mostOfAccount, mostOfPort } = this.#limits;
    const isFullHere = (this.#busy.get(gate) ?? 0) >= mostOfAccount;
    if (!isFullHere && this.#inWork < mostOfPort) return true;
    for (const [giveUp, of] of this.#reading) {
      if (isFullHere && of !== gate) continue;
      giveUp(TOO_SLOW);
      return true;
    }
    return false;
  }

  /** Whom a request is for, or why it is for nobody. */
  #gateFor({ url = '', method, headers }: IncomingMessage): Gate | Refusal {
    const query = url.indexOf('?');
    const path = plainPath(query < 0 ? url : url.slice(0, query));
    const here = this.gates.filter((gate) => gate.path === path);
    if (here.length === 0) return { status: 404, why: 'no account has this path' };
    if (method !== 'POST') return { status: 405, why: 'it is no POST' };
    const appId = headers['x-bot-appid'];
    if (appId === undefined) {
      const [only] = here;
      return only !== undefined && here.length === 1
        ? only
        : { status: 400, why: 'several accounts have this path, and it names no app id in X-Bot-Appid' };
    }
    const named = here.find(({ handler }) => handler.appId === appId);
    return named ?? { status: 404, why: 'no account of this path has the app id that it names', remedy: CHECK_APP_ID };
  }

  /** The whole body; undefined when the caller broke off. `read`: what was read of it so far. */
  #read(request: IncomingMessage, gate: Gate, read: { bytes: number }): Promise<Buffer | Refusal | undefined> {
    return new Promise((resolve) => {
      const chunks: Buffer[] = [];
      const end = (result: Buffer | Refusal | undefined) => {
        this.#reading.delete(end);
        request.removeAllListeners('data');
        resolve(result);
      };
      this.#reading.set(end, gate);
      request.on('data', (chunk: Buffer) => {
        read.bytes += chunk.length;
        this.#bytes += chunk.length;
        if (read.bytes > MAX_BODY_BYTES) return end(TOO_LARGE);
        if (this.#bytes > MOST_BYTES_OF_PORT) return end(TOO_MANY);
        chunks.push(chunk);
      });
      request.once('end', () => end(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)));
      request.once('error', () => end(undefined));
      request.once('close', () => end(undefined));
    });
  }

  async #answer(request: IncomingMessage, response: ServerResponse, body: Buffer, gate: Gate): Promise<void> {
    const { headers } = request;
    const reply = await gate.handler.receive({
      timestamp: textOf(headers['x-signature-timestamp']),
      signature: textOf(headers['x-signature-ed25519']),
      body,
    });
    if (reply.status !== 200) return this.#refuse(request, response, reply, gate);
    if (reply.fault !== undefined)
      this.#tell('error', request.socket, gate, reply.fault.why, 'a callback was not taken', traceOf(request));
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(reply.body) });
    response.end(reply.body);
  }

  #refuse(request: IncomingMessage, response: ServerResponse, refusal: Refusal, gate: Gate | undefined): void {
    const { status, why, remedy } = refusal;
    gate?.handler.refused(refusal);
    const told = { status, ...(remedy === undefined ? {} : { remedy }), ...traceOf(request) };
    this.#tell('warn', request.socket, gate, why, 'a callback was refused', told);
    const isRead = request.complete;
    response.setHeader('content-length', 0);
    if (status === 405) response.setHeader('allow', 'POST');
    if (status === 429) response.setHeader('retry-after', 1);
    if (!isRead) response.setHeader('connection', 'close');
    response.writeHead(status).end();
    if (isRead) return;
    // What still comes is thrown away for a moment, so that the answer is read before the connection ends.
    request.resume();
    setTimeout(() => request.destroy(), LAST_WORDS_MS).unref();
  }

  /** A fault of ours: the caller learns nothing of it, and comes again. */
  #broken(request: IncomingMessage, response: ServerResponse, error: unknown): void {
    this.#tell('error', request.socket, undefined, describeError(error), 'a callback could not be answered');
    response.destroy();
  }

  /** What is no HTTP, or did not come in whole in its time. */
  #unreadable(error: NodeJS.ErrnoException, socket: Duplex): void {
    if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
    const [status, why] = UNREADABLE[error.code ?? ''] ?? ['400 Bad Request', 'it is no HTTP request'];
    this.#tell('warn', socket as Socket, undefined, why, 'a callback was refused', {
      status: Number(status.slice(0, 3)),
    });
    socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
    setTimeout(() => socket.destroy(), LAST_WORDS_MS).unref();
  }

  /** Reasons are words of ours with numbers in them; only their words are told apart, so that what is remembered is bounded. */
  #tell(
    level: 'warn' | 'error',
    socket: Socket,
    gate: Gate | undefined,
    why: string,
    what: string,
    more: object = {},
  ): void {
    const unsaid = this.#told.unsaid(`${gate?.handler.account} ${why.replaceAll(/\d+/g, '#').slice(0, 120)}`);
    if (unsaid === undefined) return;
    this.#log[level](
      {
        ...(gate === undefined ? {} : { account: gate.handler.account }),
        why,
        ...more,
        remote: socket.remoteAddress,
        ...(unsaid === 0 ? {} : { andBefore: unsaid }),
      },
      what,
    );
  }
}

/** By the code of Node. */
const UNREADABLE: { readonly [code: string]: readonly [status: string, why: string] } = {
  ERR_HTTP_REQUEST_TIMEOUT: ['408 Request Timeout', 'it did not come in whole in its time'],
  HPE_HEADER_OVERFLOW: ['431 Request Header Fields Too Large', 'its headers are too long'],
};
const CHECK_APP_ID = 'correct `app_id`, or the address that is written in the console of that bot';
const TOO_LARGE: Refusal = { status: 413, why: `its body has more than ${MAX_BODY_BYTES} bytes` };
const STOPPING: Refusal = { status: 429, why: 'its account is stopping' };
const TOO_SLOW: Refusal = { status: 429, why: 'it took long to come in whole, and others wanted its place' };
const TOO_MANY: Refusal = { status: 429, why: 'too many requests at the same time' };

/** A path as it is compared: without slashes at its end. */
function plainPath(path: string): string {
  let end = path.length;
  while (end > 1 && path[end - 1] === '/') end--;
  return path.slice(0, end);
}

/** What the platform calls the request, for whoever asks it about one. */
function traceOf({ headers }: IncomingMessage): { readonly trace?: string } {
  const trace = textOf(headers['x-tps-trace-id']);
  return trace === undefined ? {} : { trace: oneLine(trace, 64) };
}

function textOf(header: string | readonly string[] | undefined): string | undefined {
  return typeof header === 'string' ? header : undefined;
}
