/** One `node:http` server on a TCP address or a unix socket: mostly with routes as a fetch handler, and upgrades on the side. */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { getRequestListener } from '@hono/node-server';

type FetchHandler = (request: Request, env: { readonly incoming: IncomingMessage }) => Response | Promise<Response>;

export type Address = { readonly host: string; readonly port: number } | { readonly socketPath: string };

export interface Listener {
  /** The port that was really bound; 0 on a unix socket. */
  readonly port: number;
  /** Stops listening, and ends open connections. */
  close(): Promise<void>;
}

/**
 * Listens until closed. `onUpgrade` takes over a socket that asked for an upgrade; without it such requests are refused.
 * @throws the `listen` error of Node, e.g. EADDRINUSE.
 */
export async function listen(
  address: Address,
  fetch: FetchHandler,
  onUpgrade?: (request: IncomingMessage, socket: Duplex, head: Buffer) => void,
): Promise<Listener> {
  const server: Server = createServer(getRequestListener(fetch as Parameters<typeof getRequestListener>[0]));
  if (onUpgrade !== undefined) server.on('upgrade', onUpgrade);
  return bind(server, address);
}

/** As `listen`, with a server that was made elsewhere. */
export async function bind(server: Server, address: Address): Promise<Listener> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    const ready = () => {
      server.off('error', reject);
      resolve();
    };
    if ('socketPath' in address) server.listen(address.socketPath, ready);
    else server.listen(address.port, address.host, ready);
  });
  const bound = server.address();
  return {
    port: typeof bound === 'object' && bound !== null ? (bound as AddressInfo).port : 0,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
