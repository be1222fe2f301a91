/** A real lane of OneBot on a real port, with a journal that tests can look into, stop and break. */
import { pino } from 'pino';
import { onTestFinished } from 'vitest';
import type { LaneSink, LaneState, LateOutcome, Past, StateFacts } from '../../../../src/lanes/lane.js';
import { OnebotLane, type OnebotLaneOptions } from '../../../../src/lanes/onebot/onebot-lane.js';
import { ReverseWsPorts } from '../../../../src/lanes/onebot/reverse-ws-ports.js';
import { type InboundMessage, type Notice, plainText, type Segment } from '../../../../src/model/message.js';
import { type AccountId, parseTarget } from '../../../../src/model/target.js';
import { Counters } from '../../../../src/telemetry/counters.js';
import { waitUntil } from '../../../support/wait-until.js';
import { type Dialling, RawImplementation } from './raw-implementation.js';

class RecordingSink implements LaneSink {
  readonly messages: InboundMessage[] = [];
  readonly notices: Notice[] = [];
  readonly undecodables: { readonly raw: string; readonly reason: string }[] = [];
  readonly acknowledgements: number[] = [];
  readonly states: { readonly state: LaneState; readonly detail: string | undefined }[] = [];
  /** Of the state that was told last. */
  facts: StateFacts | undefined;
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

  state(state: LaneState, detail?: string, more?: StateFacts): void {
    this.states.push({ state, detail });
    this.facts = more;
  }

  acknowledged(at: number): void {
    this.acknowledgements.push(at);
  }

  readonly late: { readonly delivery: number; readonly outcome: LateOutcome }[] = [];
  readonly past: Past = { sent: () => [], received: () => [] };

  toldLate(delivery: number, outcome: LateOutcome): void {
    this.late.push({ delivery, outcome });
  }

  get last(): { readonly state: LaneState; readonly detail: string | undefined } | undefined {
    return this.states.at(-1);
  }

  get texts(): readonly string[] {
    return this.messages.map(({ segments }) => plainText(segments));
  }
}

type Options = Partial<Omit<OnebotLaneOptions, 'endpoint' | 'heartbeat' | 'reconnect'>> & {
  readonly endpoint?: Partial<OnebotLaneOptions['endpoint']>;
  readonly heartbeat?: Partial<OnebotLaneOptions['heartbeat']>;
  readonly reconnect?: Partial<OnebotLaneOptions['reconnect']>;
};

/** Ports that several lanes share; what they log stands in `lines`. */
export function sharedPorts(): { readonly ports: ReverseWsPorts; readonly lines: string[] } {
  const lines: string[] = [];
  return { ports: new ReverseWsPorts(pino({ level: 'trace' }, { write: (line: string) => lines.push(line) })), lines };
}

export class OnebotLaneUnderTest {
  readonly sink = new RecordingSink();
  readonly counters = new Counters();
  readonly lane: OnebotLane;
  readonly #log: string[] = [];
  readonly #stop = new AbortController();
  #ended: Promise<unknown> | undefined;

  constructor({ account = 'home' as AccountId, endpoint, heartbeat, reconnect, ports, ...options }: Options = {}) {
    const log = pino({ level: 'trace' }, { write: (line: string) => this.#log.push(line) });
    this.lane = new OnebotLane({
      account,
      endpoint: { host: '127.0.0.1', port: 0, path: '/onebot/v11/ws', ...endpoint },
      binding: { selfId: undefined, bind: async () => undefined },
      heartbeat: { enabled: true, intervalMs: 30_000, timeoutMs: 10_000, ...heartbeat },
      reconnect: {
        enabled: true,
        maxRetries: 10,
        retryDelayMs: 5000,
        backoffMultiplier: 2,
        maxDelayMs: 60_000,
        ...reconnect,
      },
      ports: ports ?? new ReverseWsPorts(log),
      log,
      counters: this.counters,
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

  /** Resolves once implementations can dial in. */
  async serve(): Promise<this> {
    const run = this.lane.run(this.sink, this.#stop.signal);
    this.#ended = run.then(
      () => undefined,
      (error: unknown) => error,
    );
    await Promise.race([
      this.until('an open door', () => this.sink.states.some(({ state }) => state === 'waiting')),
      run, // rejects when the door cannot be opened
    ]);
    return this;
  }

  /** Where they dial in, as the state tells it. */
  get url(): string {
    const told = this.sink.states.map(({ detail }) => /ws:\/\/\S+?(?=;|$)/.exec(detail ?? '')?.[0]);
    return told.find((url) => url !== undefined) ?? '';
  }

  async dial(dialling: Dialling = {}): Promise<RawImplementation> {
    const raw = await RawImplementation.dial(this.url, dialling);
    return raw;
  }

  /** Served, and with an implementation that is connected and known. */
  async connect(dialling: Dialling = {}): Promise<RawImplementation> {
    if (this.#ended === undefined) await this.serve();
    const raw = await this.dial(dialling);
    await this.ready();
    return raw;
  }

  async ready(): Promise<void> {
    await this.until('ready', () => this.sink.last?.state === 'ready');
  }

  until<T>(what: string, look: () => T | undefined | false): Promise<T> {
    return waitUntil(`${what}; states were ${JSON.stringify(this.sink.states)}`, look);
  }

  counted(name: string, times = 1): Promise<boolean> {
    return this.until(`${times} × ${name}, saw ${JSON.stringify(this.counters.snapshot())}`, () => {
      return (this.counters.snapshot()[name] ?? 0) >= times;
    });
  }

  /** What `run` ended with. */
  async stop(): Promise<unknown> {
    this.#stop.abort();
    const end = await this.#ended;
    await this.lane.close();
    return end;
  }

  /** As `run` leaves it when the daemon stops: nobody new comes in, who is there is still served. */
  async drain(): Promise<void> {
    this.#stop.abort();
    await this.#ended;
  }

  send(to: string, content: string | readonly Segment[], attempts?: number, signal?: AbortSignal) {
    const target = parseTarget(to, { channel: 'onebot', account: 'home' as AccountId });
    const segments: readonly Segment[] = typeof content === 'string' ? [{ type: 'text', text: content }] : content;
    const delivery = { target, segments, ...(attempts === undefined ? {} : { attempts }) };
    return this.lane.send(delivery, signal ?? new AbortController().signal);
  }
}
