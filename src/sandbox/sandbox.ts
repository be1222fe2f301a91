/** A local stand-in for the QQ Open Platform: token, REST, gateway, a chat page and an API for tests, on one loopback port. */
import { type Listener, listen } from '../http/listener.js';
import { chatPage } from './chat-page.js';
import { gatewayEndpoint } from './gateway-endpoint.js';
import { openapiEndpoint } from './openapi-endpoint.js';
import { Platform } from './platform.js';
import type { WindowRules } from './reply-windows.js';
import { refusedBecause } from './request-guard.js';
import { sandboxApi } from './sandbox-api.js';
import { DEFAULT_SESSION_LIMIT, type SessionLimit } from './start-limit.js';

export interface SandboxOptions {
  /** 0 or nothing: any free port. Always on 127.0.0.1. */
  readonly port?: number;
  readonly appId?: string;
  readonly clientSecret?: string;
  /** What HELLO tells. A client that is silent for three of them is closed with 4009. */
  readonly heartbeatIntervalMs?: number;
  /** Milliseconds since 1970: drives windows, tokens, limits and time stamps, but no timers. */
  readonly now?: () => number;
  /** What is left out is as documented. */
  readonly windows?: Partial<WindowRules>;
  readonly sessionLimit?: SessionLimit;
}

export interface Sandbox {
  /** `http://127.0.0.1:PORT`: the chat page, and the root of everything else. */
  readonly url: string;
  /** For `api_base_url`. */
  readonly apiBaseUrl: string;
  /** For `token_url`. */
  readonly tokenUrl: string;
  readonly appId: string;
  readonly clientSecret: string;
  readonly botId: string;
  /** The same abilities as the JSON API, within this process. */
  readonly platform: Platform;
  /** Cuts every connection and frees the port. */
  close(): Promise<void>;
}

/** @throws the `listen` error of Node, e.g. EADDRINUSE. */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const platform = new Platform({
    appId: options.appId ?? '102000001',
    clientSecret: options.clientSecret ?? 'emulator-Secret_01',
    heartbeatIntervalMs: options.heartbeatIntervalMs ?? 41_250,
    now: options.now ?? Date.now,
    windows: options.windows ?? {},
    sessionLimit: options.sessionLimit ?? DEFAULT_SESSION_LIMIT,
  });
  const stop = new AbortController();
  let port = 0;
  const api = sandboxApi(platform, stop.signal);
  const gateway = gatewayEndpoint(platform, () => port);
  const openapi = openapiEndpoint(platform, () => `ws://127.0.0.1:${port}/websocket`, stop.signal);

  const listener: Listener = await listen(
    { host: '127.0.0.1', port: options.port ?? 0 },
    async (request, { incoming }) => {
      const refusal = refusedBecause(incoming.headers, port);
      if (refusal !== undefined)
        return Response.json({ error: { code: 'request.forbidden', message: refusal } }, { status: 403 });
      const { pathname } = new URL(request.url);
      if (pathname.startsWith('/sandbox/v1/')) return api.fetch(request);
      return (request.method === 'GET' ? await chatPage(pathname) : undefined) ?? openapi(request, incoming);
    },
    gateway.upgrade,
  );
  port = listener.port;

  const url = `http://127.0.0.1:${port}`;
  platform.onebot.origin = url;
  return {
    url,
    apiBaseUrl: url,
    tokenUrl: `${url}/app/getAppAccessToken`,
    appId: platform.setup.appId,
    clientSecret: platform.setup.clientSecret,
    botId: platform.bot.id,
    platform,
    async close() {
      stop.abort();
      platform.faults.remove();
      platform.webhook.close();
      await platform.onebot.close();
      await gateway.close();
      await listener.close();
    },
  };
}
