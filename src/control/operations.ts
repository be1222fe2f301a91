/** What the daemon does for those who talk to it. */
import { UsageError } from '../model/errors.js';
import type { Segment } from '../model/message.js';
import { type AccountId, laneId, parseTarget } from '../model/target.js';
import { VERSION } from '../model/version.js';
import type { Outbound } from '../relay/outbound.js';
import type { Settlements } from '../relay/settlements.js';
import type { Queue, QueueChange, QueueItem, WaitingMessage } from '../store/store.js';
import type { Counters } from '../telemetry/counters.js';
import type { DaemonOperations, Receipt, SendRequest } from './api.js';
import { outboxIdOf, receiptOf } from './receipt.js';
import type { StatusBoard } from './status-board.js';

export interface OperationParts {
  /** By lane id. */
  readonly outbounds: ReadonlyMap<string, Outbound>;
  readonly defaultAccount: AccountId;
  readonly settlements: Settlements;
  readonly queue: Queue;
  /** A message that waits for an answer again, of the account with this lane id. */
  readonly answerAgain: (account: string, entry: WaitingMessage) => void;
  readonly board: StatusBoard;
  readonly counters: Counters;
  readonly requestStop: () => void;
}

export function daemonOperations(parts: OperationParts): DaemonOperations {
  const { outbounds, defaultAccount, settlements, queue, board, counters, requestStop } = parts;
  const startedAt = Date.now();
  const afterwards = (id: string, { account, message, waiting }: QueueChange): QueueItem => {
    if (waiting !== undefined) parts.answerAgain(account, waiting);
    outbounds.get(account)?.wake();
    if (message !== undefined) settlements.settled(message);
    const item = queue.find(id, Date.now());
    if (item === undefined) throw new Error('a stored message is gone');
    return item;
  };
  return {
    status: () => ({
      pid: process.pid,
      version: VERSION,
      startedAt,
      accounts: board.list(),
      counters: counters.snapshot(),
    }),
    async submit(request: SendRequest, key?: string): Promise<Receipt> {
      const target = parseTarget(request.target, { channel: 'qqbot', account: defaultAccount });
      const outbound = outbounds.get(laneId(target));
      if (outbound === undefined) {
        throw new UsageError(
          'account.not_served',
          `account \`${target.account}\` is not served by the running daemon`,
          `it serves ${[...outbounds.keys()].join(', ')}`,
        );
      }
      const id = await outbound.submit(target, [segmentOf(request)], 'api', request.reply_to, key);
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
    retry: async (id, mayDouble) => afterwards(id, await queue.retry(id, mayDouble)),
    drop: async (id) => afterwards(id, await queue.drop(id)),
    requestStop,
  };
}

function segmentOf({ text, markdown }: SendRequest): Segment {
  if (markdown !== undefined) return { type: 'markdown', markdown };
  return { type: 'text', text: text ?? '' };
}
