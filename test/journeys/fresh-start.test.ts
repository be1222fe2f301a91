/** `/new` as people write it: answered by loong itself, and the conversation stays fresh over the death of the process. */
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { plainText } from '../../src/model/message.js';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.js';
import { openStore } from '../../src/store/sqlite/sqlite-store.js';
import { configFor, LoongHome } from '../support/loong-process.js';
import { target } from '../support/messages.js';
import { answersTo } from '../support/transcript.js';
import { waitUntil } from '../support/wait-until.js';

let sandbox: Sandbox;
let home: LoongHome;

beforeEach(async () => {
  sandbox = await startSandbox();
  home = new LoongHome();
});

afterEach(async () => {
  await home.remove();
  await sandbox.close();
});

async function serving(keys = '') {
  home.writeConfig(
    configFor(
      sandbox,
      `allowed_peer_ids = ["openid_alice"]\nbackend = "mine"\n${keys}`,
      '[backends.mine]\ntype = "exec"\ncommand = ["cat"]\ninput = "text"\n',
    ),
  );
  const daemon = home.start(['gateway', 'run']);
  await daemon.logs('connected to the QQ gateway');
  return daemon;
}

async function say(text: string, from = 'openid_alice'): Promise<string | undefined> {
  const { id } = sandbox.platform.say({ from, text });
  await waitUntil(`the answer to ${text}`, () => answersTo(sandbox, id).length === 1);
  return answersTo(sandbox, id)[0]?.text;
}

/** What a backend would be told now. */
async function said(): Promise<readonly string[]> {
  const store = openStore(join(home.folder, 'state', 'loong.db'), 'process');
  const conversation = target('openid_alice', 'c2c', 'default');
  const all = store.history.before(conversation, Number.MAX_SAFE_INTEGER, 100);
  await store.close();
  return all.map(({ from, segments }) => `${from}: ${plainText(segments)}`);
}

test('/new is confirmed in Chinese first, and nothing before it comes back after kill -9', async () => {
  const first = await serving();
  expect(await say('one')).toBe('one');
  expect(await say('/new')).toMatch(/^好的.*\nStarting afresh/);
  await first.kill();
  expect(await said()).toEqual([]);
  const second = await serving();
  expect(await say('two')).toBe('two');
  await second.kill();
  expect(await said()).toEqual(['user: two', 'bot: two']);
});

test('where loong keeps no history, /new is for the backend', async () => {
  const daemon = await serving('history_limit = 0');
  expect(await say('/new')).toBe('/new');
  await daemon.kill();
  expect(await said()).toEqual([]);
});

test('what is sent from the command line belongs to the conversation, with a daemon and without one', async () => {
  const daemon = await serving();
  const send = (text: string) =>
    home.run(['channels', 'send', 'qqbot', '--target', 'c2c:openid_alice', '--text', text]);
  expect((await send('beside')).code).toBe(0);
  await daemon.stop();
  expect((await send('alone')).code).toBe(0);
  expect(await said()).toEqual(['bot: beside', 'bot: alone']);
});
