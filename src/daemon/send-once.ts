/** One message delivered without a daemon, by this process, holding the state directory meanwhile. */
import { join } from 'node:path';
import { policyOf } from '../access/admission.js';
import type { Config, QqbotAccount } from '../config/config.js';
import type { Receipt } from '../control/api.js';
import { receiptOf } from '../control/receipt.js';
import { WebhookPorts } from '../lanes/qqbot/webhook-ports.js';
import { pause } from '../model/backoff.js';
import { LoongError, StoreError } from '../model/errors.js';
import type { Segment } from '../model/message.js';
import { laneId, type Target } from '../model/target.js';
import { deliverNow } from '../relay/one-shot.js';
import { assertSendable, Outbound } from '../relay/outbound.js';
import { isUnderWay } from '../relay/whole-message.js';
import { acquireOwner, OwnedElsewhere, type OwnerInfo, type OwnerLock } from '../store/owner.js';
import { openStore } from '../store/sqlite/sqlite-store.js';
import { ensurePrivateDir } from '../store/state-dir.js';
import { Counters } from '../telemetry/counters.js';
import { bindIdentities } from './identities.js';
import { cuttingOf, openQqbotLane, type Surroundings, sessionsOf } from './open-lane.js';
import { remembers } from './remembered.js';

/** A one-shot send waits so long for a daemon that is just starting, or just gone. */
const WAIT_FOR_DAEMON_MS = 1000;

/** How often a one-shot send looks whether its turn has come. */
const SEND_POLL_MS = 75;

/** The outcome of a one-shot send may be written down so long after its deadline. */
const SETTLE_GRACE_MS = 500;

/** What `channels send` was given. */
export interface DirectMessage {
  readonly target: Target;
  readonly content: Segment;
  /** The platform's id of the message whose reply window is preferred. */
  readonly replyTo: string | undefined;
  /** Given again with the same message, it stands for the earlier one. */
  readonly key?: string | undefined;
}

/**
 * Delivers one message without a daemon, until `deadline` (unix ms), holding the state directory meanwhile; resolves with its receipt.
 * One that was handed in with the same key before is not sent again, unless it still waits.
 * @throws UsageError, AccessDenied, ConfigError, LoongError `message.unknown`, `owner.taken`, `owner.taken_by_daemon`, `send.too_late` (nothing was stored);
 * LoongError `send.others_wait` when older messages to this target wait.
 */
export async function sendOnce(
  config: Config,
  account: QqbotAccount,
  { target, content, replyTo, key }: DirectMessage,
  deadline: number,
  around: Surroundings,
): Promise<Receipt> {
  const { stateDir } = config.gateway;
  ensurePrivateDir(stateDir);
  const owner = await acquireBriefly(stateDir, deadline, 'nothing was sent');
  try {
    const left = Math.max(deadline - Date.now(), 0);
    const store = openStore(join(stateDir, 'loong.db'), config.gateway.durability, left);
    const { inbox, outbox, pairings } = store;
    const policy = policyOf(account, pairings.approvedOf(laneId(target)));
    const { allowed } = policy;
    let inTime = true;
    try {
      assertSendable(target, [content], allowed);
      await bindIdentities([account], store.identities);
      const lane = openQqbotLane(
        account,
        sessionsOf(store, account),
        new Counters(),
        new WebhookPorts(around.log),
        around,
      );
      try {
        await outbox.recover((row) => lane.knowsRepeats(row));
        const outbound = new Outbound({
          allowed,
          inbox,
          outbox,
          parkTtlMs: account.parkTtlMs,
          cutting: cuttingOf(account),
          places: () => undefined,
          remembers: (conversation) => remembers(config, account, conversation),
        });
        const known = key === undefined ? undefined : outbound.earlier(target, [content], replyTo, key);
        if (known === undefined || isUnderWay(outbox.message(known))) {
          assertNobodyWaits(outbox.pending(target) - (known === undefined ? 0 : 1));
          if (Date.now() >= deadline) throw overBeforeStored();
        }
        const id = known ?? (await outbound.submit(target, [content], 'cli', replyTo, key));
        inTime = await isDoneBy(
          deadline + SETTLE_GRACE_MS,
          deliverNow({ lane, outbox, policy, secrets: around.secrets }, id, deadline),
        );
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
  const { id, parts, parts_delivered: arrived } = receipt;
  const what = arrived === 0 ? 'nothing was sent' : `only ${arrived} of ${parts} parts arrived`;
  return {
    ...receipt,
    error: {
      code: 'send.too_late',
      message: `${what} within --timeout: QQ had not answered yet`,
      remedy:
        arrived === 0
          ? 'try again with a longer --timeout, or run the daemon, which keeps trying'
          : `send only the rest: \`loong queue retry ${id}\`, and run the daemon`,
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

/**
 * Owns the state directory for a moment: other sends are gone soon, so this one waits for its turn until `deadline` (unix ms).
 * `nothing`: what is said when it does not come.
 * @throws LoongError `owner.taken`, `owner.taken_by_daemon`
 */
export async function acquireBriefly(stateDir: string, deadline: number, nothing: string): Promise<OwnerLock> {
  const daemonDeadline = Math.min(deadline, Date.now() + WAIT_FOR_DAEMON_MS);
  for (;;) {
    try {
      return acquireOwner(stateDir, { pid: process.pid, kind: 'send', socket: '' });
    } catch (error) {
      if (!(error instanceof OwnedElsewhere)) throw error;
      const { owner } = error;
      const now = Date.now();
      // For a moment a row may still name a daemon that is dead, for the next owner is just writing its own.
      if (owner?.kind === 'daemon' && now >= daemonDeadline) throw heldByDaemon(owner, stateDir, nothing, error);
      if (now >= deadline) throw heldBySend(owner, stateDir, nothing, error);
      await pause(Math.min(SEND_POLL_MS, deadline - now));
    }
  }
}

function heldByDaemon({ pid }: OwnerInfo, stateDir: string, nothing: string, cause: OwnedElsewhere): LoongError {
  return new LoongError(
    'owner.taken_by_daemon',
    `${nothing}: a daemon (pid ${pid}) has ${stateDir} and takes no messages`,
    {
      cause,
      remedy: `if it is just starting or stopping, try again; if it hangs, \`kill -9 ${pid}\` and start it again`,
    },
  );
}

function heldBySend(
  owner: OwnerInfo | undefined,
  stateDir: string,
  nothing: string,
  cause: OwnedElsewhere,
): LoongError {
  const who = owner === undefined ? '' : ` (pid ${owner.pid})`;
  return new LoongError('owner.taken', `${nothing} in time: another \`loong channels send\`${who} has ${stateDir}`, {
    cause,
    remedy: 'try again with a longer --timeout, or run the daemon, which takes many messages at once',
  });
}

function overBeforeStored(): LoongError {
  return new LoongError(
    'send.too_late',
    'nothing was sent within --timeout, for it was over before the message was stored',
    { remedy: 'give it more time, such as --timeout 30s' },
  );
}

function assertNobodyWaits(waiting: number): void {
  if (waiting <= 0) return;
  throw new LoongError(
    'send.others_wait',
    `${waiting} earlier message${waiting === 1 ? ' waits' : 's wait'} for this target`,
    { remedy: 'start the daemon, which delivers them in order, or give them up with `loong queue drop`' },
  );
}
