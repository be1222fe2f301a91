/** From the file, the environment and the files of secrets to the one frozen `Config`; or every problem at once. */
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { TomlError } from 'smol-toml';
import { ConfigError } from '../model/errors.js';
import { readBackends } from './backends.js';
import { readUpTo, whyUnreadable } from './bounded-file.js';
import type { Config } from './config.js';
import { credentialsIn } from './credentials.js';
import { Findings } from './findings.js';
import { readOnebotAccounts } from './onebot-accounts.js';
import { configPath, filePath, stateDir } from './paths.js';
import { readProxy } from './proxy.js';
import { ENVIRONMENT, readQqbotAccounts } from './qqbot-accounts.js';
import { type ConfigFile, DEFAULTS, keysAt, ONEBOT_TABLES, QQBOT_TABLES } from './schema.js';
import { readShape } from './shape.js';
import { tomlIn } from './toml.js';
import { tellTakenWebhookAddresses } from './webhook-addresses.js';

export interface ReadConfigOptions {
  /** Of the config file; else the environment and then the home decide (`configPath`). */
  readonly path?: string | undefined;
  readonly env: NodeJS.ProcessEnv;
  /** `required`: a secret of an enabled account that cannot be found is a problem. `optional`: the account says why it has none. */
  readonly secrets: 'required' | 'optional';
}

const MAX_FILE_BYTES = 1024 * 1024;

/**
 * Reads everything and checks everything.
 * @throws ConfigError with every problem; its code is `config.missing`, `config.unreadable` or `config.invalid`.
 */
export async function readConfig(options: ReadConfigOptions): Promise<Config> {
  const path = configPath(options);
  const text = await readConfigText(path);
  const { mode } = await stat(path);
  return configOf(text, { ...options, path, isOpen: (mode & 0o044) !== 0 });
}

/**
 * What the config would be if `text` stood at `path`.
 * @throws ConfigError as `readConfig`
 */
export async function configOf(
  text: string,
  options: ReadConfigOptions & { readonly path: string; readonly isOpen: boolean },
): Promise<Config> {
  const { path } = options;
  const raw = parseToml(text, path);
  const findings = new Findings();
  const { file, refused } = readShape(raw, findings);
  const around = { env: options.env, folder: dirname(path), refused, findings };
  const backends = await readBackends({
    ...around,
    tables: file.backends ?? {},
    secretVariables: secretVariables(file),
    secrets: options.secrets,
  });
  const about = { ...around, backends: new Set(backends.keys()) };
  const ofQqbot = chosenTable(QQBOT_TABLES, file, findings);
  const ofOnebot = chosenTable(ONEBOT_TABLES, file, findings);
  const secretsOf = ({ isSure }: { isSure: boolean }) => (isSure ? options.secrets : 'optional');
  const qqbot = await readQqbotAccounts({
    ...about,
    table: file[ofQqbot.tableName],
    tableName: ofQqbot.tableName,
    secrets: secretsOf(ofQqbot),
  });
  const onebot = await readOnebotAccounts({
    ...about,
    table: file[ofOnebot.tableName],
    tableName: ofOnebot.tableName,
    secrets: secretsOf(ofOnebot),
  });
  tellTakenWebhookAddresses(qqbot, onebot, ofQqbot.tableName, findings);
  if (options.isOpen) warnOfOpenFile(path, file, findings);
  const logFile = file.log?.file ?? DEFAULTS.file;
  const proxy = readProxy(file.gateway?.proxy ?? DEFAULTS.proxy, options.env, findings);
  if (findings.problems.length > 0) throw new ConfigError(findings.problems);
  return frozen({
    path,
    gateway: {
      stateDir: stateDir(file.gateway?.state_dir, about.folder, options.env),
      durability: file.gateway?.durability ?? DEFAULTS.durability,
      retentionDays: file.gateway?.retention_days ?? DEFAULTS.retention_days,
      proxy,
    },
    log: {
      level: file.log?.level ?? DEFAULTS.level,
      format: file.log?.format ?? DEFAULTS.format,
      file: logFile === '' ? undefined : filePath(logFile, about.folder, options.env),
    },
    qqbot,
    onebot,
    backends,
    pairing: {
      maxPending: file.pairing?.max_pending ?? DEFAULTS.max_pending,
      message: file.pairing?.message ?? DEFAULTS.message,
    },
    credentials: credentialsIn(file),
    warnings: findings.warnings,
  });
}

/** Under which of its names a channel stands in the file. With two tables it is not known whose secrets are meant. */
function chosenTable<N extends (typeof QQBOT_TABLES | typeof ONEBOT_TABLES)[number]>(
  names: readonly [N, ...N[]],
  file: ConfigFile,
  findings: Findings,
): { readonly tableName: N; readonly isSure: boolean } {
  const [tableName = names[0], ...others] = names.filter((name) => file[name] !== undefined);
  for (const other of others) {
    findings.problem(other, `[${other}] and [${tableName}] are the same channel`, 'keep one of the two tables');
  }
  return { tableName, isSure: others.length === 0 };
}

/** The text of the file. @throws ConfigError `config.missing`, `config.unreadable`, or `config.invalid` for what is no text */
export async function readConfigText(path: string): Promise<string> {
  let bytes: Buffer | undefined;
  try {
    bytes = await readUpTo(path, MAX_FILE_BYTES);
  } catch (error) {
    const why = whyUnreadable(error);
    const missing = why === 'does not exist';
    const remedy = missing
      ? 'write it with `loong init`, or name another file with --config'
      : 'correct it, or name another file with --config';
    throw new ConfigError(
      [{ path: '', message: `config file ${path} ${why}`, remedy }],
      missing ? 'config.missing' : 'config.unreadable',
    );
  }
  if (bytes === undefined) throw new ConfigError([{ path: '', message: `config file ${path} is larger than 1 MiB` }]);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new ConfigError([{ path: '', message: `config file ${path} is not UTF-8 text`, remedy: 'save it as UTF-8' }]);
  }
}

/** @throws ConfigError, which shows no line that may hold a secret */
export function parseToml(text: string, path: string): { readonly [key: string]: unknown } {
  try {
    return tomlIn(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const [what = ''] = error.message.replace('Invalid TOML document: ', '').split('\n');
    const line = presentable(text.split('\n')[error.line - 1] ?? '');
    throw new ConfigError([
      { path: '', message: `${path} is not valid TOML: line ${error.line}, column ${error.column}: ${what}: ${line}` },
    ]);
  }
}

/** The line at fault as it is, if it begins a table or sets a known key that holds no secret; any other line might show one. */
function presentable(line: string): string {
  const text = line.trim();
  const [, key = ''] = /^([A-Za-z0-9_-]+)\s*=/.exec(text) ?? [];
  const plainKeys = [['gateway'], ['log'], ['qqbot'], ['onebot'], ['backends', ''], ['pairing']]
    .flatMap(keysAt)
    .filter((name) => !/^(app_id|client_secret|access_token|api_key|secret|accounts)/.test(name));
  const isHeader =
    /^\[{1,2}\s*(gateway|log|qqbot|qq|qq-bot|tencent-qq|onebot|onebot-v11|napcat|napcatqq|llonebot|backends|pairing)\b[\w.-]*\]{0,2}$/.test(
      text,
    );
  return text.length <= 200 && !/secret|token|app_?id|api_?key|@/i.test(text) && (isHeader || plainKeys.includes(key))
    ? `\`${text}\``
    : '(line not shown: it may hold a secret)';
}

/** Variables that hold a secret: the named ones, and the usual ones. */
function secretVariables(file: ConfigFile): ReadonlySet<string> {
  const named = secretTables(file).flatMap(({ client_secret_env: secret, access_token_env: token }) => [secret, token]);
  return new Set([...named.filter((name) => name !== undefined), ...ENVIRONMENT.client_secret]);
}

interface SecretTable {
  readonly client_secret?: string | undefined;
  readonly client_secret_env?: string | undefined;
  readonly access_token?: string | undefined;
  readonly access_token_env?: string | undefined;
}

function secretTables(file: ConfigFile): readonly SecretTable[] {
  return [...QQBOT_TABLES, ...ONEBOT_TABLES].flatMap((name): SecretTable[] => {
    const table = file[name];
    return table === undefined ? [] : [table, ...Object.values(table.accounts ?? {})];
  });
}

function warnOfOpenFile(path: string, file: ConfigFile, findings: Findings): void {
  const ofChannels = secretTables(file).flatMap(({ client_secret: secret, access_token: token }) => [secret, token]);
  const ofProxy = file.gateway?.proxy?.includes('@') ? file.gateway.proxy : undefined;
  const ofBackends = Object.values(file.backends ?? {}).flatMap(({ secret, api_key: key }) => [secret, key]);
  if ([...ofChannels, ...ofBackends, ofProxy].some((secret) => secret !== undefined))
    findings.warn(`${path} holds a secret and can be read by other users; run \`chmod 600\` on it`);
}

function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const part of value instanceof Map ? value.values() : Object.values(value)) frozen(part);
  return Object.freeze(value);
}
