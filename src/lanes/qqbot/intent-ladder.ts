/** Which intents are asked for: all that are configured; as the platform refuses them one less at a time; then those again that were not to blame. */
import { type Backoff, backoffDelay } from '../../model/backoff.js';
import { type IntentName, intentMask } from '../../protocol/qqbot/gateway-codes.js';

/**
 * The order in which they are given up: what only private-domain bots hold, what must be applied for, what every bot holds. The last
 * one that is left is never given up. Follows the fallback of the official clients: all → without 24, 12 and 26 → 25 and 30 → 30.
 */
const GIVEN_UP: readonly IntentName[] = [
  'forums_event',
  'guild_messages',
  'audio_action',
  'audio_or_live_channel_member',
  'open_forums_event',
  'guild_message_reactions',
  'group_member_event',
  'message_audit',
  'direct_message',
  'interaction',
  'guild_members',
  'guilds',
  'group_and_c2c',
];
/** A refusal that may have other causes counts when it comes so often in a row. */
const REFUSALS_THAT_COUNT = 2;
/** A session is held so long before it is left for a trial. */
const TRIAL_AFTER_MS = 10_000;
/** What was never refused in so many words is tried again, more and more seldom. */
const TRIED_AGAIN: Backoff = { baseMs: 60_000, capMs: 6 * 3_600_000 };

/** `named`: because of the intents, in so many words; `possible`: a refusal that is also given for those. */
export type IntentRefusal = 'named' | 'possible';

/**
 * A refusal does not say which intent it means. So once a session is granted, what was given up on the way there is tried again: first all
 * but the last one (which was to blame), then one by one. A trial is one IDENTIFY; should it be refused, the session before it is resumed.
 */
export class IntentLadder {
  readonly #asked: readonly IntentName[];
  /** In the order in which they were given up. */
  #dropped: readonly IntentName[] = [];
  /** Those of them that are known, or taken, to be refused, and how. */
  readonly #blamed = new Map<IntentName, IntentRefusal>();
  /** What is to be tried, in order, and how long the session is held before. */
  #plan: readonly (readonly IntentName[])[] = [];
  #trialAfterMs = TRIAL_AFTER_MS;
  #trial: readonly IntentName[] = [];
  #rounds = 0;
  /** The refusal for which the last one was given up, until a session is granted. */
  #lastRefusal: IntentRefusal | undefined;
  #unclear = 0;
  #onlyGuessed = true;

  constructor(asked: readonly IntentName[]) {
    this.#asked = asked;
  }

  /** What IDENTIFY asks for. */
  get mask(): number {
    return intentMask([...this.#kept, ...this.#trial]);
  }

  /** Not asked for, because the platform refuses them. */
  get refused(): readonly IntentName[] {
    return this.#dropped.filter((name) => this.#blamed.has(name));
  }

  /** Not asked for until it is known which of those that were given up the platform refuses. */
  get suspected(): readonly IntentName[] {
    return this.#dropped.filter((name) => !this.#blamed.has(name));
  }

  /** What the next IDENTIFY tries to have back; empty when it is no trial. */
  get trial(): readonly IntentName[] {
    return this.#trial;
  }

  /** How long a session is to be held before the next trial, in ms; undefined when nothing is to be tried. */
  get trialAfterMs(): number | undefined {
    return this.#plan.length === 0 ? undefined : this.#trialAfterMs;
  }

  get #kept(): readonly IntentName[] {
    return this.#asked.filter((name) => !this.#dropped.includes(name));
  }

  /** The platform refused a session. @returns the intent that was given up for it, or `all` when none is given up any more. */
  giveUp(how: IntentRefusal): IntentName | 'all' | undefined {
    if (how === 'possible' && ++this.#unclear < REFUSALS_THAT_COUNT) return undefined;
    this.#unclear = 0;
    if (how === 'named') this.#onlyGuessed = false;
    const kept = this.#kept;
    const next = kept.length > 1 ? GIVEN_UP.find((name) => kept.includes(name)) : undefined;
    if (next !== undefined) {
      this.#dropped = [...this.#dropped, next];
      this.#lastRefusal = how;
      return next;
    }
    // Refused down to the last one, and never in so many words: it was something else.
    if (!this.#onlyGuessed || this.#dropped.length === 0) return undefined;
    this.#dropped = [];
    this.#blamed.clear();
    this.#plan = [];
    this.#lastRefusal = undefined;
    return 'all';
  }

  /** A session was granted. @returns the intents that came back with it. */
  accepted(): readonly IntentName[] {
    const back = this.#trial;
    this.#unclear = 0;
    this.#trial = [];
    if (back.length > 0) {
      this.#dropped = this.#dropped.filter((name) => !back.includes(name));
      for (const name of back) this.#blamed.delete(name);
      this.#planNext(this.#plan.slice(1));
    } else if (this.#lastRefusal !== undefined) {
      const last = this.#dropped.at(-1);
      if (last !== undefined) this.#blamed.set(last, this.#lastRefusal);
      this.#lastRefusal = undefined;
      this.#rounds = 0;
      this.#planNext(this.suspected.length === 0 ? [] : [this.suspected]);
    }
    return back;
  }

  /** The next IDENTIFY is the trial that is due. */
  beginTrial(): void {
    this.#trial = this.#plan[0] ?? [];
  }

  /** The trial brought no session: a refusal, or (undefined) nothing that says anything about intents. */
  tried(how: IntentRefusal | undefined): void {
    const [only, ...others] = this.#trial;
    this.#trial = [];
    if (only === undefined) return;
    if (how === undefined) {
      this.#trialAfterMs = backoffDelay(TRIED_AGAIN, ++this.#rounds);
      return;
    }
    const rest = this.#plan.slice(1);
    if (others.length > 0) return this.#planNext([...[only, ...others].reverse().map((name) => [name]), ...rest]);
    if (this.#blamed.get(only) !== 'named') this.#blamed.set(only, how);
    this.#planNext(rest);
  }

  /** Without anything left to try: all that was not refused in so many words, later. */
  #planNext(plan: readonly (readonly IntentName[])[]): void {
    const unsure = this.#dropped.filter((name) => this.#blamed.get(name) !== 'named');
    this.#plan = plan.length > 0 || unsure.length === 0 ? plan : [unsure];
    this.#trialAfterMs = plan.length > 0 ? TRIAL_AFTER_MS : backoffDelay(TRIED_AGAIN, ++this.#rounds);
  }
}
