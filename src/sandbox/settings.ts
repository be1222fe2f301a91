/** What the whole platform allows this bot. Each can be switched while it runs. */
import { INTENT_BITS } from '../protocol/qqbot/gateway-codes.js';

/** Bits 0, 1, 12, 25, 26, 27 and 30: what a usual group and C2C bot holds. */
const DEFAULT_GRANTED =
  INTENT_BITS.guilds |
  INTENT_BITS.guild_members |
  INTENT_BITS.direct_message |
  INTENT_BITS.group_and_c2c |
  INTENT_BITS.interaction |
  INTENT_BITS.message_audit |
  INTENT_BITS.public_guild_messages;

export class Settings {
  grantedIntents = DEFAULT_GRANTED;
  /** How an intent that was not granted is refused: with close code 4014 as documented, or with op 9 and then 4903 as observed. */
  intentRefusal: 4014 | 4903 = 4014;
  /** Characters; the platform does not document its own limit. */
  maxTextLength = 5000;
  markdownAllowed = true;
  /** Addresses in groups and channels. */
  urlsAllowed = true;
  /** Every send to a guild waits for its review. */
  audit = false;
  /** Whether a typing sign is one of the replies to its message; the platform does not say. */
  typingCostsReply = false;
  /** Addresses that may call the API, beside the token’s; empty: all. */
  ipWhitelist: readonly string[] = [];

  shown() {
    return {
      granted_intents: this.grantedIntents,
      intent_refusal: this.intentRefusal,
      max_text_length: this.maxTextLength,
      markdown_allowed: this.markdownAllowed,
      urls_allowed: this.urlsAllowed,
      audit: this.audit,
      typing_costs_reply: this.typingCostsReply,
      ip_whitelist: this.ipWhitelist,
    };
  }
}
