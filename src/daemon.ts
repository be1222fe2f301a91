/** Composition root: the one place where parts are made and tied together. Starts, serves and stops the daemon; delivers once without one. */
import { join } from 'node:path';
import type { AccountPolicy } from './access/admission.js';
import { type AllowedPeers, allowedPeers } from './access/allowed-peers.js';
import type { Backend } from './backends/backend.js';
import { echo } from './backends/echo.js';
import { execCommand } from './backends/exec-command.js';
import type { BackendConfig, Config, QqbotAccount, ReplyWindowConfig } from './config/config.js';
import type { AccountState, DaemonOperations, Receipt } from './control/api.js';
import { openControlServer } from './control/control-server.js';
import { daemonOperations } from './control/operations.js';
import { receiptOf } from './control/receipt.js';
import { StatusBoard } from './control/status-board.js';
import type { Listener } from './http/listener.js';
import type { Lane, ProbeStep, ReplyRight } from './lanes/lane.js';
import type { ResumeMemory } from './lanes/qqbot/gateway-loop.js';
import { QqbotLane } from './lanes/qqbot/qqbot-lane.js';
import { pause } from './model/backoff.js';
import { ConfigError, describeError, LoongError, StoreError } from './model/errors.js';
import type { Segment } from './model/message.js';
import { laneId, type Target } from './model/target.js';
import { VERSION } from './model/version.js';
import { Conversations } from './relay/conversations.js';
import { Delivery } from './relay/delivery.js';
import { Inbound } from './relay/inbound.js';
import { deliverNow } from './relay/one-shot.js';
import { assertSendable, Outbound } from './relay/outbound.js';
import type { Cutting } from './relay/parts.js';
import { Settlements } from './relay/settlements.js';
import { acquireOwner, OwnedElsewhere, type OwnerInfo, type OwnerLock } from './store/owner.js';
import { openStore } from './store/sqlite/sqlite-store.js';
import { controlSocketPath, ensurePrivateDir } from './store/state-dir.js';
import type { Store } from './store/store.js';
import { Supervisor } from './supervisor/supervisor.js';
import { Counters } from './telemetry/counters.js';
import type { Log, Secrets } from './telemetry/log.js';

/** Running turns and sends get so long to end when the daemon is asked to stop. */
const STOP_GRACE_MS = 10_000;
/** A one-shot send holds the state directory for moments only, so a starting daemon waits for it. */
const WAIT_FOR_SEND_MS = 60_000;
/** A one-shot send waits so long for a daemon that is just starting, or just gone. */
const WAIT_FOR_DAEMON_MS = 1000;
/** How often a one-shot send looks whether its turn has come. */
const SEND_POLL_MS = 75;
/** The outcome of a one-shot send may be written down so long after its deadline. */
const SETTLE_GRACE_MS = 500;
const PRUNE_EVERY_MS = 3_600_000;
const DAY_MS = 86_400_000;

/** What the parts need from the process they run in. */
export interface Surroundings {
  readonly log: Log;
  readonly secrets: Secrets;
  /** `$XDG_RUNTIME_DIR`, where there is one. */
  readonly runtimeDir: string | undefined;
}

export interface Daemon extends DaemonOperations {
  /** Resolves when somebody asked for the end over the control socket. */
  readonly stopRequested: Promise<void>;
  /** Takes nothing more, finishes running turns and sends within 10 s, and lets go of the state directory. */
  stop(): Promise<void>;
}

/** The road of one account, from its lane and back to it. */
interface Road {
  readonly account: QqbotAccount;
  readonly lane: Lane;
  readonly inbound: Inbound;
  readonly outbound: Outbound;
  readonly delivery: Delivery;
  readonly conversations: Conversations;
}

/**
 * Runs `accounts` of `config` until stopped.
 * @throws ConfigError when one of them could never admit anything; OwnedElsewhere when another daemon has the state directory.
 */
export async function startDaemon(
  config: Config,
  accounts: readonly QqbotAccount[],
  around: Surroundings,
): Promise<Daemon> {
  const { log } = around;
  assertServable(accounts);
  const { stateDir } = config.gateway;
  ensurePrivateDir(stateDir);
  const socket = controlSocketPath(stateDir, around.runtimeDir);
  const owner = await acquireForDaemon(stateDir, { pid: process.pid, kind: 'daemon', socket }, log);
  const started: { store?: Store; control?: Listener } = {};
  try {
    const store = openStore(join(stateDir, 'loong.db'), config.gateway.durability);
    started.store = store;
    const found = await store.outbox.recover();
    if (found.again + found.uncertain > 0) log.warn(found, 'messages were being sent when loong ended last');

    const counters = new Counters();
    const settlements = new Settlements(store.outbox);
    const board = new StatusBoard(accounts.map(accountTarget), log);
    const roads = new Map(
      accounts.map((account) => [
        laneId(accountTarget(account)),
        buildRoad(config, account, store, counters, settlements, board, around),
      ]),
    );
    let requestStop = () => {};
    const stopRequested = new Promise<void>((resolve) => {
      requestStop = resolve;
    });
    const operations = daemonOperations({
      requestStop,
      outbounds: new Map([...roads].map(([id, road]) => [id, road.outbound])),
      defaultAccount: config.qqbot.defaultAccount,
      settlements,
      board,
      counters,
    });
    started.control = await openControlServer(socket, operations, log);

    const supervisor = new Supervisor((name, change) =>
      board.set(name, 'why' in change ? { ...change, detail: change.why } : change),
    );
    for (const { lane, inbound, conversations, delivery } of roads.values()) {
      conversations.start();
      delivery.wake();
      supervisor.start({ name: lane.id, run: (signal) => lane.run(inbound, signal) });
    }
    const pruning = keepPruned(store, config.gateway.retentionDays, log);
    log.info({ pid: process.pid, version: VERSION, accounts: [...roads.keys()] }, 'loong runs');
    return {
      ...operations,
      stopRequested,
      stop: () => stopDaemon({ roads, supervisor, pruning, store, owner, control: started.control }, log),
    };
  } catch (error) {
    await started.control?.close();
    await started.store?.close();
    owner.release();
    throw error;
  }
}

/** @throws ConfigError naming every account that could never admit anything. */
function assertServable(accounts: readonly QqbotAccount[]): void {
  const problems = accounts
    .filter((account) => allowedPeers(account.allowedPeerIds).isEmpty)
    .map((account) => ({
      path: 'qqbot.allowed_peer_ids',
      message: `account \`${account.id}\` could never admit a message: allowed_peer_ids is empty`,
      remedy: 'add the openid of at least one peer, e.g. allowed_peer_ids = ["openid_alice"]',
    }));
  if (problems.length > 0) throw new ConfigError(problems);
}

async function acquireForDaemon(stateDir: string, me: OwnerInfo, log: Log): Promise<OwnerLock> {
  const deadline = Date.now() + WAIT_FOR_SEND_MS;
  let told = false;
  for (;;) {
    try {
      return acquireOwner(stateDir, me);
    } catch (error) {
      if (!(error instanceof OwnedElsewhere) || error.owner?.kind !== 'send' || Date.now() > deadline) throw error;
      if (!told) log.info({ pid: error.owner.pid }, 'waiting for a `loong channels send` to end');
      told = true;
      await pause(100);
    }
  }
}

function accountTarget(account: QqbotAccount): Pick<Target, 'channel' | 'account'> {
  return { channel: account.channel, account: account.id };
}

/** @throws ConfigError when the account's credentials were not found. */
function openLane(
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
    memory,
    log: log.child({ lane: id }),
    counters,
    onToken: (token, replaced) => {
      secrets.learn(token);
      if (replaced !== undefined) secrets.forget(replaced);
    },
  });
}

function sessionsOf(store: Store, account: QqbotAccount): ResumeMemory {
  const id = laneId(accountTarget(account));
  return {
    load: (key) => store.sessions.load(id, key),
    save: (key, point) => store.sessions.save(id, key, point),
  };
}

function backendOf(config: BackendConfig): Backend {
  return config.type === 'echo' ? echo : execCommand(config);
}

function cuttingOf({ textChunkLimit, chunkMode }: QqbotAccount): Cutting {
  return { limit: textChunkLimit, mode: chunkMode };
}

function right({ minutes, count }: ReplyWindowConfig): ReplyRight {
  return { ttlMs: minutes * 60_000, count };
}

function buildRoad(
  config: Config,
  account: QqbotAccount,
  store: Store,
  counters: Counters,
  settlements: Settlements,
  board: StatusBoard,
  around: Surroundings,
): Road {
  const lane = openLane(account, sessionsOf(store, account), counters, around);
  const log = around.log.child({ lane: lane.id });
  const allowed = allowedPeers(account.allowedPeerIds);
  const policy: AccountPolicy = { allowed, requireMention: account.requireMention };
  const { inbox, outbox, events } = store;
  const delivery = new Delivery({ lane, outbox, allowed, counters, log, onSettled: (id) => settlements.settled(id) });
  const wakeDelivery = () => delivery.wake();
  const outbound = new Outbound({
    allowed,
    inbox,
    outbox,
    parkTtlMs: account.parkTtlMs,
    cutting: cuttingOf(account),
    places: (conversation) => lane.replyRight(conversation)?.count,
    wakeDelivery,
  });
  const settings = config.backends.get(account.backend);
  if (settings === undefined) throw new Error(`no backend ${account.backend}: the config reader let it through`);
  const { timeoutMs } = settings;
  const conversations = new Conversations({
    account: lane.id,
    backend: backendOf(settings),
    concurrency: settings.concurrency,
    timeoutMs,
    apology: account.apology,
    inbox,
    outbound,
    counters,
    log,
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
    onState,
    onInbound,
    onAck,
  });
  return { account, lane, inbound, outbound, delivery, conversations };
}

/** Forgets old rows now and then; resolves the returned function once no pruning runs any more. */
function keepPruned(store: Store, retentionDays: number, log: Log): () => Promise<void> {
  let running = Promise.resolve();
  const timer = setInterval(() => {
    running = store.prune(Date.now() - retentionDays * DAY_MS).then(
      (rows) => log.debug({ rows }, 'old rows forgotten'),
      (error: unknown) =>
        log.error({ error: describeError(error) }, 'old rows could not be forgotten; tried again in an hour'),
    );
  }, PRUNE_EVERY_MS);
  return () => {
    clearInterval(timer);
    return running;
  };
}

async function stopDaemon(
  parts: {
    readonly roads: ReadonlyMap<string, Road>;
    readonly supervisor: Supervisor;
    readonly pruning: () => Promise<void>;
    readonly store: Store;
    readonly owner: OwnerLock;
    readonly control: Listener | undefined;
  },
  log: Log,
): Promise<void> {
  const deadline = Date.now() + STOP_GRACE_MS;
  const left = () => Math.max(0, deadline - Date.now());
  const roads = [...parts.roads.values()];
  await parts.supervisor.close(left());
  await Promise.all(roads.map((road) => road.conversations.close(left())));
  await Promise.all(roads.map((road) => road.delivery.close(left())));
  await Promise.all(roads.map((road) => road.lane.close()));
  await parts.control?.close();
  await parts.pruning();
  await parts.store.close();
  parts.owner.release();
  log.info('loong stopped');
}

/** What `channels send` was given. */
export interface DirectMessage {
  readonly target: Target;
  readonly content: Segment;
  /** The platform's id of the message whose reply window is preferred. */
  readonly replyTo: string | undefined;
}

/**
 * Delivers one message without a daemon, until `deadline` (unix ms), holding the state directory meanwhile; resolves with its receipt.
 * @throws UsageError, AccessDenied, LoongError `message.unknown`, `owner.taken`, `owner.taken_by_daemon`, `send.too_late` (nothing was stored);
 * LoongError `send.others_wait` when older messages to this target wait.
 */
export async function sendOnce(
  config: Config,
  account: QqbotAccount,
  { target, content, replyTo }: DirectMessage,
  deadline: number,
  around: Surroundings,
): Promise<Receipt> {
  const allowed: AllowedPeers = allowedPeers(account.allowedPeerIds);
  assertSendable(target, [content], allowed);
  const { stateDir } = config.gateway;
  ensurePrivateDir(stateDir);
  const owner = await acquireForSend(stateDir, deadline);
  try {
    const left = Math.max(deadline - Date.now(), 0);
    const store = openStore(join(stateDir, 'loong.db'), config.gateway.durability, left);
    const { inbox, outbox } = store;
    let inTime = true;
    try {
      const lane = openLane(account, sessionsOf(store, account), new Counters(), around);
      try {
        await outbox.recover();
        assertNobodyWaits(outbox.pending(target));
        if (Date.now() >= deadline) {
          throw new LoongError(
            'send.too_late',
            'nothing was sent within --timeout, for it was over before the message was stored',
            {
              remedy: 'give it more time, such as --timeout 30s',
            },
          );
        }
        const outbound = new Outbound({
          allowed,
          inbox,
          outbox,
          parkTtlMs: account.parkTtlMs,
          cutting: cuttingOf(account),
          places: () => undefined,
          wakeDelivery: () => undefined,
        });
        const id = await outbound.submit(target, [content], 'cli', replyTo);
        inTime = await isDoneBy(deadline + SETTLE_GRACE_MS, deliverNow({ lane, outbox, allowed }, id, deadline));
        const receipt = receiptOf(outbox.message(id));
        if (receipt === undefined) throw new Error('a stored message is gone');
        return inTime ? inWordsOfTimeout(receipt) : unsettled(receipt);
      } finally {
        await lane.close();
      }
    } finally {
      const closed = store.close();
      if (inTime) await closed; // else the lock that holds up the row holds this up too
    }
  } finally {
    owner.release();
  }
}

/** False when it is not done at `at` (unix ms), or the database stayed locked so long that the outcome could not be written. */
async function isDoneBy(at: number, work: Promise<void>): Promise<boolean> {
  const done = new AbortController();
  const late = pause(at - Date.now(), done.signal).then(() => false);
  const ended = work.then(
    () => true,
    (error: unknown) => {
      if (error instanceof StoreError && error.code === 'store.busy') return false;
      throw error;
    },
  );
  try {
    return await Promise.race([ended, late]);
  } finally {
    done.abort();
    ended.catch(() => undefined); // nobody waits for it any more
  }
}

/** What was cut off before its POST failed for want of time, wherever it was just waiting. */
function inWordsOfTimeout(receipt: Receipt): Receipt {
  if (receipt.status !== 'failed' || receipt.error?.code !== 'platform.stopped') return receipt;
  const what = receipt.message_ids.length === 0 ? 'nothing was sent' : 'not every part was sent';
  return {
    ...receipt,
    error: {
      code: 'send.too_late',
      message: `${what} within --timeout: QQ had not answered yet`,
      remedy: 'try again with a longer --timeout, or run the daemon, which keeps trying',
    },
  };
}

/** What is known of a message whose outcome could not be written down. */
function unsettled(receipt: Receipt): Receipt {
  const waits = receipt.status === 'queued';
  if (!waits && receipt.status !== 'sending') return receipt;
  return {
    ...receipt,
    status: waits ? 'queued' : 'uncertain',
    error: {
      code: 'store.busy',
      message: `the database was locked by another program until the end of --timeout; ${
        waits ? 'the message is stored and not sent yet' : 'the message may have arrived'
      }`,
      remedy: waits
        ? 'end the program that holds loong.db open for writing, and start the daemon: it delivers the message'
        : 'do not simply repeat it; end the program that holds loong.db open for writing',
    },
  };
}

/** Other sends are gone in a moment, so this one waits for its turn. */
async function acquireForSend(stateDir: string, deadline: number): Promise<OwnerLock> {
  const daemonDeadline = Math.min(deadline, Date.now() + WAIT_FOR_DAEMON_MS);
  for (;;) {
    try {
      return acquireOwner(stateDir, { pid: process.pid, kind: 'send', socket: '' });
    } catch (error) {
      if (!(error instanceof OwnedElsewhere)) throw error;
      const { owner } = error;
      const now = Date.now();
      // For a moment a row may still name a daemon that is dead, for the next owner is just writing its own.
      if (owner?.kind === 'daemon' && now >= daemonDeadline) throw heldByDaemon(owner, stateDir, error);
      if (now >= deadline) throw heldBySend(owner, stateDir, error);
      await pause(Math.min(SEND_POLL_MS, deadline - now));
    }
  }
}

function heldByDaemon({ pid }: OwnerInfo, stateDir: string, cause: OwnedElsewhere): LoongError {
  return new LoongError(
    'owner.taken_by_daemon',
    `nothing was sent: a daemon (pid ${pid}) has ${stateDir} and takes no messages`,
    {
      cause,
      remedy: `if it is just starting or stopping, try again; if it hangs, \`kill -9 ${pid}\` and start it again`,
    },
  );
}

function heldBySend(owner: OwnerInfo | undefined, stateDir: string, cause: OwnedElsewhere): LoongError {
  const who = owner === undefined ? '' : ` (pid ${owner.pid})`;
  return new LoongError(
    'owner.taken',
    `nothing was sent within --timeout: another \`loong channels send\`${who} has ${stateDir}`,
    { cause, remedy: 'try again with a longer --timeout, or run the daemon, which takes many messages at once' },
  );
}

function assertNobodyWaits(waiting: number): void {
  if (waiting === 0) return;
  throw new LoongError(
    'send.others_wait',
    `${waiting} earlier message${waiting === 1 ? ' waits' : 's wait'} for this target`,
    { remedy: 'start the daemon: it delivers them in order' },
  );
}

/**
 * Asks the platform what it thinks of an account, without a daemon and without starting a session.
 * @throws ConfigError when the account's credentials were not found.
 */
export async function probeAccount(account: QqbotAccount, around: Surroundings): Promise<readonly ProbeStep[]> {
  const noMemory: ResumeMemory = { load: () => undefined, save: async () => undefined };
  const lane = openLane(account, noMemory, new Counters(), around);
  try {
    return await lane.probe(new AbortController().signal);
  } finally {
    await lane.close();
  }
}
