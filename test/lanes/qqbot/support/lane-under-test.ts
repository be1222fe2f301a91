/** A real lane on a real socket, with a journal and a memory that tests can look into, stop and break. */
import { pino } from 'pino';
import { onTestFinished } from 'vitest';
import type { LaneSink, LaneState, Past } from '../../../../src/lanes/lane.js';
import type { ResumeMemory } from '../../../../src/lanes/qqbot/gateway-loop.js';
import { QqbotLane, type QqbotLaneOptions } from '../../../../src/lanes/qqbot/qqbot-lane.js';
import { type InboundMessage, type Notice, plainText } from '../../../../src/model/message.js';
import { type AccountId, parseTarget, type Target } from '../../../../src/model/target.js';
import { type Sandbox, type SandboxOptions, startSandbox } from '../../../../src/sandbox/sandbox.js';
import type { Entry, GatewayStep } from '../../../../src/sandbox/transcript.js';
import { Counters } from '../../../../src/telemetry/counters.js';
import { until } from './hurried-clock.js';

const ACCOUNT = 'main' as AccountId;

/** Journals everything at once, or when `journal` says so. */
class RecordingSink implements LaneSink {
  readonly messages: InboundMessage[] = [];
  readonly notices: Notice[] = [];
  readonly undecodables: { readonly raw: string; readonly reason: string }[] = [];
  readonly acknowledgements: number[] = [];
  readonly states: { readonly state: LaneState; readonly detail: string | undefined }[] = [];
  /** What a commit waits for, and whether it fails. */
  journal: (what: InboundMessage | Notice | string) => void | Promise<void> = () => undefined;

  message(message: InboundMessage): void | Promise<void> {
    this.messages.push(message);
    return this.journal(message);
  }

  notice(notice: Notice): void | Promise<void> {
    this.notices.push(notice);
    return this.journal(notice);
  }

  undecodable(raw: string, reason: string): void | Promise<void> {
    this.undecodables.push({ raw, reason });
    return this.journal(raw);
  }

  state(state: LaneState, detail?: string): void {
    this.states.push({ state, detail });
  }

  acknowledged(at: number): void {
    this.acknowledgements.push(at);
  }

  readonly past: Past = { sent: () => [], received: () => [] };

  toldLate(): void {
    throw new Error('the official platform tells nothing late');
  }

  get texts(): readonly string[] {
    return this.messages.map((message) => plainText(message.segments));
  }
}

type Point = { readonly sessionId: string; readonly seq: number };

/** Sessions as the store keeps them, and everything that was written. */
export class SessionMemory implements ResumeMemory {
  readonly points = new Map<string, Point>();
  readonly written: (Point | undefined)[] = [];
  write: () => void | Promise<void> = () => undefined;

  load(key: string): Point | undefined {
    return this.points.get(key);
  }

  async save(key: string, point: Point | undefined): Promise<void> {
    await this.write();
    this.written.push(point);
    if (point === undefined) this.points.delete(key);
    else this.points.set(key, point);
  }

  /** The one point that is kept. */
  get point(): Point | undefined {
    return [...this.points.values()][0];
  }
}

/** Where a lane finds its platform. */
export type Where = Pick<Sandbox, 'appId' | 'clientSecret' | 'apiBaseUrl' | 'tokenUrl'>;

export class LaneUnderTest {
  readonly sink = new RecordingSink();
  readonly counters = new Counters();
  readonly tokens: { readonly token: string; readonly replaced: string | undefined }[] = [];
  readonly memory: SessionMemory;
  readonly lane: QqbotLane;
  readonly #log: string[] = [];
  readonly #stop = new AbortController();
  #ended: Promise<unknown> | undefined;

  constructor(where: Where, memory = new SessionMemory(), options: Partial<QqbotLaneOptions> = {}) {
    this.memory = memory;
    this.lane = new QqbotLane({
      account: ACCOUNT,
      appId: where.appId,
      clientSecret: where.clientSecret,
      apiBaseUrl: where.apiBaseUrl,
      tokenUrl: where.tokenUrl,
      intents: ['group_and_c2c'],
      replyRights: {
        c2c: { ttlMs: 3_600_000, count: 4 },
        group: { ttlMs: 300_000, count: 5 },
        channel: { ttlMs: 300_000, count: 5 },
      },
      memory,
      log: pino({ level: 'trace' }, { write: (line: string) => this.#log.push(line) }),
      counters: this.counters,
      onToken: (token, replaced) => this.tokens.push({ token, replaced }),
      ...options,
    });
    onTestFinished(async () => {
      await this.stop();
    });
  }

  /** Everything that was logged, as JSON lines, nothing struck out. */
  get log(): string {
    return this.#log.join('');
  }

  /** Resolves with what `run` rejects with; rejects should it end by itself. */
  run(): Promise<unknown> {
    const run = this.lane.run(this.sink, this.#stop.signal);
    this.#ended = run.then(
      () => undefined,
      (error: unknown) => error,
    );
    return this.#ended;
  }

  async ready(times = 1): Promise<void> {
    await until(`ready ${times} times, saw ${JSON.stringify(this.sink.states)}`, () => {
      return this.sink.states.filter(({ state }) => state === 'ready').length >= times;
    });
  }

  /** Connects, and waits until the session is written down. */
  async connect(): Promise<this> {
    void this.run();
    await this.ready();
    await until('a stored session', () => this.memory.point !== undefined);
    return this;
  }

  /** What the gateway loop ended with. */
  async stop(): Promise<unknown> {
    this.#stop.abort();
    const end = await this.#ended;
    await this.lane.close();
    return end;
  }

  send(to: string, text: string, passive?: { readonly id: string; readonly seq: number }) {
    const target: Target = parseTarget(to, { channel: 'qqbot', account: ACCOUNT });
    const token =
      passive === undefined
        ? {}
        : { passive: { token: { kind: 'msg_id', value: passive.id } as const, seq: passive.seq } };
    return this.lane.send({ target, segments: [{ type: 'text', text }], ...token }, this.#stop.signal);
  }
}

const FREE_PACE = { total: 1000, remaining: 1000, resetAfterMs: 86_400_000, maxConcurrency: 100 };

/** A sandbox that lets sessions be created as fast as one likes, gone when the test is over. */
export async function openSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const sandbox = await startSandbox({ sessionLimit: FREE_PACE, ...options });
  onTestFinished(() => sandbox.close());
  return sandbox;
}

/** The gateway's steps from entry `after` on. */
export function stepsOf(sandbox: Sandbox, after = 0): readonly GatewayStep[] {
  return sandbox.platform.transcript
    .since(after)
    .filter((entry): entry is Entry & GatewayStep => entry.kind === 'gateway');
}

/** The next such step of the gateway after entry `after`. */
export function step(sandbox: Sandbox, name: GatewayStep['step'], after = 0): Promise<Entry & GatewayStep> {
  return sandbox.platform.seen(
    (entry): entry is Entry & GatewayStep => entry.kind === 'gateway' && entry.step === name,
    AbortSignal.timeout(15_000),
    after,
  );
}

/** The next identify or resume after entry `after`. */
export function opening(sandbox: Sandbox, after = 0): Promise<Entry & GatewayStep> {
  return sandbox.platform.seen(
    (entry): entry is Entry & GatewayStep =>
      entry.kind === 'gateway' && (entry.step === 'identify' || entry.step === 'resume'),
    AbortSignal.timeout(15_000),
    after,
  );
}
