import { describe, expect, test } from 'vitest';
import type { InboundMessage, Segment } from '../../../src/model/message.js';
import { formatTarget } from '../../../src/model/target.js';
import { INTENT_BITS, type IntentName } from '../../../src/protocol/qqbot/gateway-codes.js';
import type { Sandbox } from '../../../src/sandbox/sandbox.js';
import type { Say } from '../../../src/sandbox/say.js';
import type { Entry } from '../../../src/sandbox/transcript.js';
import { until } from './support/hurried-clock.js';
import { LaneUnderTest, openSandbox } from './support/lane-under-test.js';

const INTENTS: readonly IntentName[] = [
  'guilds',
  'guild_members',
  'guild_messages',
  'guild_message_reactions',
  'direct_message',
  'group_and_c2c',
  'message_audit',
  'public_guild_messages',
];

/** A lane that hears everything, in a platform that grants it. */
async function openAll() {
  const sandbox = await openSandbox();
  sandbox.platform.set({ granted_intents: INTENTS.reduce((mask, name) => mask | INTENT_BITS[name], 0) });
  const loong = await new LaneUnderTest(sandbox, undefined, { intents: INTENTS }).connect();
  const guild = sandbox.platform.state().guilds[0];
  const [channel] = guild?.channels ?? [];
  if (guild === undefined || channel === undefined) throw new Error('the sandbox has no guild');
  return { sandbox, loong, guild: guild.guild_id, channel: channel.channel_id };
}

/** What the lane makes of what a user says. */
async function hear(sandbox: Sandbox, loong: LaneUnderTest, say: Omit<Say, 'from'>): Promise<InboundMessage> {
  const before = loong.sink.messages.length;
  sandbox.platform.say({ from: 'openid_alice', ...say });
  return until('the message', () => loong.sink.messages[before]);
}

const sends = (sandbox: Sandbox) =>
  sandbox.platform.transcript
    .since(0)
    .filter((entry): entry is Entry & { kind: 'bot.send' } => entry.kind === 'bot.send');

describe('every scene is heard, and answered where it came from', () => {
  test.for(['c2c', 'group', 'channel', 'dm'] as const)('%s', async (kind) => {
    const { sandbox, loong, guild, channel } = await openAll();
    const place = { c2c: {}, group: { group: 'group_demo' }, channel: { channel }, dm: { dm: guild } }[kind];
    const message = await hear(sandbox, loong, { text: 'a < b & c', ...place });
    expect(message).toMatchObject({
      conversation: { kind },
      segments: [{ type: 'text', text: 'a < b & c' }],
      mentionsBot: true,
      sender: { isBot: false },
    });
    await loong.send(formatTarget(message.conversation), 'pong', { id: message.id, seq: 1 });
    expect(sends(sandbox)).toMatchObject([
      { accepted: true, mode: 'passive', text: 'pong', msg_id: message.id, scene: { kind } },
    ]);
    expect(loong.sink.undecodables).toEqual([]);
  });

  test('a channel message without a mention, where all may be heard', async () => {
    const { sandbox, loong, channel } = await openAll();
    const message = await hear(sandbox, loong, { channel, mention: false, text: 'by the way' });
    expect(message).toMatchObject({ mentionsBot: false, conversation: { kind: 'channel', peer: channel } });
  });

  test.for(['at_first', 'all_first'] as const)(
    'a group message in both forms says the same in both, %s',
    async (both) => {
      const { sandbox, loong } = await openAll();
      sandbox.platform.set({ group: 'group_demo', receive_all: true });
      await hear(sandbox, loong, { group: 'group_demo', text: 'hi', mentions: ['openid_bob'], both });
      const [one, other] = await until('both', () => loong.sink.messages.length === 2 && loong.sink.messages);
      expect(one).toEqual(other);
      expect(one).toMatchObject({
        mentionsBot: true,
        segments: [
          { type: 'mention', peer: 'member_bob', name: 'Bob' },
          { type: 'text', text: ' hi' },
        ],
      });
    },
  );

  test('the role in a group', async () => {
    const { sandbox, loong } = await openAll();
    const roles = sandbox.platform.people.group('group_demo').members.get('openid_alice')?.role;
    expect((await hear(sandbox, loong, { group: 'group_demo', text: 'x' })).sender.role).toBe(roles);
  });

  test('a bot that was resumed learns its own id from the first message that @-s it', async () => {
    const { sandbox, loong, channel } = await openAll();
    await loong.stop();
    const options = { intents: ['guilds', 'public_guild_messages'] } as const;
    const first = await new LaneUnderTest(sandbox, loong.memory, options).connect();
    await first.stop();
    const again = new LaneUnderTest(sandbox, first.memory, options);
    void again.run();
    await again.ready();
    expect(again.sink.states[0]?.state).toBe('resuming');
    expect((await hear(sandbox, again, { channel, text: 'one' })).segments).toEqual([{ type: 'text', text: 'one' }]);
    const d = {
      id: 'm2',
      channel_id: channel,
      guild_id: '1',
      author: { id: '7' },
      content: `<@!${sandbox.botId}> and <@!43>`,
      mentions: [sandbox.botId, '43'].map((id) => ({ id, bot: true })),
    };
    sandbox.platform.emit({ t: 'AT_MESSAGE_CREATE', d });
    await until('the second', () => again.sink.messages.length === 2);
    expect(again.sink.messages[1]?.segments).toEqual([
      { type: 'text', text: 'and ' },
      { type: 'mention', peer: '43' },
    ]);
  });
});

test('a bot that was resumed knows itself also where it hears everything', async () => {
  const { sandbox, loong, channel } = await openAll();
  await loong.stop();
  const again = new LaneUnderTest(sandbox, loong.memory, { intents: INTENTS });
  void again.run();
  await again.ready();
  const say = (n: number) => {
    const author = { id: '7', username: 'Li' };
    const d = { id: `m${n}`, channel_id: channel, guild_id: '1', author, content: `<@!${sandbox.botId}> hi` };
    sandbox.platform.emit({ t: 'MESSAGE_CREATE', d });
  };
  let said = 0;
  // It asks while it connects, and connecting does not wait for the answer.
  await until('a mention to be understood', () => {
    if (again.sink.messages.length === said && said < 1000) say(++said);
    return again.sink.messages.at(-1)?.mentionsBot;
  });
  expect(again.sink.messages.at(-1)?.segments).toEqual([{ type: 'text', text: 'hi' }]);
});

describe('every part of a message is heard', () => {
  test.for([
    ['a face', { text: 'hi', faces: [{ id: '14', text: '微笑' }] }, [{ type: 'text', text: 'hi[微笑]' }]],
    ['a card', { ark: { prompt: '[位置] 北京' } }, [{ type: 'text', text: '[位置] 北京' }]],
    [
      'a chat record',
      { records: ['one', 'two'] },
      [{ type: 'text', text: '=== 消息 1 ===\none\n=== 消息 2 ===\ntwo' }],
    ],
    [
      'an image',
      { attachments: [{ content_type: 'image/png', url: 'img.example/1', filename: 'a.png', size: 5 }] },
      [{ type: 'media', kind: 'image', url: 'https://img.example/1', name: 'a.png', size: 5 }],
    ],
    [
      'a voice',
      {
        attachments: [
          { content_type: 'voice', filename: 'v.amr', size: 9, voice_wav_url: 'v.example/wav', asr_refer_text: '你好' },
        ],
      },
      [{ type: 'media', kind: 'voice', url: 'https://v.example/wav', name: 'v.amr', size: 9, transcript: '你好' }],
    ],
  ] as const)('%s', async ([, say, segments]) => {
    const { sandbox, loong } = await openAll();
    const heard = await hear(sandbox, loong, say as unknown as Omit<Say, 'from'>);
    expect(heard.segments).toEqual(segments as unknown as Segment[]);
  });

  test('everybody, and others, in a group and in a channel', async () => {
    const { sandbox, loong, channel } = await openAll();
    for (const place of [{ group: 'group_demo' }, { channel }]) {
      const { segments } = await hear(sandbox, loong, {
        text: 'hi',
        everyone: true,
        mentions: ['openid_bob'],
        ...place,
      });
      expect(segments.map(({ type }) => type)).toEqual(['mention', 'text', 'mention', 'text']);
      expect(segments).toMatchObject([{ peer: 'all' }, {}, { name: 'Bob' }, { text: ' hi' }]);
    }
  });

  test('a quote', async () => {
    const { sandbox, loong } = await openAll();
    const first = sandbox.platform.say({ from: 'openid_alice', text: 'the first' });
    await until('it', () => loong.sink.messages.length === 1);
    expect((await hear(sandbox, loong, { text: 'this', quote: first.id })).segments).toEqual([
      { type: 'quote', message: first.ref_idx, text: 'the first' },
      { type: 'text', text: 'this' },
    ]);
  });

  test.for(['group', 'channel'] as const)('who quotes the bot in a %s talks to it', async (kind) => {
    const { sandbox, loong, channel } = await openAll();
    sandbox.platform.set({ group: 'group_demo', receive_all: true });
    const place = kind === 'group' ? { group: 'group_demo' } : { channel };
    const target = kind === 'group' ? 'group:group_demo' : `channel:${channel}`;
    const { platformMessageId } = await loong.send(target, 'said by the bot');
    const other = sandbox.platform.say({ from: 'openid_bob', text: 'said by Bob', mention: false, ...place });
    await until('Bob', () => loong.sink.messages.length === 1);
    const toBot = await hear(sandbox, loong, {
      text: 'why?',
      mention: false,
      quote: String(platformMessageId),
      ...place,
    });
    expect(toBot.mentionsBot).toBe(true);
    expect((await hear(sandbox, loong, { text: 'why?', mention: false, quote: other.id, ...place })).mentionsBot).toBe(
      false,
    );
  });

  test('recalls, reactions, moves and reviews are notices', async () => {
    const { sandbox, loong, guild, channel } = await openAll();
    const said = sandbox.platform.say({ from: 'openid_alice', channel, text: 'x' });
    sandbox.platform.react({ from: 'openid_bob', message: said.id, emoji: { id: '76', type: 1 } });
    sandbox.platform.recall(said.id);
    sandbox.platform.set({ guild, leave: 'openid_bob' });
    sandbox.platform.set({ user: 'openid_alice', active_allowed: false });
    await until('the notices', () => loong.sink.notices.length === 4);
    expect(loong.sink.notices.map(({ name }) => name)).toEqual([
      'MESSAGE_REACTION_ADD',
      'PUBLIC_MESSAGE_DELETE',
      'GUILD_MEMBER_REMOVE',
      'C2C_MSG_REJECT',
    ]);
  });
});

describe('every part of a message goes out', () => {
  const send = (loong: LaneUnderTest, to: InboundMessage['conversation'], ...segments: Segment[]) =>
    loong.lane.send({ target: to, segments }, new AbortController().signal);

  test.for(['c2c', 'group', 'channel', 'dm'] as const)('markdown with a quote, in %s', async (kind) => {
    const { sandbox, loong, guild, channel } = await openAll();
    const place = { c2c: {}, group: { group: 'group_demo' }, channel: { channel }, dm: { dm: guild } }[kind];
    const { conversation, id } = await hear(sandbox, loong, { text: 'x', ...place });
    await send(loong, conversation, { type: 'quote', message: id }, { type: 'markdown', markdown: '**done**' });
    expect(sends(sandbox)).toMatchObject([{ accepted: true, msg_type: 2, text: '**done**', quote: { id, text: 'x' } }]);
  });

  test('a quote of what is long gone costs nothing', async () => {
    const { sandbox, loong } = await openAll();
    const { conversation } = await hear(sandbox, loong, { text: 'x' });
    await send(loong, conversation, { type: 'quote', message: 'REFIDX_gone' }, { type: 'text', text: 'y' });
    expect(sends(sandbox)).toMatchObject([{ accepted: true, text: 'y' }]);
  });

  test('media never leaves, and says why', async () => {
    const { sandbox, loong } = await openAll();
    const { conversation } = await hear(sandbox, loong, { text: 'x' });
    const media: Segment = { type: 'media', kind: 'image', url: 'https://x.example/1' };
    await expect(send(loong, conversation, { type: 'text', text: 'look' }, media)).rejects.toMatchObject({
      failure: 'refused',
      remedy: expect.stringContaining('media sending is not part of this version'),
    });
    expect(sends(sandbox)).toEqual([]);
  });

  test('a message that is reviewed first was taken; what came of it is a notice, and whoever quotes it talks to the bot', async () => {
    const { sandbox, loong, channel } = await openAll();
    sandbox.platform.set({ audit: true });
    const { conversation } = await hear(sandbox, loong, { channel, text: 'x' });
    const { auditId = '' } = await send(loong, conversation, { type: 'text', text: 'y' });
    expect(auditId).toBe(sends(sandbox)[0]?.audit_id);
    sandbox.platform.settleAudit({ audit_id: auditId, verdict: 'pass' });
    const notice = await until('the notice', () => loong.sink.notices[0]);
    expect(notice).toMatchObject({ name: 'MESSAGE_AUDIT_PASS', review: { auditId, passed: true } });
    const { message_id } = notice.data as { message_id: string };
    const quoting = await hear(sandbox, loong, { channel, mention: false, text: 'z', quote: message_id });
    expect(quoting.mentionsBot).toBe(true);
  });

  test.for([304023, 304024])('an audit with code %d is a success under any 2xx status', async (code) => {
    const { sandbox, loong } = await openAll();
    for (const status of [200, 201, 202]) {
      const body = {
        code,
        message: 'push message is waiting for audit now',
        data: { message_audit: { audit_id: 'a' } },
      };
      sandbox.platform.fault({ kind: 'rest', method: 'POST', status, body });
      expect(await loong.send('c2c:openid_alice', 'x')).toEqual({ auditId: 'a' });
    }
  });
});
