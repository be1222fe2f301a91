/** The sandbox's QQ: its people, what they do, and everything it remembers. The API, the page and tests act on it through these verbs. */
import { AccessTokens } from './access-tokens.js';
import { ActiveQuotas } from './active-quotas.js';
import { Audits } from './audits.js';
import type { PlatformEvent } from './events.js';
import { type FaultOrder, Faults, faultOrder, type ImmediateOrder, type ListedFault } from './faults.js';
import { GatewaySessions } from './gateway-sessions.js';
import * as guildActs from './guild-acts.js';
import { type Channel, Guilds } from './guilds.js';
import { messageIn } from './hand-made-event.js';
import { MessageMemory } from './message-memory.js';
import { OneBotPlatform } from './onebot/onebot-platform.js';
import { People } from './people.js';
import { Pushes } from './pushes.js';
import { DEFAULT_WINDOWS, ReplyWindows, type WindowRules } from './reply-windows.js';
import type { Say } from './say.js';
import { sayMessage } from './say-message.js';
import { Settings } from './settings.js';
import { type SessionLimit, StartLimit } from './start-limit.js';
import { Streams } from './streams.js';
import type { PlatformSwitches, Switches } from './switches.js';
import { type Entry, type Scene, Transcript, type UserMessage } from './transcript.js';
import { turnSwitches } from './turn-switches.js';
import { Webhook } from './webhook.js';

export interface PlatformSetup {
  readonly appId: string;
  readonly clientSecret: string;
  readonly heartbeatIntervalMs: number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** What is left out is as documented. */
  readonly windows: Partial<WindowRules>;
  readonly sessionLimit: SessionLimit;
}

const BOT_NAME = 'demo';

export class Platform {
  readonly setup: PlatformSetup;
  readonly bot = { id: '9980011223344556677', username: BOT_NAME, bot: true } as const;
  readonly people = new People();
  readonly guilds: Guilds;
  readonly messages = new MessageMemory();
  readonly streams = new Streams();
  readonly audits = new Audits();
  readonly settings = new Settings();
  readonly transcript: Transcript;
  readonly faults = new Faults();
  readonly tokens: AccessTokens;
  readonly windows: ReplyWindows;
  readonly quotas: ActiveQuotas;
  readonly starts: StartLimit;
  readonly sessions: GatewaySessions;
  readonly webhook: Webhook;
  readonly pushes: Pushes;
  /** Implementations of OneBot v11, and a world of their own. */
  readonly onebot: OneBotPlatform;

  constructor(setup: PlatformSetup) {
    this.setup = setup;
    this.guilds = new Guilds(this.people, setup.now);
    this.transcript = new Transcript(setup.now);
    this.tokens = new AccessTokens(setup.now);
    this.windows = new ReplyWindows(setup.now, { ...DEFAULT_WINDOWS, ...setup.windows });
    this.quotas = new ActiveQuotas(setup.now);
    this.starts = new StartLimit(setup.now, setup.sessionLimit);
    this.sessions = new GatewaySessions(({ id, seq, acknowledged, link }) =>
      this.transcript.add({
        kind: 'gateway',
        step: 'ended',
        connection: link?.number ?? 0,
        session_id: id,
        seq,
        acknowledged,
      }),
    );
    this.webhook = new Webhook(this);
    this.pushes = new Pushes(this);
    this.onebot = new OneBotPlatform(setup.now, (happening) => this.transcript.add(happening));
  }

  /** A user writes; see `sayMessage`. */
  say(say: Say): UserMessage & Pick<Entry, 'n' | 'at'> {
    return sayMessage(this, say);
  }

  /** The writer takes back a message of a guild; see `guild-acts.ts`, as for the three below. @returns the events that went out. */
  recall(messageId: string): readonly PlatformEvent[] {
    return guildActs.recall(this, messageId);
  }

  react(order: guildActs.ReactionOrder): readonly PlatformEvent[] {
    return guildActs.react(this, order);
  }

  settleAudit(verdict: guildActs.Verdict): readonly PlatformEvent[] {
    return guildActs.settleAudit(this, verdict);
  }

  openChannel(order: guildActs.ChannelOrder): Channel {
    return guildActs.openChannel(this, order);
  }

  /** @throws SandboxError for an unknown user, group, guild or member. @returns the events that went out. */
  set(switches: Switches): readonly PlatformEvent[] {
    if ('user' in switches || 'group' in switches || 'guild' in switches) return turnSwitches(this, switches);
    this.#setPlatform(switches);
    return [];
  }

  /**
   * Orders a fault; one that happens at once is done when this returns, and gives no entry of the list.
   * @throws ZodError for an order that is not well-formed.
   */
  fault(order: FaultOrder): ListedFault | undefined {
    const complete = faultOrder.parse(order);
    if (this.faults.isStanding(complete)) return this.faults.add(complete);
    this.#strike(complete);
    return undefined;
  }

  /** Any event at all, numbered and kept like the platform's own. A message in it may be answered. @returns to how many sessions. */
  emit(event: PlatformEvent): number {
    const message = messageIn(event, this.bot.id);
    if (message !== undefined) this.windows.openForMessage(message.id, message.scene, message.toBot);
    return this.give(event, []);
  }

  /** Sends an event that may be answered in these places, where its type allows it. @returns to how many sessions. */
  give(event: PlatformEvent, scenes: readonly Scene[]): number {
    if (event.id !== undefined && scenes.length > 0) this.windows.openForEvent(event.id, event.t, scenes);
    const [scene] = scenes;
    const given = this.pushes.push(event, scene);
    this.transcript.add({
      kind: 'event',
      type: event.t,
      ...(event.id === undefined ? {} : { id: event.id }),
      ...(scene === undefined ? {} : { scene }),
      ...given,
    });
    return given.sessions;
  }

  /** A frame as it is, to every connection; see `GatewaySessions.sendRaw`. */
  sendRaw(frame: string): number {
    const sessions = this.sessions.sendRaw(frame);
    this.transcript.add({ kind: 'event', type: 'raw frame', sessions });
    return sessions;
  }

  /**
   * The first entry above `after` that fits, as soon as there is one.
   * @throws the signal's reason when it aborts first.
   */
  async seen<T extends Entry>(fits: (entry: Entry) => entry is T, signal: AbortSignal, after?: number): Promise<T>;
  async seen(fits: (entry: Entry) => boolean, signal: AbortSignal, after?: number): Promise<Entry>;
  async seen(fits: (entry: Entry) => boolean, signal: AbortSignal, after = 0): Promise<Entry> {
    let read = after;
    for (;;) {
      const found = this.transcript.since(read).find(fits);
      if (found !== undefined) return found;
      read = this.transcript.last;
      await this.transcript.more(read, signal);
      signal.throwIfAborted();
    }
  }

  /** A session is on a line, or there is an address that events are pushed to. */
  get isBotThere(): boolean {
    return this.webhook.isOn || this.sessions.isConnected;
  }

  /** Everything a page or a test wants to know at a glance. */
  state() {
    const { appId, clientSecret, heartbeatIntervalMs } = this.setup;
    const sessions = this.sessions.list();
    return {
      app_id: appId,
      client_secret: clientSecret,
      bot: this.bot,
      connected: this.isBotThere,
      webhook: this.webhook.shown(),
      connections: this.sessions.links.size,
      sessions,
      heartbeat_interval_ms: heartbeatIntervalMs,
      session_start_limit: this.starts.shown(),
      ...this.settings.shown(),
      windows: this.windows.rules,
      quotas: this.quotas.rules,
      users: this.people.listUsers(),
      groups: this.people.listGroups(),
      guilds: this.guilds.list(),
      onebot: this.onebot.state(),
      audits: this.audits.list(),
      faults: this.faults.list(),
      counters: this.transcript.counters(),
      last: this.transcript.last,
    };
  }

  #setPlatform(want: PlatformSwitches): void {
    const { settings } = this;
    settings.grantedIntents = want.granted_intents ?? settings.grantedIntents;
    settings.intentRefusal = want.intent_refusal ?? settings.intentRefusal;
    settings.maxTextLength = want.max_text_length ?? settings.maxTextLength;
    settings.markdownAllowed = want.markdown_allowed ?? settings.markdownAllowed;
    settings.urlsAllowed = want.urls_allowed ?? settings.urlsAllowed;
    settings.audit = want.audit ?? settings.audit;
    settings.typingCostsReply = want.typing_costs_reply ?? settings.typingCostsReply;
    settings.ipWhitelist = want.ip_whitelist ?? settings.ipWhitelist;
    this.windows.rules = { ...this.windows.rules, ...want.windows };
    this.quotas.rules = { ...this.quotas.rules, ...want.quotas };
    if (want.session_limit !== undefined) this.starts.set(want.session_limit);
  }

  #strike(order: ImmediateOrder): void {
    this.transcript.add({ kind: 'fault', fault: order.kind, what: JSON.stringify(order) });
    if (order.kind === 'token.expire') this.tokens.expireAll();
    if (order.kind === 'gateway.forget_sessions') this.sessions.forgetAll();
    if (order.kind === 'gateway.take_over') this.sessions.takeOver();
    for (const link of [...this.sessions.links]) link.strike(order);
  }
}
