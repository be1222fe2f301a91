/**
 * Who is answered when: one message after the other within a conversation, conversations side by side. What does not fit into
 * memory stays in the journal and is fetched when there is room; so is what a dead process left behind.
 */
import type { Backend, Turn } from '../backends/backend.js';
import { BackendError, describeError, LoongError } from '../model/errors.js';
import type { Segment } from '../model/message.js';
import { formatTarget } from '../model/target.js';
import type { Inbox, InboxId, RowError, WaitingMessage } from '../store/store.js';
import type { Counters } from '../telemetry/counters.js';
import { type Log, shownPeer } from '../telemetry/log.js';
import type { Outbound } from './outbound.js';

/** Waiting messages held in memory; the journal holds the rest. */
const ROOM = 1000;
const FETCH_AT_ONCE = 500;
/** A message whose turn a crash broke so often is given up. */
const MAX_ATTEMPTS = 3;

export interface ConversationsParts {
  readonly account: string;
  readonly backend: Backend;
  readonly concurrency: number;
  readonly timeoutMs: number;
  readonly inbox: Inbox;
  readonly outbound: Outbound;
  readonly counters: Counters;
  readonly log: Log;
}

export class Conversations {
  readonly #parts: ConversationsParts;
  /** Per conversation what waits; a key stands here exactly while its conversation is at work. */
  readonly #queues = new Map<string, WaitingMessage[]>();
  /** Conversations whose next turn waits for the backend to have room. */
  readonly #line: string[] = [];
  readonly #stop = new AbortController();
  #held = 0;
  #turns = 0;
  /** The greatest id that was fetched or offered in order; later rows are still to come. */
  #cursor: InboxId = 0;
  /** The journal holds rows beyond the cursor that are not in memory. */
  #behind = true;
  #closing = false;
  #idle: (() => void) | undefined;

  constructor(parts: ConversationsParts) {
    this.#parts = parts;
  }

  /** Takes up what the journal still holds. */
  start(): void {
    this.#fetch();
  }

  /** A message that was just journalled. `outOfOrder`: an old row that became answerable only now. */
  offer(entry: WaitingMessage, outOfOrder: boolean): void {
    if (outOfOrder && entry.id <= this.#cursor) return this.#enqueue(entry);
    if (this.#behind || entry.id <= this.#cursor) return; // will be, or was, fetched from the journal
    this.#cursor = entry.id;
    if (this.#held >= ROOM) this.#behind = true;
    this.#enqueue(entry);
  }

  #fetch(): void {
    const { inbox, account } = this.#parts;
    while (this.#behind && this.#held < ROOM && !this.#closing) {
      const entries = inbox.waiting(account, this.#cursor, FETCH_AT_ONCE);
      if (entries.length < FETCH_AT_ONCE) this.#behind = false;
      for (const entry of entries) {
        this.#cursor = entry.id;
        this.#enqueue(entry);
      }
    }
  }

  #enqueue(entry: WaitingMessage): void {
    this.#held++;
    const key = formatTarget(entry.message.conversation);
    const queue = this.#queues.get(key);
    if (queue !== undefined) {
      queue.push(entry);
      return;
    }
    this.#queues.set(key, [entry]);
    this.#line.push(key);
    this.#startTurns();
  }

  #startTurns(): void {
    while (this.#turns < this.#parts.concurrency && !this.#closing) {
      const key = this.#line.shift();
      if (key === undefined) return;
      const entry = this.#queues.get(key)?.shift();
      if (entry === undefined) continue;
      this.#turns++;
      void this.#turn(entry).finally(() => this.#turnEnded(key));
    }
  }

  #turnEnded(key: string): void {
    this.#turns--;
    this.#held--;
    if (this.#queues.get(key)?.length === 0) this.#queues.delete(key);
    else this.#line.push(key);
    if (this.#behind && this.#held < ROOM / 2) this.#fetch();
    this.#startTurns();
    if (this.#turns === 0) this.#idle?.();
  }

  /** One message put to the backend. Never rejects: every end is written down. */
  async #turn({ id, message }: WaitingMessage): Promise<void> {
    const { inbox, outbound, counters, log } = this.#parts;
    try {
      const attempt = await inbox.begin(id);
      if (attempt > MAX_ATTEMPTS) {
        throw new LoongError('turn.gave_up', `loong ended ${MAX_ATTEMPTS} times while this message was being answered`);
      }
      const segments = await this.#ask({ message, attempt });
      await outbound.answer(id, message, segments);
      counters.count('turns.answered');
    } catch (error) {
      if (this.#stop.signal.aborted) return; // stays in the journal for the next start
      counters.count('turns.failed');
      const { kind, peer } = message.conversation;
      log.error({ error: describeError(error), kind, peer: shownPeer(log, peer) }, 'a message could not be answered');
      await inbox.fail(id, rowError(error)).catch((failure: unknown) => {
        log.error(
          { error: describeError(failure) },
          'its end could not be written down; it will be tried again after a restart',
        );
      });
    }
  }

  /** Gathers the backend's answer; a backend that does not heed its signal is left behind. */
  async #ask(turn: Turn): Promise<readonly Segment[]> {
    const { backend, timeoutMs } = this.#parts;
    const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(timeoutMs)]);
    const segments: Segment[] = [];
    const answer = (async () => {
      for await (const segment of backend.answer(turn, signal)) {
        if (signal.aborted) return;
        segments.push(segment);
      }
    })();
    await Promise.race([answer, aborted(signal)]);
    if (signal.aborted) {
      throw new BackendError('backend.timeout', `the backend gave no answer within ${timeoutMs} ms`, {
        remedy: 'raise `timeout` of this backend, or make it faster',
      });
    }
    return segments;
  }

  /** No turn begins any more; resolves when the running ones have ended, at the latest after `graceMs`. */
  async close(graceMs: number): Promise<void> {
    this.#closing = true;
    if (this.#turns > 0) {
      const timer = setTimeout(() => this.#stop.abort(), graceMs);
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
        this.#stop.signal.addEventListener('abort', () => resolve(), { once: true });
      });
      clearTimeout(timer);
    }
    this.#stop.abort();
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

function rowError(error: unknown): RowError {
  return error instanceof LoongError
    ? { code: error.code, message: error.message, ...(error.remedy === undefined ? {} : { remedy: error.remedy }) }
    : { code: 'turn.failed', message: describeError(error) };
}
