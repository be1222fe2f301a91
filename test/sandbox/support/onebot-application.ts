/** An application made of `ws` alone that an implementation dials in to: nothing of ours helps it to speak OneBot. */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import { waitUntil } from '../../support/wait-until.js';
import type { Json } from './bare-bot.js';

/** One line as the application has it. */
export interface HeardLine {
  readonly socket: WebSocket;
  readonly headers: IncomingHttpHeaders;
  /** As they stood on the wire. */
  readonly rawHeaders: readonly string[];
  readonly path: string;
  readonly events: Json[];
  readonly answers: Json[];
  /** Frames that are no JSON object. */
  readonly others: (string | Buffer)[];
  closed: { readonly code: number; readonly reason: string } | undefined;
}

export interface ApplicationOptions {
  /** HTTP status that an upgrade is refused with; undefined: it is taken. */
  readonly refuse?: (request: IncomingMessage) => number | undefined;
  readonly maxPayload?: number;
}

export class BareApplication {
  readonly lines: HeardLine[] = [];
  readonly #server: WebSocketServer;
  #calls = 0;

  private constructor(server: WebSocketServer) {
    this.#server = server;
    server.on('connection', (socket, request) => this.#take(socket, request));
  }

  static async listen({ refuse, maxPayload }: ApplicationOptions = {}): Promise<BareApplication> {
    const server = new WebSocketServer({
      host: '127.0.0.1',
      port: 0,
      perMessageDeflate: false,
      maxPayload: maxPayload ?? 0,
      verifyClient: (info, done) => {
        const status = refuse?.(info.req);
        done(status === undefined, status);
      },
    });
    await new Promise((resolve) => server.once('listening', resolve));
    return new BareApplication(server);
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#server.address() as AddressInfo).port}/onebot/v11/ws`;
  }

  /** The newest line. */
  get line(): HeardLine {
    const line = this.lines.at(-1);
    if (line === undefined) throw new Error('nobody dialled in');
    return line;
  }

  async dialled(count = 1): Promise<HeardLine> {
    await waitUntil(`line ${count}`, () => this.lines.length >= count);
    return this.lines[count - 1] as HeardLine;
  }

  /** Sends a call, and resolves with the next answer of its echo. */
  async call(action: string, params?: unknown, on: HeardLine = this.line): Promise<Json> {
    this.#calls += 1;
    const echo = `c${this.#calls}`;
    on.socket.send(JSON.stringify({ action, params, echo }));
    return await waitUntil(`the answer to ${action}`, () => on.answers.find((answer) => answer.echo === echo));
  }

  /** The first event of this kind, on any line. */
  async event(fits: (event: Json) => boolean): Promise<Json> {
    return await waitUntil('an event', () => this.lines.flatMap(({ events }) => events).find(fits));
  }

  async message(text: string): Promise<Json> {
    return await this.event((event) => event.post_type === 'message' && event.raw_message.includes(text));
  }

  close(): Promise<void> {
    for (const { socket } of this.lines) socket.terminate();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  #take(socket: WebSocket, { headers, rawHeaders, url = '' }: IncomingMessage): void {
    const line: HeardLine = {
      socket,
      headers,
      rawHeaders,
      path: url,
      events: [],
      answers: [],
      others: [],
      closed: undefined,
    };
    this.lines.push(line);
    socket.on('error', () => {});
    socket.on('close', (code, reason) => {
      line.closed = { code, reason: reason.toString() };
    });
    socket.on('message', (data: Buffer, isBinary) => {
      const frame = isBinary ? undefined : readObject(data.toString());
      if (frame === undefined) line.others.push(isBinary ? data : data.toString());
      else if ('post_type' in frame) line.events.push(frame);
      else line.answers.push(frame);
    });
  }
}

function readObject(text: string): Json | undefined {
  try {
    const value = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
