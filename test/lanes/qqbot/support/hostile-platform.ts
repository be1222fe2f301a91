/** A platform that answers whatever a test wants, in bytes that the sandbox would never send. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Where } from './lane-under-test.js';

type Handler = (request: IncomingMessage, response: ServerResponse, body: string) => void;

export class HostilePlatform implements Where {
  readonly appId = '102000001';
  readonly clientSecret = 'emulator-Secret_01';
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #ws = new WebSocketServer({ noServer: true });
  /** Frames that the lane sent, parsed. */
  readonly heard: { readonly op: number; readonly d: unknown }[] = [];
  tokenRequests = 0;
  /** Requests other than for tokens. */
  requests = 0;
  connections = 0;
  onToken: Handler = (_request, response) =>
    answer(response, 200, { access_token: `token-${this.tokenRequests}`, expires_in: '7200' });
  onRequest: Handler = (_request, response) => answer(response, 200, { url: this.gatewayUrl });
  /** Instead of the upgrade. */
  onUpgrade: ((socket: Socket) => void) | undefined;
  /** The connection, how many there were before, and what it was opened with. */
  onIdentify: (socket: WebSocket, frame: { readonly op: number; readonly d: unknown }) => void = (socket) =>
    ready(socket);
  hello: unknown = { op: 10, d: { heartbeat_interval: 41_250 } };

  private constructor() {
    this.#server = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => {
        body += chunk.toString();
      });
      request.on('error', () => undefined);
      request.on('end', () => {
        if (request.url === '/token') {
          this.tokenRequests++;
          this.onToken(request, response, body);
        } else {
          this.requests++;
          this.onRequest(request, response, body);
        }
      });
    });
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      socket.on('error', () => undefined);
    });
    this.#server.on('upgrade', (request, socket, head) => {
      this.connections++;
      if (this.onUpgrade !== undefined) return this.onUpgrade(socket as Socket);
      this.#ws.handleUpgrade(request, socket, head, (ws) => this.#greet(ws));
    });
  }

  static async open(): Promise<HostilePlatform> {
    const platform = new HostilePlatform();
    await new Promise<void>((resolve) => platform.#server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => platform.close());
    return platform;
  }

  get apiBaseUrl(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get tokenUrl(): string {
    return `${this.apiBaseUrl}/token`;
  }

  get gatewayUrl(): string {
    return this.apiBaseUrl.replace('http', 'ws');
  }

  #greet(ws: WebSocket): void {
    ws.on('error', () => undefined);
    ws.on('message', (data) => {
      const frame = JSON.parse(String(data)) as { op: number; d: unknown };
      this.heard.push(frame);
      if (frame.op === 1) ws.send(JSON.stringify({ op: 11 }));
      else this.onIdentify(ws, frame);
    });
    if (this.hello !== undefined) ws.send(JSON.stringify(this.hello));
  }

  /** Cuts what is open, and frees the port. */
  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

export function answer(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: { [name: string]: string } = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(typeof body === 'string' ? body : JSON.stringify(body));
}

export function ready(socket: WebSocket, sessionId: unknown = 'session-1', s = 1): void {
  socket.send(
    JSON.stringify({
      op: 0,
      s,
      t: 'READY',
      d: { version: 1, session_id: sessionId, user: { id: '998' }, shard: [0, 1] },
    }),
  );
}

/** A C2C message as the platform pushes it. */
export function c2c(s: number, text = `text ${s}`): string {
  const author = { id: 'openid_alice', user_openid: 'openid_alice' };
  return JSON.stringify({
    op: 0,
    s,
    t: 'C2C_MESSAGE_CREATE',
    id: `C2C_MESSAGE_CREATE:${s}`,
    d: { id: `ROBOT1.0_${s}!`, content: text, author },
  });
}
