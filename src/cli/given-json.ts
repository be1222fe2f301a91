/** JSON that a user wrote into a flag, or piped in. */
import { UsageError } from '../model/errors.js';
import { readStdin } from './read-stdin.js';

/** `flag`: for messages. `text`: JSON, or `-` for stdin. `example`: what should stand there. @throws UsageError */
export async function readJson(flag: string, text: string, example: string): Promise<unknown> {
  const json = text === '-' ? await readStdin() : text;
  const remedy = `write it like ${flag} '${example}'`;
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new UsageError('usage.bad_json', `what ${flag} was given is not JSON: ${why}`, remedy);
  }
  if (hasInexactNumber(value)) {
    throw new UsageError(
      'usage.inexact_number',
      `${flag} holds a number that is too large to be read exactly`,
      'write it in quotes',
    );
  }
  return value;
}

function hasInexactNumber(value: unknown): boolean {
  if (typeof value === 'number') return Number.isInteger(value) && !Number.isSafeInteger(value);
  if (typeof value !== 'object' || value === null) return false;
  return Object.values(value).some(hasInexactNumber);
}

/** A JSON object: no list, no null. */
export function isObject(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
