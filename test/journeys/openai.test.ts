/** A language model answers on QQ: the daemon, a real model server and the sandbox. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.js';
import { configFor, LoongHome } from '../support/loong-process.js';
import { asStream, chunk, type ModelServer, openModelServer, refuses, says } from '../support/model-server.js';
import { answersTo } from '../support/transcript.js';
import { waitUntil } from '../support/wait-until.js';

const KEY = 'sk-secret-of-the-model';

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

async function start(more = ''): Promise<ReturnType<LoongHome['start']>> {
  const qqbot =
    'allowed_peer_ids = ["openid_alice"]\nbackend = "llm"\napology = "抱歉"\nsystem_prompt = "You are a cat."';
  const table = `[backends.llm]\ntype = "openai"\nbase_url = "${model.baseUrl}"\nmodel = "qwen3"\napi_key_env = "LLM_KEY"\n${more}`;
  home.writeConfig(configFor(sandbox, qqbot, table));
  const daemon = home.start(['gateway', 'run'], [], { LLM_KEY: KEY, OPENAI_LOG: 'debug', OPENAI_API_KEY: 'sk-other' });
  await waitUntil('READY', () => sandbox.platform.sessions.isConnected);
  return daemon;
}

test('it answers once, whole, as markdown, and its key is nowhere but in the request', async () => {
  model = await openModelServer(says('**Miao**', ', said', ' the cat.'));
  const daemon = await start();
  const { id } = sandbox.platform.say({ from: 'openid_alice', text: 'hello' });
  await waitUntil('the answer', () => answersTo(sandbox, id).length === 1);
  expect(answersTo(sandbox, id)).toMatchObject([{ text: '**Miao**, said the cat.', msg_type: 2, accepted: true }]);
  expect(model.requests).toHaveLength(1);
  expect(model.requests[0]?.headers.authorization).toBe(`Bearer ${KEY}`);
  expect(model.requests[0]?.body.messages).toMatchObject([
    { role: 'system', content: 'You are a cat.' },
    { role: 'user', content: 'hello' },
  ]);
  const { stderr, stdout } = await daemon.stop();
  expect(stderr + stdout).not.toContain(KEY);
});

test('a model that fails in the middle is one apology, and no half answer', async () => {
  model = await openModelServer((to) => void asStream(to).end(chunk({ content: 'half of the ' })));
  await start();
  const { id } = sandbox.platform.say({ from: 'openid_alice', text: 'hello' });
  await waitUntil('the apology', () => answersTo(sandbox, id).length === 1);
  expect(answersTo(sandbox, id)).toMatchObject([{ text: '抱歉' }]);
});

test('a server that repeats the key in its refusal does not get it into log or queue', async () => {
  model = await openModelServer(refuses(401, { message: `Incorrect API key provided: ${KEY}` }));
  const daemon = await start();
  const { id } = sandbox.platform.say({ from: 'openid_alice', text: 'hello' });
  await waitUntil('the apology', () => answersTo(sandbox, id).length === 1);
  const { stdout } = await home.run(['queue', '--json'], { env: { LLM_KEY: KEY } });
  expect(stdout).toContain('backend.key_refused');
  const { stderr } = await daemon.stop();
  expect(stderr).toContain('refused the API key');
  expect(stdout + stderr).not.toContain(KEY);
});

test('the timeout is that of the whole turn: a model that trickles is ended', async () => {
  model = await openModelServer((to) => {
    asStream(to);
    const drip = setInterval(() => to.write(chunk({ content: '.' })), 20);
    to.on('close', () => clearInterval(drip));
  });
  await start('timeout = "3s"'); // enough to ask it, on any machine
  const { id } = sandbox.platform.say({ from: 'openid_alice', text: 'hello' });
  await waitUntil('the apology', () => answersTo(sandbox, id).length === 1);
  await waitUntil('the end of the request', () => model.leftAlone() === 1);
  expect(answersTo(sandbox, id)).toMatchObject([{ text: '抱歉' }]);
});

test('SIGTERM breaks off a model that says nothing, and the next start asks it again', async () => {
  model = await openModelServer(() => undefined, says('now'));
  const daemon = await start();
  const { id } = sandbox.platform.say({ from: 'openid_alice', text: 'hello' });
  await waitUntil('the request', () => model.requests.length === 1);
  await daemon.stop();
  await waitUntil('the end of the request', () => model.leftAlone() === 1);
  home.start(['gateway', 'run'], [], { LLM_KEY: KEY });
  await waitUntil('the answer', () => answersTo(sandbox, id).length === 1);
  expect(answersTo(sandbox, id)).toMatchObject([{ text: 'now' }]);
}, 30_000);
