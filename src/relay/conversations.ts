/**
 * Who is answered when: one message after the other within a conversation, conversations side by side. What does not fit into
 * memory stays in the journal and is fetched when there is room; so is what a dead process left behind.
 */
import type { TurnContext } from '../backends/backend.js';
import type { AnswerView } from '../lanes/lane.js';
import { describeError, LoongError } from '../model/errors.js';
import type { InboundMessage, Segment } from '../model/message.js';
import { formatTarget, kindName, type Target } from '../model/target.js';
import type { Admitted, Arrival, Inbox, InboxId, WaitingMessage } from '../store/store.js';
import type { Counters } from '../telemetry/counters.js';
import { type Log, type Secrets, shownPeer } from '../telemetry/log.js';
import { askAtOnce, askBackend } from './ask-backend.js';
import type { BackendPlaces } from './backend-places.js';
import type { Outbound } from './outbound.js';
import { NOTHING_TO_STOP, ownWord, STARTED_AFRESH, STOPPED } from './own-word.js';
import { rowErrorOf } from './row-error.js';
import type { Typing } from './typing.js';
import { untilWritten } from './until-written.js';

/** Waiting messages held in memory; the journal holds the rest. */
const ROOM = 1000;
const FETCH_AT_ONCE = 500;
/** A message whose turn a crash broke so often is given up. */
const MAX_ATTEMPTS = 3;
/** A conversation hears an apology at most so often. */
const APOLOGY_EVERY_MS = 60_000;
/** Of a turn that somebody in its conversation stopped. */
const CANCELLED = 'turn.cancelled';
/** Of a message whose sender may not talk any more. */
const REVOKED = 'access.revoked';
/** Nobody failed then, so nobody apologises. */
const STOPPED_FOR: { readonly [code: string]: string } = {
  [CANCELLED]: 'an answer was stopped by somebody in the conversation',
  [REVOKED]: 'a message is not answered, for whoever wrote it may not talk any more',
};

export interface ConversationsParts {
  readonly account: string;
  /** Who answers, and how many turns it takes at once. */
  readonly places: BackendPlaces;
  /** The conversations of the account in which that backend answers; absent: all. */
  readonly isOwn?: (conversation: Target) => boolean;
  /** What the backend is told beside a message. */
  readonly contextOf: (entry: WaitingMessage) => TurnContext;
  /** What it is given of the message itself; undefined where whoever wrote it may not talk any more. Absent: all of every one. */
  readonly toldOf?: (message: InboundMessage) => InboundMessage | undefined;
  /** Shows the answer while it is made; absent, or undefined, where that cannot be. */
  readonly view?: (message: InboundMessage, attempt: number) => AnswerView | undefined;
  /** Lets somebody see that an answer is being made; absent, or undefined, where that is not wanted or cannot be. */
  readonly typing?: (entry: WaitingMessage) => Typing | undefined;
  /** Whether `/new` and `/reset` let a conversation start afresh, or are messages like any other. */
  readonly keepsHistory: boolean;
  /** A message was answered, or never will be. */
  readonly onEnded?: (message: InboundMessage) => void;
  /** Said in the conversation when its message cannot be answered; empty: nothing is said. */
  readonly apology: string;
  readonly inbox: Inbox;
  readonly outbound: Outbound;
  readonly counters: Counters;
  readonly log: Log;
  /** Never written down, whatever a backend complains of. */
  readonly secrets: Secrets;
}

/** The message whose answer a conversation waits for, from when its attempt begins. */
interface Underway {
  readonly entry: WaitingMessage;
  /** Breaks the answer off, once the backend works at it. */
  stop?: (reason: Error) => void;
  /** Nobody wanted the answer any more before the backend had the message: it is settled. */
  isStopped: boolean;
}

/** A message of which this attempt is counted. */
interface BegunMessage {
  readonly key: string;
  readonly underway: Underway;
  readonly attempt: number;
}

export class Conversations {
  readonly #parts: ConversationsParts;
  /** Per conversation what waits; a key stands here exactly while its conversation is at work. */
  readonly #queues = new Map<string, WaitingMessage[]>();
  /** The messages in memory: waiting, or put to the backend. */
  readonly #held = new Set<InboxId>();
  /** What breaks a turn off, one for each that the backend works at. */
  readonly #asking = new Set<(reason: Error) => void>();
  /** Per conversation whose answer it waits for. */
  readonly #answering = new Map<string, Underway>();
  readonly #stop = new AbortController();
  /** When a conversation heard an apology (unix ms), the oldest first. */
  readonly #apologised = new Map<string, number>();
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

  /** Whether its backend knows its answers at once. */
  get isInstant(): boolean {
    return 'atOnce' in this.#parts.places.backend;
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
    const { inbox, account, isOwn } = this.#parts;
    while (this.#behind && this.#held.size < ROOM && !this.#closing) {
      const entries = inbox.waiting(account, this.#cursor, FETCH_AT_ONCE);
      if (entries.length < FETCH_AT_ONCE) this.#behind = false;
      for (const entry of entries) {
        this.#cursor = entry.id;
        if (isOwn === undefined || isOwn(entry.message.conversation)) this.#enqueue(entry);
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
    this.#getInLine(key);
  }

  /** The next turn of a conversation waits for the backend to have room. */
  #getInLine(key: string): void {
    this.#parts.places.whenFree(() => {
      if (this.#closing) return false;
      const entry = this.#queues.get(key)?.shift();
      if (entry === undefined) {
        this.#conversationRests(key); // what waited was stopped
        return false;
      }
      this.#run(key, entry, this.#count(key, this.#underway(key, entry)));
      return true;
    });
  }

  #underway(key: string, entry: WaitingMessage): Underway {
    const underway = { entry, isStopped: false };
    this.#answering.set(key, underway);
    return underway;
  }

  /** An attempt is counted, so its turn comes as soon as the backend takes it. */
  #getReady(begun: BegunMessage): void {
    this.#parts.places.whenAsked(() => {
      if (this.#closing) return false; // the next start takes it from the journal
      this.#run(begun.key, begun.underway.entry, this.#turn(begun));
      return true;
    });
  }

  /** `work` never rejects; true when nothing is left to do for its message. */
  #run(key: string, entry: WaitingMessage, work: Promise<boolean>): void {
    this.#turns++;
    void work.then((isDone) => {
      this.#turns--;
      if (isDone) {
        if (this.#answering.get(key)?.entry === entry) this.#answering.delete(key);
        this.#ended(entry);
        this.#conversationRests(key);
      }
      if (this.#turns === 0) this.#idle?.();
    });
  }

  #ended({ id, message }: WaitingMessage): void {
    this.#held.delete(id);
    this.#parts.onEnded?.(message);
  }

  #conversationRests(key: string): void {
    if (this.#queues.get(key)?.length === 0) this.#queues.delete(key);
    else this.#getInLine(key);
    if (this.#behind && this.#held.size < ROOM / 2) this.#fetch();
  }

  /**
   * Journals a message together with its answer, where the backend knows that at once and nothing in its conversation waits before it;
   * undefined where it has to be offered.
   */
  answerAtOnce(arrival: Arrival): Promise<Admitted> | undefined {
    const { places, outbound } = this.#parts;
    const { message } = arrival;
    const isFresh = arrival.startsAfresh === true;
    const { backend } = places;
    if (!(isFresh || 'atOnce' in backend) || this.#behind || this.#closing) return undefined;
    if (this.#queues.size > 0 && this.#queues.has(formatTarget(message.conversation))) return undefined;
    try {
      if (isFresh) return outbound.admit(arrival, STARTED_AFRESH);
      return 'atOnce' in backend ? outbound.admit(arrival, askAtOnce(backend, message)) : undefined;
    } catch {
      return undefined; // it fails once more in its turn, where that is written down
    }
  }

  /**
   * Journals a message that asks to stop, with a word about it, and breaks off the answer that its conversation waits for, or keeps it from
   * being begun; what waits behind that goes on. `isAwaited`: a message of the conversation is being journalled before it.
   */
  async stopTurn(arrival: Arrival, isAwaited: boolean): Promise<Admitted> {
    const key = formatTarget(arrival.message.conversation);
    const meant = this.#firstOf(key);
    const isAny = meant !== undefined || isAwaited;
    const admitted = await this.#parts.outbound.admit(arrival, isAny ? STOPPED : NOTHING_TO_STOP);
    // One that comes again was heeded before, and means no later turn; nor does one whose answer was whole meanwhile.
    if (!isAny || admitted.outcome === 'duplicate') return admitted;
    const first = this.#firstOf(key);
    const isMeant = meant === undefined ? first !== undefined && first < admitted.id : first === meant;
    if (isMeant) this.#stopFirst(key);
    return admitted;
  }

  /** Who may talk has changed: what is being answered and may not be any more is broken off. What waits is looked at in its turn. */
  lookAgain(): void {
    const { toldOf = (message) => message } = this.#parts;
    for (const { entry, stop } of this.#answering.values())
      if (toldOf(entry.message) === undefined) stop?.(mayNotTalk());
  }

  /** The message that a conversation waits for. */
  #firstOf(key: string): InboxId | undefined {
    return (this.#answering.get(key)?.entry ?? this.#queues.get(key)?.[0])?.id;
  }

  #stopFirst(key: string): void {
    const reason = new LoongError(CANCELLED, 'stopped by somebody in the conversation');
    const underway = this.#answering.get(key);
    if (underway?.stop !== undefined) return underway.stop(reason); // its turn settles it
    const entry = underway?.entry ?? this.#queues.get(key)?.shift();
    if (entry === undefined) return;
    if (underway === undefined) {
      this.#ended(entry);
    } else {
      underway.isStopped = true;
      this.#answering.delete(key);
    }
    void this.#failed(key, entry, reason);
  }

  /**
   * Makes a message that is about to be journalled begin in the same commit, where it can be answered at once. Whoever gets
   * `true` calls `begin` or `forgo` for the same conversation, exactly once.
   */
  reserve(conversation: Target): boolean {
    const key = formatTarget(conversation);
    if (this.#held.size >= ROOM || this.#behind || this.#closing || this.#queues.has(key)) return false;
    if (!this.#parts.places.reserve()) return false;
    this.#queues.set(key, []);
    return true;
  }

  /** Answers the message for which this was arranged; its attempt was counted when it was journalled. */
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
    this.#getReady({ key, underway: this.#underway(key, entry), attempt });
  }

  /** It does not begin. */
  forgo(conversation: Target): void {
    this.#parts.places.giveBack();
    this.#conversationRests(formatTarget(conversation));
  }

  /** Counts an attempt, after which the message is ready for the backend; true when nothing is left to do instead. */
  async #count(key: string, underway: Underway): Promise<boolean> {
    const { entry } = underway;
    try {
      const attempt = await this.#written(() => this.#parts.inbox.begin(entry.id));
      if (attempt !== undefined) {
        this.#getReady({ key, underway, attempt });
        return false;
      }
    } catch (error) {
      await this.#failed(key, entry, error);
    }
    this.#parts.places.giveBack(); // somebody settled it meanwhile, or it failed
    return true;
  }

  /** One message put to the backend, whose place is given back as soon as it has answered. Never rejects: every end is written down. */
  async #turn({ key, underway, attempt }: BegunMessage): Promise<true> {
    const {
      places,
      contextOf,
      toldOf,
      view: viewOf,
      typing: typingOf,
      inbox,
      outbound,
      counters,
      keepsHistory,
    } = this.#parts;
    const { entry } = underway;
    const { id, message } = entry;
    const began = performance.now();
    let isAtBackend = true;
    let over = Promise.resolve();
    let typing: Typing | undefined;
    const leave = () => {
      if (!isAtBackend) return;
      isAtBackend = false;
      places.leave(performance.now() - began);
    };
    if (underway.isStopped) {
      places.leave();
      return true;
    }
    try {
      if (attempt > MAX_ATTEMPTS) {
        throw new LoongError('turn.gave_up', `loong ended ${MAX_ATTEMPTS} times while this message was being answered`);
      }
      const own = ownAnswer(message, keepsHistory);
      if (own !== undefined) {
        isAtBackend = false;
        places.leave();
        await this.#written(() => outbound.answer(id, message, own));
        return true;
      }
      const told = toldOf === undefined ? message : toldOf(message);
      if (told === undefined) {
        isAtBackend = false;
        places.leave();
        throw mayNotTalk();
      }
      const turn = { message: told, context: contextOf(entry), attempt };
      const isPatient = !('atOnce' in places.backend);
      const view = isPatient ? viewOf?.(message, attempt) : undefined;
      typing = isPatient ? typingOf?.(entry) : undefined;
      const asked = askBackend(places.backend, turn, places.timeoutMs, view && whenSeen(view, typing));
      over = asked.over;
      this.#asking.add(asked.stop);
      underway.stop = asked.stop;
      const forget = () => void this.#asking.delete(asked.stop);
      const pieces = await asked.answer
        .catch((error: unknown) => {
          void over.then(forget); // what still works can still be stopped
          void view?.abandon();
          throw error;
        })
        .finally(() => this.#answering.delete(key));
      forget();
      const [shown, untouched] = await Promise.all([view?.hand(), typing?.end()]);
      const answer = shown?.segment === undefined ? pieces : [shown.segment, ...pieces];
      // A place that cannot be counted is no reason to keep the answer back.
      const spent = shown?.isLost === true ? inbox.spendReply(id, 1).catch(() => undefined) : undefined;
      const left = (await spent)?.left ?? untouched;
      const written = this.#written(() => outbound.answer(id, message, answer, left));
      leave(); // what is left is for the journal alone, so another conversation need not wait for it
      if (!(await written)) {
        void view?.abandon();
        void typing?.takeBack();
      }
      counters.count('turns.answered');
    } catch (error) {
      void over.then(leave); // what still works counts, so that never more run than the backend takes
      void typing?.end();
      if (!(await this.#failed(key, entry, error))) void typing?.takeBack();
    }
    return true;
  }

  #written<T>(write: () => Promise<T>): Promise<T> {
    return untilWritten(write, this.#parts.log, this.#stop.signal);
  }

  /** True when something is said about it in the conversation. */
  async #failed(key: string, { id, message }: WaitingMessage, error: unknown): Promise<boolean> {
    const { outbound, counters, log, secrets } = this.#parts;
    const code = error instanceof LoongError ? error.code : '';
    const stopped = STOPPED_FOR[code];
    // What fails while loong is stopping mostly fails because of that: it stays in the journal for the next start.
    if (this.#closing && stopped === undefined) return false;
    const { channel, kind, peer } = message.conversation;
    const about = { kind: kindName(channel, kind), peer: shownPeer(log, peer) };
    counters.count(stopped === undefined ? 'turns.failed' : 'turns.stopped');
    if (stopped !== undefined) log.info(about, stopped);
    else log.error({ error: describeError(error), ...about }, 'a message could not be answered');
    const told = rowErrorOf(error, secrets);
    const apology = stopped === undefined ? this.#apologyFor(key) : '';
    await this.#written(() => outbound.fail(id, message, told, apology)).catch((failure: unknown) => {
      log.error(
        { error: describeError(failure) },
        'its end could not be written down; it will be tried again after a restart',
      );
    });
    return code === CANCELLED || apology !== '';
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
    for (const stop of this.#asking) stop(new LoongError('turn.stopped', 'loong is stopping'));
  }
}

function mayNotTalk(): LoongError {
  return new LoongError(REVOKED, 'who wrote it may not talk with the bot any more');
}

/** Who sees the answer itself needs no sign that it is being made. */
function whenSeen(view: AnswerView, typing: Typing | undefined): (answer: readonly Segment[]) => void {
  let isSeen = false;
  return (answer) => {
    if (!isSeen) void typing?.end();
    isSeen = true;
    view.show(answer);
  };
}

/** To a word for loong itself that could not be answered when it came in. What a `/stop` meant has ended when its turn comes. */
function ownAnswer(message: InboundMessage, keepsHistory: boolean): readonly Segment[] | undefined {
  const word = ownWord(message);
  if (word === 'stop') return STOPPED;
  return word === 'fresh' && keepsHistory ? STARTED_AFRESH : undefined;
}
