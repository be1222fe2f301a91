/** Keeps one account's callbacks coming in: takes its address, and looks now and then whether answers can go out. */
import { type Backoff, backoffDelay, pause } from '../../model/backoff.js';
import { describeError, LoongError } from '../../model/errors.js';
import type { Push } from '../../model/message.js';
import type { Counters } from '../../telemetry/counters.js';
import type { Log } from '../../telemetry/log.js';
import type { LaneState, StateFacts } from '../lane.js';
import { NowAndThen } from '../now-and-then.js';
import { RefusedCallers } from '../refused-callers.js';
import { CallbackKey } from './callback-signature.js';
import type { DispatchFrame } from './dispatch-frame.js';
import type { OpenApiClient } from './openapi-client.js';
import { addressOf, type WebhookPlace, type WebhookPorts } from './webhook-ports.js';
import { type Refusal, WebhookReceiver } from './webhook-receiver.js';

const LOOK_AGAIN: Backoff = { baseMs: 1000, capMs: 30_000 };
/** What an operator must mend: as the supervisor does, but callbacks are taken all the while. */
const LOOK_AGAIN_FOR_OPERATOR: Backoff = { baseMs: 300_000, capMs: 21_600_000 };
const LOOK_EVERY_MS = 300_000;

export interface WebhookLoopOptions {
  readonly account: string;
  readonly appId: string;
  readonly clientSecret: string;
  readonly ports: WebhookPorts;
  readonly place: WebhookPlace;
  /** Unix ms. */
  readonly now: () => number;
  readonly log: Log;
  readonly counters: Counters;
  readonly api: OpenApiClient;
  readonly dispatch: (frame: DispatchFrame, push: Push) => void | Promise<void>;
  readonly undecodable: (raw: string, reason: string, push: Push) => void | Promise<void>;
  /** The bot's own id, which no READY tells here. */
  readonly onBotId: (id: string) => void;
  readonly onState: (state: LaneState, detail?: string, more?: StateFacts) => void;
}

/** Resolves when `signal` aborts. @throws LoongError when the address cannot be bound; trying again later may help. */
export async function runWebhook(options: WebhookLoopOptions, signal: AbortSignal): Promise<void> {
  const { account, appId, clientSecret, ports, place, now, log, counters, api } = options;
  const refused = new RefusedCallers();
  const told = new NowAndThen();
  let isReady = false;
  const receiver = new WebhookReceiver({
    key: new CallbackKey(clientSecret),
    now,
    dispatch(frame, push) {
      if (refused.told !== undefined) forgetRefused();
      return options.dispatch(frame, push);
    },
    undecodable: options.undecodable,
  });
  options.onState('connecting');
  const taking = await ports.take(place, {
    account,
    appId,
    receive: (callback) => receiver.receive(callback),
    refused: noteRefused,
  });
  log.info({ address: addressOf(place, taking.port) }, 'callbacks of QQ are taken here');
  try {
    await lookAfterAnswers();
  } finally {
    await taking.close();
  }

  function noteRefused({ status, why, remedy }: Refusal): void {
    counters.count('webhook.refused');
    refused.note(why, remedy);
    if (told.unsaid(String(status)) !== undefined) tellReady();
  }

  function forgetRefused(): void {
    refused.forget();
    tellReady();
  }

  function tellReady(): void {
    if (isReady) options.onState('ready', refused.told, { remedy: refused.remedy });
  }

  async function lookAfterAnswers(): Promise<void> {
    let failures = 0;
    while (!signal.aborted) {
      try {
        const { id } = await api.call('GET', '/users/@me', undefined, signal);
        if (typeof id === 'string') options.onBotId(id);
        failures = 0;
        if (!isReady) {
          isReady = true;
          tellReady();
        }
        await pause(LOOK_EVERY_MS, signal);
      } catch (error) {
        if (signal.aborted) return;
        isReady = false;
        await pause(tellFailure(error, ++failures), signal);
      }
    }
  }

  /** How long to wait before the next look (ms). */
  function tellFailure(error: unknown, failures: number): number {
    const isForOperator = error instanceof LoongError && error.retry === 'never';
    const wait = isForOperator
      ? backoffDelay(LOOK_AGAIN_FOR_OPERATOR, failures, () => 1)
      : backoffDelay(LOOK_AGAIN, failures);
    const remedy = error instanceof LoongError ? error.remedy : undefined;
    options.onState(
      isForOperator ? 'failed' : 'waiting',
      `events are taken, but nothing can be sent: ${describeError(error)}`,
      { remedy, nextTryAt: Date.now() + wait },
    );
    return wait;
  }
}
