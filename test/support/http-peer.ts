/** A server of the test's own that is asked for answers, as good or as bad as the test wants it. */
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

export interface Asked {
  readonly method: string | undefined;
  readonly path: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface HttpPeer {
  readonly url: string;
  /** What it was asked, whole. */
  readonly asked: readonly Asked[];
  /** How many connections it holds. */
  readonly connections: () => number;
}

/** Hands over each question once its body was read. */
export async function httpPeer(
  answer: (response: ServerResponse, asked: Asked, request: IncomingMessage) => void,
): Promise<HttpPeer> {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method, url: path, headers } = request;
      const one = { method, path, headers, body: Buffer.concat(chunks) };
      asked.push(one);
      answer(response, one, request);
    });
  });
  const { port, connections } = await listening(server);
  return { url: `http://127.0.0.1:${port}/turn`, asked, connections };
}

/** Answers each connection that said something with these bytes, whatever they are. */
export async function rawPeer(answer: (socket: Socket) => void): Promise<HttpPeer> {
  const server = createTcpServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => answer(socket));
  });
  const { port, connections } = await listening(server);
  return { url: `http://127.0.0.1:${port}/turn`, asked: [], connections };
}

/** A port where nobody listens. */
export async function closedPort(): Promise<number> {
  const server = createTcpServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export async function listening(
  server: Server,
  port = 0,
): Promise<{ readonly port: number; readonly connections: () => number }> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return { port: (server.address() as AddressInfo).port, connections: () => sockets.size };
}
