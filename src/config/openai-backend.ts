/** From a table of [backends] with type "openai" to where its language model is, and the key to it. */
import type { OpenaiBackendConfig, Resolved } from './config.js';
import { type Findings, keyPath } from './findings.js';
import { type BackendTable, DEFAULTS } from './schema.js';
import { readChoice, resolveChoice } from './secrets.js';
import { isExposed } from './service-url.js';

export interface OpenaiSource {
  readonly env: NodeJS.ProcessEnv;
  /** Folder of the config file. */
  readonly folder: string;
  readonly refused: ReadonlySet<string>;
  readonly secrets: 'required' | 'optional';
  readonly findings: Findings;
}

export async function readOpenai(
  source: OpenaiSource,
  name: string,
  table: BackendTable,
): Promise<Pick<OpenaiBackendConfig, 'baseUrl' | 'model' | 'apiKey'>> {
  const missing = (key: 'base_url' | 'model', remedy: string) => {
    const path = keyPath(['backends', name, key]);
    if (table[key] === undefined && !source.refused.has(path)) source.findings.problem(path, 'is missing', remedy);
  };
  missing('base_url', 'name where its API is, e.g. base_url = "http://127.0.0.1:11434/v1"');
  missing('model', 'name the model that answers, e.g. model = "qwen3"');
  const url = table.base_url;
  if (url !== undefined && isExposed(url) && !(table.allow_http ?? DEFAULTS.allow_http)) {
    source.findings.problem(
      keyPath(['backends', name, 'base_url']),
      'is plain http to another machine: messages and the key could be read on the way',
      'use https, or set `allow_http = true` if that network is yours',
    );
  }
  return {
    baseUrl: (url?.href ?? '').replace(/\/+$/, ''),
    model: table.model ?? '',
    apiKey: await apiKeyOf(source, name, table),
  };
}

async function apiKeyOf(source: OpenaiSource, name: string, table: BackendTable): Promise<Resolved | undefined> {
  const choice = readChoice('api_key', table, ['backends', name], source);
  if (choice === undefined) return undefined;
  if (choice === 'broken') return { ok: false, why: '`api_key` is not configured correctly' };
  const found = await resolveChoice(choice, 'api_key', source);
  if (!found.ok && source.secrets === 'required') {
    const remedy = `${choice.form === 'env' ? 'set it' : 'put it there'}, or correct \`api_key_${choice.form}\``;
    source.findings.problem(choice.path, found.why, remedy);
  }
  return found;
}
