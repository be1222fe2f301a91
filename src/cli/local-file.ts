/** Files that a user names: addresses stay as they are, paths become absolute, for the daemon stands elsewhere. */
import { stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describeError, UsageError } from '../model/errors.js';

export interface NamedFile {
  /** `http(s)://…`, `base64://…` or an absolute path. */
  readonly place: string;
  /** What it is called; undefined where its address does not tell. */
  readonly name: string | undefined;
}

/** `flag`: for messages. @throws UsageError for a file that is not there, and an address of another kind */
export async function namedFile(flag: string, text: string): Promise<NamedFile> {
  if (text.startsWith('base64://')) return { place: text, name: undefined };
  const [, scheme = ''] = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text) ?? [];
  if (/^https?$/i.test(scheme)) return { place: text, name: nameIn(text) };
  if (scheme !== '' && !/^file$/i.test(scheme)) {
    throw new UsageError(
      'message.bad_address',
      `${flag}: \`${scheme}://\` is no address that can be sent`,
      'give a path, or an address with https://, http:// or file://',
    );
  }
  const path = scheme === '' ? resolve(text.replace(/^~(?=\/)/, homedir())) : pathOf(flag, text);
  await assertReadable(flag, path);
  return { place: path, name: basename(path) };
}

function pathOf(flag: string, url: string): string {
  try {
    return fileURLToPath(url);
  } catch (error) {
    throw new UsageError('message.bad_address', `${flag}: ${describeError(error)}`, 'write it like file:///srv/a.pdf');
  }
}

async function assertReadable(flag: string, path: string): Promise<void> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => error);
  if (!(found instanceof Error) && found.isFile() && found.size > 0) return;
  const why =
    found instanceof Error
      ? found.code === 'ENOENT'
        ? 'does not exist'
        : `cannot be read (${found.code})`
      : found.isFile()
        ? 'is empty'
        : 'is no file';
  throw new UsageError('message.no_file', `${flag}: ${path} ${why}`, 'name a file that the daemon can read, too');
}

function nameIn(url: string): string | undefined {
  if (!URL.canParse(url)) return undefined;
  const last = new URL(url).pathname.split('/').at(-1) ?? '';
  try {
    return decodeURIComponent(last) || undefined;
  } catch {
    return last;
  }
}
