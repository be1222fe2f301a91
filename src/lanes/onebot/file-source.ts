/** Media on their way out: a file of this machine goes along as base64, for the implementation may run on another; addresses stay. */
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { basename, isAbsolute } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describeError } from '../../model/errors.js';
import { oneLine } from '../one-line.js';
import { refusal } from './refusals.js';

/** NapCat ends the connection at a frame of 50 MiB, and base64 takes a third more. Source: fact sheet, §9. */
const MAX_BYTES = 35 * 1_048_576;
const MAX_URL_CHARS = 8192;
const MAX_NAME_CHARS = 255;
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;
const DATA_URL = /^data:[^,]{0,200};base64,/i;

export class FileSource {
  readonly #maxBytes: number;

  constructor(maxBytes = MAX_BYTES) {
    this.#maxBytes = Math.min(maxBytes, MAX_BYTES);
  }

  /**
   * What an implementation can fetch: `http(s)://…` or `base64://…`.
   * @param url also `file:///…`, an absolute path of this machine, or a `data:` URL
   * @throws DeliveryError when nothing can be sent
   */
  async wireFile(url: string): Promise<string> {
    if (/^https?:\/\//i.test(url)) return checkedUrl(url);
    const inline = inlineData(url);
    if (inline !== undefined) return this.#checkedInline(inline);
    const path = pathOf(url);
    if (path === undefined) {
      throw refusal(
        'media.address_unsupported',
        `\`${oneLine(url, 60)}\` is no address of a file that could be sent`,
        'give an http(s) address, an absolute path, `file:///…` or `base64://…`',
      );
    }
    return `base64://${(await this.#read(path)).toString('base64')}`;
  }

  #checkedInline(data: string): string {
    if (!BASE64.test(data)) {
      throw refusal('media.base64_invalid', 'what stands behind `base64://` is no base64', 'encode the file again');
    }
    if (Buffer.byteLength(data, 'base64') > this.#maxBytes) throw this.#tooLarge('the file');
    return `base64://${data}`;
  }

  async #read(path: string): Promise<Buffer> {
    let file: FileHandle | undefined;
    try {
      // A pipe that nobody writes to must not be waited for.
      file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
      const { size } = await this.#checked(file, path);
      const buffer = Buffer.alloc(Math.min(size, this.#maxBytes) + 1);
      let filled = 0;
      for (let more = -1; more !== 0 && filled < buffer.length; filled += more) {
        more = (await file.read(buffer, filled, buffer.length - filled, filled)).bytesRead;
      }
      if (filled > size) throw refusal('media.file_changing', `${path} grew while it was read`, 'send it again');
      return buffer.subarray(0, filled);
    } catch (error) {
      if (!(error instanceof Error) || !('code' in error) || !('syscall' in error)) throw error;
      throw refusal(
        'media.file_unreadable',
        `${path} cannot be read: ${oneLine(describeError(error))}`,
        'check the path, and that the user of the daemon may read the file',
        error,
      );
    } finally {
      await file?.close();
    }
  }

  async #checked(file: FileHandle, path: string) {
    const facts = await file.stat();
    if (!facts.isFile()) throw refusal('media.no_file', `${path} is no file`, 'name a file, not a folder or device');
    if (facts.size === 0) throw refusal('media.file_empty', `${path} is empty`, 'QQ takes no empty files');
    if (facts.size > this.#maxBytes) throw this.#tooLarge(path);
    return facts;
  }

  #tooLarge(what: string) {
    const limit = `${Math.floor(this.#maxBytes / 1_048_576)} MiB`;
    return refusal(
      'media.file_too_large',
      `${what} is larger than ${limit}, the most that goes along with a message`,
      'give its http(s) address instead, which the implementation fetches by itself',
    );
  }
}

/** The name that a file is shown under: its own, without a folder. */
export function nameOfFile(url: string): string | undefined {
  const path = /^https?:\/\//i.test(url) && URL.canParse(url) ? decoded(new URL(url).pathname) : pathOf(url);
  const name = path === undefined ? '' : oneLine(basename(path).replace(/[/\\]/g, '_'), MAX_NAME_CHARS);
  return name === '' ? undefined : name;
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

function checkedUrl(url: string): string {
  if (url.length <= MAX_URL_CHARS && !/[\p{C}\s]/u.test(url) && URL.canParse(url)) return url;
  throw refusal('media.url_invalid', `\`${oneLine(url, 60)}\` is no proper http(s) address`, 'check the address');
}

function inlineData(url: string): string | undefined {
  if (url.startsWith('base64://')) return url.slice('base64://'.length);
  const head = DATA_URL.exec(url.slice(0, 300))?.[0];
  return head === undefined ? undefined : url.slice(head.length);
}

function pathOf(url: string): string | undefined {
  if (!/^file:/i.test(url)) return isAbsolute(url) ? url : undefined;
  try {
    return fileURLToPath(url);
  } catch {
    return undefined;
  }
}
