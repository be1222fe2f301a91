/** The programs that the pretend implementation can be: how each dials, answers and counts. Facts of the OneBot v11 field notes, none of loong. */
export const FLAVOURS = ['napcat', 'llonebot', 'lagrange', 'go-cqhttp'] as const;
export type Flavour = (typeof FLAVOURS)[number];
export type MessageFormat = 'array' | 'string';
export type Role = 'universal' | 'api' | 'event';

export interface FlavourFacts {
  readonly flavour: Flavour;
  readonly appName: string;
  readonly appVersion: string;
  readonly userAgent: string;
  readonly scheme: 'Bearer' | 'Token';
  /** `Authorization: Bearer ` goes out with nothing behind it when there is no token. */
  readonly sendsEmptyToken: boolean;
  /** What `X-Client-Role` says. */
  readonly roles: { readonly [role in Role]: string };
  /** Whether it can use one line for calls and another for events. */
  readonly splits: boolean;
  readonly handshakeMs: number;
  /** A longer frame of the application ends the line with 1009. */
  readonly maxFrameBytes: number;
  readonly reconnectMs: number;
  /** 0: none. */
  readonly heartbeatMs: number;
  readonly heartbeatAtOnce: boolean;
  /** Whether the end of a line is noticed when it comes, or at the next event that cannot be pushed. */
  readonly noticesClose: 'at once' | 'at the next event';
  /** A line for events alone that is never read answers no ping. */
  readonly readsEventLine: boolean;
  readonly format: MessageFormat;
  /** Message ids may be negative. */
  readonly signedIds: boolean;
  /** So many messages can be named by their id. */
  readonly rememberedMessages: number;
  readonly font: number;
  readonly retcodes: { readonly failed: number; readonly parameter: number; readonly unknown: number };
  /** A frame that is no JSON is answered with a failure that names no echo. */
  readonly answersBadJson: boolean;
  /** A failed check of parameters is answered without the echo: the caller can only run into its timeout. */
  readonly forgetsEchoOfBadParameters: boolean;
  /** Endings of action names that are understood and mean nothing. */
  readonly suffixes: readonly string[];
  /** `set_group_ban` without `duration`, in seconds: 0 lifts the ban. */
  readonly banSeconds: number;
  /** `set_group_admin` without `enable`. */
  readonly adminEnable: boolean;
  /** Where `send_msg` goes that names a user and a group but no `message_type`. */
  readonly withoutType: 'group' | 'private';
}

const MIB = 1024 * 1024;
const SPLIT_ROLES = { universal: 'Universal', api: 'API', event: 'Event' } as const;

export const FACTS: { readonly [flavour in Flavour]: FlavourFacts } = {
  napcat: {
    flavour: 'napcat',
    appName: 'NapCat.Onebot',
    appVersion: '4.8.0',
    userAgent: 'OneBot/11',
    scheme: 'Bearer',
    sendsEmptyToken: true,
    roles: SPLIT_ROLES,
    splits: false,
    handshakeMs: 2000,
    maxFrameBytes: 50 * MIB,
    reconnectMs: 5000,
    heartbeatMs: 30_000,
    heartbeatAtOnce: false,
    noticesClose: 'at once',
    readsEventLine: true,
    format: 'array',
    signedIds: false,
    rememberedMessages: 5000,
    font: 14,
    retcodes: { failed: 1200, parameter: 1400, unknown: 1404 },
    answersBadJson: true,
    forgetsEchoOfBadParameters: false,
    suffixes: ['_async', '_rate_limited'],
    banSeconds: 0,
    adminEnable: false,
    withoutType: 'group',
  },
  llonebot: {
    flavour: 'llonebot',
    appName: 'LLOneBot',
    appVersion: '5.4.0',
    userAgent: 'LLOneBot/5.4.0',
    scheme: 'Bearer',
    sendsEmptyToken: true,
    roles: SPLIT_ROLES,
    splits: false,
    handshakeMs: 2000,
    maxFrameBytes: 1024 * MIB,
    reconnectMs: 3000,
    heartbeatMs: 60_000,
    heartbeatAtOnce: false,
    noticesClose: 'at once',
    readsEventLine: true,
    format: 'array',
    signedIds: false,
    rememberedMessages: 20_000,
    font: 14,
    retcodes: { failed: 1200, parameter: 1400, unknown: 1404 },
    answersBadJson: true,
    forgetsEchoOfBadParameters: true,
    suffixes: ['_async', '_rate_limited'],
    banSeconds: 1800,
    adminEnable: true,
    withoutType: 'group',
  },
  lagrange: {
    flavour: 'lagrange',
    appName: 'Lagrange.OneBot',
    appVersion: '0.0.3',
    userAgent: 'Lagrange.OneBot',
    scheme: 'Bearer',
    sendsEmptyToken: false,
    roles: { universal: 'Universal', api: 'Api', event: 'Event' },
    splits: true,
    handshakeMs: 20_000,
    maxFrameBytes: 1024 * MIB,
    reconnectMs: 5000,
    heartbeatMs: 5000,
    heartbeatAtOnce: true,
    noticesClose: 'at once',
    readsEventLine: false,
    format: 'array',
    signedIds: true,
    rememberedMessages: 20_000,
    font: 0,
    retcodes: { failed: 200, parameter: 200, unknown: 404 },
    answersBadJson: false,
    forgetsEchoOfBadParameters: false,
    suffixes: [],
    banSeconds: 1800,
    adminEnable: true,
    withoutType: 'group',
  },
  'go-cqhttp': {
    flavour: 'go-cqhttp',
    appName: 'go-cqhttp',
    appVersion: 'v1.2.0',
    userAgent: 'CQHttp/4.15.0',
    scheme: 'Token',
    sendsEmptyToken: false,
    roles: SPLIT_ROLES,
    splits: true,
    handshakeMs: 45_000,
    maxFrameBytes: 1024 * MIB,
    reconnectMs: 3000,
    heartbeatMs: 5000,
    heartbeatAtOnce: false,
    noticesClose: 'at the next event',
    readsEventLine: false,
    format: 'string',
    signedIds: true,
    rememberedMessages: 20_000,
    font: 0,
    retcodes: { failed: 100, parameter: 100, unknown: 404 },
    answersBadJson: false,
    forgetsEchoOfBadParameters: false,
    suffixes: ['_async'],
    banSeconds: 1800,
    adminEnable: true,
    withoutType: 'private',
  },
};
