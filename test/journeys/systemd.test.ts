/** The unit and the shell of an operator: two environments, one daemon. */
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.js';
import { configFor, LoongHome, type LoongProcess } from '../support/loong-process.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const HIDDEN = 'only $STATE_DIRECTORY tells';

let sandbox: Sandbox;
let home: LoongHome;
let state: string;

beforeEach(async () => {
  sandbox = await startSandbox();
  home = new LoongHome();
  state = join(home.folder, 'given-by-systemd');
});

afterEach(async () => {
  await home.remove();
  await sandbox.close();
});

/** As the unit starts it: with a variable that no shell has. */
async function asUnit(): Promise<LoongProcess> {
  const daemon = home.start(['gateway', 'run'], [], { STATE_DIRECTORY: state });
  await daemon.logs('connected to the QQ gateway');
  expect(existsSync(join(state, 'loong.db'))).toBe(true);
  return daemon;
}

/** A `systemctl` that knows one unit, in front of PATH. */
function systemctl(active: boolean): NodeJS.ProcessEnv {
  const bin = join(home.folder, 'bin');
  mkdirSync(bin, { recursive: true });
  writeFileSync(
    join(bin, 'systemctl'),
    `#!/bin/sh\n[ "$*" = "is-active --quiet loong" ] && exit ${active ? 0 : 3}\nexit 1\n`,
  );
  chmodSync(join(bin, 'systemctl'), 0o755);
  return { PATH: `${bin}:${process.env.PATH}` };
}

test('a config that says where the unit keeps its state lets every command find the daemon', async () => {
  home.writeConfig(configFor(sandbox, undefined, `[gateway]\nstate_dir = ${JSON.stringify(state)}\n`));
  const daemon = await asUnit();
  expect(daemon.stderr).not.toContain(HIDDEN);
  expect((await home.run(['gateway', 'status'])).code).toBe(0);
  const sent = await home.run([
    'channels',
    'send',
    'qqbot',
    '--target',
    'c2c:openid_alice',
    '--text',
    'x',
    '--no-wait',
  ]);
  expect(sent.code).toBe(0); // without a daemon it would be 69
});

test('without that the daemon says at once that a shell will look elsewhere', async () => {
  home.writeConfig(configFor(sandbox));
  const daemon = await asUnit();
  expect(daemon.stderr).toContain(HIDDEN);
  expect(daemon.stderr).toContain(state);
});

test('where the unit runs and no daemon is found, the commands tell what parts them', async () => {
  home.writeConfig(configFor(sandbox));
  await asUnit();
  const env = systemctl(true);
  for (const command of ['status', 'stop']) {
    const ended = await home.run(['gateway', command], { env });
    expect(ended.code).toBe(69);
    expect(ended.stderr).toMatch(/systemd unit `loong` runs\n {2}→ .*state_dir = "\/var\/lib\/loong"/);
  }
  const doctor = await home.run(['doctor', '--offline', '--json'], { env });
  const owner = JSON.parse(doctor.stdout).checks.find(({ name }: { name: string }) => name === 'owner');
  expect(owner).toMatchObject({ level: 'warn', remedy: expect.stringContaining('state_dir') });
});

test('where it does not run, nothing is said of it', async () => {
  home.writeConfig(configFor(sandbox));
  const status = await home.run(['gateway', 'status'], { env: systemctl(false) });
  expect(status.stderr).not.toContain('systemd');
  const doctor = await home.run(['doctor', '--offline'], { env: systemctl(false) });
  expect(doctor.stdout).toMatch(/ok +owner/);
});

test('the unit and both READMEs say where the state is, in the same words', async () => {
  const unit = (await home.run(['service', 'print', '--config', '/etc/loong/config.toml'])).stdout;
  const folder = `/var/lib/${/^StateDirectory=(.*)$/m.exec(unit)?.[1]}`;
  const read = (file: string) => [file, readFileSync(join(ROOT, file), 'utf8')] as const;
  for (const [name, text] of [['the unit', unit] as const, read('README.md'), read('README.zh-CN.md')]) {
    expect([name, text.includes(`state_dir = "${folder}"`)]).toEqual([name, true]);
    expect([name, text.includes('sudo -u loong loong --config /etc/loong/config.toml')]).toEqual([name, true]);
  }
});
