/** Faults in what a send becomes, and in how events come: each ordered through the JSON API, as any test of a bot would. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.js';
import type { BotSend, Entry } from '../../src/sandbox/transcript.js';
import { type BareBot, call, connectBot, get, order, post, postJson, resume } from './support/bare-bot.js';

const ALICE = '/v2/users/openid_alice/messages';

let sandbox: Sandbox;
beforeEach(async () => {
  sandbox = await startSandbox();
});
afterEach(() => sandbox.close());

const fault = async (body: object) => expect((await order(sandbox, '/faults', body)).status).toBe(200);
const entries = async (): Promise<readonly Entry[]> =>
  (await call(`${sandbox.url}/sandbox/v1/transcript`)).body.entries;
const lastSend = async () =>
  (await entries()).filter((entry): entry is Entry & BotSend => entry.kind === 'bot.send').at(-1);
const reply = (msg_id: string, msg_seq = 1) => ({ msg_type: 0, content: 'x', msg_id, msg_seq });
const said = (text = 'hi') => sandbox.platform.say({ from: 'openid_alice', text });

describe('what a send becomes', () => {
  test('a refusal that burns the pair: it is used all the same, and the next one works', async () => {
    const { id } = said();
    await fault({ kind: 'rest', path: ALICE, code: 22009, burn: true });
    expect((await post(sandbox, ALICE, reply(id))).body.code).toBe(22009);
    expect(await lastSend()).toMatchObject({ accepted: false, fault: 'f1', burnt: true });
    expect((await post(sandbox, ALICE, reply(id))).body.code).toBe(40054005);
    expect((await post(sandbox, ALICE, reply(id, 2))).status).toBe(200);
  });

  test('a burnt pair takes none of the replies', async () => {
    const { id } = said();
    await fault({ kind: 'rest', path: ALICE, status: 503, burn: true });
    expect((await post(sandbox, ALICE, reply(id))).status).toBe(503);
    for (const seq of [2, 3, 4, 5]) expect((await post(sandbox, ALICE, reply(id, seq))).status).toBe(200);
    expect((await post(sandbox, ALICE, reply(id, 6))).body.code).toBe(40034128);
  });

  test('accepted but never shown: an id, a used pair, and no such message', async () => {
    const { id } = said();
    await fault({ kind: 'rest', path: ALICE, hidden: true });
    const answer = await post(sandbox, ALICE, reply(id));
    expect([answer.status, typeof answer.body.id]).toEqual([200, 'string']);
    expect(await lastSend()).toMatchObject({ accepted: true, hidden: true, id: answer.body.id });
    expect((await post(sandbox, ALICE, reply(id))).body.code).toBe(40054005);
    const quoting = { from: 'openid_alice', text: 'what?', quote: answer.body.id };
    expect((await order(sandbox, '/messages', quoting)).status).toBe(404);
    expect((await post(sandbox, ALICE, reply(id, 2))).status).toBe(200);
    expect(await lastSend()).not.toHaveProperty('hidden');
  });

  test.each([undefined, 7])('429 as HTML, with Retry-After %s', async (retry_after) => {
    await fault({ kind: 'rest', path: ALICE, status: 429, html: '<html>slow down</html>', retry_after });
    const answer = await post(sandbox, ALICE, reply(said().id));
    expect([answer.status, answer.text]).toEqual([429, '<html>slow down</html>']);
    expect(answer.headers.get('retry-after')).toBe(retry_after === undefined ? null : String(retry_after));
  });

  test.each([401, 200])('11298 on any call, under HTTP %i', async (status) => {
    await fault({ kind: 'rest', path: '*', code: 11298, status, times: 'always' });
    const credentials = { appId: sandbox.appId, clientSecret: sandbox.clientSecret };
    for (const answer of [
      await postJson(sandbox.tokenUrl, credentials),
      await get(sandbox, '/gateway/bot'),
      await post(sandbox, ALICE, reply(said().id)),
    ])
      expect([answer.status, answer.body.code, answer.body.err_code]).toEqual([status, 11298, 40023002]);
  });
});

describe('how events come', () => {
  let bot: BareBot;
  beforeEach(async () => {
    bot = await connectBot(sandbox);
  });
  const next = async ({ socket } = bot) => {
    const { s, t, d } = await socket.frame();
    return [s, d.content ?? t];
  };

  test('twice, each time under a number of its own', async () => {
    await fault({ kind: 'event', repeat: 1 });
    const { id } = said('one');
    said('two');
    expect([await next(), await next(), await next()]).toEqual([
      [2, 'one'],
      [3, 'one'],
      [4, 'two'],
    ]);
    expect(await entries()).toContainEqual(
      expect.objectContaining({ kind: 'event', type: 'C2C_MESSAGE_CREATE', message: id, s: 3, fault: 'f1' }),
    );
  });

  test('again after a resume, although the bot told that it has it', async () => {
    await fault({ kind: 'event', repeat_after_resume: true });
    said('one');
    expect(await next()).toEqual([2, 'one']);
    bot.socket.ws.terminate();
    const socket = await resume(sandbox, bot, 2);
    expect([await next({ ...bot, socket }), await next({ ...bot, socket })]).toEqual([
      [3, 'RESUMED'],
      [4, 'one'],
    ]);
  });

  test('behind others, whose numbers come first', async () => {
    await fault({ kind: 'event', behind: 2, delay_ms: 60_000 });
    const late = said('one');
    expect(late).toMatchObject({ sessions: 0, fault: 'f1' });
    said('two');
    said('three');
    expect([await next(), await next(), await next()]).toEqual([
      [2, 'two'],
      [3, 'three'],
      [4, 'one'],
    ]);
  });

  test('behind others that never come: late', async () => {
    await fault({ kind: 'event', type: 'C2C_MESSAGE_CREATE', behind: 2, delay_ms: 30 });
    sandbox.platform.set({ user: 'openid_alice', active_allowed: false });
    expect(await next()).toEqual([2, 'C2C_MSG_REJECT']);
    said('alone');
    expect(await next()).toEqual([3, 'alone']);
  });

  test('slowly: a late event waits for a connection like any other', async () => {
    await fault({ kind: 'event', delay_ms: 30, repeat: 1 });
    const { n, id } = said('slow');
    bot.socket.ws.terminate();
    const isIt = (entry: Entry): entry is Entry => entry.kind === 'event' && entry.message === id;
    const first = await sandbox.platform.seen(isIt, AbortSignal.timeout(5000), n);
    expect(first).toMatchObject({ sessions: 1, s: 2, session_id: bot.sessionId });
    await sandbox.platform.seen(isIt, AbortSignal.timeout(5000), first.n);
    const socket = await resume(sandbox, bot, 1);
    expect([await next({ ...bot, socket }), await next({ ...bot, socket })]).toEqual([
      [2, 'slow'],
      [3, 'slow'],
    ]);
  });
});

test('a session that can be resumed no more says how far the bot had come', async () => {
  const bot = await connectBot(sandbox);
  said('one');
  said('two');
  bot.socket.send({ op: 1, d: 2 });
  for (let frame = await bot.socket.frame(); frame.op !== 11; ) frame = await bot.socket.frame();
  await fault({ kind: 'gateway.close', code: 4006 });
  const ended = (await entries()).find((entry) => entry.kind === 'gateway' && entry.step === 'ended');
  expect(ended).toMatchObject({ session_id: bot.sessionId, seq: 3, acknowledged: 2, connection: 1 });
});
