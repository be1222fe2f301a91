/** A lane whose platform does what the test tells it. */
import type { Delivery, Lane, LaneSink, ReplyRight } from '../../src/lanes/lane.js';
import { plainText } from '../../src/model/message.js';
import type { Target } from '../../src/model/target.js';
import { ACCOUNT, HOUR } from './messages.js';

/** Answers one attempt, or throws. */
export type Script = (
  delivery: Delivery,
  signal: AbortSignal,
  attempt: number,
) => Promise<{ platformMessageId?: string }>;

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

  knowsRepeats({ kind }: Target): boolean {
    return kind === 'c2c' || kind === 'group';
  }

  run(_sink: LaneSink, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  }

  send(delivery: Delivery, signal: AbortSignal): Promise<{ platformMessageId?: string }> {
    this.attempts.push(delivery);
    return this.#script(delivery, signal, this.attempts.length);
  }

  /** The texts of all attempts, in order. */
  texts(): readonly string[] {
    return this.attempts.map(({ segments }) => plainText(segments));
  }

  async close(): Promise<void> {}
}
