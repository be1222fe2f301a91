/** Who is @-ed in a message, as its `mentions` tell. Every field of an entry is optional. */
import { oneLine } from '../one-line.js';
import { type Fields, isOpenid, objectsIn, textIn } from './wire-fields.js';

const MAX_MENTIONS = 200;
export const MAX_NAME_CHARS = 64;

export interface Mentions {
  /** Id → name, empty where none was told. The bot is not among them. */
  readonly names: ReadonlyMap<string, string>;
  /** Ids under which the bot itself may stand in the text. */
  readonly own: ReadonlySet<string>;
  readonly everyone: boolean;
}

const NONE: Mentions = { names: new Map(), own: new Set(), everyone: false };

/** @param isOwn whether an entry means this bot */
export function readMentions(mentions: unknown, everyone: boolean, isOwn: (entry: Fields) => boolean): Mentions {
  if (!everyone && !Array.isArray(mentions)) return NONE;
  const names = new Map<string, string>();
  const own = new Set<string>();
  let all = everyone;
  for (const entry of objectsIn(mentions, MAX_MENTIONS)) {
    if (entry.scope === 'all') all = true;
    const ids = [entry.member_openid, entry.user_openid, entry.id].filter(isOpenid);
    if (isOwn(entry)) for (const id of ids) own.add(id);
    else for (const id of ids) names.set(id, nameOf(entry));
  }
  return { names, own, everyone: all };
}

function nameOf({ nickname, username }: Fields): string {
  return oneLine(textIn(nickname) ?? textIn(username) ?? '', MAX_NAME_CHARS);
}

/** Groups: only `is_you` says that this bot is meant. */
export function isYou(entry: Fields): boolean {
  return entry.is_you === true;
}

/** The bot of a message that certainly @-s it, when no other bot is @-ed beside it. */
export function onlyBotIn(mentions: unknown): string | undefined {
  const bots = objectsIn(mentions, MAX_MENTIONS).filter(({ bot }) => bot === true);
  const id = bots.length === 1 ? bots[0]?.id : undefined;
  return isOpenid(id) ? id : undefined;
}
