/** A lane whose platform does what the test tells it. */
import type { Delivery, Lane, LaneSink, ReplyRight, SendLimits, Taken } from '../../src/lanes/lane.js';
import { type Plainer, plainText } from '../../src/model/message.js';
import type { Target } from '../../src/model/target.js';
import { ACCOUNT, HOUR } from './messages.js';

/** Answers one attempt, or throws. */
export type Script = (delivery: Delivery, signal: AbortSignal, attempt: number) => Promise<Taken>;

export class ScriptedLane implements Lane {
  readonly id = ACCOUNT;
  /** Every attempt, in the order in which it began. */
  readonly attempts: Delivery[] = [];
  readonly #script: Script;

  constructor(script: Script) {
    this.#script = script;
  }

  replyRight(): ReplyRight {
    return { ttlMs: HOUR, count: 4 };
  }

  readonly hearsReviews = true;

  limits(): SendLimits {
    return { active: [], activePerTarget: [], perTarget: [], afterComplaint: [] };
  }

  knowsRepeats({ kind }: Target): boolean {
    return kind === 'c2c' || kind === 'group';
  }

  run(_sink: LaneSink, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  }

  send(delivery: Delivery, signal: AbortSignal): Promise<Taken> {
    this.attempts.push(delivery);
    return this.#script(delivery, signal, this.attempts.length);
  }

  plainerForm(): Plainer | undefined {
    return undefined;
  }

  /** The texts of all attempts, in order. */
  texts(): readonly string[] {
    return this.attempts.map(({ segments }) => plainText(segments));
  }

  async close(): Promise<void> {}
}
