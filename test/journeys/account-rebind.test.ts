/** An account is whom it was when it ran last: another app or QQ gets nothing of what is queued, until an operator says so. */
import { createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.js';
import { refusalOf } from '../lanes/onebot/support/raw-implementation.js';
import { configFor, type Ended, LoongHome, type LoongProcess } from '../support/loong-process.js';
import { sendsTo } from '../support/transcript.js';
import { waitUntil } from '../support/wait-until.js';

let home: LoongHome;
let sandbox: Sandbox;

beforeEach(async () => {
  home = new LoongHome();
  sandbox = await startSandbox();
});

afterEach(async () => {
  await home.remove();
  await sandbox.close();
});

const json = (ended: Ended) => JSON.parse(ended.stdout);
const rebind = (...args: readonly string[]) => home.run(['account', 'rebind', ...args]);

async function running(log: string): Promise<LoongProcess> {
  const daemon = home.start(['gateway', 'run']);
  await daemon.logs(log);
  return daemon;
}

describe('qqbot', () => {
  let other: Sandbox;

  beforeEach(async () => {
    other = await startSandbox({ appId: '102000002', clientSecret: 'secret-of-the-other' });
  });

  afterEach(() => other.close());

  const send = (...more: readonly string[]) =>
    home.run(['channels', 'send', 'qqbot', '--target', 'c2c:openid_alice', '--text', 'for alice', ...more]);

  /** The account ran with the first app, and a message waits. */
  async function ranWithTheFirst(): Promise<void> {
    home.writeConfig(configFor(sandbox));
    const daemon = await running('connected to the QQ gateway');
    sandbox.platform.fault({ kind: 'rest', method: 'POST', path: '/v2/users/*', status: 429, retry_after: 3600 });
    expect((await send('--no-wait')).code).toBe(0);
    await waitUntil('the attempt', () => sendsTo(sandbox, 'openid_alice').length > 0);
    await waitUntil(
      'the wait',
      async () => json(await home.run(['queue', 'show', 'out-1', '--json'])).status === 'queued',
    );
    expect((await daemon.stop()).code).toBe(0);
  }

  test('an app id that changed is refused by daemon and send, until the account is rebound', async () => {
    await ranWithTheFirst();
    home.writeConfig(configFor(other));
    const doctor = await home.run(['doctor', '--offline', '--json']);
    expect(json(doctor).checks).toContainEqual({
      name: 'qqbot:default identity',
      level: 'fail',
      detail: expect.stringContaining('would be 102000002'),
      remedy: expect.stringContaining('loong account rebind qqbot default'),
    });
    for (const refused of [
      await home.run(['gateway', 'run']),
      await home.run(['channels', 'serve', 'qqbot']),
      await send(),
    ]) {
      expect(refused.code).toBe(78);
      expect(refused.stderr).toContain('account `default` was app 102000001 until now and would be 102000002');
      expect(refused.stderr).toContain('`loong account rebind qqbot default`');
    }
    expect(json(await send('--json')).error).toMatchObject({
      code: 'account.changed',
      problems: [{ path: 'qqbot.app_id', remedy: expect.stringContaining('loong account rebind qqbot default') }],
    });
    expect(sendsTo(other, 'openid_alice')).toEqual([]);

    const rebound = await rebind('tencent-qq', 'default', '--json');
    expect([rebound.code, json(rebound)]).toEqual([
      0,
      {
        account: 'qqbot:default',
        was: '102000001',
        messages_failed: 1,
        messages_uncertain: 0,
        messages_unanswered: 0,
        windows_closed: 0,
        sessions_forgotten: 1,
        refusals_forgotten: 0,
        pairings_forgotten: 0,
      },
    ]);
    const daemon = await running('connected to the QQ gateway');
    const row = json(await home.run(['queue', 'show', 'out-1', '--json']));
    expect(row).toMatchObject({ status: 'failed', error: { code: 'account.rebound' } });
    const sent = await send();
    expect([sent.code, sendsTo(other, 'openid_alice').length]).toEqual([0, 1]);
    await daemon.stop();
    home.writeConfig(configFor(sandbox));
    expect((await home.run(['gateway', 'run'])).code).toBe(78);
  });

  test('the former app may come back without any ado, and delivers what waited', async () => {
    await ranWithTheFirst();
    home.writeConfig(configFor(other));
    expect((await home.run(['gateway', 'run'])).code).toBe(78);
    home.writeConfig(configFor(sandbox));
    sandbox.platform.faults.remove();
    await running('connected to the QQ gateway');
    expect((await home.run(['queue', 'retry', 'out-1'])).code).toBe(0);
    await waitUntil('the message', () => sendsTo(sandbox, 'openid_alice').some(({ accepted }) => accepted));
  });

  test('a send without a daemon says whom the account is as well', async () => {
    home.writeConfig(configFor(sandbox));
    expect((await send()).code).toBe(0);
    home.writeConfig(configFor(other));
    expect([(await send()).code, (await home.run(['gateway', 'run'])).code]).toEqual([78, 78]);
    expect((await rebind('qqbot', 'default')).code).toBe(0);
    expect((await send()).code).toBe(0);
  });

  test('of several accounts the changed one is named alone, and nothing is noted of the others', async () => {
    const two = (ops: Sandbox) =>
      `${configFor(sandbox, 'allowed_peer_ids = ["openid_alice"]')}[qqbot.accounts.main]\n[qqbot.accounts.ops]\napp_id = "${ops.appId}9"\nclient_secret = "x-secret-0001"\n`;
    home.writeConfig(two(sandbox));
    const first = home.start(['channels', 'serve', 'qqbot', '--account', 'ops']);
    await first.logs('loong runs');
    await first.stop();
    home.writeConfig(two(other));
    const refused = await home.run(['gateway', 'run']);
    expect([
      refused.code,
      refused.stderr.includes('account `ops` was'),
      refused.stderr.includes('account `main` was'),
    ]).toEqual([78, true, false]);
    expect(json(await rebind('qqbot', 'main', '--json'))).toMatchObject({ was: null });
    expect(json(await rebind('qqbot', 'ops', '--json'))).toMatchObject({ was: '1020000019' });
  });
});

describe('onebot', () => {
  let port: number;
  const A = '10001';
  const B = '10002';

  beforeEach(async () => {
    port = await new Promise((resolve) => {
      const server = createServer().listen(0, '127.0.0.1', () => {
        const address = server.address();
        server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
      });
    });
    configure();
  });

  function configure(selfId?: string): void {
    const bound = selfId === undefined ? '' : `self_id = "${selfId}"\n`;
    home.writeConfig(`[onebot]\nws_port = ${port}\naccess_token = "let-me-in"\nallowed_peer_ids = ["20002"]\n${bound}`);
  }

  const url = () => `ws://127.0.0.1:${port}/onebot/v11/ws`;
  const dialledAs = (selfId: string) => refusalOf(url(), { selfId, authorization: 'Bearer let-me-in' });
  const texts = () =>
    sandbox.platform.transcript.since(0).flatMap((entry) => (entry.kind === 'onebot.send' ? [entry.text] : []));

  async function status(): Promise<{ state: string; detail?: string; remedy?: string }> {
    const { accounts } = json(await home.run(['channels', 'status', '--json']));
    return accounts[0].live;
  }

  async function dialIn(selfId: string): Promise<void> {
    sandbox.platform.onebot.connect({ url: url(), token: 'let-me-in', self_id: selfId, reconnect_ms: 50 });
    await waitUntil('the connection', async () => (await status()).state === 'ready');
  }

  /** A was here, then a message was left waiting, and the daemon died. */
  async function boundToA(): Promise<void> {
    const daemon = await running('waiting for NapCat');
    await dialIn(A);
    expect((await status()).detail).toMatch(/^bound to QQ 10001\b/);
    await sandbox.platform.onebot.disconnect(A);
    await waitUntil('nobody', async () => (await status()).state === 'waiting');
    const sent = await home.run([
      'channels',
      'send',
      'onebot',
      '--target',
      'private:20002',
      '--text',
      'from A',
      '--no-wait',
    ]);
    expect(sent.code).toBe(0);
    await daemon.kill();
  }

  test('another QQ is refused after a restart as before it, and the first one is welcome', async () => {
    await boundToA();
    await running('waiting for NapCat');
    expect(await dialledAs(B)).toMatchObject({ status: 403, body: 'X-Self-ID is not that of the account here\n' });
    expect((await status()).remedy).toContain('`loong account rebind onebot default`');
    expect(texts()).toEqual([]);
    await dialIn(A);
    await waitUntil('what waited', () => texts().includes('from A'));
    expect((await status()).detail).toMatch(/^bound to QQ 10001\b/);
  });

  test('rebound it takes the other one, to whom nothing of the first goes', async () => {
    await boundToA();
    const rebound = await rebind('NapCat', 'default');
    expect([rebound.code, rebound.stderr]).toEqual([0, '']);
    expect(rebound.stdout).toContain('onebot:default does not belong to QQ 10001 any more');
    expect(rebound.stdout).toContain('1 message failed');
    const daemon = await running('waiting for NapCat');
    await dialIn(B);
    expect((await dialledAs(A)).status).toBe(403);
    expect((await home.run(['channels', 'send', 'onebot', '--target', 'private:20002', '--text', 'from B'])).code).toBe(
      0,
    );
    expect(texts()).toEqual(['from B']);
    const beside = await rebind('onebot', 'default', '--json');
    expect([beside.code, json(beside).error]).toEqual([
      75,
      {
        code: 'owner.taken_by_daemon',
        message: expect.stringContaining(`pid ${daemon.child.pid}`),
        remedy: expect.stringContaining('stop it first'),
      },
    ]);
    expect((await status()).detail).toMatch(/^bound to QQ 10002\b/);
  });

  test('a configured QQ is like an app id: another one than before is refused, until the account is rebound', async () => {
    await boundToA();
    configure(B);
    const refused = await home.run(['gateway', 'run']);
    expect(refused.code).toBe(78);
    expect(refused.stderr).toContain('account `default` was QQ 10001 until now and would be 10002');
    expect(refused.stderr).toContain('`loong account rebind onebot default`');
    configure(A);
    const daemon = await running('waiting for NapCat');
    await dialIn(A);
    await waitUntil('what waited', () => texts().includes('from A'));
    await daemon.stop();
    await sandbox.platform.onebot.disconnect(A);
    expect((await rebind('onebot', 'default')).code).toBe(0);
    configure(B);
    await (await running('waiting for NapCat')).stop();
    configure(); // still whose it was when it was configured
    await running('waiting for NapCat');
    expect((await dialledAs(A)).status).toBe(403);
    await dialIn(B);
  });
});

describe('loong account rebind', () => {
  beforeEach(() => home.writeConfig(configFor(sandbox)));

  test('names the accounts there are', async () => {
    const unknown = await rebind('qqbot', 'nobody', '--json');
    expect([unknown.code, json(unknown).error]).toMatchObject([
      64,
      { code: 'account.unknown', remedy: 'configured accounts: default' },
    ]);
    expect((await rebind('irc', 'default')).code).toBe(64);
    expect((await rebind('qqbot')).code).toBe(64);
  });

  test('has nothing to do before anything ran, however often it is told', async () => {
    for (const _ of ['once', 'twice'])
      expect(json(await rebind('qqbot', 'Default', '--json'))).toMatchObject({ account: 'qqbot:default', was: null });
    const { code, stdout } = await rebind('qqbot', 'default');
    expect([code, stdout.split('\n')[0]]).toEqual([0, 'qqbot:default belonged to nobody yet']);
  });
});
