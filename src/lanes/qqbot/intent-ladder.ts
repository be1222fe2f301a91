/** Which intents are asked for: all that are configured, then, as the platform refuses them, one less at a time. */
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

export class IntentLadder {
  readonly #asked: readonly IntentName[];
  #dropped: readonly IntentName[] = [];
  #unclear = 0;
  #onlyGuessed = true;

  constructor(asked: readonly IntentName[]) {
    this.#asked = asked;
  }

  /** What IDENTIFY asks for. */
  get mask(): number {
    return intentMask(this.#kept);
  }

  /** What is no longer asked for, until the process ends. */
  get dropped(): readonly IntentName[] {
    return this.#dropped;
  }

  get #kept(): readonly IntentName[] {
    return this.#asked.filter((name) => !this.#dropped.includes(name));
  }

  /**
   * The platform refused the session: because of the intents (`named`), or with a refusal that it also gives for those (`possible`).
   * @returns the intent that was given up for it, if one was.
   */
  refused(how: 'named' | 'possible'): IntentName | undefined {
    if (how === 'possible' && ++this.#unclear < REFUSALS_THAT_COUNT) return undefined;
    this.#unclear = 0;
    if (how === 'named') this.#onlyGuessed = false;
    const kept = this.#kept;
    const next = kept.length > 1 ? GIVEN_UP.find((name) => kept.includes(name)) : undefined;
    if (next !== undefined) this.#dropped = [...this.#dropped, next];
    // Refused down to the last one, and never in so many words: it was something else.
    else if (this.#onlyGuessed) this.#dropped = [];
    return next;
  }

  /** A session was granted. */
  accepted(): void {
    this.#unclear = 0;
  }
}
