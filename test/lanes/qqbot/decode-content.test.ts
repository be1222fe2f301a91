import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeEvent } from '../../../src/lanes/qqbot/decode-event.js';
import { type InboundMessage, plainText } from '../../../src/model/message.js';
import { type AccountId, isPeerId } from '../../../src/model/target.js';

const MAIN = 'main' as AccountId;
const NOW = Date.parse('2026-10-02T12:20:00Z');
const BOT = '9980011223344556677';

function fixture(name: string): { readonly t: string; readonly d: { readonly [key: string]: unknown } } {
  return JSON.parse(readFileSync(new URL(`../../fixtures/qqbot/${name}.json`, import.meta.url), 'utf8'));
}

function message(t: string, d: object, botId?: string): InboundMessage {
  const decoded = decodeEvent(t, d, MAIN, NOW, botId);
  if (decoded.kind !== 'message') throw new Error(`expected a message, got ${JSON.stringify(decoded)}`);
  return decoded.message;
}

const C2C = { id: 'm', author: { user_openid: 'alice' }, message_type: 0 };
const GROUP = { id: 'm', author: { member_openid: 'alice' }, group_openid: 'group' };
const CHANNEL = { id: 'm', author: { id: '7', username: 'Li' }, channel_id: '2', guild_id: '1' };
const c2c = (more: object) => message('C2C_MESSAGE_CREATE', { ...C2C, ...more }).segments;
const group = (more: object) => message('GROUP_MESSAGE_CREATE', { ...GROUP, ...more }).segments;
const channel = (more: object, botId: string | undefined = BOT) =>
  message('MESSAGE_CREATE', { ...CHANNEL, ...more }, botId).segments;

test('a message of attachments alone may have no text, or `null` for it', () => {
  const attachments = [{ content_type: 'image/png', url: 'https://img.example/1' }];
  const image = [{ type: 'media', kind: 'image', url: 'https://img.example/1' }];
  for (const content of [{}, { content: null }, { content: '' }]) {
    expect(c2c({ ...content, attachments })).toEqual(image);
    expect(group({ ...content, attachments })).toEqual(image);
    expect(channel({ ...content, attachments })).toEqual(image);
  }
});

const base64 = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64');
const face = (ext: string) => `<faceType=1,faceId="13",ext="${ext}">`;
const text = (content: string) => [{ type: 'text', text: content }];

describe('guilds', () => {
  test('a message of a channel that @-s the bot', () => {
    const { t, d } = fixture('guild-at-message');
    expect(message(t, d, BOT)).toMatchObject({
      conversation: { kind: 'channel', peer: d.channel_id },
      sender: { isBot: false },
      mentionsBot: true,
    });
    expect(plainText(message(t, d, BOT).segments)).not.toContain(BOT);
  });

  test('a direct message: its conversation is the session, its sender the author', () => {
    const { t, d } = fixture('direct-message');
    expect(message(t, d)).toMatchObject({
      conversation: { kind: 'dm', peer: '18700000000004000001' },
      sender: { id: '18700000000003000001', name: 'Li' },
      segments: [
        { type: 'quote', message: '18700000000006000001' },
        { type: 'text', text: 'psst' },
        { type: 'media', kind: 'image', url: 'https://gchat.qpic.cn/x', name: 'a.png', size: 1 },
      ],
      mentionsBot: true,
    });
  });

  test.for(['message-audit-pass', 'message-reaction-add', 'public-message-delete', 'guild-create', 'channel-create'])(
    '%s is a notice as it came',
    (name) => {
      const { t, d } = fixture(name);
      expect(decodeEvent(t, d, MAIN, NOW)).toEqual({ kind: 'notice' });
    },
  );

  test('what was typed is unescaped once, and is never markup', () => {
    expect(channel({ content: 'a &lt;@!123&gt; &amp;lt; b' })).toEqual(text('a <@!123> &lt; b'));
  });

  test('others who are @-ed are mentions with their names, the bot is none', () => {
    const mentions = [
      { id: BOT, username: 'demo', bot: true },
      { id: '42', username: 'Bob' },
    ];
    expect(channel({ content: `<@!${BOT}> ask <@!42> and <@43>!`, mentions })).toEqual([
      { type: 'text', text: 'ask ' },
      { type: 'mention', peer: '42', name: 'Bob' },
      { type: 'text', text: ' and ' },
      { type: 'mention', peer: '43' },
      { type: 'text', text: '!' },
    ]);
  });

  test('the bot is meant where it is mentioned, and where the event says so', () => {
    const mentions = [{ id: BOT, bot: true }];
    const meant = (t: string, more: object, botId: string | undefined = BOT) =>
      message(t, { ...CHANNEL, ...more }, botId).mentionsBot;
    expect(meant('MESSAGE_CREATE', { content: 'hi' })).toBe(false);
    expect(meant('MESSAGE_CREATE', { content: 'hi', mentions })).toBe(true);
    expect(meant('MESSAGE_CREATE', { content: `<@!${BOT}> hi` })).toBe(true);
    expect(meant('MESSAGE_CREATE', { content: 'hi', mention_everyone: true })).toBe(false);
    expect(meant('AT_MESSAGE_CREATE', { content: 'hi' })).toBe(true);
  });

  test('the only bot in an @-message is this one, which is worth remembering', () => {
    const d = { ...CHANNEL, content: `<@!${BOT}> hi`, mentions: [{ id: BOT, bot: true }, { id: '42' }] };
    expect(decodeEvent('AT_MESSAGE_CREATE', d, MAIN, NOW)).toMatchObject({
      botId: BOT,
      message: { segments: text('hi') },
    });
    expect(decodeEvent('MESSAGE_CREATE', d, MAIN, NOW)).not.toHaveProperty('botId');
    const two = {
      ...d,
      mentions: [
        { id: BOT, bot: true },
        { id: '43', bot: true },
      ],
    };
    expect(decodeEvent('AT_MESSAGE_CREATE', two, MAIN, NOW)).not.toHaveProperty('botId');
  });

  test('everybody is a mention where the event says so, and text where somebody only wrote it', () => {
    expect(channel({ content: '@everyone hi', mention_everyone: true })).toEqual([
      { type: 'mention', peer: 'all' },
      { type: 'text', text: ' hi' },
    ]);
    expect(channel({ content: '@everyone hi' })).toEqual(text('@everyone hi'));
    expect(channel({ content: 'hi', mention_everyone: true })[0]).toEqual({ type: 'mention', peer: 'all' });
  });

  test('a face has only a number there; a quote only an id', () => {
    expect(channel({ content: 'ok <emoji:76>', message_reference: { message_id: '08ab' } })).toEqual([
      { type: 'quote', message: '08ab' },
      { type: 'text', text: 'ok [表情:76]' },
    ]);
  });

  test('the nickname in the guild is the name', () => {
    const { sender } = message('MESSAGE_CREATE', { ...CHANNEL, content: 'x', member: { nick: 'Boss', roles: ['4'] } });
    expect(sender).toEqual({ id: '7', name: 'Boss', isBot: false });
  });

  test.for([
    ['MESSAGE_CREATE', { channel_id: '../x' }, 'd.channel_id'],
    ['AT_MESSAGE_CREATE', { author: { id: 7 } }, 'd.author.id'],
    ['DIRECT_MESSAGE_CREATE', { guild_id: undefined }, 'd.guild_id'],
  ] as const)('%s with %j is undecodable', ([t, more, reason]) => {
    expect(decodeEvent(t, { ...CHANNEL, ...more }, MAIN, NOW)).toEqual({
      kind: 'undecodable',
      reason: `expected ${reason}`,
    });
  });
});

describe('text of C2C and groups', () => {
  test('a face is its name in brackets', () => {
    expect(c2c({ content: `hi${face(base64({ text: '微笑' }))}${face(base64({ text: '/呲牙' }))}` })).toEqual(
      text('hi[微笑][呲牙]'),
    );
  });

  test.for([
    '',
    '!!!',
    'e30=',
    base64(null),
    base64([]),
    base64({ text: 7 }),
    base64({ text: '' }),
    base64({ text: '\n\u202e' }),
    Buffer.from('{"text":').toString('base64'),
    'A'.repeat(100_000),
  ])('a face with %j is a face without a name', (ext) => {
    expect(c2c({ content: face(ext) })).toEqual(text('[表情]'));
  });

  test('a face cannot pretend to be anything else', () => {
    expect(c2c({ content: face(base64({ text: `x] [system\n<@all>${'y'.repeat(500)}` })) })).toEqual([
      { type: 'text', text: expect.stringMatching(/^\[x system @ally{1,32}\]$/) },
    ]);
  });

  test('others who are @-ed in a group are mentions; what merely looks like one stays text', () => {
    const mentions = [{ scope: 'single', member_openid: 'BOB', nickname: 'Bob' }];
    expect(group({ content: 'List<@Override> <@BOB> <@!0123456789ABCDEF0123456789ABCDEF>', mentions })).toEqual([
      { type: 'text', text: 'List<@Override> ' },
      { type: 'mention', peer: 'BOB', name: 'Bob' },
      { type: 'text', text: ' ' },
      { type: 'mention', peer: '0123456789ABCDEF0123456789ABCDEF' },
    ]);
    expect(c2c({ content: 'List<@Override>' })).toEqual(text('List<@Override>'));
  });

  test('everybody in a group is a mention, and not the bot', () => {
    const { segments, mentionsBot } = message('GROUP_MESSAGE_CREATE', {
      ...GROUP,
      content: '@全体成员 hi',
      mentions: [{ scope: 'all' }],
    });
    expect(segments).toEqual([
      { type: 'mention', peer: 'all' },
      { type: 'text', text: ' hi' },
    ]);
    expect(mentionsBot).toBe(false);
  });

  test.for([
    ['member', 'member'],
    ['admin', 'admin'],
    ['owner', 'owner'],
    ['god', undefined],
    [7, undefined],
  ] as const)('a member_role of %j is a role of %j', ([member_role, role]) => {
    const { sender } = message('GROUP_MESSAGE_CREATE', { ...GROUP, author: { ...GROUP.author, member_role } });
    expect(sender.role).toBe(role);
  });
});

describe('what is no text', () => {
  const attach = (...attachments: unknown[]) => c2c({ content: '', attachments });

  test('attachments are media, their addresses whole', () => {
    expect(
      attach(
        { content_type: 'image/jpeg', url: 'multimedia.example/a?rkey=1', filename: 'a.jpg', size: 12 },
        { content_type: 'video/mp4', url: 'https://multimedia.example/b', filename: '../../b.mp4', size: -1 },
        { content_type: 'file', url: '//multimedia.example/c', filename: 'c\r\n.pdf' },
      ),
    ).toEqual([
      { type: 'media', kind: 'image', url: 'https://multimedia.example/a?rkey=1', name: 'a.jpg', size: 12 },
      { type: 'media', kind: 'video', url: 'https://multimedia.example/b', name: '.._.._b.mp4' },
      { type: 'media', kind: 'file', url: 'https://multimedia.example/c', name: 'c .pdf' },
    ]);
  });

  test('a voice is the form that can be played, with what was understood', () => {
    const voice = { content_type: 'voice', url: 'https://x.example/silk', asr_refer_text: ' 你好 ' };
    expect(attach({ ...voice, voice_wav_url: 'x.example/wav' })).toEqual([
      { type: 'media', kind: 'voice', url: 'https://x.example/wav', transcript: '你好' },
    ]);
    expect(attach({ ...voice, voice_wav_url: '' })).toMatchObject([{ url: 'https://x.example/silk' }]);
  });

  test.for([
    '',
    7,
    undefined,
    'javascript:alert(1)',
    'file:///etc/passwd',
    'ftp://x/y',
    'https://a:b@x/',
    'a b',
    'https://',
    `x/${'y'.repeat(5000)}`,
  ])('an attachment at %j leaves a trace', (url) => {
    const trace = attach({ content_type: 'image/png', url });
    expect(trace).toEqual(text('[不支持的内容: image/png]'));
  });

  test('a flood of attachments is cut, and says so', () => {
    const segments = attach(
      ...Array.from({ length: 1000 }, (_, n) => ({ content_type: 'file', url: `x.example/${n}` })),
    );
    expect(segments.length).toBe(51);
    expect(segments[0]).toEqual({ type: 'text', text: '[不支持的内容: 另有 950 个附件]' });
  });

  test('a card is the text that it shows of itself', () => {
    expect(c2c({ content: '', message_type: 3, ark_data: { prompt: '[分享] 天气', fields: {} } })).toEqual(
      text('[分享] 天气'),
    );
    expect(c2c({ content: 'look', ark_data: { ark_type: 'map' } })).toEqual([
      { type: 'text', text: 'look' },
      { type: 'text', text: '\n[不支持的内容: ark]' },
    ]);
    expect(channel({ content: '', embeds: [{ title: 'News' }, {}] })).toEqual(text('News\n[不支持的内容: embed]'));
  });

  test('a kind of message that nobody knows leaves a trace', () => {
    expect(c2c({ content: '', message_type: 42 })).toEqual(text('[不支持的内容: message_type 42]'));
    expect(c2c({ content: '', message_type: 102 })).toEqual(text('[不支持的内容: message_type 102]'));
  });

  test('a chat record is its texts, however it comes', () => {
    expect(c2c({ content: '=== 消息 1 ===\nhi', message_type: 102 })).toEqual(text('=== 消息 1 ===\nhi'));
    const image = { content_type: 'image/png', url: 'x.example/1' };
    const msg_elements = [{ content: `hi${face(base64({ text: '微笑' }))}` }, { attachments: [image] }];
    expect(c2c({ content: '', message_type: 102, msg_elements })).toEqual(
      text('=== 消息 1 ===\nhi[微笑]\n=== 消息 2 ===\n[图片]'),
    );
  });
});

describe('quotes', () => {
  const scene = (...ext: unknown[]) => ({ message_scene: { source: 'default', ext } });

  test('the quote comes first, and the text that it is about', () => {
    const msg_elements = [
      { msg_idx: 'REFIDX_x', content: 'another' },
      {
        msg_idx: 'REFIDX_AB7y==',
        content: `see${face(base64({ text: '微笑' }))}`,
        attachments: [{ content_type: 'voice', url: 'x.example/v', asr_refer_text: '喂' }],
      },
    ];
    expect(
      c2c({ content: 'this?', ...scene('msg_idx=REFIDX_CK3x==', 'ref_msg_idx=REFIDX_AB7y=='), msg_elements }),
    ).toEqual([
      { type: 'quote', message: 'REFIDX_AB7y==', text: 'see[微笑]\n[语音: 喂]' },
      { type: 'text', text: 'this?' },
    ]);
  });

  test('what cannot be pointed at is still told', () => {
    expect(c2c({ content: 'this?', message_type: 103, msg_elements: [{ content: 'old' }] })).toEqual([
      { type: 'native', channel: 'qqbot', kind: 'quote', data: {}, text: '[引用: old]\n' },
      { type: 'text', text: 'this?' },
    ]);
    expect(c2c({ content: 'this?', ...scene('ref_msg_idx=REFIDX_1') })).toEqual([
      { type: 'quote', message: 'REFIDX_1' },
      { type: 'text', text: 'this?' },
    ]);
  });

  test.for([
    [7],
    ['ref_msg_idx='],
    ['ref_msg_idx=a b'],
    [`ref_msg_idx=${'x'.repeat(600)}`],
    ['ref_msg_idx'],
    [null, {}],
  ])('an ext of %j names no quote', (ext) => {
    expect(c2c({ content: 'x', ...scene(...ext) })).toEqual(text('x'));
  });

  test('a long quote is cut', () => {
    const [quote] = c2c({ content: '', ...scene('ref_msg_idx=R'), msg_elements: [{ content: '字'.repeat(50_000) }] });
    expect(quote?.type === 'quote' && quote.text?.length).toBe(4001);
    expect(quote?.type === 'quote' && quote.text?.endsWith('…')).toBe(true);
  });

  test('a quote of a quote of a quote ends', () => {
    let element: object = { content: 'deep' };
    for (let n = 0; n < 50; n++) element = { msg_elements: [element] };
    expect(c2c({ content: 'x', ...scene('ref_msg_idx=R'), msg_elements: [element] })).toEqual([
      { type: 'quote', message: 'R' },
      { type: 'text', text: 'x' },
    ]);
  });
});

describe('whatever is sent', () => {
  test.for([
    ['mentions', '<@'.repeat(200_000)],
    ['faces', '<faceType=1,faceId="1",ext="'.repeat(30_000)],
    ['real mentions', '<@BOB>'.repeat(100_000)],
    ['everyone', '@everyone'.repeat(100_000)],
  ])('a million characters of %s are read in no time', ([, content]) => {
    const begun = performance.now();
    const segments = group({ content, mentions: [{ member_openid: 'BOB' }, { scope: 'all' }] });
    expect(performance.now() - begun).toBeLessThan(1000);
    expect(segments.length).toBeLessThan(1100);
  });

  test('nothing makes it throw, and what comes out is well-formed', () => {
    const id = fc.constantFrom('BOB', '42', BOT, '..', 'a b', '<', 7, undefined);
    const words = fc
      .array(
        fc.oneof(
          fc.string(),
          fc.constantFrom(
            '<@',
            '<@!',
            '>',
            'BOB',
            '42',
            BOT,
            '&lt;',
            '&amp;',
            '@everyone',
            '@全体成员',
            '<emoji:4>',
            face(''),
            face(base64({ text: '[' })),
          ),
        ),
        { maxLength: 12 },
      )
      .map((parts) => parts.join(''));
    const loose = fc.oneof(words, fc.jsonValue(), fc.constant(undefined));
    const attachment = fc.record(
      {
        content_type: loose,
        url: fc.webUrl(),
        filename: loose,
        size: loose,
        voice_wav_url: loose,
        asr_refer_text: loose,
      },
      { requiredKeys: [] },
    );
    const element = fc.record(
      {
        msg_idx: loose,
        content: loose,
        attachments: fc.array(fc.oneof(attachment, fc.jsonValue())),
        msg_elements: loose,
        ark_data: loose,
      },
      { requiredKeys: [] },
    );
    const data = fc.record(
      {
        id: fc.constant('m'),
        author: fc.constant({ id: '7', user_openid: 'alice', member_openid: 'alice' }),
        group_openid: fc.constant('group'),
        channel_id: fc.constant('2'),
        guild_id: fc.constant('1'),
        content: words,
        message_type: fc.oneof(fc.constantFrom(0, 3, 101, 102, 103, 42), loose),
        mentions: fc.oneof(
          fc.array(
            fc.record(
              { id, member_openid: id, nickname: loose, is_you: loose, scope: loose, bot: loose },
              { requiredKeys: [] },
            ),
          ),
          loose,
        ),
        mention_everyone: fc.oneof(fc.boolean(), loose),
        attachments: fc.oneof(fc.array(fc.oneof(attachment, fc.jsonValue())), loose),
        message_scene: fc.oneof(
          fc.record({ ext: fc.array(fc.constantFrom('ref_msg_idx=R', 'msg_idx=', '=', 7)) }),
          loose,
        ),
        msg_elements: fc.oneof(fc.array(element), loose),
        message_reference: fc.oneof(fc.record({ message_id: loose }), loose),
        ark_data: fc.oneof(fc.record({ prompt: loose }), loose),
        embeds: fc.oneof(fc.array(fc.record({ title: loose })), loose),
        member: fc.oneof(fc.record({ nick: loose }), loose),
      },
      { requiredKeys: ['id', 'author', 'group_openid', 'channel_id', 'guild_id'] },
    );
    const event = fc.constantFrom(
      'C2C_MESSAGE_CREATE',
      'GROUP_AT_MESSAGE_CREATE',
      'GROUP_MESSAGE_CREATE',
      'AT_MESSAGE_CREATE',
      'MESSAGE_CREATE',
      'DIRECT_MESSAGE_CREATE',
    );
    fc.assert(
      fc.property(event, data, fc.constantFrom(BOT, undefined), (t, d, botId) => {
        const decoded = decodeEvent(t, d, MAIN, NOW, botId);
        expect(decoded.kind).toBe('message');
        if (decoded.kind !== 'message') return;
        for (const segment of decoded.message.segments) {
          if (segment.type === 'text') expect(segment.text).not.toBe('');
          if (segment.type === 'mention') expect(segment.peer === 'all' || isPeerId(segment.peer)).toBe(true);
          if (segment.type === 'mention') expect(segment.name).not.toBe('');
          if (segment.type === 'quote') expect(segment.message).toMatch(/^[\x21-\x7e]{1,512}$/);
          if (segment.type === 'media') expect(segment.url).toMatch(/^https?:\/\//i);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
