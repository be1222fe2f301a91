/** One account of the official QQ Bot API as a lane: gateway or callbacks in, REST out. */
import { Agent } from 'undici';
import { DIRECTLY, type MarkdownMode, type ProxyConfig } from '../../config/config.js';
import { restConnections } from '../../http/proxied.js';
import { describeError } from '../../model/errors.js';
import type { InboundMessage, Plainer, Push, Segment } from '../../model/message.js';
import { type AccountId, laneId, type Target, type TargetKind } from '../../model/target.js';
import type { IntentName } from '../../protocol/qqbot/gateway-codes.js';
import { SEND_LIMITS } from '../../protocol/qqbot/send-limits.js';
import type { Counters } from '../../telemetry/counters.js';
import type { Log } from '../../telemetry/log.js';
import type {
  AnswerView,
  Delivery,
  Lane,
  LaneSink,
  ProbeStep,
  ReplyRight,
  SendLimits,
  Taken,
  TypingSign,
} from '../lane.js';
import { AccessToken } from './access-token.js';
import { decodeEvent } from './decode-event.js';
import { decodeNotice } from './decode-notice.js';
import type { DispatchFrame } from './dispatch-frame.js';
import { encodeMessage } from './encode-message.js';
import { type ResumeMemory, runGatewayLoop } from './gateway-loop.js';
import { hasSequence } from './message-sequence.js';
import { OpenApiClient } from './openapi-client.js';
import { KEPT, OwnMessages } from './own-messages.js';
import { plainerForm } from './plainer-form.js';
import { probeQqbot } from './probe.js';
import { canStream, isForNow, lastPiece, type Stream, StreamView, streamIn, wholePiece } from './stream-message.js';
import { encodeTypingSign } from './typing-sign.js';
import { runWebhook } from './webhook-loop.js';
import type { WebhookPlace, WebhookPorts } from './webhook-ports.js';
import { testWebhook } from './webhook-self-test.js';
import { fields } from './wire-fields.js';

/** Connections kept to the platform: enough for the sends that one lane has in flight. */
const CONNECTIONS = 32;
const CONNECT_TIMEOUT_MS = 10_000;
const MAX_AUDIT_ID_CHARS = 512;
/** After so many attempts to go on with a stream the answer goes out as a message of its own. */
const STREAM_ATTEMPTS = 5;

export interface QqbotLaneOptions {
  readonly account: AccountId;
  readonly appId: string;
  readonly clientSecret: string;
  readonly apiBaseUrl: string;
  readonly tokenUrl: string;
  readonly intents: readonly IntentName[];
  /** Left out: everything is reached directly. */
  readonly proxy?: ProxyConfig;
  readonly replyRights: { readonly c2c: ReplyRight; readonly group: ReplyRight; readonly channel: ReplyRight };
  /** Whether markdown goes out as such; `auto` unless said. */
  readonly markdown?: MarkdownMode;
  /** How C2C answers are shown while they are made: how often, and how much at most; without it they are not. */
  readonly stream?: { readonly everyMs: number; readonly maxChars: number };
  readonly memory: ResumeMemory;
  /** Events come as callbacks, and no session is held. `now`: unix ms, for tests. */
  readonly webhook?: { readonly ports: WebhookPorts; readonly place: WebhookPlace; readonly now?: () => number };
  readonly log: Log;
  readonly counters: Counters;
  /** Told of every access token, so that logs can strike it out. */
  readonly onToken: (token: string, replaced: string | undefined) => void;
}

export class QqbotLane implements Lane {
  readonly id: string;
  readonly #options: QqbotLaneOptions;
  readonly #agent: Agent;
  readonly #token: AccessToken;
  readonly #api: OpenApiClient;
  readonly #own = new OwnMessages();
  #botId: string | undefined;

  constructor(options: QqbotLaneOptions) {
    const { appId, clientSecret, tokenUrl, apiBaseUrl, proxy = DIRECTLY, onToken } = options;
    this.id = laneId({ channel: 'qqbot', account: options.account });
    this.#options = options;
    this.#agent = new Agent({ connections: CONNECTIONS, connect: restConnections(proxy, CONNECT_TIMEOUT_MS) });
    this.#token = new AccessToken({ tokenUrl, appId, clientSecret, dispatcher: this.#agent, onToken });
    this.#api = new OpenApiClient({ apiBaseUrl, appId, token: this.#token, dispatcher: this.#agent });
  }

  replyRight({ kind }: Target): ReplyRight {
    return this.#options.replyRights[kind === 'dm' ? 'channel' : kind];
  }

  get hearsReviews(): boolean {
    return this.#options.intents.includes('message_audit');
  }

  limits(kind: TargetKind): SendLimits {
    return SEND_LIMITS[kind];
  }

  knowsRepeats({ kind }: Target): boolean {
    return hasSequence(kind);
  }

  async run(sink: LaneSink, signal: AbortSignal): Promise<void> {
    for (const { platformMessageId } of sink.past.sent(KEPT)) this.#own.remember(platformMessageId);
    const { webhook } = this.#options;
    return webhook === undefined ? this.#runGateway(sink, signal) : this.#runWebhook(webhook, sink, signal);
  }

  #runWebhook(
    { ports, place, now = Date.now }: NonNullable<QqbotLaneOptions['webhook']>,
    sink: LaneSink,
    signal: AbortSignal,
  ): Promise<void> {
    const { account, appId, clientSecret, log, counters } = this.#options;
    return runWebhook(
      {
        account,
        appId,
        clientSecret,
        ports,
        place,
        now,
        log,
        counters,
        api: this.#api,
        dispatch: (frame, push) => this.#dispatch(frame, sink, push),
        undecodable: (raw, reason, push) => sink.undecodable(raw, reason, push),
        onBotId: (id) => {
          this.#botId = id;
        },
        onState: (state, detail, more) => sink.state(state, detail, more),
      },
      signal,
    );
  }

  async #runGateway(sink: LaneSink, signal: AbortSignal): Promise<void> {
    const { appId, apiBaseUrl, intents, proxy = DIRECTLY, memory, log, counters } = this.#options;
    const over = new AbortController();
    if (intents.includes('guild_messages')) void this.#askOwnId(AbortSignal.any([signal, over.signal]));
    try {
      await runGatewayLoop(
        {
          appId,
          apiBaseUrl,
          intents,
          proxy,
          memory,
          log,
          counters,
          api: this.#api,
          token: this.#token,
          onState: (state, detail) => sink.state(state, detail),
          dispatch: (frame) => this.#dispatch(frame, sink),
          undecodable: async (raw, reason) => sink.undecodable(raw, reason),
          onBotId: (id) => {
            this.#botId = id;
          },
          onAcknowledged: () => sink.acknowledged(Date.now()),
        },
        signal,
      );
    } finally {
      over.abort();
    }
  }

  /** READY tells it, but RESUMED does not, and in a channel that is heard in full only the id tells whom a mention means. Never rejects. */
  async #askOwnId(signal: AbortSignal): Promise<void> {
    try {
      const { id } = await this.#api.call('GET', '/users/@me', undefined, signal);
      if (typeof id === 'string') this.#botId ??= id;
    } catch (error) {
      this.#options.log.debug({ error: describeError(error) }, 'the bot’s own id was not told; READY will tell it');
    }
  }

  #dispatch(frame: DispatchFrame, sink: LaneSink, push?: Push): void | Promise<void> {
    const decoded = decodeEvent(frame.event, frame.data, this.#options.account, Date.now(), this.#botId);
    if (decoded.kind === 'message') {
      this.#botId ??= decoded.botId; // RESUMED does not tell it
      return sink.message(this.#withOwnMarked(decoded.message), push);
    }
    if (decoded.kind === 'undecodable') return sink.undecodable(frame.raw, `${frame.event}: ${decoded.reason}`, push);
    if (frame.event === 'MESSAGE_AUDIT_PASS') this.#own.remember(fields(frame.data)?.message_id);
    return sink.notice(decodeNotice(frame, this.#options.account), push);
  }

  /** In "all messages" groups the bot may hear itself; and who quotes what it said talks to it. */
  #withOwnMarked(message: InboundMessage): InboundMessage {
    const { sender, segments, mentionsBot } = message;
    const isOwn = (part: Segment) => part.type === 'quote' && this.#own.has(part.message);
    const quotesOwn = segments.some(isOwn);
    if (!quotesOwn && sender.id !== this.#botId) return message;
    return {
      ...message,
      sender: sender.id === this.#botId ? { ...sender, isBot: true } : sender,
      segments: quotesOwn ? segments.map((part) => (isOwn(part) ? { ...part, by: 'bot' as const } : part)) : segments,
      mentionsBot: mentionsBot || quotesOwn,
    };
  }

  view(message: InboundMessage, attempt: number): AnswerView | undefined {
    const { markdown, stream, replyRights } = this.#options;
    // What is made plain is so as a whole, and a stream that fails costs a reply.
    if (stream === undefined || markdown === 'never' || replyRights.c2c.count < 2) return undefined;
    if (!canStream(message, attempt, Date.now())) return undefined;
    return new StreamView(message, (path, body, signal) => this.#api.call('POST', path, body, signal), stream);
  }

  async send(delivery: Delivery, signal: AbortSignal): Promise<Taken> {
    const { stream, rest: segments } = streamIn(delivery);
    const asStream = stream === undefined ? undefined : await this.#sendAsStream(delivery, stream, signal);
    return asStream ?? this.#sendAsMessage({ ...delivery, segments }, signal);
  }

  /** Undefined where the stream cannot go on: then nothing new was shown. */
  async #sendAsStream(delivery: Delivery, stream: Stream, signal: AbortSignal): Promise<Taken | undefined> {
    const { path, body } = wholePiece(stream, delivery);
    try {
      const answer = await this.#api.call('POST', path, body, signal);
      this.#own.remember(stream.id);
      this.#own.remember(fields(answer.ext_info)?.ref_idx);
      return { platformMessageId: stream.id };
    } catch (error) {
      if (isForNow(error) && (delivery.attempts ?? 1) < STREAM_ATTEMPTS) throw error;
      return undefined;
    }
  }

  async showTyping(sign: TypingSign, signal: AbortSignal): Promise<void> {
    const { path, body } = encodeTypingSign(sign);
    await this.#api.call('POST', path, body, signal);
  }

  written(delivery: Delivery, platformMessageId: string | undefined): void {
    const { stream } = streamIn(delivery);
    if (stream === undefined || stream.id !== platformMessageId) return;
    const { path, body } = lastPiece(stream, delivery);
    this.#api.call('POST', path, body, new AbortController().signal).catch((error: unknown) => {
      this.#options.log.debug(
        { error: describeError(error) },
        'a stream message was not finished; it shows the whole answer',
      );
    });
  }

  async #sendAsMessage(delivery: Delivery, signal: AbortSignal): Promise<Taken> {
    const plain = this.#options.markdown === 'never';
    const { path, body } = encodeMessage(
      plain ? { ...delivery, plainer: { ...delivery.plainer, markdown: true } } : delivery,
    );
    const answer = await this.#api.call('POST', path, body, signal);
    this.#own.remember(answer.id);
    this.#own.remember(fields(answer.ext_info)?.ref_idx);
    if (typeof answer.id === 'string') return { platformMessageId: answer.id };
    const auditId = fields(fields(answer.data)?.message_audit)?.audit_id;
    return typeof auditId === 'string' && auditId.length <= MAX_AUDIT_ID_CHARS ? { auditId } : {};
  }

  plainerForm(segments: readonly Segment[], refusedFor: keyof Plainer, already: Plainer): Plainer | undefined {
    return plainerForm(segments, refusedFor, already, this.#options.markdown ?? 'auto');
  }

  /** Asks the platform whether this account could run; starts no session. */
  async probe(signal: AbortSignal): Promise<readonly ProbeStep[]> {
    const { apiBaseUrl, appId, clientSecret, proxy = DIRECTLY, webhook } = this.#options;
    const eventsCome = webhook === undefined ? 'websocket' : 'webhook';
    const asked = probeQqbot(
      { apiBaseUrl, proxy, api: this.#api, token: this.#token, dispatcher: this.#agent, eventsCome },
      signal,
    );
    if (webhook === undefined) return asked;
    return [...(await asked), await testWebhook(webhook.place, appId, clientSecret, signal)];
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }
}
