/** Lists of peers, as OpenClaw's configs have them. */
import { isPeerIdOf } from '../../model/target.js';
import type { AccountSource } from './source.js';

/** A list of peers as it stands there. */
export interface Peers {
  /** Bare ids. */
  readonly people: readonly string[];
  /** Ids that say that they are groups. */
  readonly groups: readonly string[];
  readonly everybody: boolean;
  /** How many entries are no ids. */
  readonly wrong: number;
}

const NOBODY: Peers = { people: [], groups: [], everybody: false, wrong: 0 };

export function peersAt({ channel }: AccountSource, value: unknown): Peers {
  if (value === undefined) return NOBODY;
  if (!Array.isArray(value)) return { ...NOBODY, wrong: 1 };
  const people: string[] = [];
  const groups: string[] = [];
  let wrong = 0;
  for (const entry of value) {
    const text = typeof entry === 'number' ? String(entry) : entry;
    if (typeof text !== 'string') wrong++;
    else {
      const [, kind = '', id = ''] =
        /^(?:(?:qqbot|qq|napcatqq|napcat|onebot):)?(?:(user|c2c|private|group):)?(.*)$/i.exec(text.trim()) ?? [];
      if (text === '*') continue; // everybody, below
      if (id === '*' || !isPeerIdOf(channel, id)) wrong++;
      else (kind.toLowerCase() === 'group' ? groups : people).push(id);
    }
  }
  return { people: [...new Set(people)], groups: [...new Set(groups)], everybody: value.includes('*'), wrong };
}

/** What is told of entries that are none; undefined where there are none of those. */
export function leftOut(count: number): string | undefined {
  if (count === 0) return undefined;
  return count === 1
    ? 'one entry that is no id of a sender was left out'
    : `${count} entries that are no ids of senders were left out`;
}
