/** The road of one account, made of its parts: lane, doors, conversations, delivery. */
import type { AccountPolicy } from '../access/admission.js';
import { allowedPeers } from '../access/allowed-peers.js';
import type { Backend } from '../backends/backend.js';
import { echo } from '../backends/echo.js';
import { execCommand } from '../backends/exec-command.js';
import type { GroupRecords } from '../backends/group-records.js';
import type { BackendConfig, Config, QqbotAccount, ReplyWindowConfig } from '../config/config.js';
import type { AccountState } from '../control/api.js';
import type { StatusBoard } from '../control/status-board.js';
import type { Lane, ReplyRight } from '../lanes/lane.js';
import { encodedSizes } from '../lanes/qqbot/encoded-sizes.js';
import type { ResumeMemory } from '../lanes/qqbot/gateway-loop.js';
import { QqbotLane } from '../lanes/qqbot/qqbot-lane.js';
import { ConfigError } from '../model/errors.js';
import { laneId, type Target } from '../model/target.js';
import { Conversations } from '../relay/conversations.js';
import { Delivery } from '../relay/delivery.js';
import { Inbound } from '../relay/inbound.js';
import { Outbound } from '../relay/outbound.js';
import type { Cutting } from '../relay/parts.js';
import type { Settlements } from '../relay/settlements.js';
import type { Store } from '../store/store.js';
import type { Counters } from '../telemetry/counters.js';
import type { Log, Secrets } from '../telemetry/log.js';

/** What the parts need from the process they run in. */
export interface Surroundings {
  readonly log: Log;
  readonly secrets: Secrets;
  /** `$XDG_RUNTIME_DIR`, where there is one. */
  readonly runtimeDir: string | undefined;
}

/** The road of one account, from its lane and back to it. */
export interface Road {
  readonly account: QqbotAccount;
  readonly lane: Lane;
  readonly inbound: Inbound;
  readonly outbound: Outbound;
  readonly delivery: Delivery;
  readonly conversations: Conversations;
}

export function buildRoad(
  config: Config,
  account: QqbotAccount,
  store: Store,
  counters: Counters,
  settlements: Settlements,
  board: StatusBoard,
  commands: GroupRecords,
  around: Surroundings,
): Road {
  const lane = openLane(account, sessionsOf(store, account), counters, around);
  const log = around.log.child({ lane: lane.id });
  const allowed = allowedPeers(account.allowedPeerIds);
  const policy: AccountPolicy = { allowed, requireMention: account.requireMention };
  const { inbox, outbox, events } = store;
  const delivery = new Delivery({
    lane,
    outbox,
    allowed,
    counters,
    log,
    secrets: around.secrets,
    onSettled: (id) => settlements.settled(id),
  });
  const wakeDelivery = () => delivery.wake();
  const outbound = new Outbound({
    allowed,
    inbox,
    outbox,
    parkTtlMs: account.parkTtlMs,
    cutting: cuttingOf(account),
    places: (conversation) => lane.replyRight(conversation)?.count,
    delivery,
  });
  const settings = config.backends.get(account.backend);
  if (settings === undefined) throw new Error(`no backend ${account.backend}: the config reader let it through`);
  const { timeoutMs } = settings;
  const conversations = new Conversations({
    account: lane.id,
    backend: backendOf(settings, commands),
    concurrency: settings.concurrency,
    timeoutMs,
    apology: account.apology,
    inbox,
    outbound,
    counters,
    log,
    secrets: around.secrets,
  });
  const onState = (state: AccountState, detail: string | undefined) => board.set(lane.id, { state, detail });
  const onInbound = () => board.note(lane.id, 'last_inbound_at', Date.now());
  const onAck = (at: number) => board.note(lane.id, 'last_ack_at', at);
  const inbound = new Inbound({
    lane,
    policy,
    inbox,
    events,
    conversations,
    counters,
    log,
    wakeDelivery,
    onReviewed: (id) => settlements.settled(id),
    onState,
    onInbound,
    onAck,
  });
  return { account, lane, inbound, outbound, delivery, conversations };
}

/** @throws ConfigError when the account's credentials were not found. */
export function openLane(
  account: QqbotAccount,
  memory: ResumeMemory,
  counters: Counters,
  { log, secrets }: Surroundings,
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
  const id = laneId(accountTarget(account));
  return new QqbotLane({
    account: account.id,
    appId: appId.value,
    clientSecret: clientSecret.value,
    apiBaseUrl: account.apiBaseUrl,
    tokenUrl: account.tokenUrl,
    intents: account.intents,
    replyRights: {
      c2c: right(replyWindows.c2c),
      group: right(replyWindows.group),
      channel: right(replyWindows.channel),
    },
    markdown: account.markdown,
    memory,
    log: log.child({ lane: id }),
    counters,
    onToken: (token, replaced) => {
      secrets.learn(token);
      if (replaced !== undefined) secrets.forget(replaced);
    },
  });
}

export function accountTarget(account: QqbotAccount): Pick<Target, 'channel' | 'account'> {
  return { channel: account.channel, account: account.id };
}

export function sessionsOf(store: Store, account: QqbotAccount): ResumeMemory {
  const id = laneId(accountTarget(account));
  return {
    load: (key) => store.sessions.load(id, key),
    save: (key, point) => store.sessions.save(id, key, point),
  };
}

function backendOf(config: BackendConfig, commands: GroupRecords): Backend {
  return config.type === 'echo' ? echo : execCommand(config, commands);
}

export function cuttingOf({ textChunkLimit, chunkMode }: QqbotAccount): Cutting {
  return { limit: textChunkLimit, mode: chunkMode, sizes: encodedSizes };
}

function right({ minutes, count }: ReplyWindowConfig): ReplyRight {
  return { ttlMs: minutes * 60_000, count };
}
