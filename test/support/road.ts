/** The whole road of one account in this process, with a backend of the test's own: what `src/daemon/` ties together. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { isHeard } from '../../src/access/admission.js';
import type { Backend } from '../../src/backends/backend.js';
import { QqbotLane } from '../../src/lanes/qqbot/qqbot-lane.js';
import { normaliseAccountId } from '../../src/model/target.js';
import { Answering } from '../../src/relay/answering.js';
import { BackendPlaces } from '../../src/relay/backend-places.js';
import { Delivery } from '../../src/relay/delivery.js';
import { Inbound } from '../../src/relay/inbound.js';
import { Outbound } from '../../src/relay/outbound.js';
import { contextOf } from '../../src/relay/turn-context.js';
import type { Sandbox } from '../../src/sandbox/sandbox.js';
import { openStore } from '../../src/store/sqlite/sqlite-store.js';
import type { Store } from '../../src/store/store.js';
import { Counters } from '../../src/telemetry/counters.js';
import { Secrets } from '../../src/telemetry/log.js';
import { offerFor, policyWith } from './policies.js';
import { waitUntil } from './wait-until.js';

export interface Road {
  readonly store: Store;
  readonly counters: Counters;
  close(): Promise<void>;
}

const ACCOUNT = { systemPrompt: '', groups: new Map(), historyLimit: 50, historyChars: 8000 };

/** Connected to the sandbox when it resolves. */
export async function openRoad(
  sandbox: Sandbox,
  backend: Backend,
  allowedPeerIds: readonly string[],
  concurrency = 4,
): Promise<Road> {
  const folder = mkdtempSync(join(tmpdir(), 'loong-road-'));
  const store = openStore(join(folder, 'loong.db'), 'process');
  const { inbox, outbox, events, sessions } = store;
  const log = pino({ level: 'silent' });
  const counters = new Counters();
  const secrets = new Secrets();
  const reply = { ttlMs: 3_600_000, count: 4 };
  const lane = new QqbotLane({
    account: normaliseAccountId('main'),
    appId: sandbox.appId,
    clientSecret: sandbox.clientSecret,
    apiBaseUrl: sandbox.apiBaseUrl,
    tokenUrl: sandbox.tokenUrl,
    intents: ['group_and_c2c'],
    replyRights: { c2c: reply, group: reply, channel: reply },
    memory: {
      load: (key) => sessions.load('qqbot:main', key),
      save: (key, point) => sessions.save('qqbot:main', key, point),
    },
    log,
    counters,
    onToken: () => undefined,
  });
  const policy = policyWith(allowedPeerIds);
  const { allowed } = policy;
  const delivery = new Delivery({
    lane,
    outbox,
    policy,
    answered: (id) => inbox.message(id),
    counters,
    log,
    secrets,
    onSettled: () => undefined,
  });
  const wakeDelivery = () => delivery.wake();
  const outbound = new Outbound({
    allowed,
    inbox,
    outbox,
    parkTtlMs: 86_400_000,
    cutting: { limit: 2000, mode: 'length' },
    places: () => undefined,
    remembers: () => true,
    delivery,
  });
  const places = new BackendPlaces({ backend, concurrency, timeoutMs: 60_000 });
  const conversations = new Answering({
    account: lane.id,
    backends: [places],
    placesFor: () => places,
    keepsHistory: true,
    remembers: () => true,
    contextOf: (entry) => contextOf(ACCOUNT, entry, store.history, (said) => isHeard(said, policy)),
    apology: '',
    inbox,
    outbound,
    counters,
    log,
    secrets,
  });
  let ready = false;
  const inbound = new Inbound({
    lane,
    policy,
    inbox,
    events,
    conversations,
    offerFor,
    counters,
    log,
    wakeDelivery,
    onReviewed: () => undefined,
    onState: (state) => {
      ready = state === 'ready';
    },
    onInbound: () => undefined,
    onAck: () => undefined,
    onToldLate: (part, outcome) => void delivery.toldLate(part, outcome),
    past: { sent: (rows) => outbox.sent(lane.id, rows), received: (rows) => inbox.received(lane.id, rows) },
  });
  const stop = new AbortController();
  conversations.start();
  const running = lane.run(inbound, stop.signal);
  await waitUntil('READY', () => ready);
  return {
    store,
    counters,
    async close() {
      stop.abort();
      await running;
      await conversations.close(0);
      await delivery.close(0);
      await lane.close();
      await store.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
