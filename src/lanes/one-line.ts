/** Text of the platform as it may stand in an error, a log line or a name: one short line without control characters. */

const UNCLEAN = /[\p{C}\p{Zl}\p{Zp}]/u;

/** At most `maxChars` characters; what breaks lines or hides text becomes a blank. */
export function oneLine(text: string, maxChars = 200): string {
  const clean = (UNCLEAN.test(text) ? text.replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ') : text).trim();
  return clean.length <= maxChars ? clean : [...clean.slice(0, maxChars * 2)].slice(0, maxChars).join('');
}
