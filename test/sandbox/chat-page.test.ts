import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.js';
import { call, connectBot, post } from './support/bare-bot.js';
import { calledBot } from './support/called-bot.js';

let sandbox: Sandbox;
beforeEach(async () => {
  sandbox = await startSandbox();
});
afterEach(() => sandbox.close());

test('the page is served with a policy that allows nothing but itself, and is not counted as the bot’s traffic', async () => {
  for (const [path, type] of [
    ['/', 'text/html'],
    ['/page.css', 'text/css'],
    ['/page.js', 'text/javascript'],
    ['/words.js', 'text/javascript'],
    ['/icon.svg', 'image/svg+xml'],
  ] as const) {
    const answer = await call(sandbox.url + path);
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, expect.stringContaining(type)]);
    expect(answer.headers.get('content-security-policy')).toContain("default-src 'self'");
  }
  expect(sandbox.platform.state().counters.requests).toBe(0);
});

const BROWSER = [
  process.env.CHROMIUM_PATH,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
].find((path) => path !== undefined && existsSync(path));

// CI must try the page in a browser; elsewhere a machine without one says so and goes on.
if (BROWSER === undefined && process.env.CI !== 'true') {
  process.stdout.write('note: no Chromium on this machine, so the chat page was not tried in a browser\n');
} else {
  describe('in a browser', { timeout: 60_000 }, inABrowser);
}

function inABrowser(): void {
  let browser: Browser;
  beforeEach(async () => {
    browser = await chromium.launch({
      executablePath: BROWSER ?? '',
      args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
    });
  }, 60_000);
  afterEach(() => browser.close());

  test('a person writes with the keyboard and sees the answer, what was refused and why', async () => {
    const page = await browser.newPage();
    const problems: string[] = [];
    page.on('pageerror', (error) => problems.push(error.message));
    page.on('console', (line) => {
      if (line.type() === 'error') problems.push(line.text());
    });
    await page.goto(sandbox.url);
    await page.getByText('还没有机器人连接').waitFor();
    await page.getByText(`app_id = "${sandbox.appId}"`).waitFor();

    const { socket, token } = await connectBot(sandbox);
    await page.getByText('机器人已连接').waitFor();
    await page.locator('.hint', { hasText: '还没有消息' }).waitFor();
    await page.keyboard.type('hello');
    await page.keyboard.press('Enter');
    const { d } = await socket.frame();
    expect(d.content).toBe('hello');
    await page.locator('.hint').waitFor({ state: 'detached' });

    const hostile = '<img src=x onerror="document.title=1">';
    const reply = { msg_type: 0, content: hostile, msg_id: d.id };
    await post(sandbox, '/v2/users/openid_alice/messages', reply, token);
    await post(sandbox, '/v2/users/openid_alice/messages', reply, token);
    await page.locator('.message', { hasText: '被动回复' }).first().waitFor();
    expect(await page.locator('.bubble').nth(1).textContent()).toBe(hostile);
    await page.locator('.refused', { hasText: '40054005' }).waitFor();
    await post(sandbox, '/v2/users/openid_alice/messages', { msg_type: 0, content: 'news' }, token);
    await page.locator('.message', { hasText: '主动消息' }).waitFor();

    await page.getByLabel('允许主动消息').uncheck();
    await page.getByText('C2C_MSG_REJECT').first().waitFor();
    expect(sandbox.platform.people.user('openid_alice').activeAllowed).toBe(false);
    expect(problems).toEqual([]);
  });

  test('a person speaks in a group, in English, as somebody new', async () => {
    const page = await browser.newPage();
    await page.goto(sandbox.url);
    await page.getByRole('button', { name: 'English' }).click();
    await page.getByText('New user or group').click();
    await page.getByLabel('Name of the user').fill('Eve');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Eve' }).waitFor();
    await page.getByLabel('Name of the group').fill('Tea');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Tea' }).waitFor();
    await page.getByLabel('Speak as').selectOption('Eve');
    await page.locator('#text').fill('hi all');
    await page.keyboard.press('Enter');
    await page.getByText('No bot was connected: nobody got this message').waitFor();
    expect(sandbox.platform.transcript.since(0).at(-1)).toMatchObject({
      from: { name: 'Eve' },
      text: 'hi all',
      mention: true,
    });
  });

  test('a bot that is called back is there, and what becomes of each push is told', async () => {
    const { url, got } = await calledBot();
    const page = await browser.newPage();
    await page.goto(sandbox.url);
    await page.getByText('还没有机器人连接').waitFor();
    await sandbox.platform.webhook.save(url);
    await page.getByText('机器人已连接').waitFor();
    await page.locator('#activity').getByText('webhook 回调地址验证通过 · HTTP 200').waitFor();
    sandbox.platform.fault({ kind: 'webhook', forged: true });
    await page.keyboard.type('hello');
    await page.keyboard.press('Enter');
    await page.locator('#activity').getByText('故障 push of C2C_MESSAGE_CREATE').waitFor();
    await page.locator('#activity').getByText('webhook 推送 · C2C_MESSAGE_CREATE · HTTP 200').waitFor();
    expect(got.map(({ verifies }) => verifies)).toEqual([false]);
  });

  test('a person picks a channel by keyboard, sees markdown and parts as text, and a page that loads nothing from them', async () => {
    const { socket, token } = await connectBot(sandbox);
    const page = await browser.newPage();
    const loaded: string[] = [];
    page.on('request', (request) => loaded.push(new URL(request.url()).origin));
    await page.goto(sandbox.url);
    await page.getByRole('button', { name: '#general' }).focus();
    await page.keyboard.press('Enter');
    await page.getByText('私域机器人').waitFor();
    await page.keyboard.type('hi < there');
    await page.keyboard.press('Enter');
    const { t, d } = await socket.frame();
    expect([t, d.content]).toEqual(['AT_MESSAGE_CREATE', `<@!${sandbox.botId}> hi &lt; there`]);

    const answer = { markdown: { content: '**yes**' }, msg_id: d.id, message_reference: { message_id: d.id } };
    await post(sandbox, `/channels/${d.channel_id}/messages`, answer, token);
    const line = page.locator('.message', { has: page.getByText('**yes**') });
    await line.locator('.tag', { hasText: 'markdown' }).waitFor();
    expect(await line.locator('.chip.quote').textContent()).toBe('hi < there');

    const url = 'https://picture.example/x.png';
    const attachments = [{ content_type: 'image/png', filename: '<b>.png', url }];
    sandbox.platform.say({ from: 'openid_bob', channel: d.channel_id, attachments, mention: false });
    await page.locator('.chip', { hasText: '图片<b>.png' }).waitFor();
    await page.getByText('没有拥有私域消息权限的机器人在线').waitFor();

    await page.locator('#dms').getByRole('button', { name: 'Alice' }).click();
    await page.keyboard.type('psst');
    await page.keyboard.press('Enter');
    expect((await socket.frame()).d).toMatchObject({ direct_message: true, content: 'psst' });
    expect(new Set(loaded)).toEqual(new Set([sandbox.url]));
  });
}
