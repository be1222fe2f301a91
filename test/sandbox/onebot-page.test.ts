import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.js';
import { BareApplication } from './support/onebot-application.js';

let sandbox: Sandbox;
let application: BareApplication;
beforeEach(async () => {
  sandbox = await startSandbox();
  application = await BareApplication.listen();
});
afterEach(async () => {
  await sandbox.close();
  await application.close();
});

const BROWSER = [
  process.env.CHROMIUM_PATH,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
].find((path) => path !== undefined && existsSync(path));

// CI must try the page in a browser; elsewhere a machine without one says so and goes on.
if (BROWSER === undefined && process.env.CI !== 'true') {
  process.stdout.write(
    'note: no Chromium on this machine, so the OneBot side of the chat page was not tried in a browser\n',
  );
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

  test('nothing of OneBot is shown while no implementation is logged in', async () => {
    const page = await browser.newPage();
    await page.goto(sandbox.url);
    await page.getByRole('button', { name: 'Alice' }).first().waitFor();
    expect(await page.getByText('OneBot 好友').isVisible()).toBe(false);
  });

  test('a person talks to both worlds on one page, and sees what was dropped and refused', async () => {
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    const problems: string[] = [];
    page.on('pageerror', (error) => problems.push(error.message));
    page.on('console', (line) => {
      if (line.type() === 'error') problems.push(line.text());
    });
    sandbox.platform.onebot.connect({ url: application.url });
    await application.dialled();
    await page.goto(sandbox.url);
    // The conversation that is open is of the official side, where nobody is.
    await page.locator('#link', { hasText: '官方机器人未连接（OneBot 已连接）' }).waitFor();
    await page.getByText('这一侧还没有机器人连接').waitFor();
    await page.locator('#onebot-friends').getByRole('button', { name: 'Alice' }).click();
    await page.getByText('机器人已连接').waitFor();
    await page.getByText('private:20002').waitFor();
    await page.keyboard.type('hello');
    await page.keyboard.press('Enter');
    const { message_id } = await application.message('hello');

    const hostile = '<img src=x onerror="document.title=1">';
    const message = [
      { type: 'reply', data: { id: String(message_id) } },
      { type: 'text', data: { text: hostile } },
      { type: 'image', data: { file: 'https://example.org/cat.png' } },
      { type: 'xml', data: { data: '<x/>' } },
    ];
    await application.call('send_private_msg', { user_id: 20002, message });
    await page.locator('.message', { hasText: '被丢弃 xml' }).waitFor();
    expect(await page.locator('.bubble').nth(1).textContent()).toBe(hostile);
    await page.locator('.chip.quote', { hasText: 'hello' }).waitFor();
    await page.locator('.chip', { hasText: '图片' }).waitFor();
    await application.call('send_private_msg', { user_id: 20002, message: [{ type: 'share', data: {} }] });
    await page.locator('.refused', { hasText: '未知的消息类型：share' }).waitFor();

    await application.call('send_group_msg', { group_id: 30003, message: 'news' });
    await page.locator('#onebot-groups').getByRole('button', { name: 'Demo' }).click();
    await page.locator('.bubble', { hasText: 'news' }).waitFor();
    await page.getByLabel('发言人').selectOption('Carol');
    await page.locator('#text').fill('hi all');
    await page.keyboard.press('Enter');
    expect(await application.message('hi all')).toMatchObject({ group_id: 30003, user_id: 20004 });
    await page.locator('.bubble', { hasText: '@机器人 hi all' }).waitFor();
    sandbox.platform.onebot.happen({ kind: 'poke', from: '20002', group: '30003' });
    await page.getByText('notify.poke').first().waitFor();
    if (process.env.SCREENSHOT !== undefined) await page.screenshot({ path: process.env.SCREENSHOT });
    expect(problems).toEqual([]);
  });

  test('an account that reaches no application says how to connect one, in English too', async () => {
    const page = await browser.newPage();
    sandbox.platform.onebot.connect({ url: 'ws://127.0.0.1:1/onebot/v11/ws', reconnect_ms: 60_000 });
    await page.goto(sandbox.url);
    await page.getByRole('button', { name: 'English' }).click();
    await page.locator('#onebot-groups').getByRole('button', { name: 'Tea' }).click();
    await page.getByText('This QQ (a pretend NapCat) has not reached a bot yet').waitFor();
    await page.getByText('ws_path = "/onebot/v11/ws"').waitFor();
    await page.keyboard.type('anyone?');
    await page.keyboard.press('Enter');
    await page.getByText('No bot was connected: nobody got this message').waitFor();
  });
}
