/** An OneBot implementation in the raw: a bare `ws` client that sends what a test wants and keeps what it hears. */
import type { IncomingMessage } from 'node:http';
import { onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { waitUntil } from '../../../support/wait-until.js';

export interface Heard {
  readonly action: string;
  readonly params: { readonly [key: string]: unknown };
  readonly echo: unknown;
}

export interface Answer {
  readonly status?: unknown;
  readonly retcode?: unknown;
  readonly data?: unknown;
  readonly [key: string]: unknown;
}

export interface Dialling {
  /** null: without the header. */
  readonly selfId?: string | null;
  readonly role?: string | null;
  readonly authorization?: string;
  readonly headers?: { readonly [name: string]: string };
  readonly origin?: string;
  /** It never answers a ping, as if it were gone. */
  readonly mute?: boolean;
  /** What it says it is. */
  readonly program?: string;
}

/** What a caller who was not let in gets to read. */
export interface Refused {
  readonly status: number;
  readonly body: string;
  readonly type: string | undefined;
}

const FACTS: { readonly [action: string]: unknown } = {
  get_login_info: { user_id: 10001, nickname: 'bot' },
  get_version_info: { app_name: 'raw', app_version: '1.0', protocol_version: 'v11' },
  get_status: { online: true, good: true },
};

export class RawImplementation {
  readonly socket: WebSocket;
  readonly heard: Heard[] = [];
  /** Close code and reason, once it is over. */
  closed: { readonly code: number; readonly reason: string } | undefined;
  /** Pings that came from the other side. */
  pings = 0;
  messageIds = 7_654_320;
  readonly #program: string | undefined;
  /** undefined: no answer. By default it knows itself, and takes every message. */
  onCall: (call: Heard) => Answer | undefined = (call) => this.usual(call);

  private constructor(socket: WebSocket, program: string | undefined) {
    this.socket = socket;
    this.#program = program;
    socket.on('message', (data) => {
      const call = JSON.parse(String(data)) as Heard;
      this.heard.push(call);
      const answer = this.onCall(call);
      if (answer !== undefined) this.send({ status: 'ok', retcode: 0, data: null, echo: call.echo, ...answer });
    });
    socket.on('ping', () => {
      this.pings++;
    });
    socket.on('close', (code, reason) => {
      this.closed = { code, reason: reason.toString() };
    });
    socket.on('error', () => undefined);
  }

  /** Dials in, and resolves once it is connected. */
  static async dial(url: string, dialling: Dialling = {}): Promise<RawImplementation> {
    const socket = open(url, dialling);
    const raw = new RawImplementation(socket, dialling.program);
    await new Promise<void>((resolve, reject) => {
      socket.once('open', resolve);
      socket.once('error', reject);
    });
    onTestFinished(() => socket.terminate());
    return raw;
  }

  usual(call: Heard): Answer {
    if (call.action.startsWith('send_')) return { data: { message_id: ++this.messageIds } };
    if (call.action === 'get_version_info' && this.#program !== undefined) return { data: { app_name: this.#program } };
    return { data: FACTS[call.action] ?? null };
  }

  /** Any text or bytes as a frame. */
  raw(frame: string | Buffer): void {
    this.socket.send(frame);
  }

  send(frame: unknown): void {
    this.socket.send(JSON.stringify(frame));
  }

  event(event: { readonly [key: string]: unknown }): void {
    this.send({ time: 1_760_000_000, self_id: 10001, ...event });
  }

  lifecycle(): void {
    this.event({ post_type: 'meta_event', meta_event_type: 'lifecycle', sub_type: 'connect' });
  }

  heartbeat(interval = 5000, online: unknown = true): void {
    this.event({ post_type: 'meta_event', meta_event_type: 'heartbeat', interval, status: { online, good: true } });
  }

  privateMessage(text: string, id: number, more: { readonly [key: string]: unknown } = {}): void {
    this.event({
      post_type: 'message',
      message_type: 'private',
      sub_type: 'friend',
      message_id: id,
      user_id: 20002,
      message: [{ type: 'text', data: { text } }],
      raw_message: text,
      font: 14,
      sender: { user_id: 20002, nickname: 'a' },
      ...more,
    });
  }

  groupMessage(message: unknown, id: number, more: { readonly [key: string]: unknown } = {}): void {
    this.event({
      post_type: 'message',
      message_type: 'group',
      sub_type: 'normal',
      message_id: id,
      user_id: 20002,
      group_id: 30003,
      message,
      raw_message: '',
      font: 14,
      sender: { user_id: 20002, nickname: 'a', card: 'b', role: 'member' },
      ...more,
    });
  }

  calls(action: string): readonly Heard[] {
    return this.heard.filter((call) => call.action === action);
  }

  /** The first call of this action, or the one after so many. */
  call(action: string, before = 0): Promise<Heard> {
    return waitUntil(`a call of ${action}`, () => this.calls(action)[before]);
  }

  end(): Promise<{ readonly code: number; readonly reason: string }> {
    return waitUntil('the end of the connection', () => this.closed);
  }
}

/** What is answered instead of the upgrade. */
export async function refusalOf(url: string, dialling: Dialling = {}): Promise<Refused> {
  const socket = open(url, dialling);
  return new Promise((resolve, reject) => {
    socket.on('error', () => undefined);
    socket.once('open', () => {
      socket.terminate();
      reject(new Error('it was let in'));
    });
    socket.once('unexpected-response', (_request, response: IncomingMessage) => {
      let body = '';
      response.on('data', (chunk: Buffer) => {
        body += chunk.toString();
      });
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, body, type: response.headers['content-type'] }),
      );
    });
  });
}

function open(url: string, { selfId = '10001', role = 'Universal', authorization, headers, origin, mute }: Dialling) {
  return new WebSocket(url, {
    perMessageDeflate: false,
    autoPong: mute !== true,
    ...(origin === undefined ? {} : { origin }),
    headers: {
      ...(selfId === null ? {} : { 'X-Self-ID': selfId }),
      ...(role === null ? {} : { 'X-Client-Role': role }),
      ...(authorization === undefined ? {} : { Authorization: authorization }),
      ...headers,
    },
  });
}
