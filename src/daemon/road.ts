/** The road of one account, made of its parts: lane, doors, conversations, delivery. */
import { assertActionAllowed } from '../access/action-gate.js';
import { type AccountPolicy, isHeard, policyOf } from '../access/admission.js';
import { backendNameOf, backendNamesOf } from '../access/group-rule.js';
import type { GroupRecords } from '../backends/group-records.js';
import type { Account, Config } from '../config/config.js';
import type { AccountState } from '../control/api.js';
import type { StatusBoard } from '../control/status-board.js';
import type { Lane, StateFacts } from '../lanes/lane.js';
import { OnebotLane } from '../lanes/onebot/onebot-lane.js';
import { describeError } from '../model/errors.js';
import type { Target } from '../model/target.js';
import { allowedView } from '../relay/allowed-view.js';
import { Answering } from '../relay/answering.js';
import { BackendPlaces } from '../relay/backend-places.js';
import { Delivery } from '../relay/delivery.js';
import { Inbound } from '../relay/inbound.js';
import { Outbound } from '../relay/outbound.js';
import { pairingOffer } from '../relay/pairing-offer.js';
import { type Hears, withHeardQuotes } from '../relay/quoted-words.js';
import type { Settlements } from '../relay/settlements.js';
import { contextOf } from '../relay/turn-context.js';
import { typingFor } from '../relay/typing.js';
import type { Store } from '../store/store.js';
import type { Counters } from '../telemetry/counters.js';
import type { Secrets } from '../telemetry/log.js';
import { openBackend } from './open-backend.js';
import { cuttingOf, openLane, type Ports, type Surroundings } from './open-lane.js';
import { keepsHistory, remembers } from './remembered.js';

/** The road of one account, from its lane and back to it. */
export interface Road {
  readonly account: Account;
  readonly lane: Lane;
  readonly policy: AccountPolicy;
  /** Calls an action of OneBot, where the channel has any. */
  readonly action?: (name: string, params: { readonly [key: string]: unknown }) => Promise<unknown>;
  readonly inbound: Inbound;
  readonly outbound: Outbound;
  readonly delivery: Delivery;
  readonly conversations: Answering;
}

export function buildRoad(
  config: Config,
  account: Account,
  store: Store,
  counters: Counters,
  settlements: Settlements,
  board: StatusBoard,
  backends: ReadonlyMap<string, BackendPlaces>,
  ports: Ports,
  around: Surroundings,
): Road {
  const lane = openLane(account, store, counters, ports, around);
  const log = around.log.child({ lane: lane.id });
  const policy = policyOf(account, store.pairings.approvedOf(lane.id));
  const { allowed } = policy;
  const { inbox, outbox, events, history } = store;
  const hears: Hears = (said) => isHeard(said, policy);
  const isRemembered = (conversation: Target) => remembers(config, account, conversation);
  const delivery = new Delivery({
    lane,
    outbox,
    policy,
    answered: (id) => inbox.message(id),
    counters,
    log,
    secrets: around.secrets,
    onSettled: (id) => settlements.settled(id),
  });
  const wakeDelivery = () => delivery.wake();
  const cutting = cuttingOf(account);
  const places = (conversation: Target) => lane.replyRight(conversation)?.count;
  const outbound = new Outbound({
    allowed,
    inbox,
    outbox,
    parkTtlMs: account.parkTtlMs,
    cutting,
    places,
    remembers: isRemembered,
    delivery,
  });
  const placesFor = (conversation: Target) => placesNamed(backends, backendNameOf(account, conversation));
  const conversations = new Answering({
    account: lane.id,
    backends: [...backendNamesOf(account)].map((name) => placesNamed(backends, name)),
    placesFor,
    contextOf: (entry) =>
      contextOf(account, entry, isRemembered(entry.message.conversation) ? history : undefined, hears),
    toldOf: (message) => (hears(message) ? withHeardQuotes(message, hears) : undefined),
    keepsHistory: keepsHistory(account),
    remembers: isRemembered,
    view: (message, attempt) => {
      const view = lane.view?.(message, attempt);
      return view === undefined ? undefined : allowedView(view, message.conversation, allowed);
    },
    ...(account.typing ? { typing: (entry) => typingFor({ lane, inbox, allowed, log }, entry) } : {}),
    apology: account.apology,
    inbox,
    outbound,
    counters,
    log,
    secrets: around.secrets,
  });
  let wasReady = false;
  const onState = (state: AccountState, detail: string | undefined, more?: StateFacts) => {
    board.set(lane.id, { state, detail, ...more });
    // What waits for a connection is due once there is one, and once nothing limits it any more.
    const isBack = state === 'ready' && (!wasReady || detail === undefined);
    wasReady = state === 'ready';
    if (isBack && account.channel === 'onebot') comeBack();
  };
  // What waited for somebody to connect is due now.
  const comeBack = () => {
    outbox
      .comeBack(lane.id)
      .then(wakeDelivery, (error: unknown) =>
        log.error(
          { error: describeError(error) },
          'what waits for the connection could not be looked at; the next one looks again',
        ),
      );
  };
  const onInbound = () => board.note(lane.id, 'last_inbound_at', Date.now());
  const onAck = (at: number) => board.note(lane.id, 'last_ack_at', at);
  const inbound = new Inbound({
    lane,
    policy,
    inbox,
    events,
    conversations,
    offerFor: (message) => pairingOffer({ ...config.pairing, channel: account.channel, cutting, places }, message),
    counters,
    log,
    wakeDelivery,
    onReviewed: (id) => settlements.settled(id),
    onState,
    onToldLate: (part, outcome) => void delivery.toldLate(part, outcome),
    past: {
      sent: (rows) => outbox.sent(lane.id, rows),
      received: (rows) => inbox.received(lane.id, rows),
    },
    onInbound,
    onAck,
  });
  const action =
    lane instanceof OnebotLane
      ? {
          action: async (name: string, params: { readonly [key: string]: unknown }) => {
            assertActionAllowed(account.id, name, params, allowed);
            return lane.call(name, params);
          },
        }
      : {};
  return { account, lane, policy, inbound, outbound, delivery, conversations, ...action };
}

/** What answers, by name: one of each for all accounts together. */
export function openBackends(
  config: Config,
  commands: GroupRecords,
  secrets: Secrets,
): ReadonlyMap<string, BackendPlaces> {
  return new Map(
    [...config.backends].map(([name, settings]) => [
      name,
      new BackendPlaces({ ...settings, backend: openBackend(settings, commands, secrets) }),
    ]),
  );
}

function placesNamed(backends: ReadonlyMap<string, BackendPlaces>, name: string): BackendPlaces {
  const places = backends.get(name);
  if (places === undefined) throw new Error(`no backend ${name}: the config reader let it through`);
  return places;
}
