/** Everything that happened on the platform, in order: a bounded list, counters that are never cut, and a way to wait for more. */

import type { OneBotHappening } from './onebot/happenings.js';

/** Who a message was sent to by the bot, or the conversation a user wrote in. `dm` is a direct message of a guild. */
export interface Scene {
  readonly kind: 'c2c' | 'group' | 'channel' | 'dm';
  /** The user's openid, or the group's; a channel's id; of a direct message the guild id of its session. */
  readonly openid: string;
}

/** What a quote shows of the message it is about. */
interface Quoted {
  readonly id: string;
  /** Missing where that message is not known. */
  readonly text?: string;
}

export interface UserMessage {
  readonly kind: 'user.message';
  readonly scene: Scene;
  /** `member_openid` in a group, `user_id` in a guild. */
  readonly from: {
    readonly openid: string;
    readonly name: string;
    readonly member_openid?: string;
    readonly user_id?: string;
  };
  readonly id: string;
  /** Messages in a guild have none. */
  readonly ref_idx?: string;
  readonly text: string;
  /** Whether the bot is @-ed. */
  readonly mention: boolean;
  /** Names of the others who are @-ed. */
  readonly mentions?: readonly string[];
  readonly everyone?: true;
  readonly faces?: readonly { readonly id: string; readonly text: string }[];
  readonly attachments?: readonly { readonly content_type: string; readonly filename: string }[];
  /** The prompt of a card. */
  readonly ark?: string;
  /** How many messages a forwarded chat record holds. */
  readonly records?: number;
  readonly quote?: Quoted;
  /** Event types that went out for it; empty when the bot may not see it. */
  readonly events: readonly string[];
  /** Sessions the event was given to, at once or at their next resume. 0: no bot heard it, unless a fault makes it late. */
  readonly sessions: number;
  /** The first of these sessions, and the number of the frame in it. */
  readonly session_id?: string;
  readonly s?: number;
  /** The id of the fault that makes it late or repeats it; an entry of the event tells when it came. */
  readonly fault?: string;
}

export interface BotSend {
  readonly kind: 'bot.send';
  readonly scene: Scene;
  readonly mode: 'passive' | 'active';
  /** null: none that could be read. Sends to a guild carry none: the one that fits is shown. */
  readonly msg_type: number | null;
  readonly text: string;
  readonly quote?: Quoted;
  readonly msg_id?: string;
  readonly event_id?: string;
  /** Sends to a guild have none. */
  readonly msg_seq?: number;
  /** Of a typing sign (`msg_type` 6): its `input_notify`; null: none that could be read. */
  readonly typing?: { readonly input_type: unknown; readonly input_second: unknown } | null;
  /** Also of one that waits for its review: it has an `audit_id`, and no `id` yet. */
  readonly accepted: boolean;
  /** Accepted, but in no chat: a fault was ordered. */
  readonly hidden?: boolean;
  /** Refused, but its pair is used up: a fault was ordered. */
  readonly burnt?: boolean;
  /** HTTP status that was answered, or that was meant to be when the answer got lost. */
  readonly status: number;
  /** Of an accepted message. */
  readonly id?: string;
  readonly ref_idx?: string;
  readonly audit_id?: string;
  /** Of a refused one. */
  readonly code?: number;
  readonly reason?: string;
  /** The id of the fault that decided or spoiled the answer. */
  readonly fault?: string;
}

/** One piece of a stream message. */
export interface BotStream {
  readonly kind: 'bot.stream';
  readonly scene: Scene;
  /** Of a piece that was taken: what is shown since; else what it brought. */
  readonly text: string;
  readonly msg_id?: string;
  readonly event_id?: string;
  readonly msg_seq: number;
  readonly index: number | null;
  readonly accepted: boolean;
  /** No more pieces are taken. */
  readonly finished: boolean;
  readonly status: number;
  /** Of the message that grows. */
  readonly id?: string;
  readonly ref_idx?: string;
  readonly code?: number;
  readonly reason?: string;
  readonly fault?: string;
}

export interface GatewayStep {
  readonly kind: 'gateway';
  /** `ended`: the session can be resumed no more. */
  readonly step: 'connected' | 'identify' | 'ready' | 'resume' | 'resumed' | 'refused' | 'closed' | 'ended';
  /** 0: the session was on no line. */
  readonly connection: number;
  readonly session_id?: string;
  readonly seq?: number;
  readonly intents?: number;
  readonly replayed?: number;
  /** Of a session that ended: the highest number of which the bot had told that it has it. */
  readonly acknowledged?: number;
  readonly code?: number;
  readonly reason?: string;
}

interface TokenFetch {
  readonly kind: 'token';
  readonly granted: boolean;
  readonly code?: number;
  readonly fault?: string;
}

/** A life-cycle or raw event that was given out, or one of a message that a fault made late or repeated. */
export interface EventGiven {
  readonly kind: 'event';
  readonly type: string;
  readonly id?: string;
  /** The message that it brings, late or again. */
  readonly message?: string;
  readonly fault?: string;
  /** The conversation that it is about, where there is one. */
  readonly scene?: Scene;
  readonly sessions: number;
  readonly session_id?: string;
  readonly s?: number;
}

/** The console challenged the bot's callback address, or an event was pushed there. */
export interface WebhookStep {
  readonly kind: 'webhook';
  readonly step: 'validated' | 'refused' | 'pushed';
  /** HTTP status of the bot's answer; 0: none came. */
  readonly status: number;
  /** Of a push: name and envelope id of the event, the number of the attempt from 1, and whether the bot acknowledged it. */
  readonly type?: string;
  readonly id?: string;
  readonly attempt?: number;
  readonly taken?: boolean;
  /** The id of the fault that spoiled it. */
  readonly fault?: string;
}

interface FaultStruck {
  readonly kind: 'fault';
  readonly fault: string;
  readonly what: string;
}

export type Happening =
  | UserMessage
  | BotSend
  | BotStream
  | GatewayStep
  | TokenFetch
  | EventGiven
  | WebhookStep
  | FaultStruck
  | OneBotHappening;
/** `n` counts from 1 without gaps; `at` is milliseconds since 1970. */
export type Entry = Happening & { readonly n: number; readonly at: number };

/** Counted since the start, also when the list has been cut. */
export interface Counters {
  readonly user_messages: number;
  readonly sends: number;
  readonly sends_accepted: number;
  readonly tokens: number;
  readonly identifies: number;
  readonly resumes: number;
  readonly heartbeats: number;
  /** Of the OneBot side. */
  readonly onebot_calls: number;
  readonly onebot_sends: number;
  readonly onebot_sends_accepted: number;
  /** HTTP requests to the platform's own API (token and REST), in all and by `METHOD path`, ids replaced by `*`. */
  readonly requests: number;
  readonly requests_by_route: { readonly [route: string]: number };
}

const KEPT_ENTRIES = 10_000;
/** So many more before the oldest go, all together: each alone would have to move all the others. */
const CUT_AT_ONCE = 1000;
const KEPT_ROUTES = 100;

export class Transcript {
  readonly #now: () => number;
  readonly #entries: Entry[] = [];
  readonly #watchers = new Set<() => void>();
  readonly #routes = new Map<string, number>();
  #last = 0;
  #counts = {
    user_messages: 0,
    sends: 0,
    sends_accepted: 0,
    tokens: 0,
    identifies: 0,
    resumes: 0,
    heartbeats: 0,
    onebot_calls: 0,
    onebot_sends: 0,
    onebot_sends_accepted: 0,
    requests: 0,
  };

  constructor(now: () => number) {
    this.#now = now;
  }

  add<T extends Happening>(happening: T): T & { readonly n: number; readonly at: number } {
    this.#last += 1;
    const entry = { n: this.#last, at: this.#now(), ...happening };
    this.#entries.push(entry);
    if (this.#entries.length >= KEPT_ENTRIES + CUT_AT_ONCE) this.#entries.splice(0, CUT_AT_ONCE);
    this.#count(happening);
    for (const wake of [...this.#watchers]) wake();
    return entry;
  }

  countRequest(route: string): void {
    this.#counts.requests += 1;
    const key = this.#routes.has(route) || this.#routes.size < KEPT_ROUTES ? route : 'other';
    this.#routes.set(key, (this.#routes.get(key) ?? 0) + 1);
  }

  countHeartbeat(): void {
    this.#counts.heartbeats += 1;
  }

  /** The number of the newest entry; 0 before the first. */
  get last(): number {
    return this.#last;
  }

  /** Entries with a number above `after`, oldest first, at most `limit`. Entries that were cut are missing. */
  since(after: number, limit = KEPT_ENTRIES): readonly Entry[] {
    const first = this.#entries[0]?.n ?? 1;
    const start = Math.max(0, this.#entries.length - KEPT_ENTRIES, after + 1 - first);
    return this.#entries.slice(start, start + limit);
  }

  counters(): Counters {
    return { ...this.#counts, requests_by_route: Object.fromEntries(this.#routes) };
  }

  /** Calls `wake` after each new entry, until the returned function is called. */
  watch(wake: () => void): () => void {
    this.#watchers.add(wake);
    return () => {
      this.#watchers.delete(wake);
    };
  }

  /** Resolves when an entry above `after` exists (at once if there is one), or when the signal aborts. */
  more(after: number, signal: AbortSignal): Promise<void> {
    if (this.#last > after || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        stop();
        signal.removeEventListener('abort', done);
        resolve();
      };
      const stop = this.watch(done);
      signal.addEventListener('abort', done, { once: true });
    });
  }

  #count(happening: Happening): void {
    if (happening.kind === 'user.message') this.#counts.user_messages += 1;
    if (happening.kind === 'token') this.#counts.tokens += 1;
    if (happening.kind === 'bot.send') {
      this.#counts.sends += 1;
      if (happening.accepted) this.#counts.sends_accepted += 1;
    }
    if (happening.kind === 'onebot.call') this.#counts.onebot_calls += 1;
    if (happening.kind === 'onebot.send') {
      this.#counts.onebot_sends += 1;
      if (happening.accepted) this.#counts.onebot_sends_accepted += 1;
    }
    if (happening.kind === 'gateway' && happening.step === 'identify') this.#counts.identifies += 1;
    if (happening.kind === 'gateway' && happening.step === 'resume') this.#counts.resumes += 1;
  }
}
