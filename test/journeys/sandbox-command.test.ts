/** `loong sandbox --with-gateway`, as `npm start` runs it. */
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LoongHome } from '../support/loong-process.js';
import { waitUntil } from '../support/wait-until.js';

let home: LoongHome;

beforeEach(() => {
  home = new LoongHome();
});

afterEach(() => home.remove());

const START = ['sandbox', '--with-gateway', '--port', '0', '--json'];

test('a second one ends at once, names the first, and touches nothing of it', async () => {
  const first = home.start(START);
  await first.logs('connected to the QQ gateway');
  const { url, config } = JSON.parse(first.stdout) as { url: string; config: string };
  const before = readFileSync(config, 'utf8');
  const second = await home.run(START);
  expect(second.code).toBe(75);
  expect(JSON.parse(second.stdout)).toMatchObject({ error: { code: 'owner.taken', remedy: expect.any(String) } });
  expect(second.stdout).toContain(`pid ${first.child.pid}`);
  expect(readFileSync(config, 'utf8')).toBe(before);
  expect((await fetch(`${url}/`)).status).toBe(200);
  expect((await first.stop()).code).toBe(0);
});

test('its own config has nothing to warn of', async () => {
  const all = home.start(START);
  await all.logs('connected to the QQ gateway');
  const { config } = JSON.parse(all.stdout) as { config: string };
  expect(all.stderr).not.toMatch(/"level":"warn"/);
  expect(await home.run(['config', 'check', '--config', config])).toMatchObject({ code: 0, stderr: '' });
});

test.each([
  [
    ['--webhook', 'http://127.0.0.1:26499/qq'],
    ['transport = "webhook"', 'webhook_listen = "127.0.0.1:26499"'],
  ],
  [
    ['--onebot', 'ws://127.0.0.1:26498/onebot/v11/ws', '--onebot-token', 'a-token-of-ours'],
    ['[onebot]', 'ws_port = 26498', 'access_token_env = "NAPCAT_TOKEN"'],
  ],
])('with %j it says what a daemon needs to hear it, which `loong init` would not write', async (args, lines) => {
  const sandbox = home.start(['sandbox', '--port', '0', ...args]);
  await waitUntil('the lines', () => sandbox.stdout.includes('Ctrl-C ends it.'));
  for (const line of lines) expect(sandbox.stdout).toContain(`  ${line}`);
  expect(sandbox.stdout).not.toContain('init --yes');
  expect(sandbox.stdout).not.toContain('a-token-of-ours');
  await sandbox.stop();
});

test('every conversation that the page offers is answered', async () => {
  const all = home.start(START);
  await all.logs('connected to the QQ gateway');
  const { url } = JSON.parse(all.stdout) as { url: string };
  const say = (body: object) =>
    fetch(`${url}/sandbox/v1/messages`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  const guild = '18700000000001000001';
  const channel = '18700000000002000001';
  for (const body of [
    { from: 'openid_alice', text: 'in private' },
    { from: 'openid_alice', group: 'group_demo', text: 'in the group', mention: true },
    { from: 'openid_alice', channel, text: 'in the channel', mention: true },
    { from: 'openid_alice', dm: guild, text: 'in the guild dm' },
  ]) {
    expect((await say(body)).status).toBe(200);
  }
  const answered = async () => {
    const { entries } = (await (await fetch(`${url}/sandbox/v1/transcript`)).json()) as {
      entries: { kind: string; accepted?: boolean; scene?: { kind: string } }[];
    };
    return entries.filter((entry) => entry.kind === 'bot.send' && entry.accepted).map((entry) => entry.scene?.kind);
  };
  await waitUntil('four answers', async () => (await answered()).length === 4);
  expect((await answered()).sort()).toEqual(['c2c', 'channel', 'dm', 'group']);
});
