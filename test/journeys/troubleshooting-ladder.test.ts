/** The four rungs of the ladder that OpenClaw's page names first, and its three common failures, with loong in its place. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.js';
import { configFor, LoongHome } from '../support/loong-process.js';
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

function write(keys = '', tables = ''): void {
  home.writeConfig(configFor(sandbox, keys, `[log]\nfile = "loong.log"\n${tables}`));
}

describe('loong status', () => {
  test('without a daemon: how to start it, who would answer, where everything is; 69', async () => {
    write('backend = "upper"', '[backends.upper]\ntype = "exec"\ncommand = ["tr", "a-z", "A-Z"]\n');
    const ended = await home.run(['status']);
    expect([ended.code, ended.stderr]).toEqual([69, '']);
    expect(ended.stdout).toContain('loong gateway run');
    expect(ended.stdout).toMatch(/answers +qqbot:default by upper \(exec\)/);
    expect(ended.stdout).toMatch(/queue +nothing waits/);
    expect(ended.stdout).toContain(`config   ${home.configPath}`);
    expect(ended.stdout).toContain(`log      ${join(home.folder, 'loong.log')}`);
    const json = JSON.parse((await home.run(['status', '--json'])).stdout);
    expect(json).toMatchObject({
      daemon: null,
      state_dir: join(home.folder, 'state'),
      backends: { 'qqbot:default': 'upper (exec)' },
      queue: { unanswered: 0, queued: 0, parked: 0, uncertain: 0, failed: 0 },
      pairings_waiting: 0,
    });
  });

  test('with a daemon: state, who waits to be let in, what is parked, who answers', async () => {
    write(
      'allowed_peer_ids = ["openid_bob"]',
      '[backends.default]\ntype = "exec"\ncommand = ["cat"]\ninput = "text"\n',
    );
    const daemon = home.start(['gateway', 'run']);
    await daemon.logs('connected to the QQ gateway');
    sandbox.platform.set({ user: 'openid_bob', active_allowed: false });
    await home.run(['channels', 'send', 'qqbot', '--target', 'c2c:openid_bob', '--text', 'x', '--timeout', '10s']);
    sandbox.platform.say({ from: 'openid_alice', text: 'let me in' });
    const status = await waitUntil('somebody waits', async () => {
      const { stdout } = await home.run(['status']);
      return stdout.includes('1 waiting') ? stdout : undefined;
    });
    expect(status).toMatch(/runs as pid \d+/);
    expect(status).toMatch(/qqbot:default\n +ready/);
    expect(status).toMatch(/queue +(1 unanswered · )?1 parked: `loong queue`/);
    expect(status).toContain('`loong pairing list`');
    const ended = await home.run(['status', '--json']);
    expect([ended.code, JSON.parse(ended.stdout)]).toEqual([
      0,
      expect.objectContaining({ pairings_waiting: 1, daemon: expect.objectContaining({ pid: daemon.child.pid }) }),
    ]);
  });

  test('a database that cannot be read does not hide the rest', async () => {
    write();
    mkdirSync(join(home.folder, 'state'), { mode: 0o700 });
    writeFileSync(join(home.folder, 'state', 'loong.db'), 'this is no database');
    const ended = await home.run(['status']);
    expect([ended.code, ended.stdout, ended.stderr]).toEqual([
      69,
      expect.stringContaining('config   '),
      expect.stringContaining('warning: '),
    ]);
  });
});

test('all four rungs, from top to bottom, beside a daemon that runs', async () => {
  write();
  const following = home.start(['logs', '--follow']);
  await following.logs('waiting until the daemon writes there');
  const daemon = home.start(['gateway', 'run']);
  await daemon.logs('connected to the QQ gateway');
  expect((await home.run(['status'])).code).toBe(0);
  expect((await home.run(['gateway', 'status'])).code).toBe(0);
  const probe = await home.run(['channels', 'status', '--probe']);
  expect([probe.code, probe.stdout]).toEqual([0, expect.stringMatching(/ok +token +granted/)]);
  await waitUntil('the log', () => following.stdout.includes('connected to the QQ gateway'));
  expect((await following.stop()).code).toBe(0);
});

test('a log that is followed and never comes ends with Ctrl-C', async () => {
  write();
  const following = home.start(['logs', '--follow']);
  await following.logs('waiting until the daemon writes there');
  following.child.kill('SIGINT');
  expect((await following.ended).code).toBe(0);
});

describe('common failures', () => {
  test('“Probe fails with auth error”: both keys are named, exit 1', async () => {
    home.writeConfig(configFor(sandbox).replace(sandbox.clientSecret, 'not-the-secret-1'));
    const probe = await home.run(['channels', 'status', '--probe']);
    expect([probe.code, probe.stdout]).toEqual([1, expect.stringMatching(/100016[\s\S]*→ .*app id and secret/)]);
  });

  test('“DMs ignored”: who waits is shown with the code, and answered once approved', async () => {
    write();
    const daemon = home.start(['gateway', 'run']);
    await daemon.logs('connected to the QQ gateway');
    const { id } = sandbox.platform.say({ from: 'openid_alice', text: 'hello' });
    await waitUntil('the request', async () =>
      (await home.run(['pairing', 'list', 'qq'])).stdout.includes('openid_alice'),
    );
    const why = await home.run(['why', id]);
    expect(why.stdout).toContain('pairing_offered');
  });
});
