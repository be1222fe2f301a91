/** Which connections go through a proxy, and how a REST client and a WebSocket are led there. */
import type { ClientRequestArgs } from 'node:http';
import { type createConnection as createConnectionNow, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { buildConnector } from 'undici';
import type { HttpProxy, ProxyConfig } from '../config/config.js';
import { isLoopback } from '../model/loopback.js';
import { openTunnel } from './proxy-tunnel.js';

/** The proxy through which `url` (http, https, ws or wss) is reached; undefined: it is reached directly. */
export function proxyFor(url: URL, { secure, plain, exceptions, takesLoopback }: ProxyConfig): HttpProxy | undefined {
  const isSecure = url.protocol === 'https:' || url.protocol === 'wss:';
  const proxy = isSecure ? secure : plain;
  if (proxy === undefined) return undefined;
  const host = hostOf(url);
  if (!takesLoopback && isLoopback(host)) return undefined;
  const port = portOf(url);
  return exceptions.some((exception) => isExcepted(exception.toLowerCase(), host, port)) ? undefined : proxy;
}

/** `*`, a host with all below it (with or without a dot in front), or one with its port. */
function isExcepted(exception: string, host: string, port: number): boolean {
  if (exception === '*') return true;
  const [, bracketed, named, of] = /^(?:\[(.*)\]|([^:]*))(?::(\d+))?$/.exec(exception) ?? [];
  if (of !== undefined && Number(of) !== port) return false;
  const name = (bracketed ?? named ?? exception).replace(/^\*?\./, '').replace(/\.$/, '');
  return name !== '' && (host === name || (isIP(host) === 0 && host.endsWith(`.${name}`)));
}

/** How an undici agent connects. Where no proxy is configured that is its own way. */
export function restConnections(proxies: ProxyConfig, timeoutMs: number) {
  if (!isConfigured(proxies)) return { timeout: timeoutMs };
  const directly = buildConnector({ timeout: timeoutMs });
  const connect: buildConnector.connector = (options, callback) => {
    const { protocol, hostname, port } = options;
    const url = new URL(`${protocol}//${bracketed(hostname)}${port === '' ? '' : `:${port}`}`);
    const proxy = proxyFor(url, proxies);
    if (proxy === undefined) return directly(options, callback);
    openTunnel(proxy, hostOf(url), portOf(url), timeoutMs).then(
      // TLS is laid over the tunnel in undici's own way.
      (socket) =>
        protocol === 'https:' ? directly({ ...options, httpSocket: socket }, callback) : callback(null, socket),
      (error: Error) => callback(error, null),
    );
  };
  return connect;
}

type Created = (error: Error | null, socket?: Socket) => void;

/** What a `ws` client needs to know beside the URL. */
export function webSocketConnection(url: string, proxies: ProxyConfig, timeoutMs: number) {
  const to = new URL(url);
  const proxy = isConfigured(proxies) ? proxyFor(to, proxies) : undefined;
  if (proxy === undefined) return {};
  const createConnection = (_options: ClientRequestArgs, created: Created) => {
    openTunnel(proxy, hostOf(to), portOf(to), timeoutMs).then(
      (socket) => (to.protocol === 'wss:' ? layTls(socket, hostOf(to), timeoutMs, created) : created(null, socket)),
      (error: Error) => created(error),
    );
  };
  // `ws` hands it to `node:http`, which takes the socket later, too.
  return { createConnection: createConnection as unknown as typeof createConnectionNow };
}

function layTls(socket: Socket, host: string, timeoutMs: number, created: Created): void {
  const secure = connectTls({ socket, host, ...(isIP(host) === 0 ? { servername: host } : {}) });
  const fail = (error: Error) => {
    clearTimeout(timer);
    secure.destroy();
    created(error);
  };
  const timer = setTimeout(() => fail(new Error(`no TLS with ${host} within ${timeoutMs / 1000} s`)), timeoutMs);
  secure.once('error', fail);
  secure.once('secureConnect', () => {
    clearTimeout(timer);
    secure.off('error', fail);
    created(null, secure);
  });
}

function isConfigured({ secure, plain }: ProxyConfig): boolean {
  return secure !== undefined || plain !== undefined;
}

/** Without brackets. */
function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, '').toLowerCase();
}

function bracketed(hostname: string): string {
  return isIP(hostname) === 6 ? `[${hostname}]` : hostname;
}

function portOf({ port, protocol }: URL): number {
  if (port !== '') return Number(port);
  return protocol === 'https:' || protocol === 'wss:' ? 443 : 80;
}
