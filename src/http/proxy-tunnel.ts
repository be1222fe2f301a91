/** A connection through an HTTP proxy: CONNECT, and then a socket as if there were nobody in between. */
import { type ClientRequest, type IncomingMessage, request as requestPlain } from 'node:http';
import { request as requestSecure } from 'node:https';
import { isIP, type Socket } from 'node:net';
import type { HttpProxy } from '../config/config.js';
import { describeError, LoongError } from '../model/errors.js';

const LONGEST_HEADERS_BYTES = 16_384;

/** No connection came about, so nothing was sent to whoever is behind the proxy. */
export class ProxyError extends LoongError {}

/**
 * A raw socket to `host` (a name, an IPv4 address, or an IPv6 address without brackets) and `port`. The name is resolved by the proxy.
 * @throws ProxyError
 */
export function openTunnel(proxy: HttpProxy, host: string, port: number, timeoutMs: number): Promise<Socket> {
  const { url, from, credentials, fault } = proxy;
  if (fault !== undefined) {
    return Promise.reject(
      new ProxyError('proxy.unusable', `${from} ${fault}`, {
        remedy: 'name an HTTP proxy as gateway.proxy, such as "http://127.0.0.1:7890", or empty that variable',
      }),
    );
  }
  const who = `the proxy ${url} (${from})`;
  const authority = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  return new Promise((resolve, reject) => {
    const to = new URL(url);
    const proxyHost = to.hostname.replace(/^\[|\]$/g, '');
    const connecting: ClientRequest = (to.protocol === 'https:' ? requestSecure : requestPlain)({
      host: proxyHost,
      // Left to itself, Node takes the name in `host` below, and wants the proxy to be whom it leads to.
      servername: isIP(proxyHost) === 0 ? proxyHost : '',
      port: to.port === '' ? (to.protocol === 'https:' ? 443 : 80) : Number(to.port),
      method: 'CONNECT',
      path: authority,
      agent: false,
      maxHeaderSize: LONGEST_HEADERS_BYTES,
      headers: {
        host: authority,
        ...(credentials === undefined
          ? {}
          : { 'proxy-authorization': `Basic ${Buffer.from(credentials).toString('base64')}` }),
      },
    });
    const timer = setTimeout(
      () => connecting.destroy(new Error(`no answer within ${timeoutMs / 1000} s`)),
      timeoutMs,
    ).unref();
    connecting.once('connect', (answer: IncomingMessage, socket: Socket, head: Buffer) => {
      clearTimeout(timer);
      const { statusCode: status = 0 } = answer;
      if (status < 200 || status > 299) {
        socket.destroy();
        return reject(refusal(who, status, authority, credentials !== undefined));
      }
      if (head.length > 0) {
        // Whoever is behind it speaks second, so these are words of the proxy.
        socket.destroy();
        return reject(foreign(who));
      }
      resolve(socket);
    });
    connecting.on('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      reject(noAnswer(who, error));
    });
    connecting.end();
  });
}

function refusal(who: string, status: number, authority: string, wasTold: boolean): ProxyError {
  if (status === 407) {
    const what = wasTold ? 'refused the user name and the password' : 'wants a user name and a password';
    return new ProxyError('proxy.auth', `${who} ${what} (HTTP 407)`, {
      remedy: `${wasTold ? 'correct' : 'write'} them in its URL: "http://user:password@host:port", with \`%40\` for an @`,
    });
  }
  // In front of whom the proxy has no way, it says 502 to 504; whatever else it says is about itself.
  const isBehind = status >= 502 && status <= 504;
  return new ProxyError('proxy.refused', `${who} makes no connection to ${authority} (HTTP ${status})`, {
    remedy: isBehind
      ? 'look whether the proxy itself reaches that host, or name the host in NO_PROXY'
      : 'let the rules of the proxy permit CONNECT to that host and port, or name the host in NO_PROXY',
  });
}

function foreign(who: string, cause?: unknown): ProxyError {
  return new ProxyError('proxy.foreign', `${who} does not answer as an HTTP proxy does`, {
    remedy: 'look for the HTTP (or mixed) port of that program: one for SOCKS is another',
    cause,
  });
}

function noAnswer(who: string, error: NodeJS.ErrnoException): ProxyError {
  if (/^HPE_/.test(error.code ?? '')) return foreign(who, error);
  return new ProxyError('proxy.unreachable', `${who} gives no connection: ${describeError(error)}`, {
    remedy: 'start that program, or correct its address; without one, empty gateway.proxy and the variable HTTPS_PROXY',
    cause: error,
  });
}
