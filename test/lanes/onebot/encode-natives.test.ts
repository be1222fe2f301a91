import { describe, expect, test } from 'vitest';
import { encodeMessage } from '../../../src/lanes/onebot/encode-message.js';
import { FileSource } from '../../../src/lanes/onebot/file-source.js';
import { DeliveryError } from '../../../src/model/errors.js';
import type { Segment } from '../../../src/model/message.js';
import type { ChannelId } from '../../../src/model/target.js';
import type { Dialect } from '../../../src/protocol/onebot/implementations.js';

const native = (kind: string, data: object, channel: ChannelId = 'onebot'): Segment => ({
  type: 'native',
  channel,
  kind,
  data: data as { readonly [key: string]: unknown },
  text: `[${kind}]`,
});

const encode = (kind: string, data: object, dialect: Dialect = 'napcat') =>
  encodeMessage([native(kind, data)], 'group', dialect, new FileSource());

/** What is sent, or the code and words of the refusal. */
const refusalOf = async (kind: string, data: object, dialect?: Dialect): Promise<DeliveryError> => {
  const error = await encode(kind, data, dialect).then(
    (encoded) => JSON.stringify(encoded),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof DeliveryError)) throw new Error(`expected a refusal, got ${String(error)}`);
  expect(error).toMatchObject({ failure: 'refused', certainty: 'not-delivered', remedy: expect.any(String) });
  return error;
};

describe('each extended message type of the seed', () => {
  const CARD = '{"app":"com.tencent.miniapp_01","prompt":"x"}';

  test('MiniApp messages are cards, for NapCat leaves out a `miniapp`', async () => {
    for (const dialect of ['napcat', 'llonebot', 'go-cqhttp', 'other'] as const) {
      expect(await encode('miniapp', { data: CARD }, dialect)).toEqual({
        segments: [{ type: 'json', data: { data: CARD } }],
      });
    }
    expect((await encode('miniapp', { data: JSON.parse(CARD) })).segments).toMatchObject([{ data: { data: CARD } }]);
  });

  test('MFace (商城表情)', async () => {
    const data = { emoji_package_id: '12345', emoji_id: 'abc123', key: 'emoji_key', summary: '表情摘要' };
    expect(await encode('mface', { ...data, url: 'https://x.example', file: 'f' })).toEqual({
      segments: [{ type: 'mface', data: { ...data, emoji_package_id: 12345 } }],
    });
    const { summary: _, ...bare } = data;
    expect((await encode('mface', bare)).segments).toMatchObject([{ data: { summary: '[商城表情]' } }]);
    expect((await refusalOf('mface', { emoji_id: 'a', key: 'k' })).message).toContain('data.emoji_package_id');
    expect((await refusalOf('mface', data, 'go-cqhttp')).code).toBe('message.segment_unsupported');
  });

  test('Dice (骰子), random', async () => {
    for (const dialect of ['napcat', 'llonebot'] as const) {
      expect(await encode('dice', {}, dialect)).toEqual({ segments: [{ type: 'dice', data: {} }] });
    }
  });

  test('Dice with a result: sent where it is heeded, else with a warning', async () => {
    expect(await encode('dice', { result: 6 }, 'llonebot')).toEqual({
      segments: [{ type: 'dice', data: { result: 6 } }],
    });
    expect(await encode('dice', { result: 6 }, 'napcat')).toEqual({
      segments: [{ type: 'dice', data: {} }],
      warning: 'the result of `dice` is random: NapCat does not heed the one that was given',
    });
  });

  test('RPS (猜拳/石头剪刀布), random and with a result', async () => {
    expect(await encode('rps', {})).toEqual({ segments: [{ type: 'rps', data: {} }] });
    expect(await encode('rps', { result: '3' }, 'llonebot')).toEqual({
      segments: [{ type: 'rps', data: { result: 3 } }],
    });
    expect(await encode('rps', { result: 1 })).toMatchObject({ warning: expect.stringContaining('`rps` is random') });
  });

  test.for([
    ['dice', 0],
    ['dice', 7],
    ['dice', 1.5],
    ['dice', 'six'],
    ['dice', {}],
    ['rps', 4],
    ['rps', -1],
  ] as const)('%s has no result %j', async ([kind, result]) => {
    expect((await refusalOf(kind, { result }, 'llonebot')).code).toBe('message.segment_invalid');
  });

  const PLACE = { lat: 39.9042, lon: '116.4074', title: 'Beijing & more', content: 'Capital of China' };

  test.for(['napcat', 'llonebot', 'go-cqhttp'] as const)(
    'location messages are text with a map link on %s',
    async (dialect) => {
      const { segments, warning } = await encode('location', PLACE, dialect);
      const link = 'https://uri.amap.com/marker?position=116.4074,39.9042&name=Beijing+%26+more';
      expect(segments).toEqual([{ type: 'text', data: { text: `[位置] Beijing & more\nCapital of China\n${link}` } }]);
      expect(warning).toContain('sent as text with a link to a map');
    },
  );

  test('location messages go out as such on Lagrange', async () => {
    expect(await encode('location', PLACE, 'lagrange')).toEqual({
      segments: [
        {
          type: 'location',
          data: { lat: '39.9042', lon: '116.4074', title: 'Beijing & more', content: 'Capital of China' },
        },
      ],
    });
  });

  test.for([{}, { lat: 91, lon: 0 }, { lat: 0, lon: 'x' }, { lat: null, lon: 0 }])(
    'there is no place %j',
    async (data) => {
      expect((await refusalOf('location', data)).code).toBe('message.segment_invalid');
    },
  );

  test('JSON messages, with their token', async () => {
    const data = { data: '{"key": "value"}', config: { token: 'optional_token' } };
    expect(await encode('json', data)).toEqual({ segments: [{ type: 'json', data }] });
    for (const wrong of [{}, { data: 'no json' }, { data: '5' }, { data: '' }, { data: [] }]) {
      expect((await refusalOf('json', wrong)).code).toBe('message.segment_invalid');
    }
  });

  test('XML messages: refused where they would be left out, sent elsewhere', async () => {
    const data = { data: '<xml>...</xml>' };
    for (const dialect of ['napcat', 'llonebot'] as const) {
      const { code, message, remedy } = await refusalOf('xml', data, dialect);
      expect([code, remedy]).toEqual(['message.segment_unsupported', 'send it as `json`, or as text']);
      expect(message).toMatch(/^(NapCat|LLOneBot) leaves out a `xml`$/);
    }
    for (const dialect of ['lagrange', 'go-cqhttp', 'other'] as const) {
      expect(await encode('xml', data, dialect)).toEqual({ segments: [{ type: 'xml', data }] });
    }
  });
});

describe('what the seed does not name', () => {
  test.for([
    ['face', { id: 14, raw: { huge: 1 }, chainCount: 2 }, { id: '14', chainCount: 2 }],
    ['contact', { type: 'group', id: 5, x: 1 }, { type: 'group', id: '5' }],
    ['music', { type: '163', id: 7 }, { type: '163', id: '7' }],
    [
      'music',
      { type: 'custom', url: 'https://x.example', title: 't', image: 'https://x.example/i' },
      { type: 'custom', url: 'https://x.example', title: 't', image: 'https://x.example/i' },
    ],
    ['image', { file: 'ABC.jpg', url: 'x' }, { file: 'ABC.jpg' }],
    ['file', { file: 'https://x.example/f', name: 'f' }, { file: 'https://x.example/f', name: 'f' }],
  ] as const)('%s %j', async ([kind, data, sent]) => {
    expect((await encode(kind, data)).segments).toEqual([{ type: kind, data: sent }]);
  });

  test.for([
    ['face', {}],
    ['contact', { type: 'x', id: 1 }],
    ['music', { type: 'x', id: 1 }],
    ['music', { type: 'custom', url: 'https://x.example', title: 't' }],
    ['forward', {}],
    ['text', { text: 'x' }],
    ['at', { qq: 'all' }],
    ['reply', { id: 1 }],
  ] as const)('%s %j is refused', async ([kind, data]) => {
    expect((await refusalOf(kind, data)).code).toBe('message.segment_invalid');
  });

  test('a poke is an action on NapCat, and a segment elsewhere', async () => {
    expect((await refusalOf('poke', { type: '1', id: '-1' })).remedy).toContain('group_poke');
    expect((await encode('poke', { type: '1', id: '-1' }, 'lagrange')).segments).toHaveLength(1);
  });

  test.for(['share', 'shake', 'anonymous', 'keyboard', 'tts', 'lightapp', 'never-heard-of', 'constructor'])(
    'a %s would take the whole message with it on NapCat',
    async (kind) => {
      const { code, message } = await refusalOf(kind, { a: 1 });
      expect([code, message]).toEqual([
        'message.segment_unsupported',
        `NapCat refuses a whole message that holds a \`${kind}\``,
      ]);
    },
  );

  test.for(['onlinefile', 'flashtransfer'])('a %s would be left out on NapCat', async (kind) => {
    expect((await refusalOf(kind, {})).remedy).toContain('loong onebot call send_');
  });

  test('what nobody is known to refuse goes out as it is', async () => {
    expect((await encode('never-heard-of', { a: 1 }, 'other')).segments).toEqual([
      { type: 'never-heard-of', data: { a: 1 } },
    ]);
  });

  test.for(['/etc/passwd', 'file:///etc/passwd', '../x', 'C:\\x', '.hidden'])(
    'a file that came in under the name %s is not read when it is sent back',
    async (file) => {
      expect((await refusalOf('image', { file })).code).toBe('media.address_unsupported');
    },
  );

  test('a segment of another channel is refused', async () => {
    const sent = encodeMessage([native('ark', {}, 'qqbot')], 'group', 'napcat', new FileSource());
    await expect(sent).rejects.toMatchObject({ code: 'message.native_unsupported', failure: 'refused' });
  });
});

describe('a path that somebody else may have written is never read on the other side', () => {
  const node = (content: object) => ({ user_id: '1', nickname: 'x', content: [content] });
  const image = (data: object) => ({ type: 'image', data });
  test.each([
    ['node', node(image({ url: '/etc/passwd' }))],
    ['node', node(image({ file: 'a.png', url: 'file:///etc/passwd' }))],
    ['node', node({ type: 'file', data: { path: '/etc/passwd' } })],
    ['node', node({ type: 'video', data: { file: 'http://x/a.mp4', thumb: '/etc/passwd' } })],
    ['node', node({ type: 'forward', data: { id: '1', content: [image({ file: '/etc/passwd' })] } })],
  ])('%s with %j', async (kind, data) => {
    expect((await refusalOf(kind, data)).code).toBe('media.address_unsupported');
  });

  test('nor in a segment that passes as it is', async () => {
    const { code } = await refusalOf('somethingnew', { file: 'file:///etc/passwd' }, 'other');
    expect(code).toBe('media.address_unsupported');
  });

  test('addresses, and names by which the other side knows a file, pass', async () => {
    const content = image({ file: 'ABC.png', url: 'https://example.com/a.png' });
    expect((await encode('node', node(content))).segments[0]?.data.content).toEqual([content]);
  });
});
