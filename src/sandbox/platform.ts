/** The sandbox's QQ: its people, what they do, and everything it remembers. The API, the page and tests act on it through these verbs. */
import { INTENT_BITS } from '../protocol/qqbot/gateway-codes.js';
import { AccessTokens } from './access-tokens.js';
import {
  activeSwitchOfGroup,
  activeSwitchOfUser,
  type BotMember,
  botMoved,
  c2cMessage,
  friendEvent,
  groupMessage,
  memberMoved,
  messageIn,
  type PlatformEvent,
  type Written,
} from './events.js';
import { type FaultOrder, Faults, faultOrder, type ImmediateOrder, type ListedFault } from './faults.js';
import { GatewaySessions } from './gateway-sessions.js';
import { newMessageId, newOpenid, newReferenceIndex } from './ids.js';
import { type Group, People, type User } from './people.js';
import { ReplyWindows, type WindowRules } from './reply-windows.js';
import { SandboxError } from './sandbox-error.js';
import { type SessionLimit, StartLimit } from './start-limit.js';
import { type Entry, type Scene, Transcript, type UserMessage } from './transcript.js';

export interface PlatformSetup {
  readonly appId: string;
  readonly clientSecret: string;
  readonly heartbeatIntervalMs: number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly windows: WindowRules;
  readonly sessionLimit: SessionLimit;
}

/** A message that a user writes. */
export interface Say {
  /** The writer's user openid. */
  readonly from: string;
  /** Where: a group's openid. Without it, to the bot alone. */
  readonly group?: string | undefined;
  readonly text: string;
  /** In a group: @ the bot. Default true. */
  readonly mention?: boolean | undefined;
  /** The id of a message that it quotes. */
  readonly quote?: string | undefined;
  /** How often the platform pushes it again. Default 0. */
  readonly duplicate?: number | undefined;
}

/** What can be switched; only what is given changes. Each change that QQ tells a bot about goes out as its event. */
export type Switches =
  | { readonly user: string; readonly active_allowed?: boolean | undefined; readonly friend?: boolean | undefined }
  | {
      readonly group: string;
      readonly active_allowed?: boolean | undefined;
      readonly bot_in_group?: boolean | undefined;
      readonly receive_all?: boolean | undefined;
      readonly join?: string | undefined;
      readonly leave?: string | undefined;
    }
  | {
      readonly granted_intents?: number | undefined;
      readonly max_text_length?: number | undefined;
      readonly windows?: WindowRules | undefined;
      readonly session_limit?: SessionLimit | undefined;
    };

/** Bits 0, 1, 12, 25, 26, 27 and 30: what a usual group and C2C bot holds. */
const DEFAULT_GRANTED =
  INTENT_BITS.guilds |
  INTENT_BITS.guild_members |
  INTENT_BITS.direct_message |
  INTENT_BITS.group_and_c2c |
  INTENT_BITS.interaction |
  INTENT_BITS.message_audit |
  INTENT_BITS.public_guild_messages;
/** Characters; the platform does not document its own limit. */
const DEFAULT_MAX_TEXT = 5000;
const BOT_NAME = 'demo';
const KEPT_TEXTS = 10_000;

export class Platform {
  readonly setup: PlatformSetup;
  readonly bot = { id: '9980011223344556677', username: BOT_NAME, bot: true } as const;
  readonly people = new People();
  readonly transcript: Transcript;
  readonly faults = new Faults();
  readonly tokens: AccessTokens;
  readonly windows: ReplyWindows;
  readonly starts: StartLimit;
  readonly sessions = new GatewaySessions();
  grantedIntents = DEFAULT_GRANTED;
  maxTextLength = DEFAULT_MAX_TEXT;
  readonly #botMembers = new Map<string, BotMember>();
  /** Message id → what a quote of it needs. */
  readonly #texts = new Map<string, { readonly refIdx: string; readonly text: string }>();

  constructor(setup: PlatformSetup) {
    this.setup = setup;
    this.transcript = new Transcript(setup.now);
    this.tokens = new AccessTokens(setup.now);
    this.windows = new ReplyWindows(setup.now, setup.windows);
    this.starts = new StartLimit(setup.now, setup.sessionLimit);
  }

  /**
   * A user writes. The bot gets it as the platform would push it: nothing when it is no friend, or is not in the group, or is not mentioned.
   * @throws SandboxError for an unknown user, group, member or quote.
   */
  say(say: Say): UserMessage & { readonly n: number; readonly at: number } {
    const user = this.people.user(say.from);
    const written = this.#write(say);
    return say.group === undefined
      ? this.#sayAlone(user, written, say)
      : this.#sayInGroup(this.people.group(say.group), user, written, say);
  }

  /** @throws SandboxError for an unknown user, group or member. @returns the events that went out. */
  set(switches: Switches): readonly PlatformEvent[] {
    if ('user' in switches) return this.#setUser(this.people.user(switches.user), switches);
    if ('group' in switches) return this.#setGroup(this.people.group(switches.group), switches);
    this.grantedIntents = switches.granted_intents ?? this.grantedIntents;
    this.maxTextLength = switches.max_text_length ?? this.maxTextLength;
    this.windows.rules = switches.windows ?? this.windows.rules;
    if (switches.session_limit !== undefined) this.starts.set(switches.session_limit);
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
    const message = messageIn(event);
    if (message !== undefined) this.windows.openForMessage(message.id, message.scene);
    return this.#give(event, undefined);
  }

  /** A frame as it is, to every connection; see `GatewaySessions.sendRaw`. */
  sendRaw(frame: string): number {
    const sessions = this.sessions.sendRaw(frame);
    this.transcript.add({ kind: 'event', type: 'raw frame', sessions });
    return sessions;
  }

  /** Remembers what a quote of this message would show. */
  remember(id: string, refIdx: string, text: string): void {
    this.#texts.set(id, { refIdx, text });
    for (const oldest of this.#texts.keys()) {
      if (this.#texts.size <= KEPT_TEXTS) break;
      this.#texts.delete(oldest);
    }
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

  /** Everything a page or a test wants to know at a glance. */
  state() {
    const { appId, clientSecret, heartbeatIntervalMs } = this.setup;
    const sessions = this.sessions.list();
    return {
      app_id: appId,
      client_secret: clientSecret,
      bot: this.bot,
      connected: sessions.some((session) => session.connected),
      connections: this.sessions.links.size,
      sessions,
      heartbeat_interval_ms: heartbeatIntervalMs,
      session_start_limit: this.starts.shown(),
      granted_intents: this.grantedIntents,
      max_text_length: this.maxTextLength,
      windows: this.windows.rules,
      users: this.people.listUsers(),
      groups: this.people.listGroups(),
      faults: this.faults.list(),
      counters: this.transcript.counters(),
      last: this.transcript.last,
    };
  }

  #write(say: Say): Written {
    const quote = say.quote === undefined ? undefined : this.#texts.get(say.quote);
    if (say.quote !== undefined && quote === undefined)
      throw new SandboxError('quote.unknown', `there is no message ${say.quote}`, 404);
    const written: Written = {
      id: newMessageId(),
      refIdx: newReferenceIndex(),
      text: say.text,
      at: this.setup.now(),
      ...(quote === undefined ? {} : { quote }),
    };
    this.remember(written.id, written.refIdx, written.text);
    return written;
  }

  #sayAlone(user: User, written: Written, say: Say) {
    const events = user.friend ? [c2cMessage(user, written)] : [];
    return this.#said(
      { kind: 'c2c', openid: user.openid },
      { openid: user.openid, name: user.name },
      written,
      false,
      events,
      say,
    );
  }

  #sayInGroup(group: Group, user: User, written: Written, say: Say) {
    const member = this.people.member(group, user.openid);
    const mention = say.mention ?? true;
    const bot = mention ? this.#botMember(group) : undefined;
    const types = [
      ...(mention ? (['GROUP_AT_MESSAGE_CREATE'] as const) : []),
      ...(group.receiveAll ? (['GROUP_MESSAGE_CREATE'] as const) : []),
    ];
    const events = group.botIn ? types.map((type) => groupMessage(type, group, member, written, bot)) : [];
    const from = { openid: user.openid, name: user.name, member_openid: member.memberOpenid };
    return this.#said({ kind: 'group', openid: group.openid }, from, written, mention, events, say);
  }

  #said(
    scene: Scene,
    from: UserMessage['from'],
    written: Written,
    mention: boolean,
    events: readonly PlatformEvent[],
    say: Say,
  ) {
    if (events.length > 0) this.windows.openForMessage(written.id, scene);
    const pushes = Array.from({ length: 1 + (say.duplicate ?? 0) }, () => events).flat();
    const heard = pushes.map((event) => this.sessions.dispatch(event));
    return this.transcript.add({
      kind: 'user.message',
      scene,
      from,
      id: written.id,
      ref_idx: written.refIdx,
      text: written.text,
      mention,
      events: pushes.map((event) => event.t),
      sessions: Math.max(0, ...heard),
    });
  }

  #botMember(group: Group): BotMember {
    const known = this.#botMembers.get(group.openid);
    if (known !== undefined) return known;
    const member = { memberOpenid: newOpenid(), name: this.bot.username };
    this.#botMembers.set(group.openid, member);
    return member;
  }

  #setUser(user: User, want: Extract<Switches, { user: string }>): readonly PlatformEvent[] {
    const scene: Scene = { kind: 'c2c', openid: user.openid };
    const events: PlatformEvent[] = [];
    if (want.friend !== undefined && want.friend !== user.friend) {
      user.friend = want.friend;
      events.push(friendEvent(user.friend ? 'FRIEND_ADD' : 'FRIEND_DEL', user, this.setup.now()));
    }
    if (want.active_allowed !== undefined && want.active_allowed !== user.activeAllowed) {
      user.activeAllowed = want.active_allowed;
      events.push(activeSwitchOfUser(user, this.setup.now()));
    }
    for (const event of events) this.#give(event, scene);
    return events;
  }

  #setGroup(group: Group, want: Extract<Switches, { group: string }>): readonly PlatformEvent[] {
    const scene: Scene = { kind: 'group', openid: group.openid };
    const events: PlatformEvent[] = [];
    if (want.join !== undefined && !group.members.has(want.join)) {
      const member = this.people.join(group, this.people.user(want.join));
      if (group.botIn) events.push(memberMoved('GROUP_MEMBER_ADD', group, member, this.setup.now()));
    }
    if (want.leave !== undefined) {
      const member = this.people.member(group, want.leave);
      group.members.delete(want.leave);
      if (group.botIn) events.push(memberMoved('GROUP_MEMBER_REMOVE', group, member, this.setup.now()));
    }
    const operator = [...group.members.values()][0]?.memberOpenid ?? '';
    if (want.bot_in_group !== undefined && want.bot_in_group !== group.botIn) {
      group.botIn = want.bot_in_group;
      events.push(botMoved(group, operator, this.setup.now()));
    }
    if (want.active_allowed !== undefined && want.active_allowed !== group.activeAllowed) {
      group.activeAllowed = want.active_allowed;
      events.push(activeSwitchOfGroup(group, operator, this.setup.now()));
    }
    group.receiveAll = want.receive_all ?? group.receiveAll;
    for (const event of events) this.#give(event, scene);
    return events;
  }

  #give(event: PlatformEvent, scene: Scene | undefined): number {
    if (event.id !== undefined && scene !== undefined) this.windows.openForEvent(event.id, event.t, scene);
    const sessions = this.sessions.dispatch(event);
    this.transcript.add({
      kind: 'event',
      type: event.t,
      ...(event.id === undefined ? {} : { id: event.id }),
      ...(scene === undefined ? {} : { peer: scene.openid }),
      sessions,
    });
    return sessions;
  }

  #strike(order: ImmediateOrder): void {
    this.transcript.add({ kind: 'fault', fault: order.kind, what: JSON.stringify(order) });
    if (order.kind === 'token.expire') this.tokens.expireAll();
    if (order.kind === 'gateway.forget_sessions') this.sessions.forgetAll();
    for (const link of [...this.sessions.links]) link.strike(order);
  }
}
