/** The real `loong` as a process of its own, with a home of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Sandbox } from '../../src/sandbox/sandbox.js';
import { waitUntil } from './wait-until.js';

const BIN = fileURLToPath(new URL('../../bin/loong.js', import.meta.url));

/** What a command left behind. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A folder with a config and a state directory, as one operator would have it. */
export class LoongHome {
  readonly folder = mkdtempSync(join(tmpdir(), 'loong-test-'));
  readonly configPath = join(this.folder, 'config.toml');
  readonly #running = new Set<LoongProcess>();

  writeConfig(toml: string): void {
    writeFileSync(this.configPath, toml, { mode: 0o600 });
  }

  /** Starts a command that stays. `nodeArgs` go before the script. */
  start(
    args: readonly string[],
    nodeArgs: readonly string[] = [],
    env: NodeJS.ProcessEnv = {},
    cwd?: string,
  ): LoongProcess {
    const child = spawn(process.execPath, [...nodeArgs, BIN, ...args], {
      env: this.#env(env),
      ...(cwd === undefined ? {} : { cwd }),
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const started = new LoongProcess(child);
    this.#running.add(started);
    void started.ended.then(() => this.#running.delete(started));
    return started;
  }

  /** Runs a command to its end. */
  run(
    args: readonly string[],
    options: { readonly stdin?: string; readonly env?: NodeJS.ProcessEnv; readonly cwd?: string } = {},
  ): Promise<Ended> {
    const command = this.start(args, [], options.env, options.cwd);
    command.child.stdin?.end(options.stdin ?? '');
    return command.ended;
  }

  #env(extra: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
    return { PATH: process.env.PATH, HOME: this.folder, LOONG_HOME: this.folder, ...extra };
  }

  /** Kills what still runs and removes the folder. */
  async remove(): Promise<void> {
    for (const running of this.#running) running.child.kill('SIGKILL');
    await Promise.all([...this.#running].map((running) => running.ended));
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export class LoongProcess {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  stdout = '';
  stderr = '';

  constructor(child: ChildProcess) {
    this.child = child;
    child.stdout?.on('data', (chunk: Buffer) => {
      this.stdout += chunk.toString();
    });
    child.stderr?.on('data', (chunk: Buffer) => {
      this.stderr += chunk.toString();
    });
    this.ended = new Promise((resolve) => {
      child.once('close', (code, signal) => resolve({ code, signal, stdout: this.stdout, stderr: this.stderr }));
    });
  }

  /** Resolves once stderr holds `text` (again, when `times` is more than 1). */
  async logs(text: string, times = 1): Promise<void> {
    await waitUntil(`${text} in the log:\n${this.stderr}`, () => this.stderr.split(text).length > times);
  }

  /** SIGKILL, and the end of the process. */
  async kill(): Promise<Ended> {
    this.child.kill('SIGKILL');
    return this.ended;
  }

  /** SIGTERM, and the end of the process. */
  async stop(): Promise<Ended> {
    this.child.kill('SIGTERM');
    return this.ended;
  }
}

/** A config for one account on this sandbox. `keys` are further lines of `[qqbot]`, `tables` whatever follows. */
export function configFor(sandbox: Sandbox, keys = 'allowed_peer_ids = ["openid_alice"]', tables = ''): string {
  return `[qqbot]
app_id = "${sandbox.appId}"
client_secret = "${sandbox.clientSecret}"
api_base_url = "${sandbox.apiBaseUrl}"
token_url = "${sandbox.tokenUrl}"
${keys}
${tables}`;
}
