/** Who a message is for: channel, account, kind and peer, and the one grammar in which people write it. */
import { UsageError } from './errors.js';

declare const brand: unique symbol;
type Brand<T extends string> = string & { readonly [brand]: T };
export type AccountId = Brand<'AccountId'>;
export type PeerId = Brand<'PeerId'>;
export type MessageId = Brand<'MessageId'>;

export type ChannelId = 'qqbot' | 'onebot';
export type TargetKind = 'c2c' | 'group' | 'channel' | 'dm';

export interface Target {
  readonly channel: ChannelId;
  readonly account: AccountId;
  readonly kind: TargetKind;
  readonly peer: PeerId;
}

interface ChannelNames {
  readonly label: string;
  readonly aliases: readonly string[];
  readonly kinds: readonly TargetKind[];
  /** Kinds that are called otherwise here than within loong. */
  readonly called?: { readonly [K in TargetKind]?: string };
}

/** Every channel: how people call it and which kinds of conversation it has, in the order of its help texts. */
export const CHANNELS: { readonly [C in ChannelId]: ChannelNames } = {
  qqbot: { label: 'QQ Bot', aliases: ['qq', 'qq-bot', 'tencent-qq'], kinds: ['c2c', 'group', 'channel', 'dm'] },
  onebot: {
    label: 'OneBot',
    aliases: ['onebot-v11', 'napcat', 'napcatqq', 'llonebot'],
    kinds: ['c2c', 'group'],
    called: { c2c: 'private' },
  },
};

const CHANNEL_IDS = Object.keys(CHANNELS) as ChannelId[];

/** Finds a channel by id or alias, any case; undefined when nothing is called so. */
export function channelNamed(name: string): ChannelId | undefined {
  const wanted = name.trim().toLowerCase();
  return CHANNEL_IDS.find((id) => id === wanted || CHANNELS[id].aliases.includes(wanted));
}

/** How people write a kind: `private` for a person on OneBot. */
export function kindName(channel: ChannelId, kind: TargetKind): string {
  return CHANNELS[channel].called?.[kind] ?? kind;
}

/** The kind that is written so, in any case, on this channel; undefined when it has none. */
export function kindNamed(channel: ChannelId, text: string): TargetKind | undefined {
  const wanted = text.trim().toLowerCase();
  return CHANNELS[channel].kinds.find((kind) => kind === wanted || kindName(channel, kind) === wanted);
}

/** The channel that a target names itself, where it does. */
export function channelIn(target: string): ChannelId | undefined {
  const [first = '', ...more] = target.split(':');
  return more.length < 2 ? undefined : channelNamed(first);
}

/** Words that a target may begin with besides an account, so no account may be called so. */
export function isReservedAccountName(name: string): boolean {
  return channelNamed(name) !== undefined || CHANNEL_IDS.some((id) => kindNamed(id, name) !== undefined);
}

/** Lower-case ASCII letters, digits, single `-` or `_`; anything else becomes `-`; nothing left becomes `default`. */
export function normaliseAccountId(text: string): AccountId {
  const id = text
    .trim()
    .toLowerCase()
    .replace(/[^a-z0-9_-]/g, '-')
    .replace(/[-_]{2,}/g, (run) => run.charAt(0))
    .replace(/^[-_]+|[-_]+$/g, '');
  return (id === '' ? 'default' : id) as AccountId;
}

/** What a peer id may consist of: it goes into URL paths, logs and files, so dots alone are none. */
const PEER_ID = /^(?!\.+$)[A-Za-z0-9._!=+*~-]{1,128}$/;

export function isPeerId(text: string): text is PeerId {
  return PEER_ID.test(text);
}

/** QQ numbers and numbers of groups; bridges have negative ones. As they are printed, so without zeros before them. */
const NUMBER = /^-?[1-9][0-9]{0,19}$/;

/** Whether somebody on this channel can be called so. */
export function isPeerIdOf(channel: ChannelId, text: string): text is PeerId {
  return channel === 'onebot' ? NUMBER.test(text) : isPeerId(text);
}

/**
 * Reads `<channel>:<account>:<kind>:<id>`, `<account>:<kind>:<id>` or `<kind>:<id>`; `<channel>:<kind>:<id>` means the default account.
 * @throws UsageError in the words of the public contract.
 */
export function parseTarget(text: string, defaults: { channel: ChannelId; account: AccountId }): Target {
  const channel = defaults.channel;
  const parts = text.trim().split(':');
  const malformed = () =>
    new UsageError(
      'target.malformed',
      `${channel} target must use \`${channel}:<account>:<kind>:<id>\`, \`<account>:<kind>:<id>\`, or \`<kind>:<id>\``,
    );
  if (parts.length < 2 || parts.length > 4) throw malformed();
  const peer = (parts.pop() ?? '').trim();
  const kindText = (parts.pop() ?? '').trim();
  let account = defaults.account;
  const [first, second] = parts;
  if (first !== undefined && second !== undefined) {
    requireChannel(first, channel);
    account = accountPart(second, malformed);
  } else if (first !== undefined) {
    const named = channelNamed(first);
    if (named === undefined) account = accountPart(first, malformed);
    else requireChannel(first, channel);
  }
  const kind = kindNamed(channel, kindText);
  if (kind === undefined) {
    const kinds = CHANNELS[channel].kinds.map((k) => `\`${kindName(channel, k)}\``).join(', ');
    throw new UsageError(
      'target.kind_unsupported',
      `${channel} target kind \`${kindText}\` is unsupported; use ${kinds}`,
    );
  }
  if (peer === '') throw new UsageError('target.peer_empty', `${channel} target conversation id is empty`);
  if (!isPeerIdOf(channel, peer)) {
    if (channel === 'onebot') {
      throw new UsageError(
        'target.peer_malformed',
        `${channel} target conversation id is no ${kind === 'group' ? 'number of a group' : 'QQ number'}`,
        'write its digits, such as `private:20002` or `group:30003`',
      );
    }
    throw new UsageError(
      'target.peer_malformed',
      `${channel} target conversation id has characters that no id has`,
      'an id is 1 to 128 characters of A-Z a-z 0-9 . _ ! = + * ~ -; copy it from the log or from `loong channels`',
    );
  }
  return { channel, account, kind, peer };
}

function requireChannel(text: string, expected: ChannelId): void {
  const named = channelNamed(text);
  if (named === undefined) {
    throw new UsageError(
      'target.channel_unknown',
      `${expected} target prefix \`${text.trim()}\` is not a recognized channel id`,
    );
  }
  if (named !== expected) {
    throw new UsageError(
      'target.channel_mismatch',
      `${expected} target uses channel prefix \`${named}\`, expected \`${expected}\``,
    );
  }
}

function accountPart(text: string, malformed: () => UsageError): AccountId {
  if (text.trim() === '') throw malformed();
  return normaliseAccountId(text);
}

/** The long form, which `parseTarget` reads back: `qqbot:main:c2c:OPENID`, `onebot:home:private:10001`. */
export function formatTarget(target: Target): string {
  const { channel, account, kind, peer } = target;
  return `${channel}:${account}:${channel === 'qqbot' ? kind : kindName(channel, kind)}:${peer}`;
}

/** Reads back what `formatTarget` wrote into our own store. */
export function storedTarget(text: string): Target {
  const [channel, account, kind = '', ...peer] = text.split(':') as [ChannelId, AccountId, string];
  return {
    channel,
    account,
    kind: channel === 'qqbot' ? kind : kindNamed(channel, kind),
    peer: peer.join(':'),
  } as Target;
}

/** Id of an account's lane: `qqbot:main`. */
export function laneId(of: { readonly channel: ChannelId; readonly account: AccountId }): string {
  return `${of.channel}:${of.account}`;
}

/** An openid short enough for a log: it still tells two peers apart, but addresses nobody. */
export function shortPeer(peer: string): string {
  return peer.length <= 12 ? peer : `${peer.slice(0, 4)}…${peer.slice(-4)}`;
}
