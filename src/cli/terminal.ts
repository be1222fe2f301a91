/** Questions to whoever sits at the terminal: asked on stderr, answered in lines, and secrets are not seen while they are typed. */
import { createInterface, type Interface } from 'node:readline';
import { Writable } from 'node:stream';
import { LoongError, UsageError } from '../model/errors.js';

export class Terminal {
  /** Aborts when the person has enough: Ctrl-C, Ctrl-D, or the terminal is gone. */
  readonly signal: AbortSignal;
  readonly #stop = new AbortController();
  readonly #lines: Interface;
  /** Typed before they were asked for. */
  readonly #ahead: string[] = [];
  #onLine: ((line: string) => void) | undefined;
  /** But while something is asked openly: what is typed ahead may be a secret. */
  #isMuted = true;

  /** `instead`: what to do where nobody can be asked. @throws UsageError `usage.no_terminal` */
  constructor(instead: string) {
    if (process.stdin.isTTY !== true)
      throw new UsageError('usage.no_terminal', 'stdin is no terminal, so nobody can be asked', instead);
    this.signal = this.#stop.signal;
    const output = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        if (!this.#isMuted) process.stderr.write(chunk);
        done();
      },
    });
    // No history: it would keep secrets, and show them at the next question.
    this.#lines = createInterface({ input: process.stdin, output, terminal: true, historySize: 0 });
    this.#lines.on('line', (line) => {
      if (this.#onLine === undefined) this.#ahead.push(line);
      else this.#onLine(line);
    });
    for (const end of ['SIGINT', 'close'] as const) this.#lines.on(end, () => this.#stop.abort(cancelled()));
  }

  say(text: string): void {
    process.stderr.write(`${text}\n`);
  }

  /** The trimmed answer; `usual` for an empty one. Asked again while `fault` finds one. */
  async ask(question: string, usual: string, fault: (answer: string) => string | undefined): Promise<string> {
    for (;;) {
      this.#isMuted = false;
      const answer = (await this.#read(`${question}${usual === '' ? '' : ` [${usual}]`}: `)).trim() || usual;
      const wrong = fault(answer);
      if (wrong === undefined) return answer;
      this.say(`  ✗ ${wrong}`);
    }
  }

  /** As `ask`; what is typed is not seen. `usual` is not shown. */
  async askSecret(question: string, usual: string, fault: (answer: string) => string | undefined): Promise<string> {
    for (;;) {
      process.stderr.write(`${question}: `);
      const answer = (await this.#read('')).trim() || usual;
      process.stderr.write('\n');
      const wrong = fault(answer);
      if (wrong === undefined) return answer;
      this.say(`  ✗ ${wrong}`);
    }
  }

  /** One of `choices`, by its number; the first for an empty answer. */
  async choose<const C extends string>(question: string, choices: readonly (readonly [C, string])[]): Promise<C> {
    this.say(question);
    for (const [i, [, words]] of choices.entries()) this.say(`  ${i + 1}) ${words}`);
    const numbers = choices.map((_, i) => String(i + 1));
    const range = `1–${choices.length}`;
    const answer = await this.ask('请选择 / which', '1', (typed) =>
      numbers.includes(typed) ? undefined : `请填 ${range} / a number of ${range}`,
    );
    return (choices[Number(answer) - 1] as readonly [C, string])[0];
  }

  close(): void {
    this.#lines.removeAllListeners('close');
    this.#lines.close();
  }

  /** @throws LoongError `usage.cancelled` */
  async #read(prompt: string): Promise<string> {
    this.signal.throwIfAborted();
    this.#lines.setPrompt(prompt);
    this.#lines.prompt();
    const ahead = this.#ahead.shift();
    this.#isMuted ||= ahead !== undefined;
    return ahead ?? this.#nextLine();
  }

  #nextLine(): Promise<string> {
    return new Promise((resolve, reject) => {
      const stop = () => reject(this.signal.reason);
      this.signal.addEventListener('abort', stop, { once: true });
      this.#onLine = (line) => {
        this.#onLine = undefined;
        this.#isMuted = true;
        this.signal.removeEventListener('abort', stop);
        resolve(line);
      };
    });
  }
}

function cancelled(): LoongError {
  return new LoongError('usage.cancelled', 'broken off: nothing was written', { remedy: 'run it again' });
}
