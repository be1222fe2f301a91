/** The unit that `loong service print` writes, judged by systemd itself, and what the daemon tells systemd. */
import { execFile, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type UnitFacts, unitText } from '../../src/cli/service-unit.js';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.js';
import { configFor, LoongHome } from '../support/loong-process.js';
import { NotifySocket } from '../support/notify-socket.js';

const BIN = fileURLToPath(new URL('../../bin/loong.js', import.meta.url));

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

const FACTS: UnitFacts = {
  node: process.execPath,
  loong: BIN,
  config: '/etc/loong/config.toml',
  home: undefined,
  credentials: [],
  writes: [],
};

/** Lines of a unit that set something: `Type=notify`. */
function settings(unit: string): readonly string[] {
  return unit.split('\n').filter((line) => /^[A-Z]\w+=/.test(line));
}

test('the unit names this node, this loong and this config, and hands over the secrets that the config names', async () => {
  const config = `[qqbot]
app_id = "102000001"
client_secret_file = "$CREDENTIALS_DIRECTORY/qqbot-secret"
allowed_peer_ids = ["openid_alice"]
[log]
file = "/srv/loong logs/loong.log"
[gateway]
state_dir = "/srv/loong/state"
`;
  home.writeConfig(config);
  const printed = await home.run(['service', 'print', '--config', home.configPath]);
  expect(printed.code, printed.stderr).toBe(0);
  expect(settings(printed.stdout)).toEqual(
    expect.arrayContaining([
      'Type=notify',
      'NotifyAccess=all',
      'WatchdogSec=60',
      'StateDirectory=loong',
      'RestartPreventExitStatus=78',
      'Restart=on-failure',
      'NoNewPrivileges=yes',
      'ProtectSystem=strict',
      `ExecStart=${process.execPath} ${BIN} gateway run --config ${home.configPath}`,
      `LoadCredential=qqbot-secret:${home.folder}/credentials/qqbot-secret`,
      'ReadWritePaths=/srv/loong/state',
      'ReadWritePaths="/srv/loong logs"',
      'WantedBy=multi-user.target',
    ]),
  );
  const json = await home.run(['service', 'print', '--json', '--config', home.configPath]);
  const { warnings, ...rest } = JSON.parse(json.stdout);
  expect(rest).toEqual({ path: '/etc/systemd/system/loong.service', unit: printed.stdout });
  // A machine without systemd is told so.
  expect(warnings.filter((warning: string) => !warning.includes('systemd-notify'))).toEqual([]);
});

test.each([
  ['its config', { config: '/etc/a\nExecStartPre=/bin/true/config.toml' }],
  ['node', { node: '/opt/a\r/node' }],
  ['loong', { loong: '/opt/a\u0000/loong.js' }],
  ['its home', { home: '/home/a\nUser=root' }],
  ['its state', { writes: ['/srv/loong', '/srv/a\nUser=root'] }],
])('no path puts a line of its own into the unit: that of %s', (_what, facts) => {
  expect(() => unitText({ ...FACTS, ...facts })).toThrow(expect.objectContaining({ code: 'service.odd_path' }));
});

test('a state directory of the config that would put a line into the unit is refused', async () => {
  home.writeConfig(`[gateway]\nstate_dir = "/srv/a\\nExecStartPre=/bin/true"\n${configFor(sandbox)}`);
  const printed = await home.run(['service', 'print', '--config', home.configPath, '--json']);
  expect([printed.code, JSON.parse(printed.stdout).error.code]).toEqual([78, 'service.odd_path']);
});

test('what works in this shell and would not in the unit is told beside it', async () => {
  home.writeConfig(configFor(sandbox));
  const env = { HTTPS_PROXY: 'http://op:pass-Word@127.0.0.1:7890', LOONG_CONFIG: home.configPath };
  const printed = await home.run(['service', 'print'], { env });
  expect(printed.code).toBe(0);
  expect(printed.stderr).toContain('put state_dir = "/var/lib/loong" under [gateway]');
  expect(printed.stderr).toContain('$HTTPS_PROXY');
  expect(printed.stdout + printed.stderr).not.toContain('pass-Word');
  const none = await home.run(['service', 'print', '--config', join(home.folder, 'later.toml')]);
  expect(none.code).toBe(0);
  expect(none.stderr).toContain('make it before you start the unit');
  home.writeConfig('[qqbot]\nenabled = "yes"\n');
  expect((await home.run(['service', 'print', '--config', home.configPath])).code).toBe(78);
});

test('for one person it needs no root: no user, no folders, and the state where the shell has it', async () => {
  home.writeConfig(configFor(sandbox));
  const { code, stdout } = await home.run(['service', 'print', '--user']);
  expect(code).toBe(0);
  const lines = settings(stdout);
  expect(lines).toContain('WantedBy=default.target');
  expect(lines).toContain(`ExecStart=${process.execPath} ${BIN} gateway run --config %h/config.toml`);
  expect(lines.filter((line) => /^(User|StateDirectory|Protect|Private)/.test(line))).toEqual([]);
});

test('a secret that systemd hands over is read by the service, and told to be missing elsewhere', async () => {
  const credentials = join(home.folder, 'credentials');
  mkdirSync(credentials);
  writeFileSync(join(credentials, 'qqbot-secret'), `${sandbox.clientSecret}\n`, { mode: 0o400 });
  const toml = configFor(sandbox).replace(
    /client_secret = .*/,
    'client_secret_file = "$CREDENTIALS_DIRECTORY/qqbot-secret"',
  );
  home.writeConfig(toml);
  const without = await home.run(['gateway', 'run']);
  expect(without.code).toBe(78);
  expect(without.stderr).toContain('`$CREDENTIALS_DIRECTORY` is not set, systemd gives it to the service alone');
  const daemon = home.start(['gateway', 'run'], [], { CREDENTIALS_DIRECTORY: credentials });
  await daemon.logs('connected to the QQ gateway');
});

// CI must ask systemd itself; elsewhere a machine without it says so and goes on.
if (spawnSync('systemd-analyze', ['--version']).error !== undefined && process.env.CI !== 'true') {
  process.stdout.write('note: no systemd on this machine, so the unit was not tried with it\n');
} else {
  describe('systemd', { timeout: 60_000 }, withSystemd);
}

function withSystemd(): void {
  const run = promisify(execFile);

  /** What `systemd-analyze` has against it; it must be called loong.service. */
  async function faults(unit: string, ...options: readonly string[]): Promise<string> {
    const path = join(home.folder, 'loong.service');
    writeFileSync(path, unit);
    const { stdout, stderr } = await run('systemd-analyze', [...options, 'verify', path], {
      env: { ...process.env, XDG_RUNTIME_DIR: home.folder },
    });
    return `${stdout}${stderr}`;
  }

  test('finds no fault in the unit, whatever the paths', async () => {
    expect(await faults(unitText(FACTS))).toBe('');
    const odd = join(home.folder, 'a 100% "odd" $HOME \\ folder');
    mkdirSync(odd);
    cpSync(process.execPath, join(odd, 'node'));
    const facts = {
      ...FACTS,
      node: join(odd, 'node'),
      loong: join(odd, 'loong.js'),
      config: join(odd, 'config.toml'),
      credentials: ['qqbot-secret', 'hook.key'],
      writes: [odd, '/var/log/loong'],
    };
    expect(await faults(unitText(facts))).toBe('');
    expect(await faults(unitText({ ...facts, home: home.folder }), '--user')).toBe('');
  });

  test('does find one where there is one', async () => {
    const broken = unitText(FACTS).replace(/^ExecStart=\S+/m, 'ExecStart=/nowhere/node');
    await expect(faults(broken)).rejects.toThrow('/nowhere/node');
    expect(await faults(unitText(FACTS).replace('ProtectSystem=strict', 'ProtectSystem=very'))).toContain(
      'Failed to parse',
    );
  });

  test('calls the service little exposed', async () => {
    const path = join(home.folder, 'loong.service');
    const judged = () => run('systemd-analyze', ['security', '--offline=true', '--threshold=20', '--no-pager', path]);
    writeFileSync(path, unitText(FACTS));
    expect((await judged()).stdout).toMatch(/exposure level for loong\.service: 1\.\d/);
    writeFileSync(
      path,
      unitText(FACTS).replace(/^ProtectSystem=.*$|^NoNewPrivileges=.*$|^CapabilityBoundingSet=.*$/gm, ''),
    );
    await expect(judged()).rejects.toThrow();
  });

  test('hears that the daemon runs, that it lives, and that it ends', async () => {
    const notify = await NotifySocket.open(join(home.folder, 'notify'));
    home.writeConfig(configFor(sandbox));
    const daemon = home.start(['gateway', 'run'], [], { NOTIFY_SOCKET: notify.path, WATCHDOG_USEC: '1000000' });
    await notify.hears('READY=1');
    await notify.hears('WATCHDOG=1', 2);
    expect(notify.heard[0]).toBe('READY=1');
    expect((await daemon.stop()).code).toBe(0);
    await notify.hears('STOPPING=1');
    expect(notify.heard.filter((one) => one !== 'WATCHDOG=1')).toEqual(['READY=1', 'STOPPING=1']);
    notify.close();
  });

  test('hears nothing of a daemon that never came to run', async () => {
    const notify = await NotifySocket.open(join(home.folder, 'notify'));
    home.writeConfig(configFor(sandbox, 'dm_policy = "allowlist"'));
    const ended = await home.run(['gateway', 'run'], { env: { NOTIFY_SOCKET: notify.path, WATCHDOG_USEC: '1000000' } });
    expect(ended.code).toBe(78);
    expect(notify.heard).toEqual([]);
    notify.close();
  });

  test('hears no more of one that stands still, and would start it again', async () => {
    const notify = await NotifySocket.open(join(home.folder, 'notify'));
    const still = join(home.folder, 'still');
    writeFileSync(still, '');
    home.writeConfig(configFor(sandbox));
    const preload = fileURLToPath(new URL('preload/stand-still.mjs', import.meta.url));
    const env = { NOTIFY_SOCKET: notify.path, WATCHDOG_USEC: '500000', STILL: still };
    const daemon = home.start(['gateway', 'run'], ['--import', preload], env);
    await notify.hears('WATCHDOG=1');
    daemon.child.kill('SIGUSR2');
    await daemon.logs('standing still');
    const before = notify.heard.length;
    // Somebody else's pings, one period apart, tell how long nothing was heard.
    for (const n of [1, 2, 3]) {
      await new Promise((resolve) => setTimeout(resolve, 500));
      await run('systemd-notify', [`X_OTHER=${n}`], { env: { PATH: process.env.PATH, NOTIFY_SOCKET: notify.path } });
    }
    await notify.hears('X_OTHER=3');
    // One may have been on its way.
    expect(notify.heard.slice(before).filter((one) => one === 'WATCHDOG=1').length).toBeLessThan(2);
    rmSync(still);
    await daemon.logs('going on');
    const after = notify.heard.filter((one) => one === 'WATCHDOG=1').length;
    await notify.hears('WATCHDOG=1', after + 1);
    notify.close();
  });

  test('a watchdog that waits for another process gets no pings', async () => {
    const notify = await NotifySocket.open(join(home.folder, 'notify'));
    home.writeConfig(configFor(sandbox));
    const env = { NOTIFY_SOCKET: notify.path, WATCHDOG_USEC: '1000', WATCHDOG_PID: '1' };
    const daemon = home.start(['gateway', 'run'], [], env);
    await notify.hears('READY=1');
    await daemon.logs('connected to the QQ gateway');
    await daemon.stop();
    await notify.hears('STOPPING=1');
    expect(notify.heard).toEqual(['READY=1', 'STOPPING=1']);
    notify.close();
  });
}
