/** What the QQ gateway's numbers mean. Source: Bot API v2 pages "接入 WebSocket" and "事件订阅与通知", and field reports where marked. */

/** Gateway opcodes. */
export const OP = {
  dispatch: 0,
  heartbeat: 1,
  identify: 2,
  resume: 6,
  reconnect: 7,
  invalidSession: 9,
  hello: 10,
  heartbeatAck: 11,
  callbackAck: 12,
  callbackValidation: 13,
} as const;

/** Intent names (lower-case, as in the config) and their bit. */
export const INTENT_BITS = {
  guilds: 1 << 0,
  guild_members: 1 << 1,
  guild_messages: 1 << 9,
  guild_message_reactions: 1 << 10,
  direct_message: 1 << 12,
  open_forums_event: 1 << 18,
  audio_or_live_channel_member: 1 << 19,
  group_member_event: 1 << 24,
  group_and_c2c: 1 << 25,
  interaction: 1 << 26,
  message_audit: 1 << 27,
  forums_event: 1 << 28,
  audio_action: 1 << 29,
  public_guild_messages: 1 << 30,
} as const;

export type IntentName = keyof typeof INTENT_BITS;
export const INTENT_NAMES = Object.keys(INTENT_BITS) as IntentName[];

export function intentMask(names: readonly IntentName[]): number {
  return names.reduce((mask, name) => mask | INTENT_BITS[name], 0);
}

/** What to do after the gateway closed a connection. */
export interface CloseReaction {
  /** `resume` keeps the session, `identify` drops it, `stop` needs an operator. */
  readonly next: 'resume' | 'identify' | 'stop';
  readonly meaning: string;
  /** The token may be the cause: fetch a new one first. */
  readonly refreshToken?: true;
  /** Milliseconds that must pass before the next connection. */
  readonly waitMs?: number;
  readonly remedy?: string;
  /** The intents are refused, or may be: then fewer of them are asked for. */
  readonly intents?: 'named' | 'possible';
  /** On a session that was ready: another one may have taken its place. */
  readonly replaced?: true;
}

const INTERNAL: CloseReaction = { next: 'identify', meaning: 'internal error of the platform' };
const IDENTIFY_SHAPE = 'this is a fault in loong: please report it with the log';

/** Close code → reaction. A code that is not listed (1000 and 4000 among them), and a connection that just broke, is resumed. */
export const CLOSE_REACTIONS: { readonly [code: number]: CloseReaction } = {
  4001: { next: 'stop', meaning: 'invalid opcode', remedy: IDENTIFY_SHAPE },
  4002: { next: 'stop', meaning: 'invalid payload', remedy: IDENTIFY_SHAPE },
  4003: { next: 'identify', meaning: 'not authenticated' },
  4004: { next: 'identify', meaning: 'authentication failed', refreshToken: true },
  4005: { next: 'identify', meaning: 'already authenticated' },
  4006: { next: 'identify', meaning: 'session is no longer valid', replaced: true },
  4007: { next: 'identify', meaning: 'sequence number is wrong' },
  4008: { next: 'resume', meaning: 'sent too fast', waitMs: 60_000 },
  4009: { next: 'resume', meaning: 'connection expired (routine)' },
  4010: { next: 'stop', meaning: 'invalid shard', remedy: IDENTIFY_SHAPE },
  4011: {
    next: 'stop',
    meaning: 'the bot is in too many guilds for one shard',
    remedy: 'loong runs one shard: reduce the guilds of this bot',
  },
  4012: { next: 'stop', meaning: 'invalid gateway version', remedy: IDENTIFY_SHAPE },
  4013: { next: 'stop', meaning: 'invalid intents', remedy: 'check `intents` of this account', intents: 'named' },
  4014: {
    next: 'stop',
    intents: 'named',
    meaning: 'an intent was asked for that this bot was not granted',
    remedy: 'remove it from `intents`, or apply for it in the QQ open platform console',
  },
  4015: { next: 'identify', meaning: 'a reason that is documented nowhere' },
  4900: INTERNAL,
  4901: INTERNAL,
  4902: { next: 'identify', meaning: 'the session could not be resumed', replaced: true },
  4903: {
    next: 'identify',
    meaning: 'the session could not be created',
    refreshToken: true,
    intents: 'possible',
  },
  4904: INTERNAL,
  4905: INTERNAL,
  4906: INTERNAL,
  4907: INTERNAL,
  4908: INTERNAL,
  4909: INTERNAL,
  4910: INTERNAL,
  4911: INTERNAL,
  4912: INTERNAL,
  4913: INTERNAL,
  4914: {
    next: 'stop',
    meaning: 'the bot was taken offline; only the sandbox may connect',
    remedy:
      'publish the bot in the QQ open platform console (q.qq.com), or use its sandbox; 机器人已下架，请在开放平台重新上线',
  },
  4915: {
    next: 'stop',
    meaning: 'the bot was banned',
    remedy: 'appeal in the QQ open platform console (q.qq.com); 机器人已被封禁',
  },
};
