/** What may still be answered passively: each inbound message or event for some minutes and some replies, each `msg_seq` once. */
import type { Scene } from './transcript.js';

interface WindowRule {
  readonly minutes: number;
  /** Missing: any number of replies. */
  readonly count?: number;
}
export type WindowRules = { readonly [kind in Scene['kind']]: WindowRule };

/** Source: Bot API v2 "发送消息", table of passive messages; for guilds no count is documented. */
export const DEFAULT_WINDOWS: WindowRules = {
  c2c: { minutes: 60, count: 4 },
  group: { minutes: 5, count: 5 },
  channel: { minutes: 5 },
  dm: { minutes: 5 },
};

/** Events that a passive send may name as `event_id`, by scene. */
const REPLIABLE_EVENTS: { readonly [kind in Scene['kind']]: readonly string[] } = {
  c2c: ['INTERACTION_CREATE', 'C2C_MSG_RECEIVE', 'FRIEND_ADD'],
  group: ['INTERACTION_CREATE', 'GROUP_ADD_ROBOT', 'GROUP_MSG_RECEIVE'],
  channel: [
    'GUILD_MEMBER_ADD',
    'GUILD_MEMBER_UPDATE',
    'GUILD_MEMBER_REMOVE',
    'MESSAGE_REACTION_ADD',
    'MESSAGE_REACTION_REMOVE',
  ],
  dm: [],
};

/** Which of the platform's numbers says no, by what the send named, and for a message by where it was written. */
const MESSAGE = { invalid: 40034024, expired: 40034005 } as const;
const GUILD_MESSAGE = { invalid: 304026, expired: 304027 } as const;
const EVENT = { invalid: 40034025, expired: 40034026 } as const;
const EVENT_NOT_REPLIABLE = 40034027;
const NOT_TO_BOT = 304028;
const DUPLICATE = 40054005;
const USED_UP = 40034128;

interface ReplyWindow {
  /** Where it may be answered: one place, or every channel of the guild that an event was about. */
  readonly scenes: readonly Scene[];
  readonly openedAt: number;
  /** Of an event: its type. */
  readonly event?: string;
  /** A message of a channel that did not @ the bot: it is heard, but not to be answered. */
  readonly deaf?: true;
  readonly seqs: Set<number>;
  replies: number;
}

export interface Reference {
  readonly by: 'msg_id' | 'event_id';
  readonly id: string;
  /** Sends to a guild have none, and are never taken for repeats. */
  readonly seq?: number;
}

const KEPT_WINDOWS = 20_000;

export class ReplyWindows {
  readonly #now: () => number;
  readonly #windows = new Map<string, ReplyWindow>();
  rules: WindowRules;

  constructor(now: () => number, rules: WindowRules) {
    this.#now = now;
    this.rules = rules;
  }

  /** @param toBot false: a message of a channel that did not @ the bot */
  openForMessage(id: string, scene: Scene, toBot = true): void {
    this.#open(`msg_id ${id}`, {
      scenes: [scene],
      openedAt: this.#now(),
      ...(toBot ? {} : { deaf: true }),
      seqs: new Set(),
      replies: 0,
    });
  }

  openForEvent(id: string, event: string, scenes: readonly Scene[]): void {
    this.#open(`event_id ${id}`, { scenes, event, openedAt: this.#now(), seqs: new Set(), replies: 0 });
  }

  /** @returns undefined when the reply may go out, else the code that refuses it. Takes nothing. */
  check(scene: Scene, reference: Reference): number | undefined {
    const window = this.#windows.get(`${reference.by} ${reference.id}`);
    const rule = this.rules[scene.kind];
    const codes = codesOf(scene, reference);
    if (window === undefined) return codes.invalid;
    const isHere = window.scenes.some(({ kind, openid }) => kind === scene.kind && openid === scene.openid);
    if (!isHere) return codes.invalid;
    if (window.event !== undefined && !REPLIABLE_EVENTS[scene.kind].includes(window.event)) return EVENT_NOT_REPLIABLE;
    if (window.deaf === true) return NOT_TO_BOT;
    if (this.#now() - window.openedAt > rule.minutes * 60_000) return codes.expired;
    if (reference.seq !== undefined && window.seqs.has(reference.seq)) return DUPLICATE;
    return rule.count !== undefined && window.replies >= rule.count ? USED_UP : undefined;
  }

  /** Uses up the pair, and one reply unless it is only a typing sign. */
  take(reference: Reference, isReply: boolean): void {
    const window = this.#windows.get(`${reference.by} ${reference.id}`);
    if (window === undefined) return;
    if (reference.seq !== undefined) window.seqs.add(reference.seq);
    if (isReply) window.replies += 1;
  }

  #open(key: string, window: ReplyWindow): void {
    this.#windows.set(key, window);
    for (const oldest of this.#windows.keys()) {
      if (this.#windows.size <= KEPT_WINDOWS) break;
      this.#windows.delete(oldest);
    }
  }
}

function codesOf({ kind }: Scene, { by }: Reference) {
  if (by === 'event_id') return EVENT;
  return kind === 'channel' || kind === 'dm' ? GUILD_MESSAGE : MESSAGE;
}
