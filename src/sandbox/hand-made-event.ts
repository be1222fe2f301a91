/** The message that an event written by a tester brings, when it has an id and says where it was written: it may be answered like any other. */
import type { PlatformEvent } from './events.js';
import type { Scene } from './transcript.js';

interface Fields {
  readonly id?: unknown;
  readonly group_openid?: unknown;
  readonly channel_id?: unknown;
  readonly guild_id?: unknown;
  readonly mentions?: unknown;
  readonly author?: { readonly user_openid?: unknown };
}

const PLACES: { readonly [type: string]: { readonly kind: Scene['kind']; readonly peer: (d: Fields) => unknown } } = {
  C2C_MESSAGE_CREATE: { kind: 'c2c', peer: ({ author }) => author?.user_openid },
  GROUP_AT_MESSAGE_CREATE: { kind: 'group', peer: ({ group_openid }) => group_openid },
  GROUP_MESSAGE_CREATE: { kind: 'group', peer: ({ group_openid }) => group_openid },
  AT_MESSAGE_CREATE: { kind: 'channel', peer: ({ channel_id }) => channel_id },
  MESSAGE_CREATE: { kind: 'channel', peer: ({ channel_id }) => channel_id },
  DIRECT_MESSAGE_CREATE: { kind: 'dm', peer: ({ guild_id }) => guild_id },
};

/** `toBot` is false for a message of a channel that does not mention the bot. */
export function messageIn(
  { t, d }: PlatformEvent,
  botId: string,
): { readonly id: string; readonly scene: Scene; readonly toBot: boolean } | undefined {
  const place = PLACES[t];
  if (place === undefined) return undefined;
  const read = (d ?? {}) as Fields;
  const openid = place.peer(read);
  if (typeof read.id !== 'string' || typeof openid !== 'string') return undefined;
  const mentions = Array.isArray(read.mentions) ? read.mentions : [];
  const toBot = t !== 'MESSAGE_CREATE' || mentions.some((user: { id?: unknown } | null) => user?.id === botId);
  return { id: read.id, scene: { kind: place.kind, openid }, toBot };
}
