import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.js';
import { type BareBot, connectBot, order, post } from './support/bare-bot.js';
import { expectShape } from './support/wire-shape.js';

const GROUP = { from: 'openid_alice', group: 'group_demo' };

let sandbox: Sandbox;
let bot: BareBot;
beforeEach(async () => {
  sandbox = await startSandbox();
  bot = await connectBot(sandbox);
});
afterEach(() => sandbox.close());

/** What the bot hears of one message. */
async function heard(message: object) {
  const { body } = await order(sandbox, '/messages', message);
  const frames = [];
  for (let n = 0; n < body.events.length; n += 1) frames.push(await bot.socket.frame());
  return { said: body, frames, d: frames[0]?.d };
}

test('a group message of everything: mentions of the bot, of a member and of all, a face, attachments, a quote', async () => {
  await order(sandbox, '/switches', { group: 'group_demo', receive_all: true });
  const report = { content_type: 'file', filename: 'report.pdf', url: 'multimedia.nt.qq.com.cn/f' };
  const quoted = await heard({ ...GROUP, text: 'quoted text', mention: false, attachments: [report] });
  const { frames, said } = await heard({
    ...GROUP,
    text: 'look',
    mentions: ['openid_bob'],
    everyone: true,
    faces: [{ id: '13', text: '呲牙' }],
    attachments: [{ content_type: 'image/jpeg' }, { content_type: 'voice', asr_refer_text: 'good morning' }],
    quote: quoted.said.id,
    both: 'all_first',
  });
  const [all, at] = frames;
  expectShape(all, 'group-message');
  const you = all.d.mentions[0].member_openid;
  const face = '<faceType=1,faceId="13",ext="eyJ0ZXh0Ijoi5ZGy54mZIn0=">';
  expect(all.d.content).toBe(`<@${you}> @全体成员 <@member_bob> look${face}`);
  expect(at).toMatchObject({
    t: 'GROUP_AT_MESSAGE_CREATE',
    d: { id: all.d.id, content: ` @全体成员 <@member_bob> look${face} `, mentions: all.d.mentions },
  });
  expect(all.d.mentions.map((mention: { is_you?: boolean }) => mention.is_you)).toEqual([true, undefined, false]);
  expect(all.d.msg_elements[0].attachments[0].url).toBe(report.url);
  expect(said).toMatchObject({
    mentions: ['Bob'],
    everyone: true,
    faces: [{ id: '13', text: '呲牙' }],
    attachments: [{ content_type: 'image/jpeg' }, { content_type: 'voice' }],
    quote: { id: quoted.said.id, text: 'quoted text' },
  });
});

test('a mention in both forms comes with the AT form first, unless it is told otherwise', async () => {
  await order(sandbox, '/switches', { group: 'group_demo', receive_all: true });
  const types = async (more: object) => (await heard({ ...GROUP, text: 'x', ...more })).frames.map(({ t }) => t);
  const both = ['GROUP_AT_MESSAGE_CREATE', 'GROUP_MESSAGE_CREATE'];
  expect(await types({})).toEqual(both);
  expect(await types({ both: 'at_first' })).toEqual(both);
  expect(await types({ both: 'all_first' })).toEqual([...both].reverse());
  expect(await types({ both: 'all_first', mention: false })).toEqual(['GROUP_MESSAGE_CREATE']);
});

describe('to the bot alone', () => {
  test('attachments without a word, each with what its kind has', async () => {
    const kinds = ['image/png', 'video/mp4', 'voice', 'file'];
    const { d } = await heard({
      from: 'openid_alice',
      attachments: kinds.map((content_type) => ({ content_type })),
    });
    expect([d.content, d.message_type]).toEqual(['', 0]);
    expect(d.attachments.map((each: object) => Object.keys(each).sort().join())).toEqual([
      'content_type,filename,height,size,url,width',
      'content_type,filename,height,size,url,width',
      'content_type,filename,size,url,voice_wav_url',
      'content_type,filename,size,url',
    ]);
    expect(d.attachments.every(({ url }: { url: string }) => new URL(url).hostname.endsWith('.invalid'))).toBe(true);
  });

  test('a card, and a forwarded chat record', async () => {
    const ark = { prompt: '[分享] x', ark_type: 'tuwen', ark_name: 'news', fields: { title: 'x' } };
    const card = await heard({ from: 'openid_alice', ark });
    expect(card.d).toMatchObject({ message_type: 3, content: '', ark_data: ark });
    expect(card.said.ark).toBe('[分享] x');
    const record = await heard({ from: 'openid_alice', records: ['one', 'two'] });
    expect(record.d).toMatchObject({
      message_type: 102,
      content: '=== 消息 1 ===\none\n=== 消息 2 ===\ntwo',
    });
  });

  test('a quote of the bot’s own answer', async () => {
    const { body } = await post(sandbox, '/v2/users/openid_alice/messages', { msg_type: 0, content: 'answer' });
    const { d } = await heard({ from: 'openid_alice', text: 'why?', quote: body.id });
    expect(d.message_scene.ext[1]).toBe(`ref_msg_idx=${body.ext_info.ref_idx}`);
    expect(d.msg_elements).toMatchObject([{ msg_idx: body.ext_info.ref_idx, content: 'answer' }]);
  });
});

describe('bots among themselves', () => {
  test('another bot’s messages say that it is one', async () => {
    await order(sandbox, '/users', { name: 'Robot', openid: 'openid_robot', bot: true });
    await order(sandbox, '/switches', { group: 'group_demo', join: 'openid_robot' });
    await bot.socket.frame();
    const inGroup = await heard({ ...GROUP, from: 'openid_robot', text: 'beep' });
    expect(inGroup.d.author).toMatchObject({ username: 'Robot', bot: true });
    expect((await heard({ from: 'openid_robot', text: 'beep' })).d.author.bot).toBe(true);
    const mentioned = await heard({ ...GROUP, text: 'x', mentions: ['openid_robot'] });
    expect(mentioned.d.mentions[1]).toMatchObject({ nickname: 'Robot', bot: true, is_you: false });
  });

  test('the bot hears itself in a group where it is told to', async () => {
    const say = () => post(sandbox, '/v2/groups/group_demo/messages', { msg_type: 0, content: 'me' });
    await order(sandbox, '/switches', { group: 'group_demo', echo_own: true });
    await say();
    await order(sandbox, '/switches', { group: 'group_demo', receive_all: true });
    const { body } = await say();
    const echo = await bot.socket.frame();
    const { bot_member_openid } = sandbox.platform.people.listGroups()[0] ?? {};
    expect(echo).toMatchObject({
      t: 'GROUP_MESSAGE_CREATE',
      d: { id: body.id, content: 'me', author: { member_openid: bot_member_openid, bot: true } },
    });
    const answer = await post(sandbox, '/v2/groups/group_demo/messages', {
      msg_type: 0,
      content: 'x',
      msg_id: body.id,
    });
    expect(answer.body.code).toBe(40034024);
  });
});

test.each([
  ['two places', { ...GROUP, channel: '18700000000002000001', text: 'x' }, 400, 'request.invalid'],
  ['a mention where nobody else is', { from: 'openid_alice', mentions: ['openid_bob'] }, 400, 'mention.nobody_there'],
  ['a mention of a stranger', { ...GROUP, mentions: ['openid_eve'] }, 404, 'member.unknown'],
  ['an attachment that is nothing', { from: 'openid_alice', attachments: [{}] }, 400, 'request.invalid'],
  ['a card without its prompt', { from: 'openid_alice', ark: {} }, 400, 'request.invalid'],
  [
    'a card in a guild',
    { from: 'openid_alice', dm: '18700000000001000001', ark: { prompt: 'x' } },
    400,
    'part.not_in_guild',
  ],
  ['a channel that is not there', { from: 'openid_alice', channel: '1', text: 'x' }, 404, 'channel.unknown'],
  ['a guild that is not there', { from: 'openid_alice', dm: '1', text: 'x' }, 404, 'guild.unknown'],
])('%s cannot be said', async (_, message, status, code) => {
  const answer = await order(sandbox, '/messages', message);
  expect([answer.status, answer.body.error.code]).toEqual([status, code]);
});

test('a quote is of the same conversation', async () => {
  const { id } = sandbox.platform.say({ from: 'openid_bob', text: 'elsewhere' });
  const answer = await order(sandbox, '/messages', { from: 'openid_alice', text: 'x', quote: id });
  expect(answer.body.error.code).toBe('quote.unknown');
});
