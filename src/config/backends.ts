/** From [backends] to what answers: which keys a type has, what each type makes of them, and which variables a command may see. */
import type {
  BackendConfig,
  EchoBackendConfig,
  ExecBackendConfig,
  HttpBackendConfig,
  OpenaiBackendConfig,
  Resolved,
} from './config.js';
import { parseDuration } from './duration.js';
import { type Findings, keyPath } from './findings.js';
import { filePath } from './paths.js';
import { type BackendTable, DEFAULTS } from './schema.js';
import { readChoice, resolveChoice } from './secrets.js';
import { isExposed } from './service-url.js';
import { parseSize } from './size.js';

type BackendType = BackendTable['type'];

/** Keys that not every type of backend has. */
export const KEYS_OF: { readonly [T in BackendType]: readonly (keyof BackendTable)[] } = {
  echo: [],
  exec: ['command', 'input', 'output', 'env', 'max_output', 'media_dir'],
  http: ['url', 'allow_http', 'secret', 'secret_env', 'secret_file', 'max_output', 'media_dir'],
  openai: ['base_url', 'model', 'allow_http', 'api_key', 'api_key_env', 'api_key_file'],
};

export interface BackendSource {
  /** By name, as in the file. */
  readonly tables: { readonly [name: string]: BackendTable };
  readonly env: NodeJS.ProcessEnv;
  /** Folder of the config file. */
  readonly folder: string;
  readonly refused: ReadonlySet<string>;
  readonly secrets: 'required' | 'optional';
  /** Names of variables that hold a QQ secret, and so are never handed on. */
  readonly secretVariables: ReadonlySet<string>;
  readonly findings: Findings;
}

interface Basics {
  readonly name: string;
  readonly timeoutMs: number;
  readonly concurrency: number;
}

/** Always with `default`, which says everything back unless the file says otherwise. */
export async function readBackends(source: BackendSource): Promise<ReadonlyMap<string, BackendConfig>> {
  const backends = new Map<string, BackendConfig>();
  for (const [name, table] of Object.entries<BackendTable>({ default: { type: 'echo' }, ...source.tables })) {
    backends.set(name, await readBackend(source, name, table));
  }
  return backends;
}

async function readBackend(source: BackendSource, name: string, table: BackendTable): Promise<BackendConfig> {
  tellForeignKeys(source, name, table);
  const basics: Basics = {
    name,
    timeoutMs: table.timeout ?? parseDuration(DEFAULTS.timeout) ?? 0,
    concurrency: table.concurrency ?? DEFAULTS.concurrency,
  };
  switch (table.type) {
    case 'echo':
      return readEcho(basics);
    case 'exec':
      return readExec(source, basics, table);
    case 'http':
      return await readHttp(source, basics, table);
    case 'openai':
      return await readOpenai(source, basics, table);
  }
}

/** Keys that mean nothing for the type of this backend. */
function tellForeignKeys({ findings }: BackendSource, name: string, table: BackendTable): void {
  const types = Object.keys(KEYS_OF) as BackendType[];
  for (const key of new Set(types.flatMap((type) => KEYS_OF[type]))) {
    if (table[key] === undefined || KEYS_OF[table.type].includes(key)) continue;
    const owners = types.filter((type) => KEYS_OF[type].includes(key)).map((type) => `"${type}"`);
    findings.problem(
      keyPath(['backends', name, key]),
      `means nothing for type "${table.type}"`,
      `remove it, or set type = ${owners.join(' or ')}`,
    );
  }
}

function readEcho(basics: Basics): EchoBackendConfig {
  return { ...basics, type: 'echo' };
}

function readExec(source: BackendSource, basics: Basics, table: BackendTable): ExecBackendConfig {
  const { name } = basics;
  const [program, ...args] = table.command ?? [];
  if (program === undefined) {
    tellMissing(
      source,
      keyPath(['backends', name, 'command']),
      'name the program and its arguments, e.g. command = ["claude", "-p"]',
    );
  }
  const output = table.output ?? DEFAULTS.output;
  if (table.media_dir !== undefined && output === 'text') {
    source.findings.problem(
      keyPath(['backends', name, 'media_dir']),
      'means nothing for output = "text", which names no files',
      'remove it, or set output = "json"',
    );
  }
  return {
    ...basics,
    type: 'exec',
    command: [program ?? '', ...args],
    input: table.input ?? DEFAULTS.input,
    output,
    env: variables(source, name, table.env ?? DEFAULTS.env),
    maxOutputBytes: maxOutput(table),
    mediaDir: mediaDir(source, table),
  };
}

async function readHttp(source: BackendSource, basics: Basics, table: BackendTable): Promise<HttpBackendConfig> {
  const { name } = basics;
  return {
    ...basics,
    type: 'http',
    url: urlOf(source, name, 'url', table)?.href ?? '',
    secret: await readSecret(source, name, 'secret', table),
    maxOutputBytes: maxOutput(table),
    mediaDir: mediaDir(source, table),
  };
}

async function readOpenai(source: BackendSource, basics: Basics, table: BackendTable): Promise<OpenaiBackendConfig> {
  const { name } = basics;
  const { model } = table;
  const url = urlOf(source, name, 'base_url', table);
  if (model === undefined) {
    tellMissing(source, keyPath(['backends', name, 'model']), 'name the model that answers, e.g. model = "qwen3"');
  }
  return {
    ...basics,
    type: 'openai',
    baseUrl: url?.href.replace(/\/+$/, '') ?? '',
    model: model ?? '',
    apiKey: await readSecret(source, name, 'api_key', table),
  };
}

const HOW_TO_NAME = {
  url: 'name the server that answers, e.g. url = "http://127.0.0.1:9000/turn"',
  base_url: 'name where its API is, e.g. base_url = "http://127.0.0.1:11434/v1"',
} as const;

function urlOf(source: BackendSource, name: string, key: keyof typeof HOW_TO_NAME, table: BackendTable) {
  const { [key]: url, allow_http: allowHttp } = table;
  const path = keyPath(['backends', name, key]);
  if (url === undefined) tellMissing(source, path, HOW_TO_NAME[key]);
  else if (isExposed(url) && !(allowHttp ?? DEFAULTS.allow_http)) {
    source.findings.problem(
      path,
      'is plain http to another machine: messages could be read and answered on the way',
      'use https, or set `allow_http = true` if that network is yours',
    );
  }
  return url;
}

/** Of a value that was refused it is already told. */
function tellMissing({ refused, findings }: BackendSource, path: string, remedy: string): void {
  if (!refused.has(path)) findings.problem(path, 'is missing', remedy);
}

async function readSecret(
  source: BackendSource,
  name: string,
  key: 'secret' | 'api_key',
  table: BackendTable,
): Promise<Resolved | undefined> {
  const choice = readChoice(key, table, ['backends', name], source);
  if (choice === undefined) return undefined;
  if (choice === 'broken') return { ok: false, why: `\`${key}\` is not configured correctly` };
  const found = await resolveChoice(choice, key, source);
  if (!found.ok && source.secrets === 'required') {
    const remedy = `${choice.form === 'env' ? 'set it' : 'put it there'}, or correct \`${key}_${choice.form}\``;
    source.findings.problem(choice.path, found.why, remedy);
  }
  return found;
}

function maxOutput({ max_output: bytes }: BackendTable): number {
  return bytes ?? parseSize(DEFAULTS.max_output) ?? 0;
}

function mediaDir({ folder, env }: BackendSource, { media_dir: path }: BackendTable): string | undefined {
  return path === undefined ? undefined : filePath(path, folder, env);
}

/** The values of the named variables that are set. */
function variables(
  { env, secretVariables, findings }: BackendSource,
  name: string,
  names: readonly string[],
): { readonly [name: string]: string } {
  const found: { [name: string]: string } = {};
  for (const variable of names) {
    if (secretVariables.has(variable)) {
      findings.problem(
        keyPath(['backends', name, 'env']),
        `\`${variable}\` holds a secret of a QQ bot`,
        'remove it: a backend never needs it',
      );
    }
    const value = env[variable];
    if (value !== undefined) found[variable] = value;
  }
  return found;
}
