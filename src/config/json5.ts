/** Reads JSON5, which JSON is a part of: comments, trailing commas, bare keys, single quotes. Source: spec.json5.org. */

/** What is wrong, and where; nothing of the text itself, which may be a secret. */
export class Json5Error extends Error {
  readonly line: number;
  readonly column: number;

  constructor(what: string, text: string, at: number) {
    const before = text.slice(0, at).split(/\r\n|[\n\r\u2028\u2029]/);
    super(what);
    this.line = before.length;
    this.column = (before.at(-1) ?? '').length + 1;
  }
}

const MAX_DEPTH = 64;
const BLANK = /[\t\v\f \u00a0\ufeff\n\r\u2028\u2029\p{Zs}]*/uy;
const COMMENT = /\/\/[^\n\r\u2028\u2029]*|\/\*[\s\S]*?\*\//y;
const NAME = /[\p{L}\p{Nl}$_](?:[\p{L}\p{Nl}$_\p{Mn}\p{Mc}\p{Nd}\p{Pc}\u200c\u200d])*/uy;
const NUMBER =
  /[+-]?(?:0[xX][0-9a-fA-F]+|(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|Infinity|NaN)/y;
const WORD = /(?:true|false|null)/y;
const ENDS_WORD = /[\p{L}\p{Nl}$_\p{Nd}]/u;
const ESCAPES: { readonly [letter: string]: string } = {
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  0: '\0',
};

/**
 * Objects come without a prototype, so that no key of theirs means anything to JavaScript; of keys that come twice the last counts.
 * A whole number too large to be exact comes as bigint.
 * @throws Json5Error
 */
export function parseJson5(text: string): unknown {
  const reader = new Reader(text);
  const value = reader.value(0);
  reader.skip();
  if (reader.at < text.length) throw reader.fault('there is something behind the end');
  return value;
}

class Reader {
  at = 0;
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  fault(what: string): Json5Error {
    return new Json5Error(what, this.#text, this.at);
  }

  value(depth: number): unknown {
    if (depth > MAX_DEPTH) throw this.fault(`it is nested deeper than ${MAX_DEPTH} levels`);
    this.skip();
    const next = this.#text[this.at];
    if (next === '{') return this.#object(depth);
    if (next === '[') return this.#array(depth);
    if (next === '"' || next === "'") return this.#string(next);
    const word = this.#take(WORD);
    if (word !== undefined) {
      this.#endOfWord();
      return word === 'null' ? null : word === 'true';
    }
    const number = this.#take(NUMBER);
    if (number === undefined) throw this.fault(next === undefined ? 'it ends too early' : 'a value is missing');
    this.#endOfWord();
    return numberOf(number);
  }

  /** Blanks and comments. */
  skip(): void {
    do this.#take(BLANK);
    while (this.#take(COMMENT) !== undefined);
    if (this.#text.startsWith('/*', this.at)) throw this.fault('a comment has no end');
  }

  #object(depth: number): object {
    const object: { [key: string]: unknown } = Object.create(null);
    this.at++;
    for (;;) {
      this.skip();
      if (this.#passes('}')) return object;
      const key = this.#key();
      this.skip();
      if (!this.#passes(':')) throw this.fault('a `:` is missing');
      object[key] = this.value(depth + 1);
      this.#separator('}');
    }
  }

  #array(depth: number): readonly unknown[] {
    const array: unknown[] = [];
    this.at++;
    for (;;) {
      this.skip();
      if (this.#passes(']')) return array;
      array.push(this.value(depth + 1));
      this.#separator(']');
    }
  }

  #separator(end: string): void {
    this.skip();
    if (!this.#passes(',') && this.#text[this.at] !== end) throw this.fault(`a \`,\` or \`${end}\` is missing`);
  }

  #key(): string {
    const next = this.#text[this.at];
    if (next === '"' || next === "'") return this.#string(next);
    const name = this.#take(NAME);
    if (name === undefined) throw this.fault('a key is missing');
    return name;
  }

  #string(quote: string): string {
    this.at++;
    let string = '';
    for (;;) {
      const next = this.#text[this.at];
      if (next === undefined || next === '\n' || next === '\r') throw this.fault('a text has no end');
      this.at++;
      if (next === quote) return string;
      string += next === '\\' ? this.#escaped() : next;
    }
  }

  #escaped(): string {
    const next = this.#text[this.at] ?? '';
    this.at++;
    if (next === '\r') {
      this.#passes('\n');
      return '';
    }
    if (next === '\n' || next === '\u2028' || next === '\u2029') return '';
    if (next === 'x') return this.#hex(2);
    if (next === 'u') return this.#hex(4);
    if (/[1-9]/.test(next) || (next === '0' && /[0-9]/.test(this.#text[this.at] ?? '')))
      throw this.fault('a text has an unknown escape');
    return ESCAPES[next] ?? next;
  }

  #hex(length: number): string {
    const digits = this.#text.slice(this.at, this.at + length);
    if (digits.length < length || !/^[0-9a-fA-F]+$/.test(digits)) throw this.fault('a text has an unknown escape');
    this.at += length;
    return String.fromCharCode(Number.parseInt(digits, 16));
  }

  /** `nulls` is no value, and neither is `12ab`. */
  #endOfWord(): void {
    if (ENDS_WORD.test(this.#text[this.at] ?? '')) throw this.fault('a value is not written as any');
  }

  #passes(character: string): boolean {
    if (this.#text[this.at] !== character) return false;
    this.at++;
    return true;
  }

  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at;
    const [found] = pattern.exec(this.#text) ?? [];
    this.at += found?.length ?? 0;
    return found;
  }
}

function numberOf(text: string): number | bigint {
  const sign = text.startsWith('-') ? -1 : 1;
  const digits = text.replace(/^[+-]/, '');
  const number = sign * Number(digits);
  const isWhole = /^(0[xX][0-9a-fA-F]+|[0-9]+)$/.test(digits);
  return isWhole && !Number.isSafeInteger(number) ? BigInt(sign) * BigInt(digits) : number;
}
