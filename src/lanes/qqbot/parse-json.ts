/** JSON of the platform, with its long numbers whole: ids of forums come as bare numbers beyond 2^53, which a double cannot hold. */

/** A long number may stand here; strings full of digits do not look like this. */
const MAYBE_LONG = /[:[,]\s*-?\d{16,}/;
/** A string as a whole, or a long integer that is a value of its own. */
const STRING_OR_LONG = /"[^"\\]*(?:\\.[^"\\]*)*"|([:[,]\s*)(-?\d{16,})(?=\s*[,}\]])/g;

/** As `JSON.parse`, but an integer that a double cannot hold exactly becomes a string of its digits. @throws SyntaxError */
export function parseJson(text: string): unknown {
  return JSON.parse(MAYBE_LONG.test(text) ? text.replace(STRING_OR_LONG, quoteLong) : text);
}

function quoteLong(part: string, before?: string, digits?: string): string {
  return digits === undefined || Number.isSafeInteger(Number(digits)) ? part : `${before}"${digits}"`;
}
