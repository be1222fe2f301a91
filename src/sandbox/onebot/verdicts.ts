/** What each implementation makes of each type of segment that it is told to send. */
import type { Flavour } from './flavours.js';

/** `stub`: something else goes out in its place. `random`: its result is drawn there. */
export type Verdict = 'sent' | 'dropped' | 'refused' | 'stub' | 'random';

interface VerdictTable {
  readonly known: { readonly [type: string]: Verdict };
  readonly unknown: Verdict;
}

const sent = (...types: readonly string[]) => Object.fromEntries(types.map((type) => [type, 'sent'] as const));

const TABLES: { readonly [flavour in Flavour]: VerdictTable } = {
  napcat: {
    known: {
      ...sent('text', 'face', 'image', 'record', 'video', 'file', 'at', 'reply', 'json', 'markdown', 'mface'),
      ...sent('contact', 'music', 'forward', 'node'),
      dice: 'random',
      rps: 'random',
      location: 'stub',
      xml: 'dropped',
      poke: 'dropped',
      miniapp: 'dropped',
      onlinefile: 'dropped',
      flashtransfer: 'dropped',
    },
    unknown: 'refused',
  },
  llonebot: {
    known: {
      ...sent('text', 'at', 'reply', 'face', 'mface', 'image', 'file', 'video', 'record', 'json', 'dice', 'rps'),
      ...sent('contact', 'shake', 'poke', 'music', 'markdown', 'keyboard', 'forward', 'node'),
    },
    unknown: 'dropped',
  },
  lagrange: {
    known: {
      ...sent('text', 'face', 'image', 'record', 'video', 'at', 'reply', 'forward', 'json', 'xml', 'markdown'),
      ...sent('keyboard', 'longmsg', 'mface', 'marketface', 'poke', 'location', 'music', 'node'),
      dice: 'random',
      rps: 'random',
    },
    unknown: 'dropped',
  },
  'go-cqhttp': {
    known: {
      ...sent('text', 'face', 'image', 'record', 'video', 'at', 'reply', 'share', 'music', 'poke', 'gift'),
      ...sent('forward', 'node', 'xml', 'json', 'cardimage', 'tts'),
      dice: 'random',
      rps: 'random',
    },
    unknown: 'dropped',
  },
};

export function verdictOn(flavour: Flavour, type: string): Verdict {
  const { known, unknown } = TABLES[flavour];
  return Object.hasOwn(known, type) ? (known[type] ?? unknown) : unknown;
}
