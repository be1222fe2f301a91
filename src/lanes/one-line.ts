/** Text of the platform as it may stand in an error, a log line or a name: one short line without control characters. */

/** At most `maxChars` characters; what breaks lines or hides text becomes a blank. */
export function oneLine(text: string, maxChars = 200): string {
  const clean = text.replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ').trim();
  return [...clean.slice(0, maxChars * 2)].slice(0, maxChars).join('');
}
