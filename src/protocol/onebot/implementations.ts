/** What each implementation makes of the segments that it is told to send. Sources: the code of NapCatQQ, LLOneBot, Lagrange.OneBot v1 and go-cqhttp. */

export type Dialect = 'napcat' | 'llonebot' | 'lagrange' | 'go-cqhttp' | 'other';

/**
 * `sent` · `dropped`: left out without a word · `fails`: the whole message fails · `stub`: a fixed placeholder goes out in its place ·
 * `random`: sent, its `result` drawn there.
 */
export type Fate = 'sent' | 'dropped' | 'fails' | 'stub' | 'random';

interface Implementation {
  /** As people call it. */
  readonly label: string;
  /** In `app_name` of `get_version_info`, any case. */
  readonly names: readonly string[];
  readonly fates: { readonly [type: string]: Fate };
  /** Of types that are not listed. */
  readonly others: Fate;
}

const all = (fate: Fate, ...types: readonly string[]) =>
  Object.fromEntries(types.map((type): [string, Fate] => [type, fate]));

/** Understood by all of them. */
const COMMON = ['text', 'face', 'image', 'record', 'video', 'at', 'reply', 'json', 'music', 'forward', 'node'];

const IMPLEMENTATIONS: { readonly [D in Dialect]: Implementation } = {
  napcat: {
    label: 'NapCat',
    names: ['napcat'],
    fates: {
      ...all('sent', ...COMMON, 'file', 'markdown', 'mface', 'contact'),
      ...all('random', 'dice', 'rps'),
      ...all('stub', 'location'),
      ...all('dropped', 'xml', 'poke', 'miniapp', 'onlinefile', 'flashtransfer'),
    },
    others: 'fails',
  },
  llonebot: {
    label: 'LLOneBot',
    names: ['llonebot', 'luckylillia', 'llbot'],
    fates: all('sent', ...COMMON, 'file', 'markdown', 'mface', 'contact', 'dice', 'rps', 'shake', 'poke', 'keyboard'),
    others: 'dropped',
  },
  lagrange: {
    label: 'Lagrange',
    names: ['lagrange'],
    fates: {
      ...all('sent', ...COMMON, 'xml', 'markdown', 'mface', 'marketface', 'poke', 'location', 'keyboard', 'longmsg'),
      ...all('random', 'dice', 'rps'),
    },
    others: 'dropped',
  },
  'go-cqhttp': {
    label: 'go-cqhttp',
    names: ['go-cqhttp', 'gocq'],
    fates: {
      ...all('sent', ...COMMON, 'xml', 'share', 'poke', 'gift', 'cardimage', 'tts'),
      ...all('random', 'dice', 'rps'),
    },
    others: 'dropped',
  },
  // Nothing is known of it: the standard knows no `result`, the rest is for it to take or to refuse.
  other: {
    label: 'this implementation',
    names: [],
    fates: { ...all('random', 'dice', 'rps'), ...all('dropped', 'miniapp') },
    others: 'sent',
  },
};

/** @param appName `app_name` of `get_version_info` */
export function dialectOf(appName: string): Dialect {
  const told = appName.toLowerCase();
  const dialects = Object.keys(IMPLEMENTATIONS) as Dialect[];
  return dialects.find((dialect) => IMPLEMENTATIONS[dialect].names.some((name) => told.includes(name))) ?? 'other';
}

export function fateOf(dialect: Dialect, type: string): Fate {
  const { fates, others } = IMPLEMENTATIONS[dialect];
  return (Object.hasOwn(fates, type) ? fates[type] : undefined) ?? others;
}

export function implementationLabel(dialect: Dialect): string {
  return IMPLEMENTATIONS[dialect].label;
}

/** Those that let a friend see that the account types. */
const SHOW_TYPING: ReadonlySet<Dialect> = new Set(['napcat', 'llonebot']);

export function showsTyping(dialect: Dialect): boolean {
  return SHOW_TYPING.has(dialect);
}

/** Types that QQ takes only as a message of their own. */
const ALONE: ReadonlySet<string> = new Set([
  'file',
  'video',
  'record',
  'forward',
  'json',
  'xml',
  'miniapp',
  'mface',
  'marketface',
  'dice',
  'rps',
  'music',
  'markdown',
  'contact',
  'location',
  'poke',
  'shake',
  'share',
]);

export function standsAlone(type: string): boolean {
  return ALONE.has(type);
}
