/** A command at a pseudo terminal (script of util-linux), and somebody who reads its questions and types. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { waitUntil } from './wait-until.js';

const BIN = fileURLToPath(new URL('../../bin/loong.js', import.meta.url));
const PRESS = { enter: '\r', ctrlC: '\x03', ctrlD: '\x04' } as const;

export class AtTerminal {
  /** All that is on the screen. */
  screen = '';
  readonly ended: Promise<number | null>;
  readonly #child;
  #read = 0;

  constructor(args: readonly string[], env: NodeJS.ProcessEnv, cwd: string) {
    const command = [process.execPath, BIN, ...args].map((part) => `'${part}'`).join(' ');
    this.#child = spawn('script', ['--quiet', '--return', '--command', command, '/dev/null'], {
      env: { PATH: process.env.PATH, TERM: 'xterm', ...env },
      cwd,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#child.stdout.on('data', (chunk: Buffer) => {
      this.screen += chunk.toString();
    });
    this.ended = new Promise((resolve) => this.#child.once('close', resolve));
    onTestFinished(() => void this.#child.kill('SIGKILL'));
  }

  /** Waits until this is on the screen, below what was waited for before. */
  async sees(text: string): Promise<void> {
    await waitUntil(`"${text}" on the screen:\n${this.screen.slice(this.#read)}`, () =>
      this.screen.includes(text, this.#read),
    );
    this.#read = this.screen.indexOf(text, this.#read) + text.length;
  }

  async types(question: string, answer: string): Promise<void> {
    await this.sees(question);
    this.#child.stdin.write(`${answer}${PRESS.enter}`);
  }

  async presses(question: string, key: keyof typeof PRESS): Promise<void> {
    await this.sees(question);
    this.#child.stdin.write(PRESS[key]);
  }
}
