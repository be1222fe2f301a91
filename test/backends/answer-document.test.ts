/** What a backend may answer as JSON: messages in order, and of this machine only the files of one folder. */
import { mkdirSync, readFileSync, renameSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { rename, symlink, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, test } from 'vitest';
import { answerPieces } from '../../src/backends/answer-document.js';
import type { AnswerPiece } from '../../src/backends/backend.js';
import { BackendError } from '../../src/model/errors.js';
import { tempDir } from '../support/temp-dir.js';

const schema: object = JSON.parse(readFileSync(new URL('../../schema/answer.v1.json', import.meta.url), 'utf8'));
const isAnswer = new Ajv2020().compile(schema);

function piecesOf(answer: unknown, mediaDir?: string): Promise<readonly AnswerPiece[]> {
  return answerPieces('`bot`', typeof answer === 'string' ? answer : JSON.stringify(answer), mediaDir);
}

async function failureOf(answer: unknown, mediaDir?: string): Promise<BackendError> {
  const failure: unknown = await piecesOf(answer, mediaDir).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(BackendError);
  return failure as BackendError;
}

const base64 = (text: string) => `base64://${Buffer.from(text).toString('base64')}`;
const image = (url: string) => ({ messages: [{ image: url }] });

test('each entry is a message of its own, in order', async () => {
  const messages = [
    { text: 'one' },
    { markdown: '**two**' },
    { image: 'https://example.com/3.png' },
    { voice: base64('four') },
    { video: 'http://example.com/5.mp4' },
    { file: 'https://example.com/6.pdf', name: 'six.pdf' },
  ];
  expect(await piecesOf({ messages })).toEqual([
    { type: 'text', text: 'one' },
    { type: 'end' },
    { type: 'markdown', markdown: '**two**' },
    { type: 'end' },
    { type: 'media', kind: 'image', url: 'https://example.com/3.png' },
    { type: 'end' },
    { type: 'media', kind: 'voice', url: base64('four') },
    { type: 'end' },
    { type: 'media', kind: 'video', url: 'http://example.com/5.mp4' },
    { type: 'end' },
    { type: 'media', kind: 'file', url: 'https://example.com/6.pdf', name: 'six.pdf' },
  ]);
});

test.each([
  ['nothing', ''],
  ['blank lines', ' \n\n'],
  ['an empty list', { messages: [] }],
])('%s is silence', async (_, answer) => {
  expect(await piecesOf(answer)).toEqual([]);
});

test('colours and control characters are no part of a text', async () => {
  expect(await piecesOf({ messages: [{ text: '\u001b[31mred\u001b[0m\u0007\r\nnext\u0000' }] })).toEqual([
    { type: 'text', text: 'red\nnext' },
  ]);
});

test('what the published schema refuses is refused, what it takes is taken', async () => {
  const answers: readonly unknown[] = [
    { messages: [] },
    { messages: [{ text: '' }, { text: 'x' }] },
    { messages: [{ markdown: '# x' }, { image: 'https://example.com/a' }] },
    { messages: [{ file: 'https://example.com/a', name: 'ä b.pdf' }] },
    { messages: Array.from({ length: 20 }, () => ({ text: 'x' })) },
    { messages: Array.from({ length: 21 }, () => ({ text: 'x' })) },
    {},
    [],
    null,
    'text',
    { message: [{ text: 'x' }] },
    { messages: { text: 'x' } },
    { messages: [{ text: 'x' }], reply_to: '1' },
    { messages: ['x'] },
    { messages: [null] },
    { messages: [[{ text: 'x' }]] },
    { messages: [{}] },
    { messages: [{ txt: 'x' }] },
    { messages: [{ text: 1 }] },
    { messages: [{ text: null }] },
    { messages: [{ text: 'x', markdown: 'y' }] },
    { messages: [{ text: 'x', image: 'https://example.com/a' }] },
    { messages: [{ text: 'x', name: 'a' }] },
    { messages: [{ image: 'https://example.com/a', name: 'a' }] },
    { messages: [{ image: '' }] },
    { messages: [{ file: 'https://example.com/a', name: '../../etc/passwd' }] },
    { messages: [{ file: 'https://example.com/a', name: '' }] },
    { messages: [{ file: 'https://example.com/a', name: 'a\u202eb' }] },
    { messages: [{ file: 'https://example.com/a', name: 1 }] },
    { messages: [{ __proto__: null, constructor: 'x' }] },
  ];
  const taken: unknown[] = [];
  for (const answer of answers) {
    const isTaken = await piecesOf(JSON.stringify(answer)).then(
      () => true,
      (error: unknown) => {
        expect(error).toBeInstanceOf(BackendError);
        return false;
      },
    );
    expect(isTaken, JSON.stringify(answer)).toBe(isAnswer(answer));
    if (isTaken) taken.push(answer);
  }
  expect(taken).toHaveLength(5);
});

test('a shape that is no answer is told with the place at fault, and with how to see the whole shape', async () => {
  const failure = await failureOf({ messages: [{ text: 'a' }, { text: 'b', image: 'c' }] });
  expect(failure.code).toBe('backend.answer_invalid');
  expect(failure.message).toBe(
    'the JSON of `bot` is no answer: messages[1] has both `text` and `image`, which are two messages',
  );
  expect(failure.remedy).toContain('loong config schema answer');
  expect((await failureOf('Here you are: {"messages": []}')).message).toContain('it is not JSON');
  expect((await failureOf({ messages: [{ ['\u001b[31mx\n'.repeat(90)]: 'y' }] })).message).not.toMatch(/\p{C}/u);
});

describe('a file of this machine', () => {
  function mediaDir(): { readonly folder: string; readonly outside: string } {
    const root = tempDir();
    const folder = join(root, 'media');
    mkdirSync(join(folder, 'deep'), { recursive: true });
    writeFileSync(join(folder, 'a.png'), 'picture');
    writeFileSync(join(folder, 'deep', '..b.png'), 'other');
    mkdirSync(join(root, 'media-of-others'));
    for (const name of ['secret.toml', 'media-of-others/a.png']) writeFileSync(join(root, name), 'client_secret');
    return { folder, outside: join(root, 'secret.toml') };
  }

  test('is sent from below media_dir, however its path is written', async () => {
    const { folder } = mediaDir();
    const path = join(folder, 'a.png');
    for (const written of ['a.png', './a.png', 'deep/../a.png', path, pathToFileURL(path).href]) {
      expect(await piecesOf(image(written), folder), written).toEqual([
        { type: 'media', kind: 'image', url: base64('picture') },
      ]);
    }
    expect(await piecesOf(image('deep/..b.png'), folder)).toMatchObject([{ url: base64('other') }]);
  });

  test('is sent as it was when the answer came', async () => {
    const { folder } = mediaDir();
    const pieces = await piecesOf(image('a.png'), folder);
    renameSync(join(folder, 'a.png'), join(folder, 'gone.png'));
    expect(pieces).toMatchObject([{ url: base64('picture') }]);
  });

  test('is never sent from anywhere else', async () => {
    const { folder, outside } = mediaDir();
    symlinkSync(outside, join(folder, 'link.png'));
    symlinkSync(join(outside, '..'), join(folder, 'up'));
    for (const written of [
      outside,
      pathToFileURL(outside).href,
      '/etc/passwd',
      '../secret.toml',
      'deep/../../secret.toml',
      '../media-of-others/a.png',
      `${folder}-of-others/a.png`,
      'link.png',
      'up/secret.toml',
      folder,
      '.',
      'file://server/etc/passwd',
      'file:///etc/passwd%00.png',
      'a.png\u0000.png',
      '/proc/self/environ',
      '/dev/stdin',
    ]) {
      const failure = await failureOf({ messages: [{ text: 'see' }, { image: written }] }, folder);
      expect(failure.code, written).toBe('backend.media_refused');
      expect(failure.message).not.toContain('client_secret');
    }
  });

  // Elsewhere than on Linux nobody tells where an open file is; there the path is looked up once more.
  test.runIf(process.platform === 'linux')(
    'is never sent from elsewhere while somebody swaps its folder for a link',
    async () => {
      const { folder, outside } = mediaDir();
      const [swapped, real] = [join(folder, 'swapped'), join(folder, 'real')];
      mkdirSync(swapped);
      writeFileSync(join(swapped, 'secret.toml'), 'picture');
      let isOver = false;
      let turns = 0;
      const aWhile = async () => {
        for (let i = turns++ % 7; i > 0; i--) await new Promise((resolve) => setImmediate(resolve));
      };
      const swapping = (async () => {
        while (!isOver) {
          await rename(swapped, real);
          await symlink(join(outside, '..'), swapped);
          await aWhile();
          await unlink(swapped);
          await rename(real, swapped);
          await aWhile();
        }
      })();
      const sent = new Set<string>();
      for (let i = 0; i < 1000; i++) {
        const [piece] = await piecesOf(image('swapped/secret.toml'), folder).catch((error: unknown) => {
          expect(error).toMatchObject({ code: 'backend.media_refused' });
          return [];
        });
        if (piece?.type === 'media') sent.add(piece.url);
      }
      isOver = true;
      await swapping;
      expect([...sent]).toEqual([base64('picture')]);
    },
  );

  test('may stand behind a link where the operator named that', async () => {
    const { folder } = mediaDir();
    const link = join(tempDir(), 'link');
    symlinkSync(folder, link);
    expect(await piecesOf(image(join(link, 'a.png')), link)).toMatchObject([{ url: base64('picture') }]);
    expect(await piecesOf(image(join(folder, 'a.png')), link)).toMatchObject([{ url: base64('picture') }]);
  });

  test('is never sent where no folder was named, and the remedy names the key', async () => {
    const { folder } = mediaDir();
    for (const written of [join(folder, 'a.png'), pathToFileURL(join(folder, 'a.png')).href, 'a.png']) {
      const failure = await failureOf(image(written));
      expect(failure.code).toBe('backend.media_refused');
      expect(failure.remedy).toContain('media_dir');
    }
  });

  test('that is not there, is empty, is no file or is too large is refused', async () => {
    const { folder } = mediaDir();
    writeFileSync(join(folder, 'empty.png'), '');
    writeFileSync(join(folder, 'large.bin'), '');
    truncateSync(join(folder, 'large.bin'), 15 * 1_048_576);
    for (const written of ['missing.png', 'empty.png', 'deep']) {
      expect((await failureOf(image(written), folder)).code, written).toBe('backend.media_refused');
    }
    const large = { image: 'large.bin' };
    expect(await piecesOf({ messages: [large, { image: 'a.png' }] }, folder)).toHaveLength(3);
    expect((await failureOf({ messages: [large, large] }, folder)).message).toContain('20 MiB');
    expect((await failureOf(image('a.png'), join(folder, 'nowhere'))).remedy).toContain('media_dir');
  });
});

test.each([
  'ftp://example.com/a',
  'javascript:alert(1)',
  'data:text/html,x',
  'https://',
  'http://a b/',
  'base64://',
  'base64://!!',
])('%s is no address of a medium', async (address) => {
  expect((await failureOf(image(address), tempDir())).code).toBe('backend.media_refused');
});

test('half of a character is replaced, a whole one is not', async () => {
  expect(await piecesOf(String.raw`{"messages": [{"text": "a\ud800b\udc09\ud83d\udc09"}]}`)).toEqual([
    { type: 'text', text: 'a\ufffdb\ufffd🐉' },
  ]);
});

test('a text that is far too long is refused before it is cleaned', async () => {
  expect((await failureOf({ messages: [{ text: '\u001b'.repeat(1_000_001) }] })).code).toBe('backend.too_long');
});
