/** A few lines of JavaScript as a process of their own, with the built product (`npm run build`) at hand. */
import { type ChildProcess, spawn } from 'node:child_process';
import { onTestFinished } from 'vitest';
import { waitUntil } from './wait-until.js';

const DIST = new URL('../../dist/', import.meta.url).href;

export class ChildScript {
  readonly child: ChildProcess;
  readonly ended: Promise<void>;
  stdout = '';
  stderr = '';

  /** `script` is an ES module; it imports from `DIST + 'store/owner.js'`, and finds `args` in `process.argv` from 2 on. It is killed when the test is over. */
  constructor(script: string, args: readonly string[]) {
    const source = `import module from 'node:module';
process.argv.splice(1, 0, 'script');
const DIST = ${JSON.stringify(DIST)};
const require = module.createRequire(DIST);
${script}`;
    this.child = spawn(process.execPath, ['--input-type=module', '-e', source, ...args], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.child.stdout?.on('data', (chunk: Buffer) => {
      this.stdout += chunk.toString();
    });
    this.child.stderr?.on('data', (chunk: Buffer) => {
      this.stderr += chunk.toString();
    });
    this.ended = new Promise((resolve) => this.child.once('close', () => resolve()));
    onTestFinished(() => this.kill());
  }

  /** Resolves once the script has written this to stdout. */
  async says(text: string): Promise<void> {
    await waitUntil(`"${text}" from the child:\n${this.stdout}\n${this.stderr}`, () => this.stdout.includes(text));
  }

  /** SIGKILL, and the end of the process. */
  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.ended;
  }
}
