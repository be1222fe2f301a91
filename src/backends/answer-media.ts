/**
 * The media that an answer names: an http(s) address, `base64://…`, or a file below the one folder that the operator named. What a
 * backend says may be the words of whoever wrote to it, so no other file of this machine is ever sent. A file is read when the answer
 * comes: what is put into its place afterwards is not sent, and the backend may remove it.
 */
import { constants } from 'node:fs';
import { type FileHandle, open, readlink, realpath } from 'node:fs/promises';
import { isAbsolute, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BackendError, describeError } from '../model/errors.js';
import { shown } from './written-text.js';

/** All files of one answer together; more goes along with no message. */
const MAX_FILE_BYTES = 20 * 1_048_576;
const MAX_ADDRESS_CHARS = 8192;
const FORMS = 'name an http(s) address, `base64://…`, or a file below `media_dir`';

export class AnswerMedia {
  readonly #who: string;
  readonly #folder: string | undefined;
  #bytesLeft = MAX_FILE_BYTES;

  /** `who` answers; `folder`: absolute, need not exist. */
  constructor(who: string, folder: string | undefined) {
    this.#who = who;
    this.#folder = folder;
  }

  /** The address in a form that needs no file of this machine. @throws BackendError */
  async address(medium: string): Promise<string> {
    if (/^https?:\/\//i.test(medium)) return this.#checkedUrl(medium);
    if (medium.startsWith('base64://')) return this.#checkedBase64(medium);
    return `base64://${(await this.#contentOf(medium)).toString('base64')}`;
  }

  #checkedUrl(url: string): string {
    if (url.length <= MAX_ADDRESS_CHARS && !/[\p{C}\s]/u.test(url) && URL.canParse(url)) return url;
    throw this.#refused(url, 'which is no proper http(s) address', FORMS);
  }

  #checkedBase64(medium: string): string {
    if (/^base64:\/\/[A-Za-z0-9+/]+={0,2}$/.test(medium)) return medium;
    throw this.#refused(medium, 'where what follows `base64://` is no base64', 'let it encode the file again');
  }

  /** The folder, and the path in it that is meant: relative to it, where it is not absolute. */
  #placeMeant(medium: string): { readonly folder: string; readonly path: string } {
    const folder = this.#folder;
    if (medium === '' || medium.includes('\0') || /^(?!file:)[a-z][a-z0-9+.-]+:/i.test(medium)) {
      throw this.#refused(medium, 'which is no address of a medium', FORMS);
    }
    if (folder === undefined) {
      throw this.#refused(
        medium,
        'a file of this machine, and no folder is open to it',
        'set `media_dir`, or let it give an http(s) address',
      );
    }
    if (!/^file:/i.test(medium)) return { folder, path: resolve(folder, medium) };
    try {
      return { folder, path: fileURLToPath(medium) };
    } catch {
      throw this.#refused(medium, 'which is no address of a file', FORMS);
    }
  }

  async #contentOf(medium: string): Promise<Buffer> {
    const meant = this.#placeMeant(medium);
    let file: FileHandle | undefined;
    try {
      const folder = await realpath(meant.folder);
      const real = await realpath(meant.path);
      if (!isBelow(real, folder)) throw this.#outside(medium);
      // A pipe that nobody writes to must not be waited for.
      file = await open(real, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
      if (!isBelow(await placeOf(file, real), folder)) throw this.#outside(medium);
      return await this.#read(file, medium);
    } catch (error) {
      if (error instanceof BackendError) throw error;
      throw this.#refused(
        medium,
        `which cannot be read: ${shown(describeError(error))}`,
        'check `media_dir`, and that the user of the daemon may read the file',
      );
    } finally {
      await file?.close();
    }
  }

  async #read(file: FileHandle, medium: string): Promise<Buffer> {
    const facts = await file.stat();
    if (!facts.isFile()) throw this.#refused(medium, 'which is no file', FORMS);
    if (facts.size === 0) throw this.#refused(medium, 'which is empty', 'QQ takes no empty files');
    if (facts.size > this.#bytesLeft) {
      const limit = MAX_FILE_BYTES / 1_048_576;
      throw this.#refused(
        medium,
        `and the files of one answer may have ${limit} MiB together`,
        'let it give an http(s) address instead',
      );
    }
    this.#bytesLeft -= facts.size;
    const content = Buffer.alloc(facts.size);
    let filled = 0;
    for (let more = -1; more !== 0 && filled < content.length; filled += more) {
      more = (await file.read(content, filled, content.length - filled, filled)).bytesRead;
    }
    return content.subarray(0, filled);
  }

  #outside(medium: string): BackendError {
    return this.#refused(
      medium,
      'which is not below `media_dir`',
      'let it put the files that it sends into that folder',
    );
  }

  #refused(medium: string, why: string, remedy: string): BackendError {
    return new BackendError('backend.media_refused', `${this.#who} wants to send \`${shown(medium)}\`, ${why}`, {
      remedy,
    });
  }
}

/** Where an open file really is. Linux tells it of the file itself; elsewhere its path is looked up once more. */
async function placeOf(file: FileHandle, path: string): Promise<string> {
  return process.platform === 'linux' ? readlink(`/proc/self/fd/${file.fd}`) : realpath(path);
}

function isBelow(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way !== '' && way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}
