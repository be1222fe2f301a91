/** Files named in foreign segments: never a path, of whichever machine, for then who names it could read what is there. */

/** An http(s) address, base64, or the name by which the implementation knows a file; undefined for anything else. */
export function remoteFile(value: string): string | undefined {
  if (/^(https?|base64):\/\//i.test(value)) return value;
  return /^[^/\\:\p{C}]{1,512}$/u.test(value) && !value.startsWith('.') ? value : undefined;
}
