/**
 * Who is answered when: one message after the other within a conversation, conversations side by side. What does not fit into
 * memory stays in the journal and is fetched when there is room; so is what a dead process left behind.
 */
import type { Backend, Turn } from '../backends/backend.js';
import { BackendError, describeError, LoongError } from '../model/errors.js';
import { plainText, type Segment } from '../model/message.js';
import { formatTarget, type Target } from '../model/target.js';
import type { Inbox, InboxId, RowError, WaitingMessage } from '../store/store.js';
import type { Counters } from '../telemetry/counters.js';
import { type Log, shownPeer } from '../telemetry/log.js';
import type { Outbound } from './outbound.js';
import { untilWritten } from './until-written.js';

/** Waiting messages held in memory; the journal holds the rest. */
const ROOM = 1000;
const FETCH_AT_ONCE = 500;
/** A message whose turn a crash broke so often is given up. */
const MAX_ATTEMPTS = 3;
/** Longest answer that is gathered; each piece counts as one character more. */
const MAX_ANSWER_CHARS = 100_000;
/** A conversation hears an apology at most so often. */
const APOLOGY_EVERY_MS = 60_000;

export interface ConversationsParts {
  readonly account: string;
  readonly backend: Backend;
  readonly concurrency: number;
  readonly timeoutMs: number;
  /** Said in the conversation when its message cannot be answered; empty: nothing is said. */
  readonly apology: string;
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
  /** The messages in memory: waiting, or put to the backend. */
  readonly #held = new Set<InboxId>();
  /** One for each turn that the backend works at. */
  readonly #asking = new Set<AbortController>();
  readonly #stop = new AbortController();
  /** When a conversation heard an apology (unix ms), the oldest first. */
  readonly #apologised = new Map<string, number>();
  /** Places at the backend that are taken. */
  #asked = 0;
  /** Turns that have not ended: at the backend, or on their way into the journal. */
  #turns = 0;
  /** Rows up to this id are in memory or done, but for those that `#behind` tells of. */
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

  /** A message that was just journalled, or an old one that became answerable only now. */
  offer(entry: WaitingMessage): void {
    if (this.#behind && entry.id > this.#cursor) return; // will be fetched from the journal
    if (this.#held.size >= ROOM) {
      this.#cursor = Math.min(this.#cursor, entry.id - 1);
      this.#behind = true;
      return;
    }
    this.#cursor = Math.max(this.#cursor, entry.id);
    this.#enqueue(entry);
  }

  #fetch(): void {
    const { inbox, account } = this.#parts;
    while (this.#behind && this.#held.size < ROOM && !this.#closing) {
      const entries = inbox.waiting(account, this.#cursor, FETCH_AT_ONCE);
      if (entries.length < FETCH_AT_ONCE) this.#behind = false;
      for (const entry of entries) {
        this.#cursor = entry.id;
        this.#enqueue(entry);
      }
    }
  }

  #enqueue(entry: WaitingMessage): void {
    if (this.#held.has(entry.id)) return;
    this.#held.add(entry.id);
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
    while (this.#asked < this.#parts.concurrency && !this.#closing) {
      const key = this.#line.shift();
      if (key === undefined) return;
      const entry = this.#queues.get(key)?.shift();
      if (entry === undefined) continue;
      this.#asked++;
      this.#startTurn(key, entry);
    }
  }

  #startTurn(key: string, entry: WaitingMessage, attempt?: number): void {
    this.#turns++;
    void this.#turn(key, entry, attempt).finally(() => {
      this.#turns--;
      this.#held.delete(entry.id);
      this.#conversationRests(key);
      if (this.#turns === 0) this.#idle?.();
    });
  }

  #conversationRests(key: string): void {
    if (this.#queues.get(key)?.length === 0) this.#queues.delete(key);
    else this.#line.push(key);
    if (this.#behind && this.#held.size < ROOM / 2) this.#fetch();
    this.#startTurns();
  }

  /** The backend has done with a turn; what is left is for the journal alone, so another conversation need not wait for it. */
  #leaveBackend(): void {
    this.#asked--;
    this.#startTurns();
  }

  /**
   * Keeps a place at the backend for a message that is about to be journalled, where it can be answered at once. Whoever gets
   * `true` calls `begin` or `forgo` for the same conversation, exactly once.
   */
  reserve(conversation: Target): boolean {
    const key = formatTarget(conversation);
    const isFree = this.#asked < this.#parts.concurrency && this.#line.length === 0 && this.#held.size < ROOM;
    if (!isFree || this.#behind || this.#closing || this.#queues.has(key)) return false;
    this.#queues.set(key, []);
    this.#asked++;
    return true;
  }

  /** Answers the message for which a place was kept; its first attempt was counted when it was journalled. */
  begin(entry: WaitingMessage, attempt: number): void {
    if (this.#closing) return this.forgo(entry.message.conversation); // the next start takes it from the journal
    const key = formatTarget(entry.message.conversation);
    if (this.#held.has(entry.id)) {
      // It was fetched from the journal meanwhile.
      const others = this.#queues.get(key)?.filter(({ id }) => id !== entry.id) ?? [];
      this.#queues.set(key, others);
    }
    this.#held.add(entry.id);
    if (!this.#behind) this.#cursor = Math.max(this.#cursor, entry.id);
    this.#startTurn(key, entry, attempt);
  }

  /** The place is not needed. */
  forgo(conversation: Target): void {
    this.#leaveBackend();
    this.#conversationRests(formatTarget(conversation));
  }

  /** One message put to the backend, whose place is given back as soon as it has answered. Never rejects: every end is written down. */
  async #turn(key: string, { id, message }: WaitingMessage, counted: number | undefined): Promise<void> {
    const { inbox, outbound, counters } = this.#parts;
    let isAtBackend = true;
    const leave = () => {
      if (isAtBackend) this.#leaveBackend();
      isAtBackend = false;
    };
    try {
      const attempt = counted ?? (await this.#written(() => inbox.begin(id)));
      if (attempt === undefined) return; // somebody settled it meanwhile
      if (attempt > MAX_ATTEMPTS) {
        throw new LoongError('turn.gave_up', `loong ended ${MAX_ATTEMPTS} times while this message was being answered`);
      }
      const segments = await this.#ask({ message, attempt });
      const written = this.#written(() => outbound.answer(id, message, segments));
      leave();
      await written;
      counters.count('turns.answered');
    } catch (error) {
      leave();
      await this.#failed(key, { id, message }, error);
    } finally {
      leave();
    }
  }

  #written<T>(write: () => Promise<T>): Promise<T> {
    return untilWritten(write, this.#parts.log, this.#stop.signal);
  }

  async #failed(key: string, { id, message }: WaitingMessage, error: unknown): Promise<void> {
    const { outbound, counters, log } = this.#parts;
    // What fails while loong is stopping mostly fails because of that: it stays in the journal for the next start.
    if (this.#closing) return;
    counters.count('turns.failed');
    const { kind, peer } = message.conversation;
    log.error({ error: describeError(error), kind, peer: shownPeer(log, peer) }, 'a message could not be answered');
    const apology = this.#apologyFor(key);
    await this.#written(() => outbound.fail(id, message, rowError(error), apology)).catch((failure: unknown) => {
      log.error(
        { error: describeError(failure) },
        'its end could not be written down; it will be tried again after a restart',
      );
    });
  }

  /** Empty when the conversation heard one just now. */
  #apologyFor(key: string): string {
    const { apology } = this.#parts;
    if (apology.trim() === '') return '';
    const now = Date.now();
    for (const [conversation, at] of this.#apologised) {
      if (now - at < APOLOGY_EVERY_MS) break;
      this.#apologised.delete(conversation);
    }
    if (this.#apologised.has(key)) return '';
    this.#apologised.set(key, now);
    return apology;
  }

  /** The backend's answer, within the time it has; a backend that does not heed its signal is left behind. */
  async #ask(turn: Turn): Promise<readonly Segment[]> {
    const { backend, timeoutMs } = this.#parts;
    const limit = new AbortController();
    const timer = setTimeout(() => limit.abort(tooSlow(timeoutMs)), timeoutMs);
    this.#asking.add(limit);
    try {
      return await Promise.race([gather(backend.answer(turn, limit.signal), limit.signal), aborted(limit.signal)]);
    } catch (error) {
      throw limit.signal.aborted ? limit.signal.reason : error;
    } finally {
      clearTimeout(timer);
      this.#asking.delete(limit);
    }
  }

  /** No turn begins any more; resolves when the running ones have ended, at the latest after `graceMs`. */
  async close(graceMs: number): Promise<void> {
    this.#closing = true;
    if (this.#turns > 0) {
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
        timer = setTimeout(resolve, graceMs);
      });
      clearTimeout(timer);
    }
    this.#stop.abort();
    for (const limit of this.#asking) limit.abort(new LoongError('turn.stopped', 'loong is stopping'));
  }
}

/** @throws BackendError when the answer is longer than anybody would read; so a backend that never ends does not fill the memory. */
async function gather(answer: AsyncIterable<Segment>, signal: AbortSignal): Promise<readonly Segment[]> {
  const segments: Segment[] = [];
  let size = 0;
  for await (const segment of answer) {
    if (signal.aborted) break;
    size += plainText([segment]).length + 1;
    if (size > MAX_ANSWER_CHARS) {
      throw new BackendError('backend.too_long', `the backend answered more than ${MAX_ANSWER_CHARS} characters`, {
        remedy: 'make it answer in fewer words',
      });
    }
    segments.push(segment);
  }
  return segments;
}

/** Rejects with the signal's reason once it aborts. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

function tooSlow(timeoutMs: number): BackendError {
  return new BackendError('backend.timeout', `the backend gave no answer within ${timeoutMs} ms`, {
    remedy: 'raise `timeout` of this backend, or make it faster',
  });
}

function rowError(error: unknown): RowError {
  return error instanceof LoongError
    ? { code: error.code, message: error.message, ...(error.remedy === undefined ? {} : { remedy: error.remedy }) }
    : { code: 'turn.failed', message: describeError(error) };
}
