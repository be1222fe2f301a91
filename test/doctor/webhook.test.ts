/** The doctor on an account that is called back: each thing is broken for real, and mended as its remedy says. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.js';
import { freePort } from '../support/free-port.js';
import { configFor, LoongHome, type LoongProcess } from '../support/loong-process.js';

let sandbox: Sandbox;
let home: LoongHome;
let port: number;

beforeEach(async () => {
  sandbox = await startSandbox();
  home = new LoongHome();
  port = await freePort();
  write();
});

afterEach(async () => {
  await home.remove();
  await sandbox.close();
});

function write(more = ''): void {
  const toml = configFor(
    sandbox,
    `allowed_peer_ids = ["openid_alice"]\ntransport = "webhook"\nwebhook_listen = "127.0.0.1:${port}"\n${more}`,
  );
  home.writeConfig(toml);
}

async function started(): Promise<LoongProcess> {
  const daemon = home.start(['channels', 'serve', 'qqbot']);
  await daemon.logs('callbacks of QQ are taken here');
  return daemon;
}

interface Check {
  readonly name: string;
  readonly level: string;
  readonly detail: string;
  readonly remedy?: string;
}

async function check(name: string): Promise<Check | undefined> {
  const { stdout } = await home.run(['doctor', '--json']);
  const { checks } = JSON.parse(stdout) as { checks: readonly Check[] };
  return checks.find((one) => one.name === `qqbot:default ${name}`);
}

test('nobody listens: a warning; with the daemon that its remedy names: ok', async () => {
  expect(await check('webhook')).toMatchObject({
    level: 'warn',
    detail: expect.stringContaining('nobody listens'),
    remedy: expect.stringContaining('loong gateway run'),
  });
  expect(await check('port')).toMatchObject({ level: 'ok', detail: `127.0.0.1:${port} is free` });
  await started();
  expect(await check('webhook')).toMatchObject({
    level: 'ok',
    detail: expect.stringContaining('refuses what is forged'),
  });
  expect(await check('port')).toMatchObject({ level: 'ok', detail: `the daemon listens on 127.0.0.1:${port}` });
});

test('another program has the port, and takes everything: two failures that name it; without it: ok', async () => {
  const other = createServer((_request, response) => response.end('{"op":12,"d":0}')).listen(port, '127.0.0.1');
  await new Promise((resolve) => other.once('listening', resolve));
  onTestFinished(() => void other.close());
  expect(await check('port')).toMatchObject({
    level: 'fail',
    detail: expect.stringContaining(`pid ${process.pid}`),
    remedy: expect.stringContaining('webhook_listen'),
  });
  expect(await check('webhook')).toMatchObject({ level: 'fail', detail: expect.stringContaining('forged') });
  other.closeAllConnections();
  await new Promise((resolve) => other.close(resolve));
  await started();
  expect((await check('webhook'))?.level).toBe('ok');
});

test('the file names another path than the daemon has: a failure; started anew: ok', async () => {
  const daemon = await started();
  write('webhook_path = "/elsewhere"');
  expect(await check('webhook')).toMatchObject({
    level: 'fail',
    remedy: expect.stringContaining('start the daemon anew'),
  });
  await daemon.stop();
  await started();
  expect((await check('webhook'))?.level).toBe('ok');
});

test('a server that is no bot of ours is told', async () => {
  const other = createServer((_request, response) => response.writeHead(401).end()).listen(0, '127.0.0.1');
  await new Promise((resolve) => other.once('listening', resolve));
  onTestFinished(() => void other.close());
  port = (other.address() as AddressInfo).port;
  write();
  expect(await check('webhook')).toMatchObject({ level: 'fail', detail: expect.stringContaining('client secret') });
});
