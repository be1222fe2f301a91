/** The order "turn these switches": only what is given changes. */
import { z } from 'zod';
import { peerId } from './say.js';

const on = z.boolean().optional();
/** Without a count: any number of replies. */
const windowRule = z
  .strictObject({
    minutes: z.number().min(0).max(100_000),
    count: z.number().int().min(0).max(1000).exactOptional(),
  })
  .exactOptional();
const quota = z.number().int().min(0).max(100_000).exactOptional();

const userSwitches = z.strictObject({ user: peerId, active_allowed: on, friend: on });
const groupSwitches = z.strictObject({
  group: peerId,
  active_allowed: on,
  bot_in_group: on,
  receive_all: on,
  echo_own: on,
  join: peerId.optional(),
  leave: peerId.optional(),
});
const guildSwitches = z.strictObject({
  guild: peerId,
  bot_in_guild: on,
  join: peerId.optional(),
  leave: peerId.optional(),
});
const platformSwitches = z.strictObject({
  granted_intents: z.number().int().min(0).max(0x7fffffff).optional(),
  intent_refusal: z.union([z.literal(4014), z.literal(4903)]).optional(),
  max_text_length: z.number().int().min(1).max(1_000_000).optional(),
  markdown_allowed: on,
  urls_allowed: on,
  audit: on,
  typing_costs_reply: on,
  ip_whitelist: z
    .array(z.union([z.ipv4(), z.ipv6()]))
    .max(100)
    .optional(),
  windows: z.strictObject({ c2c: windowRule, group: windowRule, channel: windowRule, dm: windowRule }).optional(),
  quotas: z
    .strictObject({ per_channel: quota, channels_per_guild: quota, per_dm: quota, dms_in_all: quota })
    .optional(),
  session_limit: z
    .strictObject({
      total: z.number().int().min(0),
      remaining: z.number().int().min(0),
      resetAfterMs: z.number().int().min(0),
      maxConcurrency: z.number().int().min(1).max(1000),
    })
    .optional(),
});

export const switches = z.union([userSwitches, groupSwitches, guildSwitches, platformSwitches]);

export type UserSwitches = z.output<typeof userSwitches>;
export type GroupSwitches = z.output<typeof groupSwitches>;
export type GuildSwitches = z.output<typeof guildSwitches>;
export type PlatformSwitches = z.output<typeof platformSwitches>;
export type Switches = z.output<typeof switches>;
