/** What the daemon does for those who talk to it. */
import { UsageError } from '../model/errors.js';
import type { InboundMessage } from '../model/message.js';
import { type AccountId, type ChannelId, channelIn, laneId, normaliseAccountId, parseTarget } from '../model/target.js';
import { VERSION } from '../model/version.js';
import type { Outbound } from '../relay/outbound.js';
import type { PairingAccount, PairingDesk } from '../relay/pairing-desk.js';
import type { Settlements } from '../relay/settlements.js';
import type { Pairings, Queue, QueueChange, QueueItem, WaitingMessage } from '../store/store.js';
import type { Counters } from '../telemetry/counters.js';
import type { AccountStatus, DaemonOperations, Receipt, SendRequest } from './api.js';
import { segmentsOf } from './given-segment.js';
import { pairingFacts, pairingOperations } from './pairing-operations.js';
import { outboxIdOf, receiptOf } from './receipt.js';
import type { StatusBoard } from './status-board.js';

export interface OperationParts {
  /** By lane id. */
  readonly outbounds: ReadonlyMap<string, Outbound>;
  /** The default account of each channel. */
  readonly defaultAccounts: { readonly [C in ChannelId]: AccountId };
  /** Calls an action, by lane id. */
  readonly actions: ReadonlyMap<
    string,
    (action: string, params: { readonly [key: string]: unknown }) => Promise<unknown>
  >;
  readonly settlements: Settlements;
  readonly queue: Queue;
  readonly pairings: Pairings;
  readonly desk: PairingDesk;
  /** All that are configured. */
  readonly accounts: readonly (PairingAccount & { readonly dmPolicy: string })[];
  /** Whether whoever wrote a message may talk. */
  readonly isHeard: (message: InboundMessage) => boolean;
  /** A message that waits for an answer again, of the account with this lane id. */
  readonly answerAgain: (account: string, entry: WaitingMessage) => void;
  readonly board: StatusBoard;
  readonly counters: Counters;
  readonly requestStop: () => void;
}

export function daemonOperations(parts: OperationParts): DaemonOperations {
  const { outbounds, defaultAccounts, settlements, queue, pairings, desk, accounts, board, counters, requestStop } =
    parts;
  const startedAt = Date.now();
  const afterwards = (id: string, { account, message, waiting }: QueueChange): QueueItem => {
    if (waiting !== undefined) parts.answerAgain(account, waiting);
    outbounds.get(account)?.wake();
    if (message !== undefined) settlements.settled(message);
    const item = queue.find(id, Date.now());
    if (item === undefined) throw new Error('a stored message is gone');
    return item;
  };
  const withFacts = (all: readonly AccountStatus[]) =>
    all.map(pairingFacts(accounts, { pending: pairings.pending(), approved: pairings.approved() }));
  return {
    ...pairingOperations(desk, pairings, accounts),
    status: () => ({
      pid: process.pid,
      version: VERSION,
      started_at: startedAt,
      accounts: withFacts(board.list()),
      counters: counters.snapshot(),
    }),
    async submit(request: SendRequest, key?: string): Promise<Receipt> {
      const channel = channelIn(request.target) ?? 'qqbot';
      const target = parseTarget(request.target, { channel, account: defaultAccounts[channel] });
      const outbound = outbounds.get(laneId(target));
      if (outbound === undefined) {
        throw new UsageError(
          'account.not_served',
          `account \`${target.account}\` is not served by the running daemon`,
          `it serves ${[...outbounds.keys()].join(', ')}`,
        );
      }
      const id = await outbound.submit(target, segmentsOf(request, channel), 'api', request.reply_to, key);
      const receipt = receiptOf(await settlements.wait(id, 0));
      if (receipt === undefined) throw new Error('a stored message is gone');
      return receipt;
    },
    async message(publicId, waitMs) {
      const id = outboxIdOf(publicId);
      return id === undefined ? undefined : receiptOf(await settlements.wait(id, waitMs));
    },
    queue: () => queue.list(Date.now()),
    queueItem: (id) => queue.find(id, Date.now()),
    retry: async (id, mayDouble) => afterwards(id, await queue.retry(id, mayDouble, parts.isHeard)),
    drop: async (id) => afterwards(id, await queue.drop(id)),
    async onebot(account, action, params) {
      const call = parts.actions.get(laneId({ channel: 'onebot', account: normaliseAccountId(account) }));
      if (call !== undefined) return call(action, params);
      throw new UsageError(
        'account.not_served',
        `account \`${account}\` of onebot is not served by the running daemon`,
        parts.actions.size === 0 ? 'it serves none' : `it serves ${[...parts.actions.keys()].join(', ')}`,
      );
    },
    requestStop,
  };
}
