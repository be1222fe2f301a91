/** The newcomer's roads of the READMEs, walked as they stand there: from nothing to a bot that answers, in at most five commands. */
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.js';
import { LoongHome, type LoongProcess } from '../support/loong-process.js';
import { tempDir } from '../support/temp-dir.js';
import { AtTerminal } from '../support/terminal.js';
import { answersTo, sendsTo } from '../support/transcript.js';
import { waitUntil } from '../support/wait-until.js';

function textOf(name: string): string {
  return readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8');
}

/** The commands of the first block below a heading. */
function road(readme: string, heading: string): readonly string[] {
  const [, block = ''] = /```sh\n([\s\S]*?)```/.exec(textOf(readme).split(`\n## ${heading}`)[1] ?? '') ?? [];
  return block.trim().split('\n');
}

const ROADS = {
  sandbox: [road('README.md', 'Try it'), road('README.zh-CN.md', '五分钟试用')],
  real: [road('README.md', 'Use it with your bot'), road('README.zh-CN.md', '接入你的机器人')],
} as const;

describe.each(Object.entries(ROADS))('the road: %s', (_, [english = [], chinese]) => {
  test('has at most five commands, the same in both languages', () => {
    expect(chinese).toEqual(english);
    const commands = english.flatMap((line) => line.split('&&'));
    expect([commands[0]?.trim(), commands.length <= 5]).toEqual(['npm ci', true]);
  });
});

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

test('for real (here QQ is the sandbox): init, gateway run, pairing approve', async () => {
  expect(ROADS.real[0].slice(0, 2)).toEqual(['npm ci', 'npm run build']);
  const [init = [], run = [], approve = []] = ROADS.real[0].slice(2).map((command) => {
    const [node, script, ...args] = command.split(' ');
    expect([node, script]).toEqual(['node', 'bin/loong.js']);
    return args;
  });

  const platform = { QQ_BOT_API_BASE_URL: sandbox.apiBaseUrl, QQBOT_TOKEN_URL: sandbox.tokenUrl };
  const person = new AtTerminal(init, { HOME: home.folder, LOONG_HOME: home.folder, ...platform }, tempDir());
  await person.types('AppID（机器人 ID）', sandbox.appId);
  await person.types('AppSecret（', sandbox.clientSecret);
  await person.types('Who answers?', '');
  expect(await person.ended).toBe(0);

  const daemon = home.start(run);
  await daemon.logs('connected to the QQ gateway');
  const asked = sandbox.platform.say({ from: 'openid_alice', text: 'hello' });
  const told = await waitUntil('the code', () => sendsTo(sandbox, 'openid_alice')[0]?.text);
  const [code = ''] = /\b[A-HJ-NP-Z2-9]{8}\b/.exec(told) ?? [];
  expect((await home.run(approve.map((word) => (word === 'CODE' ? code : word)))).code).toBe(0);
  await waitUntil('the answer', () => answersTo(sandbox, asked.id).some(({ text }) => text === 'hello'));
});

test('on the sandbox: npm start is the platform, the daemon and the page; what is said is answered', async () => {
  expect(ROADS.sandbox[0]).toEqual(['npm ci && npm start']);
  const { scripts } = JSON.parse(textOf('package.json')) as { scripts: { start: string; prestart: string } };
  expect([scripts.prestart, scripts.start]).toEqual(['npm run build', 'node bin/loong.js sandbox --with-gateway']);
  const all = home.start([...scripts.start.split(' ').slice(2), '--port', '0', '--json']);
  await all.logs('connected to the QQ gateway');
  const { url } = JSON.parse(all.stdout) as { url: string };
  await say(url, 'hello');
  await waitUntil('the answer', async () => (await answers(url)).includes('hello'));
});

test('on the sandbox with init: the lines that `loong sandbox` prints', async () => {
  const platform: LoongProcess = home.start(['sandbox', '--port', '0']);
  await waitUntil('the lines', () => platform.stdout.includes('gateway run'));
  const [, variables = ''] = /^ {2}(QQ_BOT_APP_ID=.*) \S+ \S+ init --yes$/m.exec(platform.stdout) ?? [];
  const env = Object.fromEntries(variables.split(' ').map((pair) => pair.split(/=(.*)/s)));
  expect(Object.keys(env)).toEqual(['QQ_BOT_APP_ID', 'QQ_BOT_APP_SECRET', 'QQ_BOT_API_BASE_URL', 'QQBOT_TOKEN_URL']);
  expect((await home.run(['init', '--yes'], { env, cwd: tempDir() })).code).toBe(0);
  const daemon = home.start(['gateway', 'run']);
  await daemon.logs('connected to the QQ gateway');
  await say(env.QQ_BOT_API_BASE_URL ?? '', 'hello');
  await waitUntil('the code', async () =>
    (await answers(env.QQ_BOT_API_BASE_URL ?? '')).some((text) => text.includes('pairing approve')),
  );
});

async function say(url: string, text: string): Promise<void> {
  const { status } = await fetch(`${url}/sandbox/v1/messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ from: 'openid_alice', text }),
  });
  expect(status).toBe(200);
}

async function answers(url: string): Promise<readonly string[]> {
  const { entries } = (await (await fetch(`${url}/sandbox/v1/transcript`)).json()) as {
    entries: { kind: string; accepted?: boolean; text?: string }[];
  };
  return entries.flatMap(({ kind, accepted, text = '' }) => (kind === 'bot.send' && accepted ? [text] : []));
}
