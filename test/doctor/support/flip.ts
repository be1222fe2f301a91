/** A check of the doctor, seen well, then broken by breaking the real thing, then well again by what its remedy says. */
import { type ExecFileException, execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { type Sandbox, startSandbox } from '../../../src/sandbox/sandbox.js';
import { configFor, LoongHome, type LoongProcess } from '../../support/loong-process.js';

const BIN = fileURLToPath(new URL('../../../bin/loong.js', import.meta.url));

interface Check {
  readonly name: string;
  readonly level: 'ok' | 'warn' | 'fail';
  readonly detail: string;
  readonly remedy?: string;
}

/** One operator, one platform, and what the operator types. */
export class World {
  readonly home: LoongHome;
  readonly sandbox: Sandbox;
  /** Given to every command. */
  env: NodeJS.ProcessEnv = {};
  /** Loaded before the doctor: what the machine is like. */
  preload: string | undefined;

  private constructor(home: LoongHome, sandbox: Sandbox) {
    this.home = home;
    this.sandbox = sandbox;
    this.config = configFor(sandbox);
  }

  static async open(): Promise<World> {
    const world = new World(new LoongHome(), await startSandbox());
    onTestFinished(async () => {
      await world.home.remove();
      await world.sandbox.close();
    });
    return world;
  }

  get stateDir(): string {
    return join(this.home.folder, 'state');
  }

  get config(): string {
    return readFileSync(this.home.configPath, 'utf8');
  }

  set config(toml: string) {
    this.home.writeConfig(toml);
  }

  /** Corrects the config as with an editor. */
  edit(before: string | RegExp, after: string): void {
    const edited = this.config.replace(before, after);
    expect(edited).not.toBe(this.config);
    this.config = edited;
  }

  async daemon(logs = 'loong runs'): Promise<LoongProcess> {
    const daemon = this.home.start(['gateway', 'run'], [], this.env);
    await daemon.logs(logs);
    return daemon;
  }

  /** Something was sent once, so there are a state directory and its databases. */
  async used(): Promise<void> {
    const sent = await this.loong('channels', 'send', 'qqbot', '--target', 'c2c:openid_alice', '--text', 'hi');
    expect(sent.code, sent.stderr).toBe(0);
  }

  loong(...args: readonly string[]) {
    return this.home.run(args, { env: this.env });
  }

  /** Runs the commands that a remedy shows in backquotes, as a shell would: `loong` is the one of this test. */
  async runCommandOf(remedy: string): Promise<void> {
    const [, command] = /`([^`]+)`/.exec(remedy) ?? [];
    expect(command, remedy).toBeTruthy();
    const text = `loong() { ${JSON.stringify(process.execPath)} ${JSON.stringify(BIN)} "$@"; }\n${command}`;
    const env = { PATH: process.env.PATH, HOME: this.home.folder, LOONG_HOME: this.home.folder, ...this.env };
    await new Promise<void>((resolve, reject) => {
      execFile('bash', ['-c', text], { env }, (error: ExecFileException | null) => (error ? reject(error) : resolve()));
    });
  }

  /** Undefined: the doctor says nothing of it. */
  async check(name: string): Promise<Check | undefined> {
    const nodeArgs = this.preload === undefined ? [] : ['--import', this.preload];
    const { code, stdout, stderr } = await this.home.start(['doctor', '--json'], nodeArgs, this.env).ended;
    const { ok, checks } = JSON.parse(stdout) as { readonly ok: boolean; readonly checks: readonly Check[] };
    expect(code, stderr).toBe(ok ? 0 : 1);
    for (const { level, remedy, name: of } of checks)
      if (level === 'fail') expect([of, remedy]).toEqual([of, expect.any(String)]);
    return checks.find((check) => check.name === name);
  }
}

interface Flip {
  /** What else the well world has; the config of one account of the official bot is there. */
  readonly given?: (world: World) => void | Promise<void>;
  readonly broken: (world: World) => unknown;
  readonly level?: 'warn';
  readonly detail: RegExp;
  readonly remedy: RegExp;
  /** Does what the remedy says, and nothing else. */
  readonly mended: (world: World, remedy: string, detail: string) => unknown;
  /** The doctor has a line about it only when something is wrong. */
  readonly isSilentWhenWell?: true;
}

/** `check`: as the doctor names it. `how`: where one check can fail in several ways. */
export function flip(check: string, how: string, flip: Flip): void {
  const { level = 'fail' } = flip;
  test(`${check}: ${how}`, { timeout: 120_000 }, async () => {
    const world = await World.open();
    await flip.given?.(world);
    const isWell = async () => {
      const found = await world.check(check);
      if (flip.isSilentWhenWell && found === undefined) return;
      expect(found).toMatchObject({ name: check, level: 'ok' });
      expect(found?.remedy).toBeUndefined();
    };
    await isWell();
    await flip.broken(world);
    const found = await world.check(check);
    expect(found).toMatchObject({ name: check, level, detail: expect.stringMatching(flip.detail) });
    const { detail = '', remedy } = found ?? {};
    // A warning of the config is one sentence, with what to do in it.
    expect(remedy ?? detail).toMatch(flip.remedy);
    await flip.mended(world, remedy ?? '', detail);
    await isWell();
  });
}
