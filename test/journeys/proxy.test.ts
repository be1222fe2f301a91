/** The daemon behind a proxy: REST and WebSocket both go through it, and nothing goes past it. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.js';
import { ConnectProxy } from '../support/connect-proxy.js';
import { configFor, LoongHome } from '../support/loong-process.js';
import { answersTo } from '../support/transcript.js';
import { waitUntil } from '../support/wait-until.js';

let sandbox: Sandbox;
let home: LoongHome;
let proxy: ConnectProxy;
let authority: string;

beforeEach(async () => {
  sandbox = await startSandbox();
  home = new LoongHome();
  proxy = await ConnectProxy.start();
  authority = new URL(sandbox.url).host;
});

afterEach(async () => {
  await home.remove();
  await proxy.close();
  await sandbox.close();
});

const through = (url: string) => configFor(sandbox, undefined, `[gateway]\nproxy = ${JSON.stringify(url)}\n`);

const SEND = ['channels', 'send', 'qqbot', '--target', 'c2c:openid_alice', '--text', 'hi', '--timeout', '3s'];

test('a message comes in and its answer goes out through the proxy', async () => {
  home.writeConfig(through(proxy.url));
  const daemon = home.start(['gateway', 'run']);
  await daemon.logs('connected to the QQ gateway');
  expect(new Set(proxy.asked)).toEqual(new Set([authority]));
  const { id } = sandbox.platform.say({ from: 'openid_alice', text: 'through the tunnel' });
  await waitUntil('the answer', () => answersTo(sandbox, id).length === 1);
  // The session hangs on the tunnel: without it there is none, and with it, it is resumed.
  proxy.cut();
  await daemon.logs('disconnected from the gateway');
  await daemon.logs('connected to the QQ gateway', 2);
  expect((await daemon.stop()).code).toBe(0);
});

test('without a daemon a message is sent through it, too, with the password that nobody gets to see', async () => {
  proxy.rules = { credentials: 'op:pass-Word@7' };
  home.writeConfig(through(proxy.url.replace('//', '//op:pass-Word%407@')));
  const sent = await home.run(SEND);
  expect(sent.code, sent.stderr).toBe(0);
  expect(new Set(proxy.asked)).toEqual(new Set([authority]));
  const wrong = through(proxy.url.replace('//', '//op:another-Word@'));
  home.writeConfig(wrong);
  const refused = await home.run([...SEND, '--log-level', 'debug']);
  expect(refused.code).toBe(69);
  expect(refused.stderr).toContain('refused the user name and the password (HTTP 407)');
  const shown = await home.run(['config', 'show']);
  expect(shown.stdout).toContain(`proxy = "http://***@127.0.0.1:${proxy.port}"`);
  for (const { stdout, stderr } of [sent, refused, shown]) {
    expect(stdout + stderr).not.toMatch(/pass-Word|another-Word/);
    for (const pair of ['op:pass-Word@7', 'op:another-Word'])
      expect(stdout + stderr).not.toContain(Buffer.from(pair).toString('base64'));
  }
});

test('the variables of the shell count where the file names none, but never for this machine', async () => {
  home.writeConfig(configFor(sandbox));
  const env = { HTTP_PROXY: proxy.url, HTTPS_PROXY: proxy.url, ALL_PROXY: proxy.url };
  expect((await home.run(SEND, { env })).code).toBe(0);
  expect(proxy.asked).toEqual([]);
  // Any other host goes there, and is resolved there: nobody here knows this one. The sandbox knows only its own name.
  const far = sandbox.url.replace('127.0.0.1', 'qq.invalid');
  home.writeConfig(configFor(sandbox, 'allow_http = true').replaceAll(sandbox.url, far));
  const probed = await home.run(['channels', 'status', '--probe', '--json'], { env });
  expect(proxy.asked.length).toBeGreaterThan(0);
  expect(new Set(proxy.asked)).toEqual(new Set([new URL(far).host]));
  expect(probed.stdout).toContain('403');
});

test('NO_PROXY names who is reached directly', async () => {
  home.writeConfig(through(proxy.url));
  for (const NO_PROXY of ['*', '127.0.0.1', `example.com, ${authority}`]) {
    expect((await home.run(SEND, { env: { NO_PROXY } })).code).toBe(0);
    expect(proxy.asked, NO_PROXY).toEqual([]);
  }
  expect((await home.run(SEND, { env: { NO_PROXY: '127.0.0.1:1,27.0.0.1,.example.com' } })).code).toBe(0);
  expect(proxy.asked).not.toEqual([]);
});

test('an outage of the proxy is an outage like any other: it ends with the proxy', async () => {
  home.writeConfig(through(proxy.url));
  const daemon = home.start(['gateway', 'run']);
  await daemon.logs('connected to the QQ gateway');
  const { port } = proxy;
  await proxy.close();
  await daemon.logs('gives no connection');
  proxy = await ConnectProxy.start({}, port);
  await daemon.logs('connected to the QQ gateway', 2);
});

test('a proxy that cannot be one: named in the file it is a problem, in a variable it lets nothing past', async () => {
  home.writeConfig(through('socks5://127.0.0.1:7891'));
  const check = await home.run(['config', 'check']);
  expect(check.code).toBe(78);
  expect(check.stderr).toContain('gateway.proxy');
  expect(check.stderr).toContain('socks5');
  const far = sandbox.url.replace('127.0.0.1', 'qq.invalid');
  home.writeConfig(
    configFor(sandbox, 'allow_http = true\nallowed_peer_ids = ["openid_alice"]').replaceAll(sandbox.url, far),
  );
  const sent = await home.run(SEND, { env: { ALL_PROXY: 'socks5h://127.0.0.1:7891' } });
  expect(sent.code).toBe(69);
  expect(sent.stderr).toContain('$ALL_PROXY is a proxy of the kind `socks5h`');
});
