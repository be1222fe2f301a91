/** Faults that a tester orders: what goes wrong, on which request, how often. Nothing here is random; each is listed until it is spent. */
import { z } from 'zod';

const times = z.union([z.number().int().min(1).max(1_000_000), z.literal('always')]).default(1);
const delayMs = z.number().int().min(0).max(600_000);
const closeCode = z.union([z.literal(1000), z.number().int().min(3000).max(4999)]);

/**
 * Spoils HTTP answers of the platform's API. Matches by `method` and `path` (`*` stands for any run of characters; without a
 * path: all but the token's); `skip` lets
 * that many matching requests pass first. Exactly one answer: `code` (the platform's own error body), `status` with `body`,
 * `html` (with `status`, default 502), `drop` (the connection is reset: `before` the platform acts, or `after` it did),
 * `hold` (answered only when the fault is deleted). `accept: true` lets the platform act first and spoils only the answer.
 * `delay_ms` waits before the answer, alone or with another. Of a send: with `burn` the refused one has used up its pair of
 * `msg_id` and `msg_seq` all the same; with `hidden` it is taken and gets its id, but nobody ever sees it in the chat.
 */
const restFault = z.strictObject({
  kind: z.literal('rest'),
  method: z.enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']).optional(),
  path: z.string().min(1).max(500).optional(),
  times,
  skip: z.number().int().min(0).max(1_000_000).default(0),
  code: z.number().int().optional(),
  message: z.string().max(1000).optional(),
  status: z.number().int().min(200).max(599).optional(),
  body: z.unknown().optional(),
  html: z.string().max(100_000).optional(),
  retry_after: z.number().int().min(0).optional(),
  delay_ms: delayMs.optional(),
  drop: z.enum(['before', 'after']).optional(),
  hold: z.boolean().optional(),
  accept: z.boolean().default(false),
  burn: z.boolean().default(false),
  hidden: z.boolean().default(false),
});

/**
 * Changes how the next events go out (`type`: those of this name alone). `behind` lets so many later events pass first, but does not wait
 * longer than `delay_ms` (1000 where it is left out); `delay_ms` alone makes it late. `repeat`: it comes so often again, each time under a
 * new sequence number; `repeat_after_resume`: once more, behind the next RESUMED.
 */
const eventFault = z.strictObject({
  kind: z.literal('event'),
  type: z.string().min(1).max(200).optional(),
  times,
  behind: z.number().int().min(1).max(1000).optional(),
  delay_ms: delayMs.optional(),
  repeat: z.number().int().min(0).max(100).default(0),
  repeat_after_resume: z.boolean().default(false),
});

/**
 * Spoils the next pushes to the bot's callback address (`type`: those of this event alone). `forged`: signed with a key of nobody;
 * `unsigned`: not signed at all; `late_s`: signed with a time so many seconds ago, or ahead where it is negative; `truncate`: so many
 * characters less than were signed; `cut`: the connection ends in the middle of the body; `replay`: the same request comes so often
 * again. Like any push, one that is not acknowledged comes again after a while, as it should have been.
 */
const webhookFault = z.strictObject({
  kind: z.literal('webhook'),
  type: z.string().min(1).max(200).optional(),
  times,
  forged: z.boolean().default(false),
  unsigned: z.boolean().default(false),
  late_s: z.number().int().min(-1_000_000).max(10_000_000).default(0),
  truncate: z.number().int().min(1).max(1_000_000).optional(),
  cut: z.boolean().default(false),
  replay: z.number().int().min(0).max(100).default(0),
});

/** Spoils the next grants of a token. `expires_in` makes a token that really lives so long, in seconds. */
const tokenFault = z.strictObject({
  kind: z.literal('token'),
  times,
  code: z.number().int().optional(),
  message: z.string().max(1000).optional(),
  status: z.number().int().min(200).max(599).optional(),
  html: z.string().max(100_000).optional(),
  without_token: z.boolean().optional(),
  numeric: z.boolean().optional(),
  expires_in: z.number().int().min(1).max(7200).optional(),
  delay_ms: delayMs.optional(),
});

/** Answers the next Identify or Resume with this close code (after op 9 where `invalid_session` is given). */
const refuseFault = z.strictObject({
  kind: z.literal('gateway.refuse'),
  on: z.enum(['identify', 'resume']),
  times,
  code: closeCode.optional(),
  reason: z.string().max(100).default(''),
  invalid_session: z.boolean().optional(),
});

/** Heartbeats are not acknowledged. */
const noAcksFault = z.strictObject({ kind: z.literal('gateway.no_acks'), times: times.default('always') });

/** Upgrades are refused with 503, until the fault is deleted or spent. */
const downFault = z.strictObject({ kind: z.literal('gateway.down'), times: times.default('always') });

/** Connections are accepted but get no HELLO and no answers, until the fault is deleted or spent. */
const muteFault = z.strictObject({ kind: z.literal('gateway.mute'), times: times.default('always') });

/** Happens at once to all open connections, and is never listed. */
const gatewayAct = [
  z.strictObject({ kind: z.literal('gateway.close'), code: closeCode, reason: z.string().max(100).default('') }),
  z.strictObject({ kind: z.literal('gateway.cut') }),
  z.strictObject({ kind: z.literal('gateway.reconnect') }),
  z.strictObject({ kind: z.literal('gateway.invalid_session'), resumable: z.boolean() }),
  z.strictObject({ kind: z.literal('gateway.heartbeat') }),
  z.strictObject({ kind: z.literal('gateway.half_open') }),
  z.strictObject({ kind: z.literal('gateway.forget_sessions') }),
  /** A second program with the same app id starts a session; the bot's own ends with 4006. Order it again for each time that it shall come. */
  z.strictObject({ kind: z.literal('gateway.take_over') }),
  z.strictObject({ kind: z.literal('token.expire') }),
] as const;

export const faultOrder = z.discriminatedUnion('kind', [
  restFault,
  eventFault,
  webhookFault,
  tokenFault,
  refuseFault,
  noAcksFault,
  downFault,
  muteFault,
  ...gatewayAct,
]);

/** What a tester writes: keys with a default may be left out. */
export type FaultOrder = z.input<typeof faultOrder>;
type CompleteOrder = z.output<typeof faultOrder>;
export type StandingOrder = Extract<CompleteOrder, { times: unknown }>;
export type ImmediateOrder = Exclude<CompleteOrder, StandingOrder>;

export type Fault<K extends StandingOrder['kind'] = StandingOrder['kind']> = Extract<StandingOrder, { kind: K }> & {
  readonly id: string;
  /** Aborts when the fault is deleted: what it holds goes on then. */
  readonly gone: AbortSignal;
};

export interface ListedFault {
  readonly id: string;
  readonly left: number | 'always';
  readonly order: StandingOrder;
}

interface Standing {
  readonly fault: Fault;
  readonly order: StandingOrder;
  readonly end: AbortController;
  readonly path?: RegExp;
  skip: number;
  left: number | 'always';
}

export class Faults {
  readonly #standing = new Map<string, Standing>();
  #last = 0;

  isStanding(order: CompleteOrder): order is StandingOrder {
    return 'times' in order;
  }

  add(order: StandingOrder): ListedFault {
    this.#last += 1;
    const id = `f${this.#last}`;
    const end = new AbortController();
    const standing: Standing = {
      fault: { ...order, id, gone: end.signal } as Fault,
      order,
      end,
      ...(order.kind === 'rest' ? { path: order.path === undefined ? ALL_BUT_TOKEN : pathPattern(order.path) } : {}),
      skip: order.kind === 'rest' ? order.skip : 0,
      left: order.times,
    };
    this.#standing.set(id, standing);
    return { id, left: standing.left, order };
  }

  /** Deletes one, or all; what they held goes on. @returns how many there were. */
  remove(id?: string): number {
    const gone = [...this.#standing.values()].filter((standing) => id === undefined || standing.fault.id === id);
    for (const standing of gone) {
      this.#standing.delete(standing.fault.id);
      standing.end.abort();
    }
    return gone.length;
  }

  list(): readonly ListedFault[] {
    return [...this.#standing.values()].map(({ fault, left, order }) => ({ id: fault.id, left, order }));
  }

  takeRest(method: string, path: string): Fault<'rest'> | undefined {
    return this.#take('rest', (standing, fault) => {
      if (fault.method !== undefined && fault.method !== method) return false;
      if (standing.path?.test(path) !== true) return false;
      if (standing.skip === 0) return true;
      standing.skip -= 1;
      return false;
    });
  }

  takeEvent(type: string): Fault<'event'> | undefined {
    return this.#take('event', (_, fault) => fault.type === undefined || fault.type === type);
  }

  takeWebhook(type: string): Fault<'webhook'> | undefined {
    return this.#take('webhook', (_, fault) => fault.type === undefined || fault.type === type);
  }

  takeRefusal(on: 'identify' | 'resume'): Fault<'gateway.refuse'> | undefined {
    return this.#take('gateway.refuse', (_, fault) => fault.on === on);
  }

  take<K extends 'token' | 'gateway.no_acks' | 'gateway.down' | 'gateway.mute'>(kind: K): Fault<K> | undefined {
    return this.#take(kind, () => true);
  }

  /** Waits until the fault is deleted. */
  async hold(fault: Fault): Promise<void> {
    if (fault.gone.aborted) return;
    await new Promise<void>((resolve) => fault.gone.addEventListener('abort', () => resolve(), { once: true }));
  }

  #take<K extends StandingOrder['kind']>(
    kind: K,
    matches: (standing: Standing, fault: Fault<K>) => boolean,
  ): Fault<K> | undefined {
    for (const standing of this.#standing.values()) {
      if (standing.fault.kind !== kind || standing.left === 0) continue;
      const fault = standing.fault as Fault<K>;
      if (!matches(standing, fault)) continue;
      if (standing.left !== 'always') standing.left -= 1;
      // A spent fault that holds an answer stays listed: deleting it is what lets the answer go.
      const keeps =
        standing.left === 'always' || standing.left > 0 || ('hold' in standing.order && standing.order.hold === true);
      if (!keeps) this.#standing.delete(standing.fault.id);
      return fault;
    }
    return undefined;
  }
}

const ALL_BUT_TOKEN = /^(?!\/app\/getAppAccessToken$)/;

function pathPattern(path: string): RegExp {
  return new RegExp(
    `^${path
      .split('*')
      .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
      .join('.*')}$`,
  );
}
