/** From [backends] to what answers: which keys a type has, and which variables a command may see. */
import type { BackendConfig } from './config.js';
import { parseDuration } from './duration.js';
import { keyPath } from './findings.js';
import { type OpenaiSource, readOpenai } from './openai-backend.js';
import { type BackendTable, DEFAULTS } from './schema.js';
import { parseSize } from './size.js';

/** Keys that not every type of backend has. */
const KEYS_OF: { readonly [T in BackendTable['type']]: readonly (keyof BackendTable)[] } = {
  echo: [],
  exec: ['command', 'input', 'env', 'max_output'],
  openai: ['base_url', 'model', 'api_key', 'api_key_env', 'api_key_file', 'allow_http'],
};

export interface BackendSource extends OpenaiSource {
  /** By name, as in the file. */
  readonly tables: { readonly [name: string]: BackendTable };
  /** Names of variables that hold a QQ secret, and so are never handed on. */
  readonly secretVariables: ReadonlySet<string>;
}

/** Always with `default`, which says everything back unless the file says otherwise. */
export async function readBackends(source: BackendSource): Promise<ReadonlyMap<string, BackendConfig>> {
  const backends = new Map<string, BackendConfig>();
  for (const [name, table] of Object.entries<BackendTable>({ default: { type: 'echo' }, ...source.tables }))
    backends.set(name, await readBackend(source, name, table));
  return backends;
}

async function readBackend(source: BackendSource, name: string, table: BackendTable): Promise<BackendConfig> {
  const common = {
    name,
    timeoutMs: table.timeout ?? parseDuration(DEFAULTS.timeout) ?? 0,
    concurrency: table.concurrency ?? DEFAULTS.concurrency,
  };
  tellForeignKeys(source, name, table);
  if (table.type === 'echo') return { ...common, type: 'echo' };
  if (table.type === 'openai') return { ...common, type: 'openai', ...(await readOpenai(source, name, table)) };
  const [program, ...args] = table.command ?? [];
  if (program === undefined) {
    source.findings.problem(
      keyPath(['backends', name, 'command']),
      'is missing',
      'name the program and its arguments, e.g. command = ["claude", "-p"]',
    );
  }
  return {
    ...common,
    type: 'exec',
    command: [program ?? '', ...args],
    input: table.input ?? DEFAULTS.input,
    env: variables(source, name, table.env ?? DEFAULTS.env),
    maxOutputBytes: table.max_output ?? parseSize(DEFAULTS.max_output) ?? 0,
  };
}

function tellForeignKeys({ findings }: BackendSource, name: string, table: BackendTable): void {
  for (const [type, keys] of Object.entries(KEYS_OF)) {
    for (const key of keys.filter(
      (candidate) => table[candidate] !== undefined && !KEYS_OF[table.type].includes(candidate),
    )) {
      findings.problem(
        keyPath(['backends', name, key]),
        `means nothing for type "${table.type}"`,
        `remove it, or set type = "${type}"`,
      );
    }
  }
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
