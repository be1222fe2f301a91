import { afterEach, expect, test } from 'vitest';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.js';
import { connectBot, order, post } from './support/bare-bot.js';

let sandbox: Sandbox;
afterEach(() => sandbox.close());

test('a bot of bare sockets goes the whole round: token, identify, hear, answer', async () => {
  sandbox = await startSandbox();
  const { socket, token } = await connectBot(sandbox);
  const said = await order(sandbox, '/messages', { from: 'openid_alice', text: '你好' });
  const event = await socket.frame();
  expect(event).toMatchObject({ op: 0, s: 2, t: 'C2C_MESSAGE_CREATE', d: { id: said.body.id, content: '你好' } });

  const answer = await post(
    sandbox,
    '/v2/users/openid_alice/messages',
    { msg_type: 0, content: 'hi', msg_id: event.d.id },
    token,
  );
  expect(answer.status).toBe(200);
  expect(sandbox.platform.transcript.since(0).at(-1)).toMatchObject({
    kind: 'bot.send',
    scene: { kind: 'c2c', openid: 'openid_alice' },
    mode: 'passive',
    accepted: true,
    text: 'hi',
    msg_seq: 1,
    id: answer.body.id,
  });
});

test('a user who never wrote gets an active message', async () => {
  sandbox = await startSandbox();
  const answer = await post(sandbox, '/v2/users/openid_alice/messages', { msg_type: 0, content: 'hello from loong' });
  expect(answer.status).toBe(200);
  expect(sandbox.platform.transcript.since(0).at(-1)).toMatchObject({
    kind: 'bot.send',
    mode: 'active',
    accepted: true,
  });
});
