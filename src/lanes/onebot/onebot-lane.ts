/** One account of OneBot v11 as a lane: an implementation dials in, events come from it, messages go to it. */
import { isAbsolute } from 'node:path';
import type { MarkdownMode } from '../../config/config.js';
import { DeliveryError, describeError, LoongError } from '../../model/errors.js';
import type { Plainer, Segment } from '../../model/message.js';
import { type AccountId, laneId } from '../../model/target.js';
import { type Dialect, showsTyping } from '../../protocol/onebot/implementations.js';
import type { Counters } from '../../telemetry/counters.js';
import type { Log } from '../../telemetry/log.js';
import type { Delivery, Lane, LaneSink, Past, ReplyRight, SendLimits, Taken, TypingSign } from '../lane.js';
import { oneLine } from '../one-line.js';
import { AccountHealth } from './account-health.js';
import { AccountState } from './account-state.js';
import { CallError } from './call-error.js';
import { answerTime, plainAnswerTime } from './call-times.js';
import { wireId } from './decimal-id.js';
import { encodeMessage, encodePlain } from './encode-message.js';
import { addressOf, type Endpoint } from './endpoint.js';
import { EventIntake } from './event-intake.js';
import { FileSource } from './file-source.js';
import { type Binding, PeerDoor } from './peer-door.js';
import { askFacts, type PeerFacts } from './peer-facts.js';
import type { PeerSocket } from './peer-socket.js';
import { type Reconnect, retryAfter } from './reconnect-ladder.js';
import type { ReverseWsPorts, Served } from './reverse-ws-ports.js';
import { sendCall, TemporarySessions } from './send-call.js';
import type { TakeoverTimes } from './takeovers.js';
import { type Fields, fields, numberIn, wordIn } from './wire-fields.js';

/** `event_type` of `set_input_status`. */
const TYPES = 1;
/** OneBot knows no windows, and nobody tells how much it takes. */
const NO_LIMITS: SendLimits = { active: [], activePerTarget: [], perTarget: [], afterComplaint: [] };
const ASK_AGAIN_MS = 60_000;
/** How far back the journal is read at the start. */
const ROWS_RECALLED = 5000;
/** What is still being journalled when everything ends has so long. */
const SETTLE_MS = 2000;

export interface OnebotLaneOptions {
  readonly account: AccountId;
  readonly endpoint: Endpoint;
  readonly binding: Binding;
  /** Our pings, and the time for an answer, in ms. */
  readonly heartbeat: { readonly enabled: boolean; readonly intervalMs: number; readonly timeoutMs: number };
  readonly reconnect: Reconnect;
  /** Of a file of this machine; unless said, what a frame holds. */
  readonly mediaMaxBytes?: number;
  /** Whether markdown goes out as such; `auto` unless said. */
  readonly markdown?: MarkdownMode;
  readonly ports: ReverseWsPorts;
  readonly log: Log;
  readonly counters: Counters;
  /** For tests: what is usually a matter of half minutes. */
  readonly times?: {
    readonly sendMs?: number;
    readonly heartbeatSlackMs?: number;
    readonly takeovers?: TakeoverTimes;
  };
}

export class OnebotLane implements Lane {
  readonly id: string;
  readonly hearsReviews = false;
  readonly #options: OnebotLaneOptions;
  readonly #door: PeerDoor;
  readonly #health = new AccountHealth();
  readonly #files: FileSource;
  readonly #temporary = new TemporarySessions();
  #sink: LaneSink | undefined;
  #intake: EventIntake | undefined;
  readonly #state: AccountState;
  #served: Served | undefined;
  #facts: { readonly of: PeerSocket; readonly askedAt: number; readonly told: Promise<PeerFacts> } | undefined;
  readonly #strangers = new WeakSet<PeerSocket>();

  constructor(options: OnebotLaneOptions) {
    const { account, endpoint, binding, heartbeat, log, counters, times } = options;
    this.id = laneId({ channel: 'onebot', account });
    this.#options = options;
    this.#files = new FileSource(options.mediaMaxBytes);
    this.#door = new PeerDoor({
      account,
      selfId: endpoint.selfId,
      binding,
      pingEveryMs: heartbeat.enabled ? heartbeat.intervalMs : undefined,
      slackMs: times?.heartbeatSlackMs,
      takeovers: times?.takeovers,
      callMs: heartbeat.timeoutMs,
      log,
      counters,
      onEvent: (frame, raw, from) => this.#event(frame, raw, from),
      onUnreadable: (raw, reason) => this.#intake?.unreadable(raw, reason),
      onLate: (delivery, frame, failure) => this.#late(delivery, frame, failure),
      onChange: () => this.#changed(),
    });
    this.#state = new AccountState(endpoint, this.#door, this.#health);
  }

  replyRight(): ReplyRight | undefined {
    return undefined;
  }

  limits(): SendLimits {
    return NO_LIMITS;
  }

  knowsRepeats(): boolean {
    return false;
  }

  /** Nobody new comes in once `signal` aborts; who is connected stays until `close`, for answers are still being sent. */
  async run(sink: LaneSink, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const { account, log, counters } = this.#options;
    this.#intake = new EventIntake({
      account,
      sink,
      log,
      counters,
      temporary: this.#temporary,
      onCrowded: (crowded) => this.#setCrowded(crowded),
    });
    this.#sink = sink;
    this.#recall(sink.past, this.#intake);
    this.#state.begin(sink);
    this.#served ??= await this.#listen();
    this.#state.opened(this.#served.port);
    await new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => resolve(), { once: true });
      if (signal.aborted) resolve();
    });
    this.#door.stop();
  }

  /** What it must know of the time before a restart: its own words, and through which group strangers wrote. */
  #recall(past: Past, intake: EventIntake): void {
    for (const { target, platformMessageId } of past.sent(ROWS_RECALLED)) intake.rememberOwn(target, platformMessageId);
    for (const { conversation, sender, viaGroup } of past.received(ROWS_RECALLED)) {
      if (conversation.kind === 'c2c') this.#temporary.note(sender.id, viaGroup);
    }
  }

  /** Where nobody can dial in the log says why, and once it can, where. */
  async #listen(): Promise<Served> {
    const { endpoint, ports, log } = this.#options;
    try {
      const served = await ports.serve(endpoint, this.#door);
      log.info({ address: addressOf(endpoint, served.port) }, 'waiting for NapCat & co. to dial in');
      return served;
    } catch (error) {
      if (error instanceof LoongError) this.#state.blocked(error);
      const { remedy } = this.#state;
      log.warn({ error: describeError(error), remedy }, 'nobody can dial in; tried again soon');
      throw error;
    }
  }

  /** Somebody came or went. */
  #changed(): void {
    const { calls } = this.#door.connection;
    if (calls !== undefined && calls !== this.#facts?.of) {
      this.#askFacts(calls);
      this.#health.begin();
    }
    this.#setCrowded(this.#intake?.isCrowded ?? false);
    this.#state.tell();
  }

  #setCrowded(crowded: boolean): void {
    for (const socket of this.#door.connection.sockets) {
      if (socket.role === 'api') continue;
      if (crowded) socket.pause();
      else socket.resume();
    }
  }

  #event(frame: Fields, raw: string, from: PeerSocket): void {
    const { post_type: type } = frame;
    if (type === 'meta_event' && frame.meta_event_type === 'heartbeat') this.#heartbeat(frame, from);
    else if (type === 'message' && this.#health.isOffline) this.#healthChanged(() => this.#health.heard());
    else if (type === 'notice') this.#notice(frame);
    if (wordIn(frame.self_id) !== from.selfId) this.#stranger(frame, from);
    this.#intake?.take(frame, raw);
  }

  #heartbeat(frame: Fields, from: PeerSocket): void {
    from.liveness.heartbeat(numberIn(frame.interval) ?? 0);
    this.#sink?.acknowledged(Date.now());
    this.#healthChanged(() => this.#health.status(fields(frame.status)?.online));
  }

  #notice(frame: Fields): void {
    if (frame.notice_type === 'bot_online') this.#healthChanged(() => this.#health.heard());
    if (frame.notice_type !== 'bot_offline') return;
    const why = typeof frame.message === 'string' ? oneLine(frame.message, 120) : '';
    this.#healthChanged(() => this.#health.wentOffline(why));
  }

  #healthChanged(change: () => void): void {
    const before = this.#health.detail;
    change();
    if (this.#health.detail !== before) this.#state.tell();
  }

  /** Bridges invent numbers; the event is believed, for mentions in it are written with the same one. */
  #stranger(frame: Fields, from: PeerSocket): void {
    if (this.#strangers.has(from)) return;
    this.#strangers.add(from);
    this.#options.log.warn(
      { header: from.selfId, event: oneLine(wordIn(frame.self_id) ?? '', 40) },
      'an event has another self_id than the connection that it came on',
    );
  }

  async send({ id: delivery, target, segments, plainer, attempts = 1 }: Delivery, signal: AbortSignal): Promise<Taken> {
    const { markdown, times, heartbeat } = this.#options;
    this.#peer(attempts);
    if (this.#health.isOffline) await this.#assertOnline(attempts, signal);
    const withoutMarkdown = plainer?.markdown === true || markdown === 'never';
    const written = withoutMarkdown ? segments.map(asText) : segments;
    const kind = target.kind === 'group' ? 'group' : 'c2c';
    const plain = encodePlain(written);
    const encoded = plain ?? (await encodeMessage(written, kind, await this.#dialect(), this.#files));
    const { action, params } = sendCall(target, encoded.segments, this.#temporary);
    const callTimes = { callMs: heartbeat.timeoutMs, sendMs: times?.sendMs };
    const timeoutMs = plain === undefined ? answerTime(action, params, callTimes) : plainAnswerTime(callTimes);
    const peer = this.#peer(attempts);
    let answer: unknown;
    try {
      answer = await peer.call(action, params, { timeoutMs, signal, delivery });
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      throw this.#undelivered(error, written);
    }
    if (this.#health.isDoubted) this.#healthChanged(() => this.#health.sendAnswered());
    const id = fields(answer)?.message_id;
    const { warning } = encoded;
    if (typeof id !== 'number' && typeof id !== 'string') return warning === undefined ? {} : { warning };
    const platformMessageId = String(id);
    this.#intake?.rememberOwn(target, platformMessageId);
    return warning === undefined ? { platformMessageId } : { platformMessageId, warning };
  }

  /** Nothing takes it back, but it fades by itself. */
  async showTyping({ conversation, isOn }: TypingSign, signal: AbortSignal): Promise<void> {
    const peer = this.#door.connection.calls;
    if (!isOn || peer === undefined || this.#health.isOffline || !showsTyping(await this.#dialect())) return;
    if (signal.aborted) return;
    const params = { user_id: wireId(conversation.peer), event_type: TYPES };
    await peer.call('set_input_status', params, { timeoutMs: this.#options.heartbeat.timeoutMs, signal });
  }

  /** What was given up as unknown is known after all. */
  #late(delivery: number, frame: Fields, failure: CallError | undefined): void {
    if (failure?.outcome === 'unknown') return;
    const id = wordIn(fields(frame.data)?.message_id);
    const outcome = { delivered: true as const, ...(id === undefined ? {} : { platformMessageId: id }) };
    this.#sink?.toldLate(delivery, failure === undefined ? outcome : { delivered: false, error: failure });
  }

  #undelivered(error: CallError, segments: readonly Segment[]): DeliveryError {
    // NapCat tells itself when QQ did not answer it.
    const inVain = error.timedOut || (error.outcome === 'unknown' && error.retcode !== undefined);
    this.#healthChanged(() => (inVain ? this.#health.sendTimedOut() : this.#health.sendAnswered()));
    const couldBePlainer = this.#options.markdown === undefined || this.#options.markdown === 'auto';
    if (error.outcome === 'refused' && !error.isBusy && couldBePlainer && segments.some(isMarkdown)) {
      const { code, message, retcode } = error;
      return new DeliveryError(code, message, {
        failure: 'markdown',
        certainty: 'not-delivered',
        platformCode: retcode,
        cause: error,
      });
    }
    return error.asDelivery();
  }

  /** Where calls go. @throws DeliveryError `away` when nobody is connected. */
  #peer(attempts: number): PeerSocket {
    const { calls, events } = this.#door.connection;
    if (calls !== undefined && events !== undefined) return calls;
    throw this.#away('onebot.not_connected', this.#state.waiting, attempts);
  }

  /** Heartbeats may be switched off, so it is asked before a message is kept back. @throws DeliveryError `away` */
  async #assertOnline(attempts: number, signal: AbortSignal): Promise<void> {
    const peer = this.#peer(attempts);
    try {
      const status = await peer.call('get_status', {}, { timeoutMs: this.#options.heartbeat.timeoutMs, signal });
      this.#healthChanged(() => this.#health.status(fields(status)?.online));
    } catch {
      // It stays as it was last heard of.
    }
    if (this.#health.isOffline) throw this.#away('onebot.offline', this.#health.detail ?? '', attempts);
    // What was parked meanwhile is older, and comes back with the state that was just told.
    throw this.#away('onebot.offline', 'QQ was logged out until just now', attempts, 0);
  }

  #away(
    code: string,
    message: string,
    attempts: number,
    retryAfterMs = retryAfter(this.#options.reconnect, attempts),
  ): DeliveryError {
    return new DeliveryError(code, message, {
      failure: 'away',
      certainty: 'not-delivered',
      retryAfterMs,
      remedy:
        this.#state.remedy ??
        'start the OneBot implementation, and see that its QQ is logged in: the message goes out once it is connected',
    });
  }

  /** Who did not tell what it is, is asked again from time to time. */
  async #dialect(): Promise<Dialect> {
    if (this.#facts === undefined) return 'other';
    const { of, askedAt, told } = this.#facts;
    const { program, dialect } = await told;
    if (program !== '' || performance.now() - askedAt < ASK_AGAIN_MS || this.#facts.of !== of) return dialect;
    this.#askFacts(of);
    return (await this.#facts.told).dialect;
  }

  #askFacts(of: PeerSocket): void {
    const { heartbeat, log } = this.#options;
    this.#facts = { of, askedAt: performance.now(), told: askFacts(of, heartbeat.timeoutMs, log) };
  }

  plainerForm(segments: readonly Segment[], refusedFor: keyof Plainer, already: Plainer): Plainer | undefined {
    const { markdown = 'auto' } = this.#options;
    if (refusedFor !== 'markdown' || markdown !== 'auto' || already.markdown === true) return undefined;
    return segments.some(isMarkdown) ? { ...already, markdown: true } : undefined;
  }

  /**
   * Calls any action of the implementation, and resolves with the `data` of its answer; the parts of an answer that came in several stand
   * in its `parts`.
   * @throws CallError
   */
  async call(action: string, params: object, signal?: AbortSignal): Promise<unknown> {
    const peer = this.#door.connection.calls;
    if (peer === undefined) {
      throw new CallError('onebot.not_connected', this.#state.waiting, {
        outcome: 'unsent',
        remedy:
          this.#state.remedy ?? 'start the OneBot implementation, and give it this address as a reverse WebSocket',
      });
    }
    const sent = await this.#withFile(action, params);
    const timeoutMs = answerTime(action, sent, { callMs: this.#options.heartbeat.timeoutMs });
    const data = await peer.call(action, sent, { timeoutMs, signal });
    const { valid, message } = fields(data) ?? {};
    // NapCat's way to say that somebody is no friend.
    if (action !== 'delete_friend' || valid !== false) return data;
    const why = typeof message === 'string' && message !== '' ? oneLine(message) : 'this QQ is no friend';
    throw new LoongError('onebot.not_a_friend', why, { retry: 'never' });
  }

  /**
   * A path is one of this machine, where the implementation need not run; what `file://` names is on its own. go-cqhttp takes paths alone.
   * @throws DeliveryError for a file that cannot be sent
   */
  async #withFile(action: string, params: object): Promise<object> {
    const { file } = params as Fields;
    if (!action.startsWith('upload_') || typeof file !== 'string' || !isAbsolute(file)) return params;
    if ((await this.#dialect()) === 'go-cqhttp') return params;
    return { ...params, file: await this.#files.wireFile(file) };
  }

  async close(): Promise<void> {
    this.#door.close();
    await this.#intake?.settle(SETTLE_MS);
    await this.#served?.close();
    this.#served = undefined;
  }
}

function isMarkdown({ type }: Segment): boolean {
  return type === 'markdown';
}

function asText(segment: Segment): Segment {
  return segment.type === 'markdown' ? { type: 'text', text: segment.markdown } : segment;
}
