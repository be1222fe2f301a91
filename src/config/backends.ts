/** From [backends] to what answers: which keys a type has, and which variables a command may see. */
import type { BackendConfig } from './config.js';
import { parseDuration } from './duration.js';
import { type Findings, keyPath } from './findings.js';
import { type BackendTable, DEFAULTS } from './schema.js';
import { parseSize } from './size.js';

/** Keys that only one type of backend has. */
const KEYS_OF_EXEC = ['command', 'input', 'env', 'max_output'] as const;

export interface BackendSource {
  /** By name, as in the file. */
  readonly tables: { readonly [name: string]: BackendTable };
  readonly env: NodeJS.ProcessEnv;
  /** Names of variables that hold a QQ secret, and so are never handed on. */
  readonly secretVariables: ReadonlySet<string>;
  readonly findings: Findings;
}

/** Always with `default`, which says everything back unless the file says otherwise. */
export function readBackends(source: BackendSource): ReadonlyMap<string, BackendConfig> {
  const tables = Object.entries<BackendTable>({ default: { type: 'echo' }, ...source.tables });
  return new Map(tables.map(([name, table]) => [name, readBackend(source, name, table)]));
}

function readBackend(source: BackendSource, name: string, table: BackendTable): BackendConfig {
  const common = {
    name,
    timeoutMs: table.timeout ?? parseDuration(DEFAULTS.timeout) ?? 0,
    concurrency: table.concurrency ?? DEFAULTS.concurrency,
  };
  if (table.type === 'echo') {
    for (const key of KEYS_OF_EXEC.filter((candidate) => table[candidate] !== undefined)) {
      source.findings.problem(
        keyPath(['backends', name, key]),
        'means nothing for type "echo"',
        'remove it, or set type = "exec"',
      );
    }
    return { ...common, type: 'echo' };
  }
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
