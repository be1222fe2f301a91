/** From what `loong init` was told to the config that says so: what is written, and what is meant, held against the reader of configs. */
import { basename } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { ConfigError, LoongError } from '../model/errors.js';
import type { ChannelId } from '../model/target.js';
import { KEYS_OF } from './backends.js';
import type { Config, QqbotAccount } from './config.js';
import { type Edit, editToml, type TomlValue } from './edit-toml.js';
import { configPath } from './paths.js';
import { ENVIRONMENT } from './qqbot-accounts.js';
import { configOf, parseToml, readConfigText } from './read-config.js';
import { keysAt, ONEBOT_TABLES, QQBOT_TABLES } from './schema.js';
import { type ConfigDraft, placeSecret, type SecretFile } from './write-config.js';

/** What is to be set; what is absent stays as it is. */
export interface Settings {
  readonly appId: string;
  readonly clientSecret: string;
  /** Further keys of the channel, as they are written in the file. */
  readonly keys: { readonly [key: string]: TomlValue };
  readonly backend?: BackendSettings | undefined;
}

export type BackendSettings =
  | { readonly type: 'echo' }
  | { readonly type: 'exec'; readonly command: readonly string[] }
  | { readonly type: 'http'; readonly url: string; readonly allowHttp: boolean; readonly secret: string }
  | {
      readonly type: 'openai';
      readonly baseUrl: string;
      readonly allowHttp: boolean;
      readonly model: string;
      readonly apiKey: string;
    };

/** The config that is there already. */
export interface Standing {
  /** Absolute. */
  readonly path: string;
  readonly text: string | undefined;
  readonly config: Config | undefined;
  /** As TOML has it. */
  readonly file: Table;
  /** How the table of the official bot is called there. */
  readonly tableName: string;
}

interface Table {
  readonly [key: string]: unknown;
}

export interface Setup {
  readonly draft: ConfigDraft;
  /** Nothing of a secret is in them. */
  readonly edits: readonly Edit[];
  /** As it will be, secrets included. */
  readonly config: Config;
}

const HEAD = `# Written by loong. config.example.toml shows and explains every key; \`loong config check\` tells what is wrong.
# 由 loong 写成。所有配置项及说明见 config.example.toml；\`loong config check\` 检查错误。
`;

/** What a new config begins with. In the home of loong a log file stands beside it, for `loong logs`; elsewhere a daemon may not write there. */
export function freshConfig(path: string, env: NodeJS.ProcessEnv): string {
  const isHome = path === configPath({ env: { ...env, LOONG_CONFIG: undefined } });
  return isHome ? `${HEAD}\n[log]\nfile = "loong.log"\n` : HEAD;
}

/** @throws ConfigError for a config that is there and broken; LoongError `init.several_accounts` */
export async function standing(path: string, env: NodeJS.ProcessEnv): Promise<Standing> {
  const text = await readConfigText(path).catch((error: unknown) => {
    if (error instanceof ConfigError && error.code === 'config.missing') return undefined;
    throw error;
  });
  if (text === undefined) return { path, text, config: undefined, file: {}, tableName: 'qqbot' };
  const config = await configOf(text, { path, env, secrets: 'optional', isOpen: false });
  const file: Table = parseToml(text, path);
  const tableName = QQBOT_TABLES.find((name) => file[name] !== undefined) ?? 'qqbot';
  if (tableIn(file, [tableName]).accounts !== undefined) {
    throw new LoongError('init.several_accounts', `${path} has accounts of its own below [${tableName}.accounts]`, {
      remedy: 'write another account there by hand, or let `loong init` write another file with --config',
    });
  }
  return { path, text, config, file, tableName };
}

function tableIn(file: Table, path: readonly string[]): Table {
  return path.reduce<Table>((at, name) => (at[name] ?? {}) as Table, file);
}

/** The bot that the standing config has. */
export function standingBot({ config, file, tableName }: Standing): {
  readonly appId: string;
  readonly clientSecret: string;
} {
  const account = config?.qqbot.accounts[0];
  const table = tableIn(file, [tableName]);
  return { appId: resolved(account, table, 'app_id'), clientSecret: resolved(account, table, 'client_secret') };
}

/** What the file itself says, not what the environment of this moment adds. */
function resolved(account: QqbotAccount | undefined, table: Table, name: 'app_id' | 'client_secret'): string {
  const found = name === 'app_id' ? account?.appId : account?.clientSecret;
  const isSaid = [name, `${name}_env`, `${name}_file`].some((key) => table[key] !== undefined);
  return isSaid && found?.ok ? found.value : '';
}

/** What the environment says, under the names that the daemon knows. */
export function settingsIn(env: NodeJS.ProcessEnv): Omit<Settings, 'backend'> {
  const first = (names: readonly string[]) => names.map((name) => env[name]?.trim() ?? '').find(Boolean) ?? '';
  const known = keysAt(['qqbot']);
  const keys = Object.entries(KEYS_OF_ENVIRONMENT).flatMap(([name, key]): [string, TomlValue][] => {
    const value = first([name]);
    if (value === '' || !known.includes(key)) return [];
    return [[key, key === 'allowed_peer_ids' ? entriesIn(value) : value]];
  });
  return {
    appId: first(ENVIRONMENT.app_id),
    clientSecret: first(ENVIRONMENT.client_secret),
    keys: Object.fromEntries(keys),
  };
}

const KEYS_OF_ENVIRONMENT = {
  QQ_BOT_API_BASE_URL: 'api_base_url',
  QQBOT_TOKEN_URL: 'token_url',
  QQ_OFFICIAL_WEBHOOK_PATH: 'webhook_path',
  QQ_DM_POLICY: 'dm_policy',
  QQ_ALLOW_FROM: 'allowed_peer_ids',
} as const;

function entriesIn(text: string): readonly string[] {
  return text
    .split(/[,;\r\n]/)
    .map((entry) => entry.trim())
    .filter(Boolean);
}

/** @throws ConfigError when the config would be refused; LoongError `init.not_in_place` when the file is written in a way that cannot be edited */
export async function setUp(settings: Settings, there: Standing, env: NodeJS.ProcessEnv): Promise<Setup> {
  const { path } = there;
  const plan = new Plan(there);
  plan.setBot(settings);
  if (settings.backend !== undefined) plan.setBackend(settings.backend);
  const before = there.text ?? freshConfig(path, env);
  const text = editToml(before, plan.edits);
  const candidate = editToml(before, plan.candidate);
  if (text === undefined || candidate === undefined) {
    throw new LoongError(
      'init.not_in_place',
      `${path} is written in a way that \`loong init\` cannot change in place`,
      {
        remedy: `write these keys into it by hand: ${plan.edits.map(({ table, key }) => `[${table.join('.')}] ${key}`).join(', ')}`,
      },
    );
  }
  const config = await configOf(candidate, { path, env, secrets: 'optional', isOpen: false });
  return {
    draft: { path, text, replaces: there.text, secretFiles: plan.secretFiles },
    edits: plan.edits,
    config,
  };
}

class Plan {
  readonly edits: Edit[] = [];
  /** The same with the secrets in place: read and tried, never written. */
  readonly candidate: Edit[] = [];
  readonly secretFiles: SecretFile[] = [];
  readonly #there: Standing;

  constructor(there: Standing) {
    this.#there = there;
  }

  setBot({ appId, clientSecret, keys }: Settings): void {
    const { tableName, file } = this.#there;
    const old = standingBot(this.#there);
    if (appId !== old.appId) {
      this.#set([tableName], 'app_id', appId);
      for (const key of ['app_id_env', 'app_id_file']) this.#set([tableName], key, undefined);
    }
    if (clientSecret !== old.clientSecret || appId !== old.appId)
      this.#setSecret([tableName], 'client_secret', clientSecret, `qqbot-${appId}`);
    if (tableIn(file, [tableName]).enabled === false) this.#set([tableName], 'enabled', true);
    for (const [key, value] of Object.entries(keys)) this.#set([tableName], key, value);
  }

  setBackend(backend: BackendSettings): void {
    const name = this.#there.config?.qqbot.accounts[0]?.backend ?? 'default';
    const table = ['backends', name] as const;
    const keys: { readonly [key: string]: TomlValue } =
      backend.type === 'exec'
        ? { type: 'exec', command: backend.command, input: 'text' }
        : backend.type === 'http'
          ? { type: 'http', url: backend.url, ...plainHttp(backend) }
          : backend.type === 'openai'
            ? { type: 'openai', base_url: backend.baseUrl, model: backend.model, ...plainHttp(backend) }
            : { type: 'echo' };
    for (const key of OF_ONE_KIND) if (keys[key] === undefined) this.#set(table, key, undefined);
    for (const [key, value] of Object.entries(keys)) this.#set(table, key, value);
    const secret = {
      http: ['secret', 'secret' in backend ? backend.secret : ''],
      openai: ['api_key', 'apiKey' in backend ? backend.apiKey : ''],
    } as const;
    for (const [type, [key, value]] of Object.entries(secret)) {
      if (backend.type === type && value !== '') this.#setSecret(table, key, value, `backend-${name}`);
      else for (const form of [key, `${key}_env`, `${key}_file`]) this.#set(table, form, undefined);
    }
  }

  /** What is so already is no edit. */
  #set(table: Edit['table'], key: string, value: TomlValue | undefined): void {
    this.#add(this.edits, { table, key, value });
    this.#add(this.candidate, { table, key, value });
  }

  #add(edits: Edit[], edit: Edit): void {
    if (!isDeepStrictEqual(tableIn(this.#there.file, edit.table)[edit.key], edit.value)) edits.push(edit);
  }

  /** Into a file of its own, which only this user may read. */
  #setSecret(table: Edit['table'], key: string, secret: string, name: string): void {
    this.#set(table, `${key}_env`, undefined);
    this.#add(this.edits, { table, key, value: undefined });
    const file = placeSecret(this.#there.path, name, secret);
    this.#add(this.edits, { table, key: `${key}_file`, value: `secrets/${basename(file.path)}` });
    this.#add(this.candidate, { table, key: `${key}_file`, value: undefined });
    this.#add(this.candidate, { table, key, value: secret });
    this.secretFiles.push(file);
  }
}

/** What a secret is in goes by rules of its own. */
const OF_ONE_KIND = [...new Set(Object.values(KEYS_OF).flat())].filter((key) => !/^(secret|api_key)/.test(key));

function plainHttp({ allowHttp }: { readonly allowHttp: boolean }): { readonly allow_http?: true } {
  return allowHttp ? { allow_http: true } : {};
}

/** Tables of these channels that the text of a config has, as they are called there. @throws ConfigError */
export function channelTablesIn(text: string, path: string, channels: readonly ChannelId[]): readonly string[] {
  const file = parseToml(text, path);
  const names = channels.flatMap((channel): readonly string[] => (channel === 'qqbot' ? QQBOT_TABLES : ONEBOT_TABLES));
  return names.filter((name) => file[name] !== undefined);
}
