import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeMessage } from '../../../src/lanes/onebot/encode-message.js';
import { FileSource } from '../../../src/lanes/onebot/file-source.js';
import { DeliveryError } from '../../../src/model/errors.js';
import type { MediaKind, Segment } from '../../../src/model/message.js';
import type { PeerId } from '../../../src/model/target.js';
import type { Dialect } from '../../../src/protocol/onebot/implementations.js';

const FILES = new FileSource();
const text = (written: string): Segment => ({ type: 'text', text: written });
const markdown = (written: string): Segment => ({ type: 'markdown', markdown: written });
const mention = (peer: string, name?: string): Segment => ({
  type: 'mention',
  peer: peer as PeerId,
  ...(name === undefined ? {} : { name }),
});
const quote = (message: string): Segment => ({ type: 'quote', message });
const media = (kind: MediaKind, url = 'https://x.example/a.bin'): Segment => ({ type: 'media', kind, url });
const native = (kind: string, data: object): Segment => ({
  type: 'native',
  channel: 'onebot',
  kind,
  data: data as { readonly [key: string]: unknown },
  text: `[${kind}]`,
});

const encode = (segments: readonly Segment[], kind: 'c2c' | 'group' = 'group', dialect: Dialect = 'napcat') =>
  encodeMessage(segments, kind, dialect, FILES);

async function codeOf(segments: readonly Segment[], kind?: 'c2c' | 'group', dialect?: Dialect): Promise<string> {
  const error = await encode(segments, kind, dialect).then(
    (encoded) => JSON.stringify(encoded),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof DeliveryError)) throw new Error(`expected a refusal, got ${String(error)}`);
  expect(error).toMatchObject({ failure: 'refused', certainty: 'not-delivered', remedy: expect.any(String) });
  return error.code;
}

describe('what is written', () => {
  test('text messages go out as one segment', async () => {
    expect(await encode([text('a'), text(' b')])).toEqual({ segments: [{ type: 'text', data: { text: 'a b' } }] });
  });

  test('text that looks like a code stays text, whatever is written', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('[CQ:', 'at,qq=all', ']', '&amp;', '[CQ:image,file=file:///etc/passwd]')),
        async (parts) => {
          const written = `x${parts.join('')}`;
          expect((await encode([text(written)])).segments).toEqual([{ type: 'text', data: { text: written } }]);
        },
      ),
    );
  });

  test('an @ in a group addresses a member, or everybody', async () => {
    expect((await encode([mention('20002', 'Ann'), text(' hi'), mention('all')])).segments).toEqual([
      { type: 'at', data: { qq: '20002' } },
      { type: 'text', data: { text: ' hi' } },
      { type: 'at', data: { qq: 'all' } },
    ]);
  });

  test('an @ in private is a name, for it would be left out', async () => {
    expect((await encode([mention('20002', 'Ann'), text(' hi'), mention('all')], 'c2c')).segments).toEqual([
      { type: 'text', data: { text: '@Ann hi@全体成员' } },
    ]);
  });

  test('an @ of what is no QQ number is a name, but for bridges with ids of their own', async () => {
    expect((await encode([mention('x-1')])).segments).toEqual([{ type: 'text', data: { text: '@x-1' } }]);
    expect((await encode([mention('x-1')], 'group', 'other')).segments).toEqual([{ type: 'at', data: { qq: 'x-1' } }]);
  });

  test('reply messages (with quote): it stands first, under the number of the wire', async () => {
    expect((await encode([text('yes'), quote('-123.8812')])).segments).toEqual([
      { type: 'reply', data: { id: '-123' } },
      { type: 'text', data: { text: 'yes' } },
    ]);
    expect((await encode([quote('77'), mention('20002'), text(' yes')])).segments.map(({ type }) => type)).toEqual([
      'reply',
      'at',
      'text',
    ]);
  });

  test('a quote that nobody could find, and a second one, are refused', async () => {
    expect(await codeOf([quote('REFIDX_1'), text('a')])).toBe('message.quote_malformed');
    expect(await codeOf([quote('.5'), text('a')], 'group', 'other')).toBe('message.quote_malformed');
    expect(await codeOf([quote('1'), quote('2'), text('a')])).toBe('message.quotes');
  });

  test.for([[[]], [[text('')]], [[text(' \n')]], [[quote('5')]]])('%j is empty', async ([segments = []]) => {
    expect(await codeOf(segments)).toBe('message.empty');
  });
});

describe('media', () => {
  test.for([
    ['image', 'image'],
    ['voice', 'record'],
    ['video', 'video'],
  ] as const)('%s messages go out as `%s`', async ([kind, type]) => {
    expect((await encode([media(kind)])).segments).toEqual([{ type, data: { file: 'https://x.example/a.bin' } }]);
  });

  test('file messages (txt, doc, pdf, etc.) have a name', async () => {
    expect((await encode([media('file')])).segments).toEqual([
      { type: 'file', data: { file: 'https://x.example/a.bin', name: 'a.bin' } },
    ]);
    const named: Segment = { type: 'media', kind: 'file', url: 'base64://AAEC', name: 'b.txt' };
    expect((await encode([named])).segments).toEqual([
      { type: 'file', data: { file: 'base64://AAEC', name: 'b.txt' } },
    ]);
    expect((await encode([media('file', 'base64://AAEC')])).segments).toMatchObject([{ data: { name: 'file' } }]);
  });

  test('images stand among text', async () => {
    const { segments } = await encode([quote('1'), text('a'), media('image'), text('b'), media('image')]);
    expect(segments.map(({ type }) => type)).toEqual(['reply', 'text', 'image', 'text', 'image']);
  });

  test.for(['voice', 'video', 'file'] as const)('a %s stands alone', async (kind) => {
    expect(await codeOf([text('look'), media(kind)])).toBe('message.segments_mixed');
    expect(await codeOf([media('image'), media(kind)])).toBe('message.segments_mixed');
    expect(await codeOf([media(kind), media(kind)])).toBe('message.segments_mixed');
    expect((await encode([text('\n'), media(kind), text(' ')])).segments).toHaveLength(1);
  });

  test('a quote beside what must stand alone is left out, which is told', async () => {
    expect(await encode([quote('1'), media('voice')])).toEqual({
      segments: [{ type: 'record', data: { file: 'https://x.example/a.bin' } }],
      warning: 'it is sent without the quote, for QQ takes a `record` only as a message of its own',
    });
  });

  test('a file that cannot be read is refused before anything leaves', async () => {
    expect(await codeOf([media('image', '/no/such.png')])).toBe('media.file_unreadable');
  });

  test.for(['lagrange', 'go-cqhttp'] as const)('%s leaves files out, so they are refused', async (dialect) => {
    expect(await codeOf([media('file')], 'group', dialect)).toBe('message.segment_unsupported');
  });
});

describe('markdown messages', () => {
  test('go out as such, alone', async () => {
    expect(await encode([markdown('# a'), markdown('\nb')])).toEqual({
      segments: [{ type: 'markdown', data: { content: '# a\nb' } }],
    });
  });

  test('take in the text beside them, which looks like itself there', async () => {
    expect(await encode([mention('20002', 'A_n'), text(' *hi* '), markdown('**x**')])).toEqual({
      segments: [{ type: 'markdown', data: { content: '@A\\_n \\*hi\\* **x**' } }],
      warning: 'nobody is notified by a name in markdown',
    });
  });

  test('do not stand beside an image', async () => {
    expect(await codeOf([markdown('a'), media('image')])).toBe('message.segments_mixed');
  });

  test('are text where nobody knows them', async () => {
    expect(await encode([text('a '), markdown('**b**')], 'group', 'go-cqhttp')).toEqual({
      segments: [{ type: 'text', data: { text: 'a **b**' } }],
      warning: 'go-cqhttp knows no markdown: it is sent as text',
    });
  });
});

describe('chat records', () => {
  const node = (data: object) => native('node', data);

  test('by id, and by messages that exist', async () => {
    expect((await encode([native('forward', { id: '7350000000000000001' })])).segments).toEqual([
      { type: 'forward', data: { id: '7350000000000000001' } },
    ]);
    expect((await encode([node({ id: -5 }), node({ id: '6.88' })])).segments).toEqual([
      { type: 'node', data: { id: '-5' } },
      { type: 'node', data: { id: '6' } },
    ]);
  });

  test('made by hand; text in them is never read for codes', async () => {
    const inner = {
      type: 'node',
      data: { user_id: 2, nickname: 'B', content: [{ type: 'text', data: { text: 'b' } }] },
    };
    const data = { uin: '1', name: 'A\n', content: '[CQ:at,qq=all]', time: 5, prompt: 'p', odd: 1 };
    const { segments } = await encode([node(data), node({ user_id: 1, nickname: 'A', content: inner })]);
    const who = { user_id: '1', uin: '1', nickname: 'A', name: 'A' };
    expect(segments).toEqual([
      {
        type: 'node',
        data: { ...who, content: [{ type: 'text', data: { text: '[CQ:at,qq=all]' } }], time: 5, prompt: 'p' },
      },
      {
        type: 'node',
        data: {
          ...who,
          content: [
            {
              type: 'node',
              data: {
                user_id: '2',
                uin: '2',
                nickname: 'B',
                name: 'B',
                content: [{ type: 'text', data: { text: 'b' } }],
              },
            },
          ],
        },
      },
    ]);
  });

  test('hold nothing but nodes', async () => {
    expect(await codeOf([node({ id: 1 }), text('a')])).toBe('message.segments_mixed');
    expect(await encode([quote('1'), node({ id: 1 })])).toMatchObject({ warning: expect.stringContaining('quote') });
  });

  const by = { user_id: 1, nickname: 'A' };
  const nested = (depth: number): object =>
    depth === 0 ? { ...by, content: 'x' } : { ...by, content: [{ type: 'node', data: nested(depth - 1) }] };

  test.for([
    [{}, 'message.segment_invalid'],
    [{ content: 'x', nickname: 'A' }, 'message.segment_invalid'],
    [{ content: 'x', user_id: 1 }, 'message.segment_invalid'],
    [{ ...by, content: [] }, 'message.segment_invalid'],
    [{ ...by, content: null }, 'message.segment_invalid'],
    [{ ...by, content: [{ type: 'text' }] }, 'message.segment_invalid'],
    [{ ...by, content: [{ type: 'xml', data: {} }] }, 'message.segment_unsupported'],
    [{ ...by, content: [{ type: 'image', data: { file: '/etc/passwd' } }] }, 'media.address_unsupported'],
    [{ ...by, content: [{ type: 'image', data: { file: 'file:///etc/passwd' } }] }, 'media.address_unsupported'],
    [nested(3), 'message.record_too_deep'],
  ] as const)('%j is refused with %s', async ([data, code]) => {
    expect(await codeOf([node(data)])).toBe(code);
  });

  test('three levels are taken', async () => {
    expect((await encode([node(nested(2))])).segments).toHaveLength(1);
  });
});
