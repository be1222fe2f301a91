/** What may still be answered passively: each inbound message or event for some minutes and some replies, each `msg_seq` once. */
import type { Scene } from './transcript.js';

interface WindowRule {
  readonly minutes: number;
  readonly count: number;
}
export type WindowRules = { readonly [kind in Scene['kind']]: WindowRule };

/** Source: Bot API v2 "发送消息", table of passive messages. */
export const DEFAULT_WINDOWS: WindowRules = { c2c: { minutes: 60, count: 4 }, group: { minutes: 5, count: 5 } };

/** Events that a passive send may name as `event_id`, by scene. */
const REPLIABLE_EVENTS: { readonly [kind in Scene['kind']]: readonly string[] } = {
  c2c: ['INTERACTION_CREATE', 'C2C_MSG_RECEIVE', 'FRIEND_ADD'],
  group: ['INTERACTION_CREATE', 'GROUP_ADD_ROBOT', 'GROUP_MSG_RECEIVE'],
};

/** Which of the platform's numbers says no, by what the send named. */
const CODES = {
  msg_id: { invalid: 40034024, expired: 40034005 },
  event_id: { invalid: 40034025, expired: 40034026 },
} as const;
const EVENT_NOT_REPLIABLE = 40034027;
const DUPLICATE = 40054005;
const USED_UP = 40034128;

interface ReplyWindow {
  readonly scene: Scene;
  readonly openedAt: number;
  /** Of an event: its type. */
  readonly event?: string;
  readonly seqs: Set<number>;
  replies: number;
}

export interface Reference {
  readonly by: 'msg_id' | 'event_id';
  readonly id: string;
  readonly seq: number;
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

  openForMessage(id: string, scene: Scene): void {
    this.#open(`msg_id ${id}`, { scene, openedAt: this.#now(), seqs: new Set(), replies: 0 });
  }

  openForEvent(id: string, event: string, scene: Scene): void {
    this.#open(`event_id ${id}`, { scene, event, openedAt: this.#now(), seqs: new Set(), replies: 0 });
  }

  /** @returns undefined when the reply may go out, else the code that refuses it. Takes nothing. */
  check(scene: Scene, reference: Reference): number | undefined {
    const window = this.#windows.get(`${reference.by} ${reference.id}`);
    const rule = this.rules[scene.kind];
    if (window === undefined || window.scene.kind !== scene.kind || window.scene.openid !== scene.openid) {
      return CODES[reference.by].invalid;
    }
    if (window.event !== undefined && !REPLIABLE_EVENTS[scene.kind].includes(window.event)) return EVENT_NOT_REPLIABLE;
    if (this.#now() - window.openedAt > rule.minutes * 60_000) return CODES[reference.by].expired;
    if (window.seqs.has(reference.seq)) return DUPLICATE;
    return window.replies >= rule.count ? USED_UP : undefined;
  }

  /** Uses up the pair, and one reply unless it is only a typing sign. */
  take(reference: Reference, isReply: boolean): void {
    const window = this.#windows.get(`${reference.by} ${reference.id}`);
    if (window === undefined) return;
    window.seqs.add(reference.seq);
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
