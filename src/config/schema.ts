/** Every key of the config file: its type, range, default and one line about it. A key that nothing reads is not here. */
import { z } from 'zod';
import type { ChannelId } from '../model/target.js';
import {
  duration,
  groupTables,
  hostName,
  intent,
  key,
  list,
  listenAddress,
  numberBetween,
  oneOf,
  peerEntry,
  policy,
  qqNumber,
  serviceUrl,
  size,
  table,
  tables,
  text,
  urlPath,
  variableName,
  wholeNumber,
  word,
  yesOrNo,
} from './value-kinds.js';

/** Defaults as they would be written in the file. */
export const DEFAULTS = {
  durability: 'process',
  retention_days: 30,
  proxy: '',
  level: 'info',
  format: 'auto',
  file: '',
  app_id_env: 'QQBOT_APP_ID',
  client_secret_env: 'QQBOT_CLIENT_SECRET',
  allowed_peer_ids: [],
  allow_http: false,
  transport: 'websocket',
  webhook_path: '/qq-official-webhook',
  webhook_listen: '127.0.0.1:8080',
  api_base_url: 'https://api.sgroup.qq.com',
  token_url: 'https://bots.qq.com/app/getAppAccessToken',
  intents: ['public_guild_messages', 'direct_message', 'group_and_c2c'],
  reply_windows: { c2c: { minutes: 60, count: 4 }, group: { minutes: 5, count: 5 }, channel: { minutes: 5, count: 5 } },
  park_ttl: '24h',
  dm_policy: 'pairing',
  group_policy: 'allowlist',
  group_allow_from: [],
  default_require_mention: true,
  backend: 'default',
  text_chunk_limit: 2000,
  chunk_mode: 'length',
  markdown: 'auto',
  apology: '',
  typing: false,
  system_prompt: '',
  history_limit: 50,
  history_chars: 8000,
  ws_host: '127.0.0.1',
  ws_port: 3001,
  ws_path: '/onebot/v11/ws',
  media_max_mb: 50,
  heartbeat: { enabled: true, interval: 30_000, timeout: 10_000 },
  reconnect: { enabled: true, max_retries: 10, retry_delay: 5000, backoff_multiplier: 2, max_delay: 60_000 },
  timeout: '120s',
  concurrency: 4,
  input: 'json',
  output: 'text',
  env: ['PATH', 'HOME'],
  max_output: '1MiB',
  max_pending: 3,
  message: `你好！这个机器人只和获准的人对话。
你的配对码是 {code}，60 分钟内有效。请转告机器人的管理员，由他执行：
{command}
获准之后，你刚才的消息会得到回答。

Hello! This bot talks only with people it knows.
Your pairing code is {code}, valid for 60 minutes. Give it to the operator of the bot, who runs:
{command}
What you wrote is answered once you are approved.`,
} as const;

export const DM_POLICIES = ['pairing', 'allowlist', 'open', 'disabled'] as const;

const prompt = () => text().max(20_000, { error: 'has more than 20000 characters' });

/** Names under which the table of the official bot may stand; one of them at a time. */
export const QQBOT_TABLES = ['qqbot', 'qq', 'qq-bot', 'tencent-qq'] as const;
/** The same of OneBot. */
export const ONEBOT_TABLES = ['onebot', 'onebot-v11', 'napcat', 'napcatqq', 'llonebot'] as const;

const replyWindow = table({
  minutes: key(wholeNumber(1, 1440), 'How long one message may be replied to.'),
  count: key(wholeNumber(1, 100), 'How often one message may be replied to.'),
});

/** What an account of any channel may set, and its channel for all its accounts. */
function commonKeys(channel: ChannelId) {
  const peers = list(peerEntry(channel));
  return {
    enabled: key(yesOrNo(), 'Whether it takes part at all.', true),
    allowed_peer_ids: key(
      peers,
      'Who may talk with the bot: ids, `<kind>:<id>`, `<kind>:*`, `*`. Empty: nobody.',
      DEFAULTS.allowed_peer_ids,
    ),
    dm_policy: key(
      policy(DM_POLICIES),
      'Private chats of people who are not listed: pairing offers a code, allowlist is silent, open (needs "*" in the list) answers; disabled: no private chat at all.',
      DEFAULTS.dm_policy,
    ),
    group_policy: key(
      policy(['allowlist', 'open', 'disabled']),
      'Which groups are heard: those that are listed, all, or none.',
      DEFAULTS.group_policy,
    ),
    group_allow_from: key(
      peers,
      'Senders who may use the bot in groups; empty: all. A group’s own id admits that group instead.',
      DEFAULTS.group_allow_from,
    ),
    default_require_mention: key(yesOrNo(), 'In groups, answer only when mentioned.', DEFAULTS.default_require_mention),
    groups: key(
      groupTables(
        channel,
        table({
          enabled: key(yesOrNo(), 'false: this group is never heard nor written to.', true),
          require_mention: key(yesOrNo(), 'Answer only when mentioned, in this group.'),
          allow_from: key(peers, 'Senders who may use the bot in this group; replaces group_allow_from.'),
          system_prompt: key(prompt(), 'Told to the backend in this group; replaces the account’s.'),
          skills: key(list(word()), 'Told to the backend: what it may use in this group.', []),
          tools: key(
            table({
              allow: key(list(word()), 'Tools that the backend may use; empty: all.', []),
              deny: key(list(word()), 'Tools that it may not use.', []),
            }),
            'Told to the backend, which has to heed it.',
          ),
          backend: key(word(), 'Which entry of [backends] answers in this group.'),
        }),
      ),
      'Groups by id: each is admitted, and ruled by its keys; "*" is every other group.',
    ),
    park_ttl: key(
      duration('1s', '30d'),
      'How long an undeliverable message waits for the peer to write again.',
      DEFAULTS.park_ttl,
    ),
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
    system_prompt: key(prompt(), 'Told to the backend with every message.', DEFAULTS.system_prompt),
    history_limit: key(
      wholeNumber(0, 1000),
      'Earlier messages of the conversation that the backend is given; 0: none.',
      DEFAULTS.history_limit,
    ),
    history_chars: key(
      wholeNumber(0, 1_000_000),
      'Characters of them, at most; the newest are kept.',
      DEFAULTS.history_chars,
    ),
    apology: key(
      text().max(1000, { error: 'has more than 1000 characters' }),
      'Sent when a backend fails; "" is nothing.',
      DEFAULTS.apology,
    ),
    typing: key(
      yesOrNo(),
      channel === 'qqbot'
        ? 'Shows in private chats that an answer is being made; it may cost up to two of the replies that a message has, never the last two.'
        : 'Shows in private chats that an answer is being made, where NapCat or LLOneBot is connected.',
      DEFAULTS.typing,
    ),
  };
}

const qqbotKeys = {
  ...commonKeys('qqbot'),
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
  allow_http: key(yesOrNo(), 'Permits plain http to other machines in the two URLs.', DEFAULTS.allow_http),
  transport: key(
    oneOf(['websocket', 'webhook']),
    'How events come: we dial the gateway, or QQ calls an HTTPS address of yours (a switch in the console of QQ says which).',
    DEFAULTS.transport,
  ),
  webhook_path: key(
    urlPath(DEFAULTS.webhook_path),
    'webhook: path of that address; accounts may share it.',
    DEFAULTS.webhook_path,
  ),
  webhook_listen: key(
    listenAddress(),
    'webhook: where we listen, in plain HTTP behind a reverse proxy; accounts may share it.',
    DEFAULTS.webhook_listen,
  ),
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
};

const onebotKeys = {
  ...commonKeys('onebot'),
  name: key(text().max(100, { error: 'has more than 100 characters' }), 'What this account is called in lists.'),
  self_id: key(qqNumber(), 'QQ number of the account; without it the first one that connects is taken.'),
  ws_host: key(hostName(), 'Address to listen on. Not loopback: needs an access token.', DEFAULTS.ws_host),
  ws_port: key(wholeNumber(0, 65_535), 'Port to listen on; several accounts may share it.', DEFAULTS.ws_port),
  ws_path: key(urlPath('/onebot/v11/ws'), 'Path that NapCat & co. connect to.', DEFAULTS.ws_path),
  access_token: key(
    text(),
    'Token that they must give. At most one of access_token, access_token_env, access_token_file.',
  ),
  access_token_env: key(text(), 'Name of the environment variable that holds the token.'),
  access_token_file: key(text(), 'File that holds the token.'),
  media_max_mb: key(
    wholeNumber(1, 1024),
    'Largest file of this machine that goes along with a message, in MiB; more than 35 never does.',
    DEFAULTS.media_max_mb,
  ),
  heartbeat: key(
    table({
      enabled: key(yesOrNo(), 'Whether the connection is tried with pings.', DEFAULTS.heartbeat.enabled),
      interval: key(wholeNumber(1000, 3_600_000), 'Milliseconds between two pings.', DEFAULTS.heartbeat.interval),
      timeout: key(wholeNumber(100, 600_000), 'Milliseconds that a call may take.', DEFAULTS.heartbeat.timeout),
    }),
    'Whether the other side still lives, and how long its answers are waited for.',
    DEFAULTS.heartbeat,
  ),
  reconnect: key(
    table({
      enabled: key(
        yesOrNo(),
        'false: messages are parked at once while nobody is connected.',
        DEFAULTS.reconnect.enabled,
      ),
      max_retries: key(
        wholeNumber(0, 1000),
        'After so many waits a message is parked.',
        DEFAULTS.reconnect.max_retries,
      ),
      retry_delay: key(wholeNumber(100, 3_600_000), 'Milliseconds of the first wait.', DEFAULTS.reconnect.retry_delay),
      backoff_multiplier: key(
        numberBetween(1, 10),
        'Each wait is so many times the one before.',
        DEFAULTS.reconnect.backoff_multiplier,
      ),
      max_delay: key(wholeNumber(100, 86_400_000), 'Milliseconds of the longest wait.', DEFAULTS.reconnect.max_delay),
    }),
    'How messages wait for the other side to connect again.',
    DEFAULTS.reconnect,
  ),
};

const ofSeveral = {
  default_account: key(word(), 'Which account is meant when none is named.'),
};
const qqbotAccount = table(qqbotKeys);
const onebotAccount = table(onebotKeys);

const qqbot = table({
  ...qqbotKeys,
  ...ofSeveral,
  accounts: key(tables(qqbotAccount), 'Several bots: any key of [qqbot] but default_account and accounts.'),
});

const onebot = table({
  ...onebotKeys,
  ...ofSeveral,
  accounts: key(tables(onebotAccount), 'Several accounts: any key of [onebot] but default_account and accounts.'),
});

const backend = table({
  type: oneOf(['echo', 'exec', 'http', 'openai']).meta({
    description:
      'What answers: echo says everything back, exec runs a command, http asks a server, openai asks a language model behind an OpenAI-compatible URL.',
  }),
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
  output: key(
    oneOf(['text', 'json']),
    'exec: what it prints: the text of the answer, or {"messages": […]} as JSON.',
    DEFAULTS.output,
  ),
  env: key(list(variableName()), 'exec: the only environment variables it gets.', DEFAULTS.env),
  url: key(
    serviceUrl({ example: 'http://127.0.0.1:9000/turn', credentials: '`secret`' }),
    'http: where each turn is POSTed to, as JSON.',
  ),
  allow_http: key(yesOrNo(), 'http, openai: permits plain http to another machine.', DEFAULTS.allow_http),
  secret: key(text(), 'http: key of the signatures. At most one of secret, secret_env, secret_file.'),
  secret_env: key(text(), 'http: name of the environment variable that holds it.'),
  secret_file: key(text(), 'http: file that holds it.'),
  max_output: key(
    size('1KiB', '64MiB'),
    'exec, http: a longer answer is broken off, and is a failure.',
    DEFAULTS.max_output,
  ),
  media_dir: key(
    word(),
    'exec with output = "json", http: the only folder of which it may send files; relative to this file. Else it may send none.',
  ),
  base_url: key(
    serviceUrl({ example: 'http://127.0.0.1:11434/v1', credentials: '`api_key`' }),
    'openai: where its API is; mostly it ends with /v1.',
  ),
  model: key(word(), 'openai: which model answers.'),
  api_key: key(text(), 'openai: its key, if it wants one. At most one of api_key, api_key_env, api_key_file.'),
  api_key_env: key(text(), 'openai: name of the environment variable that holds the key.'),
  api_key_file: key(text(), 'openai: file that holds the key.'),
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
      proxy: key(
        text(),
        'HTTP proxy through which QQ is reached, REST and WebSocket. Empty: $HTTPS_PROXY, or directly. $NO_PROXY names exceptions.',
        DEFAULTS.proxy,
      ),
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
  onebot: key(onebot, 'QQ accounts over OneBot v11: NapCatQQ, LLOneBot, Lagrange, go-cqhttp connect to us.'),
  'onebot-v11': key(onebot, 'Alias of onebot.'),
  napcat: key(onebot, 'Alias of onebot.'),
  napcatqq: key(onebot, 'Alias of onebot.'),
  llonebot: key(onebot, 'Alias of onebot.'),
  backends: key(tables(backend), 'What answers, by name.'),
  pairing: key(
    table({
      max_pending: key(wholeNumber(1, 100), 'So many may wait for approval, per account.', DEFAULTS.max_pending),
      message: key(
        word().max(2000, { error: 'has more than 2000 characters' }),
        'Told to who asks; {code}, {id} and {command} are filled in.',
        DEFAULTS.message,
      ),
    }),
    'How people who are not listed ask to be let in.',
  ),
});

export type ConfigFile = z.output<typeof configSchema>;
export type QqbotAccountTable = z.output<typeof qqbotAccount>;
export type OnebotAccountTable = z.output<typeof onebotAccount>;
export type OnebotTable = z.output<typeof onebot>;
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
