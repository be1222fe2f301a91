/** Every key of the config file: its type, range, default and one line about it. A key that nothing reads is not here. */
import { z } from 'zod';
import { INTENT_NAMES, type IntentName } from '../protocol/qqbot/gateway-codes.js';
import { parseDuration } from './duration.js';
import type { Fault } from './findings.js';
import { quoted, readPeerEntry } from './peer-entry.js';
import { readServiceUrl } from './service-url.js';
import { parseSize } from './size.js';
import { nearest } from './suggestion.js';

/** Defaults as they would be written in the file. */
export const DEFAULTS = {
  durability: 'process',
  retention_days: 30,
  level: 'info',
  format: 'auto',
  file: '',
  app_id_env: 'QQBOT_APP_ID',
  client_secret_env: 'QQBOT_CLIENT_SECRET',
  allowed_peer_ids: [],
  allow_http: false,
  api_base_url: 'https://api.sgroup.qq.com',
  token_url: 'https://bots.qq.com/app/getAppAccessToken',
  intents: ['public_guild_messages', 'direct_message', 'group_and_c2c'],
  reply_windows: { c2c: { minutes: 60, count: 4 }, group: { minutes: 5, count: 5 }, channel: { minutes: 5, count: 5 } },
  park_ttl: '24h',
  default_require_mention: true,
  backend: 'default',
  text_chunk_limit: 2000,
  chunk_mode: 'length',
  markdown: 'auto',
  apology: '',
  timeout: '120s',
  concurrency: 4,
  input: 'json',
  env: ['PATH', 'HOME'],
  max_output: '1MiB',
} as const;

/** Names under which the table of the official bot may stand; one of them at a time. */
export const QQBOT_TABLES = ['qqbot', 'qq', 'qq-bot', 'tencent-qq'] as const;

const replyWindow = table({
  minutes: key(wholeNumber(1, 1440), 'How long one message may be replied to.'),
  count: key(wholeNumber(1, 100), 'How often one message may be replied to.'),
});

/** What an account may set, and its channel for all accounts. */
const accountKeys = {
  enabled: key(yesOrNo(), 'Whether it takes part at all.', true),
  app_id: key(text(), 'AppID of the bot, in quotes. Exactly one of app_id, app_id_env, app_id_file.'),
  app_id_env: key(text(), 'Name of the environment variable that holds the AppID.', DEFAULTS.app_id_env),
  app_id_file: key(text(), 'File that holds the AppID.'),
  client_secret: key(
    text(),
    'Client secret of the bot. Exactly one of client_secret, client_secret_env, client_secret_file.',
  ),
  client_secret_env: key(
    text(),
    'Name of the environment variable that holds the client secret.',
    DEFAULTS.client_secret_env,
  ),
  client_secret_file: key(text(), 'File that holds the client secret.'),
  allowed_peer_ids: key(
    list(peerEntry()),
    'Who may talk with the bot: ids, `<kind>:<id>`, `<kind>:*`, `*`. Empty: nobody.',
    DEFAULTS.allowed_peer_ids,
  ),
  allow_http: key(yesOrNo(), 'Permits plain http to other machines in the two URLs.', DEFAULTS.allow_http),
  api_base_url: key(serviceUrl(), 'Where the Bot API is.', DEFAULTS.api_base_url),
  token_url: key(serviceUrl(), 'Where access tokens are fetched.', DEFAULTS.token_url),
  intents: key(
    list(intent()).min(1, { error: 'is empty: name at least one intent' }),
    'Kinds of events to ask the gateway for.',
    DEFAULTS.intents,
  ),
  reply_windows: key(
    table({
      c2c: key(replyWindow, 'One person.'),
      group: key(replyWindow, 'A group.'),
      channel: key(replyWindow, 'A guild channel.'),
    }),
    'Within which time and how often a message may be replied to.',
    DEFAULTS.reply_windows,
  ),
  park_ttl: key(
    duration('1s', '30d'),
    'How long an undeliverable message waits for the peer to write again.',
    DEFAULTS.park_ttl,
  ),
  default_require_mention: key(yesOrNo(), 'In groups, answer only when mentioned.', DEFAULTS.default_require_mention),
  backend: key(word(), 'Which entry of [backends] answers.', DEFAULTS.backend),
  text_chunk_limit: key(
    wholeNumber(50, 5000),
    'Characters of one message; longer text goes out in several.',
    DEFAULTS.text_chunk_limit,
  ),
  chunk_mode: key(
    oneOf(['length', 'newline']),
    'Where long text is cut: newline prefers line ends.',
    DEFAULTS.chunk_mode,
  ),
  markdown: key(
    oneOf(['auto', 'always', 'never']),
    'auto: as plain text where QQ refuses markdown; never: always as plain text.',
    DEFAULTS.markdown,
  ),
  apology: key(
    text().max(1000, { error: 'has more than 1000 characters' }),
    'Sent when a backend fails; "" is nothing.',
    DEFAULTS.apology,
  ),
};

const account = table(accountKeys);

const qqbot = table({
  ...accountKeys,
  default_account: key(word(), 'Which account is meant when none is named.'),
  accounts: key(tables(account), 'Several bots: any key of [qqbot] but default_account and accounts.'),
});

const backend = table({
  type: z
    .enum(['echo', 'exec'], { error: expected('"echo" or "exec"', 'value') })
    .meta({ description: 'What answers: echo says everything back, exec runs a command.' }),
  timeout: key(duration('100ms', '24h'), 'How long one answer may take.', DEFAULTS.timeout),
  concurrency: key(wholeNumber(1, 1000), 'How many answers at the same time.', DEFAULTS.concurrency),
  command: key(
    list(text()).min(1, { error: 'is empty: name the program' }),
    'exec: the program and its arguments; no shell.',
  ),
  input: key(
    oneOf(['text', 'json']),
    'exec: what goes to stdin: the text of the message, or the whole turn as JSON.',
    DEFAULTS.input,
  ),
  env: key(list(variableName()), 'exec: the only environment variables it gets.', DEFAULTS.env),
  max_output: key(size('1KiB', '64MiB'), 'exec: it is ended when it prints more.', DEFAULTS.max_output),
});

export const configSchema = table({
  gateway: key(
    table({
      state_dir: key(
        word(),
        'Folder of the state; relative to this file. Else $STATE_DIRECTORY, $LOONG_HOME/state, ~/.loong/state.',
      ),
      durability: key(
        oneOf(['process', 'power']),
        'What accepted work survives: death of the process, or a power cut too.',
        DEFAULTS.durability,
      ),
      retention_days: key(wholeNumber(1, 3650), 'How many days settled messages are kept.', DEFAULTS.retention_days),
    }),
    'The daemon itself.',
  ),
  log: key(
    table({
      level: key(oneOf(['trace', 'debug', 'info', 'warn', 'error']), 'The least that is logged.', DEFAULTS.level),
      format: key(oneOf(['auto', 'pretty', 'json']), 'auto: pretty on a terminal, json otherwise.', DEFAULTS.format),
      file: key(text(), 'Also log to this file (as JSON; at 10 MiB it becomes .1). Empty: to no file.', DEFAULTS.file),
    }),
    'What is logged, and how.',
  ),
  qqbot: key(qqbot, 'The official QQ bot.'),
  qq: key(qqbot, 'Alias of qqbot.'),
  'qq-bot': key(qqbot, 'Alias of qqbot.'),
  'tencent-qq': key(qqbot, 'Alias of qqbot.'),
  backends: key(tables(backend), 'What answers, by name.'),
});

export type ConfigFile = z.output<typeof configSchema>;
export type AccountTable = z.output<typeof account>;
export type BackendTable = z.output<typeof backend>;
export type QqbotTable = z.output<typeof qqbot>;

/** Names of the keys that may stand in the table at `path`; empty when nothing is known of such a table. */
export function keysAt(path: readonly PropertyKey[]): readonly string[] {
  let at: unknown = configSchema;
  for (const part of path) {
    at = unwrapped(at);
    if (at instanceof z.ZodObject) at = at.shape[String(part)];
    else if (at instanceof z.ZodRecord) at = at.valueType;
    else return [];
  }
  at = unwrapped(at);
  return at instanceof z.ZodObject ? Object.keys(at.shape) : [];
}

function unwrapped(schema: unknown): unknown {
  return schema instanceof z.ZodOptional ? schema.unwrap() : schema;
}

// The kinds of values. Each says in one phrase what it expects; none shows a value that may be secret.

function key<T extends z.ZodType>(type: T, description: string, fallback?: unknown) {
  return type.optional().meta({ description, ...(fallback === undefined ? {} : { default: fallback }) });
}

function table<T extends z.core.$ZodLooseShape>(shape: T) {
  return z.strictObject(shape, { error: expected('a table') });
}

function tables<T extends z.ZodType>(entry: T) {
  return z.record(z.string(), entry, { error: expected('a table of tables') });
}

function list<T extends z.ZodType>(entry: T) {
  return z.array(entry, { error: expected('a list') });
}

function text() {
  return z.string({ error: expected('text in quotes') });
}

function word() {
  return text().refine((value) => value.trim() !== '', { error: 'is blank: fill it in, or remove the line' });
}

function yesOrNo() {
  return z.boolean({ error: expected('true or false') });
}

function wholeNumber(least: number, most: number) {
  const error = expected(`a whole number from ${least} to ${most}`, 'value');
  return z.number({ error }).int({ error }).min(least, { error }).max(most, { error });
}

function oneOf<const T extends readonly string[]>(words: T) {
  return z.enum(words, { error: expected(`one of ${words.map((word) => `"${word}"`).join(', ')}`, 'value') });
}

function intent() {
  return z.enum(INTENT_NAMES as [IntentName, ...IntentName[]], {
    error: (issue) => {
      if (typeof issue.input !== 'string') return expected('the name of an intent')(issue);
      const meant = nearest(issue.input, INTENT_NAMES);
      const remedy =
        meant === undefined
          ? `there are ${INTENT_NAMES.map((name) => `\`${name}\``).join(', ')}`
          : `did you mean \`${meant}\`?`;
      return `${quoted(issue.input)} is not an intent: ${remedy}`;
    },
  });
}

function duration(least: string, most: string) {
  const phrase = `a length of time from "${least}" to "${most}" in quotes and with its unit (ms, s, m, h, d)`;
  const error = expected(phrase, 'value');
  return z.string({ error }).transform((value, context) => {
    const ms = parseDuration(value);
    if (ms !== undefined && ms >= (parseDuration(least) ?? 0) && ms <= (parseDuration(most) ?? 0)) return ms;
    return refuse(context, value, { message: error({ input: value }) });
  });
}

function size(least: string, most: string) {
  const error = expected(`a size from "${least}" to "${most}" in quotes and with its unit (B, KiB, MiB)`, 'value');
  return z.string({ error }).transform((value, context) => {
    const bytes = parseSize(value);
    if (bytes !== undefined && bytes >= (parseSize(least) ?? 0) && bytes <= (parseSize(most) ?? 0)) return bytes;
    return refuse(context, value, { message: error({ input: value }) });
  });
}

function variableName() {
  return text().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, {
    error: 'is not the name of a variable: write it as in ["PATH", "HOME"]',
  });
}

function serviceUrl() {
  return text().transform((value, context) => {
    const url = readServiceUrl(value);
    return url instanceof URL ? url : refuse(context, value, url);
  });
}

function peerEntry() {
  return z
    .union([z.string(), z.int().nonnegative()], {
      error: (issue) =>
        typeof issue.input === 'bigint'
          ? 'this number is too large to be read exactly: write it in quotes'
          : expected('an id: text in quotes, or a whole number')(issue),
    })
    .transform((value, context) => {
      const entry = readPeerEntry(String(value));
      return typeof entry === 'string' ? entry : refuse(context, value, entry);
    });
}

function refuse(context: z.RefinementCtx, input: unknown, fault: Fault): never {
  context.issues.push({ code: 'custom', message: fault.message, params: { remedy: fault.remedy }, input });
  return z.NEVER;
}

/** `expected …, got …`. What was got is shown only where it cannot be secret; elsewhere only its kind is named. */
function expected(phrase: string, show: 'kind' | 'value' = 'kind'): (issue: { readonly input?: unknown }) => string {
  return ({ input }) => {
    if (input === undefined) return `is missing: expected ${phrase}`;
    return `expected ${phrase}, got ${show === 'value' ? shown(input) : kindOf(input)}`;
  };
}

function shown(value: unknown): string {
  if (typeof value === 'string') return quoted(value);
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : kindOf(value);
}

function kindOf(value: unknown): string {
  if (typeof value === 'string') return 'text';
  if (typeof value === 'boolean') return 'true or false';
  if (typeof value === 'bigint' || Number.isInteger(value)) return 'a whole number';
  if (typeof value === 'number') return 'a number';
  if (Array.isArray(value)) return 'a list';
  return value instanceof Date ? 'a date' : 'a table';
}
