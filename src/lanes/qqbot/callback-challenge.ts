/**
 * The platform's question whether an address is the bot's (op 13): it wants a word signed. The key is the one that events are verified
 * with, so nothing is ever signed that could be read as an event.
 */
import type { CallbackKey } from './callback-signature.js';
import { fields } from './wire-fields.js';

/** The word has a time of its own; a challenge is answered while it is new. */
const MOST_S_APART = 300;
/** An event is an object, and has its braces and quotes; blanks and what cannot be seen belong in no word. */
const PLAIN_TOKEN = /^[^\s\p{C}{}"'`]{1,128}$/u;
const EVENT_TS = /^[1-9]\d{0,11}$/;

/** `d`: of the frame; `now` in unix ms. The body of the answer, or why there is none. */
export function answerChallenge(
  d: unknown,
  key: CallbackKey,
  now: number,
): { readonly body: string } | { readonly refused: string } {
  const { plain_token: token, event_ts: at } = fields(d) ?? {};
  if (typeof token !== 'string' || !PLAIN_TOKEN.test(token))
    return { refused: 'a challenge without a usable plain_token' };
  if (typeof at !== 'string' || !EVENT_TS.test(at)) return { refused: 'a challenge without a usable event_ts' };
  const apart = Math.abs(now / 1000 - Number(at));
  if (apart > MOST_S_APART) return { refused: `a challenge that is ${Math.round(apart)} s away from our clock` };
  return { body: JSON.stringify({ plain_token: token, signature: key.sign(at + token) }) };
}
