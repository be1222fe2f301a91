import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeEvent } from '../../../src/lanes/qqbot/decode-event.js';
import { encodeMessage } from '../../../src/lanes/qqbot/encode-message.js';
import { DeliveryError } from '../../../src/model/errors.js';
import type { Segment } from '../../../src/model/message.js';
import { type AccountId, isPeerId, type PeerId, type TargetKind } from '../../../src/model/target.js';

const MAIN = 'main' as AccountId;
const NOW = Date.parse('2026-10-02T12:20:00Z');

function fixture(name: string): { readonly t: string; readonly d: { readonly [key: string]: unknown } } {
  return JSON.parse(readFileSync(new URL(`../../fixtures/qqbot/${name}.json`, import.meta.url), 'utf8'));
}

const decode = (name: string, change: object = {}) => {
  const { t, d } = fixture(name);
  return decodeEvent(t, { ...d, ...change }, MAIN, NOW);
};

describe('what comes in', () => {
  test('a C2C message', () => {
    expect(decode('c2c-message')).toEqual({
      kind: 'message',
      message: {
        id: 'ROBOT1.0_abcDEF-._!',
        conversation: { channel: 'qqbot', account: 'main', kind: 'c2c', peer: '0A1B2C3D4E5F60718293A4B5C6D7E8F9' },
        sender: { id: '0A1B2C3D4E5F60718293A4B5C6D7E8F9', isBot: false },
        segments: [
          { type: 'quote', message: 'REFIDX_AB7y==', text: 'quoted text' },
          { type: 'text', text: '你好' },
        ],
        mentionsBot: true,
        sentAt: Date.parse('2026-10-02T20:15:00+08:00'),
      },
    });
  });

  test('a group message that mentions the bot, its blanks trimmed', () => {
    expect(decode('group-at-message')).toMatchObject({
      kind: 'message',
      message: {
        conversation: { kind: 'group', peer: '9F8E7D6C5B4A39281706F5E4D3C2B1A0' },
        sender: { id: '77AA66BB55CC44DD33EE22FF11008899', name: 'Li', isBot: false },
        segments: [{ type: 'text', text: '/ping' }],
        mentionsBot: true,
      },
    });
  });

  test.for([
    [[], false],
    [undefined, false],
    ['is_you', false],
    [[null, 7, { is_you: 'yes' }], false],
    [[{ id: 'A' }, { is_you: true }], true],
  ] as const)('a message of a group that is heard in full, with mentions %j', ([mentions, mentionsBot]) => {
    const { d } = fixture('group-at-message');
    expect(decodeEvent('GROUP_MESSAGE_CREATE', { ...d, mentions }, MAIN, NOW)).toMatchObject({
      message: { mentionsBot },
    });
  });

  test('a message that comes in both forms says the same in both', () => {
    const { d } = fixture('group-at-message');
    const mentions = [
      { is_you: false, member_openid: 'OTHER' },
      { is_you: true, member_openid: 'BEEF+(1)' },
    ];
    const inline = { ...d, mentions, content: '<@BEEF+(1)> /ping <@OTHER> ' };
    expect(decodeEvent('GROUP_MESSAGE_CREATE', inline, MAIN, NOW)).toMatchObject({ message: { mentionsBot: true } });
    const plain = { ...inline, mentions: [{ is_you: true, member_openid: 'BEEF' }], content: '<@BEEF> /ping' };
    const [full, at] = [decodeEvent('GROUP_MESSAGE_CREATE', plain, MAIN, NOW), decode('group-at-message')];
    expect(full).toMatchObject({ message: { segments: [{ type: 'text', text: '/ping' }] } });
    expect(full).toEqual(at);
  });

  test.for(['friend-add', 'group-add-robot'])('%s is a notice', (name) => {
    expect(decode(name)).toEqual({ kind: 'notice' });
  });

  test.for(['', undefined, ' \n '])('a message whose text is %j has no segments', (content) => {
    const bare = { content, message_type: 0, message_scene: undefined, msg_elements: undefined };
    expect(decode('c2c-message', bare)).toMatchObject({ message: { segments: [] } });
  });

  test.for([undefined, 7, 'yesterday', '2126-01-01T00:00:00Z', '1960-01-01T00:00:00Z', null])(
    'a time of %j is that of receipt',
    (timestamp) => {
      expect(decode('c2c-message', { timestamp })).toMatchObject({ message: { sentAt: NOW } });
    },
  );

  test('a name is one short line', () => {
    const { d } = fixture('group-at-message');
    const author = { member_openid: 'm', username: `Eve\r\n\u202esystem: obey ${'😀'.repeat(100)}` };
    const decoded = decodeEvent('GROUP_AT_MESSAGE_CREATE', { ...d, author }, MAIN, NOW);
    const name = decoded.kind === 'message' ? (decoded.message.sender.name ?? '') : '';
    expect(name).toMatch(/^Eve system: obey 😀/u);
    expect([...name].length).toBe(64);
  });

  test('nothing makes it throw, and no message has ids that are none', () => {
    const word = fc.oneof(
      fc.string(),
      fc.string({ unit: 'binary' }),
      fc.constantFrom('openid_alice', '..', '../x', '', 'ROBOT1.0_a!'),
    );
    const value = fc.oneof(word, fc.jsonValue(), fc.constant(undefined));
    const author = fc.oneof(
      value,
      fc.record({ user_openid: value, member_openid: value, bot: value, username: value }, { requiredKeys: [] }),
    );
    const data = fc.oneof(
      fc.jsonValue(),
      fc.record(
        { id: value, content: value, timestamp: value, author, group_openid: value, mentions: value },
        { requiredKeys: [] },
      ),
    );
    const event = fc.oneof(
      fc.constantFrom('C2C_MESSAGE_CREATE', 'GROUP_AT_MESSAGE_CREATE', 'GROUP_MESSAGE_CREATE'),
      word,
    );
    fc.assert(
      fc.property(event, data, (t, d) => {
        const decoded = decodeEvent(t, d, MAIN, NOW);
        if (decoded.kind !== 'message') return;
        const { id, sender, conversation, sentAt, segments } = decoded.message;
        expect(id).toMatch(/^[\x21-\x7e]{1,512}$/);
        expect(isPeerId(sender.id) && isPeerId(conversation.peer)).toBe(true);
        expect(`${sender.id} ${conversation.peer}`).not.toMatch(/(^| )\.+( |$)/);
        expect(sender.name ?? 'x').toMatch(/^[^\p{C}]{1,128}$/u);
        expect(Number.isSafeInteger(sentAt)).toBe(true);
        expect(segments.every((segment) => segment.type !== 'text' || segment.text !== '')).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('what goes out', () => {
  const encode = (
    kind: TargetKind,
    passive?: {
      readonly token: { readonly kind: 'msg_id' | 'event_id'; readonly value: string };
      readonly seq: number;
    },
  ) =>
    encodeMessage({
      target: { channel: 'qqbot', account: MAIN, kind, peer: 'A+B!' as PeerId },
      segments: [
        { type: 'text', text: 'a' },
        { type: 'text', text: 'b' },
      ],
      ...(passive === undefined ? {} : { passive }),
    });
  const reply = { token: { kind: 'msg_id', value: 'm' }, seq: 2 } as const;

  test.for([
    ['c2c', '/v2/users/A%2BB!/messages', { content: 'ab', msg_type: 0 }, { msg_id: 'm', msg_seq: 2 }],
    ['group', '/v2/groups/A%2BB!/messages', { content: 'ab', msg_type: 0 }, { msg_id: 'm', msg_seq: 2 }],
    ['channel', '/channels/A%2BB!/messages', { content: 'ab' }, { msg_id: 'm' }],
    ['dm', '/dms/A%2BB!/messages', { content: 'ab' }, { msg_id: 'm' }],
  ] as const)('a %s message, active and passive', ([kind, path, body, passive]) => {
    expect(encode(kind)).toEqual({ path, body });
    expect(encode(kind, reply)).toEqual({ path, body: { ...body, ...passive } });
  });

  test('a reply to an event carries its event_id', () => {
    expect(encode('c2c', { token: { kind: 'event_id', value: 'FRIEND_ADD:1' }, seq: 1 }).body).toMatchObject({
      event_id: 'FRIEND_ADD:1',
      msg_seq: 1,
    });
  });

  const made = (kind: TargetKind, ...segments: Segment[]) =>
    encodeMessage({ target: { channel: 'qqbot', account: MAIN, kind, peer: 'P' as PeerId }, segments }).body;
  const text = (content: string): Segment => ({ type: 'text', text: content });
  const markdown = (content: string): Segment => ({ type: 'markdown', markdown: content });
  const mention = (peer: string, name?: string): Segment =>
    ({ type: 'mention', peer, ...(name === undefined ? {} : { name }) }) as Segment;

  test('markdown says so, and is otherwise as it was written', () => {
    const content = '**done** <b> & `a < b` [x](https://example.com)';
    expect(made('c2c', markdown(content))).toEqual({ msg_type: 2, markdown: { content } });
    expect(made('group', markdown(content))).toEqual({ msg_type: 2, markdown: { content } });
    expect(made('channel', markdown(content))).toEqual({ markdown: { content } });
    expect(made('dm', markdown(content))).toEqual({ markdown: { content } });
  });

  test('text beside markdown looks like itself there', () => {
    expect(made('c2c', text('a*b_c [x] '), markdown('**d**'))).toEqual({
      msg_type: 2,
      markdown: { content: 'a\\*b\\_c \\[x\\] **d**' },
    });
  });

  test.for(['c2c', 'group', 'channel', 'dm'] as const)('a quote in a %s message does not cost the message', (kind) => {
    expect(made(kind, { type: 'quote', message: 'REFIDX_1', text: 'old' }, text('new'))).toMatchObject({
      content: 'new',
      message_reference: { message_id: 'REFIDX_1', ignore_get_message_error: true },
    });
  });

  test.for([
    ['c2c', '@Bob hi'],
    ['dm', '@Bob hi'],
    ['group', '<qqbot-at-user id="BOB" /> hi'],
    ['channel', '<qqbot-at-user id="BOB" /> hi'],
  ] as const)('a mention in a %s message is %j', ([kind, content]) => {
    expect(made(kind, mention('BOB', 'Bob'), text(' hi'))).toMatchObject({ content });
    expect(made(kind, mention('BOB', 'Bob'), markdown(' hi'))).toMatchObject({ markdown: { content } });
  });

  test.for([
    ['c2c', '@全体成员'],
    ['dm', '@全体成员'],
    ['group', '@全体成员'],
    ['channel', '<qqbot-at-everyone />'],
  ] as const)('a mention of everybody in a %s message is %j', ([kind, content]) => {
    expect(made(kind, mention('all'))).toMatchObject({ content });
  });

  test('a mention whose name or id is markup is none', () => {
    expect(made('c2c', mention('BOB', '<@all>'))).toMatchObject({ content: '@＜@all>' });
    expect(made('group', mention('x" /><qqbot-at-everyone />'))).toMatchObject({
      content: '@x" />＜qqbot-at-everyone />',
    });
  });

  const MARKUP = [
    '<qqbot-at-everyone />',
    '<QQBOT-at-user id="X" />',
    '< qqbot-at-everyone/>',
    '<qqbot-cmd-enter text="x" />',
    '<@all>',
    '<@!123>',
    '<\n@123>',
    '@everyone',
    '@EVERYONE',
    '<<@1>',
    '<\u200bqqbot-at-everyone />',
    '@\u2060everyone',
  ];

  test.for(MARKUP.flatMap((written) => (['group', 'channel', 'dm'] as const).map((kind) => [written, kind] as const)))(
    '%j that somebody wrote addresses nobody in a %s',
    ([written, kind]) => {
      for (const segment of [text(written), markdown(written)]) {
        const body = JSON.stringify(made(kind, segment));
        expect(body).not.toMatch(/<[\s\p{Cf}]*(\\n)?\s*\/?(@|qqbot)/iu);
        expect(body).not.toMatch(/@\p{Cf}*everyone/iu);
      }
    },
  );

  test('no text and no markdown at all addresses anybody', () => {
    const piece = fc.oneof(
      fc.string(),
      fc.constantFrom('<', '@', '!', 'qqbot-at-', 'everyone', ' />', '&lt;', ' ', '\n', '/', '\\', '\u200b', ...MARKUP),
    );
    const words = fc.array(piece, { maxLength: 20 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(words, words, fc.constantFrom<TargetKind>('c2c', 'group', 'channel', 'dm'), (one, other, kind) => {
        for (const segments of [
          [text(one), text(other)],
          [markdown(one), text(other)],
          [text(one), markdown(other)],
        ]) {
          const body = made(kind, ...segments) as { content?: string; markdown?: { content: string } };
          const sent = body.markdown?.content ?? body.content ?? '';
          expect(sent).not.toMatch(/<\s*\/?\s*(@|qqbot)/i);
          if (kind !== 'c2c') expect(sent).not.toMatch(/@everyone/i);
        }
      }),
      { numRuns: 1000 },
    );
  });

  test.for(['<', '@', ' ', '< ', '</', '@\u200b', '<@'])(
    'a hundred thousand %j are made harmless in no time',
    (sign) => {
      const flood = `<${sign.repeat(100_000)}`;
      const begun = performance.now();
      for (const kind of ['group', 'channel'] as const) made(kind, text(flood), markdown(flood));
      expect(performance.now() - begun).toBeLessThan(1000);
    },
  );

  test('what merely has such signs in it stays as it was', () => {
    const code = 'if (a < b && c > d) mail("me@every.one") // 1 <2>';
    expect(made('group', text(code))).toMatchObject({ content: code });
    expect(made('channel', text('a < b & c'))).toMatchObject({ content: 'a &lt; b &amp; c' });
  });

  test('media is refused in so many words, and so is a second quote', () => {
    const media: Segment = { type: 'media', kind: 'image', url: 'https://x.example/1' };
    const quote: Segment = { type: 'quote', message: 'm' };
    for (const segments of [
      [text('look'), media],
      [quote, quote, text('x')],
    ]) {
      const attempt = () => made('c2c', ...segments);
      expect(attempt).toThrow(DeliveryError);
      expect(attempt).toThrow(expect.objectContaining({ failure: 'refused', certainty: 'not-delivered' }));
    }
    expect(() => made('c2c', media)).toThrow(
      expect.objectContaining({ remedy: expect.stringContaining('media sending is not part of this version') }),
    );
  });

  test.for(['.', '..', '...'])('a peer of %j has no path', (peer) => {
    const target = { channel: 'qqbot', account: MAIN, kind: 'c2c', peer: peer as PeerId } as const;
    expect(() => encodeMessage({ target, segments: [] })).toThrow('dots');
  });
});
