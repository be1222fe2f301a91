/** An HTTP proxy of our own: makes tunnels, remembers them, and misbehaves when told to. */
import { createServer, type IncomingMessage } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';

export interface ProxyRules {
  /** `user:password` that it wants. */
  readonly credentials?: string;
  /** It refuses every tunnel with this status. */
  readonly status?: number;
  /** It takes what it is asked for, and says nothing. */
  readonly isSilent?: boolean;
  /** Where a tunnel to this authority really leads: a port of 127.0.0.1. */
  readonly leadsTo?: { readonly [authority: string]: number };
  readonly tls?: { readonly key: Buffer; readonly cert: Buffer };
}

export class ConnectProxy {
  /** What was asked for, in order: `127.0.0.1:26380`. */
  readonly asked: string[] = [];
  rules: ProxyRules;
  readonly #server;
  readonly #sockets = new Set<Socket>();

  private constructor(rules: ProxyRules) {
    this.rules = rules;
    this.#server = rules.tls === undefined ? createServer() : createSecureServer({ ...rules.tls });
    this.#server.on('connection', (socket: Socket) => this.#keep(socket));
    this.#server.on('connect', (request: IncomingMessage, socket: Socket) => this.#lead(request, socket));
  }

  static async start(rules: ProxyRules = {}, port = 0): Promise<ConnectProxy> {
    const proxy = new ConnectProxy(rules);
    await new Promise<void>((resolve, reject) => {
      proxy.#server.once('error', reject);
      proxy.#server.listen(port, '127.0.0.1', resolve);
    });
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `${this.rules.tls === undefined ? 'http' : 'https'}://127.0.0.1:${this.port}`;
  }

  /** Ends every tunnel, and makes new ones. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.cut();
    await closed;
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => this.#sockets.delete(socket));
  }

  #lead({ url: authority = '', headers }: IncomingMessage, socket: Socket): void {
    const { credentials, status, isSilent, leadsTo = {} } = this.rules;
    this.asked.push(authority);
    socket.on('error', () => undefined);
    if (isSilent) return;
    const wanted = credentials && `Basic ${Buffer.from(credentials).toString('base64')}`;
    if (wanted !== undefined && headers['proxy-authorization'] !== wanted) return refuse(socket, 407);
    if (status !== undefined) return refuse(socket, status);
    const to = connect(leadsTo[authority] ?? Number(authority.split(':').at(-1)), '127.0.0.1');
    this.#keep(to);
    to.once('connect', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      socket.pipe(to).pipe(socket);
    });
    to.once('close', () => socket.destroy());
    socket.once('close', () => to.destroy());
  }
}

function refuse(socket: Socket, status: number): void {
  socket.end(`HTTP/1.1 ${status} No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}
