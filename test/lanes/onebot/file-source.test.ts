import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FileSource, nameOfFile } from '../../../src/lanes/onebot/file-source.js';
import { DeliveryError } from '../../../src/model/errors.js';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'loong-files-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function file(name: string, content: string | Uint8Array): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

/** What a refusal says. */
async function refusalOf(url: string, source = new FileSource()): Promise<DeliveryError> {
  const error = await source.wireFile(url).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof DeliveryError)) throw new Error(`expected a refusal, got ${String(error)}`);
  expect(error).toMatchObject({ failure: 'refused', certainty: 'not-delivered', remedy: expect.any(String) });
  return error;
}

describe('a file of this machine', () => {
  test('goes along as base64, by its path or as an address', async () => {
    const bytes = Uint8Array.from({ length: 1000 }, (_, n) => n % 256);
    const path = await file('a b%20ü.png', bytes);
    const expected = `base64://${Buffer.from(bytes).toString('base64')}`;
    expect(await new FileSource().wireFile(path)).toBe(expected);
    expect(await new FileSource().wireFile(pathToFileURL(path).href)).toBe(expected);
    const link = join(folder, 'link');
    await symlink(path, link);
    expect(await new FileSource().wireFile(link)).toBe(expected);
  });

  test('of 35 MiB fits into a frame, one byte more is refused, whatever is allowed', async () => {
    const path = await file('large.bin', '');
    await truncate(path, 35 * 1_048_576);
    expect((await new FileSource(50 * 1_048_576).wireFile(path)).length).toBe('base64://'.length + 48_933_548);
    await truncate(path, 35 * 1_048_576 + 1);
    const { code, message, remedy } = await refusalOf(path);
    expect([code, message]).toEqual([
      'media.file_too_large',
      `${path} is larger than 35 MiB, the most that goes along with a message`,
    ]);
    expect(remedy).toContain('http(s) address');
  });

  test('that is not there is refused, with its path', async () => {
    const { code, message } = await refusalOf('/no/such/file.png');
    expect(code).toBe('media.file_unreadable');
    expect(message).toContain('/no/such/file.png cannot be read: ENOENT');
  });

  test('that cannot be opened is refused', async () => {
    const path = join(folder, 'circle');
    await symlink(path, path);
    const { code, message } = await refusalOf(path);
    expect(code).toBe('media.file_unreadable');
    expect(message).toContain('ELOOP');
  });

  test('that is empty, a folder or a pipe is refused at once', async () => {
    expect((await refusalOf(await file('empty', ''))).code).toBe('media.file_empty');
    expect((await refusalOf(folder)).code).toBe('media.no_file');
    const pipe = join(folder, 'pipe');
    execFileSync('/usr/bin/mkfifo', [pipe]);
    expect((await refusalOf(pipe)).code).toBe('media.no_file');
  });
});

describe('what is no file of this machine', () => {
  test.for(['http://10.0.0.2/a.png', 'https://cdn.example/a?b=1&c=%20'])('the address %s stays', async (url) => {
    expect(await new FileSource().wireFile(url)).toBe(url);
  });

  test('base64 stays, and a data address becomes it', async () => {
    expect(await new FileSource().wireFile('base64://AAEC')).toBe('base64://AAEC');
    expect(await new FileSource().wireFile('data:image/png;base64,AAEC')).toBe('base64://AAEC');
  });

  test.for([
    ['base64://not base64', 'media.base64_invalid'],
    ['base64://', 'media.base64_invalid'],
    ['base64://AAECAwQF', 'media.file_too_large'],
    ['https://', 'media.url_invalid'],
    ['https://a b', 'media.url_invalid'],
    ['relative.png', 'media.address_unsupported'],
    ['../up.png', 'media.address_unsupported'],
    ['ftp://x.example/a', 'media.address_unsupported'],
    ['file://other-host/a.png', 'media.address_unsupported'],
    ['', 'media.address_unsupported'],
  ] as const)('%j is refused with %s', async ([url, code]) => {
    expect((await refusalOf(url, new FileSource(4))).code).toBe(code);
  });
});

test.for([
  ['/tmp/a b.pdf', 'a b.pdf'],
  ['file:///tmp/%C3%BC.pdf', 'ü.pdf'],
  ['https://x.example/p/a%20b.pdf?x=/y', 'a b.pdf'],
  ['https://x.example/%2Fetc%2Fpasswd', 'passwd'],
  ['https://x.example/%E0%A4%A', '%E0%A4%A'],
  ['https://x.example/', undefined],
  ['base64://AAEC', undefined],
] as const)('%s is shown as %s', ([url, name]) => {
  expect(nameOfFile(url)).toBe(name);
});
