/** The lane of one account, made from its config. */
import type {
  Account,
  OnebotAccount,
  ProxyConfig,
  QqbotAccount,
  ReplyWindowConfig,
  Resolved,
} from '../config/config.js';
import type { Lane, ReplyRight } from '../lanes/lane.js';
import { OnebotLane } from '../lanes/onebot/onebot-lane.js';
import type { Binding } from '../lanes/onebot/peer-door.js';
import type { ReverseWsPorts } from '../lanes/onebot/reverse-ws-ports.js';
import { encodedSizes } from '../lanes/qqbot/encoded-sizes.js';
import type { ResumeMemory } from '../lanes/qqbot/gateway-loop.js';
import { QqbotLane } from '../lanes/qqbot/qqbot-lane.js';
import type { WebhookPorts } from '../lanes/qqbot/webhook-ports.js';
import { ConfigError } from '../model/errors.js';
import { laneId, type Target } from '../model/target.js';
import type { Cutting } from '../relay/parts.js';
import type { Store } from '../store/store.js';
import type { Counters } from '../telemetry/counters.js';
import type { Log, Secrets } from '../telemetry/log.js';

/** The official clients send a piece of a stream as often. */
const STREAM_EVERY_MS = 500;

/** Where others call in: one of each for all accounts together. */
export interface Ports {
  readonly onebot: ReverseWsPorts;
  readonly webhook: WebhookPorts;
}

/** What the parts need from the process they run in. */
export interface Surroundings {
  readonly log: Log;
  readonly secrets: Secrets;
  /** `$XDG_RUNTIME_DIR`, where there is one. */
  readonly runtimeDir: string | undefined;
  readonly proxy: ProxyConfig;
}

/** @throws ConfigError when something of the account that is secret was not found. */
export function openLane(account: Account, store: Store, counters: Counters, ports: Ports, around: Surroundings): Lane {
  return account.channel === 'qqbot'
    ? openQqbotLane(account, sessionsOf(store, account), counters, ports.webhook, around)
    : openOnebotLane(account, bindingOf(store, account), counters, ports.onebot, around);
}

/** @throws ConfigError when the account's credentials were not found. */
export function openQqbotLane(
  account: QqbotAccount,
  memory: ResumeMemory,
  counters: Counters,
  ports: WebhookPorts,
  { log, secrets, proxy }: Surroundings,
): QqbotLane {
  const { appId, clientSecret, replyWindows } = account;
  if (!appId.ok || !clientSecret.ok) {
    const missing = [
      appId.ok ? undefined : { path: 'app_id', why: appId.why },
      clientSecret.ok ? undefined : { path: 'client_secret', why: clientSecret.why },
    ];
    throw new ConfigError(
      missing.flatMap((m) => (m === undefined ? [] : [{ path: `qqbot.${m.path}`, message: m.why }])),
    );
  }
  secrets.learn(clientSecret.value);
  for (const text of secretsOfProxy(proxy)) secrets.learn(text);
  const id = laneId(accountTarget(account));
  return new QqbotLane({
    account: account.id,
    appId: appId.value,
    clientSecret: clientSecret.value,
    apiBaseUrl: account.apiBaseUrl,
    tokenUrl: account.tokenUrl,
    intents: account.intents,
    proxy,
    replyRights: {
      c2c: right(replyWindows.c2c),
      group: right(replyWindows.group),
      channel: right(replyWindows.channel),
    },
    markdown: account.markdown,
    // A part is cut at a fit place, so it may be shorter than its limit.
    stream: { everyMs: STREAM_EVERY_MS, maxChars: Math.floor(account.textChunkLimit / 2) },
    memory,
    ...(account.transport === 'webhook' ? { webhook: { ports, place: account.webhook } } : {}),
    log: log.child({ lane: id }),
    counters,
    onToken: (token, replaced) => {
      secrets.learn(token);
      if (replaced !== undefined) secrets.forget(replaced);
    },
  });
}

/** The password, and how it is sent. */
function secretsOfProxy({ secure, plain }: ProxyConfig): readonly string[] {
  const pairs = [secure, plain].flatMap((proxy) => proxy?.credentials ?? []);
  return pairs.flatMap((pair) => [pair.slice(pair.indexOf(':') + 1), Buffer.from(pair).toString('base64')]);
}

function openOnebotLane(
  account: OnebotAccount,
  binding: Binding,
  counters: Counters,
  ports: ReverseWsPorts,
  { log, secrets }: Surroundings,
): OnebotLane {
  const token = tokenOf(account.accessToken);
  if (token !== undefined) secrets.learn(token);
  return new OnebotLane({
    mediaMaxBytes: account.mediaMaxBytes,
    account: account.id,
    endpoint: {
      host: account.wsHost,
      port: account.wsPort,
      path: account.wsPath,
      ...(account.selfId === undefined ? {} : { selfId: account.selfId }),
      ...(token === undefined ? {} : { token }),
    },
    binding,
    heartbeat: account.heartbeat,
    reconnect: account.reconnect,
    markdown: account.markdown,
    ports,
    log: log.child({ lane: laneId(accountTarget(account)) }),
    counters,
  });
}

function tokenOf(found: Resolved | undefined): string | undefined {
  if (found === undefined || found.ok) return found?.value;
  throw new ConfigError([{ path: 'onebot.access_token', message: found.why }]);
}

export function accountTarget(account: Account): Pick<Target, 'channel' | 'account'> {
  return { channel: account.channel, account: account.id };
}

export function sessionsOf(store: Store, account: Account): ResumeMemory {
  const id = laneId(accountTarget(account));
  return {
    load: (key) => store.sessions.load(id, key),
    save: (key, point) => store.sessions.save(id, key, point),
  };
}

function bindingOf({ identities }: Store, account: Account): Binding {
  const id = laneId(accountTarget(account));
  return { selfId: identities.of(id), bind: (selfId) => identities.bind(id, selfId) };
}

export function cuttingOf({ channel, textChunkLimit, chunkMode }: Account): Cutting {
  return { limit: textChunkLimit, mode: chunkMode, ...(channel === 'qqbot' ? { sizes: encodedSizes } : {}) };
}

function right({ minutes, count }: ReplyWindowConfig): ReplyRight {
  return { ttlMs: minutes * 60_000, count };
}
