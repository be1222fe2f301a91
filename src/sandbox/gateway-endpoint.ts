/** The upgrade at `/websocket`: lets a bot's connection in, or refuses it while the gateway is ordered to be down. */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { holdConnection } from './gateway-connection.js';
import type { Platform } from './platform.js';
import { refusedBecause } from './request-guard.js';

const MAX_FRAME_BYTES = 64 * 1024;
const MAX_CONNECTIONS = 100;

export interface GatewayEndpoint {
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Cuts every connection, and resolves when all are gone. */
  close(): Promise<void>;
}

/** @param port the bound port, once it is known */
export function gatewayEndpoint(platform: Platform, port: () => number): GatewayEndpoint {
  const server = new WebSocketServer({ noServer: true, maxPayload: MAX_FRAME_BYTES, clientTracking: false });
  const stop = new AbortController();
  const open = new Set<Promise<void>>();
  let connections = 0;

  const accept = (ws: WebSocket) => {
    connections += 1;
    const held = holdConnection(ws, connections, platform, stop.signal).finally(() => open.delete(held));
    open.add(held);
  };
  return {
    upgrade(request, socket, head) {
      const refusal = refusedUpgrade(request, port(), platform);
      if (refusal === undefined) server.handleUpgrade(request, socket, head, accept);
      else turnAway(socket, refusal);
    },
    async close() {
      stop.abort();
      await Promise.all(open);
    },
  };
}

function turnAway(socket: Duplex, refusal: string): void {
  // The other side may be gone already; there is nobody to tell then.
  socket.on('error', () => socket.destroy());
  socket.end(`HTTP/1.1 ${refusal}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

function refusedUpgrade(request: IncomingMessage, port: number, platform: Platform): string | undefined {
  if (refusedBecause(request.headers, port) !== undefined) return '403 Forbidden';
  if (!/^\/websocket\/?(\?|$)/.test(request.url ?? '')) return '404 Not Found';
  if (platform.faults.take('gateway.down') !== undefined || platform.sessions.links.size >= MAX_CONNECTIONS)
    return '503 Service Unavailable';
  return undefined;
}
