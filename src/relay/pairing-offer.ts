/** What somebody unknown is told: how to be let in; and, once they are, that they are. */
import type { PairingConfig } from '../config/config.js';
import type { InboundMessage } from '../model/message.js';
import type { ChannelId, Target } from '../model/target.js';
import type { NewOutgoing, PairingOffer } from '../store/store.js';
import { type Cutting, partsOf } from './parts.js';

/** A code is good for so long, and nobody wants to be told later. */
const WANTED_MS = 3_600_000;

const WELCOME = '已获准，现在可以和我对话了。\nYou are approved: I answer you from now on.';

export interface OfferParts extends PairingConfig {
  readonly channel: ChannelId;
  readonly cutting: Cutting;
  /** As for `Outbound`. */
  readonly places: (conversation: Target) => number | undefined;
}

export function pairingOffer(parts: OfferParts, { conversation, sender }: InboundMessage): PairingOffer {
  const { maxPending, message, channel } = parts;
  return {
    maxPending,
    say: (code) => {
      const values = { code, id: sender.id, command: `loong pairing approve ${channel} ${code}` };
      const text = message.replace(/\{(code|id|command)\}/g, (_, name: keyof typeof values) => values[name]);
      return told(conversation, text, parts.cutting, parts.places(conversation));
    },
  };
}

/** What is said to somebody who was approved; not any more once they are not. */
export function welcome(to: Target, cutting: Cutting): NewOutgoing {
  return { ...told(to, WELCOME, cutting, undefined), origin: 'backend' };
}

function told(target: Target, text: string, cutting: Cutting, places: number | undefined): NewOutgoing {
  const [first, ...rest] = partsOf([{ type: 'text', text }], cutting, places, target.kind);
  const furtherParts = rest.length === 0 ? {} : { furtherParts: rest };
  return { target, segments: first, ...furtherParts, origin: 'pairing', expiresAt: Date.now() + WANTED_MS };
}
