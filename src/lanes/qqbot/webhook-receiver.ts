/** One callback of the platform, read whole: is it signed, is it new enough, what does it bring, and what is answered. Knows no HTTP. */
import { createHash } from 'node:crypto';
import { describeError } from '../../model/errors.js';
import type { Push } from '../../model/message.js';
import { OP } from '../../protocol/qqbot/gateway-codes.js';
import { answerChallenge } from './callback-challenge.js';
import type { CallbackKey } from './callback-signature.js';
import { type DispatchFrame, type Frame, readDispatch } from './dispatch-frame.js';
import { parseJson } from './parse-json.js';
import { fields } from './wire-fields.js';

/** How old an event may be that the platform sends again, and how far its clock may be ahead. */
const MOST_S_OLD = 24 * 3600;
const MOST_S_AHEAD = 300;
/** No challenge is longer, and who signs nothing is not read further. */
const MOST_UNSIGNED_BYTES = 4096;
const TIMESTAMP = /^[1-9]\d{0,11}$/;
/** The event is ours; and: it is not, send it again. */
const TAKEN = { status: 200, body: '{"op":12,"d":0}' } as const;
const NOT_TAKEN = '{"op":12,"d":1}';

const CHECK_SECRET =
  'if it came from QQ: correct `client_secret`, which QQ signs with; else somebody tries the address out';
const CHECK_CLOCK = 'if it came from QQ: let this machine set its clock by NTP';

/** A request as it came; both headers are of whoever sent it. */
export interface Callback {
  readonly timestamp: string | undefined;
  readonly signature: string | undefined;
  readonly body: Buffer;
}

/** The caller is told the status and, where there is one, the body; why is for the operator. */
export type Reply =
  | { readonly status: 200; readonly body: string; readonly fault?: { readonly why: string } }
  | Refusal;

export interface Refusal {
  readonly status: 400 | 401 | 404 | 405 | 408 | 413 | 429;
  readonly why: string;
  readonly remedy?: string;
}

export interface ReceiverParts {
  readonly key: CallbackKey;
  /** Unix ms. */
  readonly now: () => number;
  /** Resolves once the event is journalled, a copy of one that is known included. */
  readonly dispatch: (frame: DispatchFrame, push: Push) => void | Promise<void>;
  /** The same for a body that is no event. */
  readonly undecodable: (raw: string, reason: string, push: Push) => void | Promise<void>;
}

export class WebhookReceiver {
  readonly #parts: ReceiverParts;

  constructor(parts: ReceiverParts) {
    this.#parts = parts;
  }

  /** Never rejects. Whatever it answers with `d: 0` is committed. */
  async receive({ timestamp, signature, body }: Callback): Promise<Reply> {
    if (signature === undefined) return this.#unsigned(body);
    const { key, now } = this.#parts;
    if (timestamp === undefined || !TIMESTAMP.test(timestamp)) return refused('its timestamp is none');
    const signed = Buffer.concat([Buffer.from(timestamp, 'latin1'), body]);
    if (!key.verifies(signed, signature)) return refused('its signature is not of this bot', CHECK_SECRET);
    const age = now() / 1000 - Number(timestamp);
    if (age > MOST_S_OLD) return refused(`it was signed ${Math.round(age)} s ago`, CHECK_CLOCK);
    if (age < -MOST_S_AHEAD) return refused(`it was signed ${Math.round(-age)} s ahead of our clock`, CHECK_CLOCK);
    const raw = body.toString('utf8');
    const frame = frameIn(raw);
    if (frame?.op === OP.callbackValidation) return this.#challenged(frame.d);
    if (frame?.op === OP.heartbeat)
      return { status: 200, body: JSON.stringify({ op: OP.heartbeatAck, d: seqIn(frame.d) }) };
    const push = { signedAt: Number(timestamp), digest: createHash('sha256').update(signed).digest() };
    return this.#event(frame, raw, push);
  }

  /** Only a challenge may come unsigned, as some say it does; it cannot do any harm. */
  #unsigned(body: Buffer): Reply {
    const frame = body.length > MOST_UNSIGNED_BYTES ? undefined : frameIn(body.toString('utf8'));
    return frame?.op === OP.callbackValidation ? this.#challenged(frame.d) : refused('it is not signed');
  }

  #challenged(d: unknown): Reply {
    const answer = answerChallenge(d, this.#parts.key, this.#parts.now());
    return 'body' in answer ? { status: 200, body: answer.body } : { status: 400, why: answer.refused };
  }

  /**
   * What the platform signed and nobody can read is kept like any frame of the gateway, but not acknowledged. Without a brace it may as
   * well be the word of a challenge, which anybody can have signed: nothing is written down for that.
   */
  async #event(frame: Frame | undefined, raw: string, push: Push): Promise<Reply> {
    const { dispatch, undecodable } = this.#parts;
    const read = frame?.op === OP.dispatch ? readDispatch(frame, raw) : { expected: 'expected a frame with an event' };
    if (frame === undefined && !raw.includes('{')) return { status: 400, why: 'it is signed, and no frame' };
    try {
      if ('expected' in read) {
        await undecodable(raw, read.expected, push);
        return { status: 400, why: read.expected };
      }
      const commit = dispatch(read, push);
      if (commit !== undefined) await commit;
      return TAKEN;
    } catch (error) {
      return { status: 200, body: NOT_TAKEN, fault: { why: `not journalled: ${describeError(error)}` } };
    }
  }
}

/** The JSON object in a body; undefined where there is none. */
function frameIn(raw: string): Frame | undefined {
  try {
    return fields(parseJson(raw));
  } catch {
    return undefined;
  }
}

function seqIn(d: unknown): number | null {
  return typeof d === 'number' && Number.isSafeInteger(d) ? d : null;
}

function refused(why: string, remedy?: string): Refusal {
  return { status: 401, why, ...(remedy === undefined ? {} : { remedy }) };
}
