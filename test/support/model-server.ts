/** A server of a language model that does as the test says: real HTTP on loopback. */
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ModelRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** Parsed. */
  readonly body: { readonly model?: string; readonly stream?: boolean; readonly messages?: readonly ModelMessage[] };
}

interface ModelMessage {
  readonly role: string;
  readonly content: string;
}

type Reply = (to: ServerResponse, request: ModelRequest) => void | Promise<void>;

export interface ModelServer {
  /** Ends with /v1. */
  readonly baseUrl: string;
  readonly requests: readonly ModelRequest[];
  /** Requests whose connection ended before their answer did. */
  readonly leftAlone: () => number;
  close(): Promise<void>;
}

/** Answers the n-th request with the n-th reply, and all that follow with the last. */
export async function openModelServer(first: Reply, ...others: readonly Reply[]): Promise<ModelServer> {
  const replies = [first, ...others];
  const requests: ModelRequest[] = [];
  let left = 0;
  const server = createServer((incoming, to) => {
    const chunks: Buffer[] = [];
    to.on('close', () => {
      if (!to.writableFinished) left++;
    });
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const { method = '', url: path = '', headers } = incoming;
      const text = Buffer.concat(chunks).toString();
      const request = { method, path, headers, body: text === '' ? {} : JSON.parse(text) };
      requests.push(request);
      void (replies[requests.length - 1] ?? replies.at(-1) ?? first)(to, request);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    requests,
    leftAlone: () => left,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** One event of the stream, as OpenAI writes it. */
export function chunk(delta: object, finish: string | null = null): string {
  const choices = [{ index: 0, delta, finish_reason: finish }];
  return `data: ${JSON.stringify({ id: 'c1', object: 'chat.completion.chunk', created: 1, model: 'm', choices })}\n\n`;
}

export const DONE = 'data: [DONE]\n\n';

export function asStream(to: ServerResponse): ServerResponse {
  return to.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
}

/** A whole answer in pieces, and its end. */
export function says(...pieces: readonly string[]): Reply {
  return (to) => {
    asStream(to).write(chunk({ role: 'assistant', content: '' }));
    for (const content of pieces) to.write(chunk({ content }));
    to.end(chunk({}, 'stop') + DONE);
  };
}

/** The stream as it is written here. */
export function streams(...raw: readonly string[]): Reply {
  return (to) => {
    asStream(to);
    for (const part of raw) to.write(part);
    to.end();
  };
}

export function refuses(status: number, error: unknown, headers: { readonly [name: string]: string } = {}): Reply {
  return (to) => {
    to.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify({ error }));
  };
}
