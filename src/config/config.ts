/** The effective configuration: complete, typed, frozen. `read-config.ts` makes it, everything else only reads it. */
import type { AccountId, ChannelId } from '../model/target.js';
import type { IntentName } from '../protocol/qqbot/gateway-codes.js';

export interface Config {
  /** The file it was read from. */
  readonly path: string;
  readonly gateway: GatewayConfig;
  readonly log: LogConfig;
  readonly qqbot: ChannelConfig<QqbotAccount>;
  readonly onebot: ChannelConfig<OnebotAccount>;
  /** Always has `default` (echo unless configured). */
  readonly backends: ReadonlyMap<string, BackendConfig>;
  readonly pairing: PairingConfig;
  /** Names of those that secrets are read from, sorted: systemd has to hand them over. */
  readonly credentials: readonly string[];
  /** Sentences for the operator: lawful, but probably not what was meant. */
  readonly warnings: readonly string[];
}

export interface GatewayConfig {
  /** Absolute. */
  readonly stateDir: string;
  readonly durability: 'process' | 'power';
  /** Settled rows and events are kept for so many days. */
  readonly retentionDays: number;
  readonly proxy: ProxyConfig;
}

/** How the platform is reached, REST and WebSocket alike. */
export interface ProxyConfig {
  /** For `https` and `wss`; undefined: directly. */
  readonly secure: HttpProxy | undefined;
  /** For `http` and `ws`. */
  readonly plain: HttpProxy | undefined;
  /** Of `NO_PROXY`: what is reached directly all the same. */
  readonly exceptions: readonly string[];
  /** Only where the file names the proxy: the variables of a shell never mean this machine. */
  readonly takesLoopback: boolean;
}

export const DIRECTLY: ProxyConfig = { secure: undefined, plain: undefined, exceptions: [], takesLoopback: false };

/** An HTTP proxy that makes tunnels (CONNECT). */
export interface HttpProxy {
  /** Its origin, without credentials: `http://127.0.0.1:7890`. */
  readonly url: string;
  /** `user:password`, where it wants them. */
  readonly credentials?: string;
  /** Who named it: `gateway.proxy`, or a variable as `$https_proxy`. */
  readonly from: string;
  /** Why it cannot be used. Then nothing goes past it either. */
  readonly fault?: string;
}

/** How people who are not listed ask to be let in. */
export interface PairingConfig {
  /** So many may wait for the operator at a time, per account. */
  readonly maxPending: number;
  /** What they are told, with `{code}`, `{id}` and `{command}`. */
  readonly message: string;
}

export interface LogConfig {
  readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error';
  readonly format: 'auto' | 'pretty' | 'json';
  /** Absolute; undefined when no file is written. */
  readonly file: string | undefined;
}

/** One channel and its accounts. */
export interface ChannelConfig<A> {
  /** The file has a table of it. */
  readonly isConfigured: boolean;
  readonly enabled: boolean;
  readonly defaultAccount: AccountId;
  /** How the default was found; `fallback` means "the first by name", which doctor warns of. */
  readonly defaultSource: 'default_account' | 'named_default' | 'only_account' | 'fallback';
  /** Sorted by id; never empty. */
  readonly accounts: readonly A[];
}

/** A secret or id that must be found somewhere: its value, or why there is none (a sentence that never shows a value). */
export type Resolved = { readonly ok: true; readonly value: string } | { readonly ok: false; readonly why: string };

/** How long and how often one message may be replied to. */
export interface ReplyWindowConfig {
  readonly minutes: number;
  readonly count: number;
}

/** `auto`: falls back to plain text where markdown is refused; `always`: never does; `never`: writes plain text at once. */
export type MarkdownMode = 'auto' | 'always' | 'never';

/** Names of tools, as the backend knows them; nothing allowed: all are. */
export interface ToolPolicy {
  readonly allow: readonly string[];
  readonly deny: readonly string[];
}

/** What one group, or every other one, has of its own. */
export interface GroupRule {
  /** False: never heard, never written to. */
  readonly enabled: boolean;
  readonly requireMention?: boolean;
  /** Instead of `groupAllowFrom`. */
  readonly allowFrom?: readonly string[];
  /** Instead of the account's. */
  readonly systemPrompt?: string;
  readonly skills?: readonly string[];
  readonly tools?: ToolPolicy;
  /** Name of the backend that answers there. */
  readonly backend?: string;
}

/** What accounts of all channels have alike. */
export interface AccountBasics {
  readonly channel: ChannelId;
  readonly id: AccountId;
  /** Its table in the file: that of the channel where it has none of its own; and the keys that only the channel's table has. */
  readonly table: readonly string[];
  readonly inherited: readonly string[];
  /** False when it, or its channel, is switched off. */
  readonly enabled: boolean;
  readonly allowedPeerIds: readonly string[];
  /** Whom in private who is not in the set: nobody, those who are approved after asking, or everybody; `disabled`: nobody at all. */
  readonly dmPolicy: 'pairing' | 'allowlist' | 'open' | 'disabled';
  /** Which groups are heard: those in the set, all, or none. */
  readonly groupPolicy: 'allowlist' | 'open' | 'disabled';
  /** Senders that may use the bot in groups, or ids of groups that are admitted. */
  readonly groupAllowFrom: readonly string[];
  /** By id; `*` stands for every other group. */
  readonly groups: ReadonlyMap<string, GroupRule>;
  readonly requireMention: boolean;
  /** How long an undeliverable message waits for the peer to write again. */
  readonly parkTtlMs: number;
  /** Name of an entry of `backends`. */
  readonly backend: string;
  /** Characters of one message. */
  readonly textChunkLimit: number;
  readonly chunkMode: 'length' | 'newline';
  readonly markdown: MarkdownMode;
  /** Sent when a backend fails; empty is nothing. */
  readonly apology: string;
  /** People see in private chats that an answer is being made. */
  readonly typing: boolean;
  /** Told to the backend; empty: nothing. */
  readonly systemPrompt: string;
  /** Earlier messages of the conversation that the backend is given, at most; and their characters. */
  readonly historyLimit: number;
  readonly historyChars: number;
}

/** Every private chat is allowed; `*` is short for that. */
export function meansEverybody(allowedPeerIds: readonly string[]): boolean {
  return allowedPeerIds.includes('*') || allowedPeerIds.includes('c2c:*');
}

/** Where callbacks are taken. Accounts may share an address, and a path of it too. */
export interface WebhookPlace {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly path: string;
}

export interface QqbotAccount extends AccountBasics {
  readonly channel: 'qqbot';
  readonly appId: Resolved;
  readonly clientSecret: Resolved;
  /** How events come in. */
  readonly transport: 'websocket' | 'webhook';
  /** Where QQ calls, with that transport. */
  readonly webhook: WebhookPlace;
  /** Without a trailing slash. */
  readonly apiBaseUrl: string;
  readonly tokenUrl: string;
  readonly intents: readonly IntentName[];
  readonly replyWindows: {
    readonly c2c: ReplyWindowConfig;
    readonly group: ReplyWindowConfig;
    readonly channel: ReplyWindowConfig;
  };
}

export interface OnebotAccount extends AccountBasics {
  readonly channel: 'onebot';
  /** For lists. */
  readonly name: string | undefined;
  /** QQ number; undefined: the first that connects. */
  readonly selfId: string | undefined;
  readonly wsHost: string;
  readonly wsPort: number;
  readonly wsPath: string;
  /** Undefined: none is asked for. */
  readonly accessToken: Resolved | undefined;
  /** Of a file of this machine that goes along with a message. */
  readonly mediaMaxBytes: number;
  readonly heartbeat: { readonly enabled: boolean; readonly intervalMs: number; readonly timeoutMs: number };
  readonly reconnect: {
    readonly enabled: boolean;
    readonly maxRetries: number;
    readonly retryDelayMs: number;
    readonly backoffMultiplier: number;
    readonly maxDelayMs: number;
  };
}

export type Account = QqbotAccount | OnebotAccount;

interface BackendBasics {
  readonly name: string;
  readonly timeoutMs: number;
  readonly concurrency: number;
}

export interface EchoBackendConfig extends BackendBasics {
  readonly type: 'echo';
}

export interface ExecBackendConfig extends BackendBasics {
  readonly type: 'exec';
  /** Program and arguments. */
  readonly command: readonly [string, ...string[]];
  readonly input: 'text' | 'json';
  readonly output: 'text' | 'json';
  /** The only variables it gets. */
  readonly env: { readonly [name: string]: string };
  readonly maxOutputBytes: number;
  /** Absolute: the only folder of which an answer may send files. Undefined: it may send none. */
  readonly mediaDir: string | undefined;
}

export interface HttpBackendConfig extends BackendBasics {
  readonly type: 'http';
  /** In its normal form, without credentials. */
  readonly url: string;
  /** Key of the signatures; undefined: nothing is signed. */
  readonly secret: Resolved | undefined;
  readonly maxOutputBytes: number;
  /** As of `exec`. */
  readonly mediaDir: string | undefined;
}

export interface OpenaiBackendConfig extends BackendBasics {
  readonly type: 'openai';
  /** Without a slash at its end. */
  readonly baseUrl: string;
  readonly model: string;
  /** Undefined: none is sent. */
  readonly apiKey: Resolved | undefined;
}

export type BackendConfig = EchoBackendConfig | ExecBackendConfig | HttpBackendConfig | OpenaiBackendConfig;
