/** From the file, the environment and the files of secrets to the one frozen `Config`; or every problem at once. */
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { parse, TomlError } from 'smol-toml';
import { ConfigError } from '../model/errors.js';
import { ENVIRONMENT, readAccounts } from './accounts.js';
import { readBackends } from './backends.js';
import { readUpTo, whyUnreadable } from './bounded-file.js';
import type { Config } from './config.js';
import { Findings } from './findings.js';
import { configPath, filePath, stateDir } from './paths.js';
import { type ConfigFile, DEFAULTS, keysAt, QQBOT_TABLES } from './schema.js';
import { readShape } from './shape.js';

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
  const raw = parseToml(await readText(path), path);
  const findings = new Findings();
  const { file, refused } = readShape(raw, findings);
  const [tableName = QQBOT_TABLES[0], ...otherTables] = QQBOT_TABLES.filter((name) => file[name] !== undefined);
  for (const other of otherTables) {
    findings.problem(other, `[${other}] and [${tableName}] are the same channel`, 'keep one of the two tables');
  }
  const table = file[tableName];
  const backends = readBackends({
    tables: file.backends ?? {},
    env: options.env,
    secretVariables: secretVariables(file),
    findings,
  });
  const folder = dirname(path);
  const qqbot = await readAccounts({
    table,
    tableName,
    backends: new Set(backends.keys()),
    env: options.env,
    folder,
    refused,
    // With two tables it is not known whose secrets are meant.
    secrets: otherTables.length > 0 ? 'optional' : options.secrets,
    findings,
  });
  await warnOfOpenFile(path, file, findings);
  const logFile = file.log?.file ?? DEFAULTS.file;
  if (findings.problems.length > 0) throw new ConfigError(findings.problems);
  return frozen({
    path,
    gateway: {
      stateDir: stateDir(file.gateway?.state_dir, folder, options.env),
      durability: file.gateway?.durability ?? DEFAULTS.durability,
      retentionDays: file.gateway?.retention_days ?? DEFAULTS.retention_days,
    },
    log: {
      level: file.log?.level ?? DEFAULTS.level,
      format: file.log?.format ?? DEFAULTS.format,
      file: logFile === '' ? undefined : filePath(logFile, folder, options.env),
    },
    qqbot,
    backends,
    warnings: findings.warnings,
  });
}

async function readText(path: string): Promise<string> {
  let bytes: Buffer | undefined;
  try {
    bytes = await readUpTo(path, MAX_FILE_BYTES);
  } catch (error) {
    const why = whyUnreadable(error);
    const missing = why === 'does not exist';
    const remedy = missing
      ? 'copy config.example.toml there, or name another file with --config'
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

function parseToml(text: string, path: string): object {
  try {
    return parse(text, { integersAsBigInt: 'asNeeded', unsafeKeyBehaviour: 'throw', maxDepth: 32 });
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
  const plainKeys = [['gateway'], ['log'], ['qqbot'], ['backends', '']]
    .flatMap(keysAt)
    .filter((name) => !/^(app_id|client_secret|accounts)/.test(name));
  const isHeader = /^\[{1,2}\s*(gateway|log|qqbot|qq|qq-bot|tencent-qq|backends)\b[\w.-]*\]{0,2}$/.test(text);
  return text.length <= 200 && !/secret|app_?id/i.test(text) && (isHeader || plainKeys.includes(key))
    ? `\`${text}\``
    : '(line not shown: it may hold a secret)';
}

/** Variables that hold a secret of a bot: the named ones, and the usual ones. */
function secretVariables(file: ConfigFile): ReadonlySet<string> {
  const tables = QQBOT_TABLES.flatMap((name) => [file[name], ...Object.values(file[name]?.accounts ?? {})]);
  const named = tables.flatMap((table) => (table?.client_secret_env === undefined ? [] : [table.client_secret_env]));
  return new Set([...named, ...ENVIRONMENT.client_secret]);
}

async function warnOfOpenFile(path: string, file: ConfigFile, findings: Findings): Promise<void> {
  const tables = QQBOT_TABLES.flatMap((name) => [file[name], ...Object.values(file[name]?.accounts ?? {})]);
  if (!tables.some((table) => table?.client_secret !== undefined)) return;
  const { mode } = await stat(path);
  if ((mode & 0o044) !== 0)
    findings.warn(`${path} holds a client secret and can be read by other users; run \`chmod 600\` on it`);
}

function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const part of value instanceof Map ? value.values() : Object.values(value)) frozen(part);
  return Object.freeze(value);
}
