/** The keys of OpenClaw's QQ channels that stand for themselves, as a table: where each goes, or why nowhere. What lets people in is in access.ts. */
import { toUSVString } from 'node:util';
import { isExposed, readServiceUrl } from '../service-url.js';

/** The three plugins: NapCat over OneBot, the webhook plugin, and the one over the gateway with its forks. */
export type Shape = 'napcatqq' | 'qq' | 'qqbot';

export type Rule =
  | { readonly to: string; readonly as: Reading }
  /** A table of its own. */
  | { readonly to: string; readonly table: Rules }
  | { readonly dead: string }
  /** Read elsewhere, together with others. */
  | { readonly elsewhere: true };

export interface Rules {
  readonly [key: string]: Rule;
}

/** What a value comes to here. `note`: what is different; without `value` nothing is taken. */
export interface Read {
  readonly value?: string | number | boolean;
  readonly note?: string;
}

export type Reading = (value: unknown) => Read;

function whole(least: number, most: number): Reading {
  return (value) => {
    if (typeof value !== 'number' || !Number.isFinite(value)) return { note: 'is no number: the default holds' };
    const fit = Math.min(most, Math.max(least, Math.round(value)));
    return fit === value ? { value } : { value: fit, note: `here from ${least} to ${most}: ${fit} was taken` };
  };
}

const multiplier: Reading = (value) => {
  if (typeof value !== 'number' || !Number.isFinite(value)) return { note: 'is no number: the default holds' };
  const fit = Math.min(10, Math.max(1, value));
  return fit === value ? { value } : { value: fit, note: `here from 1 to 10: ${fit} was taken` };
};

const yesOrNo: Reading = (value) =>
  typeof value === 'boolean' ? { value } : { note: 'is neither true nor false: the default holds' };

/** What cannot be read switches off. */
const switchedOn: Reading = (value) =>
  typeof value === 'boolean' ? { value } : { value: false, note: 'is neither true nor false: switched off' };

function text(most: number): Reading {
  return (value) => {
    if (typeof value !== 'string') return { note: 'is no text: nothing was taken' };
    if (value.length <= most) return { value: toUSVString(value) };
    return { note: `has more than ${most} characters: nothing was taken` };
  };
}

function oneOf(words: { readonly [word: string]: string }): Reading {
  return (value) => {
    const word = typeof value === 'string' && Object.hasOwn(words, value) ? words[value] : undefined;
    return word === undefined ? { note: 'is none of the known words: the default holds' } : { value: word };
  };
}

const markdown: Reading = (value) => {
  if (typeof value !== 'boolean') return { note: 'is neither true nor false: the default holds' };
  return value ? { value: 'auto', note: 'and again as plain text where QQ refuses it' } : { value: 'never' };
};

const address: Reading = (value) => {
  const url = typeof value === 'string' ? readServiceUrl(value) : undefined;
  if (url instanceof URL && !isExposed(url)) return { value: url.href };
  return { note: 'is no address that a secret may be sent to: the default holds' };
};

const path: Reading = (value) =>
  typeof value === 'string' && /^\/[\w.~!$&'()*+,;=:@%/-]{0,199}$/.test(value)
    ? { value }
    : { note: 'is no path: the default holds' };

const ELSEWHERE = { elsewhere: true } as const;
const OF_AGENT = { dead: 'is for OpenClaw’s agent: who answers here is [backends]' } as const;
const OF_STREAM = { dead: 'needs no switch: in private chats an answer is seen while it is made' } as const;

const COMMON = {
  enabled: { to: 'enabled', as: switchedOn },
  dmPolicy: ELSEWHERE,
  allowFrom: ELSEWHERE,
  groupPolicy: ELSEWHERE,
  groupAllowFrom: ELSEWHERE,
  groups: ELSEWHERE,
  accounts: ELSEWHERE,
  defaultAccount: ELSEWHERE,
  defaultTo: { dead: 'there is no default target: `loong channels send` names one' },
  historyLimit: { to: 'history_limit', as: whole(0, 1000) },
  dmHistoryLimit: { dead: 'history_limit counts for private chats and groups alike' },
  systemPrompt: { to: 'system_prompt', as: text(20_000) },
  textChunkLimit: { to: 'text_chunk_limit', as: whole(50, 5000) },
  chunkMode: { to: 'chunk_mode', as: oneOf({ length: 'length', newline: 'newline' }) },
  defaultRequireMention: ELSEWHERE,
  mentionPatterns: { dead: 'a mention is an @ or a quote of the bot, and no pattern of words' },
  markdown: { dead: 'OpenClaw’s own tables; `markdown` of loong says whether Markdown goes out as such' },
  blockStreaming: OF_STREAM,
  blockStreamingCoalesce: OF_STREAM,
  dms: OF_AGENT,
  configWrites: { dead: 'no chat and no peer can change the config of loong' },
  commands: { dead: 'of commands in the chat there are /new, /reset and /stop, for whoever may talk' },
} satisfies Rules;

const RULES: { readonly [S in Shape]: Rules } = {
  napcatqq: {
    ...COMMON,
    name: { to: 'name', as: text(100) },
    wsPort: { to: 'ws_port', as: whole(1, 65_535) },
    wsHost: ELSEWHERE,
    wsPath: { to: 'ws_path', as: path },
    accessToken: ELSEWHERE,
    reconnect: {
      to: 'reconnect',
      table: {
        enabled: { to: 'enabled', as: yesOrNo },
        maxRetries: { to: 'max_retries', as: whole(0, 1000) },
        retryDelay: { to: 'retry_delay', as: whole(100, 3_600_000) },
        backoffMultiplier: { to: 'backoff_multiplier', as: multiplier },
        maxDelay: { to: 'max_delay', as: whole(100, 86_400_000) },
      },
    },
    heartbeat: {
      to: 'heartbeat',
      table: {
        enabled: { to: 'enabled', as: yesOrNo },
        interval: { to: 'interval', as: whole(1000, 3_600_000) },
        timeout: { to: 'timeout', as: whole(100, 600_000) },
      },
    },
    mediaMaxMb: { to: 'media_max_mb', as: whole(1, 1024) },
  },
  qq: {
    ...COMMON,
    name: { dead: 'an account is called by its id' },
    apiBaseUrl: { to: 'api_base_url', as: address },
    appId: ELSEWHERE,
    appSecret: ELSEWHERE,
    appSecretFile: ELSEWHERE,
    webhookPath: { to: 'webhook_path', as: path },
    mediaMaxMb: { to: 'media_max_mb', as: whole(1, 1024) },
  },
  qqbot: {
    ...COMMON,
    name: { dead: 'an account is called by its id' },
    appId: ELSEWHERE,
    clientSecret: ELSEWHERE,
    clientSecretFile: ELSEWHERE,
    transport: { to: 'transport', as: oneOf({ websocket: 'websocket', webhook: 'webhook' }) },
    webhook: { to: '', table: { path: { to: 'webhook_path', as: path } } },
    markdownSupport: { to: 'markdown', as: markdown },
    streaming: OF_STREAM,
    imageServerBaseUrl: { dead: 'loong serves no pictures: a backend names an address or a file' },
    audioFormatPolicy: { dead: 'loong converts no sound' },
    voiceDirectUploadFormats: { dead: 'loong converts no sound' },
    urlDirectUpload: { dead: 'an address is handed to QQ, which fetches it' },
    stt: { dead: 'a voice message comes with the words that QQ understood; another reading is the backend’s' },
    tts: { dead: 'a backend that speaks answers with a voice file' },
    deliverDebounce: { dead: 'an answer goes out whole: nothing has to be gathered' },
    processingTimeoutMs: { dead: 'is `timeout` of the entry in [backends]' },
    userAgentSuffix: { dead: 'loong calls itself by its own name' },
    execApprovals: OF_AGENT,
    toolPolicy: OF_AGENT,
    upgradeUrl: { dead: 'loong is upgraded by whoever installed it' },
    upgradeMode: { dead: 'loong is upgraded by whoever installed it' },
    upgradePkg: { dead: 'loong is upgraded by whoever installed it' },
  },
};

export function rulesOf(shape: Shape): Rules {
  return RULES[shape];
}
