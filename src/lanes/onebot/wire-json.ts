/** JSON of the wire with its long numbers whole: ids of bridges and flags go beyond 2^53, which a double cannot hold. */

/** Hardly a text has so many digits in a row, and that is seen quickly. */
const DIGITS = /\d{16}/;
/** A long number may stand here; in a text of that look nothing is changed. */
const MAYBE_LONG = /(?:^|[:[,])\s*-?\d{16}/;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const MINUS = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;
const INTEGER = /^-?\d{16,}$/;

/** As `JSON.parse`, but an integer that a double cannot hold exactly becomes a text of its digits. @throws SyntaxError */
export function parseWireJson(text: string): unknown {
  // First as it is: what comes after may rely on sound JSON, and takes one look at each character.
  const parsed: unknown = JSON.parse(text);
  return DIGITS.test(text) && MAYBE_LONG.test(text) ? JSON.parse(withLongQuoted(text)) : parsed;
}

function withLongQuoted(json: string): string {
  let quoted = '';
  let copied = 0;
  for (let at = 0; at < json.length; ) {
    const code = json.charCodeAt(at);
    if (code === QUOTE) at = endOfText(json, at);
    else if (code === MINUS || isDigit(code)) {
      const end = endOfNumber(json, at);
      const number = json.slice(at, end);
      if (INTEGER.test(number) && !Number.isSafeInteger(Number(number))) {
        quoted += `${json.slice(copied, at)}"${number}"`;
        copied = end;
      }
      at = end;
    } else at++;
  }
  return quoted + json.slice(copied);
}

function endOfText(json: string, start: number): number {
  for (let at = start + 1; at < json.length; at++) {
    const code = json.charCodeAt(at);
    if (code === BACKSLASH) at++;
    else if (code === QUOTE) return at + 1;
  }
  return json.length;
}

/** Behind digits, fraction and exponent. */
function endOfNumber(json: string, start: number): number {
  let at = start + 1;
  while (at < json.length && isOfNumber(json.charCodeAt(at))) at++;
  return at;
}

function isDigit(code: number): boolean {
  return code >= ZERO && code <= NINE;
}

function isOfNumber(code: number): boolean {
  return isDigit(code) || code === MINUS || code === 0x2b || code === 0x2e || code === 0x45 || code === 0x65;
}
