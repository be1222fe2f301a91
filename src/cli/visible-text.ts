/** Words of others on a terminal: what would move its cursor, colour it or turn text around is shown by its number instead. */

const ACTING =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/** As it may be printed; line ends and tabs stay. In JSON text it still reads as the same value, for there the number is an escape. */
export function visible(text: string): string {
  return text.replace(ACTING, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
