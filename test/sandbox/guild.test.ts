import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.js';
import { type BareBot, call, connectBot, order, post, USUAL_INTENTS } from './support/bare-bot.js';
import { expectShape, fixture } from './support/wire-shape.js';

const GUILD = '18700000000001000001';
const CHANNEL = '18700000000002000001';
const SEND = `/channels/${CHANNEL}/messages`;
const ALICE = '18700000000003000001';
const MINUTE = 60_000;
/** Bits 9, 10 and 27 beside the usual ones. */
const PRIVATE_INTENTS = USUAL_INTENTS | (1 << 9) | (1 << 10) | (1 << 27);

let sandbox: Sandbox;
let bot: BareBot;
let now: number;
beforeEach(async () => {
  now = 1_767_225_600_000;
  sandbox = await startSandbox({ now: () => now });
  sandbox.platform.set({ granted_intents: PRIVATE_INTENTS });
  bot = await connectBot(sandbox, PRIVATE_INTENTS);
});
afterEach(() => sandbox.close());

const said = (more: object = {}) =>
  sandbox.platform.say({ from: 'openid_alice', channel: CHANNEL, text: 'x', ...more });
const direct = () => sandbox.platform.say({ from: 'openid_alice', dm: GUILD, text: 'psst' });
/** HTTP status and code of the answer; 0 for accepted. */
const send = async (path: string, body: unknown) => {
  const answer = await post(sandbox, path, body);
  return [answer.status, answer.body.code ?? 0];
};
const lastSend = () =>
  sandbox.platform.transcript
    .since(0)
    .filter((entry) => entry.kind === 'bot.send')
    .at(-1);

describe('what a bot hears in a channel', () => {
  test('a message that @-s it: the mention stays, and what was typed is escaped', async () => {
    await order(sandbox, '/messages', { from: 'openid_alice', channel: CHANNEL, text: 'a < b && c > d' });
    const event = await bot.socket.frame();
    expectShape(event, 'guild-at-message');
    expect(event.d).toMatchObject({
      content: `<@!${sandbox.botId}> a &lt; b &amp;&amp; c &gt; d`,
      channel_id: CHANNEL,
      guild_id: GUILD,
      author: { id: ALICE },
      mentions: [{ id: sandbox.botId, bot: true }],
    });
  });

  test('every other message, where it asked for the private-domain intent', async () => {
    said({ mention: false, mentions: ['openid_bob'], everyone: true, faces: [{ id: '4', text: '得意' }] });
    const { t, d } = await bot.socket.frame();
    expect([t, d.content, d.mention_everyone]).toEqual([
      'MESSAGE_CREATE',
      '@everyone <@!18700000000003000002> x<emoji:4>',
      true,
    ]);
    expect(d.mentions).toMatchObject([{ username: 'Bob', bot: false }]);
  });

  test('not without that intent, and nothing at all while it is not in the guild', async () => {
    const usual = await startSandbox();
    await connectBot(usual);
    const unheard = { from: 'openid_alice', channel: CHANNEL, text: 'x', mention: false };
    expect(usual.platform.say(unheard)).toMatchObject({ events: ['MESSAGE_CREATE'], sessions: 0 });
    usual.platform.set({ guild: GUILD, bot_in_guild: false });
    expect(usual.platform.say({ ...unheard, mention: true })).toMatchObject({ events: [], sessions: 0 });
    await usual.close();
  });

  test('a direct message comes in a session of its own that names the guild it is from', async () => {
    const first = direct();
    await bot.socket.frame();
    await order(sandbox, '/messages', {
      from: 'openid_alice',
      dm: GUILD,
      text: 'look',
      quote: first.id,
      attachments: [{ content_type: 'image/png', url: 'gchat.qpic.cn/x' }],
    });
    const event = await bot.socket.frame();
    expectShape(event, 'direct-message');
    expect(event.d).toMatchObject({ src_guild_id: GUILD, message_reference: { message_id: first.id } });
    expect(event.d.guild_id).not.toBe(GUILD);
    expect(event.d.attachments[0].url).toBe('gchat.qpic.cn/x');
  });

  test('recalls, by how the message was heard', async () => {
    const recall = async (id: string) => {
      const answer = await call(`${sandbox.url}/sandbox/v1/messages/${encodeURIComponent(id)}`, { method: 'DELETE' });
      return answer.status === 200 ? answer.body.events[0].t : answer.body.error.code;
    };
    const { id } = said();
    await bot.socket.frame();
    expect(await recall(id)).toBe('PUBLIC_MESSAGE_DELETE');
    const deleted = await bot.socket.frame();
    expectShape(deleted, 'public-message-delete');
    expect(deleted.d).toMatchObject({ message: { id }, op_user: { id: ALICE } });
    expect(await recall(said({ mention: false }).id)).toBe('MESSAGE_DELETE');
    expect(await recall(direct().id)).toBe('DIRECT_MESSAGE_DELETE');
    expect(await recall(id)).toBe('message.unknown');
    expect(await recall(sandbox.platform.say({ from: 'openid_alice', text: 'x' }).id)).toBe('recall.unheard');
  });

  test('reactions, which may be answered', async () => {
    const { id } = said();
    await bot.socket.frame();
    const reacted = { from: 'openid_alice', message: id, emoji: { id: '4', type: 1 } };
    await order(sandbox, '/reactions', reacted);
    const added = await bot.socket.frame();
    expectShape(added, 'message-reaction-add');
    expect(added.d).toMatchObject({ user_id: ALICE, target: { id } });
    expect(await send(SEND, { content: 'thanks', event_id: added.id })).toEqual([200, 0]);
    await order(sandbox, '/reactions', { ...reacted, remove: true });
    expect((await bot.socket.frame()).t).toBe('MESSAGE_REACTION_REMOVE');
    const elsewhere = await order(sandbox, '/reactions', { ...reacted, message: direct().id });
    expect(elsewhere.body.error.code).toBe('reaction.elsewhere');
  });

  test('the guild itself: the bot comes and goes, members too, a channel is opened', async () => {
    const eve = sandbox.platform.people.addUser('Eve', 'openid_eve');
    await order(sandbox, '/switches', { guild: GUILD, bot_in_guild: false });
    await order(sandbox, '/switches', { guild: GUILD, bot_in_guild: true });
    expect((await bot.socket.frame()).t).toBe('GUILD_DELETE');
    expectShape(await bot.socket.frame(), 'guild-create');
    await order(sandbox, '/switches', { guild: GUILD, join: eve.openid });
    const joined = await bot.socket.frame();
    expectShape(joined, 'guild-member-add');
    expect(await send(SEND, { content: 'welcome', event_id: joined.id })).toEqual([200, 0]);
    await order(sandbox, '/switches', { guild: GUILD, leave: eve.openid });
    expect((await bot.socket.frame()).d.user.id).toBe(joined.d.user.id);
    const made = (await order(sandbox, '/channels', { guild: GUILD, name: 'news' })).body;
    const opened = await bot.socket.frame();
    expectShape(opened, 'channel-create');
    expect(opened.d.id).toBe(made.channel_id);
    expect(said({ channel: made.channel_id }).sessions).toBe(1);
  });
});

describe('what a bot sends into a guild', () => {
  test('a reply is answered with the message that it became', async () => {
    const { id } = said();
    const answer = await post(sandbox, SEND, { content: 'pong', msg_id: id, message_reference: { message_id: id } });
    expect(answer.status).toBe(200);
    expectShape(answer.body, 'channel-sent');
    expect(lastSend()).toMatchObject({
      scene: { kind: 'channel', openid: CHANNEL },
      mode: 'passive',
      text: 'pong',
      quote: { id, text: 'x' },
      id: answer.body.id,
    });
    expect(lastSend()).not.toHaveProperty('msg_seq');
  });

  test('a reply to a direct message, in the session that the bot was given or asked for', async () => {
    const { id, scene } = direct();
    const path = `/dms/${scene.openid}/messages`;
    expect(await send(path, { content: 'heard', msg_id: id })).toEqual([200, 0]);
    const session = await post(sandbox, '/users/@me/dms', { recipient_id: ALICE, source_guild_id: GUILD });
    expectShape(session.body, 'dms');
    expect(session.body.guild_id).toBe(scene.openid);
    const { body } = await post(sandbox, path, { content: 'more' });
    expect(body).toMatchObject({ direct_message: true, src_guild_id: GUILD, guild_id: scene.openid });
    const ask = (recipient_id: unknown, source_guild_id: unknown) =>
      send('/users/@me/dms', { recipient_id, source_guild_id });
    expect(await ask('1', GUILD)).toEqual([400, 304034]);
    expect(await ask(ALICE, '1')).toEqual([400, 10004]);
    expect(await ask(ALICE, 1)).toEqual([400, 40011000]);
    expect(await send('/users/@me/dms', [])).toEqual([400, 40011000]);
  });

  test('replies are open for 5 minutes, any number of them, and none is taken for a repeat', async () => {
    const { id } = said();
    for (let n = 0; n < 8; n += 1) expect(await send(SEND, { content: 'x', msg_id: id })).toEqual([200, 0]);
    now += 5 * MINUTE + 1;
    expect(await send(SEND, { content: 'x', msg_id: id })).toEqual([400, 304027]);
    const { id: last, scene } = direct();
    sandbox.platform.set({ windows: { dm: { minutes: 5, count: 1 } } });
    const path = `/dms/${scene.openid}/messages`;
    expect(await send(path, { content: 'x', msg_id: last })).toEqual([200, 0]);
    expect(await send(path, { content: 'x', msg_id: last })).toEqual([400, 40034128]);
  });

  test('replies to a wrong id, to a message of elsewhere, and to one that did not @ the bot', async () => {
    expect(await send(SEND, { content: 'x', msg_id: '1' })).toEqual([400, 304026]);
    expect(await send(SEND, { content: 'x', msg_id: direct().id })).toEqual([400, 304026]);
    expect(await send(SEND, { content: 'x', msg_id: said({ mention: false }).id })).toEqual([400, 304028]);
    const d = { id: '5', channel_id: CHANNEL, mentions: [{ id: sandbox.botId }] };
    sandbox.platform.emit({ t: 'MESSAGE_CREATE', d });
    expect(await send(SEND, { content: 'x', msg_id: '5' })).toEqual([200, 0]);
    sandbox.platform.emit({ t: 'MESSAGE_CREATE', d: { ...d, id: '6', mentions: [null] } });
    expect(await send(SEND, { content: 'x', msg_id: '6' })).toEqual([400, 304028]);
  });

  test('active messages: 20 a day for a channel, two channels a day, two to a person', async () => {
    const other = async () =>
      `/channels/${(await order(sandbox, '/channels', { guild: GUILD, name: 'n' })).body.channel_id}/messages`;
    for (let n = 0; n < 20; n += 1) expect(await send(SEND, { content: 'x' })).toEqual([200, 0]);
    expect(await send(SEND, { content: 'x' })).toEqual([400, 304035]);
    expect(await send(await other(), { content: 'x' })).toEqual([200, 0]);
    expect(await send(await other(), { content: 'x' })).toEqual([400, 304047]);
    const dm = `/dms/${direct().scene.openid}/messages`;
    for (let n = 0; n < 2; n += 1) expect(await send(dm, { content: 'x' })).toEqual([200, 0]);
    expect(await send(dm, { content: 'x' })).toEqual([400, 304049]);
    await order(sandbox, '/switches', { quotas: { per_dm: 5, dms_in_all: 2 } });
    expect(await send(dm, { content: 'x' })).toEqual([400, 304050]);
    now += 24 * 60 * MINUTE;
    expect(await send(SEND, { content: 'x' })).toEqual([200, 0]);
    expect(await send(dm, { content: 'x' })).toEqual([200, 0]);
  });

  test.each([
    ['nothing', {}, 50006],
    ['empty content', { content: '' }, 50006],
    ['content as number', { content: 5 }, 40011000],
    ['markdown that is none', { markdown: { content: '' } }, 50055],
    ['markdown with content', { markdown: { content: '# x' }, content: 'x' }, 50037],
    ['a quote of nothing', { content: 'x', message_reference: { message_id: '1' } }, 304026],
    ['a quote without its id', { content: 'x', message_reference: {} }, 40011000],
  ])('%s is refused', async (_, body, code) => {
    expect(await send(SEND, body)).toEqual([400, code]);
  });

  test('markdown, embeds and cards are taken, and shown by their type', async () => {
    const types = [];
    for (const body of [{ markdown: { content: '# x' } }, { embed: { title: 'x' } }, { ark: { template_id: 23 } }]) {
      expect(await send(SEND, body)).toEqual([200, 0]);
      types.push(lastSend()?.msg_type);
    }
    expect(types).toEqual([2, 4, 3]);
  });

  test('places that are not there, and a bot that is not connected', async () => {
    expect(await send('/channels/1/messages', { content: 'x' })).toEqual([400, 10003]);
    expect(await send('/dms/1/messages', { content: 'x' })).toEqual([400, 304032]);
    sandbox.platform.fault({ kind: 'gateway.cut' });
    await bot.socket.closed;
    const gone = AbortSignal.timeout(5000);
    await sandbox.platform.seen((entry) => entry.kind === 'gateway' && entry.step === 'closed', gone);
    expect(await send(SEND, { content: 'x' })).toEqual([400, 304018]);
    sandbox.platform.set({ guild: GUILD, bot_in_guild: false });
    expect(await send(SEND, { content: 'x' })).toEqual([400, 10003]);
  });
});

describe('reviews', () => {
  test('a send that waits is answered with 202, and its review ends with an event', async () => {
    await order(sandbox, '/switches', { audit: true });
    const held = await post(sandbox, SEND, { content: 'may I?' });
    expect(held.status).toBe(202);
    expectShape(held.body, 'audit-held');
    expect(held.body).toMatchObject({ ...(fixture('audit-held') as object), data: expect.anything() });
    const { audit_id } = held.body.data.message_audit;
    expect(lastSend()).toMatchObject({ accepted: true, status: 202, audit_id });
    expect(lastSend()).not.toHaveProperty('id');
    expect(sandbox.platform.state().audits).toMatchObject([{ audit_id, text: 'may I?' }]);

    now += MINUTE;
    await order(sandbox, '/audits', { audit_id, verdict: 'pass' });
    const passed = await bot.socket.frame();
    expectShape(passed, 'message-audit-pass');
    expect(passed.d).toMatchObject({ audit_id, channel_id: CHANNEL, create_time: '2026-01-01T08:00:00+08:00' });
    expect(passed.d.audit_time).toBe('2026-01-01T08:01:00+08:00');
    const quote = { content: 'x', message_reference: { message_id: passed.d.message_id } };
    expect(await send(SEND, quote)).toEqual([202, 304023]);
    expect((await order(sandbox, '/audits', { audit_id, verdict: 'pass' })).status).toBe(404);
  });

  test('one that is rejected never becomes a message', async () => {
    sandbox.platform.set({ audit: true });
    const { audit_id } = (await post(sandbox, SEND, { content: 'x' })).body.data.message_audit;
    await order(sandbox, '/audits', { audit_id, verdict: 'reject' });
    const { t, d } = await bot.socket.frame();
    expect([t, d.audit_id, 'message_id' in d]).toEqual(['MESSAGE_AUDIT_REJECT', audit_id, false]);
  });
});
