/** What a tester orders of the OneBot side, as the JSON API and in-process tests give it. */
import { z } from 'zod';
import { FLAVOURS } from './flavours.js';

export const personId = z
  .union([z.string().regex(/^[1-9]\d{0,24}$/, 'an id is decimal'), z.number().int().min(1)])
  .transform(String);
const text = z.string().max(100_000);
const url = z.url({ protocol: /^wss?$/ });
const count = z.number().int().min(1).max(1_000_000);

export const implementationOrder = z.strictObject({
  url,
  /** Where calls come from and events go to, when they have lines of their own. Default: `url`. */
  api_url: url.optional(),
  event_url: url.optional(),
  token: z.string().max(1000).optional(),
  self_id: personId.default('10001'),
  flavour: z.enum(FLAVOURS).default('napcat'),
  role: z.enum(['universal', 'split']).default('universal'),
  format: z.enum(['array', 'string']).optional(),
  /** Milliseconds; 0: none. */
  heartbeat_ms: z.number().int().min(0).max(3_600_000).optional(),
  reconnect_ms: z.number().int().min(1).max(3_600_000).optional(),
  report_self: z.boolean().default(false),
  debug: z.boolean().default(false),
  /** Headers of the handshake beside or instead of the flavour's own; null leaves one out. */
  headers: z.record(z.string().max(100), z.string().max(2000).nullable()).default({}),
});

export const implementationSwitches = z.strictObject({
  connected: z.boolean().optional(),
  online: z.boolean().optional(),
  good: z.boolean().optional(),
  format: z.enum(['array', 'string']).optional(),
  report_self: z.boolean().optional(),
  debug: z.boolean().optional(),
  /** The program starts anew: it knows no message by its id any more, and dials again. */
  restart: z.literal(true).optional(),
});

const segment = z.strictObject({ type: z.string().max(100), data: z.record(z.string(), z.unknown()).default({}) });

export const sayOrder = z.strictObject({
  /** Default: the first implementation. */
  self_id: personId.optional(),
  /** Who writes. */
  from: personId,
  /** Default: to the bot alone. */
  group: personId.optional(),
  /** To the bot alone, through this group: a temporary talk. */
  temp_group: personId.optional(),
  text: text.optional(),
  /** Segments, or text with CQ codes; behind `text`. */
  message: z.union([z.array(segment).max(1000), text]).optional(),
  /** In a group: @ the bot, in front. */
  mention: z.boolean().default(false),
  /** The id of a message that it quotes. */
  quote: z.number().int().optional(),
  /** A forwarded record of these messages. */
  records: z
    .array(z.strictObject({ from: personId, text }))
    .max(200)
    .optional(),
  message_id: z.number().int().min(-0x80000000).max(0x7fffffff).optional(),
  sub_type: z.enum(['friend', 'group', 'other', 'normal', 'anonymous', 'notice']).optional(),
  /** The bot's own account wrote it elsewhere, to `from` or in the group: told only where it reports itself. */
  own: z.boolean().default(false),
  /** So often the event comes again. */
  duplicate: z.number().int().min(0).max(100).default(0),
});

const common = {
  self_id: personId.optional(),
  /** Also where this implementation never tells such a thing. */
  force: z.boolean().default(false),
};
const seconds = z.number().int().min(-1).max(2_591_999);
const withKind = <K extends string, S extends z.ZodRawShape>(kind: K, shape: S) =>
  z.strictObject({ kind: z.literal(kind), ...common, ...shape });
const inGroup = { group: personId, user: personId };
const operator = personId.optional();
const file = {
  name: z.string().min(1).max(300),
  size: z.number().int().min(0).optional(),
  content: z.base64().max(10_000_000).optional(),
};

/** One event each, but for `upload`, which NapCat tells twice. */
export const eventOrder = z.discriminatedUnion('kind', [
  withKind('poke', { from: personId, target: personId.optional(), group: personId.optional() }),
  withKind('join', { ...inGroup, operator, how: z.enum(['approve', 'invite']).default('approve') }),
  withKind('leave', { ...inGroup, operator, how: z.enum(['leave', 'kick', 'kick_me', 'disband']).default('leave') }),
  withKind('admin', { ...inGroup, set: z.boolean().default(true) }),
  /** 0 lifts it; user `0` with -1 is everyone. */
  withKind('ban', {
    group: personId,
    user: z.union([personId, z.literal('0')]),
    operator,
    seconds: seconds.default(600),
  }),
  withKind('recall', { message_id: z.number().int(), operator }),
  withKind('upload', { ...inGroup, ...file }),
  withKind('friend_add', { user: personId }),
  withKind('friend_request', { user: personId, comment: text.default('') }),
  withKind('group_request', { ...inGroup, comment: text.default(''), how: z.enum(['add', 'invite']).default('add') }),
  withKind('lucky_king', { ...inGroup, target: personId }),
  withKind('honor', { ...inGroup, honor: z.enum(['talkative', 'performer', 'emotion']) }),
  withKind('title', { ...inGroup, title: text }),
  withKind('card', { ...inGroup, card: text }),
  withKind('group_name', { ...inGroup, name: text }),
  withKind('essence', { group: personId, message_id: z.number().int(), operator, add: z.boolean().default(true) }),
  withKind('emoji_like', {
    ...inGroup,
    message_id: z.number().int(),
    emoji: z.string().max(20),
    add: z.boolean().default(true),
  }),
  withKind('reaction', {
    ...inGroup,
    message_id: z.number().int(),
    code: z.string().max(20),
    add: z.boolean().default(true),
  }),
  withKind('input_status', { user: personId }),
  withKind('profile_like', { user: personId, times: z.number().int().min(1).max(20).default(1) }),
  withKind('gray_tip', { ...inGroup, content: text }),
  withKind('offline_file', { user: personId, ...file }),
  withKind('client_status', { device: z.string().max(100).default('iPhone'), on: z.boolean().default(true) }),
  withKind('bot_offline', { message: text.default('已在其他设备登录') }),
]);

export const rawOrder = z.union([
  z.strictObject({ self_id: personId.optional(), frame: z.string() }),
  z.strictObject({ self_id: personId.optional(), event: z.record(z.string(), z.unknown()) }),
  z.strictObject({
    self_id: personId.optional(),
    base64: z.base64(),
    opcode: z.number().int().min(0).max(15).default(1),
  }),
]);

const times = z.union([count, z.literal('always')]).default(1);
const action = z.string().max(200).optional();
const self = { self_id: personId.optional() };

/** How a frame that is no proper event is wrong. */
export const MALFORMED = [
  'null',
  'number',
  'string',
  'array',
  'bad_json',
  'deep',
  'bad_utf8',
  'binary',
  'reserved_opcode',
  'unmasked',
  'oversized',
  'no_message',
  'no_data',
  'empty_message',
  'no_self_id',
  'unknown_event',
  'answer_to_nobody',
  'proto_echo',
] as const;

/** These wait for what they spoil, `times` of it; `action`: calls of this name alone. */
const standing = [
  /** Acted on at once, answered late: others overtake it. */
  z.strictObject({ kind: z.literal('slow'), ...self, action, times, delay_ms: z.number().int().min(0).max(600_000) }),
  /** So many answers wait for each other and go out backwards; after two seconds, what there is. */
  z.strictObject({ kind: z.literal('reorder'), ...self, count: z.number().int().min(2).max(1000) }),
  /** Acted on and shown, but never answered. */
  z.strictObject({ kind: z.literal('swallow'), ...self, action, times }),
  /** Neither acted on nor answered. */
  z.strictObject({ kind: z.literal('lose'), ...self, action, times }),
  z.strictObject({
    kind: z.literal('refuse'),
    ...self,
    action,
    times,
    retcode: z.number().int().optional(),
    message: text.default('ordered by the tester'),
  }),
  /** The answer names another echo than the call. */
  z.strictObject({
    kind: z.literal('echo'),
    ...self,
    action,
    times,
    as: z.enum(['number', 'string', 'object', 'null', 'missing', 'proto', 'other']),
  }),
  z.strictObject({ kind: z.literal('no_heartbeats'), ...self, times: times.default('always') }),
] as const;

/** These happen at once. */
const immediate = [
  /** Without a code the connection is cut. */
  z.strictObject({
    kind: z.literal('drop'),
    ...self,
    code: z.union([z.literal(1000), z.number().int().min(3000).max(4999)]).optional(),
    reason: z.string().max(100).default(''),
  }),
  /** Reads and answers nothing, and does not close; `redial`: it dials again beside the dead line. */
  z.strictObject({ kind: z.literal('half_open'), ...self, redial: z.boolean().default(false) }),
  z.strictObject({ kind: z.literal('recover'), ...self }),
  z.strictObject({
    kind: z.literal('malformed'),
    ...self,
    what: z.enum(MALFORMED),
    bytes: z
      .number()
      .int()
      .min(1)
      .max(256 * 1024 * 1024)
      .default(65 * 1024 * 1024),
  }),
  /** So many messages; the answer comes when all have left. In `text` `$N` is the number of the message. */
  z.strictObject({
    kind: z.literal('flood'),
    ...self,
    count,
    from: personId.default('20002'),
    group: personId.optional(),
    mention: z.boolean().default(false),
    text: text.default('flood $N'),
  }),
] as const;

export const faultOrder = z.discriminatedUnion('kind', [...standing, ...immediate]);

export type ImplementationOrder = z.input<typeof implementationOrder>;
export type ImplementationPlan = z.output<typeof implementationOrder>;
export type ImplementationSwitches = z.output<typeof implementationSwitches>;
export type Say = z.input<typeof sayOrder>;
export type CompleteSay = z.output<typeof sayOrder>;
export type EventOrder = z.input<typeof eventOrder>;
export type CompleteEvent = z.output<typeof eventOrder>;
export type RawOrder = z.output<typeof rawOrder>;
export type FaultOrder = z.input<typeof faultOrder>;
type CompleteFault = z.output<typeof faultOrder>;
export type StandingFault = Extract<CompleteFault, { kind: (typeof standing)[number]['shape']['kind']['value'] }>;
export type ImmediateFault = Exclude<CompleteFault, StandingFault>;
