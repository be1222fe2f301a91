/** A bot made of `fetch` and `ws` alone: nothing of ours helps it to speak the protocol. */
import { WebSocket } from 'ws';
import type { Sandbox } from '../../../src/sandbox/sandbox.js';

// biome-ignore lint/suspicious/noExplicitAny: frames and bodies are looked at from outside, as whatever they are
export type Json = any;

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: Json;
}

/** One HTTP request, its answer read; a body that is no JSON stays `undefined`. */
export async function call(url: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(url, init);
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json') === true && text !== '';
  return { status: response.status, headers: response.headers, text, body: isJson ? JSON.parse(text) : undefined };
}

export const postJson = (url: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer> =>
  call(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });

export async function fetchToken(sandbox: Sandbox): Promise<string> {
  const { body } = await postJson(sandbox.tokenUrl, { appId: sandbox.appId, clientSecret: sandbox.clientSecret });
  return body.access_token;
}

/** Posts to the platform with a token. */
export async function post(sandbox: Sandbox, path: string, body: unknown, token?: string): Promise<Answer> {
  return await postJson(sandbox.apiBaseUrl + path, body, {
    Authorization: `QQBot ${token ?? (await fetchToken(sandbox))}`,
  });
}

export async function get(sandbox: Sandbox, path: string): Promise<Answer> {
  return await call(sandbox.apiBaseUrl + path, { headers: { Authorization: `QQBot ${await fetchToken(sandbox)}` } });
}

/** The sandbox's own API. */
export const order = (sandbox: Sandbox, path: string, body: unknown): Promise<Answer> =>
  postJson(`${sandbox.url}/sandbox/v1${path}`, body);

/** Bits 0, 1, 12, 25, 26 and 30. */
export const USUAL_INTENTS = 1174409219;

/** A WebSocket whose frames are read one by one, each waited for. */
export class BareSocket {
  readonly ws: WebSocket;
  readonly closed: Promise<{ code: number; reason: string }>;
  readonly #frames: string[] = [];
  #wake: () => void = () => {};

  constructor(sandbox: Sandbox, options: { headers?: Record<string, string> } = {}) {
    this.ws = new WebSocket(`${sandbox.url.replace('http', 'ws')}/websocket`, options);
    this.ws.on('message', (data) => {
      this.#frames.push(String(data));
      this.#wake();
    });
    this.ws.on('error', () => {});
    this.closed = new Promise((resolve) => {
      this.ws.on('close', (code, reason) => resolve({ code, reason: reason.toString() }));
    });
  }

  send(frame: unknown): void {
    this.ws.send(typeof frame === 'string' ? frame : JSON.stringify(frame));
  }

  async text(): Promise<string> {
    for (;;) {
      const frame = this.#frames.shift();
      if (frame !== undefined) return frame;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async frame(): Promise<Json> {
    return JSON.parse(await this.text());
  }

  /** Frames that came and were not read yet. */
  get waiting(): number {
    return this.#frames.length;
  }
}

export interface BareBot {
  readonly socket: BareSocket;
  readonly token: string;
  readonly sessionId: string;
  readonly hello: Json;
  readonly ready: Json;
}

/** Token, HELLO, Identify, READY. */
export async function connectBot(sandbox: Sandbox, intents = USUAL_INTENTS): Promise<BareBot> {
  const token = await fetchToken(sandbox);
  const socket = new BareSocket(sandbox);
  const hello = await socket.frame();
  socket.send({ op: 2, d: { token: `QQBot ${token}`, intents, shard: [0, 1], properties: {} } });
  const ready = await socket.frame();
  return { socket, token, sessionId: ready.d?.session_id, hello, ready };
}

/** A new connection that sends Resume. */
export async function resume(
  sandbox: Sandbox,
  bot: Pick<BareBot, 'token' | 'sessionId'>,
  seq: number,
): Promise<BareSocket> {
  const socket = new BareSocket(sandbox);
  await socket.frame();
  socket.send({ op: 6, d: { token: `QQBot ${bot.token}`, session_id: bot.sessionId, seq } });
  return socket;
}
