import { describe, expect, test } from 'vitest';
import { decodeEvent } from '../../../src/lanes/onebot/decode-event.js';
import { plainText, type Segment } from '../../../src/model/message.js';
import type { AccountId } from '../../../src/model/target.js';

const HOME = 'home' as AccountId;
const NOW = Date.parse('2026-10-02T12:20:00Z');
const TIME = NOW / 1000 - 60;

const FRAME = {
  self_id: 10001,
  user_id: 20002,
  time: TIME,
  message_id: 1234567,
  real_seq: '8812',
  message_type: 'private',
  sub_type: 'friend',
  sender: { user_id: 20002, nickname: 'Ann', card: '' },
  raw_message: 'hi',
  font: 14,
  message: [{ type: 'text', data: { text: 'hi' } }] as unknown,
  message_format: 'array',
  post_type: 'message',
};
const GROUP = {
  ...FRAME,
  message_type: 'group',
  sub_type: 'normal',
  group_id: 30003,
  sender: { user_id: 20002, nickname: 'Ann', card: 'Annie', role: 'admin' },
};

const decode = (change: object = {}, frame: object = FRAME) => decodeEvent({ ...frame, ...change }, HOME, NOW);

function messageOf(change: object = {}, frame: object = FRAME) {
  const decoded = decode(change, frame);
  if (decoded.kind !== 'message') throw new Error(`expected a message, got ${JSON.stringify(decoded)}`);
  return decoded.message;
}

const segmentsOf = (message: unknown, frame: object = GROUP): readonly Segment[] =>
  messageOf({ message }, frame).segments;
const wire = (type: string, data: object) => segmentsOf([{ type, data }]);

describe('who writes, and where', () => {
  test('a private message', () => {
    expect(decode()).toEqual({
      kind: 'message',
      message: {
        id: '1234567.8812',
        conversation: { channel: 'onebot', account: 'home', kind: 'c2c', peer: '20002' },
        sender: { id: '20002', name: 'Ann', isBot: false },
        segments: [{ type: 'text', text: 'hi' }],
        mentionsBot: true,
        sentAt: TIME * 1000,
      },
    });
  });

  test('a group message', () => {
    expect(messageOf({}, GROUP)).toEqual({
      id: '1234567.8812',
      conversation: { channel: 'onebot', account: 'home', kind: 'group', peer: '30003' },
      sender: { id: '20002', name: 'Annie', role: 'admin', isBot: false },
      segments: [{ type: 'text', text: 'hi' }],
      mentionsBot: false,
      sentAt: TIME * 1000,
    });
  });

  test('a temporary talk stays private, and remembers the group through which it came', () => {
    const napcat = decode({ sub_type: 'group', group_id: 30003 });
    const gocq = decode({ sub_type: 'group', sender: { nickname: 'Ann', group_id: 30003 } });
    for (const decoded of [napcat, gocq]) {
      expect(decoded).toMatchObject({
        message: { conversation: { kind: 'c2c', peer: '20002' }, mentionsBot: true, viaGroup: '30003' },
      });
    }
    expect(messageOf({ sub_type: 'other' })).not.toHaveProperty('viaGroup');
  });

  test('an anonymous member, by the name that is shown', () => {
    const anonymous = { id: 1, name: '大力鬼王', flag: 'f' };
    expect(messageOf({ sub_type: 'anonymous', anonymous, user_id: 80000000 }, GROUP).sender).toEqual({
      id: '80000000',
      name: '大力鬼王',
      role: 'admin',
      isBot: false,
    });
    expect(messageOf({ anonymous: null }, GROUP).sender.name).toBe('Annie');
  });

  test('a robot of the platform', () => {
    expect(messageOf({ user_id: 2854196310 }, GROUP).sender.isBot).toBe(true);
  });

  test.for([
    [{ post_type: 'message_sent' }],
    [{ post_type: 'message_sent', user_id: undefined, message: null }],
    [{ user_id: 10001 }],
    [{ user_id: '10001', self_id: 10001 }],
  ])('what the account itself wrote is never a message: %j', ([change]) => {
    expect(decode(change)).toEqual({ kind: 'own' });
  });

  test('a name is one line of 64 characters, without signs that hide or turn text', () => {
    const nickname = `A\n\u202e\u0000evil\u2066${'x'.repeat(200)}`;
    const { name = '' } = messageOf({ sender: { nickname } }).sender;
    expect(name).toMatch(/^A evil x+$/);
    expect(name.length).toBe(64);
    expect(messageOf({ sender: { card: '\u200b \n', nickname: 'Ann' } }, GROUP).sender.name).toBe('Ann');
    expect(messageOf({ sender: { card: 7, nickname: {}, role: 'god' } }, GROUP).sender).toEqual({
      id: '20002',
      isBot: false,
    });
    expect(messageOf({ sender: undefined }).sender).toEqual({ id: '20002', isBot: false });
  });
});

describe('ids and times', () => {
  test.for([
    [{ message_id: -2147483648 }, '-2147483648.8812'],
    [{ message_id: '-5' }, '-5.8812'],
    [{ message_id: '17612345678901234567' }, '17612345678901234567.8812'],
    [{ real_seq: 77 }, '1234567.77'],
    [{ real_seq: undefined }, `1234567.${TIME}`],
    [{ real_seq: '' }, `1234567.${TIME}`],
    [{ real_seq: null, time: TIME * 1000 + 7 }, `1234567.${TIME}`],
    [{ real_seq: undefined, time: undefined }, '1234567'],
  ])('%j has the id %s', ([change, id]) => {
    expect(messageOf(change as object).id).toBe(id);
  });

  test('two messages of one number in two groups are two', () => {
    const [here, there] = [messageOf({}, GROUP), messageOf({ group_id: 30004, real_seq: '8813' }, GROUP)];
    expect(here.conversation).not.toEqual(there.conversation);
    expect(here.id).not.toBe(there.id);
  });

  test.for([
    [TIME, TIME * 1000],
    [String(TIME), TIME * 1000],
    [TIME * 1000 + 400, TIME * 1000],
    [0, NOW],
    [-5, NOW],
    [Number.POSITIVE_INFINITY, NOW],
    ['soon', NOW],
    [null, NOW],
    [TIME + 10 * 86_400, NOW],
  ])('the time %j is %i', ([time, sentAt]) => {
    expect(messageOf({ time }).sentAt).toBe(sentAt);
  });

  test('ids beyond 2^53, and those of bridges, stay what they are', () => {
    const change = { user_id: '17612345678901234567', group_id: 'room-5', self_id: 'bot@1' };
    expect(messageOf({ ...change, self_id: 'bot-1' }, GROUP)).toMatchObject({
      conversation: { peer: 'room-5' },
      sender: { id: '17612345678901234567' },
    });
    expect(decode(change, GROUP)).toEqual({ kind: 'undecodable', reason: 'expected self_id' });
  });
});

describe('whom a message means', () => {
  const at = (qq: unknown) => ({ type: 'at', data: { qq } });
  const hi = { type: 'text', data: { text: ' hi ' } };

  test.for([
    [[at('10001'), hi], true, 'hi'],
    [[at(10001), hi], true, 'hi'],
    [[hi, at('10001')], true, 'hi'],
    [[at('10001')], true, ''],
    [[at('all'), hi], false, '@全体成员 hi'],
    [[at('20003'), hi], false, '@20003 hi'],
    [[at('20003'), at('10001'), hi], true, '@20003 hi'],
    [[{ type: 'text', data: { text: '@10001 [CQ:at,qq=10001]' } }], false, '@10001 [CQ:at,qq=10001]'],
  ] as const)('%j', ([message, mentionsBot, said]) => {
    const decoded = messageOf({ message }, GROUP);
    expect([decoded.mentionsBot, plainText(decoded.segments)]).toEqual([mentionsBot, said]);
  });

  test('the name of a member who is @-ed, where it came along', () => {
    expect(wire('at', { qq: '20003', name: '@Bob\u202e' })).toEqual([{ type: 'mention', peer: '20003', name: 'Bob' }]);
    expect(wire('at', { name: '@Bob' })).toMatchObject([{ type: 'native', kind: 'at', text: '@Bob' }]);
  });
});

/** The same message in the two forms in which it comes. */
const forms: readonly (readonly [string, (list: unknown, text: string) => unknown])[] = [
  ['as a list', (list) => list],
  ['as text with codes', (_list, text) => text],
];

describe.for(forms)('%s', ([, form]) => {
  const message = (list: unknown, text: string) => messageOf({ message: form(list, text) }, GROUP);

  test('text and a quote', () => {
    const list = [
      { type: 'reply', data: { id: '-77' } },
      { type: 'at', data: { qq: '10001' } },
      { type: 'text', data: { text: ' a,b [c] & ' } },
    ];
    expect(message(list, '[CQ:reply,id=-77][CQ:at,qq=10001] a,b &#91;c&#93; &amp; ')).toMatchObject({
      mentionsBot: true,
      segments: [
        { type: 'quote', message: '-77' },
        { type: 'text', text: 'a,b [c] &' },
      ],
    });
  });

  test('an image', () => {
    const data = { file: 'A1.jpg', url: 'https://cdn.example/a?b=1&c=2', file_size: '99' };
    const text = '[CQ:image,file=A1.jpg,url=https://cdn.example/a?b=1&amp;c=2,file_size=99]';
    expect(message([{ type: 'image', data }], text).segments).toEqual([
      { type: 'media', kind: 'image', url: data.url, name: 'A1.jpg', size: 99 },
    ]);
  });

  test('a card whose JSON is full of signs', () => {
    const card = JSON.stringify({ app: 'com.tencent.miniapp_01', prompt: '[小程序]a,b', meta: {} });
    const escaped = card
      .replaceAll('&', '&amp;')
      .replaceAll('[', '&#91;')
      .replaceAll(']', '&#93;')
      .replaceAll(',', '&#44;');
    expect(message([{ type: 'json', data: { data: card } }], `[CQ:json,data=${escaped}]`).segments).toEqual([
      { type: 'native', channel: 'onebot', kind: 'json', data: { data: card }, text: '[小程序: [小程序]a,b]' },
    ]);
  });
});

test('a segment that stands alone is a message too', () => {
  expect(segmentsOf({ type: 'dice', data: { result: '6' } })).toMatchObject([{ kind: 'dice' }]);
});

describe('each message type of the seed', () => {
  test('text messages', () => {
    expect(
      segmentsOf([
        { type: 'text', data: { text: 'a' } },
        { type: 'text', data: { text: 7 } },
      ]),
    ).toEqual([{ type: 'text', text: 'a7' }]);
  });

  test('reply messages, with the text where it came along', () => {
    expect(wire('reply', { id: 42, text: ' old ' })).toEqual([{ type: 'quote', message: '42', text: 'old' }]);
    expect(wire('reply', { text: 'old' })).toMatchObject([{ type: 'native', kind: 'reply', text: '[引用: old]' }]);
  });

  test('images', () => {
    expect(wire('image', { file: 'https://x.example/a.png' })).toEqual([
      { type: 'media', kind: 'image', url: 'https://x.example/a.png' },
    ]);
  });

  test('voice messages', () => {
    const data = { file: 'v.amr', url: 'http://10.0.0.5/v.amr', path: '/app/v.amr', file_size: 'x' };
    expect(wire('record', data)).toEqual([{ type: 'media', kind: 'voice', url: data.url, name: 'v.amr' }]);
  });

  test('videos', () => {
    expect(wire('video', { file: 'v.mp4', url: 'https://x.example/v' })).toMatchObject([
      { type: 'media', kind: 'video', name: 'v.mp4' },
    ]);
  });

  test('files, also those whose address has to be asked for', () => {
    expect(wire('file', { file: '../a\n.pdf', url: 'https://x.example/f', file_size: 5 })).toEqual([
      { type: 'media', kind: 'file', url: 'https://x.example/f', name: '.._a .pdf', size: 5 },
    ]);
    expect(wire('file', { file: 'a.pdf', file_id: '/f1' })).toEqual([
      {
        type: 'native',
        channel: 'onebot',
        kind: 'file',
        data: { file: 'a.pdf', file_id: '/f1' },
        text: '[文件: a.pdf]',
      },
    ]);
  });

  test.for(['/etc/passwd', 'file:///etc/passwd', 'base64://AAAA', 'javascript:x', 'https://a b', 'https://', ''])(
    'a medium is never the address %s',
    (url) => {
      expect(wire('image', { file: url, url })).toMatchObject([{ type: 'native', kind: 'image', text: '[图片]' }]);
    },
  );

  test('markdown messages', () => {
    expect(wire('markdown', { content: '# a' })).toEqual([{ type: 'markdown', markdown: '# a' }]);
    expect(wire('markdown', { content: { a: 1 } })).toMatchObject([{ text: '[不支持的内容: markdown]' }]);
  });

  test('MiniApp messages', () => {
    const data = JSON.stringify({
      app: 'com.tencent.miniapp_01',
      prompt: '[QQ小程序]哔哩',
      meta: { detail_1: { title: '哔哩', qqdocurl: 'https://b23.tv/x' } },
    });
    expect(wire('json', { data })).toMatchObject([{ text: '[小程序: [QQ小程序]哔哩 https://b23.tv/x]' }]);
    expect(wire('miniapp', { data: 'no json' })).toMatchObject([{ kind: 'miniapp', text: '[小程序]' }]);
  });

  test('MFace (商城表情), which comes as an image', () => {
    const data = { summary: '[开心]', url: 'https://x.example/e', key: 'k', emoji_id: 'e', emoji_package_id: 5 };
    expect(wire('image', data)).toEqual([
      { type: 'native', channel: 'onebot', kind: 'mface', data, text: '[表情: 开心]' },
    ]);
  });

  test('dice (骰子)', () => {
    expect(wire('dice', { result: '6' })).toMatchObject([{ kind: 'dice', data: { result: '6' }, text: '[骰子: 6]' }]);
    expect(wire('dice', {})).toMatchObject([{ text: '[骰子]' }]);
  });

  test('RPS (猜拳)', () => {
    expect([1, '2', 3, 9].map((result) => plainText(wire('rps', { result })))).toEqual([
      '[猜拳: 石头]',
      '[猜拳: 剪刀]',
      '[猜拳: 布]',
      '[猜拳: 9]',
    ]);
  });

  test('JSON messages', () => {
    const data = { data: { prompt: 'a card' } };
    expect(wire('json', data)).toMatchObject([{ kind: 'json', data, text: '[卡片: a card]' }]);
    expect(wire('json', { data: '{' })).toMatchObject([{ kind: 'json', text: '[卡片]' }]);
  });

  test('XML messages', () => {
    const data = '<?xml?><msg brief="[分享] &quot;a&quot;" x="1"/>';
    expect(wire('xml', { data })).toMatchObject([{ kind: 'xml', data: { data }, text: '[XML 卡片: [分享] "a"]' }]);
  });

  test('location messages', () => {
    const data = { lat: '39.9042', lon: 116.4074, title: 'Beijing', content: 'Capital of China' };
    const text = '[位置: Beijing Capital of China (39.9042, 116.4074)]';
    expect(wire('location', data)).toMatchObject([{ kind: 'location', data, text }]);
    const card = {
      app: 'com.tencent.map',
      meta: { 'Location.Search': { name: 'Beijing', address: 'Capital of China', lat: '39.9042', lng: '116.4074' } },
    };
    expect(wire('json', { data: JSON.stringify(card) })).toMatchObject([{ kind: 'json', text }]);
  });
});

describe('what the seed does not name', () => {
  test.for([
    ['face', { id: '14', raw: { faceText: '/微笑', huge: 'x' } }, '[微笑]'],
    ['face', { id: 14 }, '[表情: 14]'],
    ['contact', { type: 'group', id: '5' }, '[推荐群: 5]'],
    ['music', { type: '163', id: '7' }, '[音乐: 163 7]'],
    ['share', { title: 't', url: 'https://x.example' }, '[链接: t https://x.example]'],
    ['poke', { type: '1', id: '-1' }, '[戳一戳]'],
    ['shake', {}, '[窗口抖动]'],
    ['forward', { id: '7350000000000000001' }, '[聊天记录]'],
    ['onlinefile', { fileName: 'a.zip' }, '[在线文件: a.zip]'],
    ['flashtransfer', { fileSetId: 's' }, '[闪传文件]'],
    ['redbag', { title: '恭喜' }, '[红包: 恭喜]'],
    ['keyboard', { rows: [] }, '[按钮]'],
    ['longmsg', { id: 'x' }, '[长消息]'],
    ['holo-call', { a: 1 }, '[不支持的内容: holo-call]'],
    ['constructor', {}, '[不支持的内容: constructor]'],
    ['__proto__', {}, '[不支持的内容: __proto__]'],
  ] as const)('%s %j', ([type, data, text]) => {
    const { raw: _raw, ...kept } = data as { raw?: unknown };
    expect(wire(type, data)).toEqual([{ type: 'native', channel: 'onebot', kind: type, data: kept, text }]);
  });

  test('a chat record that came along whole can be read, and keeps its id', () => {
    const inner = { type: 'forward', data: { id: '2', content: [{ sender: { nickname: 'Z' }, message: 'deep' }] } };
    const content = [
      { sender: { nickname: 'A', card: 'Aa' }, message: [{ type: 'text', data: { text: 'one' } }] },
      { type: 'node', data: { nickname: 'B', content: '[CQ:image,url=https://x.example/1] two' } },
      { user_id: 5, message: [inner] },
      null,
    ];
    expect(wire('forward', { id: '1', content })).toEqual([
      {
        type: 'native',
        channel: 'onebot',
        kind: 'forward',
        data: { id: '1' },
        text: '[聊天记录]\nAa: one\nB: [图片] two\n5: [聊天记录]\nZ: deep\n?: ',
      },
    ]);
  });

  test('a mention within a record addresses nobody', () => {
    const content = [{ sender: { nickname: 'A' }, message: [{ type: 'at', data: { qq: '10001' } }] }];
    expect(messageOf({ message: [{ type: 'forward', data: { content } }] }, GROUP)).toMatchObject({
      mentionsBot: false,
      segments: [{ text: '[聊天记录]\nA: @10001' }],
    });
  });
});

describe('messages that nobody answers', () => {
  test.for([[[]], [''], [[{ type: 'text', data: { text: ' ' } }]], [[{ type: 'text' }]]])(
    'an empty one is a notice: %j',
    ([message]) => {
      expect(decode({ message })).toMatchObject({ kind: 'notice', notice: { name: 'message.empty' } });
    },
  );

  test('a line of the system in a group is a notice', () => {
    expect(decode({ sub_type: 'notice' }, GROUP)).toMatchObject({
      notice: { name: 'message.notice', about: { kind: 'group', peer: '30003' } },
    });
  });
});
