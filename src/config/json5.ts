/** JSON5 of other programs, hardened: whatever the text holds, what comes out can be walked without surprises. */
import JSON5 from 'json5';

/** What is wrong, and where; nothing of the text itself, which may be a secret. */
export class Json5Error extends Error {
  readonly line: number;
  readonly column: number;

  constructor(what: string, line: number, column: number) {
    super(what);
    this.line = line;
    this.column = column;
  }
}

const MAX_DEPTH = 64;

/**
 * Objects come without a prototype, so that no key of theirs means anything to JavaScript; of keys that come twice the last counts.
 * A whole number too large to be exact comes as null.
 * @throws Json5Error
 */
export function parseJson5(text: string): unknown {
  let value: unknown;
  try {
    value = JSON5.parse(text);
  } catch (error) {
    throw located(error);
  }
  return hardened(value, 0);
}

function located(error: unknown): unknown {
  if (!(error instanceof SyntaxError)) return error;
  const { lineNumber, columnNumber } = error as { lineNumber?: number; columnNumber?: number };
  const what = error.message.includes('end of input') ? 'it ends too early' : 'something there is not JSON5';
  return new Json5Error(what, lineNumber ?? 1, Math.max(1, columnNumber ?? 1));
}

function hardened(value: unknown, depth: number): unknown {
  if (depth > MAX_DEPTH) throw new Json5Error(`it is nested deeper than ${MAX_DEPTH} levels`, 1, 1);
  if (typeof value === 'number') return Number.isInteger(value) && !Number.isSafeInteger(value) ? null : value;
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((entry) => hardened(entry, depth + 1));
  const plain: { [key: string]: unknown } = Object.create(null);
  for (const key of Object.keys(value)) plain[key] = hardened((value as { [key: string]: unknown })[key], depth + 1);
  return plain;
}
