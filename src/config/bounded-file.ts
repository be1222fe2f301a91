/** Files that people name, read with a limit. */
import { open } from 'node:fs/promises';

/** The whole file, or undefined when it is larger; never more than that is read, whatever kind of file it is. */
export async function readUpTo(path: string, limit: number): Promise<Buffer | undefined> {
  const handle = await open(path, 'r');
  try {
    const buffer = Buffer.alloc(limit + 1);
    let length = 0;
    while (length <= limit) {
      const { bytesRead } = await handle.read(buffer, length, buffer.length - length);
      if (bytesRead === 0) return buffer.subarray(0, length);
      length += bytesRead;
    }
    return undefined;
  } finally {
    await handle.close();
  }
}

/** End of a sentence that begins with the file. */
export function whyUnreadable(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOENT' || code === 'ENOTDIR') return 'does not exist';
  if (code === 'EACCES' || code === 'EPERM') return 'may not be read by this user';
  return code === 'EISDIR' ? 'is a directory' : `cannot be read (${code ?? 'unknown cause'})`;
}
