/** Somebody unknown asks to talk with the bot, and an operator lets them in, with the daemon and without it, on both lanes. */
import { createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { OneBotSend } from '../../src/sandbox/onebot/happenings.js';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.js';
import { configFor, type Ended, LoongHome, type LoongProcess } from '../support/loong-process.js';
import { sendsTo } from '../support/transcript.js';
import { waitUntil } from '../support/wait-until.js';

/** One of the two worlds, with one person who is listed, and two who are not. */
interface World {
  readonly channel: 'qqbot' | 'onebot';
  readonly [person: string]: string;
  readonly listed: string;
  readonly unknown: string;
  readonly another: string;
  readonly kind: string;
}

const QQBOT: World = {
  channel: 'qqbot',
  kind: 'c2c',
  listed: 'openid_alice',
  unknown: 'openid_bob',
  another: 'openid_carol',
};
const ONEBOT: World = { channel: 'onebot', kind: 'private', listed: '20002', unknown: '20003', another: '20004' };

let sandbox: Sandbox;
let home: LoongHome;
let daemon: LoongProcess;
let port: number;

beforeEach(async () => {
  sandbox = await startSandbox();
  sandbox.platform.people.addUser('Carol', 'openid_carol');
  home = new LoongHome();
  port = await freePort();
});

afterEach(async () => {
  await home.remove();
  await sandbox.close();
});

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

const json = (ended: Ended) => JSON.parse(ended.stdout);

describe.each([QQBOT, ONEBOT])('$channel', ({ channel, kind, listed, unknown, another }) => {
  const pairing = (...args: readonly string[]) => home.run(['pairing', ...args]);
  const send = (peer: string, ...more: readonly string[]) =>
    home.run(['channels', 'send', channel, '--target', `${kind}:${peer}`, '--text', 'a notice', ...more]);

  function write(keys = '', tables = ''): void {
    const listedKeys = `allowed_peer_ids = ["${listed}"]\n${keys}`;
    const onebot = `[onebot]\nws_port = ${port}\naccess_token = "let-me-in"\n${listedKeys}\n`;
    home.writeConfig(`${channel === 'qqbot' ? configFor(sandbox, listedKeys) : onebot}\n${tables}`);
  }

  function dialIn(): void {
    const url = `ws://127.0.0.1:${port}/onebot/v11/ws`;
    sandbox.platform.onebot.connect({ url, token: 'let-me-in', reconnect_ms: 50, heartbeat_ms: 1000 });
  }

  async function serve(): Promise<void> {
    daemon = home.start(['gateway', 'run']);
    await daemon.logs('loong runs');
    if (channel === 'onebot' && sandbox.platform.onebot.implementations.length === 0) dialIn();
    await waitUntil('the connection', async () => {
      const { accounts, started_at } = json(await home.run(['gateway', 'status', '--json']));
      expect(started_at).toBeGreaterThan(0);
      return accounts[0].state === 'ready';
    });
  }

  /** Carol is no friend of the account over OneBot: she writes through a group in which both are. */
  const say = (from: string, text: string) =>
    channel === 'qqbot'
      ? sandbox.platform.say({ from, text })
      : sandbox.platform.onebot.say({ from, text, ...(from === ONEBOT.another ? { temp_group: '30003' } : {}) });

  function heard(peer: string): readonly string[] {
    if (channel === 'qqbot') return sendsTo(sandbox, peer).flatMap(({ accepted, text }) => (accepted ? [text] : []));
    const sent: readonly OneBotSend[] = sandbox.platform.transcript
      .since(0)
      .filter((entry) => entry.kind === 'onebot.send');
    return sent.filter(({ scene }) => scene.id === peer).map(({ text }) => text);
  }

  const hears = (peer: string, text: string) =>
    waitUntil(`"${text}" for ${peer}:\n${heard(peer).join('\n')}`, () => heard(peer).includes(text));

  /** They write, and are told a code. */
  async function asked(peer: string, text: string): Promise<string> {
    const before = heard(peer).length;
    say(peer, text);
    await waitUntil('the code', () => heard(peer).length > before);
    const [, code = ''] = /([A-HJ-NP-Z2-9]{8})/.exec(heard(peer).at(-1) ?? '') ?? [];
    return code;
  }

  test('an unknown person is told a code once, Chinese first; approved while the daemon runs, they are answered at once', async () => {
    write();
    await serve();
    const code = await asked(unknown, 'may I?');
    const [told = ''] = heard(unknown);
    expect(told.indexOf('配对码')).toBeLessThan(told.indexOf('pairing code'));
    expect(told).toContain(`loong pairing approve ${channel} ${code}`);
    say(unknown, 'hello?');
    say(listed, 'I am listed');
    await hears(listed, 'I am listed');
    expect(heard(unknown)).toHaveLength(1);
    expect((await send(unknown)).code).toBe(77);

    const { pending } = json(await pairing('list', '--json'));
    expect(pending).toMatchObject([{ channel, account: 'default', user_id: unknown, code }]);
    const approved = await pairing('approve', channel, code.toLowerCase());
    expect([approved.code, approved.stderr]).toEqual([0, '']);
    expect(approved.stdout).toContain(unknown);
    await hears(unknown, 'may I?');
    say(unknown, 'thank you');
    await hears(unknown, 'thank you');
    expect(heard(unknown).slice(1)).toEqual(['may I?', 'thank you']);
    expect((await send(unknown)).code).toBe(0);
    expect(json(await pairing('list', channel, '--approved', '--json'))).toMatchObject({
      approved: [{ user_id: unknown }],
    });
    expect(json(await pairing('list', '--json'))).toEqual({ pending: [] });
    await daemon.logs('pairing approved');
    expect((await home.run(['gateway', 'status'])).stdout).toContain('private chats: pairing · 1 paired');
  });

  test('approved without a daemon, by id, they are told and answered by the next one', async () => {
    write();
    await serve();
    const code = await asked(unknown, 'may I?');
    expect((await daemon.stop()).code).toBe(0);
    expect((await pairing('list')).stdout).toContain(code);
    expect((await home.run(['channels'])).stdout).toContain('private chats: pairing · 1 waiting');
    const approved = await pairing('approve', channel, unknown, '--notify', '--json');
    expect([approved.code, json(approved)]).toMatchObject([0, { approved: { user_id: unknown }, answers: 'in-1' }]);
    expect(approved.stderr).toContain('pairing approved');
    expect((await pairing('approve', channel, code)).code).toBe(1);
    await serve();
    await hears(unknown, 'may I?');
    expect(heard(unknown)[1]).toContain('You are approved');
    expect(heard(unknown)).toHaveLength(3);
  });

  test('revoked, nothing that waits goes out to them, and they are asked to pair anew', async () => {
    // The code takes the only place of the window, so what comes after it has to wait.
    const waits = channel === 'qqbot' ? 'reply_windows = { c2c = { count = 1 } }' : 'reconnect = { enabled = false }';
    write(waits);
    await serve();
    const code = await asked(unknown, 'may I?');
    if (channel === 'qqbot') sandbox.platform.set({ user: unknown, active_allowed: false });
    else await sandbox.platform.onebot.disconnect();
    const queued = async () => json(await home.run(['queue', '--json'])).rows;
    expect((await pairing('approve', channel, code)).code).toBe(0);
    const parked = await waitUntil('the answer to be parked', async () =>
      (await queued()).find(({ id, status }: Row) => id !== 'out-1' && status === 'parked'),
    );
    const revoked = await pairing('revoke', channel, unknown, '--json');
    expect([revoked.code, json(revoked)]).toMatchObject([0, { revoked: { user_id: unknown }, stopped: [parked.id] }]);
    expect(json(await home.run(['queue', 'show', parked.id, '--json']))).toMatchObject({
      status: 'failed',
      error: { code: 'access.revoked' },
    });
    expect((await send(unknown)).code).toBe(77);
    expect((await pairing('revoke', channel, unknown)).code).toBe(1);
    if (channel === 'qqbot') sandbox.platform.set({ user: unknown, active_allowed: true });
    else dialIn();
    const second = await waitUntil('the second code', async () => {
      const { accounts } = json(await home.run(['gateway', 'status', '--json']));
      return accounts[0].state === 'ready' && (await asked(unknown, 'again?'));
    });
    expect(second).not.toBe(code);
    expect(heard(unknown).some((text) => text === 'may I?')).toBe(false);
  });

  test('revoked while their answer is being made, they get none, and the command is ended', async () => {
    write(
      'backend = "slow"',
      '[backends.slow]\ntype = "exec"\ncommand = ["/bin/sh", "-c", "echo $$; exec sleep 100"]\n',
    );
    await serve();
    const code = await asked(unknown, 'may I?');
    expect((await pairing('approve', channel, code)).code).toBe(0);
    const status = async () => json(await home.run(['queue', 'show', 'in-1', '--json']));
    await waitUntil('the turn', async () => (await status()).attempts === 1);
    expect((await pairing('revoke', channel, unknown)).code).toBe(0);
    await daemon.logs('whoever wrote it may not talk any more');
    expect(await status()).toMatchObject({ status: 'failed', error: { code: 'access.revoked' } });
    const again = await home.run(['queue', 'retry', 'in-1', '--json']);
    expect([again.code, json(again).error.code]).toEqual([77, 'access.revoked']);
    expect(heard(unknown)).toHaveLength(1);
  });

  test('while nobody is heard in private an approval is kept, and answers nobody', async () => {
    write();
    await serve();
    await asked(unknown, 'may I?');
    expect((await daemon.stop()).code).toBe(0);
    write('dm_policy = "disabled"');
    const approved = await pairing('approve', channel, unknown, '--notify');
    expect([approved.code, approved.stdout]).toEqual([0, expect.stringContaining('dm_policy is "disabled"')]);
    expect(approved.stdout).not.toContain('are told');
    write();
    await serve();
    say(unknown, 'and now?');
    await hears(unknown, 'and now?');
    expect(heard(unknown)).toHaveLength(2);
  });

  test('beyond max_pending an unknown person is told nothing, but the operator is; once one is denied there is room', async () => {
    write('', '[pairing]\nmax_pending = 1\nmessage = "{id} {code} {command} {other}"\n');
    await serve();
    const code = await asked(unknown, 'may I?');
    expect(heard(unknown)).toEqual([`${unknown} ${code} loong pairing approve ${channel} ${code} {other}`]);
    say(another, 'and I?');
    await daemon.logs('could not ask to pair');
    const denied = await pairing('deny', channel, code);
    expect([denied.code, denied.stdout]).toEqual([0, expect.stringContaining(unknown)]);
    const next = await asked(another, 'and now?');
    expect(heard(another)).toHaveLength(1);
    expect(json(await pairing('list', '--json')).pending).toMatchObject([{ user_id: another, code: next }]);
    expect(heard(unknown)).toHaveLength(1);
  });

  test('who is not there cannot be decided about', async () => {
    write();
    for (const verb of ['approve', 'deny', 'revoke']) {
      const ended = await pairing(verb, channel, 'ABCD2345', '--json');
      expect([verb, ended.code, json(ended).error.code]).toEqual([verb, 1, 'pairing.unknown']);
    }
    await serve();
    for (const verb of ['approve', 'deny', 'revoke']) {
      for (const who of ['ABCD2345', '*', '', unknown]) {
        const ended = await pairing(verb, channel, who, '--json');
        expect([verb, who, ended.code]).toEqual([verb, who, who === '' ? 64 : 1]);
      }
    }
    expect((await pairing('approve', channel, 'ABCD2345', '--account', 'nobody')).code).toBe(64);
    expect((await pairing('approve', 'telegram', 'ABCD2345')).code).toBe(64);
    expect((await pairing('list', '--account', 'nobody')).code).toBe(64);
  });
});

interface Row {
  readonly id: string;
  readonly status: string;
}
