/** A group has a backend of its own, in a real daemon; and what was said there and taken back is told to nobody. */
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { plainText } from '../../src/model/message.js';
import type { Target } from '../../src/model/target.js';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.js';
import { openStore } from '../../src/store/sqlite/sqlite-store.js';
import { configFor, LoongHome } from '../support/loong-process.js';
import { answersTo } from '../support/transcript.js';
import { waitUntil } from '../support/wait-until.js';

const BACKENDS = '[backends.loud]\ntype = "exec"\ncommand = ["tr", "a-z", "A-Z"]\ninput = "text"\n';

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

test('a group is answered by the backend of its table, everybody else by that of the account', async () => {
  const keys = 'allowed_peer_ids = ["openid_alice"]\n[qqbot.groups.group_demo]\nbackend = "loud"';
  home.writeConfig(configFor(sandbox, keys, BACKENDS));
  const daemon = home.start(['gateway', 'run']);
  await daemon.logs('connected to the QQ gateway');
  const inGroup = sandbox.platform.say({ from: 'openid_bob', group: 'group_demo', text: 'hello' });
  const alone = sandbox.platform.say({ from: 'openid_alice', text: 'hello' });
  await waitUntil('both', () => [inGroup, alone].every(({ id }) => answersTo(sandbox, id).length === 1));
  expect([inGroup, alone].map(({ id }) => answersTo(sandbox, id)[0]?.text)).toEqual(['HELLO', 'hello']);
  const { checks } = JSON.parse((await home.run(['doctor', '--offline', '--json'])).stdout);
  const backends = (checks as { name: string }[]).flatMap(({ name }) => (name.startsWith('backend ') ? [name] : []));
  expect(backends.sort()).toEqual(['backend default', 'backend loud']);
});

test('a message that was taken back on OneBot is not among what was said, those around it are', async () => {
  const port = await freePort();
  home.writeConfig(
    `${configFor(sandbox)}\n[onebot]\nws_port = ${port}\naccess_token = "let-me-in"\n[onebot.groups.30003]\nbackend = "loud"\n${BACKENDS}`,
  );
  const daemon = home.start(['gateway', 'run']);
  await daemon.logs('connected to the QQ gateway');
  const url = `ws://127.0.0.1:${port}/onebot/v11/ws`;
  const { onebot } = sandbox.platform;
  onebot.connect({ url, token: 'let-me-in', reconnect_ms: 50, heartbeat_ms: 1000 });
  await waitUntil('the connection', async () => {
    const { accounts } = JSON.parse((await home.run(['gateway', 'status', '--json'])).stdout);
    return (accounts as { channel: string; state: string }[]).some(
      ({ channel, state }) => channel === 'onebot' && state === 'ready',
    );
  });
  const group = '30003';
  onebot.say({ from: '20003', group, text: 'keep this' });
  const { message_id: regretted } = onebot.say({ from: '20003', group, text: 'forget this' });
  onebot.happen({ kind: 'recall', message_id: regretted });
  onebot.say({ from: '20003', group, text: 'to the bot', mention: true });
  await waitUntil('the answer', () =>
    sandbox.platform.transcript.since(0).some((entry) => entry.kind === 'onebot.send' && entry.text === 'TO THE BOT'),
  );
  await daemon.stop();
  const store = openStore(join(home.folder, 'state', 'loong.db'), 'process');
  const place = { channel: 'onebot', account: 'default', kind: 'group', peer: group } as Target;
  const said = store.history.before(place, Number.MAX_SAFE_INTEGER, 9);
  await store.close();
  expect(said.map(({ from, segments }) => `${from}: ${plainText(segments).trim()}`)).toEqual([
    'user: keep this',
    'user: to the bot',
    'bot: TO THE BOT',
  ]);
});

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
