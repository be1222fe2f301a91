/** Files named in foreign segments: never a path, of whichever machine, for then who names it could read what is there. */

/** Keys under which implementations look for files. */
const FILE_KEYS: ReadonlySet<string> = new Set(['file', 'url', 'path', 'thumb', 'cover', 'image', 'audio', 'video']);
const MAX_DEPTH = 16;

/** Whether something in foreign data names a file that is none of the above; what is nested too deep to tell counts as such. */
export function namesPath(data: unknown, depth = 0): boolean {
  if (typeof data !== 'object' || data === null) return false;
  if (depth > MAX_DEPTH) return true;
  return Object.entries(data).some(([key, value]) =>
    typeof value === 'string'
      ? FILE_KEYS.has(key) && value !== '' && remoteFile(value) === undefined
      : namesPath(value, depth + 1),
  );
}

/** An http(s) address, base64, or the name by which the implementation knows a file; undefined for anything else. */
export function remoteFile(value: string): string | undefined {
  if (/^(https?|base64):\/\//i.test(value)) return value;
  return /^[^/\\:\p{C}]{1,512}$/u.test(value) && !value.startsWith('.') ? value : undefined;
}
