/** A client that somebody else wrote, and that never heard of loong, gets along with the sandbox. */
import { Bot, ReceiverMode } from 'qq-official-bot';
import { afterEach, expect, test } from 'vitest';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.js';

let sandbox: Sandbox;
let bot: ReturnType<typeof foreignBot>;
const listenersBefore = {
  uncaughtException: process.listeners('uncaughtException'),
  unhandledRejection: process.listeners('unhandledRejection'),
};

afterEach(async () => {
  await bot.stop();
  await sandbox.close();
  // The client puts its own listeners on the process, and they would hide the faults of other tests.
  for (const name of ['uncaughtException', 'unhandledRejection'] as const) {
    for (const listener of process.listeners(name as 'uncaughtException')) {
      if (!(listenersBefore[name] as readonly unknown[]).includes(listener)) process.off(name, listener);
    }
  }
});

/** Its addresses are written into it: they are turned to the sandbox at the edge of the process, in its HTTP client. The gateway's it asks for. */
function foreignBot(to: Sandbox) {
  const made = new Bot({
    appid: to.appId,
    secret: to.clientSecret,
    intents: ['GROUP_AND_C2C_EVENT', 'PUBLIC_GUILD_MESSAGES', 'DIRECT_MESSAGE'],
    mode: ReceiverMode.WEBSOCKET,
    sandbox: false,
    logLevel: 'off',
  });
  made.request.interceptors.request.use((config) => {
    const { pathname } = new URL(config.url ?? '/', to.url);
    return { ...config, baseURL: to.url, url: pathname, proxy: false };
  });
  return made;
}

test('qq-official-bot connects, hears a person, a group, a channel and a direct message, and answers each passively', async () => {
  sandbox = await startSandbox();
  bot = foreignBot(sandbox);
  bot.on('message.private.friend', (event) => event.reply(`heard: ${event.raw_message}`));
  bot.on('message.group', (event) => event.reply(`group heard: ${event.raw_message}`));
  await bot.start();
  expect(bot.self_id).toBe(sandbox.botId);

  const soon = AbortSignal.timeout(10_000);
  const asked = sandbox.platform.say({ from: 'openid_alice', text: 'hello' });
  const answer = await sandbox.platform.seen((entry) => entry.kind === 'bot.send', soon);
  expect(answer).toMatchObject({
    accepted: true,
    mode: 'passive',
    msg_id: asked.id,
    text: 'heard: hello',
    scene: { openid: 'openid_alice' },
  });

  const inGroup = sandbox.platform.say({ from: 'openid_bob', group: 'group_demo', text: 'hello all' });
  const second = await sandbox.platform.seen((entry) => entry.kind === 'bot.send', soon, answer.n);
  expect(second).toMatchObject({
    accepted: true,
    mode: 'passive',
    msg_id: inGroup.id,
    scene: { kind: 'group', openid: 'group_demo' },
  });

  bot.on('message.guild', (event) => event.reply(`guild heard: ${event.raw_message}`));
  bot.on('message.private.direct', (event) => event.reply('privately heard'));
  const inChannel = sandbox.platform.say({ from: 'openid_alice', channel: '18700000000002000001', text: 'a < b' });
  const third = await sandbox.platform.seen((entry) => entry.kind === 'bot.send', soon, second.n);
  expect(third).toMatchObject({ accepted: true, msg_id: inChannel.id, scene: inChannel.scene });
  const direct = sandbox.platform.say({ from: 'openid_alice', dm: '18700000000001000001', text: 'psst' });
  const fourth = await sandbox.platform.seen((entry) => entry.kind === 'bot.send', soon, third.n);
  expect(fourth).toMatchObject({ accepted: true, msg_id: direct.id, scene: direct.scene, text: 'privately heard' });
});
