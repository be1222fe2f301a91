/** One program that is logged in to a QQ and dials in to an application: its lines, its heartbeat, and its answers to calls. */
import { Account, type EventFields } from './account.js';
import { findAction } from './actions.js';
import { type AnswerFrame, type Echo, failedAnswer, okAnswer } from './answer.js';
import { AnswerBatch } from './answer-batch.js';
import { clientFrame } from './client-frame.js';
import { FACTS, type FlavourFacts, type Role } from './flavours.js';
import { statusOf } from './info-actions.js';
import { Line } from './line.js';
import { malformedFrame } from './malformed.js';
import type { ImmediateFault, ImplementationPlan, ImplementationSwitches } from './orders.js';
import { Params } from './params.js';
import { Refusal } from './refusal.js';
import { type Spoiled, Spoilers } from './spoilers.js';
import { wireId, writeJson } from './wire-json.js';
import type { World } from './world.js';

const RAW_SHOWN = 4000;

export class Implementation {
  readonly plan: ImplementationPlan;
  readonly account: Account;
  readonly spoilers: Spoilers;
  readonly #facts: FlavourFacts;
  readonly #heartbeatMs: number;
  readonly #batch = new AnswerBatch();
  #lines: readonly Line[] = [];
  #heart: NodeJS.Timeout | undefined;

  constructor(plan: ImplementationPlan, world: World, ports: Pick<Account, 'note' | 'fileUrl'>) {
    this.plan = plan;
    this.#facts = FACTS[plan.flavour];
    this.spoilers = new Spoilers(plan.self_id);
    this.#heartbeatMs = plan.heartbeat_ms ?? this.#facts.heartbeatMs;
    this.account = new Account(
      {
        selfId: plan.self_id,
        facts: this.#facts,
        format: plan.format ?? this.#facts.format,
        reportSelf: plan.report_self,
        debug: plan.debug,
      },
      world,
      { ...ports, emit: (event) => this.emit(event) },
    );
  }

  get lines(): readonly Line[] {
    return this.#lines;
  }

  /** Dials, and dials again for as long as it is not told to stop. */
  connect(): void {
    if (this.#lines.length > 0) return;
    const roles: readonly Role[] = this.plan.role === 'split' ? ['api', 'event'] : ['universal'];
    this.#lines = roles.map((role, index) => this.#makeLine(role, index + 1));
    for (const line of this.#lines) line.start();
    if (this.#heartbeatMs > 0) this.#heart = setInterval(() => this.#beat(), this.#heartbeatMs);
  }

  async disconnect(): Promise<void> {
    clearInterval(this.#heart);
    const lines = this.#lines;
    this.#lines = [];
    await Promise.all(lines.map((line) => line.end()));
  }

  async set(want: ImplementationSwitches): Promise<void> {
    const { account } = this;
    account.format = want.format ?? account.format;
    account.reportSelf = want.report_self ?? account.reportSelf;
    account.debug = want.debug ?? account.debug;
    account.online = want.online ?? account.online;
    account.good = want.good ?? account.good;
    if (want.restart === true || want.connected === false) await this.disconnect();
    if (want.restart === true) account.log.forgetAll();
    if (want.restart === true || want.connected === true) this.connect();
  }

  /** @returns how many lines it went out on. */
  emit(event: EventFields): number {
    return this.send(writeJson(event));
  }

  /** Any frame, as an event goes out. */
  send(frame: string | Buffer): number {
    return this.#lines.filter((line) => line.carriesEvents && line.send(frame)).length;
  }

  /** A frame of any opcode, on the lines of events. */
  sendFrame(payload: Buffer, opcode: number): number {
    const open = this.#eventLines().filter((line) => line.isOpen);
    for (const line of open) line.write(clientFrame(payload, { opcode }));
    return open.length;
  }

  async drained(): Promise<void> {
    await Promise.all(this.#eventLines().map((line) => line.drained()));
  }

  /** A fault that happens at once, but for a flood. */
  strike(order: Exclude<ImmediateFault, { kind: 'flood' }>): void {
    if (order.kind === 'malformed') {
      const made = malformedFrame(order.what, this.account.selfId, order.bytes);
      if ('frame' in made) this.send(made.frame);
      else for (const line of this.#eventLines()) line.write(made.bytes);
    }
    for (const line of this.#lines) {
      if (order.kind === 'drop') line.drop(order.code, order.reason);
      if (order.kind === 'half_open') line.halfOpen(order.redial);
      if (order.kind === 'recover') line.recover();
    }
  }

  shown() {
    const { flavour, url, role } = this.plan;
    const { selfId, format, online, good, reportSelf, debug } = this.account;
    return {
      self_id: selfId,
      flavour,
      url,
      role,
      format,
      online,
      good,
      report_self: reportSelf,
      debug,
      connected: this.#lines.some((line) => line.isOpen),
      lines: this.#lines.map((line) => ({ line: line.plan.number, role: line.plan.role, open: line.isOpen })),
      faults: this.spoilers.list(),
    };
  }

  #makeLine(role: Role, number: number): Line {
    const { plan } = this;
    const url = (role === 'api' ? plan.api_url : role === 'event' ? plan.event_url : undefined) ?? plan.url;
    const note = (step: 'opened' | 'refused' | 'closed', code?: number, reason = '') =>
      this.account.note({
        kind: 'onebot.line',
        self_id: this.account.selfId,
        step,
        line: number,
        role: this.#facts.roles[role],
        ...(code === undefined ? {} : { code }),
        ...(reason === '' ? {} : { reason }),
      });
    return new Line(
      {
        number,
        role,
        url,
        headers: this.#headers(role),
        reconnectMs: plan.reconnect_ms ?? this.#facts.reconnectMs,
        facts: this.#facts,
      },
      {
        opened: (line) => {
          note('opened');
          if (line.carriesEvents) this.#greet(line);
        },
        refused: (_line, reason, code) => note('refused', code, reason),
        closed: (_line, code, reason) => note('closed', code, reason),
        frame: (line, text, isBinary) => {
          if (isBinary && this.plan.flavour === 'go-cqhttp') return;
          this.#hear(line, text);
        },
      },
    );
  }

  #headers(role: Role): Readonly<Record<string, string>> {
    const { scheme, sendsEmptyToken, roles, userAgent, flavour } = this.#facts;
    const { token, headers, self_id } = this.plan;
    const lower = flavour === 'napcat' || flavour === 'llonebot';
    const own = {
      [lower ? 'x-client-role' : 'X-Client-Role']: roles[role],
      [lower ? 'x-self-id' : 'X-Self-ID']: self_id,
      'User-Agent': userAgent,
      ...(token !== undefined && token !== '' ? { Authorization: `${scheme} ${token}` } : {}),
      ...((token === undefined || token === '') && sendsEmptyToken ? { Authorization: `${scheme} ` } : {}),
    };
    const changed = new Set(Object.keys(headers).map((name) => name.toLowerCase()));
    const kept = Object.entries(own).filter(([name]) => !changed.has(name.toLowerCase()));
    const given = Object.entries(headers).flatMap(([name, value]) => (value === null ? [] : [[name, value] as const]));
    return Object.fromEntries([...kept, ...given]);
  }

  #greet(line: Line): void {
    line.send(
      writeJson({
        ...this.#meta('lifecycle'),
        sub_type: 'connect',
        ...(this.plan.flavour === 'go-cqhttp' ? { _post_method: 2 } : {}),
      }),
    );
    if (this.#facts.heartbeatAtOnce && this.#heartbeatMs > 0) line.send(writeJson(this.#heartbeat()));
  }

  #beat(): void {
    if (!this.spoilers.skipsHeartbeat()) this.emit(this.#heartbeat());
  }

  #heartbeat(): EventFields {
    return { ...this.#meta('heartbeat'), status: statusOf(this.account), interval: this.#heartbeatMs };
  }

  #meta(type: 'lifecycle' | 'heartbeat'): EventFields {
    const { world, selfId } = this.account;
    return { time: world.seconds(), self_id: wireId(selfId), post_type: 'meta_event', meta_event_type: type };
  }

  #eventLines(): readonly Line[] {
    return this.#lines.filter((line) => line.carriesEvents);
  }

  /** Calls are acted on as they come; what is slow is overtaken. */
  #hear(line: Line, raw: string): void {
    let request: unknown;
    try {
      request = JSON.parse(raw);
    } catch {
      request = undefined;
    }
    if (!isObject(request)) {
      const refusal = new Refusal('json格式错误或不是对象', 'BAD_JSON', 'parameter');
      if (this.#facts.answersBadJson)
        line.send(writeJson({ ...failedAnswer(this.#facts, refusal, undefined), echo: undefined }));
      return;
    }
    this.#act(line, raw, request);
  }

  #act(line: Line, raw: string, request: { readonly [key: string]: unknown }): void {
    const called = String(request.action);
    const spoiled = this.spoilers.forCall(called);
    const echo = spoiled.echo === undefined ? request.echo : SPOILT[spoiled.echo](request.echo);
    const answer = spoiled.isLost
      ? okAnswer(this.#facts, null, undefined)
      : this.#answerTo(called, request.params, echo, spoiled, (frame) => line.send(writeJson(frame)));
    this.#noteCall(called, request.params, answer, raw, !spoiled.isLost && !spoiled.isSwallowed);
    if (spoiled.isLost || spoiled.isSwallowed) return;
    const told = spoiled.echo === 'missing' ? { ...answer, echo: undefined } : answer;
    const send = () => line.send(writeJson(told));
    const inBatch = this.spoilers.reordered();
    if (inBatch !== undefined) this.#batch.hold(send, inBatch);
    else if (spoiled.delayMs > 0) setTimeout(send, spoiled.delayMs).unref();
    else send();
  }

  #answerTo(
    called: string,
    params: unknown,
    echo: Echo,
    { refusal }: Spoiled,
    send: (frame: AnswerFrame) => void,
  ): AnswerFrame {
    if (refusal !== undefined) {
      const answer = failedAnswer(this.#facts, new Refusal(refusal.message), echo);
      return refusal.retcode === undefined ? answer : { ...answer, retcode: refusal.retcode };
    }
    try {
      const found = findAction(this.#facts, called);
      if (found === undefined) throw new Refusal(`不支持的Api ${called}`, 'API_NOT_FOUND', 'unknown');
      let streamed = false;
      const stream = (data: unknown) => {
        streamed = true;
        send(okAnswer(this.#facts, data, echo, true));
      };
      const data = found.action.run({ account: this.account, action: found.name, params: new Params(params), stream });
      return okAnswer(this.#facts, data, echo, streamed);
    } catch (error) {
      // Whatever a call brings, the program stays: what it did not foresee is a failed call too.
      const told = error instanceof Refusal ? error : new Refusal(String(error));
      return failedAnswer(this.#facts, told, echo);
    }
  }

  #noteCall(action: string, params: unknown, answer: AnswerFrame, raw: string, answered: boolean): void {
    const { status, retcode, message } = answer;
    this.account.note({
      kind: 'onebot.call',
      self_id: this.account.selfId,
      action,
      params: raw.length > RAW_SHOWN ? null : (params ?? null),
      status,
      retcode,
      ...(typeof message === 'string' && message !== '' ? { reason: message } : {}),
      answered,
      raw: raw.slice(0, RAW_SHOWN),
      raw_length: raw.length,
    });
  }
}

const isObject = (value: unknown): value is { readonly [key: string]: unknown } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** `missing` is taken out of the finished answer. */
const SPOILT: { readonly [as in NonNullable<Spoiled['echo']>]: (echo: Echo) => Echo } = {
  number: (echo) => Number(echo) || 0,
  string: (echo) => String(echo),
  object: (echo) => ({ echo }),
  null: () => null,
  missing: (echo) => echo,
  proto: () => '__proto__',
  other: () => 'another echo',
};
