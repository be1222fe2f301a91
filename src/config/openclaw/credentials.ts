/** Credentials of an OpenClaw account: from the text, a variable or a file there to the same here; what stands in the text goes into a file of its own. */
import { isAbsolute, join } from 'node:path';
import { type AccountSource, isTable, told, valueAt } from './source.js';

/** A secret that stood in the imported file. */
export interface FoundSecret {
  /** Of the table that it belongs to. */
  readonly outPath: readonly string[];
  readonly key: 'client_secret' | 'access_token';
  readonly secret: string;
}

type Name = 'app_id' | 'client_secret' | 'access_token';

/** `folder`: of the imported file. */
export function readCredentials(source: AccountSource, folder: string): readonly FoundSecret[] {
  if (source.shape === 'napcatqq') return readOne(source, 'accessToken', 'access_token');
  const secretKey = source.shape === 'qq' ? 'appSecret' : 'clientSecret';
  const found = [...readOne(source, 'appId', 'app_id'), ...readOne(source, secretKey, 'client_secret')];
  readSecretFile(source, `${secretKey}File`, folder);
  return found;
}

function readOne(source: AccountSource, key: string, name: Name): readonly FoundSecret[] {
  const value = valueAt(source, key);
  if (value === undefined) return [];
  const variable = variableIn(value);
  if (variable !== undefined) {
    source.out[`${name}_env`] = variable;
    told(source, [key], 'changed', [`${name}_env`], 'the environment of loong must have it');
    return [];
  }
  const text = typeof value === 'number' ? String(value) : value;
  if (typeof text !== 'string' || text.trim() === '' || /[\s\p{Cc}\p{Cs}]/u.test(text.trim())) {
    told(source, [key], 'dead', undefined, `cannot be read: write ${name}, ${name}_env or ${name}_file by hand`);
    return [];
  }
  if (name === 'app_id') {
    source.out.app_id = text.trim();
    told(source, [key], 'renamed', [name]);
    return [];
  }
  told(source, [key], 'renamed', [`${name}_file`], 'in a file of its own, which only you may read');
  return [{ outPath: source.outPath, key: name, secret: text.trim() }];
}

/** `${NAME}`, or a reference to the environment. */
function variableIn(value: unknown): string | undefined {
  const name = isTable(value) && value.source === 'env' ? value.id : /^\$\{(.*)\}$/.exec(String(value))?.[1];
  return typeof name === 'string' && /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) ? name : undefined;
}

function readSecretFile(source: AccountSource, key: string, folder: string): void {
  const value = valueAt(source, key);
  if (value === undefined) return;
  if (source.out.client_secret_env !== undefined || typeof valueAt(source, key.replace('File', '')) === 'string')
    return told(source, [key], 'dead', undefined, 'the secret itself stands beside it');
  if (typeof value !== 'string' || value.trim() === '' || /[\p{Cc}\p{Cs}]/u.test(value))
    return told(source, [key], 'dead', undefined, 'is no path: write client_secret_file by hand');
  const isWhole = isAbsolute(value) || value.startsWith('~');
  source.out.client_secret_file = isWhole ? value : join(folder, value);
  const note = isWhole ? undefined : 'taken as relative to the imported file';
  told(source, [key], isWhole ? 'renamed' : 'ambiguous', ['client_secret_file'], note);
}
