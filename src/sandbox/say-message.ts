/** A user writes, and the bot gets it as the platform would push it: nothing when it may not hear it. */
import type { PlatformEvent } from './events.js';
import { guildMessage } from './guild-events.js';
import { channelPlace, directPlace } from './guild-place.js';
import type { Guild, GuildMember, Guilds } from './guilds.js';
import { newGuildMessageId, newMessageId, newReferenceIndex } from './ids.js';
import { c2cMessage, type GroupMessageType, groupMessage } from './message-events.js';
import type { MessageMemory } from './message-memory.js';
import type { Group, People, User } from './people.js';
import type { Pushes } from './pushes.js';
import type { ReplyWindows } from './reply-windows.js';
import { SandboxError } from './sandbox-error.js';
import type { Say } from './say.js';
import type { Entry, Scene, Transcript, UserMessage } from './transcript.js';
import { type Author, type Mentioned, type Written, wireAttachment } from './written-message.js';

interface Parts {
  readonly bot: { readonly id: string; readonly username: string };
  readonly people: People;
  readonly guilds: Guilds;
  readonly messages: MessageMemory;
  readonly windows: ReplyWindows;
  readonly pushes: Pushes;
  readonly transcript: Transcript;
  readonly setup: { readonly now: () => number };
}

/** A message, where it stands, and the events that bring it to the bot. */
interface Utterance {
  readonly scene: Scene;
  readonly from: UserMessage['from'];
  readonly written: Written;
  readonly events: readonly PlatformEvent[];
  /** false: heard, but not to be answered. */
  readonly toBot: boolean;
}

/** @throws SandboxError for an unknown user, group, channel, guild, member or quote, and for a part that has no place there. */
export function sayMessage(parts: Parts, say: Say): UserMessage & Pick<Entry, 'n' | 'at'> {
  const user = parts.people.user(say.from);
  return push(parts, utter(parts, say, user), say.duplicate ?? 0);
}

function utter(parts: Parts, say: Say, user: User): Utterance {
  if (say.group !== undefined) return inGroup(parts, say, user, parts.people.group(say.group));
  if (say.channel !== undefined) return inChannel(parts, say, user, say.channel);
  if (say.dm !== undefined) return inDirectMessage(parts, say, user, parts.guilds.guild(say.dm));
  return alone(parts, say, user);
}

function alone(parts: Parts, say: Say, user: User): Utterance {
  mustMentionNobody(say);
  const scene: Scene = { kind: 'c2c', openid: user.openid };
  const author = { id: user.openid, name: user.name, bot: user.bot };
  const written = write(parts, say, scene, author, { mentions: [] });
  return {
    scene,
    from: { openid: user.openid, name: user.name },
    written,
    events: user.friend ? [c2cMessage(written)] : [],
    toBot: true,
  };
}

function inGroup(parts: Parts, say: Say, user: User, group: Group): Utterance {
  const { memberOpenid, role } = parts.people.member(group, user.openid);
  const scene: Scene = { kind: 'group', openid: group.openid };
  const written = write(
    parts,
    say,
    scene,
    { id: memberOpenid, name: user.name, bot: user.bot },
    {
      ...(say.mention === false
        ? {}
        : { botMention: { id: group.botMemberOpenid, name: parts.bot.username, bot: true } }),
      mentions: (say.mentions ?? []).map((openid) => {
        const mentioned = parts.people.member(group, openid);
        return { id: mentioned.memberOpenid, name: mentioned.user.name, bot: mentioned.user.bot };
      }),
    },
  );
  const types: GroupMessageType[] = [];
  if (written.botMention !== undefined) types.push('GROUP_AT_MESSAGE_CREATE');
  if (group.receiveAll) types.push('GROUP_MESSAGE_CREATE');
  if (say.both === 'all_first') types.reverse();
  return {
    scene,
    from: { openid: user.openid, name: user.name, member_openid: memberOpenid },
    written,
    events: group.botIn ? types.map((type) => groupMessage(type, group, role, written)) : [],
    toBot: true,
  };
}

/** A message that @-s the bot is heard by every bot; any other by private-domain bots alone. */
function inChannel(parts: Parts, say: Say, user: User, channelId: string): Utterance {
  mustBePlain(say);
  const channel = parts.guilds.channel(channelId);
  const member = parts.guilds.member(channel.guild, user.openid);
  const scene: Scene = { kind: 'channel', openid: channel.id };
  const toBot = say.mention !== false;
  const written = write(parts, say, scene, authorOf(member), {
    ...(toBot ? { botMention: { id: parts.bot.id, name: parts.bot.username, bot: true } } : {}),
    mentions: (say.mentions ?? []).map((openid) => authorOf(parts.guilds.member(channel.guild, openid))),
  });
  const type = toBot ? 'AT_MESSAGE_CREATE' : 'MESSAGE_CREATE';
  const seq = parts.guilds.nextInChannel(channel.id);
  const event = guildMessage(type, channelPlace(channel), written, seq, member);
  return { scene, from: memberFrom(member), written, events: heardIn(channel.guild, event), toBot };
}

function inDirectMessage(parts: Parts, say: Say, user: User, guild: Guild): Utterance {
  mustBePlain(say);
  mustMentionNobody(say);
  const member = parts.guilds.member(guild, user.openid);
  const scene: Scene = { kind: 'dm', openid: member.session.guildId };
  const written = write(parts, say, scene, authorOf(member), { mentions: [] });
  const place = directPlace(member.session);
  const event = guildMessage(
    'DIRECT_MESSAGE_CREATE',
    place,
    written,
    parts.guilds.nextInChannel(place.channelId),
    member,
  );
  return { scene, from: memberFrom(member), written, events: heardIn(guild, event), toBot: true };
}

function heardIn({ botIn }: Guild, event: PlatformEvent): readonly PlatformEvent[] {
  return botIn ? [event] : [];
}

function authorOf({ id, user }: GuildMember): Author {
  return { id, name: user.name, bot: user.bot };
}

function memberFrom({ id, user }: GuildMember): UserMessage['from'] {
  return { openid: user.openid, name: user.name, user_id: id };
}

function mustMentionNobody({ mentions = [], everyone = false }: Say): void {
  if (mentions.length > 0 || everyone)
    throw new SandboxError('mention.nobody_there', 'who writes to the bot alone can mention nobody else');
}

function mustBePlain({ ark, records }: Say): void {
  if (ark !== undefined || records !== undefined)
    throw new SandboxError('part.not_in_guild', 'cards and chat records are not pushed from guilds');
}

function write(
  { messages, setup }: Parts,
  say: Say,
  scene: Scene,
  author: Author,
  mentioned: { readonly botMention?: Mentioned; readonly mentions: readonly Mentioned[] },
): Written {
  const isInGuild = scene.kind === 'channel' || scene.kind === 'dm';
  const quote = say.quote === undefined ? undefined : messages.find(say.quote);
  if (say.quote !== undefined && (quote?.scene.kind !== scene.kind || quote.scene.openid !== scene.openid))
    throw new SandboxError('quote.unknown', `there is no message ${say.quote} in this conversation`, 404);
  return {
    id: isInGuild ? newGuildMessageId() : newMessageId(),
    ...(isInGuild ? {} : { refIdx: newReferenceIndex() }),
    text: say.text ?? '',
    at: setup.now(),
    author,
    ...mentioned,
    everyone: say.everyone ?? false,
    faces: say.faces ?? [],
    attachments: (say.attachments ?? []).map(wireAttachment),
    ...(quote === undefined ? {} : { quote }),
    ...(say.ark === undefined ? {} : { ark: say.ark }),
    ...(say.records === undefined ? {} : { records: say.records }),
  };
}

function push(parts: Parts, { scene, from, written, events, toBot }: Utterance, repeats: number) {
  const { id, refIdx, text, attachments, author } = written;
  parts.messages.keep({ id, ...(refIdx === undefined ? {} : { refIdx }), text, attachments, author, scene, toBot });
  if (events.length > 0) parts.windows.openForMessage(written.id, scene, toBot);
  const pushes = Array.from({ length: 1 + repeats }, () => events).flat();
  const heard = pushes.map((event) => parts.pushes.push(event, scene, id));
  const fault = heard.find((given) => given.fault !== undefined)?.fault;
  const first = heard.find(({ sessions }) => sessions > 0);
  return parts.transcript.add({
    kind: 'user.message',
    scene,
    from,
    id: written.id,
    ...(written.refIdx === undefined ? {} : { ref_idx: written.refIdx }),
    text: written.text,
    mention: written.botMention !== undefined,
    ...shownParts(written),
    events: pushes.map((event) => event.t),
    ...(first ?? { sessions: 0 }),
    ...(fault === undefined ? {} : { fault }),
  } satisfies UserMessage);
}

/** What a message has beside its text, as the transcript tells it. */
function shownParts({ mentions, everyone, faces, attachments, ark, records, quote }: Written): Partial<UserMessage> {
  return {
    ...(mentions.length === 0 ? {} : { mentions: mentions.map(({ name }) => name) }),
    ...(everyone ? { everyone } : {}),
    ...(faces.length === 0 ? {} : { faces }),
    ...(attachments.length === 0
      ? {}
      : { attachments: attachments.map(({ content_type, filename }) => ({ content_type, filename })) }),
    ...(ark === undefined ? {} : { ark: ark.prompt }),
    ...(records === undefined ? {} : { records: records.length }),
    ...(quote === undefined ? {} : { quote: { id: quote.id, text: quote.text } }),
  };
}
