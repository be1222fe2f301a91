/** Starts, serves and stops the daemon. With the files beside it the composition root: the one room where parts are made and tied together. */
import { join } from 'node:path';
import { unservable } from '../access/servable.js';
import { GroupRecords } from '../backends/group-records.js';
import type { Account, Config } from '../config/config.js';
import type { DaemonOperations } from '../control/api.js';
import { openControlServer } from '../control/control-server.js';
import { daemonOperations } from '../control/operations.js';
import { StatusBoard } from '../control/status-board.js';
import type { Listener } from '../http/listener.js';
import { ReverseWsPorts } from '../lanes/onebot/reverse-ws-ports.js';
import { hasSequence } from '../lanes/qqbot/message-sequence.js';
import { WebhookPorts } from '../lanes/qqbot/webhook-ports.js';
import { pause } from '../model/backoff.js';
import { ConfigError, describeError } from '../model/errors.js';
import { laneId } from '../model/target.js';
import { VERSION } from '../model/version.js';
import { PairingDesk } from '../relay/pairing-desk.js';
import { dismissUnadmitted } from '../relay/readmission.js';
import { Settlements } from '../relay/settlements.js';
import { acquireOwner, OwnedElsewhere, type OwnerInfo, type OwnerLock } from '../store/owner.js';
import { openStore } from '../store/sqlite/sqlite-store.js';
import { controlSocketPath, ensurePrivateDir } from '../store/state-dir.js';
import type { Store } from '../store/store.js';
import { Supervisor } from '../supervisor/supervisor.js';
import { Counters } from '../telemetry/counters.js';
import type { Log } from '../telemetry/log.js';
import { hearingOf } from './hearing.js';
import { bindIdentities } from './identities.js';
import { accountTarget, type Surroundings } from './open-lane.js';
import { cuttingFor } from './pairing-once.js';
import { buildRoad, openBackends, type Road } from './road.js';

/** Running turns and sends get so long to end when the daemon is asked to stop. */
const STOP_GRACE_MS = 10_000;

/** A one-shot send holds the state directory for moments only, so a starting daemon waits for it. */
const WAIT_FOR_SEND_MS = 60_000;

const PRUNE_EVERY_MS = 3_600_000;
const PRUNE_FIRST_MS = 60_000;

const DAY_MS = 86_400_000;

export interface Daemon extends DaemonOperations {
  /** Resolves when somebody asked for the end over the control socket. */
  readonly stopRequested: Promise<void>;
  /** Takes nothing more, finishes running turns and sends within 10 s, and lets go of the state directory. */
  stop(): Promise<void>;
}

/**
 * Runs `accounts` of `config` until stopped.
 * @throws ConfigError when one of them could never admit anything, or was somebody else when it ran last; OwnedElsewhere when another daemon has the state directory.
 */
export async function startDaemon(config: Config, accounts: readonly Account[], around: Surroundings): Promise<Daemon> {
  const { log } = around;
  assertServable(accounts);
  const { stateDir } = config.gateway;
  ensurePrivateDir(stateDir);
  const socket = controlSocketPath(stateDir, around.runtimeDir);
  const owner = await acquireForDaemon(stateDir, { pid: process.pid, kind: 'daemon', socket }, log);
  const started: { store?: Store; control?: Listener } = {};
  try {
    const commands = new GroupRecords(join(stateDir, 'commands'));
    const leftOver = commands.endLeftOver();
    if (leftOver > 0) log.warn({ commands: leftOver }, 'commands that were still running from before were ended');
    const store = openStore(join(stateDir, 'loong.db'), config.gateway.durability);
    started.store = store;
    await bindIdentities(accounts, store.identities);
    const found = await store.outbox.recover(({ channel, kind }) => channel === 'qqbot' && hasSequence(kind));
    if (found.again + found.uncertain > 0) log.warn(found, 'messages were being sent when loong ended last');

    const counters = new Counters();
    const ports = { onebot: new ReverseWsPorts(log), webhook: new WebhookPorts(log) };
    const settlements = new Settlements(store.outbox);
    const board = new StatusBoard(accounts.map(accountTarget), log, around.secrets);
    const backends = openBackends(config, commands, around.secrets);
    const roads = new Map(
      accounts.map((account) => [
        laneId(accountTarget(account)),
        buildRoad(config, account, store, counters, settlements, board, backends, ports, around),
      ]),
    );
    const configured = [...config.qqbot.accounts, ...config.onebot.accounts];
    const desk = new PairingDesk({
      pairings: store.pairings,
      accounts: configured,
      cutting: (lane) => cuttingFor(configured, lane),
      by: 'api',
      log,
      answer: (lane, entry) => roads.get(lane)?.conversations.offer(entry),
      changed: (lane, messages) => {
        roads.get(lane)?.conversations.lookAgain();
        roads.get(lane)?.delivery.wake();
        for (const message of messages) settlements.settled(message);
      },
    });
    for (const { lane, policy } of roads.values()) {
      const dismissed = await dismissUnadmitted(store.inbox, lane.id, policy);
      if (dismissed > 0)
        log.warn({ lane: lane.id, dismissed }, 'messages of people who may not talk any more are not answered');
    }
    let requestStop = () => {};
    const stopRequested = new Promise<void>((resolve) => {
      requestStop = resolve;
    });
    const operations = daemonOperations({
      requestStop,
      outbounds: new Map([...roads].map(([id, road]) => [id, road.outbound])),
      defaultAccounts: { qqbot: config.qqbot.defaultAccount, onebot: config.onebot.defaultAccount },
      actions: new Map([...roads].flatMap(([id, { action }]) => (action === undefined ? [] : [[id, action] as const]))),
      settlements,
      queue: store.queue,
      pairings: store.pairings,
      desk,
      accounts: configured,
      isHeard: hearingOf(configured, store.pairings),
      answerAgain: (account, entry) => roads.get(account)?.conversations.offer(entry),
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
function assertServable(accounts: readonly Account[]): void {
  const problems = accounts.map(unservable).filter((problem) => problem !== undefined);
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

/** Forgets old rows now and then; resolves the returned function once no pruning runs any more. */
function keepPruned(store: Store, retentionDays: number, log: Log): () => Promise<void> {
  let running = Promise.resolve();
  const prune = () => {
    running = store.prune(Date.now() - retentionDays * DAY_MS).then(
      (rows) => log.debug({ rows }, 'old rows forgotten'),
      (error: unknown) =>
        log.error({ error: describeError(error) }, 'old rows could not be forgotten; tried again in an hour'),
    );
  };
  // Soon once, for a daemon that never lives an hour; not at once, for there is enough to do.
  const soon = setTimeout(prune, PRUNE_FIRST_MS);
  const timer = setInterval(prune, PRUNE_EVERY_MS);
  return () => {
    clearTimeout(soon);
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
