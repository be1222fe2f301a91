/** `/stop`: what is being answered is answered no more, and what waits behind it is. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.js';
import { configFor, LoongHome, type LoongProcess } from '../support/loong-process.js';
import { asStream, chunk, type ModelServer, openModelServer, says } from '../support/model-server.js';
import { answersTo, sendsTo } from '../support/transcript.js';
import { waitUntil } from '../support/wait-until.js';

let sandbox: Sandbox;
let home: LoongHome;
let model: ModelServer;

beforeEach(async () => {
  sandbox = await startSandbox();
  home = new LoongHome();
});

afterEach(async () => {
  await home.remove();
  await sandbox.close();
  await model.close();
});

async function start(backend: string): Promise<LoongProcess> {
  const qqbot =
    'allowed_peer_ids = ["openid_alice", "openid_bob"]\nbackend = "it"\ndm_policy = "allowlist"\napology = "抱歉"';
  home.writeConfig(configFor(sandbox, qqbot, `[backends.it]\n${backend}`));
  const daemon = home.start(['gateway', 'run']);
  await waitUntil('READY', () => sandbox.platform.sessions.isConnected);
  return daemon;
}

const asksModel = () => `type = "openai"\nbase_url = "${model.baseUrl}"\nmodel = "m"\nconcurrency = 1`;

function say(text: string, from = 'openid_alice'): string {
  return sandbox.platform.say({ from, text }).id;
}

async function answerTo(id: string): Promise<string> {
  await waitUntil('an answer', () => answersTo(sandbox, id).length === 1);
  return answersTo(sandbox, id)[0]?.text ?? '';
}

test('the running answer ends with one word about it, and the next message is answered', async () => {
  model = await openModelServer((to) => void asStream(to).write(chunk({ content: 'half of ' })), says('second'));
  await start(asksModel());
  const first = say('first');
  await waitUntil('the request', () => model.requests.length === 1);
  const second = say('second');
  const stop = say(' /stop ');
  expect(await answerTo(stop)).toBe('已停止。(Stopped.)');
  expect(await answerTo(second)).toBe('second');
  expect(model.leftAlone()).toBe(1);
  expect(answersTo(sandbox, first)).toEqual([]);
  expect(sendsTo(sandbox, 'openid_alice')).toHaveLength(2);
  const { stdout } = await home.run(['queue', '--json']);
  expect(JSON.stringify(JSON.parse(stdout))).toContain('turn.cancelled');
});

test('a command is ended too', async () => {
  model = await openModelServer(says(''));
  const begun = join(home.folder, 'begun');
  await start(`type = "exec"\ncommand = ["sh", "-c", "echo half; echo $$ > ${begun}; sleep 60"]`);
  const first = say('first');
  await waitUntil('the turn', () => existsSync(begun) && readFileSync(begun, 'utf8').endsWith('\n'));
  expect(await answerTo(say('/stop'))).toContain('已停止');
  await waitUntil('the end of the command', () => isGone(Number(readFileSync(begun, 'utf8'))));
  expect(answersTo(sandbox, first)).toEqual([]);
});

function isGone(pid: number): boolean {
  try {
    return !process.kill(pid, 0);
  } catch {
    return true;
  }
}

test('it stops nothing in another conversation, nor for a stranger, nor as a part of a sentence', async () => {
  let goOn = () => {};
  model = await openModelServer((to) => {
    goOn = () => to.end(chunk({ content: 'whole' }, 'stop'));
    asStream(to);
  }, says('just words'));
  await start(asksModel());
  const first = say('first');
  await waitUntil('the request', () => model.requests.length === 1);
  expect(await answerTo(say('/stop', 'openid_bob'))).toBe('现在没有正在进行的回答。(Nothing to stop.)');
  sandbox.platform.people.addUser('Carol', 'openid_carol');
  const stranger = say('/stop', 'openid_carol');
  const sentence = say('/stop it');
  goOn();
  expect(await answerTo(first)).toBe('whole');
  expect(await answerTo(sentence)).toBe('just words');
  expect(answersTo(sandbox, stranger)).toEqual([]);
});

test('one that comes again stops no later answer', async () => {
  let goOn = () => {};
  model = await openModelServer((to) => {
    goOn = () => to.end(chunk({ content: 'whole' }, 'stop'));
    asStream(to);
  });
  await start(asksModel());
  const stop = say('/stop');
  const later = say('later');
  await waitUntil('the request', () => model.requests.length === 1);
  const again = {
    id: stop,
    content: '/stop',
    author: { user_openid: 'openid_alice' },
    timestamp: new Date().toISOString(),
  };
  sandbox.platform.emit({ t: 'C2C_MESSAGE_CREATE', d: again });
  expect(await answerTo(say('/stop', 'openid_bob'))).toContain('Nothing to stop'); // so the one before it is through
  goOn();
  expect(await answerTo(later)).toBe('whole');
  expect(answersTo(sandbox, stop)).toHaveLength(1);
});

/** Bob has the only place, and keeps it until the function that is resolved with is called. */
async function withBobAnswered(): Promise<{ daemon: LoongProcess; bob: string; goOn: () => void }> {
  let goOn = () => {};
  model = await openModelServer((to) => {
    goOn = () => to.end(chunk({ content: 'for bob' }, 'stop'));
    asStream(to);
  }, says('for alice'));
  const daemon = await start(asksModel());
  const bob = say('of bob', 'openid_bob');
  await waitUntil('the request', () => model.requests.length === 1);
  return { daemon, bob, goOn: () => goOn() };
}

const asked = () => model.requests.map(({ body }) => body.messages?.at(-1)?.content);

test('what waits for a place is not answered any more, and what was written after it is', async () => {
  const { bob, goOn } = await withBobAnswered();
  const first = say('first');
  const second = say('second');
  await waitUntil(
    'both in the journal',
    async () => (await home.run(['queue', '--json'])).stdout.split('waiting').length > 3,
  );
  expect(await answerTo(say('/stop'))).toBe('已停止。(Stopped.)');
  goOn();
  expect(await answerTo(bob)).toBe('for bob');
  expect(await answerTo(second)).toBe('for alice');
  expect(answersTo(sandbox, first)).toEqual([]);
  expect(asked()).not.toContain('first');
  expect(await answerTo(say('third'))).toBe('for alice');
});

test('each one stops one message that waits, and then there is nothing to stop', async () => {
  const { bob, goOn } = await withBobAnswered();
  const texts = ['first', 'second'].map((text) => say(text));
  await waitUntil(
    'both in the journal',
    async () => (await home.run(['queue', '--json'])).stdout.split('waiting').length > 3,
  );
  for (const word of ['已停止', '已停止', '现在没有']) expect(await answerTo(say('/stop'))).toContain(word);
  const later = say('later');
  goOn();
  expect(await answerTo(bob)).toBe('for bob');
  expect(await answerTo(later)).toBe('for alice');
  for (const id of texts) expect(answersTo(sandbox, id)).toEqual([]);
});

test('one that comes together with what it stops stops it', async () => {
  const { bob, goOn } = await withBobAnswered();
  const [first, stop] = [say('first'), say('/stop')];
  expect(await answerTo(stop)).toContain('已停止');
  const later = say('later');
  goOn();
  expect(await answerTo(bob)).toBe('for bob');
  expect(await answerTo(later)).toBe('for alice');
  expect(answersTo(sandbox, first)).toEqual([]);
});

test('nor does what has a place at once get an answer then, however the two come in', async () => {
  model = await openModelServer((to) => void asStream(to));
  await start(asksModel());
  for (let i = 0; i < 10; i++) {
    const [first, stop] = [say('first'), say('/stop')];
    expect(await answerTo(stop)).toContain('已停止');
    expect(answersTo(sandbox, first)).toEqual([]);
  }
  const rows = () => home.run(['queue', '--json']).then(({ stdout }) => stdout.split('turn.cancelled').length - 1);
  await waitUntil('the end of all', async () => (await rows()) === 10);
});

test('what was stopped while it waited stays so over a kill', async () => {
  const { daemon, bob } = await withBobAnswered();
  const first = say('first');
  expect(await answerTo(say('/stop'))).toContain('已停止');
  await waitUntil('its end', async () => (await home.run(['queue', '--json'])).stdout.includes('turn.cancelled'));
  await daemon.kill();
  home.start(['gateway', 'run']);
  expect(await answerTo(bob)).toBe('for alice'); // the second request
  expect(await answerTo(say('later'))).toBe('for alice');
  expect(answersTo(sandbox, first)).toEqual([]);
});
