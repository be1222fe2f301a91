/** The effective configuration: complete, typed, frozen. `read-config.ts` makes it, everything else only reads it. */
import type { AccountId, ChannelId } from '../model/target.js';
import type { IntentName } from '../protocol/qqbot/gateway-codes.js';

export interface Config {
  /** The file it was read from. */
  readonly path: string;
  readonly gateway: GatewayConfig;
  readonly log: LogConfig;
  readonly qqbot: QqbotConfig;
  /** Always has `default` (echo unless configured). */
  readonly backends: ReadonlyMap<string, BackendConfig>;
  /** Sentences for the operator: lawful, but probably not what was meant. */
  readonly warnings: readonly string[];
}

export interface GatewayConfig {
  /** Absolute. */
  readonly stateDir: string;
  readonly durability: 'process' | 'power';
  /** Settled rows and events are kept for so many days. */
  readonly retentionDays: number;
}

export interface LogConfig {
  readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error';
  readonly format: 'auto' | 'pretty' | 'json';
  /** Absolute; undefined when no file is written. */
  readonly file: string | undefined;
}

export interface QqbotConfig {
  readonly enabled: boolean;
  readonly defaultAccount: AccountId;
  /** How the default was found; `fallback` means "the first by name", which doctor warns of. */
  readonly defaultSource: 'default_account' | 'named_default' | 'only_account' | 'fallback';
  /** Sorted by id; never empty. */
  readonly accounts: readonly QqbotAccount[];
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

export interface QqbotAccount {
  readonly channel: ChannelId;
  readonly id: AccountId;
  /** False when it, or its channel, is switched off. */
  readonly enabled: boolean;
  readonly appId: Resolved;
  readonly clientSecret: Resolved;
  readonly allowedPeerIds: readonly string[];
  /** Without a trailing slash. */
  readonly apiBaseUrl: string;
  readonly tokenUrl: string;
  readonly intents: readonly IntentName[];
  readonly replyWindows: {
    readonly c2c: ReplyWindowConfig;
    readonly group: ReplyWindowConfig;
    readonly channel: ReplyWindowConfig;
  };
  /** How long an undeliverable message waits for the peer to write again. */
  readonly parkTtlMs: number;
  readonly requireMention: boolean;
  /** Name of an entry of `backends`. */
  readonly backend: string;
  /** Characters of one message. */
  readonly textChunkLimit: number;
  readonly chunkMode: 'length' | 'newline';
  readonly markdown: MarkdownMode;
  /** Sent when a backend fails; empty is nothing. */
  readonly apology: string;
}

interface BackendBasics {
  readonly name: string;
  readonly timeoutMs: number;
  readonly concurrency: number;
}

export type BackendConfig =
  | (BackendBasics & { readonly type: 'echo' })
  | (BackendBasics & {
      readonly type: 'exec';
      /** Program and arguments. */
      readonly command: readonly [string, ...string[]];
      readonly input: 'text' | 'json';
      /** The only variables it gets. */
      readonly env: { readonly [name: string]: string };
      readonly maxOutputBytes: number;
    });
