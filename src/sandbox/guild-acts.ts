/** What people and reviewers do in a guild besides writing: recall a message, react to one, open a channel, settle a review. */
import { z } from 'zod';
import type { Audits, HeldSend } from './audits.js';
import type { PlatformEvent } from './events.js';
import { auditSettled, channelMade, messageDeleted, reaction } from './guild-events.js';
import { channelPlace, findPlace } from './guild-place.js';
import type { Channel, Guilds } from './guilds.js';
import { newGuildMessageId } from './ids.js';
import type { KeptMessage, MessageMemory } from './message-memory.js';
import { SandboxError } from './sandbox-error.js';
import { peerId } from './say.js';
import type { Scene } from './transcript.js';

interface Parts {
  readonly bot: { readonly id: string; readonly username: string };
  readonly guilds: Guilds;
  readonly messages: MessageMemory;
  readonly audits: Audits;
  readonly setup: { readonly now: () => number };
  /** Sends an event that may be answered in these places. */
  give(event: PlatformEvent, scenes: readonly Scene[]): void;
}

export const channelOrder = z.strictObject({ guild: peerId, name: z.string().trim().min(1).max(64) });
export const reactionOrder = z.strictObject({
  from: peerId,
  message: z.string().max(200),
  /** `type` 1 is a face of QQ, 2 an emoji by its decimal code point. */
  emoji: z.strictObject({ id: z.string().regex(/^\d{1,10}$/), type: z.union([z.literal(1), z.literal(2)]) }),
  remove: z.boolean().default(false),
});
export const verdict = z.strictObject({ audit_id: z.string().max(100), verdict: z.enum(['pass', 'reject']) });

export type ChannelOrder = z.input<typeof channelOrder>;
export type ReactionOrder = z.input<typeof reactionOrder>;
export type Verdict = z.input<typeof verdict>;

/** @throws SandboxError `guild.unknown` or `channels.limit` */
export function openChannel(parts: Parts, { guild: id, name }: ChannelOrder): Channel {
  const guild = parts.guilds.guild(id);
  const channel = parts.guilds.addChannel(guild, name);
  const operator = [...guild.members.values()][0]?.id ?? '';
  if (guild.botIn) parts.give(channelMade(channel, operator), [{ kind: 'channel', openid: channel.id }]);
  return channel;
}

/** The writer takes a message back. @throws SandboxError `message.unknown`, or `recall.unheard` for C2C and groups, of which no bot is told. */
export function recall(parts: Parts, id: string): readonly PlatformEvent[] {
  const message = findMessage(parts, id);
  const place = findPlace(parts.guilds, message.scene)?.place;
  if (place === undefined) throw new SandboxError('recall.unheard', 'QQ tells no bot of recalls outside guilds');
  parts.messages.forget(id);
  return give(parts, messageDeleted(place, id, message), message.scene);
}

/** @throws SandboxError `message.unknown`, `member.unknown`, or `reaction.elsewhere` */
export function react(parts: Parts, order: ReactionOrder): readonly PlatformEvent[] {
  const { scene } = findMessage(parts, order.message);
  const channel = scene.kind === 'channel' ? parts.guilds.findChannel(scene.openid) : undefined;
  if (channel === undefined) throw new SandboxError('reaction.elsewhere', 'reactions belong to channels');
  const type = order.remove === true ? 'MESSAGE_REACTION_REMOVE' : 'MESSAGE_REACTION_ADD';
  const { id } = parts.guilds.member(channel.guild, order.from);
  return give(parts, reaction(type, channelPlace(channel), id, order.message, order.emoji), scene);
}

/** Ends the review of a send. @throws SandboxError `audit.unknown` */
export function settleAudit(parts: Parts, order: Verdict): readonly PlatformEvent[] {
  const held = parts.audits.settle(order.audit_id);
  const place = findPlace(parts.guilds, held.scene)?.place;
  if (place === undefined) return [];
  const id = order.verdict === 'pass' ? publish(parts, held) : undefined;
  const seq = parts.guilds.nextInChannel(place.channelId);
  return give(parts, auditSettled(place, held, parts.setup.now(), seq, id), held.scene);
}

/** @returns the id of the message that the send became. */
function publish({ bot, messages }: Parts, { scene, text }: HeldSend): string {
  const id = newGuildMessageId();
  const author = { id: bot.id, name: bot.username, bot: true };
  messages.keep({ id, text, attachments: [], author, scene, toBot: false });
  return id;
}

function give(parts: Parts, event: PlatformEvent, scene: Scene): readonly PlatformEvent[] {
  parts.give(event, [scene]);
  return [event];
}

function findMessage({ messages }: Parts, id: string): KeptMessage {
  const message = messages.find(id);
  if (message === undefined) throw new SandboxError('message.unknown', `there is no message ${id}`, 404);
  return message;
}
