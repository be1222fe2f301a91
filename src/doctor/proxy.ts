/** The proxy through which QQ is reached: whether there is one, who named it, and whether it makes the connections that are needed. */
import type { HttpProxy, ProxyConfig } from '../config/config.js';
import { proxyFor } from '../http/proxied.js';
import { openTunnel, ProxyError } from '../http/proxy-tunnel.js';
import { describeError } from '../model/errors.js';
import type { Finding } from './finding.js';

const NAME = 'proxy';
const LIMIT_MS = 5000;

/** `urls`: what of QQ is called. `isOffline`: nothing is tried. */
export async function checkProxy(proxies: ProxyConfig, urls: readonly string[], isOffline: boolean): Promise<Finding> {
  const routes = new Map<string, { readonly proxy: HttpProxy; readonly host: string; readonly port: number }>();
  for (const url of urls.map((text) => new URL(text))) {
    const proxy = proxyFor(url, proxies);
    const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
    if (proxy !== undefined) routes.set(url.host, { proxy, host: url.hostname.replace(/^\[|\]$/g, ''), port });
  }
  const [first] = routes.values();
  if (first === undefined) return { name: NAME, level: 'ok', detail: unused(proxies) };
  const { proxy } = first;
  const isOfShell = proxy.from.startsWith('$');
  const source = isOfShell ? `${proxy.from} of this shell; the daemon knows only its own variables` : proxy.from;
  if (proxy.fault === undefined && isOffline)
    return { name: NAME, level: 'ok', detail: `${proxy.url} (${source}; not tried)` };
  for (const route of routes.values()) {
    try {
      (await openTunnel(route.proxy, route.host, route.port, LIMIT_MS)).destroy();
    } catch (error) {
      if (!(error instanceof ProxyError)) throw error;
      const remedy = error.remedy ?? 'correct gateway.proxy';
      return { name: NAME, level: 'fail', detail: describeError(error), remedy };
    }
  }
  return { name: NAME, level: 'ok', detail: `${proxy.url} (${source}) for ${[...routes.keys()].join(', ')}` };
}

function unused({ secure, plain }: ProxyConfig): string {
  const proxy = secure ?? plain;
  if (proxy === undefined) return 'none: QQ is reached directly';
  return `${proxy.from} names one, but every host is this machine or stands in NO_PROXY: QQ is reached directly`;
}
